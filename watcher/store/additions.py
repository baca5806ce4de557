"""What people add beside config.toml while watcher runs: sources, and filters for what an editor calls no news."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from watcher.store.people_tables import addition as table
from watcher.store.tables import insert

SOURCE, SILENCE = "source", "silence"


class Addition(NamedTuple):
    """One thing that the member `by` added: a source as its [[source]] table, or a silence as its filter."""

    name: str
    body: Mapping[str, Any]
    by: int | None
    made: datetime


def put(conn: Connection, kind: str, one: Addition) -> bool:
    """Store an addition; whether it is new. One of the same name stays as it is, even if it was undone."""
    new = insert(conn.dialect.name, table).execution_options(preserve_rowcount=True)
    return conn.execute(new, {"kind": kind, **one._asdict()}).rowcount > 0


def standing(conn: Connection, kind: str) -> list[Addition]:
    """Return the additions of a kind that were not undone, oldest first."""
    query = select(table).where(table.c.kind == kind, table.c.undone.is_(None)).order_by(table.c.made, table.c.name)
    return [Addition(row.name, row.body, row.by, row.made) for row in conn.execute(query)]


def undo(conn: Connection, kind: str, name: str, by: int | None, now: datetime) -> bool:
    """Take an addition back; whether it stood."""
    mine = (table.c.kind == kind) & (table.c.name == name) & table.c.undone.is_(None)
    return conn.execute(update(table).where(mine).values(undone=now, undone_by=by)).rowcount > 0


def count(conn: Connection, kind: str, by: int) -> int:
    """Return how many additions of a kind a member has made that stand."""
    query = select(func.count()).where(table.c.kind == kind, table.c.by == by, table.c.undone.is_(None))
    return int(conn.execute(query).scalar_one())
