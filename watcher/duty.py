"""Who is on call by the rotas that are stored: kept up to date, exchanged, handed over, and reported where they end.

For paging and the command line. The rules of rotas are those of oncall; here its values are brought from the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

from watcher import pings
from watcher.config import Config
from watcher.config.sections import Person
from watcher.core import Line, content_id, instant
from watcher.oncall import rota as core
from watcher.oncall.calendar import Calendar
from watcher.oncall.pages import Page
from watcher.oncall.rota import EARLIEST, Event, Override, Roster, Shift, Version
from watcher.people import TELEGRAM, Deed
from watcher.store import Connection, alerts, audit, chats, rotas
from watcher.store.rotas import OVERRIDE, VERSION, Kept

AHEAD = timedelta(minutes=15)
"""How long before the end of a shift both people are told, where pages stand."""
HORIZON = timedelta(days=30)
"""How far ahead gaps are looked for."""
LONGEST = timedelta(days=366)
WEEK = timedelta(weeks=1)
SECOND = timedelta(seconds=1)
HANDOFF, GAPS = "handoff", "rota-gaps"
"""Routes of the messages to people who hand over, and to the operator where nobody is on."""

Calendars = Mapping[str, Sequence[Event]]
"""The events of those rotas that have a calendar, as oncall.calendar reads them, by the rota's name."""
Write = Callable[[str, str, str, Sequence[Line]], object]
"""Writes a message: to a channel, of which route, with which key (the same is written once), and its lines."""


class NotPossible(Exception):  # noqa: N818 - an answer to a person, not a fault
    """An exchange that cannot be made; its text says why, and what can be done."""


class Asked(NamedTuple):
    """Whom a ping means: a person (none for a channel) and where to write; or the `reason` why that is nobody."""

    person: str = ""
    channel: str = ""
    reason: str = ""


# ---------------------------------------------------------------- as stored


def sync(conn: Connection, config: Config, now: datetime) -> list[str]:
    """Keep the rotas as config.toml has them: one that differs is a new version from now on. Returns their names."""
    changed = []
    for one in config.rotas:
        body = {
            "people": list(one.people),
            "start": one.start.isoformat(),
            "handoff": one.handoff,
            "every": int(one.every.total_seconds()),
            "zone": (one.timezone or config.timezone).key,
            "calendar": one.calendar,
        }
        versions = rotas.kept(conn, VERSION, one.name, changing=True)
        if not versions or dict(versions[-1].body) != body:
            number = f"{len(versions):06}"
            since = now if versions else EARLIEST  # what the first one says was so before anybody asked
            rotas.put(conn, Kept(one.name, number, VERSION, body, since, None, config.path.name, now))
            changed.append(one.name)
    return changed


def roster(conn: Connection, rota: str, calendars: Calendars) -> Roster:
    """Return all that is known of a rota; one that is not stored has nobody on call."""
    return Roster(
        tuple(_version(one) for one in rotas.kept(conn, VERSION, rota)),
        tuple(_override(one) for one in rotas.kept(conn, OVERRIDE, rota)),
        tuple(calendars.get(rota, ())),
    )


def _version(kept: Kept) -> Version:
    body = kept.body
    return Version(
        people=tuple(body["people"]),
        start=date.fromisoformat(body["start"]),
        handoff=body["handoff"],
        every=timedelta(seconds=body["every"]),
        zone=ZoneInfo(body["zone"]),
        valid_from=kept.start,
        by_calendar=bool(body["calendar"]),
    )


def _override(kept: Kept) -> Override:
    assert kept.end is not None
    kind, person, replaces = kept.body["kind"], kept.body["person"], kept.body["replaces"]
    return Override(kept.id, kind, person, kept.start, kept.end, kept.made, replaces)


def on_duty(conn: Connection, rota: str, now: datetime, calendars: Calendars) -> str:
    """Return the name of the person on call, "" for nobody."""
    return core.shift_at(roster(conn, rota, calendars), now).person


