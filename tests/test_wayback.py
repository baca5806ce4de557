"""Old captures from a web archive: which are asked for, how patiently, what is believed of them, and what is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.cdx import Archive
from tests.fetching import Time, door
from tests.rig import COUNTIES, NOON, Rig, page, table, without
from tests.site import Page, Raw, Reply, Site
from watcher import wayback as module
from watcher.app import App
from watcher.backfill import Backfilled, backfill
from watcher.captures import Arrival, CaptureError, Stored
from watcher.core import Change, Fetch, Source
from watcher.store import snapshots
from watcher.wayback import Gap, Run, Wayback

BASE = table()
MANY = [(f"County {number}", "Nev.", str(number)) for number in range(100, 135)]
MISSING = page("x", title="Page not found")
FRONT = page("<p>Welcome to the agency.</p>", title="Agency")


def stamp(days: float) -> str:
    """So many days before the rig's noon, as archives write it."""
    return f"{NOON - timedelta(days=days):%Y%m%d%H%M%S}"


def when(days: float) -> datetime:
    return NOON - timedelta(days=days)


@pytest.fixture
def archive(rig: Rig) -> Archive:
    return Archive(rig.site, rig.site.url("/list"))


def fill(
    rig: Rig, *, since: datetime | None = None, until: datetime | None = None, fetch: Fetch | None = None
) -> tuple[Backfilled, Wayback]:
    """Take in what the archive has."""
    found: list[Wayback] = []

    async def at_once(_: float) -> None:
        return None

    async def work(app: App) -> Backfilled:
        (one,) = app.config.sources
        found.append(Wayback(fetch or app.parts.fetch, one, rig.site.url("").rstrip("/"), sleep=at_once))
        await found[0].search(since, until)
        return await backfill(app.parts, one, app.state(one), found[0])

    return rig.run(work), found[0]


def told(rig: Rig) -> list[tuple[datetime, str, str]]:
    return [(change.at, change.kind, change.subject.name) for change in rig.changes()]


def known(rig: Rig) -> list[tuple[datetime, str, str]]:
    return [(one.at, one.provenance, one.verdict) for one in rig.snapshots()]


# ---------------------------------------------------------------- history


def test_captures_become_history_with_their_own_times(archive: Archive, rig: Rig) -> None:
    archive.add(stamp(3), BASE)
    archive.add(stamp(2), table(without("Cook")))
    archive.add(stamp(1), BASE)
    done, found = fill(rig)
    assert done == Backfilled(captures=3, stored=3, suspect=0, changes=2)
    assert told(rig) == [
        (when(2), "jurisdiction.delisted", "Cook County, Ill."),
        (when(1), "jurisdiction.listed", "Cook County, Ill."),
    ]
    assert known(rig) == [(when(days), "wayback", "ok") for days in (3, 2, 1)]
    assert rig.deliveries() == []
    one = rig.snapshots()[0]
    assert (one.url, one.peer, one.clock) == (rig.site.url("/list"), None, "capture")
    assert dict(one.headers)["etag"] == '"own"'
    assert rig.store.read_sync(snapshots.first_bad, "list") is None
    assert (found.failed, found.unusable) == (0, 0)
    assert found.gaps() == [Gap(when(3), when(2)), Gap(when(2), when(1))]


def test_joined_to_live_history_and_never_alerting(archive: Archive, rig: Rig) -> None:
    rig.site.pages = {"/list": table(without("Cook"))}
    rig.check()
    stored = rig.snapshots()
    rig.site.pages = archive
    archive.add(stamp(2), BASE)
    archive.add(stamp(1), table(without("Nassau")))
    fill(rig)
    assert told(rig) == [
        (when(1), "jurisdiction.delisted", "Nassau County, N.Y."),
        (NOON, "jurisdiction.listed", "Nassau County, N.Y."),
        (NOON, "jurisdiction.delisted", "Cook County, Ill."),
    ]
    assert rig.snapshots()[-1:] == stored
    assert (rig.deliveries(), rig.told()) == ([], "")
    assert rig.store.read_sync(snapshots.first_bad, "list") is None


