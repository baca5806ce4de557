"""A rota's calendar: an .ics file, hostile as any file, to the shifts that its events are. Pure, on bytes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, time, tzinfo
from itertools import islice
from typing import Any, NamedTuple

from watcher.oncall.rota import Event

LONGEST = 1 << 20
"""Bytes of a calendar that is still read."""
MOST = 5_000
"""Events, repetitions counted, in the time that is asked for."""


class CalendarError(ValueError):
    """This is no calendar that can be read; the text says what was expected."""


class Calendar(NamedTuple):
    """The shifts of a calendar, and the titles of events that name nobody who is known."""

    events: tuple[Event, ...]
    unknown: tuple[str, ...]


def read(content: bytes, people: Collection[str], zone: tzinfo, start: datetime, end: datetime) -> Calendar:
    """The events of an .ics file between two instants. Each names a person: its title is the name, or begins with it.

    Times without a zone, and whole days, are meant in `zone`. Raises CalendarError.
    """
    if len(content) > LONGEST:
        raise CalendarError(f"expected a calendar of at most {LONGEST >> 20} MiB, found {len(content):,} bytes")
    if b"BEGIN:VCALENDAR" not in content[:2048].upper():
        raise CalendarError("expected an .ics file, which begins with BEGIN:VCALENDAR")
    import recurring_ical_events
    from icalendar import Calendar as Ics

    try:
        found = recurring_ical_events.of(Ics.from_ical(content)).between(start, end)
        listed = list(islice(found, MOST + 1))
    except Exception as error:
        raise CalendarError(f"the calendar cannot be read: {error!s:.200}") from error
    if len(listed) > MOST:
        raise CalendarError(f"expected at most {MOST:,} events, found more")
    events, unknown = [], []
    for one in listed:
        title = str(one.get("SUMMARY", "")).strip()
        person = _person(title, people)
        if not person:
            unknown.append(title[:80] or "(no title)")
            continue
        begin, until = _instant(one["DTSTART"].dt, zone), _instant(one["DTEND"].dt, zone)
        if begin < until:
            events.append(Event(person, begin, until))
    return Calendar(tuple(sorted(events, key=lambda event: event[1:])), tuple(dict.fromkeys(unknown)))


def _person(title: str, people: Collection[str]) -> str:
    """The longest name that the title is, or begins with as a word of its own."""
    said = title.casefold()
    fitting = [name for name in people if (said + " ").startswith(name.casefold() + " ") or _leads(said, name)]
    return max(fitting, key=len, default="")


def _leads(said: str, name: str) -> bool:
    rest = said.removeprefix(name.casefold())
    return rest != said and bool(rest) and not rest[0].isalnum()


def _instant(when: Any, zone: tzinfo) -> datetime:
    at: datetime = when if isinstance(when, datetime) else datetime.combine(when, time())
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
