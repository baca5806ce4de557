"""The outbox as the sender of a chat service sees it: many chats, who goes first, what was sent lately."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select, update

from watcher.core import Alert, Delivery, Lane, content_id
from watcher.store import outbox
from watcher.store.alerts import MOVED
from watcher.store.outbox import OPEN
from watcher.store.people_tables import chat, held, subscription
from watcher.store.tables import alert as alerts
from watcher.store.tables import batches, insert
from watcher.store.tables import delivery as table
from watcher.store.tables import row as row_of

AGAIN = timedelta(seconds=5)
"""After this long an edit is looked at again whose message was not sent yet."""


class Waiting(NamedTuple):
    """An open row, as little of it as it takes to put it in line; `n` is the order of making.

    `due`: it may be tried now. `fresh`: it was made since the time asked about.
    """

    n: int
    id: str
    alert: str
    part: int
    channel: str
    lane: int
    state: str
    repeat: bool
    due: bool
    fresh: bool


def waiting(conn: Connection, channels: Collection[str], prefix: str, now: datetime, since: datetime) -> list[Waiting]:
    """Return the open rows of these channels and of all that begin with `prefix`, oldest first, due or not."""
    columns = [
        *(table.c[name] for name in Waiting._fields[:-2]),
        (table.c.due <= now).label("due"),  # compared where the rows are: there may be many thousands
        (table.c.created > since).label("fresh"),
    ]
    # sent_at is named for the index, which holds only what is not sent.
    mine = _of(channels, prefix) & table.c.sent_at.is_(None) & table.c.state.in_(OPEN)
    return [Waiting._make(row) for row in conn.execute(select(*columns).where(mine).order_by(table.c.n))]


class Standing(NamedTuple):
    """How the sender stands: by lane, since when the oldest row that is due waits; repeats lately; chats disabled."""

    lanes: dict[int, datetime]
    repeats: int
    disabled: int


def standing(conn: Connection, now: datetime, since: datetime) -> Standing:
    """Return how delivery to chats stands `now`; repeats are those of messages made `since`."""
    due = table.c.sent_at.is_(None) & table.c.state.in_(OPEN) & (table.c.due <= now)
    lanes = select(table.c.lane, func.min(table.c.created).label("oldest")).where(due).group_by(table.c.lane)
    repeats = select(func.count()).where(table.c.repeat, table.c.created >= since)
    disabled = select(func.count()).where(chat.c.state != "active")
    return Standing(
        {row.lane: row.oldest for row in conn.execute(lanes.order_by(table.c.lane))},
        conn.execute(repeats).scalar_one(),
        conn.execute(disabled).scalar_one(),
    )


def claim(conn: Connection, ids: Sequence[str], now: datetime, lease: timedelta) -> list[Delivery]:
    """Take these rows, to be sent within `lease`; those that another process took, or that are done, are left out."""
    free = table.c.id.in_(ids) & table.c.sent_at.is_(None) & table.c.state.in_(("pending", "wait"))
    return outbox.take(conn, outbox.rows().where(free), now + lease)


def receipts(conn: Connection, wanted: Collection[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return, by alert and channel, the receipt of the first part that was sent."""
    ids = sorted({alert for alert, _ in wanted})
    query = select(table.c.alert, table.c.channel, table.c.receipt).where(
        table.c.alert.in_(ids), table.c.state == "sent", table.c.part == 1
    )
    return {(row.alert, row.channel): row.receipt for row in conn.execute(query)} if ids else {}


def sent_since(conn: Connection, since: datetime, channels: Collection[str], prefix: str) -> list[tuple[str, datetime]]:
    """Return what was sent since then: channel and time, oldest first."""
    query = select(table.c.channel, table.c.sent_at).where(_of(channels, prefix), table.c.sent_at >= since)
    return [(row.channel, row.sent_at) for row in conn.execute(query.order_by(table.c.sent_at))]


def fold(conn: Connection, alert_ids: Sequence[str], reason: str) -> None:
    """What is open of these alerts is not sent: another message says the same."""
    for some in batches(alert_ids):
        open_ones = table.c.alert.in_(some) & table.c.sent_at.is_(None) & table.c.state.in_(OPEN)
        conn.execute(update(table).where(open_ones).values(state="folded", reason=reason))


