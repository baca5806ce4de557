"""The evidence: bytes come back as they were, the chain holds, and any damage is found and named."""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection

from tests.store.made import NOON, captured, changed, put_chain
from watcher.core import Fetched, Hop, Snapshot, instant
from watcher.store import Corrupt, NotStored, Store, StoreError, changes, snapshots
from watcher.store.bodies import FULL_EACH

HOUR = timedelta(hours=1)


def sql(store: Store, statement: str) -> int:
    return store.run_sync(lambda conn: conn.exec_driver_sql(statement).rowcount)


def ids(found: list[Snapshot]) -> list[str]:
    return [one.id for one in found]


# ---------------------------------------------------------------- bytes


def revisions() -> Iterator[bytes]:
    """Forty bodies: small changes, an empty one, one that is too short for a dictionary, one of 5 MB, random ones."""
    chance = random.Random(3)
    page = bytearray(chance.randbytes(3000))
    for number in range(40):
        page[chance.randrange(3000)] ^= 1
        odd = {5: b"", 6: b"short", 18: chance.randbytes(5_000_000), 33: b"", 34: bytes(70_000)}
        yield odd.get(number, bytes(page))


def test_every_revision_comes_back_as_it_was(store: Store) -> None:
    bodies = list(revisions())
    chain = store.run_sync(put_chain, bodies)
    assert [store.read_sync(snapshots.body, one.id) for one in chain] == bodies
    assert [store.read_sync(snapshots.snapshot, one.id) for one in chain] == chain
    assert store.read_sync(snapshots.first_bad, "list") is None


def test_a_full_copy_stands_at_least_at_each_sixteenth(store: Store) -> None:
    store.run_sync(put_chain, [b"page %d" % number * 20 for number in range(40)])
    starts = store.read_sync(lambda conn: conn.exec_driver_sql("SELECT start FROM body ORDER BY seq").scalars().all())
    assert starts == [1] * FULL_EACH + [1 + FULL_EACH] * FULL_EACH + [1 + 2 * FULL_EACH] * 8


def test_sources_do_not_mix(store: Store) -> None:
    one = store.run_sync(put_chain, [b"one" * 50, b"two" * 50], "a")
    other = store.run_sync(put_chain, [b"two" * 50, b"one" * 50], "b")
    assert store.read_sync(snapshots.body, one[1].id) == store.read_sync(snapshots.body, other[0].id)
    assert store.read_sync(snapshots.snapshots, "a") == one


def page(rows: list[str], token: str) -> bytes:
    head = "".join(f'<script src="/js/part-{number}.js" defer></script>\n' for number in range(200))
    cells = "".join(rows)
    return f"<html><head>{head}</head><body><input value='{token}'><table>{cells}</table></body></html>".encode()


def test_a_revision_costs_what_changed_in_it(tmp_path: Path) -> None:
    """A page of 100 KB with 300 rows, of which one changes each time, as does a state token."""
    chance = random.Random(11)
    streets = [hashlib.sha256(b"%d" % number).hexdigest()[:7] for number in range(150)]

    def row(number: int) -> str:
        name = f"{chance.choice(streets)} {chance.choice(streets)}"
        cells = "".join(
            f'<td class="cell {style}">{chance.choice(streets)}</td>' for style in ("type", "office", "note")
        )
        link = f'<a class="agency-name" href="/detention/agency/{number}">{name}</a>'
        return (
            f'<tr class="list-row odd-{number % 2}"><td>{number}</td><td>{link}</td>{cells}<td>2026-03-01</td></tr>\n'
        )

    rows = [row(number) for number in range(300)]
    with Store.open(tmp_path / "watcher.db") as store:
        before = None
        for number in range(32):
            rows[chance.randrange(300)] = row(number)
            body = page(rows, chance.randbytes(96).hex())
            assert 75_000 < len(body) < 125_000
            before = captured(before, body, at=NOON + number * HOUR, source="detention-agencies")
            store.run_sync(snapshots.put_snapshot, before, body)
            store.run_sync(changes.put_changes, [changed(number, snapshot=before.id, source=before.source)])
        packed = store.read_sync(lambda conn: conn.exec_driver_sql("SELECT avg(length(data)) FROM body").scalar_one())
    with sqlite3.connect(tmp_path / "watcher.db") as conn:
        conn.execute("VACUUM")
    conn.close()
    assert packed <= 1_200
    assert (tmp_path / "watcher.db").stat().st_size <= 32 * 4_000


