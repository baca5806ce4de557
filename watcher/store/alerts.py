"""Which alerts were made of a change, for answers to them: corrections, retractions, "why did I get this?"."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Select, exists, func, select

from watcher.core import Alert, Delivery, content_id
from watcher.store.tables import alert as table
from watcher.store.tables import batches, change, delivery, insert, row

DIGEST = "digest"
"""The route of alerts that tell what came of many sources together."""
MOVED = "moved"
"""The route of the alert, never sent, that says which name a chat had: "moved telegram:-200"."""
NEVER = ("folded", "dead")
"""States of rows that nobody has got, or will."""


def put_all(conn: Connection, made: Sequence[tuple[Alert, Sequence[Delivery]]]) -> None:
    """Store many alerts with their parts at once; what is stored already stays as it is."""
    if made:
        conn.execute(insert(conn.dialect.name, table), [row(table, one) for one, _ in made])
    if rows := [row(delivery, part) for _, parts in made for part in parts]:
        conn.execute(insert(conn.dialect.name, delivery), rows)


def alert(conn: Connection, alert_id: str) -> Alert | None:
    """Return the alert with this id, its reference in messages."""
    return next(iter(_alerts(conn, select(table).where(table.c.id == alert_id))), None)


def made(conn: Connection, ids: Sequence[str]) -> set[str]:
    """Return those of these alerts that are stored."""
    found: set[str] = set()
    for some in batches(ids):
        found |= set(conn.execute(select(table.c.id).where(table.c.id.in_(some))).scalars())
    return found


def formerly(conn: Connection, channel: str) -> str:
    """Return the name that a chat had before it moved, "" where it never did: ids of its older alerts come of it."""
    moved = alert(conn, content_id(MOVED, channel))
    return moved.route.removeprefix(f"{MOVED} ") if moved else ""


def about(conn: Connection, source: str, changes: Collection[str]) -> list[Alert]:
    """Return the alerts that told of one of `changes`, of `source`, and that somebody has got or will, oldest first.

    Those that tell the changes of many sources together, as digests do, are of none; none is older than its changes.
    """
    first = conn.execute(select(func.min(change.c.at)).where(change.c.id.in_(changes))).scalar()
    mine = table.c.source == source
    if first is not None:
        mine |= (table.c.source == "") & (table.c.route == DIGEST) & (table.c.at >= first)
    told = exists().where(delivery.c.alert == table.c.id, delivery.c.state.not_in(NEVER))
    query = select(table).where(mine, told).order_by(table.c.at, table.c.id)
    return [one for one in _alerts(conn, query) if not set(changes).isdisjoint(one.changes)]


def latest(conn: Connection, channel: str, most: int) -> list[Alert]:
    """Return the newest alerts of a channel that are about changes, newest first."""
    query = select(table).where(table.c.channel == channel, table.c.source != "")
    return _alerts(conn, query.order_by(table.c.at.desc(), table.c.id).limit(most))


def _alerts(conn: Connection, query: Select[tuple[object, ...]]) -> list[Alert]:
    return [Alert(**found._asdict()) for found in conn.execute(query)]
