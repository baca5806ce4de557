"""Who is on call at an instant: turns, versions, exchanges, calendars and gaps; and laws for rotas made at random."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.oncall.test_zones import ZONES
from watcher.oncall.rota import (
    Event,
    Override,
    Roster,
    Shift,
    Version,
    conflict,
    gaps,
    on_call,
    shift_at,
    shifts,
)

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
"""A Monday, and when all rotas of the examples begin."""
MONDAY = NOON.date()
PEOPLE = ("Ana", "Ben")


def daily(*people: str, valid_from: datetime = NOON, start: date = MONDAY) -> Version:
    return Version(people, start, "12:00", DAY, UTC, valid_from)


def exchange(kind: str, person: str, start: float, end: float, instead: str = "", made: int = 0) -> Override:
    """From one hour after the first noon to another."""
    name = f"{kind} {person} {made}"
    return Override(name, kind, person, NOON + start * HOUR, NOON + end * HOUR, NOON + made * HOUR, instead)


def told(roster: Roster, hours: int = 72) -> list[tuple[str, float]]:
    """Who is on, and for how many hours each."""
    return [(one.person, (one.end - one.start) / HOUR) for one in shifts(roster, NOON, NOON + hours * HOUR)]


# ---------------------------------------------------------------- turns and versions


def test_the_first_is_on_from_the_first_handoff_on_or_after_the_start() -> None:
    there = ZoneInfo("America/Los_Angeles")
    for start, first in [
        (date(2026, 1, 5), 5),
        (date(2026, 1, 6), 12),
        (date(2026, 1, 11), 12),
        (date(2026, 1, 12), 12),
    ]:
        version = Version(PEOPLE, start, "monday 09:00", WEEK, there, datetime(2026, 1, 1, tzinfo=UTC))
        begin = datetime(2026, 1, first, 17, tzinfo=UTC)
        roster = Roster((version,))
        assert on_call(roster, begin - timedelta.resolution) is None
        assert on_call(roster, begin) == Shift("Ana", begin, begin + WEEK)
        assert on_call(roster, begin + WEEK) == Shift("Ben", begin + WEEK, begin + 2 * WEEK)
        assert on_call(roster, begin + 2 * WEEK) == Shift("Ana", begin + 2 * WEEK, begin + 3 * WEEK)


def test_an_edit_holds_from_then_on_and_the_past_stays() -> None:
    old = daily("Ana", "Ben")
    new = daily("Cleo", valid_from=NOON + 30 * HOUR)
    assert told(Roster((old, new))) == [("Ana", 24), ("Ben", 6), ("Cleo", 18), ("Cleo", 24)]
    for at in (NOON, NOON + 5 * HOUR, NOON + 29 * HOUR):
        before, after = shift_at(Roster((old,)), at), shift_at(Roster((old, new)), at)
        assert (before.person, before.start) == (after.person, after.start)


def test_two_edits_at_once_leave_the_last() -> None:
    assert told(Roster((daily("Ana"), daily("Ben"))), hours=24) == [("Ben", 24)]


def test_nobody_is_on_where_no_rota_says_so() -> None:
    for nothing in (Roster(()), Roster((daily(),)), Roster((daily("Ana", valid_from=NOON + 9 * DAY),))):
        assert on_call(nothing, NOON) is None
        assert [(one.start, one.end) for one in gaps(nothing, NOON, NOON + DAY)] == [(NOON, NOON + DAY)]


@pytest.mark.parametrize("year", [1, 1969, 2026, 8999, 9000, 9998])
def test_any_time_has_an_answer_and_a_list_of_shifts_ends(year: int) -> None:
    at = datetime(year, 12, 31, 23, 30, tzinfo=UTC)
    for person in PEOPLE:
        version = Version((person,), date(1, 1, 1), "monday 00:00", 520 * WEEK, ZoneInfo("Asia/Tehran"), NOON)
        found = list(shifts(Roster((version,)), at, at + 40 * DAY))
        assert found[0] == shift_at(Roster((version,)), at)
        assert found[0].start <= at < found[0].end
        assert found[-1].end >= at + 40 * DAY


# ---------------------------------------------------------------- exchanges


def test_who_stands_in_does_so_only_while_the_other_is_on() -> None:
    roster = Roster((daily("Ana", "Ben"),), (exchange("replace", "Ed", 12, 60, "Ben"),))
    assert told(roster) == [("Ana", 24), ("Ed", 24), ("Ana", 24)]
    assert [one.override for one in shifts(roster, NOON, NOON + 3 * DAY)] == ["", "replace Ed 0", ""]


def test_a_swap_is_two_of_them() -> None:
    swapped = (exchange("replace", "Ben", 0, 24, "Ana"), exchange("replace", "Ana", 24, 48, "Ben"))
    assert told(Roster((daily("Ana", "Ben"),), swapped)) == [("Ben", 24), ("Ana", 24), ("Ana", 24)]


def test_taking_over_the_whole_beats_all() -> None:
    others = (exchange("replace", "Cleo", 0, 24, "Ana", made=2), exchange("remove", "Ben", 24, 48, made=3))
    roster = Roster((daily("Ana", "Ben"),), (exchange("whole", "Ed", 6, 30), *others))
    assert told(roster) == [("Cleo", 6), ("Ed", 18), ("Ed", 6), ("", 18), ("Ana", 24)]


def test_who_is_taken_off_leaves_a_gap_that_another_can_fill() -> None:
    off = exchange("remove", "Ana", 6, 18)
    assert told(Roster((daily("Ana", "Ben"),), (off,)), hours=24) == [("Ana", 6), ("", 12), ("Ana", 6)]
    filled = Roster((daily("Ana", "Ben"),), (off, exchange("add", "Ed", 0, 12, made=1)))
    assert told(filled, hours=24) == [("Ana", 6), ("Ed", 6), ("", 6), ("Ana", 6)]
    assert list(gaps(filled, NOON, NOON + DAY)) == [Shift("", NOON + 12 * HOUR, NOON + 18 * HOUR, off.id)]


def test_exchanges_that_change_nothing_cut_no_shift() -> None:
    idle = (exchange("replace", "Ed", 3, 20, "Ben"), exchange("add", "Cleo", 1, 9), exchange("remove", "Ed", 2, 5))
    assert told(Roster((daily("Ana", "Ben"),), idle), hours=24) == [("Ana", 24)]


def test_an_exchange_of_a_moment_is_exact() -> None:
    step = timedelta.resolution
    whole = Override("x", "whole", "Ed", NOON + HOUR, NOON + HOUR + step, NOON)
    assert [one.end - one.start for one in shifts(Roster((daily("Ana"),), (whole,)), NOON, NOON + 2 * HOUR)] == [
        HOUR,
        step,
        23 * HOUR - step,
    ]


@pytest.mark.parametrize(
    ("new", "why"),
    [
        (exchange("whole", "Ben", 5, 7), "Ed has taken over then already (whole Ed 0)"),
        (exchange("whole", "Ben", 6, 7), ""),
        (exchange("whole", "Ben", 1, 2), ""),
        (exchange("replace", "Ben", 5, 7, "Ana"), "Cleo has taken over then already (replace Cleo 0)"),
        (exchange("remove", "Ana", 7, 9), "Cleo has taken over then already (replace Cleo 0)"),
        (exchange("replace", "Ana", 20, 30, "Ben"), ""),
        (exchange("replace", "Ana", 20, 24, "Ben"), "Ben is not on call then"),
        (exchange("remove", "Ben", 20, 24), "Ben is not on call then"),
        (exchange("replace", "Ben", 9, 9, "Ana"), "it ends before it begins"),
        (exchange("replace", "Ana", 9, 10, "Ana"), "Ana cannot replace Ana"),
        (exchange("replace", "Ed", 50, 51, "Ana"), "Ana is taken off then already (remove Ana 0)"),
        (exchange("remove", "Ben", 40, 60), ""),
        (exchange("add", "Ed", 50, 51), ""),
        (exchange("add", "Ed", 60, 65), "Ben has taken over then already (add Ben 0)"),
    ],
)
def test_exchanges_that_contradict_each_other_are_refused(new: Override, why: str) -> None:
    there = (
        exchange("whole", "Ed", 2, 6),
        exchange("replace", "Cleo", 4, 8, "Ana"),
        exchange("remove", "Ana", 48, 52),
        exchange("add", "Ben", 64, 66),
    )
    assert conflict(Roster((daily("Ana", "Ben"),), there), new) == why


# ---------------------------------------------------------------- calendars


def by_calendar(*events: tuple[str, int, int]) -> Roster:
    version = Version((), NOON.date(), "09:00", WEEK, UTC, NOON - DAY, by_calendar=True)
    return Roster((version,), (), tuple(Event(who, NOON + a * HOUR, NOON + b * HOUR) for who, a, b in events))


def test_a_calendar_has_gaps_where_it_says_nothing() -> None:
    roster = by_calendar(("Ana", 0, 8), ("Ben", 10, 20))
    assert told(roster, hours=20) == [("Ana", 8), ("", 2), ("Ben", 10)]
    assert [(one.start, one.end) for one in gaps(roster, NOON + 9 * HOUR, NOON + 22 * HOUR)] == [
        (NOON + 9 * HOUR, NOON + 10 * HOUR),
        (NOON + 20 * HOUR, NOON + 22 * HOUR),
    ]


def test_of_two_events_the_later_starting_wins_and_is_whole() -> None:
    assert told(by_calendar(("Ana", 0, 10), ("Ben", 5, 15)), hours=15) == [("Ana", 5), ("Ben", 10)]
    assert told(by_calendar(("Ana", 0, 10), ("Ben", 5, 7)), hours=10) == [("Ana", 5), ("Ben", 2), ("Ana", 3)]
    assert told(by_calendar(("Ben", 0, 10), ("Ana", 5, 7)), hours=10) == [("Ben", 5), ("Ana", 2), ("Ben", 3)]
    assert told(by_calendar(("Ben", 0, 10), ("Ana", 0, 5)), hours=10) == [("Ben", 10)]
    assert told(by_calendar(("Ana", 0, 5), ("Ana", 0, 10)), hours=10) == [("Ana", 10)]
    for hour in (6, 12):
        whole = shift_at(by_calendar(("Ana", 0, 10), ("Ben", 5, 15)), NOON + hour * HOUR)
        assert whole == Shift("Ben", NOON + 5 * HOUR, NOON + 15 * HOUR)


def test_who_stands_in_does_so_in_a_calendar_too() -> None:
    roster = by_calendar(("Ana", 0, 8), ("Ben", 8, 16))
    roster = Roster(roster.versions, (exchange("replace", "Ed", -5, 99, "Ana"),), roster.events)
    assert told(roster, hours=16) == [("Ed", 8), ("Ben", 8)]


# ---------------------------------------------------------------- laws

names = st.sampled_from(["Ana", "Ben", "Cleo", "Ed"])
YEARS = (datetime(2016, 1, 1), datetime(2018, 12, 31))  # noqa: DTZ001 - Hypothesis adds the zone
instants = st.datetimes(*YEARS, timezones=st.just(UTC))
minutes = st.one_of(st.sampled_from([30, 60, 720, 1440, 10_080]), st.integers(5, 20_000)).map(
    lambda n: timedelta(minutes=n)
)
handoffs = st.tuples(
    st.sampled_from(["", "monday ", "thursday ", "sunday "]), st.integers(0, 23), st.sampled_from([0, 15, 30, 59])
).map(lambda at: f"{at[0]}{at[1]:02}:{at[2]:02}")


@st.composite
def rosters(draw: st.DrawFn) -> tuple[Roster, datetime, datetime]:
    """A rota, and a time in which it has a dozen turns or so."""
    every, at, zone = draw(minutes), draw(instants), ZoneInfo(draw(st.sampled_from(ZONES)))
    span = min(12 * every, 80 * DAY)
    within = st.integers(-60, 160).map(lambda percent: at + percent * span / 100)
    versions = st.builds(
        Version,
        st.lists(names, max_size=4).map(tuple),
        st.dates(date(2015, 12, 1), at.date()),
        handoffs,
        st.just(every),
        st.just(zone),
        st.one_of(within, st.just(at - span)),
        st.booleans(),
    )
    spans = st.tuples(within, within).map(sorted).filter(lambda span: span[0] < span[1])
    events = st.tuples(names, spans).map(lambda one: Event(one[0], *one[1]))
    overrides = st.tuples(st.sampled_from(["replace", "add", "remove", "whole"]), names, spans, within, names).map(
        lambda one: Override(
            str(one), one[0], one[1], one[2][0], one[2][1], one[3], one[4] if one[0] == "replace" else ""
        )
    )
    known = sorted(draw(st.lists(versions, max_size=3)), key=lambda version: version.valid_from)
    roster = Roster(
        tuple(known),
        tuple(draw(st.lists(overrides, max_size=5))),
        tuple(draw(st.lists(events, max_size=6))),
    )
    return roster, at, at + span


def on_the_wall(version: Version, at: datetime) -> datetime:
    """The latest time that clocks there have shown, looking back minute by minute where they were set back of late."""

    def shown(then: datetime) -> datetime:
        return then.astimezone(version.zone).replace(tzinfo=None, fold=0)

    lately = [shown(at - hour * HOUR) + hour * HOUR for hour in range(27)]
    back = range(26 * 60) if max(lately) > lately[0] else range(1)
    return max(shown(at - minute * timedelta(minutes=1)) for minute in back)


def planned(roster: Roster, at: datetime) -> str:
    """Who is on before any exchange, counted off one by one."""
    in_force = [version for version in roster.versions if version.valid_from <= at]
    if not in_force:
        return ""
    version = in_force[-1]
    if version.by_calendar:
        running = [(one.start, one.person) for one in roster.events if one.start <= at < one.end]
        return max(running, default=(at, ""))[1]
    day, _, clock = version.handoff.rpartition(" ")
    first = datetime.fromisoformat(f"{version.start} {clock}")
    while day and first.strftime("%A").lower() != day:
        first += DAY
    late = on_the_wall(version, at) - first
    return version.people[late // version.every % len(version.people)] if late >= timedelta() and version.people else ""


def expected(roster: Roster, at: datetime) -> str:
    person = planned(roster, at)
    running = [one for one in roster.overrides if one.start <= at < one.end]
    for one in sorted(running, key=lambda one: (one.made, one.id)):
        match one.kind:
            case "replace":
                person = one.person if person == one.replaces else person
            case "add":
                person = person or one.person
            case "remove":
                person = "" if person == one.person else person
    wholes = [one for one in running if one.kind == "whole"]
    return max(wholes, key=lambda one: (one.made, one.id)).person if wholes else person


def keeps_its_promises(roster: Roster, start: datetime, end: datetime) -> None:
    found = list(shifts(roster, start, end))
    assert found[0].start <= start
    assert found[-1].start < end <= found[-1].end
    for before, after in pairwise(found):
        assert before.end == after.start
    for one in found:
        assert one.start < one.end
        assert one == shift_at(roster, one.start) == shift_at(roster, one.end - timedelta.resolution)
        middle = max(one.start, start) + (min(one.end, end) - max(one.start, start)) / 2
        assert on_call(roster, middle) == (one if one.person else None)
        for at in (max(one.start, start), middle):
            assert one.person == expected(roster, at)
    nobody = [one for one in found if not one.person]
    assert [one.person for one in gaps(roster, start, end)] == [""] * len(nobody)
    assert all(start <= one.start < one.end <= end for one in gaps(roster, start, end))


@given(rosters())
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_thousand_rotas_have_one_person_at_each_instant_or_a_gap(made: tuple[Roster, datetime, datetime]) -> None:
    keeps_its_promises(*made)


@pytest.mark.soak
@given(rosters())
@settings(max_examples=10_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_ten_thousand_rotas_have_one_person_at_each_instant_or_a_gap(made: tuple[Roster, datetime, datetime]) -> None:
    keeps_its_promises(*made)


@given(rosters(), st.integers(0, 100))
@settings(deadline=None)
def test_an_edit_changes_nothing_before_it(made: tuple[Roster, datetime, datetime], percent: int) -> None:
    roster, start, end = made
    now = max([start + percent * (end - start) / 100, *(version.valid_from for version in roster.versions)])
    late = Override("late", "whole", "Zoe", now, now + WEEK, now)
    edited = Roster((*roster.versions, daily("Zoe", valid_from=now)), (*roster.overrides, late), roster.events)
    for one in shifts(roster, start, min(now, end)):
        for at in {one.start, one.start + (min(one.end, now) - one.start) / 2}:
            if at < now:
                assert shift_at(edited, at).person == one.person


@given(rosters(), st.sampled_from(["replace", "add", "remove", "whole"]), names, names)
@settings(deadline=None)
def test_an_exchange_that_nothing_stands_in_the_way_of_holds(
    made: tuple[Roster, datetime, datetime], kind: str, person: str, other: str
) -> None:
    roster, start, end = made
    last = max([start, *(one.made for one in roster.overrides)])
    new = Override("new", kind, person, start, end, last, other if kind == "replace" else "")
    if conflict(roster, new):
        return
    after = Roster(roster.versions, (*roster.overrides, new), roster.events)
    for one in shifts(after, start, end):
        at = max(one.start, start)
        before = shift_at(roster, at).person
        taken = any(it.kind == "whole" and it.start <= at < it.end for it in roster.overrides)
        if kind == "whole":
            assert one.person == person
        elif taken or (kind == "add" and before) or (kind != "add" and before != new.off):
            assert one.person == before
        else:
            assert one.person == ("" if kind == "remove" else person)
