"""Where each source stands: one row a source, read at the start of a check and rewritten at its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from sqlalchemy import Connection, bindparam, select, update

from watcher.core import SourceState
from watcher.store.tables import insert, row
from watcher.store.tables import source as table

CHECKED = (
    "last_checked", "last_seen", "next_check", "state", "sha256", "validators", "failures", "error", "rate_count",
    "rate_hours",
)  # fmt: skip
"""The fields that a check changes which found nothing new."""


def states(conn: Connection, names: Collection[str] | None = None) -> dict[str, SourceState]:
    """Return the stored states by name: all, or those of `names` that are known."""
    query = select(*(table.c[field.name] for field in fields(SourceState)))
    if names is not None:
        query = query.where(table.c.name.in_(names))
    return {found.name: SourceState(*found) for found in conn.execute(query)}


def put_state(conn: Connection, state: SourceState) -> None:
    """Write all of one state, new or known."""
    _put(conn, [state])


def put_checks(conn: Connection, states: Sequence[SourceState]) -> None:
    """Write what unchanged checks change of their states, many at once; nothing else of a known state is touched."""
    if not states:
        return
    statement = update(table).where(table.c.name == bindparam("of")).values({name: bindparam(name) for name in CHECKED})
    rows = [{"of": state.name, **{name: getattr(state, name) for name in CHECKED}} for state in states]
    if conn.execute(statement, rows).rowcount < len(rows):
        known = set(conn.execute(select(table.c.name)).scalars())
        _put(conn, [state for state in states if state.name not in known])


def _put(conn: Connection, states: Sequence[SourceState]) -> None:
    conn.execute(insert(conn.dialect.name, table, replacing=True), [row(table, state) for state in states])
