"""A desk with people on call, on a store: news opens pages, the clock is moved by hand, and what is sent is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.store.made import NOON, changed
from watcher import outbox as letters
from watcher.config.sections import Person
from watcher.core import Alert, Button, Delivery, Line, Sent, Severity
from watcher.oncall.pages import Ask, Page, Policy, Step
from watcher.paging import Paging, Ticked
from watcher.people import Chat, Member, Role
from watcher.render import as_text
from watcher.store import Connection, Store, changes, chats, outbox, pages

ANA, BEN, ED = 11, 22, 33
ADMIN = 99
CHANNELS = {"console", "desk"}
STEPS = (
    Ask("person:Ana", timedelta(minutes=5)),
    Ask("person:Ben", timedelta(minutes=10)),
    Ask("channel:desk", timedelta(minutes=10)),
)


def letter(channel: str, route: str, key: str, lines: Sequence[Line], **more: Any) -> tuple[Alert, Sequence[Delivery]]:
    """A letter to a chat or to one of two channels."""
    if channel not in CHANNELS and not channel.startswith("telegram:"):
        raise LookupError(channel)
    return letters.letter(channel, route, key, lines, limit=4000, measure=lambda told: len(as_text(told)), **more)


def member(user: int, role: Role = Role.REPORTER, name: str = "") -> Member:
    return Member(user, name or f"user {user}", role, NOON)


@dataclass
class Room:
    """`now` stands until it is moved. `sent` is what channels took: the channel, the text, the rows of buttons."""

    store: Store
    steps: tuple[Ask, ...] = STEPS
    loops: int = 3
    now: datetime = NOON
    sent: list[Delivery] = field(default_factory=list)
    works: bool = True
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def paging(self) -> Paging:
        people = {name: Person(name=name, telegram=user) for name, user in (("Ana", ANA), ("Ben", BEN), ("Ed", ED))}
        policies = {"immigration": Policy(self.steps, self.loops)}
        return Paging(people, policies, letter, "console", UTC, (ADMIN,), **self.more)

    def news(self, *numbers: int, severity: Severity = Severity.MAJOR, source: str = "list") -> Page:
        """News that calls for a page, stored as a check stores it, and sent."""
        found = [changed(number, severity=severity, source=source) for number in numbers or (1,)]

        def store(conn: Connection) -> Page | None:
            changes.put_changes(conn, found)
            return self.paging.open_page(conn, "immigration", source, found, self.now)

        page = self.store.run_sync(store)
        assert page is not None
        self.send()
        return page

    def tick(self, *, minutes: float = 0, seconds: float = 0) -> Ticked:
        """Let the clock go on, take what is due, and send it."""
        self.now += timedelta(minutes=minutes, seconds=seconds)
        ticked = self.store.run_sync(self.paging.tick, self.now)
        self.send()
        return ticked

    def send(self) -> None:
        """What is due is taken by its channels."""
        while self.works and (
            batch := self.store.run_sync(outbox.claim, self.now, limit=50, lease=timedelta(minutes=1))
        ):
            for row in batch:
                self.store.run_sync(outbox.record, row, Sent(f"{row.channel}/{len(self.sent)}"), self.now)
                self.sent.append(row)

    def press(self, user: int, action: str, level: int | None = None, *, note: str = "", page: str = "") -> str:
        """Somebody presses a button of the page, by default as it stands."""
        one = page or self.page().id
        return self.store.run_sync(self.paging.act, one, action, member(user), level, self.now, note)

    def page(self) -> Page:
        """The newest page."""
        return self.store.read_sync(pages.latest, 1)[0]

    def steps_of(self, state: str = "fired") -> list[Step]:
        return [step for step in self.store.read_sync(pages.steps, self.page().id) if step.state == state]

    def fired(self) -> list[tuple[int, int, int]]:
        return [(step.turn, step.loop, step.step) for step in self.steps_of()]

    def asked(self) -> list[str]:
        """Which channels got a ping, in order."""
        pings = {step.alert for step in self.store.read_sync(pages.steps, self.page().id)} - {""}
        return [row.channel for row in self.sent if row.alert in pings]

    def told(self) -> list[tuple[str, str]]:
        """What was sent since this was asked last."""
        told = [(row.channel, as_text(row.lines)) for row in self.sent]
        self.sent.clear()
        return told

    def chat(self, name: str, state: str = "active", reason: str = "") -> None:
        self.store.run_sync(chats.put, Chat(name, "private", "", NOON, state, reason))


def button(row: Delivery, text: str) -> Button:
    """The button of a message with this text."""
    return next(one for line in row.extras.buttons for one in line if one.text == text)
