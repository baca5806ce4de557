"""Where each source stands: one row a source, read at the start of a check and rewritten at its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import fields

from sqlalchemy import Connection, select

from watcher.core import SourceState
from watcher.store.tables import insert
from watcher.store.tables import source as table

EACH_CHECK = (
    "last_checked", "last_seen", "next_check", "state", "sha256", "validators", "failures", "error", "rate_count",
    "rate_hours",
)  # fmt: skip
"""The fields that a check changes which found nothing new."""
IDENTITY = ("name", "kind", "url")


def states(conn: Connection, names: Collection[str] | None = None) -> dict[str, SourceState]:
    """Return the stored states by name: all, or those of `names` that are known."""
    query = select(table)
    if names is not None:
        query = query.where(table.c.name.in_(names))
    return {row.name: SourceState(**row._asdict()) for row in conn.execute(query)}


def put_state(conn: Connection, state: SourceState) -> None:
    """Write all of one state, new or known."""
    _put(conn, [state], [field.name for field in fields(SourceState)])


def put_checks(conn: Connection, states: Sequence[SourceState]) -> None:
    """Write what unchanged checks change of their states, many at once; nothing else of a known state is touched."""
    if states:
        _put(conn, states, EACH_CHECK)


def _put(conn: Connection, states: Sequence[SourceState], changed: Collection[str]) -> None:
    names = list(dict.fromkeys((*IDENTITY, *changed)))
    new = insert(conn, table)
    statement = new.on_conflict_do_update(
        index_elements=[table.c.name], set_={name: new.excluded[name] for name in changed if name != "name"}
    )
    conn.execute(statement, [{name: getattr(state, name) for name in names} for state in states])
