"""Versions and overrides of rotas, in the order of their start, on each database."""

from __future__ import annotations

from datetime import timedelta

from tests.store.made import NOON
from watcher.store import Store, rotas
from watcher.store.rotas import OVERRIDE, VERSION, Kept

HOUR = timedelta(hours=1)


def test_what_is_kept_comes_back_and_what_is_cancelled_does_not(store: Store) -> None:
    old = Kept("desk", "1", VERSION, {"people": ["Ana"]}, NOON, None, "config.toml", NOON)
    new = old._replace(id="2", body={"people": ["Ben"]}, start=NOON + HOUR)
    other = old._replace(name="night")
    swap = Kept("desk", "3", OVERRIDE, {"person": "Ed"}, NOON, NOON + HOUR, "Ana", NOON)
    for one in (new, old, other, swap):
        assert store.run_sync(rotas.put, one)
    assert not store.run_sync(rotas.put, old._replace(body={}))
    assert store.read_sync(rotas.kept, VERSION) == [old, new, other]
    assert store.run_sync(rotas.kept, VERSION, "desk", changing=True) == [old, new]
    assert store.read_sync(rotas.kept, OVERRIDE, "desk") == [swap]
    assert not store.run_sync(rotas.cancel, "desk", "1", NOON)  # a version is never taken back
    assert store.run_sync(rotas.cancel, "desk", "3", NOON)
    assert not store.run_sync(rotas.cancel, "desk", "3", NOON)
    assert store.read_sync(rotas.kept, OVERRIDE) == []


def test_what_runs_ends_and_what_has_passed_stays(store: Store) -> None:
    runs = Kept("desk", "1", OVERRIDE, {"person": "Ed"}, NOON, NOON + 2 * HOUR, "Ana", NOON)
    store.run_sync(rotas.put, runs)
    assert store.run_sync(rotas.cancel, "desk", "1", NOON + HOUR)
    assert store.read_sync(rotas.kept, OVERRIDE) == [runs._replace(end=NOON + HOUR)]
    assert not store.run_sync(rotas.cancel, "desk", "1", NOON + HOUR)
    assert not store.run_sync(rotas.cancel, "desk", "1", NOON + 3 * HOUR)