def test_equal_bytes_are_fetched_once_and_say_until_when_they_stood(archive: Archive, rig: Rig) -> None:
    for days in (9, 8, 7, 5):
        archive.add(stamp(days), BASE, status="-" if days == 8 else 200)
    archive.add(stamp(4), table(without("Cook")))
    done, found = fill(rig)
    assert archive.fetched == [stamp(9), stamp(4)]
    assert (done.captures, done.changes) == (2, 1)
    assert rig.changes()[0].last_seen == when(5)
    assert found.gaps()[0] == Gap(when(7), when(5))


def test_twice_is_once_and_only_what_is_new_is_fetched(archive: Archive, rig: Rig) -> None:
    archive.add(stamp(3), BASE)
    archive.add(stamp(1), BASE.replace("10", "11"))
    fill(rig)
    before = rig.snapshots(), rig.changes()
    archive.site.requests.clear()
    assert fill(rig)[0] == Backfilled(captures=2, stored=0, suspect=0, changes=0)
    assert (rig.snapshots(), rig.changes(), archive.fetched) == (*before, [])
    archive.add(stamp(2), table(without("Cook")))
    assert fill(rig)[0].stored == 1
    assert archive.fetched == [stamp(2)]
    assert {change.at for change in rig.changes()} == {when(2), when(1)}


def test_only_the_time_that_was_asked_for(archive: Archive, rig: Rig) -> None:
    for days in (4, 3, 2, 1):
        archive.add(stamp(days), BASE.replace("10", str(days)))
    fill(rig, since=when(3), until=when(2))
    assert archive.fetched == [stamp(3), stamp(2)]
    assert (archive.asked[0]["from"], archive.asked[0]["to"]) == (stamp(3), stamp(2))
    assert archive.asked[0]["url"] == rig.site.url("/list")


# ---------------------------------------------------------------- doubt


def test_a_page_that_was_gone_is_gone_from_the_first_capture_on(archive: Archive, rig: Rig) -> None:
    archive.add(stamp(6), BASE)
    archive.add(stamp(5), MISSING, status=404)
    archive.add(stamp(4), MISSING, status=404)
    archive.add(stamp(3), BASE)
    archive.add(stamp(2), MISSING)
    archive.add(stamp(1), BASE)
    done, _ = fill(rig)
    assert archive.fetched == [stamp(days) for days in (6, 5, 3, 2, 1)]
    assert [(change.at, change.kind) for change in rig.changes()] == [(when(5), "page.gone"), (when(3), "page.back")]
    assert done.suspect == 2


def test_a_loss_seen_twice_is_believed(archive: Archive, rig: Rig) -> None:
    archive.add(stamp(6), table(MANY))
    archive.add(stamp(5), table(MANY[:3]))
    archive.add(stamp(3), table(MANY[:3]))
    archive.add(stamp(2), table(MANY[:2]))
    fill(rig)
    assert [change.at for change in rig.changes()] == [when(5)] * 32 + [when(2)]
    assert rig.changes()[-1].last_seen == when(3)
    assert [one.verdict for one in rig.snapshots()] == ["ok"] * 3


def test_block_pages_errors_and_redirects_home_are_no_history(archive: Archive, rig: Rig) -> None:
    deep = rig.site.url("/enforcement/list")
    archive.url = deep
    rig.path.write_text(rig.path.read_text().replace("/list", "/enforcement/list"))
    archive.add(stamp(9), BASE)
    archive.add(stamp(8), page("<p>Please wait.</p>", title="Just a moment..."))
    archive.add(stamp(7), "busy", status=503)
    archive.add(stamp(6), "no", status=403)
    archive.add(stamp(5), "", status=302, location=rig.site.url("/"))
    archive.add(stamp(5), FRONT, original=rig.site.url("/"), listed=False)
    archive.add(stamp(4), BASE, original=deep.replace("http:", "https:"))
    _, found = fill(rig)
    assert [(one.at, one.verdict, one.reason) for one in rig.snapshots()] == [
        (when(9), "ok", ""),
        (when(8), "blocked", "a block page (just a moment)"),
        (when(5), "gone", "a redirect to the home page"),
        (when(4), "ok", ""),
    ]
    assert rig.changes() == []
    assert found.unusable == 2
    assert rig.snapshots()[2].redirects[0].url == deep


