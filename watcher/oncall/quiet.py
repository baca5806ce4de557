"""Quiet hours: when readers are told nothing, by their own wall clock. Pure."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

from watcher.oncall.rota import to_instant

DAY = timedelta(days=1)


def is_quiet(hours: str, at: datetime, zone: tzinfo) -> bool:
    """Whether an instant is in hours like "22:00-07:00" of `zone`: from the first minute until before the last.

    "" is never; hours that end as they begin are the whole day.
    """
    if not hours:
        return False
    begin, end = _clocks(hours)
    now = at.astimezone(zone).time().replace(tzinfo=None)
    return begin <= now < end if begin < end else now >= begin or now < end


def ends(hours: str, at: datetime, zone: tzinfo) -> datetime:
    """When the quiet hours of an instant that is in them end (UTC)."""
    _, end = _clocks(hours)
    day = at.astimezone(zone).date()
    found = to_instant(datetime.combine(day, end), zone)
    return found if found > at else to_instant(datetime.combine(day + DAY, end), zone)


def _clocks(hours: str) -> tuple[time, time]:
    begin, _, end = hours.partition("-")
    return time.fromisoformat(begin), time.fromisoformat(end)
