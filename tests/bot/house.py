"""A desk whose bot serves the imitated Telegram: what people say there, what they are told, how it is stored."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import func, select

from tests.rig import Rig, desk_config, source
from tests.site import Site
from tests.telegram_api import Message, TelegramApi
from watcher import bot
from watcher.app import App, real_clock, running
from watcher.bot.telegram import BotStopped
from watcher.config import load
from watcher.pacing import Pacing
from watcher.paging import Paging
from watcher.people import Deed, Role
from watcher.store import Connection, Store, audit, inbox
from watcher.store.tables import delivery

ADMIN, ANA, BEN, STRANGER = 1, 7, 8, 66
GROUP = -1001234
T = TypeVar("T")


class NoPacing(Pacing):
    """Sends as fast as it can: Telegram's limits are another test's."""

    def wait(self, chat: str, now: float) -> float:
        del chat, now
        return 0.0

    def ready(self, now: float) -> float:
        return now


class House(Rig):
    """A rig with a bot. `open` lets the bot in; until then nothing runs."""

    def __init__(self, folder: Path, site: Site, store: Store, api: TelegramApi) -> None:
        super().__init__(folder, site, store)
        self.api = api
        self.now = real_clock()
        self.away = 0.0
        api.world.clock = lambda: time.time() + self.away
        self.app: App
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._thread: threading.Thread | None = None
        self.ended: BaseException | None = None
        self.configure()

    def configure(self, *tables: str, telegram: str = "", **settings: str) -> None:
        """Write config.toml: a table at /list, and the bot."""
        url = self.api.base_url
        bots = f'[telegram]\ntoken_env = "TELEGRAM_TOKEN"\nbase_url = "{url}"\nadmins = [{ADMIN}]\n{telegram}\n'
        self.path.write_text(desk_config(self.site, source(self.site), bots, *tables, **settings), encoding="utf-8")

    def open(self, work: Callable[[App], None] = lambda _: None) -> House:
        """Start the app and its bot."""
        self.ended, self._loop = None, asyncio.new_event_loop()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._serve(work)), daemon=True)
        self._thread.start()
        assert self._ready.wait(10)
        if self.ended is None:
            self.api.until(lambda: self.api.polls > 0 or bool(self.api.world.webhook) or self.ended is not None)
        return self

    def close(self) -> None:
        """Stop it, and let it end."""
        if self._thread and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(15)
            assert not self._thread.is_alive()
            self._loop.close()
            self._thread, self._stop = None, None
            self._ready.clear()

    async def _serve(self, work: Callable[[App], None]) -> None:
        self._stop = stop = asyncio.Event()
        async with running(load(self.path), self.store, clock=lambda: self.now, given=True, out=self.out) as app:
            self.app = app
            assert app.sender is not None
            app.sender.pacing = NoPacing()
            work(app)
            sending = asyncio.create_task(self._send(app))
            self._ready.set()
            try:
                await bot.serve(app, stop)
            except BaseException as error:  # noqa: BLE001 - the test looks at it
                self.ended = error
                with self.api.lock:
                    self.api.lock.notify_all()
            finally:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await sending

    async def _send(self, app: App) -> None:
        assert app.sender is not None
        while True:
            await app.sender.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(app.sender.woken.wait(), 0.05)

    def ended_with(self) -> str:
        """What the bot said as it ended by itself."""
        assert self._thread is not None
        self._thread.join(15)
        assert isinstance(self.ended, BotStopped), self.ended
        return str(self.ended)

    # ------------------------------------------------------------ what people do

    def wait(self) -> None:
        """Until everything that was said is handled and answered."""
        self.api.until(lambda: self.ended is not None or (not self.api.updates and not self.store.read_sync(_open)))
        assert self.ended is None

    def say(self, text: str, user: int = ANA, chat: int = 0, **more: Any) -> str:
        """Somebody writes; what the bot says to that, as people read it."""
        before = len(self.api.messages(chat or user))
        self.now += timedelta(seconds=1)
        self.api.say(user, chat or user, text, **more)
        self.wait()
        return "\n".join(line for one in self.api.messages(chat or user)[before:] for line in one.lines())

    def tap(self, label: str, user: int = ANA, chat: int = 0, message: Message | None = None) -> str | None:
        """Somebody presses a button of the newest message that has it; what they are shown for it."""
        with_it = [one for one in self.api.messages(chat or user) if label in one.labels]
        query = self.api.tap(user, message or with_it[-1], label)
        self.wait()
        self.api.until(lambda: self.api.answer(query) is not None)
        return self.api.answer(query)

    def press(self, user: int, message: Message, data: str) -> str | None:
        """Somebody presses a button with this data, be it there or not; what they are shown for it."""
        query = self.api.press(user, message, data)
        self.wait()
        self.api.until(lambda: self.api.answer(query) is not None)
        return self.api.answer(query)

    @property
    def paging(self) -> Paging:
        """The people on call, as the app knows them."""
        return Paging.of(self.app.config, self.app.dispatch.letter, self.app.dispatch.urls)

    def last(self, chat: int = ANA) -> str:
        """The newest message of the bot, as people read it."""
        return "\n".join(self.api.messages(chat)[-1].lines())

    def joined(self, user: int = ANA, role: Role | None = None) -> House:
        """Somebody has joined."""
        from watcher.people import Chat, Member
        from watcher.store import chats, members

        self.store.run_sync(members.put, Member(user, f"User {user}", role or Role.READER, self.now))
        self.store.run_sync(chats.put, Chat(f"telegram:{user}", "private", "", self.now))
        self.api.chat(user)
        return self

    def later(self, **span: float) -> None:
        """Time passes, also where Telegram is."""
        self.now += timedelta(**span)
        self.away += timedelta(**span).total_seconds()

    def everything_stored(self) -> list[object]:
        """Every row of every table."""
        from watcher.store.tables import metadata

        def rows(conn: Connection) -> list[object]:
            return [tuple(row) for one in metadata.sorted_tables for row in conn.execute(select(one))]

        return self.store.read_sync(rows)

    def deeds(self) -> list[Deed]:
        """The audit, oldest first."""
        return self.store.read_sync(audit.latest, 1000)[::-1]

    def call(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do something in the app's own loop."""
        return asyncio.run_coroutine_threadsafe(_made(work), self._loop).result(20)

    def check_now(self, *, after: timedelta = timedelta(0)) -> None:
        """The app checks its table, and what results is sent."""
        self.now += after
        self.call(lambda: self.app.check(self.app.sources, lambda *_: None))
        self.wait()


async def _made(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


def _open(conn: Connection) -> bool:
    """Whether an update waits, or a message."""
    waiting = select(func.count()).where(delivery.c.state.in_(("pending", "sending", "wait")))
    waiting = waiting.where(delivery.c.channel.startswith("telegram:"))
    return bool(inbox.unhandled(conn, 1) or conn.execute(waiting).scalar_one())
