"""The stored history as it was told: each change by time, with every message that carried it. For replaying."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CTE, JSON, Connection, Select, cast, exists, func, select

from watcher.core import Change, Delivery
from watcher.store import outbox
from watcher.store.changes import change_of
from watcher.store.tables import TOGETHER, delivery, snapshot
from watcher.store.tables import alert as alerts
from watcher.store.tables import change as changes


class Told(NamedTuple):
    """One change, and one part of a message that carried it, by which route; nobody was told where there is none."""

    change: Change
    route: str = ""
    sent: Delivery | None = None


def replayed(conn: Connection, chosen: Select[Any]) -> Iterator[Told]:
    """Yield the changes of `changes.chosen`, each with the parts of the messages that were sent of it, oldest first.

    Rows are fetched a few hundred at a time, however long the history is.
    """
    carried = _carried(conn.dialect.name)
    query = (
        chosen.add_columns(carried.c.alert.label("carrier"))
        .outerjoin(carried, carried.c.change == changes.c.id)
        .order_by(carried.c.at, carried.c.alert)
    )
    with conn.execute(query, execution_options={"yield_per": TOGETHER}) as found:
        for rows in found.partitions():
            sent = _sent(conn, {row.carrier for row in rows if row.carrier})
            for row in rows:
                change = change_of(row)
                if row.carrier is None:
                    yield Told(change)
                else:
                    yield from (Told(change, route, part) for route, part in sent[row.carrier])


def count(conn: Connection, chosen: Select[Any]) -> int:
    """Return how many changes a query chooses."""
    return conn.execute(select(func.count()).select_from(chosen.order_by(None).subquery())).scalar_one()


def versions(conn: Connection) -> dict[str, set[int]]:
    """Return by which versions of its extractor the captures of each source were read."""
    found: dict[str, set[int]] = {}
    query = select(snapshot.c.source, snapshot.c.version).where(snapshot.c.verdict == "ok").distinct()
    for source, version in conn.execute(query):
        found.setdefault(source, set()).add(version)
    return found


def captured(conn: Connection, source: str) -> list[tuple[datetime, str]]:
    """Return when the captures of a source were made and where each came from (live, import, wayback), by time."""
    query = select(snapshot.c.at, snapshot.c.provenance).where(snapshot.c.source == source)
    return [(at, provenance) for at, provenance in conn.execute(query.order_by(snapshot.c.at, snapshot.c.seq))]


def _carried(dialect: str) -> CTE:
    """Each change with each alert that told of it, of those of which a part was sent."""
    if dialect == "postgresql":
        each = func.json_array_elements_text(cast(alerts.c.changes, JSON)).table_valued("value", joins_implicitly=True)
    else:
        each = func.json_each(alerts.c.changes).table_valued("value", joins_implicitly=True)
    sent = exists().where(delivery.c.alert == alerts.c.id, delivery.c.state == "sent")
    return select(alerts.c.id.label("alert"), alerts.c.at, each.c.value.label("change")).where(sent).cte("carried")


def _sent(conn: Connection, ids: Collection[str]) -> dict[str, list[tuple[str, Delivery]]]:
    """The parts of alerts that were sent, in order, each with its route."""
    routes = conn.execute(select(alerts.c.id, alerts.c.route).where(alerts.c.id.in_(ids)))
    known = {one: route for one, route in routes}  # noqa: C416 - rows are no pairs to the type checker
    found: dict[str, list[tuple[str, Delivery]]] = {one: [] for one in known}
    for part in outbox.sent(conn, ids):
        found[part.alert].append((known[part.alert], part))
    return found
