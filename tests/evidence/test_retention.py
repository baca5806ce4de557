"""Bytes let go by age or by size: never a record, never what an alert cites, and everything else still reads."""

from __future__ import annotations

import asyncio
import json
import random
import zipfile
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evidence.histories import beside, exported, lived, ran
from tests.rig import Rig, table, without
from tests.store.made import NOON, captured, changed, put_chain, told
from watcher.core import Snapshot, SourceState
from watcher.evidence.proof import Proof, prove
from watcher.evidence.retention import Keep, keep, retention_tick
from watcher.store import Connection, Corrupt, Store, Thinned, changes, held, outbox, retention, snapshots, sources

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BODIES = [b"page %d " % number * 100 for number in range(40)]


def chain(store: Store) -> list[Snapshot]:
    """Forty captures, an hour apart, of a source that is compared with the last."""
    made = store.run_sync(put_chain, BODIES)
    last = made[-1]
    store.run_sync(sources.put_state, SourceState("list", seq=last.seq, head=last.record_hash, snapshot=last.id))
    return made


def alerted(store: Store, snapshot: str, before: str) -> None:
    """An alert about a change between two captures; of another one, nobody was told."""
    alert, parts = told()
    store.run_sync(changes.put_changes, [changed(0, snapshot=snapshot, before=before), changed(1, before="f" * 16)])
    store.run_sync(outbox.put_alert, alert, parts)


def tick(store: Store, bodies: str, days: float) -> int:
    return asyncio.run(retention_tick(store, bodies, NOON + days * DAY))


def left(store: Store, made: list[Snapshot]) -> list[int]:
    """The numbers of those captures whose bytes are there, each checked to be as it was."""
    there = []
    for one, body in zip(made, BODIES, strict=True):
        try:
            assert store.read_sync(snapshots.body, one.id) == body
            there.append(one.seq)
        except Thinned as gone:
            assert one.sha256 in str(gone)  # noqa: PT017 - what is thinned and what is not is what is tested
    return there


def test_old_bytes_go_and_records_stay(store: Store) -> None:
    made = chain(store)
    alerted(store, made[9].id, made[8].id)
    assert tick(store, "10d", days=11) == 22  # the first day's, but for the two that are cited
    assert left(store, made) == [9, 10, *range(25, 41)]
    assert store.read_sync(snapshots.snapshots, "list") == made
    assert prove(store, "list") == Proof("list", 40, None, 22)
    assert tick(store, "10d", days=11) == 0
    new = captured(made[-1], b"new", at=NOON + 12 * DAY)
    store.run_sync(snapshots.put_snapshot, new, b"new")
    assert store.read_sync(snapshots.body, new.id) == b"new"


def test_bytes_beyond_a_size_go_oldest_first(store: Store) -> None:
    made = chain(store)
    alerted(store, made[0].id, made[0].id)
    whole = store.read_sync(retention.size)
    assert tick(store, "1 MiB", days=400) == 0
    assert whole < 1 << 20
    large = [random.Random(number).randbytes(100_000) for number in range(20)]
    store.run_sync(put_chain, large, "large")
    assert tick(store, "1 MiB", days=400) > 0
    assert store.read_sync(retention.size) <= 1 << 20
    assert 1 in left(store, made)
    assert store.read_sync(snapshots.first_bad, "large") is None


def test_nothing_goes_that_is_young_or_asked_for(store: Store) -> None:
    made = chain(store)
    assert tick(store, "", days=4000) == 0
    assert tick(store, "1d", days=6) == 0
    assert tick(store, "0 MiB", days=6) == 0
    assert len(left(store, made)) == 40


def test_the_end_of_a_chain_and_what_is_compared_with_stay(store: Store) -> None:
    made = chain(store)
    state = store.read_sync(sources.states)["list"]
    store.run_sync(sources.put_state, replace(state, snapshot=made[19].id, suspect=made[29].id))
    assert tick(store, "1d", days=4000) == 37
    assert left(store, made) == [20, 30, 40]


