"""Quiet hours: when readers are told nothing, by their own wall clock. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

MINUTE = timedelta(minutes=1)


def is_quiet(hours: str, at: datetime, zone: tzinfo) -> bool:
    """Whether an instant is in hours like "22:00-07:00" of `zone`: from the first minute until before the last.

    "" is never, and so are hours that end as they begin.
    """
    if not hours:
        return False
    begin, end = _clocks(hours)
    now = at.astimezone(zone).time()
    return begin <= now < end if begin <= end else now >= begin or now < end


def ends(hours: str, at: datetime, zone: tzinfo) -> datetime:
    """When the quiet hours of an instant that is in them end (UTC).

    The clocks are followed minute by minute, since they may skip the end, or come to it twice.
    """
    at = at.astimezone(UTC).replace(second=0, microsecond=0)
    while is_quiet(hours, at, zone):
        at += MINUTE
    return at


def _clocks(hours: str) -> tuple[time, time]:
    begin, _, end = hours.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)
