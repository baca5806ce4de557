"""The composition root: what is due, how the service runs and stops, and where a message leads."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from tests.rig import COUNTIES, NOON, Rig, minutes, route, source, table, webhook, without
from tests.site import Reply, Request
from watcher import service
from watcher.app import App, ClockError, opened, real_clock, running
from watcher.config import load
from watcher.core import Severity
from watcher.dispatch import rules
from watcher.pipeline import Checked
from watcher.store import Connection, StoreError, snapshots, sources
from watcher.store import tables as stored

NAMES = ("one", "two", "three")


def three(rig: Rig, *tables: str) -> None:
    """Watch three pages, and take their baselines."""
    rig.watch(*(source(rig.site, name) for name in NAMES), *tables)
    for name in NAMES:
        rig.site.pages[f"/{name}"] = table()
    rig.check_all()


def serve(rig: Rig, step: Callable[[list[tuple[str, Checked]], asyncio.Event], None]) -> list[tuple[str, Checked]]:
    """Run the service; `step` is called after each check with all ends so far, and sets the event to stop."""
    ends: list[tuple[str, Checked]] = []

    async def work(app: App) -> None:
        stop = asyncio.Event()

        def tell(one: object, checked: Checked) -> None:
            del one
            ends.append((checked.state.name, checked))
            step(ends, stop)

        async with asyncio.timeout(20):
            await service.serve(app, stop, tell)

    rig.run(work)
    return ends


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.service.TICK", 0.01)
    monkeypatch.setattr("watcher.service.TROUBLE", 0.02)


def test_the_clock_is_in_utc_and_to_the_second() -> None:
    now = real_clock()
    assert now.utcoffset() == timedelta(0)
    assert now.microsecond == 0


def test_what_is_due_comes_longest_overdue_first(rig: Rig) -> None:
    three(rig)
    for name, late in zip(NAMES, (1, 3, 2), strict=True):
        rig.store.run_sync(mark_due, name, NOON - minutes(late))

    async def due(app: App) -> list[list[str]]:
        moments = (NOON, NOON - minutes(2), NOON - minutes(4))
        return [[one.name for one in app.due(moment)] for moment in moments]

    assert rig.run(due) == [["two", "three", "one"], ["two", "three"], []]


def mark_due(conn: Connection, name: str, at: datetime) -> None:
    conn.execute(update(stored.source).where(stored.source.c.name == name).values(next_check=at))


def test_a_source_never_checked_is_due_at_once(rig: Rig) -> None:
    async def due(app: App) -> list[str]:
        return [one.name for one in app.due(NOON)]

    assert rig.run(due) == ["list"]


def test_the_service_checks_what_is_due_and_delivers(both: Rig) -> None:
    both.site.pages["/list"] = table()

    def step(ends: list[tuple[str, Checked]], stop: asyncio.Event) -> None:
        both.site.pages["/list"] = table(without("Cook"))
        both.now = ends[-1][1].state.next_check or both.now
        if len(ends) == 3:
            stop.set()

    ends = serve(both, step)
    assert [checked.outcome for _, checked in ends] == ["first", "changed", "unchanged"]
    assert both.site.hits("/list") == 3
    assert both.state().last_checked == ends[-1][1].state.last_checked
    assert [delivery.state for delivery in both.deliveries()] == ["sent"]
    assert "Cook County" in both.told()


def test_the_service_waits_until_something_is_due(rig: Rig) -> None:
    three(rig)
    rig.store.run_sync(mark_due, "two", NOON)
    ends = serve(rig, lambda _, stop: stop.set())
    assert [name for name, _ in ends] == ["two"]


def test_a_check_under_way_ends_before_the_service_does(rig: Rig) -> None:
    rig.site.pages["/list"] = table()
    rig.check()
    ends: list[str] = []

    async def work(app: App) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def page(_: Request) -> Reply:
            loop.call_soon_threadsafe(stop.set)
            return Reply(table(without("Cook")), delay=0.2)

        rig.site.pages["/list"] = page
        await service.serve(app, stop, lambda _, checked: ends.append(checked.outcome))

    rig.now += minutes(24 * 60)
    rig.run(work)
    assert ends == ["changed"]
    assert [delivery.state for delivery in rig.deliveries()] == ["sent"]


def test_a_check_that_will_not_end_is_left(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.service.GRACE", 0.05)
    rig.site.pages["/list"] = table()
    rig.check()
    before = rig.state()

    async def work(app: App) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def page(_: Request) -> Reply:
            loop.call_soon_threadsafe(stop.set)
            return Reply(table(without("Cook")), delay=30)

        rig.site.pages["/list"] = page
        await service.serve(app, stop, lambda *_: pytest.fail("this check cannot have ended"))

    rig.now += minutes(24 * 60)
    rig.run(work)
    assert rig.state() == before


def test_a_store_that_cannot_write_stops_neither_the_service_nor_the_next_try(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, full = snapshots.put_snapshot, True

    def put_or_fail(conn: Connection, *given: object) -> None:
        if full:
            raise StoreError("watcher.db: the disk is full")
        put(conn, *given)  # type: ignore[arg-type]

    monkeypatch.setattr("watcher.pipeline.snapshots.put_snapshot", put_or_fail)
    rig.site.pages["/list"] = table()

    def step(ends: list[tuple[str, Checked]], stop: asyncio.Event) -> None:
        nonlocal full
        later = ends[-1][1].state.next_check
        assert later is not None
        assert later > rig.now
        rig.now = later
        full = len(ends) < 3
        if ends[-1][1].outcome == "first":
            stop.set()

    ends = serve(rig, step)
    assert [checked.outcome for _, checked in ends] == ["failed"] * 3 + ["first"]
    assert ends[0][1].error == "watcher.db: the disk is full"
    assert rig.changes() == []


def test_unchanged_checks_that_cannot_be_stored_are_no_end(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig.site.pages["/list"] = table()
    rig.check()

    def fail(*_: object) -> None:
        raise StoreError("watcher.db: the disk is full")

    def step(ends: list[tuple[str, Checked]], stop: asyncio.Event) -> None:
        rig.now = ends[-1][1].state.next_check or rig.now
        if len(ends) == 3:
            stop.set()

    rig.now += minutes(24 * 60)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr("watcher.pipeline.sources.put_checks", fail)
        assert {checked.outcome for _, checked in serve(rig, step)} == {"unchanged"}
    assert "the disk is full" in caplog.text
    assert rig.state().last_checked == NOON


def test_damage_to_one_source_stops_no_other(rig: Rig) -> None:
    three(rig)
    rig.store.run_sync(
        lambda conn: conn.execute(update(stored.body).where(stored.body.c.source == "two").values(data=b"\0"))
    )
    for name in NAMES:
        rig.site.pages[f"/{name}"] = table(without("Cook"))
    rig.now += minutes(30)
    ends = rig.check_all()
    assert {name: checked.outcome for name, checked in ends.items()} == {
        "one": "changed",
        "two": "failed",
        "three": "changed",
    }
    assert str(rig.snapshots("two")[0].id) in ends["two"].error


def test_no_more_checks_at_a_time_than_allowed(rig: Rig) -> None:
    names = [f"page-{number}" for number in range(9)]
    rig.watch(*(source(rig.site, name) for name in names), fetch="concurrency = 3\nper_host = 9")
    for name in names:
        rig.site.pages[f"/{name}"] = Reply(table(), delay=0.05)
    assert {checked.outcome for checked in rig.check_all().values()} == {"first"}
    assert rig.site.peak == 3


def test_routes_become_rules_with_places_resolved(rig: Rig) -> None:
    match = 'kinds = ["jurisdiction.*"], places = ["Cook County, IL"], words = ["jail"], severity = "major"'
    rig.watch(source(rig.site), route("console", match), watcher='operator = "console"')
    first, operator = rules(load(rig.path))
    assert (first.kinds, first.places, first.words) == (("jurisdiction.*",), ("us-county:17031",), ("jail",))
    assert (first.severity, first.sources) == (Severity.MAJOR, ("*",))
    assert (operator.to, operator.kinds) == ("console", ("source.*",))


def test_a_place_in_a_route_chooses_what_is_told(rig: Rig) -> None:
    rig.watch(source(rig.site), route("console", 'places = ["Cook County, IL"]'))
    rig.site.pages["/list"] = table()
    rig.check()
    rig.site.pages["/list"] = table([row for row in COUNTIES if row[0] not in {"Clark County", "Cook County"}])
    assert len(rig.check(after=minutes(30)).changes) == 2
    told = rig.told()
    assert "Cook County" in told
    assert "Clark County" not in told


def test_a_channel_not_in_the_configuration_is_no_channel(rig: Rig) -> None:
    async def ask(app: App) -> None:
        assert app.channels("console") is app.channels("console")
        with pytest.raises(LookupError, match="there is no channel 'slack'"):
            app.channels("slack")

    rig.run(ask)


@pytest.mark.parametrize(
    ("public", "leads"),
    [
        ("", "watcher show list --at 2026-03-01T12:30:00Z"),
        ("https://desk.example.org/", "https://desk.example.org/change/"),
    ],
)
def test_a_message_leads_to_the_stored_copy(rig: Rig, public: str, leads: str) -> None:
    rig.watch(source(rig.site), watcher=f'public_url = "{public}"')
    rig.site.pages["/list"] = table()
    rig.check()
    rig.site.pages["/list"] = table(without("Cook"))
    (change,) = rig.check(after=minutes(30)).changes
    told = rig.told()
    assert leads in told
    assert (change.id in told) is bool(public)
    assert rig.site.url("/list") in told


def test_a_webhook_is_posted_through_the_same_door(rig: Rig) -> None:
    three(rig, webhook(rig.site), route("hook"))
    rig.site.pages["/hook"] = Reply("", status=200)
    rig.site.pages["/two"] = table(without("Cook"))
    rig.check("two", after=minutes(30))
    assert rig.site.hits("/hook") == 1
    assert [request.method for request in rig.site.requests if request.path == "/hook"] == ["POST"]


def test_given_times_are_not_written_among_real_ones(rig: Rig) -> None:
    rig.site.pages["/list"] = table()
    config = load(rig.path)

    async def really() -> str:
        async with running(config, rig.store) as app:
            return (await app.check_one(config.sources[0])).outcome

    assert asyncio.run(really()) == "first"
    assert rig.snapshots()[0].clock == "real"
    with pytest.raises(ClockError, match="expected a state of its own"), opened(config, now=NOON, writing=True):
        pass
    with opened(config, now=NOON) as store:
        assert store.read_sync(sources.states)["list"].state == "ok"


def test_given_times_are_said_to_be_given(rig: Rig) -> None:
    rig.site.pages["/list"] = table()
    rig.check()
    assert rig.snapshots()[0].clock == "given"
    with opened(load(rig.path), now=NOON, writing=True) as store:
        assert store.read_sync(snapshots.clocks) == {"given"}
