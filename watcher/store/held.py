"""Changes that a chat is told later: in its digest, or when its mute or its quiet hours end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from watcher.store.people_tables import held as table
from watcher.store.tables import insert


class Held(NamedTuple):
    """A change that waits for a chat, why (digest, muted, quiet or folded), and since when."""

    chat: str
    change: str
    why: str
    at: datetime


def put(conn: Connection, rows: Iterable[Held]) -> None:
    """Hold changes; what is held already stays as it is."""
    if values := [row._asdict() for row in rows]:
        conn.execute(insert(conn.dialect.name, table), values)


def waiting(conn: Connection) -> dict[str, list[Held]]:
    """Return what is held for each chat, oldest first."""
    found: defaultdict[str, list[Held]] = defaultdict(list)
    for row in conn.execute(select(table).order_by(table.c.at, table.c.change)):
        found[row.chat].append(Held(row.chat, row.change, row.why, row.at))
    return dict(found)


def drop(conn: Connection, chat: str, changes: Collection[str]) -> None:
    """These are told, or will not be."""
    conn.execute(delete(table).where(table.c.chat == chat, table.c.change.in_(changes)))
