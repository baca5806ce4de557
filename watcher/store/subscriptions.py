"""Who wants to be told of what: each row a chat, a filter and a mode."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, Select, delete, func, select

from watcher.route import Filter
from watcher.store.people_tables import subscription as table
from watcher.store.tables import insert
from watcher.subscriptions.filters import filter_from, filter_json


class Subscription(NamedTuple):
    """What a chat wants to be told; `mode` is instant or digest, `by` the member who asked for it."""

    id: str
    chat: str
    filter: Filter
    mode: str
    by: int | None
    made: datetime


class Stamp(NamedTuple):
    """How many subscriptions there are, when the newest was made, and how long the names of their chats are."""

    number: int = 0
    newest: datetime | None = None
    names: int | None = None


def put(conn: Connection, one: Subscription) -> bool:
    """Store a subscription; whether it is new."""
    values = {**one._asdict(), "filter": filter_json(one.filter)}
    new = insert(conn.dialect.name, table).execution_options(preserve_rowcount=True)
    return conn.execute(new, values).rowcount > 0


def remove(conn: Connection, chat: str, ids: list[str] | None = None) -> int:
    """Forget these subscriptions of a chat, or all. Returns how many there were."""
    query = delete(table).where(table.c.chat == chat)
    return conn.execute(query if ids is None else query.where(table.c.id.in_(ids))).rowcount


def of_chat(conn: Connection, chat: str) -> list[Subscription]:
    """Return what a chat wants to be told, oldest first."""
    return _read(conn, select(table).where(table.c.chat == chat))


def everything(conn: Connection) -> list[Subscription]:
    """Return all subscriptions, oldest first."""
    return _read(conn, select(table))


def stamp(conn: Connection) -> Stamp:
    """Return what differs once a subscription came, went or moved to another chat.

    The id of a supergroup is longer than that of any group, so one that has moved differs by the length of its name.
    """
    columns = func.count(), func.max(table.c.made), func.sum(func.length(table.c.chat))
    return Stamp(*conn.execute(select(*columns)).one())


def _read(conn: Connection, query: Select[tuple[object, ...]]) -> list[Subscription]:
    found = conn.execute(query.order_by(table.c.made, table.c.id))
    return [Subscription(row.id, row.chat, filter_from(row.filter), row.mode, row.by, row.made) for row in found]
