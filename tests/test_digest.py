"""Digests: when the next is due, by the wall clock of a zone, and what one says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Change, Severity, Subject
from watcher.digest import MOST_LINES, Seen, slot, told
from watcher.render import as_text

LA = ZoneInfo("America/Los_Angeles")
SEEN = Seen(9, 9)


def change(source: str, place: str, summary: str) -> Change:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    subject = Subject(f"place:{place}", place)
    return Change(
        summary, source, at, None, "record.added", Severity.MINOR, subject, (), None, None, summary, None, None
    )


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-02T16:00:00Z", "2026-03-02T16:00:00+00:00"),  # 08:00 in Los Angeles, to the second
        ("2026-03-02T15:59:59Z", "2026-03-01T16:00:00+00:00"),
        ("2026-03-09T15:00:00Z", "2026-03-09T15:00:00+00:00"),  # summer time since Sunday
    ],
)
def test_a_digest_is_due_by_the_wall_clock(now: str, due: str) -> None:
    assert slot("daily 08:00", datetime.fromisoformat(now), LA).isoformat() == due


@given(
    st.datetimes(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2035-01-01")),
    st.times(),
    st.sampled_from(["America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC"]),
)
def test_the_last_digest_is_never_more_than_a_day_ago(when: datetime, at: object, zone: str) -> None:
    now = when.replace(tzinfo=UTC)
    due = slot(f"daily {at:%H:%M}", now, ZoneInfo(zone))
    assert timedelta(0) <= now - due <= timedelta(hours=25)


def test_another_rhythm_is_refused() -> None:
    with pytest.raises(ValueError, match="daily 08:00"):
        slot("weekly 08:00", datetime(2026, 3, 1, tzinfo=UTC), UTC)


def test_silence_does_not_look_like_failure() -> None:
    assert as_text(told("digest", [], SEEN)) == "Digest: all quiet, 9 of 9 pages seen."


def test_changes_are_grouped_by_source_and_place() -> None:
    found = [
        change("list", "Cook", "Cook: listed"),
        change("report", "Clark", "Clark: dropped"),
        change("list", "Lake", "Lake: listed"),
        change("list", "Cook", "Cook: note changed"),
    ]
    assert as_text(told("digest", found, Seen(8, 9))).splitlines() == [
        "Digest: 4 changes, 8 of 9 pages seen.",
        "list",
        "• Cook: listed",
        "• Cook: note changed",
        "• Lake: listed",
        "report",
        "• Clark: dropped",
    ]


def test_what_came_while_muted_says_so_and_counts_the_rest() -> None:
    found = [change("list", str(number), f"row {number}") for number in range(MOST_LINES + 5)]
    lines = as_text(told("muted", found, SEEN)).splitlines()
    assert lines[0] == "While this chat was muted: 65 changes."
    assert lines[-1] == "… and 5 more."
