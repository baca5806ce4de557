"""From outbox to chats: who goes first, how fast, and what each answer of the service means for a row.

Beside delivery, which does the same for channels of one recipient. One sender at a time serves all chats of a bot.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watcher.core import (
    Change,
    Clock,
    Dead,
    Delivery,
    Lane,
    Line,
    Message,
    Moved,
    Notifier,
    Outcome,
    Retry,
    Run,
    Sent,
)
from watcher.delivery import Delivered, message, next_try
from watcher.digest import Seen, told
from watcher.outbox import Letter
from watcher.pacing import MINUTE, Pacing
from watcher.people import TELEGRAM
from watcher.store import Connection, Store, alerts, changes, held, leases, outbox, queue
from watcher.store.held import Held
from watcher.store.leases import Lease
from watcher.store.queue import Waiting

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=30)
"""How long a send may take before it counts as died under way."""
SENDER = "sender"
"""The lease of the one process that sends to chats: two would not know of each other's part of the limits."""
MINE = timedelta(seconds=15)
"""How long it is this process's, unless it says so again."""
RENEW = 5.0
"""Seconds after which it does."""
FLYING = 32
"""Sends under way at once."""
RESERVED = 16
"""So many more for who is on call, however slowly the others are taken."""
DOWN = (1.0, 2.0, 4.0, 8.0)
"""Seconds until a service that cannot be reached is tried again; the last one again and again."""
RELOAD = 1.0
"""Seconds after which the outbox is looked at again, for what should go ahead of what is waiting in line."""
PATIENCE = 60.0
"""Seconds that a row waits in line for its chat; beyond, it is looked for again later."""
MOST_ALERTS = 5
"""Alerts that wait for one chat; more become one message."""
STALE = timedelta(hours=24)
"""Age of what nobody knows to have arrived; then readers get it with their digest."""


