"""A chain as it is written down for others: one JSON object a record, and the check that they follow each other.

What `written` gives anybody can check: the hash of a record is SHA-256 over the hash before it, the canonical JSON of
`record`, and the SHA-256 of the bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from watcher.captures import CaptureError
from watcher.core import Hop, Snapshot, parse_instant
from watcher.store import Corrupt, Store, StoreError, snapshots

TOGETHER = 8
"""Records read at a time, each with its bytes."""
LONGEST = 256 << 10
"""Bytes of one record as it is written."""


class Record(msgspec.Struct, frozen=True):
    """What is hashed of a record."""

    source: str
    seq: int
    at: str
    url: str
    status: int
    headers: tuple[tuple[str, str], ...]
    redirects: tuple[Hop, ...]
    peer: str | None
    provenance: str
    clock: str


class Written(msgspec.Struct, frozen=True):
    """One record in a file: what is hashed, the hashes, and how its bytes were judged."""

    record: Record
    previous: str
    record_hash: str
    sha256: str
    verdict: str = "ok"
    reason: str = ""
    thinned: bool = False


def history(store: Store, source: str, most: int) -> Iterator[tuple[Snapshot, bytes | None]]:
    """The first `most` records of a chain with their bytes (None: thinned). Raises Corrupt where one does not hold."""
    seq, head, body = 0, "", None
    while seq < most:
        batch = store.read_sync(snapshots.links, source, seq, body, min(TOGETHER, most - seq))
        if not batch:
            raise StoreError(f"{source}: its chain ends after {seq} records: run `watcher verify`")
        for one, here in batch:
            if (one.seq, one.previous, one.record_hash) != (seq + 1, head, snapshots.record_hash(one)):
                raise Corrupt(source, one.id, "it does not follow from the record before it")
            seq, head, body = one.seq, one.record_hash, here
            yield one, here


def written(one: Snapshot, *, thinned: bool) -> bytes:
    """One record as a line of JSON, without its end."""
    told: dict[str, Any] = {
        "record": msgspec.Raw(snapshots.record(one)),
        "previous": one.previous,
        "record_hash": one.record_hash,
        "sha256": one.sha256,
        "verdict": one.verdict,
        "reason": one.reason,
    }
    return msgspec.json.encode(told | ({"thinned": True} if thinned else {}))


class Chain:
    """Records as they are read from a file, each held against the one before."""

    def __init__(self) -> None:
        self.source = ""
        self.seq = 0
        self.head = ""

    def follow(self, line: bytes, place: str) -> tuple[Snapshot, bool]:
        """The next record, and whether its bytes were thinned. Raises CaptureError where it does not follow."""
        if len(line) > LONGEST:
            raise CaptureError(f"{place}: expected a record of at most {LONGEST >> 10} KiB, found {len(line):,} bytes")
        try:
            one = msgspec.json.decode(line, type=Written)
            snapshot = _snapshot(one)
            sound = snapshots.record_hash(snapshot) == one.record_hash and len(bytes.fromhex(one.sha256)) == DIGEST
        except (msgspec.MsgspecError, ValueError, OverflowError) as error:
            raise CaptureError(f"{place}: expected the record of a snapshot, found what is none: {error}") from None
        if not sound or (one.previous, one.record.seq) != (self.head, self.seq + 1):
            raise CaptureError(f"{place}: record {self.seq + 1} does not follow from the one before it")
        if self.seq and one.record.source != self.source:
            raise CaptureError(f"{place}: expected records of {self.source!r:.80} only")
        self.source, self.seq, self.head = one.record.source, one.record.seq, one.record_hash
        return snapshot, one.thinned


DIGEST = 32


def _snapshot(one: Written) -> Snapshot:
    told = msgspec.structs.asdict(one.record)
    return Snapshot(
        **told | {"at": parse_instant(one.record.at)},
        id=one.record_hash[: snapshots.ID_DIGITS],
        sha256=one.sha256,
        previous=one.previous,
        record_hash=one.record_hash,
        verdict=one.verdict,
        reason=one.reason,
    )
