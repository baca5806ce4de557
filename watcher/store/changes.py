"""What changed, told by time: every change that was ever found, alerted or not. Rows are added, never rewritten."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, or_, select

from watcher.core import Change, Severity, Subject
from watcher.store.tables import TOGETHER, batches, insert
from watcher.store.tables import change as table

PLAIN = (
    "id", "source", "at", "last_seen", "kind", "severity", "path", "old", "new", "summary", "snapshot", "before",
    "spans", "returned",
)  # fmt: skip
"""The fields that are stored as they are; the subject is spread over columns of its own."""
STATE = "us-state:"
"""What the ids of states begin with; what lies in one has its postal code as its state."""
REMOVALS = ("*.removed", "*.delisted")


def put_changes(conn: Connection, changes: Sequence[Change]) -> int:
    """Store changes, in this order; those already stored are passed over. Returns how many are new."""
    if not changes:
        return 0
    rows, options = [_row(change) for change in changes], {"preserve_rowcount": True}
    return conn.execute(insert(conn.dialect.name, table), rows, execution_options=options).rowcount


def history(
    conn: Connection,
    *,
    sources: Collection[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Collection[str] | None = None,
    place: str | None = None,
) -> Iterator[Change]:
    """Yield stored changes by time, those of one time in the order of storing; both ends are included.

    `sources` are names, each with its children ("x" takes "x/2025-10" too); `kinds` may be globs
    ("jurisdiction.*"); `place` is a subject's id, and takes what lies within it. None takes all.
    """
    return _changes(conn, chosen(sources=sources, since=since, until=until, kinds=kinds, place=place))


def chosen(
    *,
    sources: Collection[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    kinds: Collection[str] | None = None,
    place: str | None = None,
) -> Select[Any]:
    """Return the query of `history`; its rows are read with `change_of`."""
    query = select(table).order_by(table.c.at, table.c.n)
    if sources is not None:
        query = query.where(or_(False, *map(_with_children, sources)))
    if since is not None:
        query = query.where(table.c.at >= since)
    if until is not None:
        query = query.where(table.c.at <= until)
    if kinds is not None:
        query = query.where(_of_kinds(kinds))
    if place is not None:
        here = or_(table.c.subject_id == place, _within(place))
        in_state = table.c.subject_state == place.removeprefix(STATE)
        query = query.where(here | in_state if place.startswith(STATE) else here)
    return query


def newest(conn: Connection, query: Select[Any], most: int) -> list[Change]:
    """Return the newest changes of a query that `chosen` made, newest first."""
    return list(_changes(conn, query.order_by(None).order_by(table.c.at.desc(), table.c.n.desc()).limit(most)))


def places(conn: Connection) -> set[str]:
    """Return the ids of all places that changes are about."""
    found = conn.execute(select(table.c.subject_id).distinct()).scalars()
    return {one for one in found if one.startswith(("us-", "place:"))}


def change(conn: Connection, change_id: str) -> Change | None:
    """Return the change with this id."""
    return next(iter(changes_by_id(conn, [change_id])), None)


def changes_by_id(conn: Connection, ids: Sequence[str]) -> list[Change]:
    """Return the stored ones of these changes, in the order of `ids`."""
    found: dict[str, Change] = {}
    for some in batches(ids):
        query = select(table).where(table.c.id.in_(some))
        found |= {one.id: one for one in _changes(conn, query)}
    return [found[one] for one in ids if one in found]


def removed_before(
    conn: Connection, source: str, subject_ids: Collection[str], kinds: Collection[str] = REMOVALS
) -> dict[str, datetime]:
    """Return those of `subject_ids` that a source had once and dropped, with when it did so first."""
    dropped = conn.execute(_dropped(tuple(kinds)), {"source": source})
    return {subject: at for subject, at in dropped if subject in subject_ids}


@cache
def _dropped(kinds: tuple[str, ...]) -> Select[Any]:
    query = select(table.c.subject_id, func.min(table.c.at)).group_by(table.c.subject_id)
    return query.where(table.c.source == bindparam("source"), _of_kinds(kinds))


def between(conn: Connection, source: str, before: str, snapshot: str) -> list[Change]:
    """Return what changed in a source from one snapshot (an id) to another, in the order of storing."""
    query = select(table).where(table.c.source == source, table.c.before == before, table.c.snapshot == snapshot)
    return list(_changes(conn, query.order_by(table.c.n)))


def last_changed(conn: Connection, source: str) -> datetime | None:
    """Return when a source last changed in more than a cosmetic way."""
    query = select(func.max(table.c.at)).where(table.c.source == source, table.c.severity > Severity.COSMETIC)
    return conn.execute(query).scalar()


def naming(
    conn: Connection, places: Collection[str], kinds: Collection[str], since: datetime, *, but: str, most: int = 5
) -> list[Change]:
    """Return the newest changes of these kinds that name one of `places` and are not of the source `but`."""
    query = select(table).where(
        table.c.subject_id.in_(places), table.c.at >= since, table.c.source != but, _of_kinds(kinds)
    )
    return list(_changes(conn, query.order_by(table.c.at.desc(), table.c.n).limit(most)))


def carrying(conn: Connection, found: Sequence[Change], most: int = 20) -> set[str]:
    """Return the ids of the newest earlier changes that told what the first of `found`, of one source, now replace.

    An earlier change told it where it brought the same value to the same place, or the whole record with that value.
    """
    told = set()
    for one in [change for change in found if change.old is not None][:most]:
        mine = (table.c.source == one.source) & (table.c.subject_id == one.subject.id) & (table.c.id != one.id)
        query = select(table).where(mine, table.c.at <= one.at).order_by(table.c.at.desc(), table.c.n.desc())
        told |= {before.id for before in [*_changes(conn, query.limit(most))] if _brought(before, one)}
    return told


def _brought(before: Change, one: Change) -> bool:
    if before.path == one.path:
        return bool(before.new == one.old)
    whole = before.path == one.path[:-1] and isinstance(before.new, Mapping)
    return whole and before.new.get(one.path[-1]) == one.old


def repeated(conn: Connection, since: datetime) -> set[str]:
    """Return the ids of changes since then in which several sources changed alike: they say the same, or are gone."""
    same = (table.c.kind, table.c.path, table.c.old, table.c.new)
    query = select(func.aggregate_strings(table.c.id, " ")).where(table.c.at >= since)
    query = query.group_by(*same).having(func.count(table.c.source.distinct()) > 1)
    return {one for ids in conn.execute(query).scalars() for one in ids.split()}


def latest(conn: Connection, source: str, kinds: Collection[str]) -> datetime | None:
    """Return when a change of one of `kinds` was last seen in a source or its children."""
    query = select(func.max(table.c.at)).where(_with_children(source), _of_kinds(kinds))
    return conn.execute(query).scalar()


def _row(change: Change) -> dict[str, Any]:
    subject = change.subject
    return {
        **{name: getattr(change, name) for name in PLAIN},
        "subject_id": subject.id,
        "subject_name": subject.name,
        "subject_state": subject.state,
        "within": subject.within,
    }


def _changes(conn: Connection, query: Select[Any]) -> Iterator[Change]:
    with conn.execute(query, execution_options={"yield_per": TOGETHER}) as found:
        yield from map(change_of, found)


def change_of(row: Row[Any]) -> Change:
    """Return the change that a row of the table holds."""
    fields = {name: getattr(row, name) for name in PLAIN}
    fields["severity"] = Severity(row.severity)
    return Change(subject=Subject(row.subject_id, row.subject_name, row.subject_state, row.within), **fields)


def _with_children(source: str) -> ColumnElement[bool]:
    # "0" is the character after "/", so that this is a range of the index and not a pattern.
    return or_(table.c.source == source, (table.c.source > f"{source}/") & (table.c.source < f"{source}0"))


def _of_kinds(kinds: Collection[str]) -> ColumnElement[bool]:
    return or_(False, *(table.c.kind.like(_pattern(kind), escape="\\") for kind in kinds))


def _pattern(glob: str) -> str:
    """A glob as LIKE has it; in lower case, as all kinds are, since SQLite's LIKE is blind to case."""
    escaped = glob.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _within(place: str) -> ColumnElement[bool]:
    # The id as it stands in the JSON, first or later: both databases replace by exact text, while LIKE differs. What
    # comes before its quote tells it from the end of another id, in which a quote is escaped.
    quoted = msgspec.json.encode(place).decode()
    without = func.replace(func.replace(table.c.within, f"[{quoted}", ""), f",{quoted}", "")
    return without != table.c.within
