"""Where sources stand: what is written is read again, and unchanged checks touch nothing else."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

from tests.store.made import NOON
from watcher.core import SourceState, Validators
from watcher.store import Store, sources

FULL = SourceState(
    name="list",
    kind="jurisdiction-list",
    url="https://example.gov/list",
    state="suspect",
    last_checked=NOON,
    last_seen=NOON - timedelta(minutes=1),
    last_changed=NOON - timedelta(days=3),
    next_check=NOON + timedelta(minutes=10),
    records=35,
    snapshot="1" * 16,
    fingerprint="f1",
    version=2,
    choices={"table": 1, "key": ["Name"], "deep": {"ä": None}},
    sha256="ab" * 32,
    validators=Validators('"etag"', "Sun, 01 Mar 2026 12:00:00 GMT"),
    seq=7,
    head="cd" * 32,
    suspect="2" * 16,
    suspect_since=NOON,
    suspect_seen=1,
    suspect_fingerprint="blocked",
    failures=3,
    error="status 403",
    rate_count=1.5,
    rate_hours=99.25,
)


def test_a_state_is_read_as_it_was_written(store: Store) -> None:
    assert all(getattr(FULL, field.name) != getattr(SourceState("x"), field.name) for field in fields(FULL))
    store.run_sync(sources.put_state, FULL)
    store.run_sync(sources.put_state, SourceState("bare"))
    assert store.read_sync(sources.states) == {"list": FULL, "bare": SourceState("bare")}
    assert store.read_sync(sources.states, ["list", "unknown"]) == {"list": FULL}
    assert store.read_sync(sources.states, []) == {}


def test_a_state_is_rewritten_whole(store: Store) -> None:
    store.run_sync(sources.put_state, FULL)
    store.run_sync(sources.put_state, SourceState("list"))
    assert store.read_sync(sources.states) == {"list": SourceState("list")}


def test_unchanged_checks_write_what_they_change_and_nothing_else(store: Store) -> None:
    checked = SourceState(
        "list",
        "other kind",
        state="ok",
        last_checked=NOON + timedelta(hours=1),
        last_seen=NOON + timedelta(hours=1),
        next_check=NOON + timedelta(hours=2),
        sha256="ef" * 32,
        validators=Validators("b"),
        rate_count=2.0,
        rate_hours=100.0,
    )
    store.run_sync(sources.put_state, FULL)
    store.run_sync(sources.put_checks, [checked])
    wanted = replace(
        FULL,
        state="ok",
        last_checked=checked.last_checked,
        last_seen=checked.last_seen,
        next_check=checked.next_check,
        sha256=checked.sha256,
        validators=checked.validators,
        failures=0,
        error="",
        rate_count=2.0,
        rate_hours=100.0,
    )
    assert store.read_sync(sources.states) == {"list": wanted}


def test_many_checks_at_once_known_and_new(store: Store) -> None:
    states = [replace(FULL, name=f"source-{number}") for number in range(1000)]
    store.run_sync(sources.put_checks, [])
    assert store.read_sync(sources.states) == {}
    store.run_sync(sources.put_checks, states[:400])
    later = [replace(state, next_check=NOON + timedelta(days=1)) for state in states]
    store.run_sync(sources.put_checks, later)
    assert store.read_sync(sources.states) == {state.name: state for state in later}


def test_times_are_stored_in_utc_to_the_second(store: Store) -> None:
    there = datetime(2026, 3, 1, 4, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=-8)))
    store.run_sync(sources.put_state, SourceState("list", next_check=there))
    stored = store.read_sync(lambda conn: conn.exec_driver_sql("SELECT next_check FROM source").scalar())
    assert stored == "2026-03-01T12:00:00Z"
    assert store.read_sync(sources.states)["list"].next_check == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_text_that_a_database_cannot_hold(store: Store) -> None:
    store.run_sync(sources.put_state, SourceState("list", error="a\0b\ud800c", choices={"key": "a\0b"}))
    state = store.read_sync(sources.states)["list"]
    assert (state.error, state.choices) == ("a\ufffdb?c", {"key": "a\0b"})
