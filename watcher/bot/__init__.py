"""The bot: people's door in Telegram. It brings updates into the inbox and handles them; the outbox answers.

The other door is the command line. The service runs `serve` beside checking and sending.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watcher.app import App

__all__ = ["serve"]


async def serve(app: App, stop: asyncio.Event, passed: Callable[[], None] = lambda: None) -> None:
    """Serve the bot of [telegram] until `stop`; nothing where there is none. `passed`: a poll went well.

    Raises BotStopped, whose text says what to do, where another process does it or Telegram does not let us.
    """
    if app.config.telegram is None:
        return
    from watcher.bot.serving import run

    await run(app, app.config.telegram, stop, passed)
