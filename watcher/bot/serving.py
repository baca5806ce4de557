"""Puts the bot together: the poller that fills the inbox, and what works through it, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from watcher.app import App
from watcher.bot import registry
from watcher.bot.desk import Desk
from watcher.bot.inbox import Inbox
from watcher.bot.poll import Poller
from watcher.bot.telegram import Calls, Telegram, begun
from watcher.bot.who import Seats
from watcher.config.sections import Telegram as Settings


async def run(app: App, settings: Settings, stop: asyncio.Event, passed: Callable[[], None] = lambda: None) -> None:
    """Serve until `stop`; `passed` is called at each poll that went well. Raises BotStopped."""
    woken = asyncio.Event()
    poller = Poller(app.parts.store, app.parts.now, woken.set, passed, settings)
    bot = poller.bot()
    calls = Calls(bot)
    assert app.paging is not None
    inbox = Inbox(Desk(app, app.paging, calls), Seats(calls), woken=woken)
    await poller.take_lease(stop)
    try:
        if not await begun(bot, stop):
            return
        await calls.menu(*registry.menus())
        await _together(poller, bot, inbox, stop)
    finally:
        await bot.shutdown()


async def _together(poller: Poller, bot: Telegram, inbox: Inbox, stop: asyncio.Event) -> None:
    """Poll and handle; where polling ends, what is under way is handled first."""
    ended = asyncio.Event()
    working = asyncio.create_task(inbox.work(ended))
    try:
        await poller.run(bot, stop)
    finally:
        ended.set()
        await working