# ---------------------------------------------------------------- records


@given(
    at=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone stands beside
    url=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    status=st.integers(100, 599),
    redirects=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=9), st.just(301)), max_size=2
    ),
    etag=st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    bodies=st.lists(st.binary(max_size=20), min_size=1, max_size=4),
)
def test_anybody_can_check_the_chain_with_the_standard_library(
    at: datetime, url: str, status: int, redirects: list[tuple[str, int]], etag: str, bodies: list[bytes]
) -> None:
    before = ""
    for seq, body in enumerate(bodies, start=1):
        hops = tuple(Hop(*hop) for hop in redirects)
        fetched = Fetched(url, status, (("etag", etag),), body, hops, None)
        digest = hashlib.sha256(body)
        one = snapshots.link(source="s", seq=seq, at=at, fetched=fetched, sha256=digest.hexdigest(), previous=before)
        record = {
            "source": "s", "seq": seq, "at": instant(at), "url": url, "status": status, "headers": [["etag", etag]],
            "redirects": redirects, "peer": None, "provenance": "live", "clock": "real",
        }  # fmt: skip
        text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        wanted = hashlib.sha256(bytes.fromhex(before) + text.encode() + digest.digest()).hexdigest()
        assert (one.record_hash, one.id, one.previous) == (wanted, wanted[:16], before)
        before = one.record_hash


@given(
    field=st.sampled_from(["source", "seq", "at", "url", "status", "headers", "peer", "provenance", "clock", "sha256"]),
)
def test_each_field_of_a_record_is_in_its_hash(field: str) -> None:
    one = captured(None, b"page")
    other: Any = {"seq": 9, "at": NOON + HOUR, "status": 404, "headers": (), "sha256": "0" * 64}.get(field, "other")
    assert snapshots.record_hash(replace(one, **{field: other})) != one.record_hash


def test_a_record_holds_a_bounded_part_of_the_headers() -> None:
    headers = [("etag", "e" * 10_000), ("set-cookie", "secret")] + [("via", str(number)) for number in range(100)]
    fetched = Fetched("https://example.gov", 200, tuple(headers), b"")
    one = snapshots.link(source="s", seq=1, at=NOON, fetched=fetched, sha256="0" * 64, previous="")
    assert one.headers[0] == ("etag", "e" * snapshots.LONGEST_HEADER)
    assert len(one.headers) == snapshots.MOST_HEADERS
    assert {name for name, _ in one.headers} == {"etag", "via"}


def test_only_the_next_link_is_stored(store: Store) -> None:
    first, second = store.run_sync(put_chain, [b"one", b"two"])
    for stray in (captured(None, b"x"), captured(first, b"x"), replace(captured(second, b"x"), seq=9)):
        with pytest.raises(StoreError, match=r"another end|UNIQUE|unique"):
            store.run_sync(snapshots.put_snapshot, stray, b"x")
    with pytest.raises(ValueError, match="not the bytes"):
        store.run_sync(snapshots.put_snapshot, captured(second, b"x"), b"y")
    assert store.read_sync(snapshots.snapshots, "list") == [first, second]


def test_how_a_snapshot_is_read_may_be_settled_later(store: Store) -> None:
    (one,) = store.run_sync(put_chain, [b"page"])
    settled = replace(one, verdict="gone", reason="a\0b", fingerprint="f", version=3, choices={"table": 2})
    store.run_sync(snapshots.settle, settled)
    assert store.read_sync(snapshots.snapshot, one.id) == replace(settled, reason="a\ufffdb")
    assert store.read_sync(snapshots.first_bad, "list") is None
    with pytest.raises(NotStored, match="no snapshot"):
        store.run_sync(snapshots.settle, replace(one, id="0" * 16))


def test_what_is_not_stored_is_said(store: Store) -> None:
    for ask in (snapshots.snapshot, snapshots.body):
        with pytest.raises(NotStored, match="0123456789abcdef"):
            store.read_sync(ask, "0123456789abcdef")
    assert store.read_sync(snapshots.snapshot_at, "list", NOON) is None
    assert store.read_sync(snapshots.snapshots, "list") == []
    assert store.read_sync(snapshots.first_bad, "list") is None


