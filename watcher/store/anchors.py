"""Anchors: what fixes the ends of all chains at one hour, and the time stamps that others gave them.

An anchor lists the chains that went on since the anchor before, and holds its digest, so that each speaks for all. Its
digest is SHA-256 over `text`; in it each chain's end is only a digest, so that one source can be proved without
telling of the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, update

from watcher.core import instant
from watcher.store.evidence_tables import anchor as table
from watcher.store.evidence_tables import stamp as stamps
from watcher.store.snapshots import UNREADABLE
from watcher.store.tables import row
from watcher.store.tables import source as sources

Heads = Mapping[str, tuple[int, str]]
"""The ends of chains: by source, the last seq and its record hash."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of an anchor that cannot be read."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The heads that moved up to `at`, and the digest that stands for them and for all anchors before, from 1 on."""

    n: int
    at: datetime
    heads: Heads
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class Stamp:
    """What one authority is asked for one anchor, and what it answered: `token`, its whole answer once it was checked.

    `due` is when to ask (again), None once checked; `reason` is why the last attempt failed.
    """

    anchor: int
    url: str
    due: datetime | None
    attempts: int = 0
    reason: str = ""
    nonce: str = ""
    token: bytes = b""


def leaf(source: str, seq: int, head: str) -> str:
    """What stands in an anchor for the end of one chain."""
    return hashlib.sha256(msgspec.json.encode([source, seq, head])).hexdigest()


def text(n: int, at: datetime, leaves: Sequence[str], previous: str) -> bytes:
    """The bytes whose digest is an anchor's: canonical JSON."""
    return msgspec.json.encode(
        {"n": n, "at": instant(at), "heads": sorted(leaves), "previous": previous}, order="sorted"
    )


def made(n: int, at: datetime, heads: Heads, previous: str) -> Anchor:
    """The anchor of `heads`, after one with the digest `previous`. Pure."""
    anchor = Anchor(n, at, heads, previous, "")
    return replace(anchor, digest=hashlib.sha256(text_of(anchor)).hexdigest())


def text_of(anchor: Anchor) -> bytes:
    """The text of an anchor with all its heads at hand."""
    leaves = [leaf(source, *head) for source, head in anchor.heads.items()]
    return text(anchor.n, anchor.at, leaves, anchor.previous)


def moved(conn: Connection) -> dict[str, tuple[int, str]]:
    """Return the ends of the chains that went on since they were last anchored."""
    anchored: dict[str, tuple[int, str]] = {}
    for one in _read(conn, select(table).order_by(table.c.n)):
        anchored |= one.heads
    ends = conn.execute(select(sources.c.name, sources.c.seq, sources.c.head).where(sources.c.seq > 0))
    return {name: (seq, head) for name, seq, head in ends if anchored.get(name) != (seq, head)}


def last(conn: Connection) -> Anchor | None:
    """Return the newest anchor."""
    return next(iter(_read(conn, select(table).order_by(table.c.n.desc()).limit(1))), None)


def put(conn: Connection, anchor: Anchor, urls: Sequence[str]) -> None:
    """Store an anchor, to be stamped by the authorities at `urls`."""
    conn.execute(table.insert(), row(table, anchor) | {"n": anchor.n})
    for url in urls:
        conn.execute(stamps.insert(), row(stamps, Stamp(anchor.n, url, anchor.at)))


def after(conn: Connection, n: int, most: int = 64) -> list[Anchor]:
    """Return the anchors after number `n`, oldest first; one that cannot be read with no digest, which never holds."""
    return _read(conn, select(table).where(table.c.n > n).order_by(table.c.n).limit(most))


def _read(conn: Connection, query: Select[Any]) -> list[Anchor]:
    try:
        return [Anchor(**found._asdict()) for found in conn.execute(query)]
    except UNREADABLE:
        numbers = conn.execute(query.with_only_columns(table.c.n)).scalars().all()
        if len(numbers) == 1:
            return [Anchor(numbers[0], NEVER, {}, "", "")]
        return [one for n in numbers for one in _read(conn, select(table).where(table.c.n == n))]


def count(conn: Connection) -> int:
    """Return how many anchors there are."""
    return conn.execute(select(func.count()).select_from(table)).scalar_one()


def stamped(conn: Connection) -> list[int]:
    """Return the numbers of the anchors with an answer that was checked once, newest first."""
    query = select(stamps.c.anchor).where(stamps.c.due.is_(None)).distinct().order_by(stamps.c.anchor.desc())
    return list(conn.execute(query).scalars())


def has(conn: Connection, digest: str) -> bool:
    """Return whether there is an anchor with this digest."""
    return conn.execute(select(table.c.n).where(table.c.digest == digest)).first() is not None


def stamps_of(conn: Connection, n: int) -> list[Stamp]:
    """Return what is known of an anchor's stamps, by their authorities; one that cannot be read has no token."""
    return _stamps(conn, select(stamps).where(stamps.c.anchor == n).order_by(stamps.c.url))


def _stamps(conn: Connection, query: Select[Any]) -> list[Stamp]:
    try:
        return [Stamp(**found._asdict()) for found in conn.execute(query)]
    except UNREADABLE:
        keys = conn.execute(query.with_only_columns(stamps.c.anchor, stamps.c.url)).all()
        if len(keys) == 1:
            return [Stamp(keys[0].anchor, keys[0].url, None)]
        each = [select(stamps).where(stamps.c.anchor == key.anchor, stamps.c.url == key.url) for key in keys]
        return [one for query in each for one in _stamps(conn, query)]


def due(conn: Connection, now: datetime, urls: Sequence[str], most: int) -> list[tuple[Stamp, Anchor]]:
    """Return stamps that the authorities at `urls` are to be asked for now, newest anchors first, and their anchors."""
    query = select(stamps).where(stamps.c.due <= now, stamps.c.url.in_(urls)).order_by(stamps.c.anchor.desc())
    query = query.limit(most)
    found = [one for one in _stamps(conn, query) if one.due is not None]
    anchors = _read(conn, select(table).where(table.c.n.in_({one.anchor for one in found})))
    by_number = {one.n: one for one in anchors if one.digest}
    return [(one, by_number[one.anchor]) for one in found if one.anchor in by_number]


def settle(conn: Connection, stamp: Stamp) -> None:
    """Store how asking for a stamp ended."""
    mine = (stamps.c.anchor == stamp.anchor) & (stamps.c.url == stamp.url)
    conn.execute(update(stamps).where(mine).values(row(stamps, stamp)))
