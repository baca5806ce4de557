"""Is what is stored what was stored? Each chain followed to its end, and its end held against what was noted of it.

Ends are noted in two places: where a source stands, and in the anchors. What is longer than a few records is read a few
at a time, so that the memory it takes does not grow with the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from watcher.core import instant
from watcher.evidence import stamps
from watcher.evidence.retention import YOUNGEST
from watcher.store import Connection, Store, anchors, retention, snapshots
from watcher.store import sources as standing
from watcher.store.anchors import Anchor, Stamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

LEEWAY = timedelta(hours=1)
"""Thinning may go on while a chain is followed."""
LATE = timedelta(hours=1)
"""After an anchor; a stamp of later than that proves less than the anchor says."""
ID = snapshots.ID_DIGITS


class Proof(NamedTuple):
    """What following one chain gave. `first_bad` is the id of the first snapshot that does not hold, or is missing.

    `thinned` records hold, and their bytes were let go by [retention].
    """

    source: str
    snapshots: int
    first_bad: str | None = None
    thinned: int = 0


class Lost(NamedTuple):
    """Something that an anchor speaks for and that is not there (any more): a snapshot, or the anchor itself ("")."""

    anchor: int
    source: str
    snapshot: str


class Stamped(NamedTuple):
    """What is known of one stamp of one anchor: checked, pending, bad or no stamp, and why or since when."""

    anchor: Anchor
    url: str
    state: str
    said: str


def lengths(store: Store) -> dict[str, int]:
    """All chains by name, with the records that each has; also one of which only its noted end is left."""
    return store.read_sync(_lengths)


def _lengths(conn: Connection) -> dict[str, int]:
    noted = {name: 0 for name, state in standing.states(conn).items() if state.seq}
    return dict(sorted((noted | snapshots.lengths(conn)).items()))


def prove(store: Store, source: str, step: Callable[[int], None] = lambda _: None) -> Proof:
    """Follow one chain from its first record to its noted end; `step` is told how many records were followed."""
    walked = snapshots.START
    while not walked.ended:
        before = walked.seq
        walked = store.read_sync(snapshots.walk, source, walked)
        step(walked.seq - before)
    bad = walked.bad or store.read_sync(_cut, source, walked)
    return Proof(source, walked.seq, bad, walked.thinned)


def unlawful(store: Store, found: Proof, now: datetime, *, ever: bool) -> Proof:
    """The same proof, ended by the first record before whose bytes are gone although thinning would have kept them.

    `ever` says that [retention] is configured; else the audit must say that it once was.
    """
    wrong = store.read_sync(partial(retention.wrong, ever=ever), found.source, now - YOUNGEST + LEEWAY)
    if wrong is None or wrong.seq > found.snapshots:
        return found
    return Proof(found.source, wrong.seq - 1, wrong.id, wrong.thinned)


def _cut(conn: Connection, source: str, walked: snapshots.Walked) -> str | None:
    """The noted end of a chain that stops short of it. It may have gone on since it was followed."""
    state = standing.states(conn, [source]).get(source)
    if state is None or state.head in ("", walked.head):
        return None
    there = snapshots.hash_at(conn, source, state.seq)
    return None if there == state.head else state.head[:ID]


def lost(store: Store) -> Iterator[Lost]:
    """All that the anchors speak for and that is not there, oldest first."""
    n, previous = 0, ""
    while batch := store.read_sync(anchors.after, n):
        for anchor in batch:
            whole = anchors.made(n + 1, anchor.at, anchor.heads, previous)
            if anchor != whole:
                yield Lost(n + 1, "", "")
            yield from store.read_sync(_missing, anchor)
            n, previous = anchor.n, anchor.digest


def _missing(conn: Connection, anchor: Anchor) -> list[Lost]:
    return [
        Lost(anchor.n, source, head[:ID])
        for source, (seq, head) in sorted(anchor.heads.items())
        if snapshots.hash_at(conn, source, seq) != head
    ]


def stamped(store: Store, trusted: list[Certificate], now: datetime, *, asked: bool = False) -> Iterator[Stamped]:
    """What each stamp of each anchor proves, oldest first, its token checked anew.

    `asked` says that authorities are asked: an anchor without any stamp is told of, too.
    """
    n = 0
    while batch := store.read_sync(anchors.after, n):
        for anchor in batch:
            n = anchor.n
            found = store.read_sync(anchors.stamps_of, n)
            yield from (_judged(anchor, one, trusted, now) for one in found)
            if asked and not found:
                yield Stamped(anchor, "", "no stamp", "no authority is asked for one")


def anchored(store: Store, trusted: Callable[[], list[Certificate]], now: datetime) -> Anchor | None:
    """The newest anchor that a stamp proves, checked anew. Raises what `trusted` does, called where there is one."""
    numbers = store.read_sync(anchors.stamped)
    roots = trusted() if numbers else []
    for n in numbers:
        for anchor in store.read_sync(anchors.after, n - 1, 1):
            found = store.read_sync(anchors.stamps_of, n)
            if any(_judged(anchor, one, roots, now).state == "checked" for one in found):
                return anchor
    return None


def _judged(anchor: Anchor, stamp: Stamp, roots: list[Certificate], now: datetime) -> Stamped:
    if anchor != anchors.made(anchor.n, anchor.at, anchor.heads, anchor.previous):
        return Stamped(anchor, stamp.url, "bad", "the anchor was changed")
    if stamp.due is not None:
        tried = f"{stamp.attempts} attempt{'s' if stamp.attempts > 1 else ''}: {stamp.reason}"
        said = tried if stamp.attempts else "not asked yet"
        return Stamped(anchor, stamp.url, "pending", said)
    try:
        at = stamps.check(stamp, anchor, roots, now)
    except stamps.BadStamp as why:
        return Stamped(anchor, stamp.url, "bad", str(why))
    late = (at - anchor.at) // timedelta(hours=1)
    after = f"stamped only {late} h after the anchor, " if at - anchor.at > LATE else ""
    return Stamped(anchor, stamp.url, "checked", f"{after}there at {instant(at)}")