def test_records_by_time_after_a_back_fill(store: Store) -> None:
    def fill(conn: Connection) -> list[Snapshot]:
        """Stored in this order; the third is older than all, the fourth as old as the first."""
        chain: list[Snapshot] = []
        plan = ((2, "ok", "live"), (4, "suspect", "live"), (0, "ok", "import"), (2, "ok", "import"))
        for number, (hours, verdict, provenance) in enumerate(plan):
            body = b"%d" % number
            one = captured(
                chain[-1] if chain else None, body, at=NOON + hours * HOUR, verdict=verdict, provenance=provenance,
                clock="capture" if provenance == "import" else "real",
            )  # fmt: skip
            snapshots.put_snapshot(conn, one, body)
            chain.append(one)
        return chain

    live, suspect, old, same = store.run_sync(fill)
    assert store.read_sync(snapshots.snapshots, "list") == [old, live, same, suspect]
    assert store.read_sync(snapshots.snapshots, "list", verdicts=("ok",)) == [old, live, same]
    since, until = NOON + HOUR, NOON + 2 * HOUR
    assert ids(store.read_sync(snapshots.snapshots, "list", since, until)) == ids([live, same])
    assert store.read_sync(snapshots.snapshot_at, "list", NOON + HOUR) == old
    assert store.read_sync(snapshots.snapshot_at, "list", NOON + 9 * HOUR) == same
    assert store.read_sync(snapshots.snapshot_at, "list", NOON + 9 * HOUR, None) == suspect
    assert store.read_sync(snapshots.snapshot_at, "list", NOON - HOUR) is None
    assert store.read_sync(snapshots.clocks) == {"real", "capture"}
    assert store.read_sync(snapshots.first_bad, "list") is None


# ---------------------------------------------------------------- damage

DAMAGE = {
    "bytes": "UPDATE body SET data = {flip} WHERE seq = 20",
    "another length": "UPDATE body SET size = size + 1 WHERE seq = 20",
    "another start": "UPDATE body SET start = 20 WHERE seq = 20",
    "no bytes": "DELETE FROM body WHERE seq = 20",
    "swapped bytes": "UPDATE body SET data = (SELECT data FROM body WHERE seq = 5), size = 700 WHERE seq = 20",
    "url": "UPDATE snapshot SET url = 'https://example.org' WHERE seq = 20",
    "time": "UPDATE snapshot SET at = '2017-03-20T16:00:00Z' WHERE seq = 20",
    "status": "UPDATE snapshot SET status = 404 WHERE seq = 20",
    "headers": "UPDATE snapshot SET headers = '[]' WHERE seq = 20",
    "headers that are no JSON": "UPDATE snapshot SET headers = '[[]' WHERE seq = 20",
    "time that is none": "UPDATE snapshot SET at = 'noon' WHERE seq = 20",
    "clock": "UPDATE snapshot SET clock = 'given' WHERE seq = 20",
    "digest": "UPDATE snapshot SET sha256 = previous WHERE seq = 20",
    "hash": "UPDATE snapshot SET record_hash = previous WHERE seq = 20",
    "previous": "UPDATE snapshot SET previous = record_hash WHERE seq = 20",
    "id": "UPDATE snapshot SET id = '{other}' WHERE seq = 20",
    "source": "UPDATE snapshot SET source = 'lost' WHERE seq = 19",
    "a record lost": "DELETE FROM snapshot WHERE seq = 19",
    "records swapped": "UPDATE snapshot SET seq = CASE seq WHEN 20 THEN -21 WHEN 21 THEN -20 END WHERE seq IN (20, 21)",
}


def flip(store: Store) -> str:
    data = bytearray(
        store.read_sync(lambda conn: conn.exec_driver_sql("SELECT data FROM body WHERE seq=20").scalar_one())
    )
    data[-1] ^= 1
    return blob(store, data.hex())


def blob(store: Store, digits: str) -> str:
    return f"X'{digits}'" if "watcher.db" in store.name else f"'\\x{digits}'::bytea"


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_any_damage_to_the_evidence_is_found(store: Store, damage: str) -> None:
    """The first bad record is the twentieth, or for a hole before it the one that shows it."""
    chain = store.run_sync(put_chain, [b"page %d " % number * 100 for number in range(24)])
    if "snapshot SET source" in damage or "DELETE FROM snapshot" in damage:
        sql(store, "DELETE FROM body WHERE seq = 19")
    if "SET seq" in damage:
        sql(store, "DELETE FROM body WHERE seq IN (20, 21)")
    assert sql(store, damage.format(flip=flip(store) if "{flip}" in damage else "", other="0" * 16)) > 0
    if "SET seq" in damage:
        sql(store, "UPDATE snapshot SET seq = -seq WHERE seq < 0")
    found = store.read_sync(snapshots.first_bad, "list")
    assert found in {chain[19].id, "0" * 16 if "{other}" in damage else "", chain[20].id if "SET seq" in damage else ""}


