"""A rota's calendar: an .ics file, hostile as any file, to the shifts that its events are. Pure, on bytes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime, time, tzinfo
from typing import Any, NamedTuple

from watcher.oncall.rota import EARLIEST, Event

LONGEST = 1 << 20
"""Bytes of a calendar that is still read."""
MOST = 5_000
"""Events, repetitions counted, in the time that is asked for."""
MOST_REPEATED = 100
"""Events that repeat."""
PARTS = {
    "DAILY": {"BYDAY"},
    "WEEKLY": {"BYDAY"},
    "MONTHLY": {"BYDAY", "BYMONTHDAY", "BYSETPOS"},
    "YEARLY": {"BYDAY", "BYMONTHDAY", "BYSETPOS", "BYMONTH"},
}
"""How events may repeat (RFC 5545, 3.3.10). Others may take for ever to be told apart from those that never happen."""
ALWAYS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST"}


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
    events, unknown = [], []
    for one in _occurrences(content, start, end):
        title = str(one.get("SUMMARY", "")).strip()
        begin, until = _instant(one["DTSTART"].dt, zone), _instant(one["DTEND"].dt, zone)
        if str(one.get("STATUS", "")).upper() == "CANCELLED" or begin >= until:
            continue
        if person := _person(title, people):
            events.append(Event(person, begin, until))
        else:
            unknown.append(title[:80] or "(no title)")
    return Calendar(tuple(sorted(events, key=lambda event: event[1:])), tuple(dict.fromkeys(unknown)))


def _occurrences(content: bytes, start: datetime, end: datetime) -> list[Any]:
    import recurring_ical_events
    from icalendar import Calendar as Ics

    try:
        ics = Ics.from_ical(content)
        _check(ics.walk("VEVENT"))
        found: list[Any] = recurring_ical_events.of(ics).between(start, end)
    except CalendarError:
        raise
    except Exception as error:
        raise CalendarError(f"expected an .ics file as RFC 5545 has it: {error!s:.200}") from error
    if len(found) > MOST:
        raise CalendarError(f"expected at most {MOST:,} events, found {len(found):,}")
    return found


def _check(events: list[Any]) -> None:
    """Refuse what would take long to repeat, and times in zones that nobody knows."""
    for when in (event[key] for event in events for key in ("DTSTART", "DTEND") if key in event):
        if "TZID" in when.params and getattr(when.dt, "tzinfo", UTC) is None:
            raise CalendarError(f"expected a time zone like America/New_York, found {when.params['TZID']!s:.80}")
    repeated = [event for event in events if "RRULE" in event]
    if len(repeated) > MOST_REPEATED:
        raise CalendarError(f"expected at most {MOST_REPEATED} events that repeat, found {len(repeated):,}")
    for event in repeated:
        if event["DTSTART"].dt.year < EARLIEST.year:
            raise CalendarError(f"expected events that repeat to begin in {EARLIEST.year} or later")
        rules = event["RRULE"]
        for rule in rules if isinstance(rules, list) else [rules]:
            _check_rule({key.upper(): value for key, value in rule.items()})


def _check_rule(rule: Mapping[str, list[Any]]) -> None:
    often = str(rule["FREQ"][0]).upper()
    if often not in PARTS:
        raise CalendarError(f"expected events to repeat each day, week, month or year, found {often:.40}")
    if any(number < 1 for number in rule.get("INTERVAL", [])):
        raise CalendarError("expected events to repeat at intervals of 1 or more")
    if strange := rule.keys() - PARTS[often] - ALWAYS:
        raise CalendarError(f"expected events that repeat {often.lower()} without {', '.join(sorted(strange)):.80}")


def _person(title: str, people: Collection[str]) -> str:
    """The longest name that the title is, or begins with as a word of its own."""
    said = f"{title.casefold()} "
    fitting = []
    for name in people:
        rest = said.removeprefix(name.casefold())
        if rest != said and not rest[0].isalnum() and rest[0] != "-":  # Ana-Maria is not Ana
            fitting.append(name)
    return max(fitting, key=len, default="")


def _instant(when: Any, zone: tzinfo) -> datetime:
    at: datetime = when if isinstance(when, datetime) else datetime.combine(when, time())
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
