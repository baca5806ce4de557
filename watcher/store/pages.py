"""Pages and their steps, as they stand; which pings were sent, and those that need not be any more."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, func, select, update

from watcher.core import Severity
from watcher.oncall.pages import ENDED, Page, Policy, Step
from watcher.store.outbox import WITHHELD
from watcher.store.people_tables import page as table
from watcher.store.people_tables import step as steps_table
from watcher.store.tables import delivery, insert, row

WAITING = "waiting"
UNSENT = ("pending", "wait")
"""Rows of the outbox that nobody is sending now."""


def put(conn: Connection, page: Page) -> None:
    """Store a page as it is now."""
    values = {**row(table, page), "policy": msgspec.to_builtins(page.policy)}
    conn.execute(insert(conn.dialect.name, table, replacing=True), values)


def page(conn: Connection, page_id: str, *, moving: bool = False) -> Page | None:
    """Return the page with this id; `moving`, no other transaction gets it before this one ends."""
    query = select(table).where(table.c.id == page_id)
    return next(iter(_read(conn, query.with_for_update() if moving else query)), None)


def called(conn: Connection, short: str) -> Page | None:
    """Return the newest page whose id begins so, as people type it; of several, one that has not ended."""
    query = select(table).where(table.c.id.startswith(short, autoescape=True))
    query = query.order_by(table.c.state.in_(ENDED), table.c.opened.desc(), table.c.id).limit(1)
    return next(iter(_read(conn, query)), None)


def standing(conn: Connection, *, moving: bool = False) -> list[Page]:
    """Return the pages that have not ended, oldest first; `moving` as above."""
    query = select(table).where(table.c.state.not_in(ENDED)).order_by(table.c.opened, table.c.id)
    return _read(conn, query.with_for_update() if moving else query)


def latest(conn: Connection, most: int) -> list[Page]:
    """Return the newest pages, ended or not, newest first."""
    return _read(conn, select(table).order_by(table.c.opened.desc(), table.c.id).limit(most))


def standing_on(conn: Connection, escalation: str, source: str) -> Page | None:
    """Return the page of an escalation that has not ended and about this source, to move it; there is at most one."""
    mine = (table.c.escalation == escalation) & (table.c.source == source) & (table.c.state.not_in(ENDED))
    return next(iter(_read(conn, select(table).where(mine).order_by(table.c.opened).with_for_update())), None)


def next_due(conn: Connection) -> datetime | None:
    """Return when a step is due next, or a snooze or an acknowledgement ends."""
    step = select(func.min(steps_table.c.due)).where(steps_table.c.state == WAITING)
    until = select(func.min(table.c.until)).where(table.c.state.not_in(ENDED))
    due = [at for query in (step, until) if (at := conn.execute(query).scalar()) is not None]
    return min(due, default=None)


def _read(conn: Connection, query: Select[Any]) -> list[Page]:
    names = [field.name for field in fields(Page)]
    found = []
    for stored in conn.execute(query):
        values = {name: getattr(stored, name) for name in names}
        values["policy"] = msgspec.convert(values["policy"], Policy)
        found.append(Page(**{**values, "severity": Severity(values["severity"])}))
    return found


# ---------------------------------------------------------------- steps


def put_step(conn: Connection, step: Step) -> bool:
    """Store a step; False where there was one of that turn, loop and number, which stays as it is."""
    new = insert(conn.dialect.name, steps_table).execution_options(preserve_rowcount=True)
    return conn.execute(new, row(steps_table, step)).rowcount > 0


def settle(conn: Connection, step: Step) -> bool:
    """Store what became of a step that waited; False where it did not wait any more, and nothing is stored."""
    keys = {column.name for column in steps_table.primary_key}
    values = {name: value for name, value in row(steps_table, step).items() if name not in keys}
    mine = [steps_table.c[name] == getattr(step, name) for name in sorted(keys)]
    return conn.execute(update(steps_table).where(*mine, steps_table.c.state == WAITING).values(values)).rowcount > 0


def explain(conn: Connection, step: Step, reason: str) -> None:
    """Keep why a step that was taken reached nobody."""
    keys = [column.name for column in steps_table.primary_key]
    mine = [steps_table.c[name] == getattr(step, name) for name in keys]
    conn.execute(update(steps_table).where(*mine).values(reason=reason))


def steps(conn: Connection, page_id: str) -> list[Step]:
    """Return all steps of a page, in the order in which they come."""
    keys = (steps_table.c.turn, steps_table.c.loop, steps_table.c.step)
    query = select(steps_table).where(steps_table.c.page == page_id).order_by(*keys)
    return [Step(**found._asdict()) for found in conn.execute(query)]


# ---------------------------------------------------------------- pings in the outbox


def sending(conn: Connection, alerts: Collection[str]) -> dict[str, set[str]]:
    """Return, for each of these messages, the states of its parts."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    query = select(delivery.c.alert, delivery.c.state).where(delivery.c.alert.in_(alerts))
    for alert, state in conn.execute(query):
        found[alert].add(state)
    return dict(found)


def withhold(conn: Connection, alerts: Collection[str], reason: str) -> int:
    """What is still queued of these messages is not sent any more, and what is being sent now not again.

    Returns how many parts were queued.
    """
    mine = delivery.c.alert.in_(alerts) & delivery.c.sent_at.is_(None)
    flying = update(delivery).where(mine, delivery.c.state == "sending")
    conn.execute(flying.values(reason=WITHHELD + reason))
    queued = update(delivery).where(mine, delivery.c.state.in_(UNSENT))
    return conn.execute(queued.values(state="folded", reason=reason)).rowcount
