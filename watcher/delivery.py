"""From outbox to outcome: send what is due, a channel at a time beside the others, and write down how it went.

Part of the pipeline's layer. A row is claimed, sent without any transaction open, and settled; between attempts it
waits in the outbox, so that a crash loses nothing and one channel's failure never delays another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from watcher.core import Clock, Dead, Delivery, Message, Notifier, Outcome, Retry, Sent
from watcher.store import Store, changes, outbox

LEASE = timedelta(seconds=90)
"""How long a send may take before it counts as died under way."""
AT_ONCE = 20
WAITS = (5, 30, 120, 600)
"""Seconds before the second, third … attempt; the last one again and again."""

Channels = Callable[[str], Notifier]
"""A channel's name to its notifier; raises LookupError where config.toml has no such channel (any more)."""


class Delivered(NamedTuple):
    """How many rows were sent, wait for another attempt, or died."""

    sent: int = 0
    waiting: int = 0
    dead: int = 0


async def deliver(store: Store, channels: Channels, now: Clock) -> Delivered:
    """Send all rows that are due now."""
    await store.run(outbox.expired, now())
    names = {channel for channel, state in await store.read(outbox.counts) if state in {"pending", "wait"}}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_channel(store, channels, name, now)) for name in sorted(names)]
    ends = [task.result() for task in tasks]
    return Delivered(*(sum(column) for column in zip(*ends, strict=True))) if ends else Delivered()


async def _channel(store: Store, channels: Channels, name: str, now: Clock) -> Delivered:
    """One channel's due rows, in order."""
    ends = {Sent: 0, Retry: 0, Dead: 0}
    while batch := await store.run(outbox.claim, now(), limit=AT_ONCE, lease=LEASE, channel=name):
        for delivery in batch:
            try:
                notifier = channels(name)
            except LookupError as error:
                outcome: Outcome = Dead(str(error))
            else:
                outcome = await notifier.send(await _message(store, delivery))
            ends[type(outcome)] += 1
            await store.run(outbox.record, delivery, outcome, now(), _due(delivery, outcome, now()))
    return Delivered(ends[Sent], ends[Retry], ends[Dead])


def _due(delivery: Delivery, outcome: Outcome, now: datetime) -> datetime | None:
    """When to try again: later each time, and not before the far side asked."""
    if not isinstance(outcome, Retry):
        return None
    wait = timedelta(seconds=WAITS[min(delivery.attempts, len(WAITS) - 1)])
    return now + max(wait, outcome.after or wait)


async def _message(store: Store, delivery: Delivery) -> Message:
    return Message(
        ref=delivery.alert,
        source=delivery.source,
        lines=delivery.lines,
        changes=tuple(await store.read(changes.changes_by_id, delivery.changes)),
        part=delivery.part,
        parts=delivery.parts,
        repeat=delivery.repeat,
    )
