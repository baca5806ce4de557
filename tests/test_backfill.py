"""Old captures into the history: their place among what is stored, what changed between them, and that none is told."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.rig import COUNTIES, NOON, Rig, minutes, page, table, without
from watcher.app import App
from watcher.backfill import Backfilled, backfill
from watcher.captures import CaptureError, Captures, opened
from watcher.core import Change
from watcher.store import Connection, StoreError, snapshots

HOUR = timedelta(hours=1)
BASE = table()
MANY = [(f"County {number}", "Nev.", str(number)) for number in range(100, 135)]


def name(at: datetime, extension: str = "html") -> str:
    return f"{at:%Y-%m-%dT%H-%M-%SZ}.{extension}"


def folder(place: Path, captures: Mapping[datetime, str]) -> Path:
    """A folder of captures."""
    place.mkdir(parents=True, exist_ok=True)
    for at, body in captures.items():
        (place / name(at)).write_text(body, encoding="utf-8")
    return place


def archive(path: Path, captures: Mapping[datetime, str]) -> Path:
    """A tar archive of captures, newest first."""
    with tarfile.open(path, "w:xz") as tar:
        for at, body in sorted(captures.items(), reverse=True):
            member = tarfile.TarInfo(f"captures/{name(at)}")
            member.size = len(body.encode())
            tar.addfile(member, io.BytesIO(body.encode()))
    return path


def fill(rig: Rig, path: Path) -> Backfilled:
    """Take the captures at `path` in."""

    async def work(app: App) -> Backfilled:
        (one,) = app.config.sources
        with opened(path) as captures:
            return await backfill(app.parts, one, app.state(one), captures)

    return rig.run(work)


def told(rig: Rig) -> list[tuple[datetime, str, str]]:
    """Each stored change: when, its kind, and what it is about."""
    return [(change.at, change.kind, change.subject.name) for change in rig.changes()]


def dropped(at: datetime, county: str) -> tuple[datetime, str, str]:
    return (at, "jurisdiction.delisted", county)


def listed(at: datetime, county: str) -> tuple[datetime, str, str]:
    return (at, "jurisdiction.listed", county)


@pytest.mark.parametrize("made", [folder, archive])
def test_captures_become_history_with_their_own_times(
    both: Rig, made: Callable[[Path, Mapping[datetime, str]], Path]
) -> None:
    times = [NOON - days * 24 * HOUR for days in (3, 2, 1)]
    path = made(both.folder / "old", dict(zip(times, (BASE, table(without("Cook")), BASE), strict=True)))
    assert fill(both, path) == Backfilled(captures=3, stored=3, suspect=0, changes=2)
    assert told(both) == [dropped(times[1], "Cook County, Ill."), listed(times[2], "Cook County, Ill.")]
    assert [change.last_seen for change in both.changes()] == times[:2]
    assert both.changes()[1].returned
    stored = both.snapshots()
    assert [(one.at, one.provenance, one.clock, one.verdict) for one in stored] == [
        (at, "import", "capture", "ok") for at in times
    ]
    assert both.deliveries() == []
    assert both.told() == ""
    assert both.store.read_sync(snapshots.first_bad, "list") is None


def test_twice_is_once(both: Rig) -> None:
    path = folder(both.folder / "old", {NOON - 2 * HOUR: BASE, NOON - HOUR: table(without("Cook"))})
    fill(both, path)
    before = both.snapshots(), both.changes()
    assert fill(both, path) == Backfilled(captures=2, stored=0, suspect=0, changes=0)
    assert (both.snapshots(), both.changes()) == before
    folder(both.folder / "old", {NOON: BASE})
    assert fill(both, path) == Backfilled(captures=3, stored=1, suspect=0, changes=1)


def test_the_first_live_check_after_it_stores_and_does_not_alert(both: Rig) -> None:
    fill(both, folder(both.folder / "old", {NOON - HOUR: BASE}))
    assert both.state().records == 5
    both.site.pages["/list"] = table(without("Cook"))
    both.check()
    assert told(both) == [dropped(NOON, "Cook County, Ill.")]
    assert both.deliveries() == []
    both.site.pages["/list"] = table(without("Clark"))
    both.check(after=minutes(30))
    assert len(both.changes()) == 3
    assert len(both.deliveries()) == 1


def live(rig: Rig, *bodies: str) -> list[Change]:
    """A live capture each hour from noon on; gives the changes."""
    for hour, body in enumerate(bodies):
        rig.now = NOON + hour * HOUR
        rig.site.pages["/list"] = body
        rig.check()
    return rig.changes()


def test_behind_live_captures_the_joins_are_told_and_nothing_is_rewritten(both: Rig) -> None:
    stored = live(both, BASE, table(without("Nassau")), table(without("Cook")))
    chain = both.snapshots()
    outbox = both.deliveries()
    times = [NOON - 2 * HOUR, NOON - HOUR]
    fill(both, folder(both.folder / "old", {times[0]: table(without("Cook")), times[1]: table(COUNTIES[1:])}))
    assert sorted(told(both)) == sorted(
        [
            dropped(times[1], "Clark County, Nev."),
            listed(times[1], "Cook County, Ill."),
            listed(NOON, "Clark County, Nev."),
            dropped(NOON + HOUR, "Nassau County, N.Y."),
            listed(NOON + 2 * HOUR, "Nassau County, N.Y."),
            dropped(NOON + 2 * HOUR, "Cook County, Ill."),
        ]
    )
    assert [change for change in both.changes() if change in stored] == stored
    assert [one for one in both.snapshots() if one.provenance == "live"] == chain
    assert both.deliveries() == outbox
    assert not any(change.returned for change in both.changes() if change.at < NOON)
    assert both.state().snapshot == chain[-1].id
    assert both.store.read_sync(snapshots.first_bad, "list") is None
    both.now += HOUR
    assert both.check().outcome == "unchanged"
    assert len(both.changes()) == 6


def test_between_live_captures_nothing_is_told_twice(both: Rig) -> None:
    live(both, BASE, table(without("Nassau")))
    half = NOON + minutes(30)
    fill(both, folder(both.folder / "old", {half: table(without("Nassau"))}))
    assert told(both) == [dropped(NOON + HOUR, "Nassau County, N.Y.")]


def test_between_live_captures_what_came_and_went_is_told(both: Rig) -> None:
    live(both, BASE, table(without("Nassau")))
    half = NOON + minutes(30)
    fill(both, folder(both.folder / "old", {half: table(without("Cook"))}))
    assert sorted(told(both)) == sorted(
        [
            dropped(half, "Cook County, Ill."),
            listed(NOON + HOUR, "Cook County, Ill."),
            dropped(NOON + HOUR, "Nassau County, N.Y."),
        ]
    )
    assert len(both.deliveries()) == 1


def test_a_doubted_capture_is_confirmed_by_the_next(both: Rig) -> None:
    times = [NOON - number * HOUR for number in (5, 4, 3, 2, 1)]
    bodies = (table(MANY), table(MANY[:3]), table(MANY[:3], token="x"), page("x", title="Not found"), table(MANY[:3]))
    done = fill(both, folder(both.folder / "old", dict(zip(times, bodies, strict=True))))
    assert (done.captures, done.stored, done.suspect, done.changes) == (5, 5, 2, 32)
    assert {change.at for change in both.changes()} == {times[1]}
    assert {change.last_seen for change in both.changes()} == {times[0]}
    assert [one.verdict for one in both.snapshots()].count("ok") >= 3


def test_a_loss_that_nothing_confirms_is_not_believed(rig: Rig) -> None:
    times = [NOON - number * HOUR for number in (3, 2, 1)]
    done = fill(rig, folder(rig.folder / "old", dict(zip(times, (BASE, table(COUNTIES[:1]), BASE), strict=True))))
    assert (done.suspect, done.changes) == (1, 0)
    assert [one.verdict for one in rig.snapshots()] == ["ok", "lost", "ok"]


def test_a_page_that_was_gone_and_came_back(both: Rig) -> None:
    missing = page("x", title="Page not found")
    times = [NOON - number * HOUR for number in (4, 3, 2, 1)]
    fill(both, folder(both.folder / "old", dict(zip(times, (BASE, missing, missing, BASE), strict=True))))
    assert [(change.at, change.kind) for change in both.changes()] == [(times[1], "page.gone"), (times[3], "page.back")]
    assert both.changes()[0].last_seen == times[0]


def test_block_pages_and_empty_bodies_are_no_history(rig: Rig) -> None:
    blocked = page("<p>Please wait.</p>", title="Just a moment...")
    times = [NOON - number * HOUR for number in range(6, 0, -1)]
    bodies = (" ", blocked, BASE, blocked, blocked, BASE)
    fill(rig, folder(rig.folder / "old", dict(zip(times, bodies, strict=True))))
    assert rig.changes() == []
    assert [one.verdict for one in rig.snapshots()] == ["empty", "blocked", "ok", "blocked", "blocked", "ok"]


def test_a_capture_from_the_dawn_of_time_is_history_like_any_other(both: Rig) -> None:
    (both.folder / "old").mkdir()
    (both.folder / "old" / "0001-01-01T00-00-00Z.html").write_text(BASE)
    fill(both, folder(both.folder / "old", {NOON: table(without("Cook"))}))
    assert [one.at.year for one in both.snapshots()] == [1, 2026]
    assert both.changes()[0].last_seen == datetime(1, 1, 1, tzinfo=UTC)


def test_many_captures_are_stored_a_batch_at_a_time(rig: Rig) -> None:
    count = 2 * Captures.together + 5
    bodies = {
        NOON - number * HOUR: table([("Clark County", "Nev.", str(number)), *COUNTIES[1:]]) for number in range(count)
    }
    assert fill(rig, folder(rig.folder / "old", bodies)) == Backfilled(count, count, 0, count - 1)
    assert [change.at for change in rig.changes()] == sorted(bodies)[1:]


@pytest.mark.parametrize("bad", ["yesterday.html", "2026-02-30T00-00-00Z.html", "2026-01-01T00-00-00Z"])
def test_a_broken_name_leaves_everything_as_it_was(rig: Rig, bad: str) -> None:
    path = folder(rig.folder / "old", {NOON - HOUR: BASE})
    fill(rig, path)
    before = rig.snapshots(), rig.state()
    folder(path, {NOON: table(without("Cook"))})
    (path / bad).write_text(BASE)
    with pytest.raises(CaptureError, match=r"expected a name like 2017-03-20T16-00-00Z\.html"):
        fill(rig, path)
    assert (rig.snapshots(), rig.state(), rig.changes()) == (*before, [])


@pytest.mark.parametrize(
    "trap", ["/etc/2026-01-01T00-00-00Z.html", "../2026-01-01T00-00-00Z.html", "link", "fifo", "cut"]
)
def test_a_trap_in_an_archive_leaves_everything_as_it_was(rig: Rig, trap: str) -> None:
    fill(rig, folder(rig.folder / "old", {NOON - HOUR: BASE}))
    before = rig.snapshots(), rig.state()
    path = archive(rig.folder / "new.tar", {NOON: table(without("Cook"))})
    if trap == "cut":
        path.write_bytes(path.read_bytes()[:200])
    else:
        trapped(path, trap)
    with pytest.raises(CaptureError):
        fill(rig, path)
    assert (rig.snapshots(), rig.state(), rig.changes()) == (*before, [])
    assert not (rig.folder.parent / name(datetime.fromisoformat("2026-01-01T00:00:00Z"))).exists()


def trapped(path: Path, trap: str) -> None:
    """Write an archive whose second member is a trap."""
    with tarfile.open(path, "w") as tar:
        good = tarfile.TarInfo(name(NOON))
        good.size = len(BASE)
        tar.addfile(good, io.BytesIO(BASE.encode()))
        bad = tarfile.TarInfo("2026-01-01T00-00-00Z.html" if trap in {"link", "fifo"} else trap)
        if trap == "link":
            bad.type, bad.linkname = tarfile.SYMTYPE, "/etc/passwd"
        elif trap == "fifo":
            bad.type = tarfile.FIFOTYPE
        tar.addfile(bad)


def test_a_store_that_fails_half_way_keeps_whole_batches(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 2 * Captures.together
    bodies = {
        NOON - number * HOUR: table([("Clark County", "Nev.", str(number)), *COUNTIES[1:]]) for number in range(count)
    }
    path = folder(rig.folder / "old", bodies)
    put, calls = snapshots.put_snapshot, 0

    def fail(conn: Connection, *given: object) -> None:
        nonlocal calls
        calls += 1
        if calls == Captures.together + 10:
            raise StoreError("the disk is full")
        put(conn, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("watcher.backfill.snapshots.put_snapshot", fail)
        with pytest.raises(StoreError):
            fill(rig, path)
    assert len(rig.snapshots()) == Captures.together
    assert rig.store.read_sync(snapshots.first_bad, "list") is None
    assert fill(rig, path).stored == count - Captures.together
    assert [change.at for change in rig.changes()] == sorted(bodies)[1:]
