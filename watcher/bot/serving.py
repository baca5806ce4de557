"""Puts the bot together: the poller that fills the inbox, and what works through it, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from watcher.app import App
from watcher.bot import registry, who
from watcher.bot.desk import Desk
from watcher.bot.inbox import Inbox
from watcher.bot.poll import Poller
from watcher.bot.telegram import GROUPS, PRIVATE, Calls, Telegram, begun
from watcher.bot.who import Seats
from watcher.config.sections import Telegram as Settings
from watcher.people import Role


async def run(app: App, settings: Settings, stop: asyncio.Event, passed: Callable[[], None] = lambda: None) -> None:
    """Serve until `stop`; `passed` is called at each poll that went well. Raises BotStopped."""
    woken = asyncio.Event()
    poller = Poller(app.parts.store, app.parts.now, woken.set, passed, settings)
    bot = poller.bot()
    calls = Calls(bot, app.sender.book if app.sender else lambda _chat: None)
    assert app.paging is not None
    inbox = Inbox(Desk(app, app.paging, calls), Seats(calls), woken=woken)
    await poller.take_lease(stop)
    try:
        if not await begun(bot, stop):
            return
        await _together(poller, bot, inbox, stop)
    finally:
        await bot.shutdown()


async def _together(poller: Poller, bot: Telegram, inbox: Inbox, stop: asyncio.Event) -> None:
    """Poll and handle; where polling ends, what is under way is handled first.

    Where the handling ends by itself, which is a fault of ours, it is raised: nobody polls what nobody handles.
    """
    ended = asyncio.Event()
    working = asyncio.create_task(inbox.work(ended))
    working.add_done_callback(lambda _: poller.end())
    menus = asyncio.create_task(_menus(inbox.desk))
    try:
        await poller.run(bot, stop)
    finally:
        ended.set()
        menus.cancel()
        await asyncio.wait([working, menus])
    working.result()


async def _menus(desk: Desk) -> None:
    """Register the menus: of readers and of groups, and of each who may more."""
    await desk.api.menu(registry.menu(Role.READER), PRIVATE)
    await desk.api.menu(registry.menu(Role.READER, grouped=True), GROUPS)
    for user, role in (await desk.store.read(who.trusted, desk.config)).items():
        await desk.api.menu(registry.menu(role), user)
