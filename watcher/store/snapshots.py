"""The evidence: each capture's record in its source's chain, and its bytes. What is stored here is never rewritten.

A record's hash is SHA-256 over the hash of the record before it (32 bytes, none for the first), the record as JSON with
sorted keys and no spaces, in UTF-8, and the SHA-256 of the bytes (32 bytes).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, Select, bindparam, func, select, update

from watcher.core import Fetched, Snapshot, instant, parse_instant
from watcher.store.bodies import FULL_EACH, pack
from watcher.store.errors import Corrupt, NotStored, StoreError, Thinned
from watcher.store.revisions import THINNED, following, resumed, unpacked
from watcher.store.tables import body as bodies
from watcher.store.tables import row
from watcher.store.tables import snapshot as table

KEPT_HEADERS = frozenset({
    "age", "cache-control", "content-disposition", "content-encoding", "content-language", "content-length",
    "content-type", "date", "etag", "expires", "last-modified", "location", "retry-after", "server", "vary", "via",
})  # fmt: skip
"""What a server says of the page; cookies and policies are left out."""
MOST_HEADERS = 32
LONGEST_HEADER = 500
ID_DIGITS = 16
UNREADABLE = (StoreError, msgspec.MsgspecError, ValueError, TypeError, AttributeError)
"""What reading a damaged row may raise: a flipped bit turns a value into another, or into none."""


def link(
    *,
    source: str,
    seq: int,
    at: datetime,
    fetched: Fetched,
    sha256: str,
    previous: str,
    provenance: str = "live",
    clock: str = "real",
) -> Snapshot:
    """Make the record of `fetched`, whose bytes have the digest `sha256`, as the link after the record hash `previous`.

    `seq` counts a source's records from 1, and `previous` is "" for the first. The record holds what will be stored:
    `at` to the second, and of the headers those that bear on the page. Pure.
    """
    kept = [(name, value[:LONGEST_HEADER]) for name, value in fetched.headers if name in KEPT_HEADERS]
    unhashed = Snapshot(
        id="",
        source=source,
        seq=seq,
        at=parse_instant(instant(at)),
        url=fetched.url,
        status=fetched.status,
        headers=tuple(kept[:MOST_HEADERS]),
        redirects=fetched.redirects,
        peer=fetched.peer,
        sha256=sha256,
        provenance=provenance,
        clock=clock,
        previous=previous,
        record_hash="",
    )
    digest = record_hash(unhashed)
    return replace(unhashed, id=digest[:ID_DIGITS], record_hash=digest)


def record(snapshot: Snapshot) -> bytes:
    """The record as it is hashed: canonical JSON."""
    return msgspec.json.encode(
        {
            "source": snapshot.source,
            "seq": snapshot.seq,
            "at": instant(snapshot.at),
            "url": snapshot.url,
            "status": snapshot.status,
            "headers": snapshot.headers,
            "redirects": snapshot.redirects,
            "peer": snapshot.peer,
            "provenance": snapshot.provenance,
            "clock": snapshot.clock,
        },
        order="sorted",
    )


def record_hash(snapshot: Snapshot) -> str:
    """The hash of the record, computed anew from its fields, in hex digits."""
    parts = bytes.fromhex(snapshot.previous), record(snapshot), bytes.fromhex(snapshot.sha256)
    return hashlib.sha256(b"".join(parts)).hexdigest()


def put_snapshot(
    conn: Connection, snapshot: Snapshot, body: bytes, before: tuple[Snapshot, bytes] | None = None
) -> None:
    """Store a record and its bytes. `before`: a link and its bytes as read or stored before; of use if it is the last.

    Raises ValueError for bytes of another digest, or above bodies.LIMIT; StoreError where the chain has such a link.
    """
    if hashlib.sha256(body).hexdigest() != snapshot.sha256:
        raise ValueError(f"{snapshot.source}: these are not the bytes of snapshot {snapshot.id}")
    start, dictionary = _before(conn, snapshot, before)
    packed = {"source": snapshot.source, "seq": snapshot.seq, "start": start, "size": len(body)}
    conn.execute(_PUT_RECORD, row(table, snapshot))
    conn.execute(_PUT_BODY, {**packed, "data": pack(body, dictionary)})


def settle(conn: Connection, snapshot: Snapshot) -> None:
    """Store how `snapshot` is read from now on: its verdict and reason, and what its adapter noted."""
    notes = ("verdict", "reason", "fingerprint", "version", "choices")
    values = {name: getattr(snapshot, name) for name in notes}
    if not conn.execute(update(table).where(table.c.id == snapshot.id).values(values)).rowcount:
        raise NotStored(f"no snapshot {snapshot.id} is stored")


def snapshot(conn: Connection, snapshot_id: str) -> Snapshot:
    """Return the record with this id. Raises NotStored."""
    one = _one(conn, _RECORD, {"id": snapshot_id})
    if one is None:
        raise NotStored(f"no snapshot {snapshot_id} is stored")
    return one


def body(conn: Connection, snapshot_id: str) -> bytes:
    """Return the bytes of a snapshot, checked against its digest. Raises NotStored, Thinned, and Corrupt if damaged."""
    return with_body(conn, snapshot_id)[1]


def with_body(conn: Connection, snapshot_id: str) -> tuple[Snapshot, bytes]:
    """Return a record and its bytes, as `body` does."""
    one = snapshot(conn, snapshot_id)
    try:
        content = unpacked(conn, one.source, one.seq)
    except LookupError:
        raise Thinned(one.source, one.id, one.sha256) from None
    except ValueError as error:
        raise Corrupt(one.source, one.id, str(error)) from error
    if hashlib.sha256(content).hexdigest() != one.sha256:
        raise Corrupt(one.source, one.id, "its bytes do not have the digest of its record")
    return one, content


def snapshots(
    conn: Connection,
    source: str,
    since: datetime | None = None,
    until: datetime | None = None,
    verdicts: Collection[str] | None = None,
) -> list[Snapshot]:
    """Return a source's records by time, both ends included; `verdicts` None takes all."""
    query = select(table).where(table.c.source == source).order_by(table.c.at, table.c.seq)
    if since is not None:
        query = query.where(table.c.at >= since)
    if until is not None:
        query = query.where(table.c.at <= until)
    if verdicts is not None:
        query = query.where(table.c.verdict.in_(verdicts))
    return _records(conn, query)


