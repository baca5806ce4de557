"""The store copied while it is written to, put back, and found sound or not."""

from __future__ import annotations

import random
import sqlite3
import threading
from pathlib import Path

import pytest

from tests.evidence.histories import lived, ran
from tests.rig import Rig, table
from tests.store.made import captured, put_chain
from watcher.store import Store, StoreError, backups, snapshots


def copied(rig: Rig, *more: str) -> Path:
    path = rig.folder / "copy.db"
    code, told = ran(rig, "db", "backup", str(path), *more)
    assert code == 0, told
    return path


def test_a_copy_made_while_watcher_runs_is_the_store(rig: Rig) -> None:
    made = lived(rig).snapshots()
    path = copied(rig)
    assert [one.name for one in rig.folder.iterdir() if "copy" in one.name] == ["copy.db"]
    with Store.open(path) as store:
        assert store.read_sync(snapshots.snapshots, "list") == made
        assert store.read_sync(snapshots.first_bad, "list") is None


def test_a_copy_made_while_captures_come_in_is_of_one_moment(sqlite_store: Store, tmp_path: Path) -> None:
    made = sqlite_store.run_sync(put_chain, [b"first"])
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            body = random.Random(len(made)).randbytes(5000)
            made.append(captured(made[-1], body))
            sqlite_store.run_sync(snapshots.put_snapshot, made[-1], body)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            backups.backup(tmp_path / "watcher.db", tmp_path / f"{number}.db")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        with Store.open(tmp_path / f"{number}.db") as store:
            found = store.read_sync(snapshots.snapshots, "list")
            assert found == made[: len(found)]
            assert store.read_sync(snapshots.first_bad, "list") is None


def test_a_copy_is_put_back(rig: Rig) -> None:
    lived(rig)
    before, path = rig.snapshots(), copied(rig)
    rig.site.pages["/list"] = table([])
    rig.check()
    code, told = ran(rig, "db", "restore", str(path))
    assert (code, "is there already" in told) == (1, True)
    code, told = ran(rig, "db", "restore", str(path), "--force")
    assert (code, "is in use: stop watcher first" in told) == (1, True)
    rig.store.close()
    assert ran(rig, "db", "restore", str(path), "--force")[0] == 0
    with Store.open(rig.folder / "watcher.db") as store:
        assert store.read_sync(snapshots.snapshots, "list") == before
    assert ran(rig, "db", "check")[0] == 0


def test_a_store_that_was_lost_is_put_back(rig: Rig) -> None:
    made = lived(rig).snapshots()
    path = copied(rig)
    rig.store.close()
    for one in rig.folder.glob("watcher.db*"):
        one.unlink()
    assert ran(rig, "db", "restore", str(path))[0] == 0
    with Store.open(rig.folder / "watcher.db") as store:
        assert store.read_sync(snapshots.snapshots, "list") == made


def test_a_damaged_store_is_replaced(rig: Rig) -> None:
    made = lived(rig).snapshots()
    path = copied(rig)
    rig.store.close()
    (rig.folder / "watcher.db").write_bytes(b"Dear diary" * 1000)
    assert ran(rig, "db", "restore", str(path), "--force")[0] == 0
    with Store.open(rig.folder / "watcher.db") as store:
        assert store.read_sync(snapshots.snapshots, "list") == made


