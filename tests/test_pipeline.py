"""One check from fetch to outbox: what each answer of a site comes to, what is stored of it, and what is told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from tests.rig import COUNTIES, NOON, Rig, minutes, page, source, table, without
from tests.site import Reply
from tests.test_plugins import install
from watcher.core import Severity, SourceState
from watcher.store import Connection, StoreError, changes, outbox, snapshots, sources

BASE = table()


def first(rig: Rig, body: str = BASE) -> None:
    """Take the baseline."""
    rig.site.pages["/list"] = body
    assert rig.check().outcome == "first"


def believed(rig: Rig) -> list[str]:
    return [snapshot.id for snapshot in rig.snapshots() if snapshot.verdict == "ok"]


# ---------------------------------------------------------------- sound answers


def test_the_first_sight_is_a_baseline_and_tells_nobody(both: Rig) -> None:
    first(both)
    state = both.state()
    assert (state.state, state.records, state.last_checked, state.last_seen) == ("ok", 5, NOON, NOON)
    assert state.last_changed is None
    assert state.snapshot is not None
    assert [snapshot.id for snapshot in both.snapshots()] == [state.snapshot]
    assert both.store.read_sync(snapshots.body, state.snapshot) == BASE.encode()
    assert (both.changes(), both.deliveries()) == ([], [])
    assert both.told() == ""


def test_the_same_bytes_change_nothing_but_the_times(both: Rig) -> None:
    first(both)
    before = both.state()
    assert both.check(after=minutes(30)).outcome == "unchanged"
    after = both.state()
    assert after.last_checked == after.last_seen == NOON + minutes(30)
    assert after.next_check is not None
    assert after.next_check > both.now
    same = {"last_checked": None, "last_seen": None, "next_check": None, "rate_count": 0.0, "rate_hours": 0.0}
    assert replace(before, **same) == replace(after, **same)  # type: ignore[arg-type]
    assert len(both.snapshots()) == 1


def test_a_304_is_unchanged_and_brings_no_body(rig: Rig) -> None:
    rig.site.pages["/list"] = Reply(BASE, headers={"ETag": '"one"'})
    assert rig.check().outcome == "first"
    assert rig.check(after=minutes(30)).outcome == "unchanged"
    assert rig.site.requests[-1].headers["if-none-match"] == '"one"'
    assert len(rig.snapshots()) == 1


def test_bytes_that_read_the_same_are_kept_out(both: Rig) -> None:
    first(both, table(token="aaa"))
    old = both.state().sha256
    both.site.pages["/list"] = table(token="bbb")
    assert both.check(after=minutes(30)).outcome == "unchanged"
    assert len(both.snapshots()) == 1
    assert both.state().sha256 != old


def test_bytes_that_read_the_same_are_kept_where_everything_is(rig: Rig) -> None:
    rig.watch(source(rig.site), watcher='keep = "all"')
    first(rig, table(token="aaa"))
    rig.site.pages["/list"] = table(token="bbb")
    ended = rig.check(after=minutes(30))
    assert (ended.outcome, ended.changes) == ("unchanged", ())
    assert len(believed(rig)) == 2
    assert rig.told() == ""
    assert rig.check(after=minutes(30)).outcome == "unchanged"
    assert len(rig.snapshots()) == 2


def test_a_change_is_stored_and_told(both: Rig) -> None:
    first(both)
    both.site.pages["/list"] = table([*without("Clark"), ("Clark County", "Nev.", "51")])
    ended = both.check(after=minutes(30))
    assert ended.outcome == "changed"
    (change,) = both.changes()
    assert ended.changes == (change,)
    assert (change.old, change.new) == ("10", "51")
    assert (change.at, change.last_seen) == (NOON + minutes(30), NOON)
    assert (change.before, change.snapshot) == tuple(believed(both))
    (delivery,) = both.deliveries()
    assert (delivery.state, delivery.channel, delivery.changes) == ("sent", "console", (change.id,))
    told = both.told()
    assert "Clark County" in told
    assert delivery.alert in told
    assert both.state().last_changed == both.now


def test_a_cosmetic_change_is_stored_and_not_told(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = table([*COUNTIES[:4], ("Snohomish County", "Wash.", "14.")])
    assert rig.check(after=minutes(30)).outcome == "unchanged"
    assert {change.severity for change in rig.changes()} == {Severity.COSMETIC}
    assert rig.told() == ""
    assert rig.state().state == "ok"


def test_there_and_back_and_there_again_are_three_changes(both: Rig) -> None:
    first(both)
    for body in (table(without("Cook")), BASE, table(without("Cook"))):
        both.site.pages["/list"] = body
        assert both.check(after=minutes(30)).outcome == "changed"
    found = both.changes()
    assert [change.kind for change in found] == [
        "jurisdiction.delisted",
        "jurisdiction.listed",
        "jurisdiction.delisted",
    ]
    assert len({change.id for change in found}) == 3
    assert [change.returned for change in found] == [False, True, False]
    assert found[1].summary.endswith("(was there before)")
    assert [delivery.state for delivery in both.deliveries()] == ["sent"] * 3


def test_a_row_never_seen_has_not_returned(rig: Rig) -> None:
    first(rig, table(without("Cook")))
    rig.site.pages["/list"] = BASE
    (change,) = rig.check(after=minutes(30)).changes
    assert change.returned is False


LINES = """
import hashlib
import msgspec
from watcher.core import Document, Record

