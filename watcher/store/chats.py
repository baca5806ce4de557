"""The chats that watcher writes to, and how each wants it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, update

from watcher.people import Chat
from watcher.store.people_tables import chat as table
from watcher.store.tables import batches, insert, row


def put(conn: Connection, one: Chat) -> None:
    """Store a chat as it is now."""
    conn.execute(insert(conn.dialect.name, table, replacing=True), row(table, one))


def chat(conn: Connection, chat_id: str) -> Chat | None:
    """Return the chat with this name ("telegram:<chat id>/<topic id>")."""
    return next(iter(_read(conn, select(table).where(table.c.id == chat_id))), None)


def some(conn: Connection, ids: Sequence[str]) -> dict[str, Chat]:
    """Return those of these chats that are known."""
    found: dict[str, Chat] = {}
    for part in batches(ids):
        query = select(table).where(table.c.id.in_(part))
        found |= {one.id: one for one in _read(conn, query)}
    return found


def everything(conn: Connection) -> list[Chat]:
    """Return all chats, by name."""
    return _read(conn, select(table).order_by(table.c.id))


def disable(conn: Connection, chat_id: str, reason: str) -> None:
    """Nothing is sent to a chat any more, or to a topic of it."""
    mine = (table.c.id == chat_id) | table.c.id.startswith(f"{chat_id}/", autoescape=True)
    conn.execute(update(table).where(mine).values(state="disabled", reason=reason))


def enable(conn: Connection, chat_id: str) -> None:
    """A chat, with its topics, can be written to again."""
    mine = (table.c.id == chat_id) | table.c.id.startswith(f"{chat_id}/", autoescape=True)
    conn.execute(update(table).where(mine, table.c.state != "active").values(state="active", reason=""))


def mute(conn: Connection, chat_id: str, until: datetime | None, by: int | None) -> None:
    """Tell a chat nothing until then; None ends it."""
    conn.execute(update(table).where(table.c.id == chat_id).values(muted_until=until, muted_by=by))


def _read(conn: Connection, query: Select[Any]) -> list[Chat]:
    names = [field.name for field in fields(Chat)]
    return [Chat(**{name: getattr(found, name) for name in names}) for found in conn.execute(query)]