def snapshot_at(
    conn: Connection, source: str, at: datetime, verdicts: Collection[str] | None = ("ok",)
) -> Snapshot | None:
    """Return the last record of a source that was there at `at`."""
    query = select(table).where(table.c.source == source, table.c.at <= at)
    if verdicts is not None:
        query = query.where(table.c.verdict.in_(verdicts))
    return _one(conn, query.order_by(table.c.at.desc(), table.c.seq.desc()).limit(1))


def clocks(conn: Connection) -> set[str]:
    """Return by which clocks the records were made: real, given, capture."""
    return set(conn.execute(select(table.c.clock).distinct()).scalars())


class Walked(NamedTuple):
    """How far a chain was followed: the last record that holds, its hash and bytes (None: thinned, or none yet).

    `thinned` counts records without bytes so far; `bad` is the id of the first that does not hold, and `ended` says
    that there is nothing behind.
    """

    seq: int = 0
    head: str = ""
    body: bytes | None = None
    thinned: int = 0
    bad: str | None = None
    ended: bool = False


START = Walked()


def first_bad(conn: Connection, source: str) -> str | None:
    """Follow a source's chain from its first record: the id of the first whose link, record or bytes do not hold.

    A chain that was cut at its end holds: only its head, noted elsewhere, shows that.
    """
    walked = START
    while not walked.ended:
        walked = walk(conn, source, walked)
    return walked.bad


def walk(conn: Connection, source: str, walked: Walked, most: int = 64) -> Walked:
    """Follow a source's chain on from where it was left, `most` records at a time, so that no transaction is long."""
    query = select(table.c.id, table.c.seq).where(table.c.source == source).order_by(table.c.seq).limit(most)
    rows = conn.execute(query.where(table.c.seq > walked.seq) if walked.seq else query).all()
    start, before = resumed(conn, source, walked.seq, walked.body)
    for found in rows:
        try:
            one = snapshot(conn, found.id)
            start, content = following(conn, source, walked.seq + 1, start, before)
            digest = record_hash(one)
            sha256 = one.sha256 if content is None else hashlib.sha256(content).hexdigest()
        except UNREADABLE:
            return walked._replace(bad=found.id, ended=True)
        due = source, walked.seq + 1, walked.head, digest, digest[:ID_DIGITS], sha256
        if (one.source, one.seq, one.previous, one.record_hash, one.id, one.sha256) != due:
            return walked._replace(bad=found.id, ended=True)
        walked = Walked(one.seq, digest, content, walked.thinned + (content is None))
        before = before if content is None else content
    return walked._replace(ended=len(rows) < most)


