"""What came in from Telegram: each update is kept before Telegram is told that we have it, and handled once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from watcher.people import Update
from watcher.store.people_tables import inbox as table
from watcher.store.tables import insert


def put(conn: Connection, update_id: int, body: Mapping[str, Any], now: datetime) -> None:
    """Keep an update; one that came before stays as it is."""
    values = {"id": update_id, "received": now, "body": dict(body), "handled": None}
    conn.execute(insert(conn.dialect.name, table), values)


def waiting(conn: Connection) -> list[int]:
    """Return the numbers of the updates that wait, in Telegram's order."""
    return list(conn.execute(select(table.c.id).where(table.c.handled.is_(None)).order_by(table.c.id)).scalars())


def unhandled(conn: Connection, most: int, known: Collection[int] = ()) -> list[Update]:
    """Return the first updates that wait and are not `known`, in Telegram's order."""
    ids = [one for one in waiting(conn) if one not in known][:most]
    query = select(table).where(table.c.id.in_(ids)).order_by(table.c.id)
    return [Update(row.id, row.received, row.body) for row in conn.execute(query)]


def update_of(conn: Connection, update_id: int) -> Update | None:
    """Return an update that is still kept, handled or not."""
    row = conn.execute(select(table).where(table.c.id == update_id)).first()
    return Update(row.id, row.received, row.body, row.handled) if row else None


def handle(conn: Connection, update_id: int, now: datetime) -> bool:
    """Mark an update as handled, in the transaction of its effect; False where it was handled before."""
    mine = (table.c.id == update_id) & table.c.handled.is_(None)
    return conn.execute(update(table).where(mine).values(handled=now)).rowcount > 0


def blank(conn: Connection, update_id: int) -> None:
    """Forget what was in an update: it held a secret."""
    conn.execute(update(table).where(table.c.id == update_id).values(body={}))


def forget(conn: Connection, before: datetime) -> int:
    """Delete what was handled before then. Returns how many there were."""
    return conn.execute(delete(table).where(table.c.handled < before)).rowcount
