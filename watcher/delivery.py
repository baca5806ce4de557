"""From outbox to outcome: send what is due, a channel at a time beside the others, and write down how it went.

Part of the pipeline's layer. A row is claimed, sent without any transaction open, and settled; between attempts it
waits in the outbox, so that a crash loses nothing and one channel's failure never delays another.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple

from watcher import folding
from watcher.core import Alert, Change, Clock, Dead, Delivery, Message, Notifier, Outcome, Retry, Sent
from watcher.store import Connection, Store, alerts, changes, outbox

LEASE = timedelta(seconds=90)
"""How long a send may take before it counts as died under way."""
AT_ONCE = 20
FOLDED = 50
"""Channels folded in one transaction."""
WAITS = (5, 30, 120, 600)
"""Seconds before the second, third … attempt; the last one again and again."""

Channels = Callable[[str], Notifier]
"""A channel's name to its notifier; raises LookupError where config.toml has no such channel (any more)."""


Flying = dict[str, asyncio.Task["Delivered"]]
"""The channels that send now, by name, where one that hangs is to hold up nobody."""


class Delivered(NamedTuple):
    """How many rows were sent, wait for another attempt, or died."""

    sent: int = 0
    waiting: int = 0
    dead: int = 0


Plan = Callable[[Alert, Sequence[Change]], Sequence[Delivery]]
"""The rows of an alert, rendered for its channel."""


async def deliver(
    store: Store,
    channels: Channels,
    now: Clock,
    plan: Plan,
    hosts: Mapping[str, str],
    is_others: Callable[[str], bool] = lambda _: False,
    flying: Flying | None = None,
) -> Delivered:
    """Send all rows that are due now, those that say the same of several pages of a host as one.

    Channels that are `is_others` are left to others. With `flying`, it waits for no channel: what is not through yet
    flies on, and is left alone by the next call; what has ended since the last one is counted.
    """
    await store.run(outbox.expired, now())
    await fold(store, channels, now, plan, hosts, lambda name: not is_others(name))
    names = {name for name in await store.read(outbox.channels_waiting) if not is_others(name)}
    if flying is None:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(_channel(store, channels, name, now)) for name in sorted(names)]
    else:
        tasks = [flying.pop(name) for name in sorted(flying) if flying[name].done()]
        flying |= {name: asyncio.create_task(_channel(store, channels, name, now)) for name in names - set(flying)}
    ends = [task.result() for task in tasks]
    return Delivered(*(sum(column) for column in zip(*ends, strict=True))) if ends else Delivered()


async def fold(
    store: Store,
    channels: Channels,
    now: Clock,
    plan: Plan,
    hosts: Mapping[str, str],
    is_mine: Callable[[str], bool],
) -> None:
    """Fold the alerts that wait for the channels that are `is_mine`: what says the same is told once."""
    repeated = await store.read(changes.repeated, now() - folding.WITHIN)
    telling = await store.read(outbox.telling, repeated) if repeated else set()
    names = [name for name in sorted(telling) if is_mine(name) and _is_there(channels, name)]
    for first in range(0, len(names), FOLDED):
        await store.run(_fold, names[first : first + FOLDED], now(), plan, hosts)


def _is_there(channels: Channels, name: str) -> bool:
    with contextlib.suppress(LookupError):  # one that is not in config.toml any more: said when it is sent to
        channels(name)
        return True
    return False


def _fold(conn: Connection, names: Sequence[str], now: datetime, plan: Plan, hosts: Mapping[str, str]) -> None:
    """Fold the alerts of these channels that wait, in one transaction."""
    waiting = outbox.waiting(conn, names)
    recent = outbox.sent_since(conn, names, now - folding.WITHIN)
    for name, there in waiting.items():
        due = {hosts.get(alert.source) for alert, at in there if at <= now} - {None}
        mine = [alert for alert, _ in there if hosts.get(alert.source) in due]
        _fold_one(conn, mine, recent.get(name, []) if mine else [], plan, hosts)


def _fold_one(
    conn: Connection, waiting: Sequence[Alert], recent: Sequence[Alert], plan: Plan, hosts: Mapping[str, str]
) -> None:
    if len({alert.source for alert in (*waiting, *recent)}) < 2:  # noqa: PLR2004 - one source alone says nothing twice
        return
    ids = sorted({change for alert in (*waiting, *recent) for change in alert.changes})
    known = {change.id: change for change in changes.changes_by_id(conn, ids)}

    def told(some: Sequence[Alert]) -> list[folding.Told]:
        return [folding.Told(one, tuple(known[change] for change in one.changes if change in known)) for one in some]

    folded = folding.fold(told(waiting), told(recent), hosts)
    changes.put_changes(conn, folded.new)
    alerts.put_all(conn, [(alert, plan(alert, about)) for alert, about in folded.made])
    outbox.replace_alerts(conn, folded.replaced)


async def _channel(store: Store, channels: Channels, name: str, now: Clock) -> Delivered:
    """One channel's due rows, in order."""
    ends: Counter[type] = Counter()
    while batch := await store.run(outbox.claim, now(), limit=AT_ONCE, lease=LEASE, channel=name):
        ids = {change for delivery in batch for change in delivery.changes}
        told = {change.id: change for change in await store.read(changes.changes_by_id, sorted(ids))}
        async with asyncio.TaskGroup() as group:  # writing down how one ended does not hold up the next
            for delivery in batch:
                outcome = await _send(channels, name, message(delivery, told))
                ends[type(outcome)] += 1
                due = next_try(delivery, outcome, now())
                group.create_task(store.run(outbox.record, delivery, outcome, now(), due))
    return Delivered(ends[Sent], ends[Retry], ends[Dead])


async def _send(channels: Channels, name: str, message: Message) -> Outcome:
    try:
        notifier = channels(name)
    except LookupError as error:
        return Dead(str(error))
    return await notifier.send(message)


def next_try(delivery: Delivery, outcome: Outcome, now: datetime) -> datetime | None:
    """When to try again: later each time, and not before the far side asked; what stops all keeps its place in line."""
    if not isinstance(outcome, Retry):
        return None
    if outcome.stops:
        return now
    wait = timedelta(seconds=WAITS[min(delivery.attempts, len(WAITS) - 1)])
    return now + max(wait, outcome.after or wait)


def message(delivery: Delivery, told: Mapping[str, Change]) -> Message:
    """A row as its notifier takes it; `told` are its changes by id."""
    return Message(
        ref=delivery.alert,
        source=delivery.source,
        lines=delivery.lines,
        changes=tuple(told[change] for change in delivery.changes if change in told),
        part=delivery.part,
        parts=delivery.parts,
        repeat=delivery.repeat,
        extras=replace(delivery.extras, reply_to="", edit=""),
    )
