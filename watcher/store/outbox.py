"""What is still to be told, and what was: an alert's parts wait here until a channel took them, or never will.

A row goes pending → sending → sent, or back to wait, or to dead; where another alert says the same it is folded, never
sent. `due` of a row that is being sent is the end of its lease: past it, the process that claimed it is taken for dead,
and the message may or may not have arrived.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Update, bindparam, exists, func, or_, select, update

from watcher.core import Alert, Dead, Delivery, Moved, Outcome, Retry, Sent
from watcher.store.alerts import put_all
from watcher.store.tables import alert as alerts
from watcher.store.tables import delivery as table

OPEN = ("pending", "wait", "sending")
LOST = "the process ended while sending"
WITHHELD = "withheld: "
"""How the reason of a row begins that is being sent, and is not to be sent again."""


def put_alert(conn: Connection, alert: Alert, deliveries: Sequence[Delivery]) -> None:
    """Store an alert and its parts; what is stored already stays as it is."""
    put_all(conn, [(alert, deliveries)])


def telling(conn: Connection, change_ids: Collection[str]) -> set[str]:
    """Return the channels where an alert that tells one of these changes waits, nothing of it tried yet."""
    query = select(table.c.channel, alerts.c.changes).join(alerts, alerts.c.id == table.c.alert).where(_is_fresh())
    wanted = set(change_ids)
    return {row.channel for row in conn.execute(query) if not wanted.isdisjoint(row.changes)}


def waiting(conn: Connection, channels: Collection[str]) -> dict[str, list[tuple[Alert, datetime]]]:
    """Return by channel the alerts of which nothing was tried yet, oldest first, each with when it is due."""
    due = select(table.c.alert, func.min(table.c.due).label("due")).where(_is_fresh(), table.c.channel.in_(channels))
    first = {one: at for one, at in conn.execute(due.group_by(table.c.alert))}  # noqa: C416 - rows are no pairs to the type checker
    tried = exists().where(table.c.alert == alerts.c.id, ~_is_fresh())
    found: defaultdict[str, list[tuple[Alert, datetime]]] = defaultdict(list)
    for one in _alerts(conn, select(alerts).where(alerts.c.id.in_(first), ~tried)):
        found[one.channel].append((one, first[one.id]))
    return found


def sent_since(conn: Connection, channels: Collection[str], since: datetime) -> dict[str, list[Alert]]:
    """Return by channel the alerts that it has got, or is getting, since then, oldest first."""
    sent = exists().where(table.c.alert == alerts.c.id, table.c.state.in_(("sent", "sending", "wait")))
    found: defaultdict[str, list[Alert]] = defaultdict(list)
    for one in _alerts(conn, select(alerts).where(alerts.c.channel.in_(channels), alerts.c.at >= since, sent)):
        found[one.channel].append(one)
    return found


def replace_alerts(conn: Connection, replaced: Mapping[str, str]) -> None:
    """These alerts are not sent: each has the id of one that says the same."""
    if replaced:
        told = [{"of": old, "state": "folded", "reason": f"told in {new}"} for old, new in replaced.items()]
        conn.execute(_closing("alert", ("state", "reason")), told)


def claim(
    conn: Connection, now: datetime, *, limit: int, lease: timedelta, channel: str | None = None
) -> list[Delivery]:
    """Take at most `limit` due rows, by lane, oldest first, to be sent within `lease`; no other process gets them.

    Of one alert only the first part that is not yet sent is given: claim again once it is recorded.
    """
    query = rows().where(table.c.state != "sending", table.c.due <= now, _next_in_line())
    if channel is not None:
        query = query.where(table.c.channel == channel)
    return take(conn, query.order_by(table.c.lane, table.c.n).limit(limit), now + lease)


def take(conn: Connection, query: Select[Any], until: datetime) -> list[Delivery]:
    """Take the rows of a query that `rows` began, to be sent until then; those that another takes are left out."""
    found = _read(conn, query.with_for_update(of=table, skip_locked=True))
    if found:
        mine = table.c.id.in_([one.id for one in found])
        conn.execute(update(table).where(mine).values(state="sending", due=until))
    return [replace(one, state="sending", due=until) for one in found]


def expired(conn: Connection, now: datetime) -> int:
    """Put rows whose lease has passed back to wait, marked as repeats. Returns how many there were."""
    _fold_withheld(conn, table.c.due <= now)
    lost = update(table).where(table.c.sent_at.is_(None), table.c.state == "sending", table.c.due <= now)
    values = {"state": "wait", "reason": LOST, "repeat": True, "due": now, "attempts": table.c.attempts + 1}
    return conn.execute(lost.values(values)).rowcount


def record(conn: Connection, delivery: Delivery, outcome: Outcome, now: datetime, due: datetime | None = None) -> None:
    """Store how sending `delivery` ended at `now`; after Retry it is `due` again, and never before that second.

    What is sent or dead stays so, whatever a late process says; what was withheld meanwhile is not due again.
    """
    if isinstance(outcome, Retry | Moved):
        _fold_withheld(conn, table.c.id == delivery.id)
    values: dict[str, Any] = {"reason": ""}
    if isinstance(outcome, Sent):
        values |= {"state": "sent", "receipt": outcome.receipt, "reason": outcome.note, "sent_at": now}
    elif isinstance(outcome, Retry):
        values |= {"state": "wait", "reason": outcome.reason, "due": _whole_second(due or now)}
        if outcome.unknown:
            values["repeat"] = True
    elif isinstance(outcome, Dead):
        values |= {"state": "dead", "reason": outcome.reason}
    else:
        values |= {"state": "pending", "due": now}
    counts = not isinstance(outcome, Moved) and (not isinstance(outcome, Retry) or outcome.counts)
    conn.execute(_closing("id", tuple(values), tried=counts), {"of": delivery.id, **values})


def counts(conn: Connection) -> dict[tuple[str, str], int]:
    """Return how many rows each channel has in each state."""
    query = select(table.c.channel, table.c.state, func.count()).group_by(table.c.channel, table.c.state)
    return {(channel, state): number for channel, state, number in conn.execute(query)}


def troubles(conn: Connection, since: datetime) -> list[tuple[str, str, int]]:
    """Return why messages wait for another attempt, or have died since then: state, reason and how many, most first."""
    mine = (table.c.state == "wait") | ((table.c.state == "dead") & (table.c.created >= since))
    number = func.count().label("number")
    query = select(table.c.state, table.c.reason, number).where(table.c.sent_at.is_(None), mine)
    query = query.group_by(table.c.state, table.c.reason).order_by(number.desc(), table.c.state, table.c.reason)
    return [(state, reason, count) for state, reason, count in conn.execute(query)]


def channels_waiting(conn: Connection) -> set[str]:
    """Return the channels for which something waits to be sent."""
    open_ones = table.c.sent_at.is_(None) & table.c.state.in_(("pending", "wait"))
    return set(conn.execute(select(table.c.channel).where(open_ones).distinct()).scalars())


def next_due(conn: Connection) -> datetime | None:
    """Return when there is something to do next: a part to send, or a lease that runs out."""
    return conn.execute(select(func.min(table.c.due)).where(_next_in_line())).scalar()


def deliveries(conn: Connection, alert_id: str) -> list[Delivery]:
    """Return the parts of an alert in order."""
    return _read(conn, rows().where(table.c.alert == alert_id).order_by(table.c.channel, table.c.part))


def sent(conn: Connection, alert_ids: Collection[str]) -> list[Delivery]:
    """Return the parts of these alerts that were sent, in order."""
    mine = (table.c.alert.in_(alert_ids)) & (table.c.state == "sent")
    return _read(conn, rows().where(mine).order_by(table.c.alert, table.c.channel, table.c.part))


def _fold_withheld(conn: Connection, mine: ColumnElement[bool]) -> None:
    """What was withheld while it was being sent does not come back."""
    back = mine & table.c.sent_at.is_(None) & (table.c.state == "sending")
    conn.execute(update(table).where(back, table.c.reason.startswith(WITHHELD)).values(state="folded"))


def rows() -> Select[Any]:
    """Return the query of all rows, each with what its alert says of it."""
    columns = [
        alerts.c[field.name] if field.name in {"source", "changes"} else table.c[field.name]
        for field in fields(Delivery)
    ]
    return select(*columns).join(alerts, alerts.c.id == table.c.alert)


def _alerts(conn: Connection, query: Select[Any]) -> list[Alert]:
    return [Alert(**found._asdict()) for found in conn.execute(query.order_by(alerts.c.at, alerts.c.id))]


def _read(conn: Connection, query: Select[Any]) -> list[Delivery]:
    return [Delivery(**found._asdict()) for found in conn.execute(query)]


@cache  # putting the statement together takes longer than running it
def _closing(key: str, columns: tuple[str, ...], *, tried: bool = False) -> Update:
    """Set `columns` of the open rows whose `key` is "of", and count an attempt where one was made."""
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    counted = {"attempts": table.c.attempts + 1} if tried else {}
    return update(table).where(table.c[key] == bindparam("of"), _is_open()).values({**values, **counted})


def _is_fresh() -> ColumnElement[bool]:
    """Not tried yet."""
    return table.c.sent_at.is_(None) & (table.c.state == "pending") & (table.c.attempts == 0)


def _is_open() -> ColumnElement[bool]:
    # sent_at is named for the index, which holds only what is not sent.
    return table.c.sent_at.is_(None) & or_(*(table.c.state == state for state in OPEN))  # IN cannot be run for many


def _next_in_line() -> ColumnElement[bool]:
    """Open, and no earlier part of the same alert is."""
    before = table.alias()
    earlier = exists().where(
        before.c.alert == table.c.alert,
        before.c.channel == table.c.channel,
        before.c.part < table.c.part,
        before.c.state.in_(OPEN),
    )
    return _is_open() & ~earlier


def _whole_second(at: datetime) -> datetime:
    """The next whole second, since times are stored to the second, and early would be too early."""
    return at + timedelta(microseconds=-at.microsecond % 1_000_000)
