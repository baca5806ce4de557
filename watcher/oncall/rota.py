"""Who is on call at an instant: rotations by the wall clock, calendars, exchanges. Pure; paging and the store use it.

Local times are turned into instants by two rules: one that the clocks skip is the first instant after the gap, one that
comes twice is the first of the two. So a shift is shorter or longer than its wall clock says, and none is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import groupby, pairwise
from typing import NamedTuple

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Nobody is on call before or after."""
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """A rota as it stood from `valid_from` (UTC) until the next version.

    people[0] is on from the first `handoff` ("monday 09:00", or "09:00") on or after the day `start`, then each in turn
    for `every`, all by the wall clock of `zone`. With `by_calendar` its calendar says who is on instead.
    """

    people: tuple[str, ...]
    start: date
    handoff: str
    every: timedelta
    zone: tzinfo
    valid_from: datetime
    by_calendar: bool = False


class Event(NamedTuple):
    """A shift as a calendar has it, from `start` until before `end` (UTC)."""

    person: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Override:
    """An exchange from `start` until before `end` (UTC).

    replace: `person` for `replaces`, while that one is on. remove: `person` is not on. add: `person` is on where nobody
    is. whole: `person` is on, whoever else would be. Later ones (in the order of `made`) see what earlier ones did.
    """

    id: str
    kind: str
    person: str
    start: datetime
    end: datetime
    made: datetime
    replaces: str = ""

    @property
    def off(self) -> str:
        """Who is not on call by it, "" for nobody in particular."""
        return self.person if self.kind == "remove" else self.replaces


@dataclass(frozen=True, slots=True)
class Roster:
    """All that is known of one rota: its versions, oldest first, its exchanges, its calendar's events."""

    versions: tuple[Version, ...]
    overrides: tuple[Override, ...] = ()
    events: tuple[Event, ...] = ()


class Shift(NamedTuple):
    """`person` ("" for a gap) is on call from `start` until before `end` (UTC), by the exchange `override`, if any."""

    person: str
    start: datetime
    end: datetime
    override: str = ""


def on_call(roster: Roster, at: datetime) -> Shift | None:
    """Who is on call at an instant, with the whole of the shift; None where nobody is."""
    found = shift_at(roster, at)
    return found if found.person else None


def shift_at(roster: Roster, at: datetime) -> Shift:
    """The shift of an instant, or the gap that it falls into."""
    return next(piece for piece in _exchanged(roster.overrides, _planned(roster, at)) if at < piece.end)


def shifts(roster: Roster, start: datetime, end: datetime) -> Iterator[Shift]:
    """The shifts and gaps from `start` to `end`, each whole, without a hole between them."""
    at = start
    while at < end:
        found = shift_at(roster, at)
        yield found
        at = found.end


def gaps(roster: Roster, start: datetime, end: datetime) -> list[Shift]:
    """The times from `start` to `end` when nobody is on, cut to them."""
    return [
        gap._replace(start=max(gap.start, start), end=min(gap.end, end))
        for gap in shifts(roster, start, end)
        if not gap.person
    ]


def conflict(roster: Roster, new: Override) -> str:
    """What stands in the way of an exchange, in words for who asked for it; "" where nothing does."""
    if new.end <= new.start:
        return "it ends before it begins"
    if new.kind == "replace" and new.person == new.replaces:
        return f"{new.person} cannot replace {new.person}"
    for other in roster.overrides:
        same = other.off == new.off if new.off else other.kind == new.kind
        if same and other.start < new.end and new.start < other.end:
            done = "is taken off" if other.kind == "remove" else "has taken over"
            return f"{other.person} {done} then already ({other.id})"
    if new.off and all(shift.person != new.off for shift in shifts(roster, new.start, new.end)):
        return f"{new.off} is not on call then"
    return ""


# ---------------------------------------------------------------- what exchanges make of a planned shift