@dataclass(slots=True)
class Sender:
    """Sends what waits for chats.

    `channels` gives a chat's notifier; `named` are channels of config.toml that are chats; `letter` makes a message
    (outbox.letter); `tick` and `sleep` are the clock that limits are counted on; `operator` is the channel that hears
    of messages which could not be sent as they are. `fold` is called before rows are put in line, `passing` whenever
    they were, and nothing stops it. `health` says what does; `floods` counts how often it was asked to wait.
    """

    store: Store
    channels: Callable[[str], Notifier]
    now: Clock
    letter: Letter
    named: Collection[str] = ()
    tick: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    operator: str = ""
    fold: Callable[[], Awaitable[object]] | None = None
    passing: Callable[[], None] = lambda: None
    pacing: Pacing = field(default_factory=Pacing)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    health: str = ""
    floods: int = 0
    holder: str = field(default_factory=leases.holder)
    _renewed: float | None = None
    _known: bool = False
    _loaded: bool = False
    _fails: int = 0
    _flying: dict[asyncio.Task[None], str] = field(default_factory=dict)
    _ends: Counter[type] = field(default_factory=Counter)

    def wake(self) -> None:
        """Rows were written."""
        self.woken.set()

    def book(self, chat: int | str = "") -> None:
        """Somebody else calls the service with the same bot, in a chat or for none: limits count that, too."""
        self.pacing.book(str(chat), self.tick())

    async def drain(self, stop: asyncio.Event | None = None) -> Delivered:
        """Send what is due, as fast as the limits allow, until nothing is, or until `stop`; what flies then lands.

        Without `stop` it ends, too, where the service cannot be reached: what is not sent stays in the outbox. Where
        another process sends to chats, all is left to that one; with `stop`, no other does until `let_go`.
        """
        if not await self._is_ours():
            self.passing()
            return Delivered()
        await self._remember()
        self._ends.clear()
        self._fails = 0
        try:
            await self._drain(stop)
            await self._land()
        except asyncio.CancelledError:
            for task in self._flying:
                task.cancel()
            raise
        finally:
            if stop is None:
                await self.let_go()
        return Delivered(self._ends[Sent], self._ends[Retry], self._ends[Dead])

    async def let_go(self) -> None:
        """Another process may send to chats."""
        self._renewed = None
        await self.store.run(leases.give_back, SENDER, self.holder)

    async def _is_ours(self) -> bool:
        """Whether this process is the one that sends to chats; it says so again every few seconds."""
        tick, now = self.tick(), self.now()
        if self._renewed is None or tick - self._renewed >= RENEW:
            is_ours = await self.store.run(leases.take_free, SENDER, Lease(self.holder, now + MINE), now)
            self._renewed = tick if is_ours else None
            self._known = self._known and is_ours  # what another sends meanwhile counts, too
        return self._renewed is not None

    async def _drain(self, stop: asyncio.Event | None) -> None:
        line: list[Waiting] = []
        loaded = -RELOAD
        while (stop is None or not stop.is_set()) and await self._is_ours():
            if (halted := self.pacing.halted - self.tick()) > 0:
                await self._land()
                if stop is None and (self.health or halted > PATIENCE):
                    break
                await self.sleep(min(halted, RELOAD))
                continue
            idle = not self._flying  # before the line is read: what lands meanwhile may make way for another
            if not line or self.woken.is_set() or self.tick() - loaded >= RELOAD:
                self.woken.clear()
                line, loaded = await self._line(), self.tick()
            if idle and not line:
                break
            line = await self._send_some(line)

    async def _land(self) -> None:
        while self._flying:
            await asyncio.wait(self._flying)
            await asyncio.sleep(0)  # for what is called when a task is done

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
        """The rows that may go now: of each chat and lane the first that is open; too many alerts become one.

        Of who is on call each alert goes for itself, whatever has become of others.
        """
        now = self.now()
        if self.fold is not None:
            await self.fold()
        await self.store.run(outbox.expired, now)
        waiting = await self.store.read(queue.waiting, self.named, TELEGRAM, now, now - STALE)
        folded = 0
        if stale := [one for one in waiting if _is_stale(one)]:
            folded += await self.store.run(_to_digest, stale, now)
        if many := _many(waiting):
            folded += await self.store.run(self._merge, many, now)
        if folded:
            waiting = await self.store.read(queue.waiting, self.named, TELEGRAM, now, now - STALE)
        if not self.health:
            self.passing()
        return self._in_order(waiting)

    def _in_order(self, waiting: Iterable[Waiting]) -> list[Waiting]:
        first: dict[tuple[str, int, str], Waiting] = {}
        for one in waiting:
            first.setdefault((one.channel, one.lane, one.alert if one.lane <= Lane.AGAIN else ""), one)
        free = [one for one in first.values() if one.state != "sending" and one.due]
        served = self.pacing.last
        return sorted(free, key=lambda one: (one.lane, served.get(self._chat(one.channel) or "", 0.0), one.n))

    def _merge(self, conn: Connection, many: Mapping[str, Sequence[Waiting]], now: datetime) -> int:
        """More alerts than a chat wants at once become one message that tells all their changes; how many did."""
        merged = 0
        for channel, rows in many.items():
            about = queue.told_in(conn, list(dict.fromkeys(one.alert for one in rows)))
            if len(about) <= MOST_ALERTS:
                continue
            ids = list(dict.fromkeys(change for some in about.values() for change in some))
            lines = told("many", changes.changes_by_id(conn, ids), Seen(0, 0))
            key = f"many {next(iter(about))} {len(about)}"
            alert, made = self.letter(channel, alerts.DIGEST, key, lines, now=now, lane=Lane.ALERT, changes=ids)
            outbox.put_alert(conn, alert, made)
            queue.fold(conn, list(about), f"many alerts at once: told together in {alert.id}")
            merged += len(about)
        return merged

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
        tick = self.tick()
        going: list[Waiting] = []
        left: list[Waiting] = []
        busy, room, soonest = set(self._flying.values()), self.pacing.room(tick), RELOAD
        for place, one in enumerate(line):
            chat = self._chat(one.channel) or one.channel
            if len(going) >= room or len(busy) >= self._most(one.lane):
                left += line[place:]
                if len(going) >= room:
                    soonest = min(soonest, max(self.pacing.ready(tick) - tick, 0.01))
                break
            wait = self.pacing.wait(chat, tick)
            if wait > PATIENCE:
                continue  # it is due again later
            if chat in busy or wait > 0:
                left.append(one)
                soonest = min(soonest, wait or RELOAD)
                continue
            busy.add(chat)
            going.append(one)
        if going:
            await self._start(going)
        elif self._flying:
            await asyncio.wait(self._flying, timeout=soonest, return_when=asyncio.FIRST_COMPLETED)
        elif left:
            await self.sleep(soonest)
        return left

    def _most(self, lane: int) -> int:
        """How many sends may be under way; one tries whether a service that could not be reached is there again."""
        if self._fails:
            return 1
        return FLYING + RESERVED if lane <= Lane.AGAIN else FLYING

    async def _start(self, going: Sequence[Waiting]) -> None:
        """Send these, counted from the moment at which they leave."""
        if not self._loaded:
            self._loaded = True
            await asyncio.to_thread(self._load, going[0].channel)
        for delivery, sent_as in await self.store.run(_claim, [one.id for one in going], self.now()):
            chat = self._chat(delivery.channel) or delivery.channel
            self.pacing.book(chat, self.tick())
            task = asyncio.create_task(self._send(delivery, sent_as))
            self._flying[task] = chat
            task.add_done_callback(self._landed)

    def _load(self, channel: str) -> None:
        """Let a notifier load what it needs, while nothing is claimed: a kill then costs no repeat."""
        with contextlib.suppress(LookupError):
            getattr(self.channels(channel), "load", lambda: None)()

    def _landed(self, task: asyncio.Task[None]) -> None:
        self._flying.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("how a message ended is not known, and it is repeated: %s: %s", type(error).__name__, error)

    async def _send(self, delivery: Delivery, sent_as: Message) -> None:
        try:
            notifier = self.channels(delivery.channel)
        except LookupError as error:
            outcome: Outcome = Dead(str(error))
        else:
            outcome = await notifier.send(sent_as)
        self._ends[type(outcome)] += 1
        self._heed(delivery, outcome)
        await self.store.run(self._settle, delivery, outcome, self.now())
        if isinstance(outcome, Moved):
            self.wake()

    def _heed(self, delivery: Delivery, outcome: Outcome) -> None:
        """Where the service asks to wait, the chat does; where it is out of reach or knows no such bot, all do."""
        before, self.health = self.health, ""
        if not isinstance(outcome, Retry):
            self._fails = 0
        elif outcome.stops:
            self.health = outcome.reason
            if self.pacing.halted <= self.tick():  # else it is one of those that flew together
                wait = DOWN[min(self._fails, len(DOWN) - 1)] * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
                self._fails += 1
                self.pacing.stop(self.tick() + (outcome.after.total_seconds() if outcome.after else wait))
        elif outcome.after is not None and not outcome.counts:
            self.floods += 1
            chat = self._chat(delivery.channel) or delivery.channel
            self.pacing.halt(chat, self.tick(), outcome.after.total_seconds())
            log.warning("chat %s: %s", chat, outcome.reason)
        if self.health and not before:
            log.error("nothing is sent to chats, and all is kept: %s", self.health)
        elif before and not self.health:
            log.warning("chats are written to again")

    def _settle(self, conn: Connection, delivery: Delivery, outcome: Outcome, now: datetime) -> None:
        """Write down how one ended, and what that means for its chat, in one transaction."""
        outbox.record(conn, delivery, outcome, now, next_try(delivery, outcome, now))
        if isinstance(outcome, Moved):
            queue.move(conn, delivery.channel.partition("/")[0], outcome.to.partition("/")[0])
        elif isinstance(outcome, Sent):
            if delivery.extras.edit:
                queue.outdate(conn, delivery)
            self._tell(conn, delivery, outcome.note, now)
        elif isinstance(outcome, Dead):
            if outcome.closed:
                queue.close(conn, delivery.channel.partition("/")[0], outcome.reason)
            if not outcome.closed or delivery.channel in self.named:
                self._tell(conn, delivery, f"not sent: {outcome.reason}", now)

    def _tell(self, conn: Connection, delivery: Delivery, what: str, now: datetime) -> None:
        """Let the operator know, once a day of the same, in however many chats; all of it is in the log."""
        if not what:
            return
        log.warning("message %s to %s: %s", delivery.alert, delivery.channel, what)
        if self.operator in {"", delivery.channel}:
            return
        key = f"{now.date()} {what}"
        lines: tuple[Line, ...] = (
            (Run("Telegram: ", "strong"), Run(f"{delivery.channel}: {what}")),
            (Run(f"message {delivery.alert}", "dim"),),
        )
        with contextlib.suppress(LookupError):
            outbox.put_alert(conn, *self.letter(self.operator, "operator", key, lines, now=now, lane=Lane.ALERT))


