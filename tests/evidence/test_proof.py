"""Whoever writes to the database behind watcher's back is found out, up to the last anchor, and the place is named."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.evidence.histories import lived, ran
from tests.rig import Rig
from tests.store.made import NOON, captured, put_chain
from watcher.core import Snapshot, SourceState
from watcher.evidence.proof import Lost, Proof, lengths, lost, prove
from watcher.store import Connection, Store, StoreError, anchors, snapshots, sources

LONG = 12
NAMES = ("agencies", "list")
Tamper = Callable[[sqlite3.Connection, random.Random, str], object]


def put_history(conn: Connection) -> None:
    """Two chains, each anchored half way and at its end."""
    for half in (LONG // 2, LONG):
        for name in NAMES:
            first = sources.states(conn).get(name, SourceState(name)).seq
            chain = _lengthen(conn, name, first, half)
            sources.put_state(conn, SourceState(name, seq=half, head=chain.record_hash))
        last = anchors.last(conn)
        heads = anchors.moved(conn)
        n, previous = (last.n, last.digest) if last else (0, "")
        anchors.put(conn, anchors.made(n + 1, NOON + timedelta(days=n), heads, previous), ["https://tsa.example.org"])


def _lengthen(conn: Connection, name: str, first: int, last: int) -> Snapshot:
    before = snapshots.snapshot_at(conn, name, NOON + timedelta(days=99)) if first else None
    for seq in range(first + 1, last + 1):
        body = f"{name} {seq} ".encode() * 60
        before = captured(before, body, source=name, at=NOON + timedelta(hours=seq))
        snapshots.put_snapshot(conn, before, body)
    assert before is not None
    return before


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A database that holds the two chains."""
    with Store.open(tmp_path / "whole.db") as store:
        store.run_sync(put_history)
    return tmp_path / "whole.db"


def found(path: Path) -> list[Proof | Lost | str]:
    """All that does not hold in the database at `path`."""
    try:
        with Store.open(path) as store:
            proofs = [prove(store, name) for name in lengths(store)]
            return [*lost(store), *(one for one in proofs if one.first_bad)]
    except StoreError as error:
        return [str(error)]


def test_what_was_not_touched_holds(history: Path) -> None:
    assert found(history) == []
    with Store.open(history) as store:
        told: list[int] = []
        assert prove(store, "list", told.append) == Proof("list", LONG)
        assert sum(told) == LONG


# ---------------------------------------------------------------- a thousand ways to tamper

FIELDS = {
    "url": "url || 'x'",
    "at": "'2019-03-20T16:00:00Z'",
    "status": "status + 1",
    "headers": "'[]'",
    "redirects": "'[[\"https://example.org\",301]]'",
    "peer": "'192.0.2.9'",
    "provenance": "provenance || 'x'",
    "clock": "'given'",
    "sha256": "record_hash",
    "record_hash": "sha256",
    "previous": "sha256",
    "id": "'0123456789abcdef'",
    "source": "'elsewhere'",
}


def seq_of(chance: random.Random) -> int:
    return chance.randint(1, LONG)