def test_a_chain_that_was_thinned_goes_on(store: Store) -> None:
    made = store.run_sync(put_chain, BODIES[:3])
    assert tick(store, "1d", days=99) == 2
    for body in BODIES[3:]:
        made.append(captured(made[-1], body, at=NOON + 100 * DAY))
        store.run_sync(snapshots.put_snapshot, made[-1], body)
    assert left(store, made) == list(range(3, 41))
    assert prove(store, "list") == Proof("list", 40, None, 2)


def test_a_chain_may_be_thinned_while_it_is_followed(store: Store) -> None:
    chain(store)
    for ready, gone in ((10, 8), (23, 22)):  # from within what hangs on one full copy, which thinning makes another
        walked = store.read_sync(snapshots.walk, "list", snapshots.START, ready)
        olds = store.read_sync(retention.old, NOON + 99 * DAY, None, 99)
        store.run_sync(retention.thin, [one for one in olds if one.seq <= gone])
        while not walked.ended:
            walked = store.read_sync(snapshots.walk, "list", walked, 5)
        assert (walked.seq, walked.bad) == (40, None)


def test_damage_is_not_hidden_by_thinning(store: Store) -> None:
    made = chain(store)
    flip = "X'00'" if "watcher.db" in store.name else "'\\x00'::bytea"
    store.run_sync(lambda conn: conn.exec_driver_sql(f"UPDATE body SET data = {flip} WHERE seq = 20").rowcount)
    tick(store, "1d", days=99)
    with pytest.raises(Corrupt):
        store.read_sync(snapshots.body, made[19].id)
    assert store.read_sync(snapshots.first_bad, "list") == made[19].id


def test_thinning_makes_the_store_smaller(store: Store) -> None:
    noise = random.Random(7)
    page = noise.randbytes(40_000)
    pages = [page[:300] + noise.randbytes(60) + page[300 + 60 * number :] for number in range(48)]
    made = store.run_sync(put_chain, pages)
    before = store.read_sync(retention.size)
    for rest in range(2):  # two of three go, one after the other
        olds = store.read_sync(retention.old, NOON + 99 * DAY, None, 99)
        assert store.run_sync(retention.thin, [one for one in olds if one.seq % 3 == rest]) in {15, 16}
        assert store.read_sync(retention.size) < before
        before = store.read_sync(retention.size)
    assert all(store.read_sync(snapshots.body, made[seq - 1].id) == pages[seq - 1] for seq in range(2, 48, 3))
    assert prove(store, "list").first_bad is None


@settings(deadline=None, max_examples=20)
@given(going=st.sets(st.integers(1, 39)), again=st.sets(st.integers(1, 39)))
def test_whatever_goes_the_rest_reads_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, going: set[int], again: set[int]
) -> None:
    path = tmp_path_factory.mktemp("thin") / "watcher.db"
    with Store.open(path) as store:
        made = store.run_sync(put_chain, BODIES)
        for some in (going, again - going):
            olds = store.read_sync(retention.old, NOON + 99 * DAY, None, 99)
            store.run_sync(retention.thin, [one for one in olds if one.seq in some])
        assert left(store, made) == [seq for seq in range(1, 41) if seq not in going | again]
        assert prove(store, "list") == Proof("list", 40, None, len(going | again))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", Keep()),
        ("2y", Keep(age=timedelta(days=730.5))),
        ("3w", Keep(age=timedelta(days=21))),
        ("90d", Keep(age=timedelta(days=90))),
        ("20 GiB", Keep(size=20 << 30)),
        ("5 MiB", Keep(size=5 << 20)),
    ],
)
def test_what_the_configuration_says(text: str, kept: Keep) -> None:
    assert keep(text) == kept


# ---------------------------------------------------------------- what people see


@pytest.fixture
def thinned(rig: Rig) -> Rig:
    """A desk whose first capture, of five, has been thinned."""
    made = lived(rig).snapshots()
    rig.store.run_sync(execute, "UPDATE alert SET changes = '[]'")
    rig.now = made[1].at + 7 * DAY
    assert asyncio.run(retention_tick(rig.store, "1d", rig.now)) == 1
    rig.now += DAY
    return rig