def without_their_message(conn: Connection, claimed: Sequence[Delivery], now: datetime) -> list[Delivery]:
    """Return these without the edits of what was not sent: they wait for it, and are folded where it was."""
    edits = {one.extras.edit for one in claimed if one.extras.edit}
    query = select(table.c.alert, table.c.channel, table.c.state).where(table.c.alert.in_(sorted(edits)))
    unsent = table.c.part == 1, table.c.state.in_((*OPEN, "folded"))
    states = {(row.alert, row.channel): row.state for row in conn.execute(query.where(*unsent))} if edits else {}
    left = []
    for one in claimed:
        state = states.get((one.extras.edit, one.channel))
        if state == "folded":
            fold(conn, [one.alert], f"what it edits was not sent: {one.extras.edit}")
        elif state:
            later = update(table).where(table.c.id == one.id)
            conn.execute(later.values(state="wait", due=now + AGAIN))
        else:
            left.append(one)
    return left


def outdate(conn: Connection, edited: Delivery) -> None:
    """A message stands as this edit has it: earlier edits of it that still wait would take it back."""
    n = select(table.c.n).where(table.c.id == edited.id).scalar_subquery()
    unsent = table.c.sent_at.is_(None) & table.c.state.in_(("pending", "wait"))
    query = select(table.c.alert, table.c.extras).where(table.c.channel == edited.channel, unsent, table.c.n < n)
    earlier = [row.alert for row in conn.execute(query) if row.extras.edit == edited.extras.edit]
    fold(conn, earlier, f"a later edit was made: {edited.alert}")


def told_in(conn: Connection, alert_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return the changes that each of these alerts tells, by id, oldest alert first; none where it is about none."""
    found: dict[str, tuple[str, ...]] = {}
    for some in batches(alert_ids):
        query = select(alerts.c.id, alerts.c.changes).where(alerts.c.id.in_(some)).order_by(alerts.c.at, alerts.c.id)
        found |= {row.id: row.changes for row in conn.execute(query) if row.changes}
    return found


def close(conn: Connection, channel: str, reason: str) -> int:
    """Nothing goes through a channel any more: what waits for it is dead, and a chat disabled. Returns how many."""
    conn.execute(update(chat).where(_here(chat.c.id, channel)).values(state="disabled", reason=reason))
    waiting = _here(table.c.channel, channel) & table.c.sent_at.is_(None) & table.c.state.in_(OPEN)
    return conn.execute(update(table).where(waiting).values(state="dead", reason=reason)).rowcount


def move(conn: Connection, old: str, new: str) -> None:
    """A chat has another name: its settings, subscriptions and what waits for it go with it, in one transaction.

    What the new one has already stays as it is, and what already waits to be told there is not told twice.
    """
    for place, other in ((chat, chat.c.id), (subscription, subscription.c.chat), (held, held.c.chat)):
        key = other.name
        for row in conn.execute(select(place).where(_here(other, old))).mappings().all():
            renamed = new + row[key].removeprefix(old)
            same = [column == (renamed if column.name == key else row[column.name]) for column in place.primary_key]
            mine = [column == row[column.name] for column in place.primary_key]
            if conn.execute(select(place.primary_key.columns[0]).where(*same)).first():
                conn.execute(place.delete().where(*mine))
            else:
                conn.execute(update(place).where(*mine).values({key: renamed}))
    named = select(alerts.c.channel, func.max(alerts.c.at)).where(_here(alerts.c.channel, old))
    for name, newest in conn.execute(named.group_by(alerts.c.channel)).all():
        renamed = new + name.removeprefix(old)
        _fold_told(conn, name, renamed)
        for place in (table, alerts):
            conn.execute(update(place).where(place.c.channel == name).values(channel=renamed))
        was = Alert(content_id(MOVED, renamed), f"{MOVED} {name}", renamed, "", None, newest, ())
        conn.execute(insert(conn.dialect.name, alerts), row_of(alerts, was))


def _fold_told(conn: Connection, old: str, new: str) -> None:
    """What waits for readers in the old chat is not sent where the new one is told the same anyway."""

    def waiting(channel: str) -> dict[str, tuple[str, ...]]:
        query = select(alerts.c.id, alerts.c.changes).join(table, table.c.alert == alerts.c.id)
        unsent = table.c.sent_at.is_(None) & table.c.state.in_(("pending", "wait")) & (table.c.lane >= Lane.ALERT)
        return {found.id: found.changes for found in conn.execute(query.where(table.c.channel == channel, unsent))}

    told = {one for ids in waiting(new).values() for one in ids}
    same = [alert for alert, ids in waiting(old).items() if ids and told.issuperset(ids)]
    fold(conn, same, f"told in {new}, which the chat has become")


def _here(column: ColumnElement[str], channel: str) -> ColumnElement[bool]:
    """A chat, or one of its topics."""
    return (column == channel) | column.startswith(f"{channel}/", autoescape=True)


def _of(channels: Collection[str], prefix: str) -> ColumnElement[bool]:
    return table.c.channel.in_(channels) | table.c.channel.startswith(prefix, autoescape=True)
