"""From outbox to chats: who goes first, how fast, and what each answer of the service means for a row.

Beside delivery, which does the same for channels of one recipient. One sender at a time serves all chats of a bot.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watcher.core import Alert, Change, Clock, Dead, Delivery, Message, Moved, Notifier, Outcome, Retry, Sent
from watcher.delivery import Delivered, message, next_try
from watcher.digest import Seen, told
from watcher.pacing import MINUTE, Pacing
from watcher.people import TELEGRAM
from watcher.store import Connection, Store, changes, held, outbox, queue
from watcher.store.held import Held
from watcher.store.queue import Waiting

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a send may take before it counts as died under way."""
FLYING = 32
"""Sends under way at once."""
RELOAD = 1.0
"""Seconds after which the outbox is looked at again, for what should go ahead of what is waiting in line."""
PATIENCE = 60.0
"""Seconds that a row waits in line for its chat; beyond, it is looked for again later."""
ALERTS = 3
"""The lane of what readers are told; those before it are for people who wait."""
MOST_ALERTS = 5
"""Alerts that wait for one chat; more become one message."""
STALE = timedelta(hours=24)
"""Age of what nobody knows to have arrived; then readers get it with their digest."""
MANY = "many alerts at once: told together"


@dataclass(slots=True)
class Sender:
    """Sends what waits for chats.

    `channels` gives a chat's notifier; `named` are channels of config.toml that are chats; `letter` makes a message
    (outbox.letter); `tick` and `sleep` are the clock that limits are counted on. `health` says what stops it, if
    anything does.
    """

    store: Store
    channels: Callable[[str], Notifier]
    now: Clock
    letter: Callable[..., tuple[Alert, Sequence[Delivery]]]
    named: Collection[str] = ()
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    pacing: Pacing = field(default_factory=Pacing)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    health: str = ""
    _known: bool = False
    _flying: dict[asyncio.Task[None], str] = field(default_factory=dict)
    _ends: Counter[type] = field(default_factory=Counter)

    def wake(self) -> None:
        """Rows were written."""
        self.woken.set()

    async def drain(self, stop: asyncio.Event | None = None) -> Delivered:
        """Send what is due, as fast as the limits allow, until nothing is, or until `stop`; what flies then lands."""
        await self._remember()
        self._ends.clear()
        line: list[Waiting] = []
        loaded = -RELOAD
        try:
            while stop is None or not stop.is_set():
                if not line or self.woken.is_set() or self.tick() - loaded >= RELOAD:
                    self.woken.clear()
                    line, loaded = await self._line(), self.tick()
                if not line and not self._flying:
                    break
                line = await self._send_some(line)
        finally:
            if self._flying:
                await asyncio.wait(self._flying)
        return Delivered(self._ends[Sent], self._ends[Retry], self._ends[Dead])

    # ------------------------------------------------------------ who is next

    async def _remember(self) -> None:
        """Count what was sent before this process began, as late as it may have been: it is stored to the second."""
        if self._known:
            return
        self._known, now, tick = True, self.now(), self.tick()
        since = now - timedelta(seconds=MINUTE)
        for channel, at in await self.store.read(queue.sent_since, since, self.named, TELEGRAM):
            chat = self._chat(channel)
            if chat is not None:
                self.pacing.book(chat, tick - max((now - at).total_seconds() - 1.0, 0.0))

    async def _line(self) -> list[Waiting]:
        """The rows that may go now: of each chat and lane only the first that is open; too many alerts become one."""
        now = self.now()
        await self.store.run(outbox.expired, now)
        waiting = await self.store.read(queue.waiting, self.named, TELEGRAM)
        if stale := [one for one in waiting if one.lane >= ALERTS and one.repeat and one.created <= now - STALE]:
            await self.store.run(_to_digest, stale, now)
        if many := _many(waiting, now):
            await self.store.run(self._merge, many, now)
        if stale or many:
            waiting = await self.store.read(queue.waiting, self.named, TELEGRAM)
        return self._in_order(waiting, now)

    def _in_order(self, waiting: Iterable[Waiting], now: datetime) -> list[Waiting]:
        first: dict[tuple[str, int], Waiting] = {}
        for one in waiting:
            first.setdefault((one.channel, one.lane), one)
        free = [one for one in first.values() if one.state != "sending" and one.due <= now]
        served = self.pacing.last
        return sorted(free, key=lambda one: (one.lane, served.get(self._chat(one.channel) or "", 0.0), one.n))

    def _merge(self, conn: Connection, many: Mapping[str, Sequence[Waiting]], now: datetime) -> None:
        """More alerts than a chat wants at once become one message that tells all their changes."""
        for channel, rows in many.items():
            alerts = list(dict.fromkeys(one.alert for one in rows))
            ids = queue.told_in(conn, alerts)
            lines = told("many", changes.changes_by_id(conn, ids), Seen(0, 0))
            alert, made = self.letter(channel, "digest", f"many {alerts[0]} {len(alerts)}", lines, now=now, lane=ALERTS)
            outbox.put_alert(conn, replace(alert, changes=tuple(ids)), made)
            queue.fold(conn, [one.id for one in rows], f"{MANY} in {alert.id}")

    def _chat(self, channel: str) -> str | None:
        """The chat that limits are counted by: topics of a group count together. None for no channel of ours."""
        if channel.startswith(TELEGRAM):
            return channel.removeprefix(TELEGRAM).partition("/")[0]
        try:
            return str(getattr(self.channels(channel), "chat", channel))
        except LookupError:
            return None

    # ------------------------------------------------------------ sending

    async def _send_some(self, line: list[Waiting]) -> list[Waiting]:
        """Start what may go at this moment, else wait for the moment, or for a send to end; gives what is left."""
        tick, going, left = self.tick(), [], []
        flying, soonest = set(self._flying.values()), RELOAD
        for place, one in enumerate(line):
            chat = self._chat(one.channel) or one.channel
            if len(flying) >= FLYING or self.pacing.ready(tick) > tick:
                left += line[place:]
                soonest = min(soonest, max(self.pacing.ready(tick) - tick, 0.01))
                break
            wait = self.pacing.wait(chat, tick)
            if wait > PATIENCE:
                continue  # it is due again later
            if chat in flying or wait > 0:
                left.append(one)
                soonest = min(soonest, wait or RELOAD)
                continue
            self.pacing.book(chat, tick)
            flying.add(chat)
            going.append(one)
        if going:
            await self._start(going)
        elif self._flying:
            await asyncio.wait(self._flying, timeout=soonest, return_when=asyncio.FIRST_COMPLETED)
        elif left:
            await self.sleep(soonest)
        return left

    async def _start(self, going: Sequence[Waiting]) -> None:
        for delivery, sent_as in await self.store.run(_claim, [one.id for one in going], self.now()):
            task = asyncio.create_task(self._send(delivery, sent_as))
            self._flying[task] = self._chat(delivery.channel) or delivery.channel
            task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a message could not be sent, and is tried again: %s: %s", type(error).__name__, error)

    async def _send(self, delivery: Delivery, sent_as: Message) -> None:
        try:
            notifier = self.channels(delivery.channel)
        except LookupError as error:
            outcome: Outcome = Dead(str(error))
        else:
            outcome = await notifier.send(sent_as)
        self._ends[type(outcome)] += 1
        self._slow_down(delivery, outcome)
        await self.store.run(_settle, delivery, outcome, self.now())
        if isinstance(outcome, Moved):
            self.wake()

    def _slow_down(self, delivery: Delivery, outcome: Outcome) -> None:
        """Where the service asks to wait, the chat does; where it knows the bot no more, all do."""
        stops = isinstance(outcome, Retry) and outcome.stops
        if isinstance(outcome, Retry) and outcome.after is not None and not outcome.counts:
            seconds = outcome.after.total_seconds()
            if stops:
                self.pacing.stop(self.tick() + seconds)
            else:
                self.pacing.halt(self._chat(delivery.channel) or delivery.channel, self.tick(), seconds)
        self.health = outcome.reason if isinstance(outcome, Retry) and stops else ""