def test_a_step_to_another_spelling_of_the_address_is_no_capture(archive: Archive, rig: Rig) -> None:
    secure = rig.site.url("/list/").replace("http:", "https:")
    archive.add(stamp(3), "", status=301, location=secure)
    archive.add(stamp(2), "", status=301, location=secure)
    archive.add(stamp(3), BASE, original=secure)
    done, found = fill(rig)
    assert known(rig) == [(when(3), "wayback", "ok")]
    assert (done.stored, found.failed) == (1, 0)


# ---------------------------------------------------------------- patience


def searched(site: Site, time: Time, per_minute: float = 0) -> Callable[[], list[str]]:
    """A search by a fetcher that lives on `time`; gives the stamps that were found."""

    async def main() -> list[str]:
        async with door(time, per_host_per_minute=per_minute) as fetch:
            watched = Source("list", "table", "https://agency.example/list", ignore_robots=True)
            found = Wayback(fetch, watched, site.url("").rstrip("/"), sleep=time.sleep)
            await found.search(None, None)
            for one in found:
                await found.arrival(one, watched, {})
            return [run.row.stamp for run in found if not run.failed]

    return lambda: asyncio.run(main())


def in_turn(*replies: Page) -> Callable[[], Page]:
    waiting = list(replies)
    return lambda: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def test_an_overloaded_archive_is_given_the_time_it_asks_for(site: Site) -> None:
    archive, time = Archive(site, "https://agency.example/list"), Time()
    held = archive.add("20170320160000", BASE)
    index = json.dumps([["timestamp", "original", "statuscode", "digest"], [held.stamp, held.original, "200", ""]])
    archive.instead["cdx"] = in_turn(Reply("slow down", status=429, headers={"retry-after": "100"}), Reply(index))
    archive.instead[held.stamp] = in_turn(Reply("busy", status=429), *[Reply("down", status=503)] * 3, Reply(BASE))
    assert searched(site, time)() == [held.stamp]
    assert time.slept[:2] == [30, 70]
    assert [seconds for seconds in time.slept if seconds >= 30] == [30, 70, 30, 60]


def test_requests_are_spaced_as_configured(site: Site) -> None:
    archive, time = Archive(site, "https://agency.example/list"), Time()
    for day in range(10, 20):
        archive.add(f"201703{day}000000", BASE.replace("10", str(day)))
    assert len(searched(site, time, per_minute=30)()) == 10
    assert time.seconds - 1000 == pytest.approx(20)
    assert site.peak == 1


def test_an_archive_that_asks_for_a_day_is_left_alone(site: Site) -> None:
    archive, time = Archive(site, "https://agency.example/list"), Time()
    archive.instead["cdx"] = lambda: Reply("no", status=429, headers={"retry-after": "86400"})
    with pytest.raises(CaptureError, match=r"127\.0\.0\.1: asks not to be called for 23:59:30: run this again"):
        searched(site, time)()
    assert len(site.requests) == 1


def test_what_came_before_an_outage_is_stored_and_the_next_run_goes_on(archive: Archive, rig: Rig) -> None:
    for days in range(9, 0, -1):
        archive.add(stamp(days), BASE.replace("10", str(days)))
    for days in (5, 4, 3):
        archive.instead[stamp(days)] = lambda: Raw([b""], reset=True)
    with pytest.raises(CaptureError, match="what came is stored: run this again later"):
        fill(rig)
    assert [at for at, _, _ in known(rig)] == [when(days) for days in (9, 8, 7, 6)]
    assert stamp(2) not in archive.fetched
    archive.instead.clear()
    archive.site.requests.clear()
    done, _ = fill(rig)
    assert (done.stored, archive.fetched) == (5, [stamp(days) for days in (5, 4, 3, 2, 1)])
    assert [change.at for change in rig.changes()] == [when(days) for days in range(8, 0, -1)]


