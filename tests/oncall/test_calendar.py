"""Calendars of rotas: whom an event names, when it is, and files that are wrong, hostile or too large."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.oncall.calendar import LONGEST, MOST, MOST_REPEATED, Calendar, CalendarError, read
from watcher.oncall.rota import Event

CHICAGO = ZoneInfo("America/Chicago")
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=373)
PEOPLE = ("Ana", "Ana Lima", "Ben", "Zoë")
SHIFT = ["DTSTART:20260302T150000Z", "DTEND:20260309T140000Z"]
SPAN = (datetime(2026, 3, 2, 15, tzinfo=UTC), datetime(2026, 3, 9, 14, tzinfo=UTC))


def ics(*events: list[str]) -> bytes:
    """A calendar of events, each as its lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//desk//EN"]
    for number, event in enumerate(events):
        lines += ["BEGIN:VEVENT", f"UID:{number}", "DTSTAMP:20260101T000000Z", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def found(*events: list[str]) -> Calendar:
    return read(ics(*events), PEOPLE, CHICAGO, START, END)


@pytest.mark.parametrize(
    ("title", "person"),
    [
        ("Ana", "Ana"),
        ("ana (on call)", "Ana"),
        ("Ana: desk", "Ana"),
        ("Ana Lima, week 10", "Ana Lima"),
        ("  Ben  ", "Ben"),
        ("ZOË", "Zoë"),
        ("Anabel", ""),
        ("Ana-Maria", ""),
        ("On call: Ana", ""),
        ("", ""),
    ],
)
def test_a_title_names_a_person_or_is_reported(title: str, person: str) -> None:
    calendar = found([f"SUMMARY:{title}", *SHIFT, "ATTENDEE;CN=Ben:mailto:ben@example.org"])
    if person:
        assert calendar == ((Event(person, *SPAN),), ())
    else:
        assert calendar == ((), (title or "(no title)",))


def test_nobodys_events_are_reported_once_each_beside_those_of_people() -> None:
    calendar = found(["SUMMARY:Ben", *SHIFT], ["SUMMARY:Holiday", *SHIFT], ["SUMMARY:Holiday", *SHIFT], SHIFT)
    assert calendar == ((Event("Ben", *SPAN),), ("Holiday", "(no title)"))


def test_repetitions_follow_the_wall_clock_of_their_zone() -> None:
    weekly = ["DTSTART;TZID=America/Chicago:20260302T090000", "DTEND;TZID=America/Chicago:20260302T170000"]
    calendar = found(
        ["SUMMARY:Ana", *weekly, "RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;TZID=America/Chicago:20260316T090000"]
    )
    assert [(one.start.hour, one.end - one.start) for one in calendar.events] == [
        (15, timedelta(hours=8)),
        (14, timedelta(hours=8)),
    ]


def test_one_repetition_can_be_moved_to_another_person_or_be_cancelled() -> None:
    daily = ["SUMMARY:Ana", "DTSTART:20260302T090000Z", "DTEND:20260302T170000Z", "RRULE:FREQ=DAILY;COUNT=3"]
    moved = ["SUMMARY:Ben", "DTSTART:20260303T100000Z", "DTEND:20260303T170000Z", "RECURRENCE-ID:20260303T090000Z"]
    off = ["SUMMARY:Ana", "STATUS:CANCELLED", "DTSTART:20260304T090000Z", "DTEND:20260304T170000Z"]
    content = ics(daily, moved, [*off, "RECURRENCE-ID:20260304T090000Z"])
    content = content.replace(b"UID:1", b"UID:0").replace(b"UID:2", b"UID:0")
    events = read(content, PEOPLE, CHICAGO, START, END).events
    assert [(one.person, one.start.day, one.start.hour) for one in events] == [("Ana", 2, 9), ("Ben", 3, 10)]


def test_whole_days_and_times_without_a_zone_are_meant_where_the_rota_is() -> None:
    day = found(["SUMMARY:Ana", "DTSTART;VALUE=DATE:20260308", "DTEND;VALUE=DATE:20260309"]).events[0]
    assert (day.start, day.end) == (datetime(2026, 3, 8, 6, tzinfo=UTC), datetime(2026, 3, 9, 5, tzinfo=UTC))
    floating = found(["SUMMARY:Ana", "DTSTART:20260701T090000", "DTEND:20260701T170000"]).events[0]
    assert floating == Event("Ana", datetime(2026, 7, 1, 14, tzinfo=UTC), datetime(2026, 7, 1, 22, tzinfo=UTC))


def test_events_come_in_order_and_those_of_no_length_not_at_all() -> None:
    late = ["SUMMARY:Ben", "DTSTART:20260401T090000Z", "DTEND:20260401T170000Z"]
    calendar = found(late, ["SUMMARY:Ana", *SHIFT], ["SUMMARY:Zoë", "DTSTART:20260302T150000Z"])
    assert [one.person for one in calendar.events] == ["Ana", "Ben"]


def repeats(rule: str, start: str = "20260302") -> bytes:
    return ics(["SUMMARY:Ana", f"DTSTART:{start}T090000Z", f"DTEND:{start}T100000Z", f"RRULE:{rule}"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "expected an .ics file, which begins with BEGIN:VCALENDAR"),
        (b"<html>log in</html>", "expected an .ics file, which begins with"),
        (b"BEGIN:VCALENDAR\r\n\xff\x00;;;", "expected an .ics file as RFC 5545 has it"),
        (ics(["SUMMARY:Ana", *SHIFT])[:150], "expected an .ics file as RFC 5545 has it"),
        (ics(["SUMMARY:Ana"]), "expected an .ics file as RFC 5545 has it"),
        (ics(["SUMMARY:Ana", "DTSTART:tomorrow"]), "expected an .ics file as RFC 5545 has it"),
        (
            ics(["SUMMARY:Ana", "DTSTART;TZID=Oz/City:20260302T090000"]),
            "expected a time zone like America/New_York, found Oz",
        ),
        (repeats("FREQ=SECONDLY"), "expected events to repeat each day, week, month or year, found SECONDLY"),
        (repeats("FREQ=HOURLY"), "found HOURLY"),
        (repeats("FREQ=SOMETIMES"), "expected an .ics file as RFC 5545 has it"),
        (repeats("FREQ=DAILY;INTERVAL=0"), "expected events to repeat at intervals of 1 or more"),
        (repeats("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"), "that repeat daily without BYMONTH, BYMONTHDAY"),
        (repeats("FREQ=DAILY;BYHOUR=1,2,3;BYSECOND=1,2"), "without BYHOUR, BYSECOND"),
        (repeats("FREQ=DAILY", start="00010101"), "expected events that repeat to begin in 1970 or later"),
        (
            ics(*[["RRULE:FREQ=DAILY", *SHIFT]] * (MOST_REPEATED + 1)),
            "expected at most 100 events that repeat, found 101",
        ),
        (ics(*[["RRULE:FREQ=DAILY", *SHIFT]] * 20), f"expected at most {MOST:,} events, found"),
        (b"BEGIN:VCALENDAR" + b" " * LONGEST, "expected a calendar of at most 1 MiB, found 1,048,591 bytes"),
    ],
)
def test_what_cannot_be_read_says_what_was_expected(content: bytes, why: str) -> None:
    with pytest.raises(CalendarError) as refused:
        read(content, PEOPLE, CHICAGO, START, END)
    assert why in str(refused.value)
    assert len(str(refused.value)) < 400


good = ics(["SUMMARY:Ana", *SHIFT, "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO"], ["SUMMARY:Ben", *SHIFT])


@given(st.integers(0, len(good)), st.integers(0, 40), st.binary(max_size=12))
def test_a_file_that_was_damaged_is_read_or_refused(at: int, length: int, other: bytes) -> None:
    try:
        calendar = read(good[:at] + other + good[at + length :], PEOPLE, CHICAGO, START, END)
    except CalendarError:
        return
    assert all(one.person in PEOPLE and one.start < one.end for one in calendar.events)