def _exchanged(overrides: Sequence[Override], planned: Shift) -> Iterator[Shift]:
    """The shifts and gaps that a planned one is cut into; exchanges that change nothing do not cut it."""
    near = [one for one in overrides if one.start < planned.end and planned.start < one.end]
    near.sort(key=lambda one: (one.kind == "whole", one.made, one.id))
    edges = {max(planned.start, min(edge, planned.end)) for one in near for edge in (one.start, one.end)}
    spans = pairwise(sorted({planned.start, planned.end} | edges))
    for (person, by), run in groupby(spans, lambda span: _answering(near, planned.person, span[0])):
        parts = list(run)
        yield Shift(person, parts[0][0], parts[-1][1], by)


def _answering(overrides: Sequence[Override], person: str, at: datetime) -> tuple[str, str]:
    """Who answers at an instant in place of the planned person, and by which exchange; "" where none changes that."""
    by = ""
    for one in overrides:
        if not one.start <= at < one.end:
            continue
        if (
            one.kind == "whole"
            or (one.kind == "replace" and person == one.replaces)
            or (one.kind == "add" and not person)
        ):
            person, by = one.person, one.id
        elif one.kind == "remove" and person == one.person:
            person, by = "", one.id
    return person, by


def _planned(roster: Roster, at: datetime) -> Shift:
    """Who is on by the version of that instant, before any exchange."""
    if at < EARLIEST:
        return Shift("", FIRST, EARLIEST)
    if at >= LATEST:
        return Shift("", LATEST, LAST)
    place = sum(one.valid_from <= at for one in roster.versions)
    until = roster.versions[place].valid_from if place < len(roster.versions) else LATEST
    if place == 0:
        return Shift("", EARLIEST, until)
    version = roster.versions[place - 1]
    found = _by_calendar(roster.events, at) if version.by_calendar else _by_turns(version, at)
    return found._replace(start=max(found.start, version.valid_from), end=min(found.end, until))


def _by_calendar(events: Sequence[Event], at: datetime) -> Shift:
    """Of events that overlap the one that starts later counts."""

    def rank(event: Event) -> tuple[datetime, str, datetime]:
        return event.start, event.person, event.end

    here = max((one for one in events if one.start <= at < one.end), key=rank, default=Event("", EARLIEST, LATEST))
    above = [one for one in events if not here.person or rank(one) > rank(here)]
    start = max([here.start, *(one.end for one in above if one.end <= at)])
    end = min([here.end, *(one.start for one in above if one.start > at)])
    return Shift(here.person, start, end)


def _by_turns(version: Version, at: datetime) -> Shift:
    first = _first(version)

    def handoff(turn: int) -> datetime:
        return to_instant(first + turn * version.every, version.zone)

    if not version.people:
        return Shift("", EARLIEST, LATEST)
    local = at.astimezone(version.zone).replace(tzinfo=None, fold=0)
    turn = (local - first) // version.every
    while handoff(turn + 1) <= at:  # an hour that comes again: the clocks had come to later turns already
        turn += 1
    if turn < 0:
        return Shift("", EARLIEST, handoff(0))
    return Shift(version.people[turn % len(version.people)], handoff(turn), handoff(turn + 1))


def _first(version: Version) -> datetime:
    """The first handoff, by the wall clock."""
    day, _, clock = version.handoff.rpartition(" ")
    ahead = (DAYS.index(day) - version.start.weekday()) % 7 if day else 0
    return datetime.combine(version.start + ahead * DAY, time.fromisoformat(clock))


def to_instant(local: datetime, zone: tzinfo) -> datetime:
    """The instant (UTC) of a wall clock's time, which has no zone of its own: see the rules above."""
    there = local.replace(tzinfo=zone, fold=0)
    found = there.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return found
    # In a gap: the clocks are set forward between the two instants that the offsets before and after it give.
    after = there.replace(fold=1).utcoffset()
    low, high = there.replace(fold=1).astimezone(UTC), found
    while high - low > SECOND:
        middle = low + (high - low) // 2 // SECOND * SECOND
        low, high = (low, middle) if middle.astimezone(zone).utcoffset() == after else (middle, high)
    return high