class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass

class Lines:
    kind = "lines"
    version = 1
    Options = Options

    def __init__(self, options):
        self.options = options

    async def snapshot(self, source, fetch, known, *, fresh):
        return await fetch(source, source.url, validators=known, fresh=fresh)

    def fingerprint(self, capture, known=""):
        return hashlib.sha256(capture.body.strip() + bytes([self.version])).hexdigest()

    def extract(self, capture, choices):
        read = str.title if self.version == 1 else str.upper
        keys = [read(line) for line in capture.body.decode().split()]
        records = {key: Record(key, {"Name": key}) for key in keys}
        return Document(capture.source, capture.kind, capture.snapshot, capture.at, capture.url, records=records)
"""


def test_an_adapter_that_reads_otherwise_since_its_upgrade_is_no_news(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "installed", LINES, "[watcher.sources]\nlines = stranger:Lines\n")
    monkeypatch.syspath_prepend(str(tmp_path / "installed"))
    monkeypatch.delitem(sys.modules, "stranger", raising=False)
    rig.watch(source(rig.site, kind="lines"))
    first(rig, "alpha beta gamma delta")
    monkeypatch.setattr(sys.modules["stranger"].Lines, "version", 2)
    assert rig.check(after=minutes(30)).outcome == "unchanged"
    rig.site.pages["/list"] = "alpha beta gamma delta "
    assert rig.check(after=minutes(30)).outcome == "unchanged"
    assert (rig.changes(), rig.deliveries(), rig.state().version) == ([], [], 2)
    rig.site.pages["/list"] = "alpha beta delta"
    (change,) = rig.check(after=minutes(30)).changes
    assert (change.kind, change.subject.name) == ("record.removed", "GAMMA")
    monkeypatch.setattr(sys.modules["stranger"].Lines, "version", 3)
    rig.site.pages["/list"] = "alpha beta delta omega"
    (change,) = rig.check(after=minutes(30)).changes
    assert (change.kind, change.subject.name) == ("record.added", "OMEGA")


# ---------------------------------------------------------------- answers that are doubted


@pytest.mark.parametrize(
    "missing", [Reply("gone", status=404), Reply("gone", status=410), page("x", title="Not found")]
)
def test_a_page_is_gone_once_two_answers_agree(both: Rig, missing: Reply | str) -> None:
    first(both)
    both.site.pages["/list"] = missing
    once = both.check(after=minutes(30))
    assert (once.outcome, once.changes) == ("suspect", ())
    assert both.state().state == "suspect"
    assert both.state().next_check == both.now + minutes(10)
    assert both.told() == ""
    seen = both.now
    connections = both.site.connections
    twice = both.check(after=minutes(10))
    assert both.site.connections > connections
    (change,) = twice.changes
    assert (twice.outcome, change.kind, change.at, change.last_seen) == ("gone", "page.gone", seen, NOON)
    assert both.state().state == "gone"
    assert "gone" in both.told()
    assert both.check(after=minutes(30)).outcome == "gone"
    assert both.told() == ""
    assert both.kinds() == ["page.gone"]


def test_a_page_comes_back_with_what_differs(both: Rig) -> None:
    first(both)
    both.site.pages["/list"] = Reply("", status=404)
    both.check(after=minutes(30))
    both.check(after=minutes(10))
    both.told()
    both.site.pages["/list"] = table(without("Nassau"))
    back = both.check(after=minutes(60))
    assert (back.outcome, [change.kind for change in back.changes]) == (
        "changed",
        ["page.back", "jurisdiction.delisted"],
    )
    assert both.state().state == "ok"
    assert "Nassau County" in both.told()
    assert len(both.deliveries()) == 2


def test_a_page_comes_back_as_it_was(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply("", status=404)
    rig.check(after=minutes(30))
    rig.check(after=minutes(10))
    rig.site.pages["/list"] = BASE
    back = rig.check(after=minutes(60))
    assert (back.outcome, [change.kind for change in back.changes]) == ("changed", ["page.back"])
    assert rig.state().state == "ok"
    assert rig.check(after=minutes(60)).outcome == "unchanged"


def test_a_page_that_was_only_away_once_says_nothing(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply("", status=404)
    rig.check(after=minutes(30))
    rig.site.pages["/list"] = BASE
    assert rig.check(after=minutes(10)).outcome == "unchanged"
    assert rig.changes() == []
    rig.site.pages["/list"] = Reply("", status=404)
    assert rig.check(after=minutes(30)).outcome == "suspect"


def test_a_second_answer_that_comes_too_soon_confirms_nothing(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply("", status=404)
    for after in (30, 1, 5, 3):
        assert rig.check(after=minutes(after)).outcome == "suspect"
    assert rig.check(after=minutes(1)).outcome == "gone"


def test_no_waiting_time_lets_the_next_check_confirm(rig: Rig) -> None:
    rig.watch(source(rig.site), suspect='confirm_after = "0s"')
    first(rig)
    rig.site.pages["/list"] = Reply("", status=404)
    assert [rig.check().outcome for _ in range(2)] == ["suspect", "gone"]


def test_three_confirmations_want_three_captures(both: Rig) -> None:
    both.watch(source(both.site), suspect="confirmations = 3")
    first(both)
    both.site.pages["/list"] = Reply("", status=404)
    assert [both.check(after=minutes(10)).outcome for _ in range(3)] == ["suspect", "suspect", "gone"]
    assert both.changes()[0].at == NOON + minutes(10)


@pytest.mark.parametrize(
    "answer",
    [
        Reply("slow down", status=429),
        Reply("<title>Access denied</title>", status=403),
        page("<p>Please wait.</p>", title="Just a moment..."),
        page('<form><input type="password"></form>', title="Log in"),
        Reply("", status=200),
    ],
)
def test_block_pages_are_never_believed(rig: Rig, answer: Reply | str) -> None:
    first(rig)
    rig.site.pages["/list"] = answer
    assert {rig.check(after=minutes(60)).outcome for _ in range(6)} == {"suspect"}
    assert [change.kind for change in rig.changes() if not change.kind.startswith("source.")] == []
    assert len(believed(rig)) == 1
    rig.site.pages["/list"] = BASE
    assert rig.check(after=minutes(60)).outcome == "unchanged"
    assert rig.state().state == "ok"


def test_a_block_page_that_stays_is_stored_once(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply("no", status=403)
    for _ in range(4):
        rig.check(after=minutes(60))
    assert [snapshot.verdict for snapshot in rig.snapshots()] == ["ok", "blocked"]


def test_a_server_error_is_a_failure(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply("oops", status=503, headers={"Retry-After": "7200"})
    ended = rig.check(after=minutes(30))
    assert (ended.outcome, ended.snapshot, ended.changes) == ("failed", None, ())
    assert "503" in ended.error
    state = rig.state()
    assert (state.state, state.next_check, state.last_seen) == ("failing", rig.now + minutes(120), NOON)
    assert len(rig.snapshots()) == 1


def test_a_cut_answer_is_a_failure(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply(BASE, cut=50)
    assert rig.check(after=minutes(30)).outcome == "failed"
    assert len(rig.snapshots()) == 1


def test_an_address_that_is_not_to_be_reached_is_refused(rig: Rig) -> None:
    rig.watch('[[source]]\nname = "list"\nkind = "page"\nurl = "http://10.1.2.3/"\nignore_robots = true\n')
    ended = rig.check()
    assert ended.outcome == "refused"
    assert "allow_private" in ended.error


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Reply("", status=404), "failed"),
        (page("<p>There is no table here.</p>" * 9), "failed"),
        (Reply("", status=500), "failed"),
        (Reply("  \n"), "suspect"),
        (Reply("no", status=403), "suspect"),
    ],
)
def test_what_is_no_page_is_never_a_baseline(both: Rig, answer: Reply | str, outcome: str) -> None:
    both.site.pages["/list"] = answer
    for _ in range(3):
        assert both.check(after=minutes(60)).outcome == outcome
    assert both.state().snapshot is None
    assert believed(both) == []
    both.site.pages["/list"] = BASE
    assert both.check(after=minutes(60)).outcome == "first"
    assert [kind for kind in both.kinds() if not kind.startswith("source.")] == []


# ---------------------------------------------------------------- lost records

MANY = [(f"County {number}", "Nev.", str(number)) for number in range(100, 135)]


def test_most_rows_lost_is_doubted_then_believed_from_the_first_time_on(both: Rig) -> None:
    first(both, table(MANY))
    both.site.pages["/list"] = table(MANY[:3])
    once = both.check(after=minutes(30))
    assert (once.outcome, both.kinds()) == ("suspect", [])
    assert "32 of 35" in once.error
    seen = both.now
    both.site.pages["/list"] = table(MANY[:3], token="other bytes")
    twice = both.check(after=minutes(10))
    assert twice.outcome == "changed"
    assert len(twice.changes) == len(both.changes()) == 32
    assert {change.kind for change in both.changes()} <= {"jurisdiction.delisted", "record.removed"}
    assert {(change.at, change.last_seen) for change in both.changes()} == {(seen, NOON)}
    assert both.state().records == 3
    assert [snapshot.verdict for snapshot in both.snapshots()] == ["ok", "ok"]
    assert len({delivery.alert for delivery in both.deliveries()}) == 1
    assert both.check(after=minutes(30)).outcome == "unchanged"


def test_rows_that_were_lost_only_once_say_nothing(rig: Rig) -> None:
    first(rig, table(MANY))
    rig.site.pages["/list"] = table(MANY[:3])
    assert rig.check(after=minutes(30)).outcome == "suspect"
    rig.site.pages["/list"] = table(MANY)
    assert rig.check(after=minutes(10)).outcome == "unchanged"
    assert rig.changes() == []
    assert rig.state().state == "ok"


def test_another_loss_is_doubted_anew(rig: Rig) -> None:
    first(rig, table(MANY))
    for rows in (MANY[:3], MANY[:4], MANY[:3]):
        rig.site.pages["/list"] = table(rows)
        assert rig.check(after=minutes(10)).outcome == "suspect"
    assert rig.check(after=minutes(10)).outcome == "changed"
    assert len(rig.changes()) == 32


def test_no_table_any_more_is_a_loss_too(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = page("<p>The list is being revised.</p>" * 9)
    assert rig.check(after=minutes(10)).outcome == "suspect"
    ended = rig.check(after=minutes(10))
    assert (ended.outcome, len(ended.changes)) == ("changed", 5)
    assert rig.state().records == 0


# ---------------------------------------------------------------- faults


def test_a_fault_is_told_once_and_its_end_once(both: Rig) -> None:
    first(both)
    both.site.pages["/list"] = Reply("oops", status=500)
    for number in range(1, 7):
        assert both.check(after=minutes(60)).outcome == "failed"
        assert both.kinds() == (["source.failing"] if number >= 3 else [])
    told = both.told()
    assert told.count("HTTP 500") == 1
    both.site.pages["/list"] = BASE
    assert both.check(after=minutes(60)).outcome == "unchanged"
    assert both.check(after=minutes(60)).outcome == "unchanged"
    assert both.kinds() == ["source.failing", "source.recovered"]
    assert len(both.deliveries()) == 2
    assert both.told()


def test_a_block_is_told_as_one(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply("no", status=403)
    for _ in range(5):
        rig.check(after=minutes(60))
    assert rig.kinds() == ["source.blocked"]
    assert rig.state().state == "blocked"


def test_faults_do_not_reach_readers(rig: Rig) -> None:
    rig.watch(
        source(rig.site),
        '[[channel]]\nname = "readers"\nkind = "console"\n[[route]]\nto = "readers"\n',
    )
    first(rig)
    rig.site.pages["/list"] = Reply("oops", status=500)
    for _ in range(3):
        rig.check(after=minutes(60))
    assert [delivery.channel for delivery in rig.deliveries()] == ["console"]


# ---------------------------------------------------------------- one transaction


@pytest.mark.parametrize(
    ("module", "name"),
    [(snapshots, "put_snapshot"), (changes, "put_changes"), (outbox, "put_alert"), (sources, "put_state")],
)
def test_what_fails_while_storing_leaves_nothing(
    both: Rig, monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str
) -> None:
    first(both)
    state = both.state()
    both.site.pages["/list"] = table(without("Cook"))

    def fail(conn: Connection, *_: object) -> None:
        del conn
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(module, name, fail)
        failed = both.check(after=minutes(30))
    assert (failed.outcome, failed.error) == ("failed", "the disk is full")
    assert both.state() == state
    assert len(both.snapshots()) == 1
    assert (both.changes(), both.deliveries()) == ([], [])
    assert both.check(after=minutes(30)).outcome == "changed"
    assert both.kinds() == ["jurisdiction.delisted"]
    assert [delivery.state for delivery in both.deliveries()] == ["sent"]


def test_the_chain_holds_through_it_all(both: Rig) -> None:
    first(both, table(MANY))
    for body in (table(MANY[:3]), Reply("", status=404), Reply("no", status=403), table(MANY[1:]), table(MANY[1:3])):
        both.site.pages["/list"] = body
        both.check(after=minutes(30))
    assert both.check(after=minutes(30)).outcome == "changed"
    assert [snapshot.seq for snapshot in both.snapshots()] == list(range(1, len(both.snapshots()) + 1))
    assert both.store.read_sync(snapshots.first_bad, "list") is None


def test_unchanged_checks_are_written_together(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"page-{number}" for number in range(5)]
    rig.watch(*(source(rig.site, name) for name in names))
    for name in names:
        rig.site.pages[f"/{name}"] = BASE
    rig.check_all()
    written: list[int] = []
    put = sources.put_checks

    def counted(conn: Connection, states: Sequence[SourceState]) -> None:
        written.append(len(states))
        put(conn, states)

    monkeypatch.setattr("watcher.pipeline.sources.put_checks", counted)
    rig.now += minutes(30)
    assert {checked.outcome for checked in rig.check_all().values()} == {"unchanged"}
    assert written == [5]
    assert {rig.state(name).last_checked for name in names} == {rig.now}


def test_a_wait_beyond_all_measure_is_a_day(rig: Rig) -> None:
    first(rig)
    rig.site.pages["/list"] = Reply("busy", status=503, headers={"Retry-After": "9" * 5_000})
    checked = rig.check(after=minutes(30))
    assert checked.outcome == "failed"
    assert checked.state.next_check == rig.now + minutes(24 * 60)