def execute(conn: Connection, statement: str) -> int:
    return conn.exec_driver_sql(statement).rowcount


def verified(rig: Rig) -> tuple[int, str]:
    return ran(rig, "verify", "--now", rig.now.isoformat())


def test_bytes_that_thinning_cannot_have_taken_are_missed(thinned: Rig) -> None:
    made = thinned.snapshots()
    assert verified(thinned)[0] == 0
    take = "UPDATE body SET start = 0, data = '' WHERE seq = {}"
    thinned.store.run_sync(execute, take.format(5))  # the chain's end
    assert f"BAD  list: snapshot {made[4].id} does not hold; sound before it: 4, 1 of them" in verified(thinned)[1]
    state = thinned.store.read_sync(sources.states)["list"]
    thinned.store.run_sync(sources.put_state, replace(state, suspect=made[3].id))
    thinned.store.run_sync(execute, take.format(4))  # what a source is compared with
    assert f"BAD  list: snapshot {made[3].id}" in verified(thinned)[1]
    thinned.store.run_sync(execute, take.format(2))
    thinned.now = made[1].at + 7 * DAY - HOUR  # young, unlike the first
    assert f"BAD  list: snapshot {made[1].id}" in verified(thinned)[1]
    thinned.now += 99 * DAY
    alerted(thinned.store, made[1].id, made[0].id)
    code, said = verified(thinned)
    assert (code, f"BAD  list: snapshot {made[0].id}" in said) == (1, True)


def test_bytes_that_nobody_is_known_to_have_thinned_are_missed(thinned: Rig) -> None:
    thinned.store.run_sync(execute, "DELETE FROM audit")
    code, said = verified(thinned)
    assert (code, "BAD  list" in said) == (1, True)
    thinned.path.write_text(thinned.path.read_text() + '\n[retention]\nbodies = "1d"\n')
    assert verified(thinned)[0] == 0


def test_what_waits_to_be_told_stays(store: Store) -> None:
    made = chain(store)
    store.run_sync(changes.put_changes, [changed(0, snapshot=made[9].id, before=made[8].id)])
    store.run_sync(held.put, [held.Held("tg:1", changed(0).id, "digest", NOON)])
    assert tick(store, "1d", days=99) == 37
    assert left(store, made) == [9, 10, 40]


def test_a_thinned_capture_is_said_where_it_is_asked_for(thinned: Rig) -> None:
    first = thinned.snapshots()[0]
    for words in (["show", "list", "--at", "2026-03-01T12:00:00Z"], ["diff", "list", "2026-03-01T12:00:00Z"]):
        code, said = ran(thinned, *words)
        assert code == 1
        assert f"the bytes of snapshot {first.id} were thinned by [retention]" in said
    code, said = verified(thinned)
    assert code == 0
    assert "5 snapshots, 1 of them without their bytes" in said
    assert json.loads(ran(thinned, "verify", "--json", "--now", thinned.now.isoformat())[1])["thinned"] == 1


@pytest.mark.parametrize("form", ["zip", "warc.gz"])
def test_a_thinned_history_is_carried_as_it_is(thinned: Rig, form: str) -> None:
    path = exported(thinned, f"out.{form}")
    if form == "zip":
        with zipfile.ZipFile(path) as archive:
            assert json.loads(archive.read("chain.jsonl").splitlines()[0])["thinned"] is True
    other = beside(thinned, "other")
    with other.store:
        code, said = ran(other, "import", "list", str(path))
        assert code == 0
        assert "4 captures, 4 stored" in said
        assert "1 without their bytes were left out" in said


def test_a_back_fill_passes_over_what_was_thinned(thinned: Rig) -> None:
    folder = thinned.folder / "old"
    folder.mkdir()
    (folder / "2026-02-01T00-00-00Z.html").write_text(table(without("Clark")))
    (folder / "2026-03-01T12-30-00Z.html").write_text(table(without("Clark")))
    code, said = ran(thinned, "backfill", "list", "--from", str(folder))
    assert (code, said) == (0, said)
    assert "2 stored" in said
