"""The rotas as they stood at each time: versions of config.toml's [[rota]], and what people have exchanged since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from watcher.store.people_tables import rota as table
from watcher.store.tables import insert

VERSION, OVERRIDE = "version", "override"


class Kept(NamedTuple):
    """A version of a rota, valid from `start` on, or an override from `start` to `end`; `body` is what it says."""

    name: str
    id: str
    kind: str
    body: Mapping[str, Any]
    start: datetime
    end: datetime | None
    by: str
    made: datetime


def put(conn: Connection, one: Kept) -> bool:
    """Store a version or an override; whether it is new."""
    new = insert(conn.dialect.name, table).execution_options(preserve_rowcount=True)
    return conn.execute(new, one._asdict()).rowcount > 0


def kept(conn: Connection, kind: str, name: str | None = None, *, changing: bool = False) -> list[Kept]:
    """Return the versions or overrides, of one rota or all, that were not cancelled, in the order of their start.

    `changing`: no other transaction gets them so before this one ends.
    """
    query = select(table).where(table.c.kind == kind, table.c.cancelled.is_(None))
    query = query.order_by(table.c.name, table.c.start, table.c.made, table.c.id)
    if name is not None:
        query = query.where(table.c.name == name)
    found = conn.execute(query.with_for_update() if changing else query)
    return [Kept(row.name, row.id, row.kind, row.body, row.start, row.end, row.by, row.made) for row in found]


def edits(conn: Connection, name: str) -> int:
    """Return how often a rota was changed, in config.toml or by people."""
    query = select(func.count(), func.count(table.c.cancelled), func.count(table.c.end)).where(table.c.name == name)
    return sum(conn.execute(query).one())


def cancel(conn: Connection, name: str, override: str, now: datetime) -> bool:
    """An override holds no more, and one that runs ends now: what was, stays. False where there is nothing to end."""
    mine = (table.c.name == name) & (table.c.id == override) & (table.c.kind == OVERRIDE) & table.c.cancelled.is_(None)
    ahead = update(table).where(mine, table.c.start >= now).values(cancelled=now)
    running = update(table).where(mine, table.c.start < now, table.c.end > now).values(end=now)
    return conn.execute(ahead).rowcount + conn.execute(running).rowcount > 0
