"""A page is news that somebody must acknowledge: what each event makes of it, and who is asked next. Pure; for paging.

A page that is open has one step that waits. Each time it begins anew, it begins another turn of its steps, so that no
step of a page is ever taken twice.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from watcher.core import Severity, content_id

OPEN, ACKED, ASKED, SNOOZED, CLOSED, DONE = "open", "acked", "asked", "snoozed", "closed", "done"
"""The states of a page. One that is asked is acknowledged, and whoever has it was asked whether that still holds; one
that is closed was no news, one that is done was."""
ENDED = (CLOSED, DONE)
"""States in which a page takes no news any more: what comes later opens another."""
FALLBACK = "fallback"
"""Who is asked once all steps were taken as often as the policy says: the admins and the operator."""

MOST_LOOPS = 5
AGAIN = timedelta(minutes=30)
"""Between two rounds of the fallback."""
REMIND = timedelta(minutes=60)
"""After this long, whoever acknowledged urgent news is asked whether that still holds."""
ANSWER = timedelta(minutes=15)
"""How long they get to say so."""
HELD = timedelta(hours=12)
"""After this long without a touch of anybody, acknowledged news that is not urgent is done."""
OURSELVES = "watcher"
"""Who closes a page that nobody touched."""
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=24)
"""A snooze lasts at least and at most so long."""
UNDO = timedelta(minutes=10)
"""How long a closed page can be opened again."""
PROOF = timedelta(seconds=30)
"""A ping that was not sent by then counts as one that reached nobody."""
LATE = timedelta(minutes=2)
"""A step that is due so long is a fault of ours."""
LONGEST_NOTE = 500


class Ladder(enum.Enum):
    """What an event means for the steps: go on, take the next one now, ask nobody any more, or begin anew."""

    KEEP = enum.auto()
    HURRY = enum.auto()
    STOP = enum.auto()
    START = enum.auto()


@dataclass(frozen=True, slots=True)
class Ask:
    """One step of a policy: whom to ping ("rota:NAME", "person:NAME", "channel:NAME"), and how long to wait then."""

    ping: str
    wait: timedelta


@dataclass(frozen=True, slots=True)
class Policy:
    """An escalation as it was when the page opened: its steps, and how often all are taken (1 to 5 times).

    Without steps, none is taken (0), and the fallback is asked at once.
    """

    steps: tuple[Ask, ...]
    loops: int = 3


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `level` rises with all that happens to it; `until` is when a snooze or an acknowledgement ends."""

    id: str
    escalation: str
    policy: Policy
    source: str
    changes: tuple[str, ...]
    severity: Severity
    opened: datetime
    state: str = OPEN
    level: int = 0
    acked: datetime | None = None
    acked_by: str = ""
    note: str = ""
    until: datetime | None = None
    closed: datetime | None = None
    closed_by: str = ""

    @property
    def short(self) -> str:
        """The id as people type it."""
        return self.id[:8]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of one page, known by its turn, loop and number. `state` is waiting, fired, skipped or cancelled.

    `target` is whom the policy names, `person` and `channel` whom that meant when the step was taken; `reason` says
    why it reached nobody. `alert` is the message that went out.
    """

    page: str
    turn: int
    loop: int
    step: int
    due: datetime
    state: str = "waiting"
    target: str = ""
    person: str = ""
    channel: str = ""
    fired: datetime | None = None
    reason: str = ""
    alert: str = ""


class Move(NamedTuple):
    """What an event makes of a page, what is said to whoever caused it, and what becomes of its steps.

    A page that is the same as before was not moved: the event was refused, or had come already.
    """

    page: Page
    said: str
    ladder: Ladder = Ladder.KEEP


# ---------------------------------------------------------------- steps


def opened(
    escalation: str, policy: Policy, source: str, changes: Sequence[str], severity: Severity, now: datetime
) -> Page:
    """A new page; the same changes of the same escalation and source have the same id."""
    ids = tuple(sorted(changes))
    return Page(content_id("page", escalation, source, ids), escalation, policy, source, ids, severity, now)


def begin(page: Page, turn: int, now: datetime) -> Step:
    """The first step of a turn, due at once."""
    return Step(page.id, turn, 0, 0, now)


def following(page: Page, step: Step, now: datetime) -> Step:
    """The step after one that was taken now."""
    if step.loop >= page.policy.loops or step.step + 1 < len(page.policy.steps):
        loop, number = step.loop, step.step + 1
    else:
        loop, number = step.loop + 1, 0
    return Step(page.id, step.turn, loop, number, now + _wait_before(page, loop, number))


def within_reach(page: Page, step: Step, now: datetime) -> Step:
    """A step that waits, due no later than its wait from now: a clock that was set back delays nobody."""
    return replace(step, due=min(step.due, now + _wait_before(page, step.loop, step.step)))


def _wait_before(page: Page, loop: int, number: int) -> timedelta:
    steps = page.policy.steps
    if number:
        return AGAIN if loop >= page.policy.loops else steps[number - 1].wait
    return steps[-1].wait if loop else timedelta(0)


def target(page: Page, step: Step) -> str:
    """Whom a step asks: the ping of its policy, or the fallback."""
    return FALLBACK if step.loop >= page.policy.loops else page.policy.steps[step.step].ping


def risen(page: Page) -> Page:
    """A step was taken, or what its messages offer differs: buttons of before are old."""
    return _moved(page)


def stopped(page: Page) -> str:
    """Why what was queued before is not sent any more."""
    return {
        ACKED: f"acknowledged by {page.acked_by}",
        SNOOZED: f"snoozed by {page.acked_by}",
        CLOSED: f"closed by {page.closed_by}",
        DONE: f"closed by {page.closed_by}",
    }.get(page.state, "asked anew")


# ---------------------------------------------------------------- news and time


def joined(page: Page, changes: Sequence[str], severity: Severity) -> Move:
    """More news of the same source: it joins the page, and only graver news asks anew."""
    if set(changes) <= set(page.changes):
        return Move(page, "")
    grown = _moved(page, changes=tuple(sorted({*page.changes, *changes})), severity=max(page.severity, severity))
    if severity <= page.severity:
        return Move(grown, "")
    return Move(_opened_again(grown), "", Ladder.START)


def expired(page: Page, now: datetime) -> Move:
    """What the clock makes of a page: a snooze ends, an acknowledgement is asked about, and lapses without answer.

    Where the news is not urgent, nobody is asked about it: left alone for long enough, it is done.
    """
    page = _reachable(page, now)
    if page.until is None or page.until > now:
        return Move(page, "")
    if page.state == ACKED and page.severity < Severity.URGENT:
        return Move(_ended(page, DONE, OURSELVES, now), "", Ladder.STOP)
    if page.state == ACKED:
        return Move(_moved(page, state=ASKED, until=now + ANSWER), "")
    return Move(_opened_again(page), "", Ladder.START)


def _reachable(page: Page, now: datetime) -> Page:
    """A clock that was set back lengthens no snooze and no acknowledgement."""
    if page.state == ACKED and page.until is None:  # an earlier version kept it without an end
        page = replace(page, until=(page.acked or now) + _held(page))
    longest = {ACKED: _held(page), ASKED: ANSWER, SNOOZED: LONGEST}.get(page.state)
    if page.until is None or longest is None or page.until <= now + longest:
        return page
    return replace(page, until=now + longest)


# ---------------------------------------------------------------- people


class Touch(NamedTuple):
    """What somebody does to a page: ack, still, note, snooze, escalate, done, close or reopen.

    `level` is the one that they saw, None where they typed it; `note` is the text of a note, or the minutes of a
    snooze.
    """

    action: str
    who: str
    now: datetime
    level: int | None = None
    note: str = ""


def act(page: Page, touch: Touch) -> Move:
    """What somebody makes of a page. What is stale, forged or pointless is refused in words."""
    acts = {
        "ack": _acknowledge,
        "still": _acknowledge,
        "note": _annotate,
        "snooze": _snooze,
        "escalate": _escalate,
        "done": _finish,
        "close": _close,
        "reopen": _reopen,
    }
    if touch.action not in acts or not 0 <= (touch.level or 0) <= page.level:
        return Move(page, "This button is not one of ours.")
    if page.state in ENDED and touch.action != "reopen":
        return Move(page, f"Closed by {page.closed_by} already.")
    return acts[touch.action](page, touch)


def _acknowledge(page: Page, touch: Touch) -> Move:
    """The first one has it; whoever has it may say so again when asked."""
    who, now = touch.who, touch.now
    until = now + _held(page)
    if page.state == ASKED and page.acked_by == who:
        return Move(_moved(page, state=ACKED, until=until), "Noted: you still have it.")
    if page.state in (ACKED, ASKED):
        return Move(page, f"Already acknowledged by {'you' if page.acked_by == who else page.acked_by}.")
    acked = _moved(page, state=ACKED, acked=now, acked_by=who, until=until)
    return Move(acked, "Acknowledged: you have it.", Ladder.STOP)


def _annotate(page: Page, touch: Touch) -> Move:
    text = " ".join(touch.note.split())
    if not text:
        return Move(page, "Say what to note.")
    kept = f"{page.note}\n{touch.who}: {text}".strip()
    if len(kept) > LONGEST_NOTE:
        return Move(page, f"Notes of a page hold {LONGEST_NOTE} characters; this one does not fit.")
    longer = page.state == ACKED and page.severity < Severity.URGENT
    return Move(_moved(page, note=kept, until=touch.now + HELD if longer else page.until), "Noted.")


def _snooze(page: Page, touch: Touch) -> Move:
    if page.state in (ACKED, ASKED) and page.acked_by != touch.who:
        return Move(page, f"Already acknowledged by {page.acked_by}.")
    asked = touch.note.strip() or "60"
    span = timedelta(minutes=int(asked)) if re.fullmatch(r"[0-9]{1,6}", asked) else timedelta(0)
    if not SHORTEST <= span <= LONGEST:
        return Move(page, "A snooze lasts from 15 minutes to 24 hours.")
    slept = _moved(page, state=SNOOZED, acked=None, acked_by=touch.who, until=touch.now + span)
    return Move(slept, f"Snoozed for {span // timedelta(minutes=1)} minutes; then all are asked anew.", Ladder.STOP)


def _escalate(page: Page, touch: Touch) -> Move:
    if page.state in (ACKED, ASKED):
        return Move(page, f"Already acknowledged by {page.acked_by}: nobody else is being asked.")
    if page.state == SNOOZED:
        return Move(page, f"Snoozed by {page.acked_by}: nobody is being asked.")
    if touch.level not in (None, page.level):
        return Move(page, "It has gone on since that message; see the newest one.")
    return Move(_moved(page), "The next one is asked now.", Ladder.HURRY)


def _finish(page: Page, touch: Touch) -> Move:
    done = _ended(page, DONE, touch.who, touch.now)
    return Move(done, "Done. It can be opened again for 10 minutes; later news asks anew.", Ladder.STOP)


def _close(page: Page, touch: Touch) -> Move:
    closed = _ended(page, CLOSED, touch.who, touch.now)
    return Move(closed, "Closed: not news. It can be opened again for 10 minutes.", Ladder.STOP)


def _reopen(page: Page, touch: Touch) -> Move:
    """Back to what it was: to whoever had it, or to those who are asked."""
    if page.state not in ENDED or page.closed is None:
        return Move(page, "This page is open.")
    if not timedelta(0) <= touch.now - page.closed <= UNDO:
        return Move(page, "It was closed more than 10 minutes ago.")
    back = replace(page, closed=None, closed_by="")
    if page.acked is None:
        return Move(_opened_again(back), "Opened again: all are asked anew.", Ladder.START)
    return Move(_moved(back, state=ACKED, until=touch.now + _held(page)), f"Opened again: {page.acked_by} has it.")


def _opened_again(page: Page) -> Page:
    return _moved(page, state=OPEN, acked=None, acked_by="", until=None)


def _ended(page: Page, state: str, who: str, now: datetime) -> Page:
    return _moved(page, state=state, until=None, closed=now, closed_by=who)


def _held(page: Page) -> timedelta:
    """How long an acknowledgement holds: urgent news is asked about, other news is done then."""
    return REMIND if page.severity >= Severity.URGENT else HELD


def _moved(page: Page, **fields: object) -> Page:
    return replace(page, level=page.level + 1, **fields)  # type: ignore[arg-type]  # fields of Page, by their names


# ---------------------------------------------------------------- buttons

ACTIONS = ("ack", "still", "snooze", "escalate", "done", "close", "reopen", "silence", "unsilence")
_DATA = re.compile(rf"p1:([0-9a-f]{{16}}):({'|'.join(ACTIONS)}):([0-9]{{1,6}})")


class Press(NamedTuple):
    """A button that was pressed: of which page, what it does, and the level that the message showed."""

    page: str
    action: str
    level: int


def data(page: Page, action: str) -> str:
    """What a button sends back: at most 64 bytes."""
    return f"p1:{page.id}:{action}:{page.level}"


def pressed(sent: str) -> Press | None:
    """Read what a button sent; None for what is none of ours."""
    found = _DATA.fullmatch(sent)
    return Press(found[1], found[2], int(found[3])) if found else None
