"""The history of a source whose old captures were taken in: what is imported and what is live, told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rig import NOON, Rig, at, table, without
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
    assert [mark.text for mark in marks(spans([(NOON, "wayback"), (far, LIVE)]), UTC, far)] == [
        "-- from a web archive: 1 capture from 2026-03-01 12:00 UTC to 2026-03-01 12:00 UTC",
        "-- no capture from 2026-03-01 12:00 UTC to 2026-04-10 12:00 UTC",
        "-- watched live: 1 capture from 2026-04-10 12:00 UTC to 2026-04-10 12:00 UTC",
    ]


def test_live_checks_go_on_where_nothing_changed() -> None:
    captured = [(NOON - 50 * DAY, "import"), (NOON, LIVE)]
    found = spans(captured, NOON + 9 * DAY)
    assert found[-1] == Span(LIVE, NOON, NOON + 9 * DAY, 1)
    assert not any("nobody" in mark.text for mark in marks(found, UTC, NOON + 10 * DAY))
    assert [mark.text for mark in marks(found, UTC, NOON + 90 * DAY)][-1] == (
        "-- nobody looked from 2026-03-10 12:00 UTC to 2026-05-30 12:00 UTC"
    )


@pytest.mark.parametrize(
    ("checked", "ends", "gaps"),
    [(9, 9, ["-- nobody looked"]), (60, 60, []), (99, 80, []), (None, 0, ["-- nobody looked"])],
)
def test_a_gap_after_live_checks_begins_with_the_last(checked: int | None, ends: int, gaps: list[str]) -> None:
    captured = [(NOON, LIVE), (NOON + 80 * DAY, "import")]
    found = spans(captured, None if checked is None else NOON + checked * DAY)
    assert found[0].until == NOON + ends * DAY
    told = [mark.text.split(" from ")[0] for mark in marks(found, UTC, NOON + 81 * DAY)]
    assert told == ["-- watched live: 1 capture", *gaps, "-- imported: 1 capture"]


def test_nothing_says_how_long_earlier_live_checks_went_on() -> None:
    found = spans([(NOON, LIVE), (NOON + 80 * DAY, "import"), (NOON + 81 * DAY, LIVE)], NOON + 82 * DAY)
    assert [mark.text.split(" from ")[0] for mark in marks(found, UTC, NOON + 82 * DAY)] == [
        "-- watched live: 1 capture",
        "-- imported: 1 capture",
        "-- watched live: 1 capture",
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
        "-- no capture",
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


def test_only_the_spans_of_that_time(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    old(rig, {NOON - 2 * DAY: table(), NOON - DAY: table(without("Cook"))})
    rig.site.pages["/list"] = table()
    rig.check()
    lines = history(rig, capsys, since=NOON)
    assert [line[:15] for line in lines] == ["-- watched live", "2026-03-01 04:0"]
    rig.check(after=HOUR)
    assert history(rig, capsys, since=NOON + HOUR) == [
        "no stored change matches",
        "-- watched live: 1 capture from 2026-03-01 04:00 PST to 2026-03-01 05:00 PST",
    ]
    assert history(rig, capsys, since=NOON + DAY) == ["no stored change matches"]


def test_where_no_change_matches_one_still_sees_what_was_looked_at(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    rig.site.pages["/list"] = table()
    rig.check()
    rig.check(after=HOUR)
    assert history(rig, capsys) == [
        "no stored change matches",
        "-- watched live: 1 capture from 2026-03-01 04:00 PST to 2026-03-01 05:00 PST",
    ]
    assert history(rig, capsys, name="") == ["no stored change matches"]


def history(
    rig: Rig, capsys: pytest.CaptureFixture[str], *, since: datetime | None = None, name: str = "list"
) -> list[str]:
    rig.told()
    capsys.readouterr()
    desk = Desk.begin(rig.path, now=at(rig.now))
    reading.history(desk, name, since=since, until=None, kind="", place="")
    return capsys.readouterr().out.splitlines()
