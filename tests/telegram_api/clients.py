"""The real client for the tests of the imitation: python-telegram-bot, impatient, and without its own getMe."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from telegram import Bot
from telegram.request import HTTPXRequest

from tests.telegram_api import TOKEN

T = TypeVar("T")


@asynccontextmanager
async def bot_for(base_url: str, token: str = TOKEN) -> AsyncIterator[Bot]:
    request = HTTPXRequest(connection_pool_size=8, read_timeout=0.3, httpx_kwargs={"trust_env": False})
    try:
        os.environ.setdefault("PTB_TIMEDELTA", "1")  # or it warns at each 429
        yield Bot(token, base_url=base_url, request=request, get_updates_request=request)
    finally:
        await request.shutdown()


def run(base_url: str, story: Callable[[Bot], Awaitable[T]], token: str = TOKEN) -> T:
    async def whole() -> T:
        async with bot_for(base_url, token) as bot:
            return await story(bot)

    return asyncio.run(whole())