@pytest.mark.parametrize("damage", [DAMAGE["bytes"], DAMAGE["another length"], DAMAGE["no bytes"], DAMAGE["digest"]])
def test_damaged_bytes_are_never_served(store: Store, damage: str) -> None:
    bodies = [b"page %d " % number * 100 for number in range(24)]
    chain = store.run_sync(put_chain, bodies)
    sql(store, damage.format(flip=flip(store) if "{flip}" in damage else ""))
    with pytest.raises(Corrupt, match=f"list: snapshot {chain[19].id} is damaged") as caught:
        store.read_sync(snapshots.body, chain[19].id)
    assert (caught.value.source, caught.value.snapshot) == ("list", chain[19].id)
    assert store.read_sync(snapshots.body, chain[18].id) == bodies[18]


def test_a_record_that_cannot_be_read_is_named(store: Store) -> None:
    chain = store.run_sync(put_chain, [b"page %d" % number for number in range(4)])
    sql(store, "UPDATE snapshot SET headers = '[[' WHERE seq = 3")
    for ask, what in ((snapshots.snapshot, chain[2].id), (snapshots.body, chain[2].id), (snapshots.snapshots, "list")):
        with pytest.raises(Corrupt, match=r"list.*cannot be read") as caught:
            store.read_sync(ask, what)
        assert caught.value.snapshot == chain[2].id


def test_a_record_that_hangs_on_another_is_found(store: Store) -> None:
    """Whole in itself, with its hash made anew, and of another chain."""
    chain = store.run_sync(put_chain, [b"page %d" % number for number in range(4)])
    forged = replace(chain[2], previous="0" * 64)
    digest = snapshots.record_hash(forged)
    values = f"id = '{digest[:16]}', previous = {blob(store, '0' * 64)}, record_hash = {blob(store, digest)}"
    sql(store, f"UPDATE snapshot SET {values} WHERE seq = 3")
    assert store.read_sync(snapshots.first_bad, "list") == digest[:16]


def test_old_damage_does_not_keep_new_evidence_out(store: Store) -> None:
    chain = store.run_sync(put_chain, [b"page %d " % number * 100 for number in range(24)])
    sql(store, DAMAGE["bytes"].format(flip=flip(store)))
    new = captured(chain[-1], b"new")
    store.run_sync(snapshots.put_snapshot, new, b"new")
    assert store.read_sync(snapshots.body, new.id) == b"new"
    assert store.read_sync(snapshots.first_bad, "list") == chain[19].id


def test_a_cut_at_the_end_is_not_found_by_the_chain(store: Store) -> None:
    store.run_sync(put_chain, [b"one", b"two", b"three"])
    sql(store, "DELETE FROM body WHERE seq = 3")
    sql(store, "DELETE FROM snapshot WHERE seq = 3")
    assert store.read_sync(snapshots.first_bad, "list") is None


def test_any_flipped_byte_of_a_file_is_refused_or_flagged(tmp_path: Path) -> None:
    """What is served at all is served as it was stored."""
    path = tmp_path / "watcher.db"
    bodies = [b"page %d " % number * 40 for number in range(6)]
    with Store.open(path) as store:
        chain = store.run_sync(put_chain, bodies)
    content = path.read_bytes()
    chance = random.Random(5)
    flagged = 0
    for _ in range(100):
        damaged = bytearray(content)
        damaged[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        for beside in tmp_path.glob("watcher.db-*"):
            beside.unlink()
        try:
            with Store.open(path) as store:
                flagged += store.read_sync(snapshots.first_bad, "list") is not None
                for one, body in zip(chain, bodies, strict=True):
                    served = store.read_sync(snapshots.snapshot, one.id)
                    sound = snapshots.record_hash(served) == one.record_hash
                    assert not sound or store.read_sync(snapshots.body, one.id) == body
                    assert sound or store.read_sync(snapshots.first_bad, "list")
        except StoreError:
            flagged += 1
    assert flagged > 5
