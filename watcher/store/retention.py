"""Old bytes let go, as [retention] asks, and never a record: the chain stays whole, and digests stand for what went.

What hangs on bytes that go is packed anew first. What an alert cites, what a source is compared with, and the end of
each chain stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Connection, Select, cast, delete, func, literal, or_, select, update

from watcher.store.bodies import pack
from watcher.store.people_tables import audit
from watcher.store.people_tables import held as waiting
from watcher.store.revisions import THINNED, following
from watcher.store.tables import alert as alerts
from watcher.store.tables import body as bodies
from watcher.store.tables import change as changes
from watcher.store.tables import screenshot as screenshots
from watcher.store.tables import snapshot as records
from watcher.store.tables import source as sources

THINNING = "thinned"
"""What the audit calls it."""


class Old(NamedTuple):
    """One capture whose bytes may go, and how many they are, packed."""

    source: str
    seq: int
    id: str
    at: datetime
    size: int


def size(conn: Connection) -> int:
    """Return how many bytes all stored bytes take, packed."""
    return int(conn.execute(select(func.coalesce(func.sum(func.length(bodies.c.data)), 0))).scalar_one())


def cited(conn: Connection) -> set[str]:
    """Return the snapshots that must stay: those that an alert cites or will, and those a source is compared with."""
    told = _told(conn.dialect.name).union(select(waiting.c.change))
    found: set[str] = set()
    for column in (changes.c.snapshot, changes.c.before):
        found |= set(conn.execute(select(column).where(changes.c.id.in_(told), column.is_not(None))).scalars())
    for column in (sources.c.snapshot, sources.c.suspect):
        found |= set(conn.execute(select(column).where(column.is_not(None))).scalars())
    return found


def _told(dialect: str) -> Select[Any]:
    """The ids of all changes that alerts are about."""
    if dialect == "postgresql":
        each = func.json_array_elements_text(cast(alerts.c.changes, JSON)).table_valued("value").render_derived()
    else:
        each = func.json_each(alerts.c.changes).table_valued("value")
    return select(each.c.value).select_from(alerts).join(each, literal(value=True))


def old(conn: Connection, before: datetime, after: Old | None, most: int) -> list[Old]:
    """Return captures from before then whose bytes are there, oldest first, from `after` on; no chain's end is one."""
    later = records.alias()
    behind = select(later.c.seq).where(later.c.source == records.c.source, later.c.seq == records.c.seq + 1).exists()
    query = (
        select(records.c.source, records.c.seq, records.c.id, records.c.at, func.length(bodies.c.data).label("size"))
        .join(bodies, (bodies.c.source == records.c.source) & (bodies.c.seq == records.c.seq))
        .where(records.c.at < before, bodies.c.start != THINNED, behind)
        .order_by(records.c.at, records.c.id)
        .limit(most)
    )
    if after is not None:
        query = query.where(or_(records.c.at > after.at, (records.c.at == after.at) & (records.c.id > after.id)))
    return [Old(**found._asdict()) for found in conn.execute(query)]


class Wrong(NamedTuple):
    """A record whose bytes are said to be thinned and cannot have been, and how many before it were."""

    seq: int
    id: str
    thinned: int


def wrong(conn: Connection, source: str, young: datetime, *, ever: bool) -> Wrong | None:
    """Return the first record whose bytes were not let go by thinning: one that it keeps, or, unless `ever`, any.

    `young` is from when on captures are always kept.
    """
    query = select(records.c.seq, records.c.id, records.c.at).join(bodies, _SAME).order_by(records.c.seq)
    thinned = conn.execute(query.where(_mine(source), bodies.c.start == THINNED)).all()
    if not thinned:
        return None
    staying = cited(conn)
    end = conn.execute(select(func.max(records.c.seq)).where(records.c.source == source)).scalar()
    ever = ever or conn.execute(select(audit.c.n).where(audit.c.action == THINNING).limit(1)).first() is not None
    for number, one in enumerate(thinned):
        if not ever or one.seq == end or one.id in staying or one.at >= young:
            return Wrong(one.seq, one.id, number)
    return None


def thin(conn: Connection, going: Sequence[Old]) -> int:
    """Let go of the bytes of these captures; returns how many they were. What is damaged stays as it is."""
    gone = 0
    for source in sorted({one.source for one in going}):
        mine = {one.seq: one for one in going if one.source == source}
        starts = select(bodies.c.start).where(_mine(source), bodies.c.seq.in_(mine), bodies.c.start != THINNED)
        for start in sorted(set(conn.execute(starts).scalars())):
            gone += _thin_run(conn, source, start, mine)
    return gone


def _thin_run(conn: Connection, source: str, start: int, going: Mapping[int, Old]) -> int:
    """Thin what hangs on one full copy: what stays is packed anew where what it differs from goes."""
    run = (
        select(bodies.c.seq, records.c.sha256)
        .join(records, _SAME)
        .where(_mine(source), bodies.c.start == start)
        .order_by(bodies.c.seq)
    )
    packed: dict[int, bytes] = {}
    gone: list[Old] = []
    first, before, kept = THINNED, None, None
    for seq, sha256 in conn.execute(run).all():
        try:
            _, content = following(conn, source, seq, start, before)
        except ValueError:
            return 0
        if content is None or hashlib.sha256(content).hexdigest() != sha256:
            return 0
        if seq in going:
            gone.append(going[seq])
        else:
            if kept is not before:
                packed[seq] = pack(content, kept)
            first, kept = first or seq, content
        before = content
    for one in gone:
        _let_go(conn, one)
    conn.execute(update(bodies).where(_mine(source), bodies.c.start == start).values(start=first))
    for seq, data in packed.items():
        conn.execute(update(bodies).where(_mine(source), bodies.c.seq == seq).values(data=data))
    return len(gone)


def _let_go(conn: Connection, one: Old) -> None:
    conn.execute(update(bodies).where(_mine(one.source), bodies.c.seq == one.seq).values(start=THINNED, data=b""))
    conn.execute(delete(screenshots).where(screenshots.c.snapshot == one.id))


def _mine(source: str) -> ColumnElement[bool]:
    return bodies.c.source == source


_SAME = (bodies.c.source == records.c.source) & (bodies.c.seq == records.c.seq)