def _many(waiting: Iterable[Waiting], now: datetime) -> dict[str, list[Waiting]]:
    """By chat, the alerts that nobody has tried to send yet, where they are more than a chat wants at once."""
    fresh: defaultdict[str, list[Waiting]] = defaultdict(list)
    for one in waiting:
        if one.lane == ALERTS and one.state == "pending" and not one.attempts and one.due <= now:
            fresh[one.channel].append(one)
    return {channel: rows for channel, rows in fresh.items() if len({one.alert for one in rows}) > MOST_ALERTS}


def _to_digest(conn: Connection, rows: Sequence[Waiting], now: datetime) -> None:
    for one in rows:
        ids = queue.told_in(conn, [one.alert])
        held.put(conn, [Held(one.channel, change, "folded", now) for change in ids])
    queue.fold(conn, [one.id for one in rows], "older than a day: told with the digest")


def _claim(conn: Connection, ids: Sequence[str], now: datetime) -> list[tuple[Delivery, Message]]:
    """Take these rows, with the changes that they tell and the receipts of what they answer or edit."""
    claimed = queue.claim(conn, ids, now, LEASE)
    wanted = {change for one in claimed for change in one.changes}
    known: dict[str, Change] = {one.id: one for one in changes.changes_by_id(conn, sorted(wanted))}
    named = {(to, one.channel) for one in claimed for to in (one.extras.reply_to, one.extras.edit) if to}
    receipts = queue.receipts(conn, named)

    def resolved(one: Delivery) -> Message:
        extras = replace(
            one.extras,
            reply_to=receipts.get((one.extras.reply_to, one.channel), ""),
            edit=receipts.get((one.extras.edit, one.channel), ""),
        )
        return replace(message(one, known), extras=extras)

    return [(one, resolved(one)) for one in claimed]


def _settle(conn: Connection, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
    """Write down how one ended, and what that means for its chat, in one transaction."""
    outbox.record(conn, delivery, outcome, now, next_try(delivery, outcome, now))
    if isinstance(outcome, Moved):
        queue.move(conn, delivery.channel.partition("/")[0], outcome.to.partition("/")[0])
    elif isinstance(outcome, Dead) and outcome.closed:
        queue.close(conn, delivery.channel, outcome.reason)
