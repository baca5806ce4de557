"""Old bytes let go, as [retention] asks, and never a record: the chain stays whole, and digests stand for what went.

What hangs on bytes that go is packed anew first. What an alert cites, what a source is compared with, and the end of
each chain stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, ColumnElement, Connection, Select, cast, delete, func, literal, or_, select, update

from watcher.store.bodies import pack
from watcher.store.errors import Corrupt
from watcher.store.revisions import THINNED
from watcher.store.snapshots import body
from watcher.store.tables import alert as alerts
from watcher.store.tables import body as bodies
from watcher.store.tables import change as changes
from watcher.store.tables import screenshot as screenshots
from watcher.store.tables import snapshot as records
from watcher.store.tables import source as sources


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
    """Return the snapshots that must stay: those that an alert cites, and those that a source is compared with."""
    told = _told(conn.dialect.name)
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


def thin(conn: Connection, going: Sequence[Old]) -> int:
    """Let go of the bytes of these captures; returns how many they were. What is damaged stays as it is."""
    gone = 0
    for source in sorted({one.source for one in going}):
        mine = {one.seq: one for one in going if one.source == source}
        for seq in sorted(mine, reverse=True):  # from the newest on, so that what follows is rebuilt once
            if _read(conn, mine[seq].id) is not None and _free(conn, source, seq + 1):
                _let_go(conn, mine[seq])
                gone += 1
    return gone


def _free(conn: Connection, source: str, seq: int) -> bool:
    """Let what hangs on the revision before `seq` hang on `seq` itself; whether nothing does any more."""
    here = _mine(source) & (bodies.c.seq == seq)
    link = conn.execute(select(bodies.c.start, records.c.id).join(records, _SAME).where(here)).one_or_none()
    if link is None:
        return False
    if link.start in (THINNED, seq):
        return True
    content = _read(conn, link.id)
    if content is None:
        return False
    conn.execute(update(bodies).where(here).values(start=seq, data=pack(content, None)))
    hanging = _mine(source) & (bodies.c.start == link.start) & (bodies.c.seq > seq)
    conn.execute(update(bodies).where(hanging).values(start=seq))
    return True


def _read(conn: Connection, snapshot: str) -> bytes | None:
    """The bytes of a snapshot; None where they are damaged, which thinning must not hide."""
    try:
        return body(conn, snapshot)
    except Corrupt:
        return None


def _let_go(conn: Connection, one: Old) -> None:
    conn.execute(update(bodies).where(_mine(one.source), bodies.c.seq == one.seq).values(start=THINNED, data=b""))
    conn.execute(delete(screenshots).where(screenshots.c.snapshot == one.id))


def _mine(source: str) -> ColumnElement[bool]:
    return bodies.c.source == source


_SAME = (bodies.c.source == records.c.source) & (bodies.c.seq == records.c.seq)
