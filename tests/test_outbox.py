"""The outbox rows of an alert: ids that repeat, parts that fit, and a count of what was left out."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.core import PLAIN, Alert, Change, Delivery, Line, Severity, Subject, content_id
from watcher.outbox import MOST_PARTS, plan
from watcher.render import as_text, utf16
from watcher.summary import summarise
from watcher.wording import words

AT = datetime(2017, 3, 20, 21, 10, tzinfo=UTC)
ALERT = Alert("0123456789abcdef", "rule", "desk", "ice", "s2", AT, ("c1",))


def change(name: str, old: str, new: str) -> Change:
    subject, path = Subject(f"record:{name}", name), ("records", name, "Title")
    return Change(
        id=content_id(name, old, new),
        source="ice",
        at=AT,
        last_seen=AT - timedelta(minutes=10),
        kind="record.changed",
        severity=Severity.MINOR,
        subject=subject,
        path=path,
        old=old,
        new=new,
        summary=summarise("record.changed", subject, path, old, new),
        snapshot="s2",
        before="s1",
        spans=words(old, new),
    )


def measure(lines: tuple[Line, ...]) -> int:
    return utf16(as_text(lines))


def planned(changes: list[Change], limit: int = 4096, **rest: Any) -> tuple[Delivery, ...]:
    given_rest = {"pages": {"ice": "https://www.ice.gov/x"}, "stored": "watcher show ice --at T"} | rest
    zone = ZoneInfo("America/Los_Angeles")
    return plan(ALERT, changes, zone=zone, limit=limit, measure=measure, now=AT, **given_rest)


def test_a_small_alert_is_one_pending_row() -> None:
    one = change("a", "old", "new")
    (row,) = planned([one])
    assert (row.alert, row.channel, row.source, row.part, row.parts) == (ALERT.id, "desk", "ice", 1, 1)
    assert (row.state, row.due, row.created, row.attempts, row.changes) == ("pending", AT, AT, 0, (one.id,))
    assert as_text(row.lines).split("\n") == [
        "a: Title old → new",
        "ice · seen between 14:00 and 14:10 PDT on March 20, 2017",
        "Live page <https://www.ice.gov/x>",
        "Stored copy: watcher show ice --at T",
        f"ref {ALERT.id}",
    ]


def test_planning_again_gives_the_same_ids_whatever_the_time() -> None:
    changes = [change(f"row {number}", f"{number}", f"{number + 1}") for number in range(100)]
    zone = ZoneInfo("UTC")
    again = plan(ALERT, changes, pages={}, stored="s", zone=zone, limit=4096, measure=measure, now=AT + timedelta(1))
    ids = [row.id for row in again]
    assert ids == [row.id for row in planned(changes, pages={}, stored="s")][: len(ids)]
    assert len(set(ids)) == len(ids)
    other = plan(
        replace(ALERT, channel="x"), changes, pages={}, stored="s", zone=zone, limit=4096, measure=measure, now=AT
    )
    assert not set(ids) & {row.id for row in other}


def test_parts_are_numbered_and_each_names_the_alert() -> None:
    rows = planned([change(f"row {number}", f"{number}", f"{number + 1}") for number in range(60)], limit=1000)
    assert [as_text(row.lines).split("\n")[-1] for row in rows] == [
        f"ref {ALERT.id} · {number}/{len(rows)}" for number in range(1, len(rows) + 1)
    ]
    assert len(rows) > 1


def test_what_does_not_fit_three_parts_is_counted_and_where_to_read_it_said() -> None:
    changes = [change(f"row {number}", f"{number}", f"{number + 1}") for number in range(300)]
    rows = planned(changes, limit=1000)
    assert len(rows) == MOST_PARTS
    text = "\n".join(as_text(row.lines) for row in rows)
    (more,) = re.findall(r"… and (\d+) more changes\. Read them all: watcher show ice --at T", text)
    assert len(re.findall(r": Title \d+ →", text)) + int(more) == len(changes)
    assert int(more) > 0
    assert all(len(row.changes) == len(changes) for row in rows)


def test_the_links_come_even_where_hardly_anything_fits() -> None:
    rows = planned([change("a", "long " * 300, "longer " * 300)], limit=130)
    assert "Stored copy" in as_text(rows[-1].lines)
    assert len(rows) == MOST_PARTS


def test_a_footer_that_alone_is_too_long_still_goes_whole() -> None:
    rows = planned([change("a", "old", "new")], limit=60, stored="watcher show " + "name " * 40)
    text = " ".join(as_text(row.lines) for row in rows)
    assert text.count("name") >= 40


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.text(max_size=40), st.text(max_size=300), st.text(max_size=300)), min_size=1, max_size=20),
    st.integers(300, 2000),
)
def test_every_part_fits_and_every_change_is_told_or_counted(rows: list[tuple[str, str, str]], limit: int) -> None:
    changes = [change(f"{place} {name}", old, f"{new}.") for place, (name, old, new) in enumerate(rows)]
    deliveries = planned(changes, limit=limit)
    assert 1 <= len(deliveries) <= MOST_PARTS
    assert all(measure(row.lines) <= limit for row in deliveries)


@pytest.mark.parametrize("stored", ["https://watch.example.org/change/1", "watcher show ice --at T"])
def test_the_count_of_one_is_singular(stored: str) -> None:
    changes = [change("a", "old " * 30, "new " * 30), change("b", "x " * 60, "y " * 60)]
    text = "\n".join(as_text(row.lines) for row in planned(changes, limit=230, stored=stored))
    assert re.search(r"… and [12] more changes?\. Read them all", text)


def test_many_rows_come_with_a_picture_where_the_channel_shows_one() -> None:
    many = [change(f"row {number}", "old", "new") for number in range(6)]
    *parts, drawn = planned(many, drawn=True)
    assert (drawn.part, drawn.extras.picture) == (len(parts) + 1, True)
    assert as_text(drawn.lines).endswith(f"ref {ALERT.id}")
    assert planned(many[:5], drawn=True)[-1].extras == PLAIN
    assert planned(many)[-1].extras == PLAIN