def _is_stale(one: Waiting) -> bool:
    """Whether nobody will ever know that it arrived, nor is it under way; only chats that have joined get digests."""
    is_old = one.repeat and not one.fresh and one.state != "sending"
    return is_old and one.lane >= Lane.ALERT and one.channel.startswith(TELEGRAM)


def _many(waiting: Iterable[Waiting]) -> dict[str, list[Waiting]]:
    """By chat, the alerts that surely have not arrived, where they are more than a chat wants at once."""
    fresh: defaultdict[str, list[Waiting]] = defaultdict(list)
    for one in waiting:
        if one.lane == Lane.ALERT and one.part == 1 and one.due and not one.repeat and one.state != "sending":
            fresh[one.channel].append(one)
    return {channel: rows for channel, rows in fresh.items() if len({one.alert for one in rows}) > MOST_ALERTS}


def _to_digest(conn: Connection, rows: Sequence[Waiting], now: datetime) -> int:
    """Their chats are told with the next digest; how many alerts. What is about no change is asked again and again."""
    channels = {one.alert: one.channel for one in rows}
    about = queue.told_in(conn, list(channels))
    held.put(conn, [Held(channels[alert], one, "folded", now) for alert, ids in about.items() for one in ids])
    queue.fold(conn, list(about), "older than a day: told with the digest")
    return len(about)


def _claim(conn: Connection, ids: Sequence[str], now: datetime) -> list[tuple[Delivery, Message]]:
    """Take these rows, with the changes that they tell and the receipts of what they answer or edit."""
    claimed = queue.without_their_message(conn, queue.claim(conn, ids, now, LEASE), now)
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