@pytest.mark.parametrize("stop", range(1, 9))
def test_a_run_in_two_parts_tells_what_one_run_does(archive: Archive, rig: Rig, stop: int) -> None:
    archive.add(stamp(20), BASE)
    archive.add(stamp(19), MISSING, status=404)
    archive.add(stamp(18), MISSING + " ", status=404)
    archive.add(stamp(17), BASE)
    archive.add(stamp(16), BASE)
    archive.add(stamp(15), MISSING, status=410)
    archive.add(stamp(14), MISSING, status=410)
    archive.add(stamp(13), table(without("Cook")))
    archive.add(stamp(12), table(COUNTIES[:1]))
    archive.add(stamp(11), table(COUNTIES[:1], token="x"))
    archive.add(stamp(10), BASE)

    async def cut(app: App) -> None:
        (one,) = app.config.sources
        found = Cut(app.parts.fetch, one, rig.site.url("").rstrip("/"))
        await found.search(None, None)
        with pytest.raises(CaptureError, match="cut"):
            await backfill(app.parts, one, app.state(one), found)

    class Cut(Wayback):
        """An archive that falls silent after so many captures."""

        async def arrival(self, one: Run, source: Source, stored: Stored) -> Arrival | None:
            if self.runs.index(one) >= stop:
                raise CaptureError("cut")
            return await super().arrival(one, source, stored)

    rig.run(cut)
    assert 0 < len(rig.snapshots()) <= stop
    fill(rig)
    gone = [(change.at, change.kind) for change in rig.changes() if change.kind.startswith("page.")]
    assert gone == [
        (when(19), "page.gone"),
        (when(17), "page.back"),
        (when(15), "page.gone"),
        (when(13), "page.back"),
    ]
    listed = {(change.at, change.kind) for change in rig.changes() if change.kind.startswith("jurisdiction")}
    assert listed == {
        (when(13), "jurisdiction.delisted"),
        (when(12), "jurisdiction.delisted"),
        (when(10), "jurisdiction.listed"),
    }
    assert [change.last_seen for change in rig.changes() if change.at == when(15)] == [when(16)]
    assert rig.store.read_sync(snapshots.first_bad, "list") is None


# ---------------------------------------------------------------- hostile archives


def test_the_index_is_read_page_by_page(archive: Archive, rig: Rig) -> None:
    archive.rows = 2
    for days in range(7, 0, -1):
        archive.add(stamp(days), BASE.replace("10", str(days)))
    assert fill(rig)[0].stored == 7
    assert [one.get("resumeKey") for one in archive.asked] == [None, "key 2", "key 4", "key 6"]


INDEX = '[["timestamp","original","statuscode","digest"],["20170320160000","https://agency.example/list","200",""]'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Reply("<html><title>Sorry</title>"), "expected an index of captures in JSON, found '<html>"),
        (Reply(""), "expected an index of captures in JSON, found ''"),
        (Reply("{}"), "expected an index"),
        (Reply('[["timestamp"]]'), "expected an index"),
        (Reply('[["timestamp","original","statuscode","digest"],["1"]]'), "expected an index"),
        (Reply('[["timestamp","original","statuscode","digest"],[1,2,3,4]]'), "expected an index"),
        (Reply("[" * 100_000), "expected an index"),
        (Reply(f'{INDEX},[],["same"]]'), "the index goes in a circle"),
        (Reply(f'{INDEX},[],["a&url=other"]]'), "expected a key of the index's next page"),
        (Reply("Blocked Site Error", status=403), "the index did not come: HTTP 403, 'Blocked Site Error'"),
        (Reply("busy", status=503), "the index did not come: HTTP 503"),
        (Raw([b""], reset=True), "the index did not come: 127.0.0.1: "),
    ],
    ids=lambda value: str(value)[:50],
)
def test_what_is_no_index_changes_nothing(archive: Archive, rig: Rig, answer: Page, said: str) -> None:
    archive.add(stamp(3), BASE)
    fill(rig)
    before = rig.snapshots(), rig.state(), rig.changes()
    archive.instead["cdx"] = lambda: answer
    with pytest.raises(CaptureError) as caught:
        fill(rig)
    assert said in str(caught.value)
    assert (rig.snapshots(), rig.state(), rig.changes()) == before