def whom(conn: Connection, ping: str, people: Mapping[str, Person], now: datetime, calendars: Calendars) -> Asked:
    """Return who is meant by "rota:NAME", "person:NAME" or "channel:NAME" at this moment."""
    kind, _, name = ping.partition(":")
    if kind == "channel":
        return if_reached(conn, Asked("", name))
    if kind == "rota":
        rota, name = name, on_duty(conn, name, now, calendars)
        if not name:
            return Asked(reason=f"nobody is on call in {rota}")
    chat = _chat(people, name)
    return if_reached(conn, Asked(name, chat)) if chat else Asked(name, reason=f"{name} has no Telegram id")


def if_reached(conn: Connection, asked: Asked) -> Asked:
    """Return the same, or why nothing is sent there."""
    chat = chats.chat(conn, asked.channel)
    if chat is None or chat.state == "active":
        return asked
    return asked._replace(reason=f"the chat is {chat.state}: {chat.reason}")


def _chat(people: Mapping[str, Person], name: str) -> str:
    person = people.get(name)
    return f"{TELEGRAM}{person.telegram}" if person and person.telegram else ""


def shifts(conn: Connection, rota: str, start: datetime, end: datetime, calendars: Calendars) -> list[Shift]:
    """Return the shifts from `start` to `end`, each whole, and the gaps between them, cut to that time."""
    found = core.shifts(roster(conn, rota, calendars), start, end)
    return [one if one.person else one._replace(start=max(one.start, start), end=min(one.end, end)) for one in found]


def calendar(config: Config, rota: str, content: bytes, now: datetime) -> Calendar:
    """Read the calendar of a rota, from a week ago to a year ahead. Raises CalendarError."""
    from watcher.oncall.calendar import read

    one = next(one for one in config.rotas if one.name == rota)
    names = [person.name for person in config.people]
    return read(content, names, one.timezone or config.timezone, now - WEEK, now + LONGEST)


# ---------------------------------------------------------------- exchanges


@dataclass(frozen=True, slots=True)
class Exchange:
    """One change of a rota, by somebody, now. Each method returns what to say, and raises NotPossible.

    `by` is their name and `who` their Telegram user id, if they have one.
    """

    conn: Connection
    rota: str
    by: str
    now: datetime
    calendars: Calendars = field(default_factory=dict)
    who: int | None = None

    def __post_init__(self) -> None:
        """Keep others from changing the same rota before this transaction ends."""
        if not rotas.kept(self.conn, VERSION, self.rota, changing=True):
            raise NotPossible(f"there is no rota {self.rota:.80}")

    def take(self, person: str, start: datetime | None = None, end: datetime | None = None) -> str:
        """`person` takes over all between two times; without an end, what is left of the shift that runs then."""
        start = start or self.now
        if end is not None:
            return self.override(person, start, end)
        running = core.shift_at(self._roster(), start)
        if not running.person:
            raise NotPossible(f"nobody is on call in {self.rota} then: say until when {person} takes over")
        if running.person == person:
            raise NotPossible(f"{person} is on call in {self.rota} already")
        return self.override(person, start, running.end, instead=running.person)

    def swap(self, person: str, other: str) -> str:
        """Two people exchange their next shifts, or what is left of one that runs."""
        if person == other:
            raise NotPossible("two people exchange shifts: name another one")
        first: dict[str, Shift] = {}
        for shift in core.shifts(self._roster(), self.now, self.now + LONGEST):
            first.setdefault(shift.person, shift)
            if person in first and other in first:
                break
        for name in (person, other):
            if name not in first:
                raise NotPossible(f"{name} has no shift in {self.rota} within a year")
        mine, yours = first[person], first[other]
        said = self.override(other, mine.start, mine.end, instead=person)
        return f"{said}\n{self.override(person, yours.start, yours.end, instead=other)}"

    def override(self, person: str, start: datetime, end: datetime, instead: str = "") -> str:
        """`person` is on call between two times, whoever else would be, or only while `instead` is.

        What has passed is never changed: it holds from now on at the earliest.
        """
        start = max(start, self.now)
        if end - start > LONGEST:
            raise NotPossible("an exchange lasts a year at most")
        kind = "replace" if instead else "whole"
        made = content_id(self.rota, person, instead, instant(start), instant(end), instant(self.now))[:8]
        against = core.conflict(self._roster(), Override(made, kind, person, start, end, self.now, instead))
        if against:
            raise NotPossible(f"{against}; `watcher oncall` lists who is on, and which exchange can be cancelled")
        body = {"kind": kind, "person": person, "replaces": instead}
        rotas.put(self.conn, Kept(self.rota, made, OVERRIDE, body, start, end, self.by, self.now))
        self._note("override", {"id": made, "from": instant(start), "until": instant(end), **body})
        zone = self._roster().versions[-1].zone
        times = f"from {_moment(start, zone)} until {_moment(end, zone)}"
        return f"{person} is on call in {self.rota} {times} ({made})."

    def cancel(self, exchange: str) -> str:
        """An exchange holds no more; of one that runs, what is left."""
        known = next((one for one in rotas.kept(self.conn, OVERRIDE, self.rota) if one.id == exchange), None)
        if known is None or not rotas.cancel(self.conn, self.rota, exchange, self.now):
            raise NotPossible(f"there is no exchange {exchange!r:.40} in {self.rota} that could be cancelled")
        self._note("override-cancelled", {"id": exchange})
        return f"{known.body['person']} does not take over in {self.rota} any more ({exchange})."

    def _roster(self) -> Roster:
        return roster(self.conn, self.rota, self.calendars)

    def _note(self, action: str, detail: Mapping[str, str]) -> None:
        audit.put(self.conn, Deed(self.now, self.who, "", action, self.rota, {"by": self.by, **detail}))


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %b %d, %H:%M %Z}"


