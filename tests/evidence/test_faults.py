"""Power lost and disks full at any moment: what was announced is there, and nothing is there by halves."""

from __future__ import annotations

import contextlib
import random
import resource
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.store.made import NOON, captured, changed, told
from watcher.core import Snapshot, SourceState
from watcher.evidence.proof import Proof, prove
from watcher.store import Connection, Store, StoreError, backups, changes, outbox, snapshots, sources


class Step(NamedTuple):
    """One check that was stored: its capture, and how long the WAL was once that was on the disk."""

    snapshot: Snapshot
    wal: int


def check(conn: Connection, before: Snapshot | None, number: int) -> Snapshot:
    """What one check stores, in its transaction: capture, change, alert, and where the source stands."""
    body = random.Random(number).randbytes(900)
    one = captured(before, body, at=NOON + timedelta(minutes=number))
    snapshots.put_snapshot(conn, one, body)
    changes.put_changes(conn, [changed(number, snapshot=one.id, before=one.previous[:16])])
    outbox.put_alert(conn, *told(str(number)))
    sources.put_state(conn, SourceState("list", seq=one.seq, head=one.record_hash, snapshot=one.id))
    return one


def whole(store: Store) -> int:
    """How many checks are stored: all parts of each, in a chain that holds."""
    proof = prove(store, "list")
    assert proof == Proof("list", proof.snapshots)
    head = store.read_sync(sources.states)["list"].seq if proof.snapshots else 0
    rows = store.read_sync(_counted)
    assert rows == (proof.snapshots,) * 3
    assert head == proof.snapshots
    return proof.snapshots


def _counted(conn: Connection) -> tuple[int, ...]:
    tables = ("change", "alert", "delivery")
    return tuple(conn.exec_driver_sql(f"SELECT count(*) FROM {one}").scalar_one() for one in tables)


# ---------------------------------------------------------------- power loss


@pytest.fixture
def written(tmp_path: Path) -> tuple[bytes, bytes, list[Step]]:
    """A database as it was at first, its WAL as it grew since, and when each check was on the disk."""
    path = tmp_path / "watcher.db"
    Store.open(path).close()
    base, steps = path.read_bytes(), []
    with Store.open(path) as store:
        assert store.run_sync(lambda conn: conn.exec_driver_sql("PRAGMA synchronous").scalar_one()) == 2
        before = None
        for number in range(30):
            before = store.run_sync(check, before, number)
            steps.append(Step(before, (tmp_path / "watcher.db-wal").stat().st_size))
        assert path.read_bytes() == base  # all of it stands in the WAL still
        wal = (tmp_path / "watcher.db-wal").read_bytes()
    return base, wal, steps


def lose_power(place: Path, written: tuple[bytes, bytes, list[Step]], points: int, seed: int) -> None:
    """Let only so much of the WAL reach the disk, the last of it torn, and see what is there."""
    base, wal, steps = written
    chance = random.Random(seed)
    for number in range(points):
        cut = chance.randrange(len(wal) + 1)
        torn = chance.randbytes(chance.choice((0, 0, 24, 512, 4096)))
        (place / "lost.db").write_bytes(base)
        (place / "lost.db-wal").write_bytes(wal[:cut] + torn)
        (place / "lost.db-shm").unlink(missing_ok=True)
        with Store.open(place / "lost.db") as store:
            there = whole(store)
        announced = sum(step.wal <= cut for step in steps)
        assert there >= announced, f"point {number} of seed {seed}: {cut} bytes"
        assert there <= len(steps)
        assert backups.problems(place / "lost.db") == []


def test_what_was_announced_outlives_a_power_loss(tmp_path: Path, written: tuple[bytes, bytes, list[Step]]) -> None:
    lose_power(tmp_path, written, 60, seed=1)


@pytest.mark.soak
def test_what_was_announced_outlives_three_hundred_power_losses(
    tmp_path: Path, written: tuple[bytes, bytes, list[Step]]
) -> None:
    lose_power(tmp_path, written, 300, seed=2)


def test_a_power_loss_just_after_an_announcement_loses_nothing(
    tmp_path: Path, written: tuple[bytes, bytes, list[Step]]
) -> None:
    base, wal, steps = written
    for count, step in enumerate(steps, start=1):
        (tmp_path / "lost.db").write_bytes(base)
        (tmp_path / "lost.db-wal").write_bytes(wal[: step.wal])
        (tmp_path / "lost.db-shm").unlink(missing_ok=True)
        with Store.open(tmp_path / "lost.db") as store:
            assert whole(store) == count


# ---------------------------------------------------------------- disk full


def pages(conn: Connection, pragma: str) -> int:
    found: int = conn.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
    return found


@contextlib.contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file may grow beyond `size`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_database_takes_all_of_a_check_or_nothing(sqlite_store: Store) -> None:
    before, number, refused = None, 0, 0
    for point in range(100):
        room = sqlite_store.run_sync(pages, "page_count") + point % 12
        sqlite_store.run_sync(pages, f"max_page_count={room}")
        for _ in range(3):
            number += 1
            try:
                before = sqlite_store.run_sync(check, before, number)
            except StoreError as full:
                assert "disk full" in str(full)  # noqa: PT017 - whether it is full is for the point to say
                refused += 1
        sqlite_store.run_sync(pages, "max_page_count=1000000")
        stored = sqlite_store.read_sync(sources.states)
        assert stored.get("list", SourceState("list")).seq == (before.seq if before else 0)
    assert refused > 100
    assert whole(sqlite_store) == 300 - refused
    sqlite_store.run_sync(check, before, 999)


def test_a_full_disk_takes_all_of_a_check_or_nothing(tmp_path: Path) -> None:
    before, number, refused = None, 0, 0
    with Store.open(tmp_path / "watcher.db") as store:
        for point in range(40):
            with small_disk((tmp_path / "watcher.db-wal").stat().st_size + point * 400):
                number += 1
                try:
                    before = store.run_sync(check, before, number)
                except StoreError as full:
                    assert "disk full" in str(full)  # noqa: PT017 - as above
                    refused += 1
                assert len(store.read_sync(snapshots.snapshots, "list")) == number - refused
        assert 0 < refused < 40
        assert whole(store) == 40 - refused
        store.run_sync(check, before, 999)
    conn = sqlite3.connect(tmp_path / "watcher.db")
    assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    conn.close()
