"""The history of a source whose old captures were taken in: what is imported and what is live, told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rig import NOON, Rig, table, without
from tests.test_replay import HOUR, old
from watcher.asking import Desk
from watcher.commands import reading
from watcher.commands.spans import GAP, LIVE, Span, marks, spans

DAY = timedelta(days=1)
NAMES = st.sampled_from(["live", "import", "wayback"])
CAPTURED = st.lists(st.tuples(st.datetimes(timezones=st.just(UTC)), NAMES)).map(sorted)


@given(CAPTURED)
def test_spans_hold_all_captures_in_order(captured: list[tuple[datetime, str]]) -> None:
    found = spans(captured)
    assert sum(span.captures for span in found) == len(captured)
    assert [span.since for span in found] == sorted(span.since for span in found)
    assert all(span.since <= span.until for span in found)
    for before, after in pairwise(found):
        assert before.provenance != after.provenance or after.since - before.until > GAP


def test_a_gap_parts_old_captures_and_not_live_ones() -> None:
    far = NOON + 40 * DAY
    assert spans([(NOON, "import"), (far, "import")]) == [Span("import", NOON, NOON, 1), Span("import", far, far, 1)]
    assert spans([(NOON, LIVE), (far, LIVE)]) == [Span(LIVE, NOON, far, 2)]
    assert marks([(NOON, LIVE), (far, LIVE)], UTC) == marks([], UTC) == []
    assert [mark.text for mark in marks([(NOON, "wayback"), (far, LIVE)], UTC)] == [
        "-- from a web archive: 1 capture from 2026-03-01 12:00 UTC to 2026-03-01 12:00 UTC",
        "-- nobody looked from 2026-03-01 12:00 UTC to 2026-04-10 12:00 UTC",
        "-- watched live: 1 capture from 2026-04-10 12:00 UTC to 2026-04-10 12:00 UTC",
    ]


def test_people_see_what_is_imported(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    old(
        rig,
        {NOON - 60 * DAY: table(without("Nassau")), NOON - 20 * DAY: table(), NOON - 19 * DAY: table(without("Cook"))},
    )
    rig.site.pages["/list"] = table(without("Clark"))
    rig.check()
    rig.site.pages["/list"] = table()
    rig.check(after=HOUR)
    printed = [
        line.split(" from ")[0] if line.startswith("--") else line.split("  ")[-1] for line in history(rig, capsys)
    ]
    assert printed == [
        "-- imported: 1 capture",
        "-- nobody looked",
        "-- imported: 2 captures",
        "Listed: Nassau County, N.Y.",
        "Dropped: Cook County, Ill.",
        "-- watched live: 2 captures",
        "Listed: Cook County, Ill. (was there before)",
        "Dropped: Clark County, Nev.",
        "Listed: Clark County, Nev. (was there before)",
    ]


def test_without_old_captures_there_is_no_line_between(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    rig.site.pages["/list"] = table()
    rig.check()
    rig.site.pages["/list"] = table(without("Cook"))
    rig.check(after=HOUR)
    (line,) = history(rig, capsys)
    assert line.endswith("Dropped: Cook County, Ill.")


def test_only_the_spans_that_begin_then(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    old(rig, {NOON - 2 * DAY: table(), NOON - DAY: table(without("Cook"))})
    rig.site.pages["/list"] = table()
    rig.check()
    lines = history(rig, capsys, since=NOON)
    assert [line[:15] for line in lines] == ["-- watched live", "2026-03-01 04:0"]


def history(rig: Rig, capsys: pytest.CaptureFixture[str], since: datetime | None = None) -> list[str]:
    rig.told()
    capsys.readouterr()
    reading.history(Desk.begin(rig.path), "list", since=since, until=None, kind="", place="")
    return capsys.readouterr().out.splitlines()