def test_an_index_without_an_end_is_refused(archive: Archive, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", 20)
    numbers = iter(range(10_000))
    archive.instead["cdx"] = lambda: Reply(f'{INDEX},[],["{next(numbers)}"]]')
    with pytest.raises(CaptureError, match="at most 20 captures, found more: narrow it"):
        fill(rig)
    assert next(numbers) < 30


def test_an_empty_index_is_no_error(archive: Archive, rig: Rig) -> None:
    done, found = fill(rig)
    assert (done, found.gaps(), archive.fetched) == (Backfilled(0, 0, 0, 0), [], [])


def test_captures_that_are_not_what_the_index_says_are_left_out(archive: Archive, rig: Rig) -> None:
    archive.add(stamp(9), BASE)
    forged = archive.add(stamp(8), table(without("Cook")))
    forged.body = table(without("Clark")).encode()
    archive.add(
        stamp(7), table(without("Nassau")), headers={"x-archive-orig-content-encoding": "gzip"}, digest="A" * 32
    )
    archive.add(stamp(6), BASE)
    other = archive.add(stamp(5), "moved in time")
    archive.instead[other.stamp] = lambda: Reply(
        "", status=302, headers={"location": f"/web/{stamp(9)}id_/{archive.url}"}
    )
    archive.add(stamp(4), "gone from the archive")
    archive.instead[stamp(4)] = lambda: Reply("not archived", status=404)
    archive.add(stamp(3), "led away", status=302, location="https://agency.example/x")
    archive.add("20179999999999", BASE)
    archive.add("soon", BASE)
    done, found = fill(rig)
    assert known(rig) == [(when(days), "wayback", "ok") for days in (9, 7, 6)]
    assert {run.row.stamp: run.failed for run in found if run.failed} == {
        stamp(8): "its bytes do not have the digest that the index gives",
        stamp(5): f"the archive brought the capture of {stamp(9)} in its place",
        stamp(4): "HTTP 404",
        stamp(3): "HTTP 404",
    }
    assert (found.failed, found.unusable, done.stored) == (4, 2, 3)
    assert [change.at for change in rig.changes()] == [when(7), when(6)]


def test_an_archive_that_leads_to_another_host_is_not_believed(archive: Archive, rig: Rig) -> None:
    held = archive.add(stamp(2), BASE)
    with Site() as other:
        other.pages[held.path] = BASE
        elsewhere = other.url(held.path, host="localhost")
        archive.instead[held.stamp] = lambda: Reply("", status=302, headers={"location": elsewhere})
        _, found = fill(rig)
    assert (found.failed, rig.snapshots()) == (1, [])


def test_addresses_in_the_index_lead_nowhere_else(archive: Archive, rig: Rig) -> None:
    for number, original in enumerate(("http://169.254.169.254/x", "//evil.example/", "../../admin", "\\\\evil", "")):
        archive.add(stamp(number + 1), BASE, original=original)
    _, found = fill(rig)
    assert found.unusable == 4
    assert [request.path for request in archive.site.requests if not request.path.startswith("/cdx/")] == [
        f"/web/{stamp(1)}id_/http://169.254.169.254/x"
    ]


def test_the_longest_gaps_first(archive: Archive, rig: Rig) -> None:
    for days in (100, 99, 50, 49, 20, 19, 18):
        archive.add(stamp(days), BASE)
    _, found = fill(rig)
    assert found.gaps() == [Gap(when(99), when(50)), Gap(when(49), when(20)), Gap(when(100), when(99))]
    assert all(one.since < one.until for one in found.gaps())
    assert [gap.until - gap.since for gap in found.gaps()] == sorted(
        (gap.until - gap.since for gap in found.gaps()), reverse=True
    )


def test_times_are_in_utc(archive: Archive, rig: Rig) -> None:
    archive.add("20170320160000", BASE)
    fill(rig)
    assert [at for at, _, _ in known(rig)] == [datetime(2017, 3, 20, 16, tzinfo=UTC)]


def increasing(found: list[Change]) -> bool:
    return all(one.at <= other.at for one, other in pairwise(found))


def test_two_spellings_of_an_address_are_one_page(archive: Archive, rig: Rig) -> None:
    secure = archive.url.replace("http:", "https:")
    for days, body in ((9, BASE), (7, BASE), (5, table(without("Cook"))), (3, table(without("Cook")))):
        archive.add(stamp(days), body)
        archive.add(stamp(days - 0.5), body, original=secure)
    fill(rig)
    assert told(rig) == [(when(5), "jurisdiction.delisted", "Cook County, Ill.")]
    (change,) = rig.changes()
    assert change.last_seen == when(6.5)
    assert increasing(rig.changes())