# ---------------------------------------------------------------- messages


def hand_over(
    conn: Connection,
    write: Write,
    people: Mapping[str, Person],
    standing: Sequence[Page],
    now: datetime,
    zone: tzinfo,
    calendars: Calendars,
) -> None:
    """Tell both people of the end of a shift, before and when it ends, each once, while pages of its rota stand."""
    asking: defaultdict[str, list[Page]] = defaultdict(list)
    for page in standing:
        for ping in {ask.ping for ask in page.policy.steps if ask.ping.startswith("rota:")}:
            asking[ping.removeprefix("rota:")].append(page)
    for rota, mine in asking.items():
        near = shifts(conn, rota, now - AHEAD - SECOND, now + AHEAD + SECOND, calendars)
        for before, after in pairwise(near):
            if before.person == after.person or not now - AHEAD <= after.start <= now + AHEAD:
                continue
            ahead = after.start > now
            lines = pings.handoff(rota, before.person, after.person, after.start, mine, zone, ahead=ahead)
            key = f"{rota} {instant(after.start)} {'ahead' if ahead else 'now'}"
            for chat in filter(None, (_chat(people, one.person) for one in (before, after))):
                if not alerts.made(conn, [content_id(HANDOFF, chat, key)]):
                    write(chat, HANDOFF, key, lines)


def report_gaps(
    conn: Connection,
    write: Write,
    operator: str,
    names: Iterable[str],
    now: datetime,
    zone: tzinfo,
    calendars: Calendars,
) -> int:
    """Tell the operator of the hours of the next 30 days that nobody is on call, once a week and after each edit.

    Of a rota whose calendar is not read yet, nothing is known. Returns how many of these rotas have such hours.
    """
    found = 0
    for rota in names:
        if rota not in calendars and any(one.by_calendar for one in roster(conn, rota, calendars).versions[-1:]):
            continue
        gaps = [(one.start, one.end) for one in shifts(conn, rota, now, now + HORIZON, calendars) if not one.person]
        if gaps:
            found += 1
            year, week, _ = now.astimezone(zone).isocalendar()
            key = f"{rota} {year}-{week} {rotas.edits(conn, rota)}"
            if not alerts.made(conn, [content_id(GAPS, operator, key)]):
                write(operator, GAPS, key, pings.gaps(rota, gaps, zone))
    return found
