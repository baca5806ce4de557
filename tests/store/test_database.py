"""Transactions: all or nothing, whatever ends them; the one writer, the readers, a full disk, a lock, a kill."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.store.made import changed, put_chain
from watcher.core import SourceState
from watcher.store import Store, StoreError, changes, engines, snapshots, sources

BODIES = [bytes([number]) * 50_000 for number in range(4)]


def names(store: Store) -> list[str]:
    return sorted(store.read_sync(sources.states))


def put(conn: Connection, name: str) -> None:
    sources.put_state(conn, SourceState(name))


def pragma(conn: Connection, name: str) -> object:
    return conn.exec_driver_sql(f"PRAGMA {name}").scalar()


def test_what_a_function_writes_is_kept_when_it_returns(store: Store) -> None:
    store.run_sync(put, "a")
    assert names(store) == ["a"]


def test_and_undone_when_it_raises(store: Store) -> None:
    def half(conn: Connection) -> None:
        put(conn, "a")
        raise LookupError("stop")

    with pytest.raises(LookupError, match="stop"):
        store.run_sync(half)
    assert names(store) == []
    store.run_sync(put, "b")
    assert names(store) == ["b"]


def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match=r"read-?only"):
        store.read_sync(put, "a")
    assert names(store) == []


def test_a_reader_sees_one_moment(store: Store) -> None:
    def twice(conn: Connection) -> tuple[int, int]:
        first = len(sources.states(conn))
        store.run_sync(put, "a")
        return first, len(sources.states(conn))

    assert store.read_sync(twice) == (0, 0)
    assert names(store) == ["a"]


def test_from_the_event_loop(store: Store) -> None:
    async def many() -> list[str]:
        await asyncio.gather(*(store.run(put, f"source-{number}") for number in range(20)))
        return sorted(await store.read(sources.states))

    assert len(asyncio.run(many())) == 20


def test_one_thread_writes_and_others_read(store: Store) -> None:
    writers = {store.run_sync(lambda _: threading.current_thread().name) for _ in range(5)}
    assert len(writers) == 1
    assert store.read_sync(lambda _: threading.current_thread().name) not in writers


def test_a_generator_is_read_to_its_end(store: Store) -> None:
    store.run_sync(changes.put_changes, [changed(number) for number in range(3)])
    found = store.read_sync(changes.history)
    assert isinstance(found, Iterator)
    assert [one.id for one in found] == [changed(number).id for number in range(3)]


def test_sqlite_is_set_up_to_last(sqlite_store: Store) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000, "mmap_size": 0}
    assert sqlite_store.run_sync(lambda conn: {name: pragma(conn, name) for name in wanted}) == wanted
    for name in ("foreign_keys", "busy_timeout", "mmap_size"):
        assert sqlite_store.read_sync(pragma, name) == wanted[name]


def test_postgresql_is_set_up_to_last(postgresql_url: str) -> None:
    with Store.open(f"{postgresql_url}&options=-c%20search_path%3Dpublic") as store:
        shown = "SELECT current_setting('synchronous_commit') || current_setting('search_path')"
        assert store.run_sync(lambda conn: conn.exec_driver_sql(shown).scalar()) == "onpublic"


def test_an_old_sqlite_is_pointed_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for version, warned in (((3, 40, 1), True), ((3, 51, 2), True), ((3, 51, 3), False), ((3, 52, 0), True)):
        monkeypatch.setattr(sqlite3, "sqlite_version_info", version)
        with Store.open(tmp_path / "watcher.db") as store:
            assert bool(store.warnings) is warned
    assert "3.51.3" in engines.warnings()[0]


def test_closed_it_leaves_one_file(tmp_path: Path) -> None:
    with Store.open(tmp_path / "watcher.db") as store:
        store.run_sync(put, "a")
        names(store)
    assert [file.name for file in tmp_path.iterdir()] == ["watcher.db"]


# ---------------------------------------------------------------- another process


def test_a_lock_is_waited_for(sqlite_store: Store) -> None:
    sqlite_store.run_sync(pragma, "busy_timeout=1000")
    other = sqlite3.connect(sqlite_store.name, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write_meanwhile() -> None:
        waiting = asyncio.create_task(sqlite_store.run(put, "a"))
        assert await sqlite_store.read(sources.states) == {}
        assert not waiting.done()
        other.execute("COMMIT")
        await waiting

    asyncio.run(write_meanwhile())
    other.close()
    assert names(sqlite_store) == ["a"]


def test_a_lock_that_never_ends_is_said(sqlite_store: Store) -> None:
    sqlite_store.run_sync(pragma, "busy_timeout=1")
    other = sqlite3.connect(sqlite_store.name, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="another process"):
        sqlite_store.run_sync(put, "a")
    other.close()
    sqlite_store.run_sync(put, "b")
    assert names(sqlite_store) == ["b"]


def test_a_lost_server_connection_is_made_anew(postgresql_url: str) -> None:
    import psycopg

    with Store.open(postgresql_url) as store:
        mine = store.run_sync(lambda conn: conn.exec_driver_sql("SELECT pg_backend_pid()").scalar())
        with psycopg.connect(postgresql_url, autocommit=True) as admin:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", [mine])
        store.run_sync(put, "a")
        assert names(store) == ["a"]


# ---------------------------------------------------------------- a full disk


def test_a_full_disk_stores_nothing_and_is_survived(sqlite_store: Store) -> None:
    sqlite_store.run_sync(put, "a")
    pages = sqlite_store.run_sync(pragma, "page_count")
    sqlite_store.run_sync(pragma, f"max_page_count={pages}")
    noise = [bytes(range(256)) * 200, *(number.to_bytes(2) * 300 for number in range(40))]

    def step(conn: Connection) -> None:
        put(conn, "b")
        put_chain(conn, noise)

    with pytest.raises(StoreError, match="disk full"):
        sqlite_store.run_sync(step)
    assert names(sqlite_store) == ["a"]
    assert sqlite_store.read_sync(snapshots.snapshots, "list") == []
    sqlite_store.run_sync(pragma, "max_page_count=100000")
    sqlite_store.run_sync(put_chain, noise)
    assert len(sqlite_store.read_sync(snapshots.snapshots, "list")) == len(noise)


FULL = """
import resource, sys
from tests.store.made import put_chain
from watcher.store import Store, StoreError, snapshots
limit = resource.RLIMIT_FSIZE
said = 0
with Store.open(sys.argv[1]) as store:
    for room in range(4096, 200_000, 12_000):
        resource.setrlimit(limit, (room, resource.RLIM_INFINITY))
        try:
            store.run_sync(put_chain, [b"body %d" % number * 900 for number in range(60)], f"s{room}")
        except StoreError as error:
            assert "disk full" in str(error), error
            said += 1
            kept = 0
        else:
            kept = 60
        resource.setrlimit(limit, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert len(store.read_sync(snapshots.snapshots, f"s{room}")) == kept
        assert store.read_sync(snapshots.first_bad, f"s{room}") is None
    store.run_sync(put_chain, [b"after"])
    assert store.read_sync(lambda conn: conn.exec_driver_sql("PRAGMA integrity_check").scalar()) == "ok"
print(said)
"""


def test_a_full_disk_at_any_point(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "watcher.db")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert 5 < int(done.stdout) < 17


# ---------------------------------------------------------------- a kill

KILLED = """
import os, signal, sys
from tests.store.made import changed, put_chain
from watcher.store import Store, changes
store = Store.open(sys.argv[1])
print("open", flush=True)
bodies = [bytes([number]) * 50_000 for number in range(4)]

def step(conn, name):
    put_chain(conn, bodies, name)
    changes.put_changes(conn, [changed(len(name), source=name)])

def broken(conn):
    step(conn, "second")
    os.kill(os.getpid(), signal.SIGKILL)

store.run_sync(step, "first")
store.run_sync(broken)
"""


def test_a_kill_in_a_transaction_leaves_all_or_nothing(store_url: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, store_url], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGKILL, "open\n"), done.stderr
    with Store.open(store_url) as store:
        kept = store.read_sync(snapshots.snapshots, "first")
        assert [store.read_sync(snapshots.body, one.id) for one in kept] == BODIES
        assert [one.source for one in store.read_sync(changes.history)] == ["first"]
        assert store.read_sync(snapshots.snapshots, "second") == []
        store.run_sync(put_chain, BODIES, "second")


def test_kills_at_any_moment_leave_whole_steps(tmp_path: Path) -> None:
    """Each step is one transaction of four records and a change; the parent kills while they run."""
    path = tmp_path / "watcher.db"
    program = KILLED.replace(
        'store.run_sync(step, "first")\nstore.run_sync(broken)',
        """
start = int(sys.argv[2])
for number in range(start, start + 1000):
    store.run_sync(step, "x" * (number + 1))
    print(number, flush=True)
""",
    )
    done = 0
    for after in (1, 2, 3, 5, 8):
        child = subprocess.Popen(
            [sys.executable, "-c", program, str(path), str(done)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        said = [child.stdout.readline() for _ in range(after + 1)]
        child.kill()
        said += child.stdout.readlines()
        child.wait()
        child.stdout.close()
        announced = done + len([line for line in said if line.strip().isdecimal()])
        with Store.open(path) as store:
            told = [one.source for one in store.read_sync(changes.history)]
            assert len(told) in {announced, announced + 1}
            for name in told:
                assert len(store.read_sync(snapshots.snapshots, name)) == len(BODIES)
                assert store.read_sync(snapshots.first_bad, name) is None
            assert store.read_sync(snapshots.snapshots, "x" * (len(told) + 1)) == []
            assert store.read_sync(pragma, "integrity_check") == "ok"
        done = len(told)
