"""Pages are opened with the alert that calls for them, their steps taken when due, and what people press is applied.

Beside the pipeline. What an event means is said by oncall.pages; here it is stored, and the messages that follow are
written to the outbox, in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import NamedTuple

from watcher import duty, pings, readers
from watcher.config import Config
from watcher.config.sections import Escalation, Person
from watcher.core import Change, Extras, Lane, Line, Run
from watcher.duty import Asked
from watcher.oncall import pages as core
from watcher.oncall.pages import ASKED, CLOSED, DONE, FALLBACK, OPEN, Ask, Ladder, Move, Page, Policy, Step, Touch
from watcher.outbox import Letter
from watcher.people import TELEGRAM, Deed, Member, Role
from watcher.route import Rule, matches
from watcher.silences import keep_out, let_in, offered
from watcher.store import Connection, audit, changes, outbox, pages
from watcher.subscriptions.filters import describe

REACHED = {"sent", "sending"}
"""States of a message that somebody may have before them."""
LONGEST_NAME = 64
SILENCES = {"silence": keep_out, "unsilence": let_in}


class Ticked(NamedTuple):
    """How many pages stand, and how many of their steps were overdue by our fault."""

    standing: int = 0
    late: int = 0


@dataclass(frozen=True, slots=True)
class Paging:
    """What is needed to ask people: who they are, the escalations, how letters are made, where faults go."""

    people: Mapping[str, Person]
    policies: Mapping[str, Policy]
    letter: Letter
    operator: str
    zone: tzinfo
    admins: tuple[int, ...] = ()
    urls: Mapping[str, str] = field(default_factory=dict)
    calendars: duty.Calendars = field(default_factory=dict)
    rotas: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, config: Config, letter: Letter, urls: Mapping[str, str], calendars: duty.Calendars | None = None
    ) -> Paging:
        """As config.toml says; `urls` are the pages of the sources, `calendars` the events of rotas that have one.

        Both may be filled later on.
        """
        return cls(
            people={one.name: one for one in config.people},
            policies={one.name: _policy(one) for one in config.escalations},
            letter=letter,
            operator=config.operator,
            zone=config.timezone,
            admins=config.telegram.admins if config.telegram else (),
            urls=urls,
            calendars={} if calendars is None else calendars,
            rotas=tuple(one.name for one in config.rotas),
        )

    # ------------------------------------------------------------ news

    def open_pages(self, conn: Connection, rules: Iterable[Rule], found: Sequence[Change], now: datetime) -> None:
        """Page for the changes that match a rule with an escalation, in the transaction that stores them."""
        for rule in rules:
            if rule.page:
                matched = [change for change in found if matches(rule, change)]
                for source in dict.fromkeys(change.source for change in matched):
                    mine = [change for change in matched if change.source == source]
                    self.open_page(conn, rule.page, source, mine, now)

    def open_page(
        self, conn: Connection, escalation: str, source: str, found: Sequence[Change], now: datetime
    ) -> Page | None:
        """Open a page and take its first step; news of a source whose page stands joins it. Twice is once.

        None for an escalation that config.toml does not have (any more).
        """
        ids, severity = [change.id for change in found], max(change.severity for change in found)
        if standing := pages.standing_on(conn, escalation, source):
            return self._apply(conn, standing, core.joined(standing, ids, severity), now)
        policy = self.policies.get(escalation)
        if policy is None:
            return None
        page = core.opened(escalation, policy, source, ids, severity, now)
        if known := pages.page(conn, page.id):
            return known
        pages.put(conn, page)
        pages.put_step(conn, core.begin(page, 0, now))
        return self._ask(conn, page, now)

    # ------------------------------------------------------------ time

    def tick(self, conn: Connection, now: datetime) -> Ticked:
        """Take the steps that are due, end what has lapsed, and hand over at the end of shifts; each of it once."""
        standing = pages.standing(conn, moving=True)
        late = sum(self._tick(conn, page, now) for page in standing)
        if standing:
            write = partial(self.write, conn, now=now)
            duty.hand_over(conn, write, self.people, standing, now, self.zone, self.calendars)
        return Ticked(len(standing), late)

    def report_gaps(self, conn: Connection, now: datetime) -> int:
        """Tell the operator where nobody is on call in the next 30 days: each week, and after each edit of a rota."""
        write = partial(self.write, conn, now=now)
        return duty.report_gaps(conn, write, self.operator, self.rotas, now, self.zone, self.calendars)

    def _tick(self, conn: Connection, page: Page, now: datetime) -> bool:
        """One page; whether one of its steps was overdue."""
        page = self._apply(conn, page, core.expired(page, now), now)
        if page.state == DONE:
            self._note(conn, page, "done", now, {"by": page.closed_by})
        if page.state != OPEN:
            return False
        taken = pages.steps(conn, page.id)
        waiting = next((step for step in taken if step.state == "waiting"), None)
        if waiting is None:
            pages.put_step(conn, core.begin(page, taken[-1].turn + 1 if taken else 0, now))
            self._fault(conn, page, taken[-1] if taken else None, "was missing", now)
            self._ask(conn, page, now)
            return True
        sooner = self._sooner(conn, page, taken, core.within_reach(page, waiting, now), now)
        if sooner.due > now:
            _ = sooner != waiting and pages.settle(conn, sooner)
            return False
        overdue = now - sooner.due > core.LATE
        if overdue:
            minutes = (now - sooner.due).total_seconds() // 60
            self._fault(conn, page, waiting, f"was {minutes:.0f} minutes late", now)
        self._ask(conn, page, now)
        return overdue

    def _sooner(self, conn: Connection, page: Page, taken: Sequence[Step], waiting: Step, now: datetime) -> Step:
        """The step that waits is due at once where the one before it reached nobody."""
        last = next((step for step in reversed(taken) if step.turn == waiting.turn and step.state == "fired"), None)
        if last is None or last.fired is None or last.reason or waiting.due <= now or last.target == FALLBACK:
            return waiting
        states = pages.sending(conn, [last.alert]).get(last.alert, set())
        if "dead" in states:
            reason = "it could not be sent"
        elif states != {"sent"} and now >= last.fired + core.PROOF:
            reason = "no proof of sending in 30 seconds"
        else:
            return waiting
        pages.explain(conn, last, reason)
        self._note(conn, page, "unreached", now, {"person": last.person, "channel": last.channel, "reason": reason})
        return replace(waiting, due=now)

    def _fault(self, conn: Connection, page: Page, step: Step | None, said: str, now: datetime) -> None:
        key = f"{page.id} {step.turn}/{step.loop}/{step.step}" if step else page.id
        self.write(conn, self.operator, "watchdog", key, pings.late(page, said), now)
        self._note(conn, page, "watchdog", now, {"step": said})

    # ------------------------------------------------------------ steps

    def _ask(self, conn: Connection, page: Page, now: datetime) -> Page:
        """Take the step that waits, and those after it until somebody is asked; the one after that waits."""
        waiting = next(step for step in pages.steps(conn, page.id) if step.state == "waiting")
        page = core.risen(page)
        while (aim := core.target(page, waiting)) != FALLBACK:
            asked = duty.whom(conn, aim, self.people, now, self.calendars)
            one = replace(waiting, target=aim, person=asked.person, channel=asked.channel, fired=now)
            alert = "" if asked.reason else self._ping(conn, page, one, now)
            if alert:
                pages.settle(conn, replace(one, state="fired", alert=alert))
                break
            reason = asked.reason or f"there is no channel {asked.channel}"
            pages.settle(conn, replace(one, state="skipped", reason=reason))
            self._note(conn, page, "unreached", now, {"target": aim, "reason": reason})
            waiting = replace(core.following(page, waiting, now), due=now)
            pages.put_step(conn, waiting)
        else:
            waiting = self._fall_back(conn, page, waiting, now)
        pages.put_step(conn, core.following(page, waiting, now))
        pages.put(conn, page)
        return page

    def _ping(self, conn: Connection, page: Page, step: Step, now: datetime) -> str:
        """Write the message of a step, in place of one that still waits; "" where its channel is not there."""
        lane = Lane.PING if (step.loop, step.step) == (0, 0) else Lane.AGAIN
        key = f"{page.id} {step.turn}/{step.loop}/{step.step}"
        extras = Extras(buttons=pings.buttons(page))
        lines = self._lines(conn, page, step.channel)
        alert = self.write(conn, step.channel, "page", key, lines, now, lane=lane, extras=extras, told=page.changes)
        earlier = [one.alert for one in pages.steps(conn, page.id) if one.channel == step.channel and one.alert]
        if alert:
            pages.withhold(conn, earlier, f"told in {alert}")
        return alert

    def _fall_back(self, conn: Connection, page: Page, waiting: Step, now: datetime) -> Step:
        """Ask all admins and the operator at once; the last of these steps."""
        channels = dict.fromkeys([*(f"{TELEGRAM}{one}" for one in self.admins), self.operator])
        for number, channel in enumerate(channels, start=waiting.step):
            asked = duty.if_reached(conn, Asked("", channel))
            one = replace(waiting, step=number, target=FALLBACK, channel=channel, fired=now, reason=asked.reason)
            alert = "" if asked.reason else self._ping(conn, page, one, now)
            one = replace(one, state="fired" if alert else "skipped", alert=alert)
            _ = pages.settle(conn, one) or pages.put_step(conn, one)
            waiting = one
        return waiting

    # ------------------------------------------------------------ people

    def act(
        self,
        conn: Connection,
        page_id: str,
        action: str,
        who: Member,
        level: int | None,
        now: datetime,
        note: str = "",
    ) -> str:
        """Apply what somebody pressed or typed, and write it down; returns what to say to them, in one line.

        `level` is that of the button, None for a command; `note` is the text of a note or the minutes of a snooze.
        """
        page = pages.page(conn, page_id, moving=True)
        if page is None:
            said, moved = "There is no such page.", False
        elif not self._may(who, action):
            said, moved = "This is for people on call: ask an admin to make you a reporter or an editor.", False
        elif action in SILENCES:
            about = changes.changes_by_id(conn, page.changes)
            said, moved = SILENCES[action](conn, page, about, who, now)
            if moved:
                pages.put(conn, page := core.risen(page))
                self._show(conn, page, now, silenced=action == "silence")
        else:
            said, moved = self._touch(conn, page, Touch(action, self._name(who), now, level, note))
            if moved and action == "close" and (who.id in self.admins or who.role >= Role.EDITOR):
                self._retract(conn, page, self._name(who), now)
            elif moved and page.state == CLOSED:
                self._restore(conn, page, self._name(who), now)
        detail = {"level": level, "note": note[: core.LONGEST_NOTE], "said": said, "moved": moved}
        audit.put(conn, Deed(now, who.id, "", action[:32], page_id[:32], detail))
        return said

    def _retract(self, conn: Connection, page: Page, by: str, now: datetime) -> None:
        """What an editor calls no news was told to chats: each is told so, as an answer to what it got."""
        readers.retract(conn, self.letter, page.source, page.changes, f"{by} says that it is no news.", now)

    def _restore(self, conn: Connection, page: Page, by: str, now: datetime) -> None:
        """What was retracted when this page was closed stands again: the same chats are told so."""
        assert page.closed is not None
        lines: tuple[Line, ...] = ((Run("It stands after all. ", "strong"), Run(f"{by} opened it again.")),)
        for told, key in readers.retracted(conn, page.source, page.changes, page.closed):
            self.write(conn, told.channel, "restored", key, lines, now, extras=Extras(reply_to=told.id))

    def _touch(self, conn: Connection, page: Page, touch: Touch) -> tuple[str, bool]:
        newer = pages.standing_on(conn, page.escalation, page.source)
        if touch.action == "reopen" and newer is not None and newer.id != page.id:
            return f"Newer news of this source has a page: {newer.short}.", False
        move = core.act(page, touch)
        self._apply(conn, page, move, touch.now)
        return move.said, move.page != page

    def _may(self, who: Member, action: str) -> bool:
        if who.id in self.admins:
            return True
        if action in SILENCES:
            return who.role >= Role.EDITOR
        return who.role >= Role.REPORTER or any(one.telegram == who.id for one in self.people.values())

    def _name(self, who: Member) -> str:
        return next((one.name for one in self.people.values() if one.telegram == who.id), who.name[:LONGEST_NAME])

    def _apply(self, conn: Connection, page: Page, move: Move, now: datetime) -> Page:
        """Store what became of a page, and write what follows from it."""
        if move.page == page:
            return page
        page = move.page
        pages.put(conn, page)
        taken = pages.steps(conn, page.id)
        waiting = next((step for step in taken if step.state == "waiting"), None)
        if move.ladder is Ladder.HURRY and waiting:
            pages.settle(conn, replace(waiting, due=now))
            return page
        if move.ladder in (Ladder.STOP, Ladder.START):
            why = core.stopped(page)
            pages.withhold(conn, [step.alert for step in taken if step.alert], why)
            _ = waiting and pages.settle(conn, replace(waiting, state="cancelled", reason=why))
        if move.ladder is Ladder.START:
            pages.put_step(conn, core.begin(page, taken[-1].turn + 1 if taken else 0, now))
            page = self._ask(conn, page, now)
        if page.state == ASKED:
            self._remind(conn, page, now)
        self._show(conn, page, now)
        return page

    # ------------------------------------------------------------ messages

    def write(
        self,
        conn: Connection,
        channel: str,
        route: str,
        key: str,
        lines: Sequence[Line],
        now: datetime,
        *,
        lane: Lane = Lane.AGAIN,
        extras: Extras | None = None,
        told: Sequence[str] = (),
    ) -> str:
        """Put a message in the outbox; the same route, channel and key are the same message.

        Returns its id, "" where the channel is not there (any more).
        """
        made = {"lane": lane, "extras": extras or Extras(), "changes": told}
        try:
            alert, rows = self.letter(channel, route, key, lines, now=now, **made)
        except LookupError:
            return ""
        outbox.put_alert(conn, alert, rows)
        return alert.id

    def _show(self, conn: Connection, page: Page, now: datetime, *, silenced: bool = False) -> None:
        """Let the newest message of a page in each channel show how it stands."""
        newest = {step.channel: step.alert for step in pages.steps(conn, page.id) if step.alert}
        states = pages.sending(conn, list(newest.values()))
        for channel, alert in newest.items():
            if states.get(alert, set()) & REACHED:
                extras = Extras(buttons=pings.buttons(page, silenced=silenced), edit=alert, silent=True)
                lines = self._lines(conn, page, channel)
                self.write(conn, channel, "page-stands", f"{alert} {page.level}", lines, now, extras=extras)

    def _lines(self, conn: Connection, page: Page, channel: str) -> tuple[Line, ...]:
        found = changes.changes_by_id(conn, page.changes)
        lines = pings.ping(page, found, self.urls.get(page.source, ""), channel, self.zone)
        return (*lines, pings.offer(describe(offered(page.source, found)))) if page.state == CLOSED else lines

    def _remind(self, conn: Connection, page: Page, now: datetime) -> None:
        """Ask whoever acknowledged it, in their own chat."""
        deeds = audit.latest(conn, 100, about=page.id)
        holder = next(
            (one.who for one in deeds if one.action in ("ack", "still") and (one.detail or {})["moved"]), None
        )
        channel = f"{TELEGRAM}{holder}" if holder else self.operator
        extras = Extras(buttons=pings.buttons(page))
        self.write(conn, channel, "page-reminder", f"{page.id} {page.level}", pings.reminder(page), now, extras=extras)

    def _note(self, conn: Connection, page: Page, action: str, now: datetime, detail: Mapping[str, str]) -> None:
        audit.put(conn, Deed(now, None, "", action, page.id, detail))


def _policy(escalation: Escalation) -> Policy:
    """An escalation of config.toml as pages keep it. One without steps is the fallback alone."""
    steps = tuple(Ask(step.ping, timedelta(seconds=step.wait.total_seconds())) for step in escalation.steps)
    return Policy(steps, min(max(escalation.repeat, 1), core.MOST_LOOPS) if steps else 0)
