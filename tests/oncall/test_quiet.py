"""Quiet hours follow the clock on the wall, over midnight and when it is changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oncall.test_zones import ZONES
from watcher.oncall.quiet import ends, is_quiet

CHICAGO = ZoneInfo("America/Chicago")
MINUTE = timedelta(minutes=1)
clocks = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.integers(0, 59))
instants = st.datetimes(datetime(2016, 1, 1), datetime(2018, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def there(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("hours", "clock", "quiet"),
    [
        ("22:00-07:00", "21:59:59.999999", False),
        ("22:00-07:00", "22:00", True),
        ("22:00-07:00", "00:00", True),
        ("22:00-07:00", "06:59:59.999999", True),
        ("22:00-07:00", "07:00", False),
        ("12:00-13:30", "11:59", False),
        ("12:00-13:30", "12:00", True),
        ("12:00-13:30", "13:30", False),
        ("12:00-13:30", "00:00", False),
        ("22:00-00:00", "23:59", True),
        ("22:00-00:00", "00:00", False),
        ("12:00-12:00", "12:00", False),
        ("", "03:00", False),
    ],
)
def test_the_start_is_in_and_the_end_is_not(hours: str, clock: str, quiet: bool) -> None:  # noqa: FBT001 - a table
    assert is_quiet(hours, there(f"2026-01-15T{clock}"), CHICAGO) is quiet


@pytest.mark.parametrize(
    ("hours", "at", "end"),
    [
        ("22:00-07:00", there("2026-01-15T23:15:20"), there("2026-01-16T07:00")),
        ("22:00-07:00", there("2026-01-16T06:59:59"), there("2026-01-16T07:00")),
        ("22:00-07:00", there("2017-03-11T23:00"), datetime(2017, 3, 12, 12, tzinfo=UTC)),
        ("22:00-07:00", there("2017-11-04T23:00"), datetime(2017, 11, 5, 13, tzinfo=UTC)),
        ("22:00-02:30", there("2017-03-12T01:00"), there("2017-03-12T03:00")),
        ("22:00-01:30", there("2017-11-05T01:10"), there("2017-11-05T01:30")),
        ("22:00-01:30", there("2017-11-05T01:10", fold=1), there("2017-11-05T01:30", fold=1)),
    ],
)
def test_when_they_end(hours: str, at: datetime, end: datetime) -> None:
    assert ends(hours, at, CHICAGO) == end


@given(clocks, clocks, instants, st.sampled_from(ZONES))
def test_all_is_quiet_until_they_end(begin: str, end: str, at: datetime, name: str) -> None:
    hours, zone = f"{begin}-{end}", ZoneInfo(name)
    shown = at.astimezone(zone).strftime("%H:%M")
    inside = begin <= shown < end if begin <= end else not end <= shown < begin
    assert is_quiet(hours, at, zone) is inside
    if inside:
        over = ends(hours, at, zone)
        assert at < over <= at + timedelta(hours=25)
        assert (
            over.astimezone(zone).strftime("%H:%M") == end
            or over.astimezone(zone).utcoffset() != (over - MINUTE).astimezone(zone).utcoffset()
        )
        assert not is_quiet(hours, over, zone)
        assert is_quiet(hours, over - timedelta.resolution, zone)
