"""Who did what: a row for each thing that people do, and for what watcher does by itself."""

from __future__ import annotations

from sqlalchemy import Connection, select

from watcher.people import Deed
from watcher.store.people_tables import audit as table


def put(conn: Connection, deed: Deed) -> None:
    """Write down one deed, in the transaction of its effect."""
    conn.execute(
        table.insert().values(
            at=deed.at,
            who=deed.who,
            chat=deed.chat,
            action=deed.action,
            about=deed.about,
            detail=dict(deed.detail or {}),
        )
    )


def latest(conn: Connection, most: int, about: str = "") -> list[Deed]:
    """Return the newest deeds, newest first; with `about`, those about it."""
    query = select(table).order_by(table.c.n.desc()).limit(most)
    found = conn.execute(query.where(table.c.about == about) if about else query)
    return [Deed(row.at, row.who, row.chat, row.action, row.about, row.detail) for row in found]


def last(conn: Connection, who: int, chat: str) -> Deed | None:
    """Return what somebody did last in a chat."""
    query = select(table).where(table.c.who == who, table.c.chat == chat).order_by(table.c.n.desc()).limit(1)
    row = conn.execute(query).first()
    return Deed(row.at, row.who, row.chat, row.action, row.about, row.detail) if row else None
