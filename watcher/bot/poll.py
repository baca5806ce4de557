"""Brings updates from Telegram into the inbox: each is stored before Telegram is told that we have it.

First step of the bot; one process at a time polls, by a lease in the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from telegram.ext import Updater

from watcher.bot.telegram import BotStopped, Telegram
from watcher.config.sections import Telegram as Settings
from watcher.core import Clock
from watcher.store import Store, StoreError, inbox, leases
from watcher.store.leases import Lease

log = logging.getLogger(__name__)

POLLER = "poller"
HELD = timedelta(seconds=20)
RENEW = 5.0
"""Seconds between two renewals of the lease, and between two looks at somebody else's."""
LOOKS = 5
"""Looks at a lease that stands still before it is taken over."""
LONG_POLL = timedelta(seconds=20)
KINDS = ["message", "channel_post", "callback_query", "my_chat_member"]
WAITS = (0.2, 1.0, 5.0)
"""Seconds between tries to store an update; the last again and again."""
NO_WEBHOOK = "[telegram].webhook needs a library that is not installed: pip install 'watcher[webhook]'"


class Kept(asyncio.Queue[Any]):
    """The queue that the library puts updates in: they are in the inbox once `put` returns, which never raises."""

    def __init__(self, store: Store, now: Clock, wake: Callable[[], None]) -> None:
        super().__init__()
        self._store, self._now, self._wake = store, now, wake

    async def put(self, item: Any) -> None:
        """Store an update, however long the store takes: the next poll, which confirms it, waits."""
        try:
            body = _clean(item.to_dict())
            for tries in itertools.count():
                if await self._kept(item.update_id, body):
                    break
                await asyncio.sleep(WAITS[min(tries, len(WAITS) - 1)])
        except Exception:  # an exception here would end the library's polling for good
            log.exception("an update of Telegram's cannot be stored, and is left out")
        self._wake()

    async def _kept(self, update_id: int, body: dict[str, Any]) -> bool:
        try:
            await self._store.run(inbox.put, update_id, body, self._now())
        except StoreError as error:
            log.warning("an update of Telegram's could not be stored yet: %s", error)
            return False
        return True


@dataclass(slots=True)
class Poller:
    """Polls, or listens where there is a webhook.

    `wake` is called when updates were stored, `passed` at each poll that went well; `fault` is why it cannot go on.
    """

    store: Store
    now: Clock
    wake: Callable[[], None]
    passed: Callable[[], None]
    settings: Settings
    fault: str = ""
    renew: float = RENEW
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    holder: str = field(default_factory=leases.holder)

    def bot(self) -> Telegram:
        """The library's bot for this token."""
        return Telegram(self.settings.token.reveal(), self.settings.base_url, self.passed, self._failed)

    def end(self) -> None:
        """Poll no more."""
        self.ended.set()

    def _failed(self, why: str) -> None:
        self.fault = why
        self.ended.set()

    async def run(self, bot: Telegram, stop: asyncio.Event) -> None:
        """Bring updates until `stop`. Raises BotStopped where another process does it, or Telegram does not let us."""
        updater = Updater(bot, Kept(self.store, self.now, self.wake))
        try:
            await updater.initialize()
            await self._until_stopped(updater, stop)
        finally:
            with contextlib.suppress(Exception):  # the library raises again what ended its polling
                await updater.stop()
            with contextlib.suppress(StoreError):
                await self.store.run(leases.give_back, POLLER, self.holder)
        if self.fault:
            raise BotStopped(self.fault)

    async def _until_stopped(self, updater: Updater, stop: asyncio.Event) -> None:
        """Start, which Telegram may hold up, and go on until `stop`, or until it cannot."""
        starting = asyncio.create_task(self._start(updater))
        keeping = asyncio.create_task(self._keep(stop))
        ends = [asyncio.create_task(stop.wait()), asyncio.create_task(self.ended.wait())]
        try:
            await asyncio.wait([starting, *ends], return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (starting, keeping, *ends):
                one.cancel()

    async def _start(self, updater: Updater) -> None:
        if not self.settings.webhook:
            await updater.start_polling(
                timeout=LONG_POLL, allowed_updates=KINDS, bootstrap_retries=-1, error_callback=_said
            )
            return
        host, _, port = self.settings.listen.rpartition(":")
        try:
            await updater.start_webhook(
                listen=host.strip("[]"),
                port=int(port),
                url_path=urlsplit(self.settings.webhook).path.rstrip("/"),
                webhook_url=self.settings.webhook,
                allowed_updates=KINDS,
                bootstrap_retries=-1,
                secret_token=secret(self.settings.token.reveal()),
            )
        except RuntimeError:
            raise BotStopped(NO_WEBHOOK) from None
        except OSError as error:
            raise BotStopped(f"[telegram].listen {self.settings.listen}: {error.strerror or error}") from None

    # ------------------------------------------------------------ one process at a time

    async def take_lease(self, stop: asyncio.Event) -> None:
        """Be the one that polls. Raises BotStopped where another process is: one of this machine, or one that renews.

        A lease that stands still, or that of a process of this machine which has ended, is taken over.
        """
        held = await self._take(None)
        for _ in range(LOOKS):
            if held.holder == self.holder or stop.is_set():
                return
            runs = leases.runs(held.holder)
            if runs is False:
                held = await self._take(held)
                continue
            if runs and held.until > self.now():
                raise BotStopped(_served_by(held))
            await _wait(stop, self.renew)
            before, held = held, await self._take(None)
            if held not in (before, Lease(self.holder, held.until)):
                raise BotStopped(_served_by(held))
        held = await self._take(held)
        if held.holder != self.holder:
            raise BotStopped(_served_by(held))

    async def _take(self, instead: Lease | None) -> Lease:
        mine = Lease(self.holder, self.now() + HELD)
        return await self.store.run(leases.take, POLLER, mine, instead)

    async def _keep(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await _wait(stop, self.renew)
            try:
                held = await self._take(None)
            except StoreError as error:
                log.warning("the lease of the bot could not be renewed: %s", error)
                continue
            if self.settings.webhook:
                self.passed()
            if held.holder != self.holder:
                self._failed("another watcher has taken over the bot, since this one did not answer for a while")


def _clean(body: dict[str, Any]) -> dict[str, Any]:
    """An update that any database can hold: half a character is replaced."""
    cleaned: dict[str, Any] = json.loads(json.dumps(body, ensure_ascii=False).encode(errors="replace"))
    return cleaned


def _said(error: Exception) -> None:
    """A poll that failed, in short: what the library would log is long, and comes every few seconds."""
    log.warning("Telegram could not be asked for updates: %s", type(error.__cause__ or error).__name__)


def secret(token: str) -> str:
    """What Telegram sends along with each webhook, so that nobody else can: derived from the token."""
    return hashlib.sha256(f"watcher webhook {token}".encode()).hexdigest()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _served_by(held: Lease) -> str:
    host, process, _ = held.holder.split("/")
    return (
        f"another watcher ({host}, process {process}) serves the bot on this store: stop it first, "
        "or give this one a store of its own"
    )