@pytest.mark.parametrize("copy", ["no database", "cut", "damaged", "foreign", "newer", "nothing", "itself"])
def test_a_copy_that_is_not_sound_is_not_put_back(rig: Rig, copy: str) -> None:
    lived(rig)
    path = copied(rig)
    content = bytearray(path.read_bytes())
    if copy == "no database":
        path.write_text("Dear diary, " * 1000)
    elif copy == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif copy == "damaged":
        content[4096:8192] = bytes(4096)
        path.write_bytes(content)
    elif copy in {"foreign", "newer"}:
        path.unlink() if copy == "foreign" else None
        with sqlite3.connect(path) as conn:
            conn.execute("CREATE TABLE bookmarks (url TEXT)")
            if copy == "newer":
                conn.execute("UPDATE alembic_version SET version_num = '0999'")
        conn.close()
    elif copy == "nothing":
        path.unlink()
    else:
        path = rig.folder / "watcher.db"
    rig.store.close()
    before = (rig.folder / "watcher.db").read_bytes()
    code, told = ran(rig, "db", "restore", str(path), "--force")
    assert code == 1
    assert str(path) in told
    assert (rig.folder / "watcher.db").read_bytes() == before
    assert not list(rig.folder.glob(".*.part*"))


def test_copies_are_not_overwritten_unasked(rig: Rig) -> None:
    lived(rig)
    path = copied(rig)
    for target, said in (
        (path, "is there already"),
        (rig.folder, "is a folder"),
        (rig.folder / "watcher.db", "same file"),
    ):
        code, told = ran(rig, "db", "backup", str(target))
        assert (code, said in told) == (1, True)
    copied(rig, "--force")


def test_a_copy_that_cannot_be_written_is_said(rig: Rig) -> None:
    code, told = ran(lived(rig), "db", "backup", str(rig.folder / "none" / "copy.db"))
    assert code == 1
    assert "none" in told


def test_postgresql_has_tools_of_its_own() -> None:
    with pytest.raises(StoreError, match="pg_dump"):
        backups.file_of("postgresql://desk:secret@host/name")


def test_check_looks_at_pages_and_at_evidence(rig: Rig) -> None:
    made = lived(rig).snapshots()
    assert ran(rig, "db", "check")[0] == 0
    rig.store.run_sync(lambda conn: conn.exec_driver_sql("UPDATE snapshot SET status = 201 WHERE seq = 3").rowcount)
    code, told = ran(rig, "db", "check")
    assert (code, made[2].id in told) == (1, True)
    rig.store.close()
    with sqlite3.connect(rig.folder / "watcher.db") as conn:
        conn.execute("DELETE FROM snapshot WHERE seq = 5")
    conn.close()
    assert "refers to a snapshot that is not there" in ran(rig, "db", "check")[1]


# ---------------------------------------------------------------- flipped bytes


def test_two_hundred_flipped_bytes_of_evidence_are_found(tmp_path: Path) -> None:
    """Each byte lies in a record or in packed bytes: what is served at all is served as it was stored."""
    path = tmp_path / "watcher.db"
    bodies = [random.Random(number).randbytes(300) for number in range(12)]
    with Store.open(path) as store:
        made = store.run_sync(put_chain, bodies)
    content = path.read_bytes()
    places = _evidence(path, content)
    chance, harmless = random.Random(6), 0
    for _ in range(200):
        damaged = bytearray(content)
        damaged[chance.choice(places)] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            with Store.open(path) as store:
                if store.read_sync(snapshots.first_bad, "list") is None:
                    assert store.read_sync(snapshots.links, "list", 0, None, 99) == list(zip(made, bodies, strict=True))
                    harmless += 1
        except StoreError:
            continue
        finally:
            for beside in tmp_path.glob("watcher.db-*"):
                beside.unlink()
    assert harmless < 30  # a bit of packed bytes that unpack to the same


def _evidence(path: Path, content: bytes) -> list[int]:
    """Where in a database the hashed fields of records and the bytes stand."""
    conn = sqlite3.connect(path)
    values = [value for row in conn.execute("SELECT data FROM body") for value in row]
    values += [value for row in conn.execute("SELECT sha256, record_hash, previous FROM snapshot") for value in row]
    values += [
        str(value).encode() for row in conn.execute("SELECT at, url, headers, clock FROM snapshot") for value in row
    ]
    conn.close()
    starts = [(content.find(value), len(value)) for value in values if len(value) > 3]
    return [place for start, size in starts if start >= 0 for place in range(start, start + size)]
