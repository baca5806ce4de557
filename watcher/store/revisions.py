"""The packed bytes of revisions, read back: from their full copy on, or one after the other. Below snapshots.

A revision's row says how it was packed: a full copy, a difference from the last before it that was not thinned, or
thinned.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from watcher.store.bodies import FULL_EACH, unpack
from watcher.store.tables import body as bodies

THINNED = 0
"""The `start` of bytes that were thinned."""


def unpacked(conn: Connection, source: str, seq: int) -> bytes:
    """The bytes of one revision, unpacked from its full copy on; unchecked.

    Raises ValueError where they cannot be, and LookupError where they were thinned.
    """
    links = conn.execute(_CHAIN, {"source": source, "seq": seq}).all()
    if links and is_thinned(links[-1]):
        raise LookupError
    if not links or [link.seq for link in links] != list(range(links[-1].start, seq + 1)):
        raise ValueError("its bytes are missing")
    content: bytes | None = None
    for link in links:
        content = content if is_thinned(link) else _open(link, content)
    assert content is not None
    return content


def resumed(conn: Connection, source: str, seq: int, content: bytes | None) -> tuple[int, bytes | None]:
    """What the revision after `seq`, whose bytes are `content`, may differ from: a full copy's number, and bytes.

    They are those of the last revision that was not thinned, which may have happened since `seq` was read.
    """
    last = conn.execute(_KEPT, {"source": source, "seq": seq}).one_or_none()
    if last is None:
        return THINNED, None
    if last.seq == seq and content is not None:
        return last.start, content
    try:
        return last.start, unpacked(conn, source, last.seq)
    except ValueError:
        return last.start, None  # damaged since, so that what follows cannot be unpacked, and is told


def following(conn: Connection, source: str, seq: int, start: int, before: bytes | None) -> tuple[int, bytes | None]:
    """The full copy that one revision hangs on, and its bytes, given those of the last before it; None if thinned.

    Raises ValueError where they are damaged.
    """
    link = conn.execute(_PACKED.where(bodies.c.seq == seq), {"source": source}).one_or_none()
    if link is None:
        raise ValueError("its bytes are missing")
    if is_thinned(link):
        return start, None
    if link.start not in (seq, start) or seq - link.start >= FULL_EACH:
        raise ValueError("what it differs from is missing")
    return link.start, _open(link, before)


# Stated once: that takes longer than the query.
_PACKED: Select[Any] = select(bodies.c.seq, bodies.c.start, bodies.c.size, bodies.c.data).where(
    bodies.c.source == bindparam("source")
)
_FULL = bodies.alias()
_START: Select[Any] = select(_FULL.c.start).where(
    _FULL.c.source == bindparam("source"), _FULL.c.seq == bindparam("seq")
)
_KEPT = (
    select(bodies.c.seq, bodies.c.start)
    .where(
        bodies.c.source == bindparam("source"),
        bodies.c.seq <= bindparam("seq"),
        bodies.c.seq > bindparam("seq") - FULL_EACH,
        bodies.c.start != THINNED,
    )
    .order_by(bodies.c.seq.desc())
    .limit(1)
)
_CHAIN = _PACKED.where(
    bodies.c.seq.between(_START.scalar_subquery(), bindparam("seq")), bodies.c.seq > bindparam("seq") - FULL_EACH
).order_by(bodies.c.seq)
"""What one revision is unpacked from: its full copy and all after it."""


def is_thinned(link: Row[Any]) -> bool:
    """Whether the row of a body says that its bytes were let go: no full copy has the number 0."""
    return bool(link.start == THINNED and not link.data)


def _open(link: Row[Any], before: bytes | None) -> bytes:
    return unpack(link.data, link.size, None if link.start == link.seq else before)