def edit(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """One field of one record."""
    column = chance.choice(list(FIELDS))
    return db.execute(
        f"UPDATE snapshot SET {column} = {FIELDS[column]} WHERE source = ? AND seq = ?", (name, seq_of(chance))
    ).rowcount


def retold(db: sqlite3.Connection, chance: random.Random, name: str, *, last: int | None = None) -> object:
    """A record with another address, its hash made anew, and those of all behind it, as far as `last`."""
    first = seq_of(chance)
    rows = db.execute(
        "SELECT id, seq FROM snapshot WHERE source = ? AND seq >= ? ORDER BY seq", (name, first)
    ).fetchall()
    before = db.execute("SELECT record_hash FROM snapshot WHERE source = ? AND seq = ?", (name, first - 1)).fetchone()
    head = bytes(before[0]).hex() if before else ""
    with Store.open(db.execute("PRAGMA database_list").fetchone()[2]) as store:
        chain = [store.read_sync(snapshots.snapshot, one) for one, _ in rows]
    for one in chain:
        forged = replace(one, url=one.url + ("x" if one.seq == first else ""), previous=head)
        head = snapshots.record_hash(forged)
        db.execute(
            "UPDATE snapshot SET id = ?, url = ?, previous = ?, record_hash = ? WHERE source = ? AND seq = ?",
            (head[:16], forged.url, bytes.fromhex(forged.previous), bytes.fromhex(head), name, one.seq),
        )
        if one.seq == last:
            return True
    return db.execute("UPDATE source SET head = ? WHERE name = ?", (bytes.fromhex(head), name)).rowcount


def half_retold(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """As above, but somebody gave up on the way."""
    return retold(db, chance, name, last=LONG - 1)


def delete(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """A few records in a row, with their bytes or without."""
    first = seq_of(chance)
    span = (name, first, min(LONG, first + chance.randrange(3)))
    for one in chance.sample(("body", "snapshot"), chance.randint(1, 2)):
        db.execute(f"DELETE FROM {one} WHERE source = ? AND seq BETWEEN ? AND ?", span)
    return True


def cut(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """The end of a chain, and of what is noted of it."""
    first = seq_of(chance)
    for one in ("body", "snapshot"):
        db.execute(f"DELETE FROM {one} WHERE source = ? AND seq >= ?", (name, first))
    head = db.execute("SELECT record_hash FROM snapshot WHERE source = ? AND seq = ?", (name, first - 1)).fetchone()
    if chance.random() < 0.5:
        values = (first - 1, head[0] if head else b"", name)
        db.execute("UPDATE source SET seq = ?, head = ? WHERE name = ?", values)
    if chance.random() < 0.2:
        db.execute("DELETE FROM source WHERE name = ?", (name,))
    return True


def reorder(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """Two records change places, with their bytes."""
    one, other = chance.sample(range(1, LONG + 1), 2)
    for place in ("body", "snapshot"):
        for old, new in ((one, -1), (other, one), (-1, other)):
            db.execute(f"UPDATE {place} SET seq = ? WHERE source = ? AND seq = ?", (new, name, old))
    return True


def swap(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """A record gets the bytes of another one, of its own chain or of the other."""
    one, other = chance.sample(range(1, LONG + 1), 2)
    data = db.execute(
        "SELECT data, size FROM body WHERE source = ? AND seq = ?", (chance.choice(NAMES), other)
    ).fetchone()
    return db.execute("UPDATE body SET data = ?, size = ? WHERE source = ? AND seq = ?", (*data, name, one)).rowcount


def flip(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """A bit of packed bytes, or their end, or what is noted of them."""
    seq = seq_of(chance)
    data = bytearray(db.execute("SELECT data FROM body WHERE source = ? AND seq = ?", (name, seq)).fetchone()[0])
    way = chance.randrange(4)
    if way == 0:
        data[chance.randrange(4, len(data))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del data[-1:]
    elif way == 2:
        db.execute("UPDATE body SET size = size + 1 WHERE source = ? AND seq = ?", (name, seq))
    else:
        db.execute("UPDATE body SET start = 0 WHERE source = ? AND seq = ?", (name, seq))
    return db.execute("UPDATE body SET data = ? WHERE source = ? AND seq = ?", (bytes(data), name, seq)).rowcount


def reanchor(db: sqlite3.Connection, chance: random.Random, name: str) -> object:
    """An anchor says something else, or the first is gone."""
    n = chance.randint(1, 2)
    if chance.random() < 0.2:
        return db.execute("DELETE FROM anchor WHERE n = 1").rowcount
    column, value = chance.choice(
        [
            ("at", "2019-01-01T00:00:00Z"),
            ("heads", json.dumps({name: [3, "00" * 32]})),
            ("previous", b"\1" * 32),
            ("digest", b"\1" * 32),
            ("n", 7),
        ]
    )
    return db.execute(f"UPDATE anchor SET {column} = ? WHERE n = ?", (value, n)).rowcount


def served(path: Path) -> list[object]:
    """All that is read of the evidence."""
    with Store.open(path) as store:
        chains = [store.read_sync(snapshots.links, name, 0, None, 99) for name in NAMES]
        return [*chains, lengths(store), store.read_sync(sources.states), store.read_sync(anchors.after, 0)]


WAYS: Sequence[Tamper] = (edit, edit, retold, half_retold, delete, cut, reorder, swap, flip, flip, reanchor)


def tampered(history: Path, trials: int, seed: int) -> None:
    """Each is found, but for bits of packed bytes that unpack to the same, and values that stood there before."""
    copy, whole, harmless = history.with_name("copy.db"), served(history), 0
    for trial in range(seed, seed + trials):
        chance = random.Random(trial)
        shutil.copy(history, copy)
        db = sqlite3.connect(copy, isolation_level=None)
        way, name = WAYS[trial % len(WAYS)], chance.choice(NAMES)
        assert way(db, chance, name)
        db.close()
        if not found(copy):
            assert served(copy) == whole, f"trial {trial}: {way.__name__} of {name}"
            harmless += 1
        for beside in history.parent.glob("copy.db*"):
            beside.unlink()
    assert harmless < trials / 50


def test_two_hundred_ways_to_tamper_are_found(history: Path) -> None:
    tampered(history, 200, seed=0)


@pytest.mark.soak
def test_a_thousand_ways_to_tamper_are_found(history: Path) -> None:
    tampered(history, 1000, seed=1000)


def test_the_first_bad_record_is_named(history: Path) -> None:
    with Store.open(history) as store:
        ids = [one.id for one in store.read_sync(snapshots.snapshots, "list")]
        store.run_sync(
            lambda conn: conn.exec_driver_sql("UPDATE snapshot SET status = 404 WHERE seq IN (7, 9)").rowcount
        )
        assert prove(store, "list") == Proof("list", 6, ids[6])


def cut_at(conn: Connection, statement: str) -> int:
    return conn.exec_driver_sql(statement).rowcount


def test_a_cut_end_is_named_by_what_is_missing(history: Path) -> None:
    with Store.open(history) as store:
        last = store.read_sync(snapshots.snapshots, "list")[-1].id
        for one in ("body", "snapshot"):
            store.run_sync(cut_at, f"DELETE FROM {one} WHERE source = 'list' AND seq > 10")
        assert prove(store, "list") == Proof("list", 10, last)
        assert list(lost(store)) == [Lost(2, "list", last)]


def test_a_chain_that_went_on_meanwhile_holds(history: Path) -> None:
    """A check that is stored while the chain is followed is no damage."""
    with Store.open(history) as store:
        end = store.read_sync(sources.states)["list"]

        def grow(_: int) -> None:
            nonlocal end
            if end.seq == LONG:
                last = store.read_sync(snapshots.snapshot, end.head[:16])
                new = captured(last, b"new", at=NOON + timedelta(days=9))
                store.run_sync(snapshots.put_snapshot, new, b"new")
                end = replace(end, seq=new.seq, head=new.record_hash)
                store.run_sync(sources.put_state, end)

        assert prove(store, "list", grow).first_bad is None


def test_a_long_chain_is_followed_in_short_transactions(store: Store) -> None:
    store.run_sync(put_chain, [b"%d" % number for number in range(150)])
    told: list[int] = []
    assert prove(store, "list", told.append) == Proof("list", 150)
    assert told == [64, 64, 22]


# ---------------------------------------------------------------- the command


def test_verify_says_what_holds(rig: Rig) -> None:
    lived(rig)
    code, told = ran(rig, "verify")
    assert code == 0
    assert told.splitlines() == [
        "ok   list: 5 snapshots",
        "all is as it was stored: 1 chain, 5 snapshots; no anchors",
    ]
    code, told = ran(rig, "verify", "list", "--json")
    assert (code, json.loads(told)) == (0, {"source": "list", "snapshots": 5, "ok": True, "first_bad": None})


def test_verify_names_the_first_that_does_not(rig: Rig) -> None:
    bad = lived(rig).snapshots()[2]
    rig.store.run_sync(lambda conn: conn.exec_driver_sql("UPDATE snapshot SET status = 201 WHERE seq = 3").rowcount)
    code, told = ran(rig, "verify")
    assert code == 1
    assert f"BAD  list: snapshot {bad.id} does not hold; sound before it: 2" in told
    assert told.splitlines()[-1].startswith(f"damaged: 1 of 1 chain: list from {bad.id} on")
    code, told = ran(rig, "verify", "--json")
    assert (code, json.loads(told)) == (1, {"source": "list", "snapshots": 2, "ok": False, "first_bad": bad.id})


def test_a_source_that_is_watched_no_more_is_still_verified(rig: Rig) -> None:
    lived(rig)
    rig.watch(Path(rig.path).read_text().split("[[source]]")[1].replace('"list"', '"else"').join(["[[source]]", ""]))
    assert ran(rig, "verify", "list")[0] == 0
    assert "5 snapshots" in ran(rig, "verify")[1]


def test_a_source_of_which_only_an_anchor_tells_is_said(rig: Rig) -> None:
    lived(rig)
    last = rig.snapshots()[-1]
    heads = rig.store.read_sync(anchors.moved)
    rig.store.run_sync(anchors.put, anchors.made(1, NOON, heads, ""), [])
    for one in ("delivery", "alert", "change", "body", "snapshot", "source"):
        rig.store.run_sync(cut_at, f"DELETE FROM {one}")
    code, told = ran(rig, "verify", "--json")
    assert (code, json.loads(told)) == (1, {"source": "list", "snapshots": 0, "ok": False, "first_bad": last.id})


def test_an_anchor_that_was_changed_is_said(rig: Rig) -> None:
    lived(rig)
    rig.store.run_sync(anchors.put, anchors.made(1, NOON, rig.store.read_sync(anchors.moved), ""), [])
    assert ran(rig, "verify")[0] == 0
    rig.store.run_sync(cut_at, "UPDATE anchor SET at = '2026-01-01T00:00:00Z'")
    code, told = ran(rig, "verify")
    assert (code, "BAD  anchor 1 was changed" in told) == (1, True)


def test_nothing_stored_holds(rig: Rig) -> None:
    assert ran(rig, "verify", "list")[0] == 0
    assert "0 chains" in ran(rig, "verify")[1]
