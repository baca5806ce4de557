"""Rotas against a clock on the wall, watched every 30 seconds in ten zones that change their clocks in all ways."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest

from watcher.oncall.rota import Roster, Shift, Version, on_call, shift_at, shifts

ZONES = [
    "America/Chicago", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo",
    "Pacific/Apia", "Africa/Casablanca", "Asia/Tehran", "Antarctica/Troll", "UTC",
]  # fmt: skip
FIRST, LAST = datetime(2016, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, tzinfo=UTC)
"""Three years in which all of them that ever change their clocks do, Casablanca four times a year."""
STEP, HOUR, DAY = 30, 3600, 86_400
HOURS = timedelta(hours=1)
PEOPLE = ("Ana", "Ben", "Cleo")
TURNS = [  # the handoffs are at times that come twice, or never, somewhere
    ("00:00", timedelta(hours=1)),
    ("02:15", timedelta(minutes=45)),
    ("01:30", timedelta(hours=12)),
    ("02:30", timedelta(days=1)),
    ("sunday 00:30", timedelta(weeks=1)),
]


def rotas(zone: str) -> list[Version]:
    there = ZoneInfo(zone)
    return [Version(PEOPLE, date(2015, 12, 6), handoff, every, there, FIRST) for handoff, every in TURNS]


def offset(at: int, zone: tzinfo) -> int:
    there = datetime.fromtimestamp(at, zone).utcoffset()
    assert there is not None
    return int(there.total_seconds())


def changes(zone: tzinfo) -> list[int]:
    """Hours in which the clocks change."""
    hours = range(int(FIRST.timestamp()), int(LAST.timestamp()), HOUR)
    return [at for at in hours if offset(at, zone) != offset(at + HOUR, zone)]


def first_handoff(version: Version) -> int:
    """By the wall clock, which is read as if it were that of UTC. All rotas here start on a Sunday."""
    at = datetime.combine(version.start, time.fromisoformat(version.handoff.split()[-1]))
    return int(at.replace(tzinfo=UTC).timestamp())


def watch(zone: str, steps: range) -> None:
    """Look at the wall each step: whoever has the latest turn that the clock has come to is on, in each rota."""
    there = ZoneInfo(zone)
    # A clock that is set back tells no new time for a while.
    wall = list(accumulate((at + offset(at, there) for at in steps), max))
    for version in rotas(zone):
        every, first = int(version.every.total_seconds()), first_handoff(version)
        span = (datetime.fromtimestamp(edge, UTC) for edge in (steps.start, steps.stop))
        running = shifts(Roster((version,)), *span)
        before = Shift("", FIRST, FIRST)
        start, end, person = 0, 0, ""
        for at, shown in zip(steps, wall, strict=True):
            if at >= end:
                after = next(running)
                assert not end or before.end == after.start
                start, end, person, before = (
                    int(after.start.timestamp()),
                    int(after.end.timestamp()),
                    after.person,
                    after,
                )
            assert start <= at < end
            assert person == PEOPLE[(shown - first) // every % 3], datetime.fromtimestamp(at, there)
        assert next(running, None) is None


@pytest.mark.parametrize("zone", ZONES)
def test_all_steps_of_the_days_about_each_change_of_the_clocks(zone: str) -> None:
    for change in changes(ZoneInfo(zone)) or [int(FIRST.timestamp()) + 70 * DAY]:
        watch(zone, range(change - 3 * DAY, change + 3 * DAY, STEP))


@pytest.mark.soak
@pytest.mark.parametrize("zone", ZONES)
def test_all_steps_of_three_years(zone: str) -> None:
    watch(zone, range(int(FIRST.timestamp()) + 7 * DAY, int(LAST.timestamp()), STEP))


@pytest.mark.parametrize("zone", ZONES)
def test_each_handoff_of_three_years_is_told_by_the_instant_alone(zone: str) -> None:
    for version in rotas(zone)[2:]:
        roster, before = Roster((version,)), None
        for shift in shifts(roster, FIRST + timedelta(weeks=1), LAST):
            assert before is None or before.end == shift.start
            for at in (shift.start, shift.end - timedelta.resolution, shift.start + (shift.end - shift.start) / 2):
                assert on_call(roster, at) == shift
            before = shift


# ---------------------------------------------------------------- the rules one by one


def around(zone: str, handoff: str, every: timedelta, at: datetime) -> tuple[str, str, timedelta]:
    """The shift of an instant: when it starts and ends by the clocks there, and how long it really is."""
    there = ZoneInfo(zone)
    version = Version(PEOPLE, date(2017, 1, 1), handoff, every, there, datetime(2017, 1, 1, tzinfo=UTC))
    shift = shift_at(Roster((version,)), at)
    start, end = (edge.astimezone(there).strftime("%d %H:%M") for edge in (shift.start, shift.end))
    return start, end, shift.end - shift.start


@pytest.mark.parametrize(
    ("zone", "handoff", "day", "start"),
    [
        ("America/Chicago", "02:30", datetime(2017, 3, 12, 18, tzinfo=UTC), "12 03:00"),
        ("Australia/Lord_Howe", "02:15", datetime(2017, 9, 30, 18, tzinfo=UTC), "01 02:30"),
        ("Antarctica/Troll", "02:00", datetime(2017, 3, 26, 12, tzinfo=UTC), "26 03:00"),
        ("America/Sao_Paulo", "00:00", datetime(2017, 10, 15, 12, tzinfo=UTC), "15 01:00"),
        ("Asia/Tehran", "00:10", datetime(2017, 3, 22, 12, tzinfo=UTC), "22 01:00"),
        ("Asia/Kathmandu", "02:30", datetime(2017, 3, 12, 12, tzinfo=UTC), "12 02:30"),
    ],
)
def test_a_handoff_that_clocks_skip_is_when_they_skip_it(zone: str, handoff: str, day: datetime, start: str) -> None:
    assert around(zone, handoff, timedelta(days=1), day)[0] == start


def test_a_handoff_that_comes_twice_is_at_its_first_coming() -> None:
    night = datetime(2017, 11, 5, 12, tzinfo=UTC)
    start, end, took = around("America/Chicago", "01:30", timedelta(days=1), night)
    assert (start, end, took) == ("05 01:30", "06 01:30", timedelta(hours=25))
    version = Version(PEOPLE, date(2017, 1, 1), "01:30", timedelta(days=1), ZoneInfo("America/Chicago"), FIRST)
    assert shift_at(Roster((version,)), night).start == datetime(2017, 11, 5, 6, 30, tzinfo=UTC)  # CDT, not CST


def test_an_hourly_shift_holds_the_hour_that_comes_again() -> None:
    for minutes in range(0, 120, 10):
        at = datetime(2017, 11, 5, 6, minutes % 60, tzinfo=UTC) + timedelta(hours=minutes // 60)
        assert around("America/Chicago", "00:00", timedelta(hours=1), at) == (
            "05 01:00",
            "05 02:00",
            timedelta(hours=2),
        )


def test_turns_of_minutes_do_not_go_back_with_the_clock() -> None:
    again = datetime(2017, 11, 5, 7, 10, tzinfo=UTC)  # 01:10 CST, an hour after 01:10 CDT
    quarter = timedelta(minutes=15)
    assert around("America/Chicago", "00:00", quarter, again) == ("05 01:45", "05 02:00", HOURS + quarter)


def test_an_hourly_turn_that_clocks_skip_is_nobodys() -> None:
    version = Version(PEOPLE, date(2017, 3, 12), "00:00", timedelta(hours=1), ZoneInfo("America/Chicago"), FIRST)
    night = datetime(2017, 3, 12, 6, tzinfo=UTC)
    found = [(one.person, one.start.hour) for one in shifts(Roster((version,)), night, night + timedelta(hours=4))]
    assert found == [("Ana", 6), ("Ben", 7), ("Ana", 8), ("Ben", 9)]


def test_a_day_that_a_country_leaves_out() -> None:
    """Samoa had no 30 December 2011: its handoff is when the 31st begins."""
    before = datetime(2011, 12, 29, 19, tzinfo=UTC)
    version = Version(PEOPLE, date(2011, 12, 1), "09:00", timedelta(days=1), ZoneInfo("Pacific/Apia"), before)
    found = [
        (one.person, one.end - one.start) for one in shifts(Roster((version,)), before, before + timedelta(hours=40))
    ]
    assert found == [("Ben", 15 * HOURS), ("Cleo", 9 * HOURS), ("Ana", 24 * HOURS)]


@pytest.mark.parametrize("zone", ZONES)
def test_years_of_turns_are_not_walked_through(zone: str) -> None:
    version = Version(PEOPLE, date(1971, 1, 1), "00:00", timedelta(minutes=1), ZoneInfo(zone), FIRST)
    far = datetime(2150, 6, 1, 12, 0, 30, tzinfo=UTC)
    assert shift_at(Roster((version,)), far).start == far.replace(second=0)
