"""A sender of chats on the imitation of Telegram and on a clock that passes only where somebody sleeps."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from tests.rig import deliveries
from tests.telegram_api import TOKEN, Limits, TelegramApi
from watcher.core import Delivery, Failure, Fetched, Notifier, Run, Tools
from watcher.delivery import Delivered
from watcher.notify.telegram import Telegram
from watcher.outbox import letter
from watcher.people import Chat
from watcher.render import as_text
from watcher.route import Filter
from watcher.sender import Sender
from watcher.store import Store, chats, outbox, subscriptions
from watcher.store.subscriptions import Subscription

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANA, BEN, GROUP_CHAT = "telegram:7", "telegram:8", "telegram:-100/3"
LETTER = partial(letter, limit=4000, measure=lambda lines: len(as_text(lines)))


class Clock:
    """Seconds that pass when somebody sleeps; `then` is called after each sleep."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.then: Callable[[], Any] = lambda: None

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)
        await asyncio.to_thread(self.then)

    def now(self) -> datetime:
        return (START + timedelta(seconds=self.seconds - 1000)).replace(microsecond=0)


class Hurried(Telegram):
    """Impatient, so that a server that hangs does not hold up the tests."""

    read_timeout = 0.5


class Desk:
    """What writes messages for chats, and sends them; each `send` is a process of its own."""

    def __init__(self, store: Store, api: TelegramApi, clock: Clock) -> None:
        self.store, self.api, self.clock = store, api, clock
        self.operator = ""
        self.health: list[str] = []

    def write(self, channel: str, key: str, words: str = "", **more: object) -> str:
        """A letter for a chat; gives its alert."""
        more = {"lane": 3, "now": self.clock.now(), **more}
        alert, rows = LETTER(channel, "test", key, [(Run(words or key),)], **more)  # type: ignore[arg-type]
        self.store.run_sync(outbox.put_alert, alert, rows)
        return alert.id

    def send(self, after: float = 0.0) -> Delivered:
        """Some seconds later, send what is due."""
        self.clock.seconds += after
        return asyncio.run(self._send(None))

    def serve(self, until: Callable[[], bool] = lambda: False) -> Delivered:
        """Send as the service does: until nothing is left, however long, or until it is told to stop."""

        async def story() -> Delivered:
            stop = asyncio.Event()
            loop = asyncio.get_running_loop()

            def then() -> None:
                before()
                if until():
                    loop.call_soon_threadsafe(stop.set)

            before, self.clock.then = self.clock.then, then
            try:
                return await self._send(stop)
            finally:
                self.clock.then = before

        return asyncio.run(story())

    async def _send(self, stop: asyncio.Event | None) -> Delivered:
        async def post(*_: object) -> Fetched | Failure:
            raise AssertionError("nothing is posted")

        tools = Tools(post, self.clock.now, io.StringIO())
        built: dict[str, Notifier] = {}

        def channels(name: str) -> Notifier:
            if not name.startswith("telegram:"):
                raise LookupError(f"there is no channel {name!r}")
            notifier = built.setdefault(name, Hurried.to(name, TOKEN, self.api.base_url, tools))
            notifier.sleep = self.clock.sleep  # type: ignore[attr-defined]  # as all of them are
            return notifier

        sender = Sender(
            self.store, channels, self.clock.now, LETTER, (), self.clock, self.clock.sleep, operator=self.operator
        )
        try:
            return await sender.drain(stop)
        finally:
            await sender.let_go()
            self.health.append(sender.health)
            for notifier in built.values():
                await notifier.close()

    def rows(self) -> dict[str, Delivery]:
        """The rows of the outbox by their words."""
        return {as_text(row.lines[:1]): row for row in self.store.read_sync(deliveries)}

    def texts(self, chat: int) -> list[str]:
        """The first lines of what a chat has got."""
        return [call.text.partition("\n")[0] for call in self.api.sent(chat)]


def join(store: Store, chat: str) -> None:
    """A chat joins and subscribes to everything."""
    store.run_sync(chats.put, Chat(chat, "private", chat, START))
    store.run_sync(subscriptions.put, Subscription(f"s-{chat}", chat, Filter(), "instant", 7, START))


@contextmanager
def at_work(store: Store) -> Iterator[Desk]:
    """A desk, two people and a forum, with limits kept strictly."""
    clock = Clock()
    with TelegramApi(clock=clock, limits=Limits(burst=0)) as api:
        for user in (7, 8):
            api.user(user, f"user {user}")
            api.chat(user)
        api.chat(-100, kind="supergroup", title="Desk", forum=True)
        api.topic(-100, "News", topic=3)
        yield Desk(store, api, clock)