def links(
    conn: Connection, source: str, after: int, before: bytes | None, most: int
) -> list[tuple[Snapshot, bytes | None]]:
    """Return the records of a chain after number `after`, whose bytes are `before`, each with its own; None: thinned.

    Raises Corrupt where one does not hold.
    """
    query = select(table).where(table.c.source == source, table.c.seq > after).order_by(table.c.seq).limit(most)
    found: list[tuple[Snapshot, bytes | None]] = []
    start, before = resumed(conn, source, after, before)
    for one in _records(conn, query):
        try:
            start, content = following(conn, source, one.seq, start, before)
        except ValueError as error:
            raise Corrupt(source, one.id, str(error)) from error
        if content is not None and hashlib.sha256(content).hexdigest() != one.sha256:
            raise Corrupt(source, one.id, "its bytes do not have the digest of its record")
        found.append((one, content))
        before = before if content is None else content
    return found


def hash_at(conn: Connection, source: str, seq: int) -> str | None:
    """Return the hash of one record of a chain, None where there is none."""
    query = select(table.c.record_hash).where(table.c.source == source, table.c.seq == seq)
    found: str | None = conn.execute(query).scalar()
    return found


def thinned(conn: Connection, source: str) -> set[int]:
    """Return the numbers of the records of a chain whose bytes were thinned."""
    query = select(bodies.c.seq).where(bodies.c.source == source, bodies.c.start == THINNED)
    return set(conn.execute(query).scalars())


def lengths(conn: Connection) -> dict[str, int]:
    """Return how many records each chain has."""
    query = select(table.c.source, func.count()).group_by(table.c.source).order_by(table.c.source)
    return {source: count for source, count in conn.execute(query)}  # noqa: C416 - rows are no pairs to the type checker


def _one(conn: Connection, query: Select[Any], values: Mapping[str, Any] | None = None) -> Snapshot | None:
    return next(iter(_records(conn, query, values)), None)


def _records(conn: Connection, query: Select[Any], values: Mapping[str, Any] | None = None) -> list[Snapshot]:
    """The records that `query` selects. Raises Corrupt with the name of one that cannot be read."""
    try:
        return [Snapshot(**found._asdict()) for found in conn.execute(query, values)]
    except UNREADABLE as error:
        names = conn.execute(query.with_only_columns(table.c.id, table.c.source), values).all()
        if len(names) > 1:
            for name in names:
                snapshot(conn, name.id)
        raise Corrupt(names[0].source, names[0].id, f"its record cannot be read ({error})") from error


def _before(conn: Connection, snapshot: Snapshot, known: tuple[Snapshot, bytes] | None) -> tuple[int, bytes | None]:
    """The full copy on which `snapshot` is to hang, and the bytes before it; its own seq and None: it becomes one.

    Raises StoreError where the chain does not end in the link before it.
    """
    end = conn.execute(_END, {"source": snapshot.source, "seq": snapshot.seq - 1}).one_or_none()
    if (end.record_hash if end else "") != snapshot.previous:
        raise StoreError(f"{snapshot.source}: its chain has another end: another process stored a capture; check again")
    if end is None or not end.start or snapshot.seq - end.start >= FULL_EACH:
        return snapshot.seq, None
    if known is not None and known[0].record_hash == snapshot.previous:
        return end.start, known[1]
    try:
        return end.start, body(conn, snapshot.previous[:ID_DIGITS])
    except Corrupt:  # damage to old evidence must not keep new evidence out
        return snapshot.seq, None


# Stated once: that takes longer than the query.
_PUT_RECORD, _PUT_BODY = table.insert(), bodies.insert()
_RECORD = select(table).where(table.c.id == bindparam("id"))
_END = (
    select(table.c.record_hash, bodies.c.start)
    .outerjoin(bodies, (bodies.c.source == table.c.source) & (bodies.c.seq == table.c.seq))
    .where(table.c.source == bindparam("source"), table.c.seq == bindparam("seq"))
)
"""The hash of a record, and the full copy on which its bytes hang."""
