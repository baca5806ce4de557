"""What one process at a time may do, by a row that whoever does it renews."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from watcher.store.people_tables import lease as table
from watcher.store.tables import insert


class Lease(NamedTuple):
    """Who holds it, and until when they said so."""

    holder: str
    until: datetime


def held(conn: Connection, name: str, *, changing: bool = False) -> Lease | None:
    """Return who holds a lease; `changing`: no other transaction gets it so before this one ends."""
    query = select(table.c.holder, table.c.until).where(table.c.name == name)
    row = conn.execute(query.with_for_update() if changing else query).first()
    return Lease(row.holder, row.until) if row else None


def take(conn: Connection, name: str, mine: Lease, instead: Lease | None = None) -> Lease:
    """Take or renew a lease, in place of exactly that one of somebody else's. Returns who holds it then."""
    now = held(conn, name, changing=True)
    if now is not None and now.holder != mine.holder and now != instead:
        return now
    conn.execute(insert(conn.dialect.name, table, replacing=True), {"name": name, **mine._asdict()})
    return mine


def give_back(conn: Connection, name: str, holder: str) -> None:
    """Whoever holds it does so no more."""
    conn.execute(delete(table).where(table.c.name == name, table.c.holder == holder))
