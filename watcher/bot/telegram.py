"""The bot's own calls to Telegram, by python-telegram-bot: who sits where, answers to presses, the menu, the polls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    Update,
)
from telegram.error import BadRequest, Conflict, InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from watcher.bot.desk import Refusal
from watcher.notify.telegram import hush

log = logging.getLogger(__name__)

PRIVATE, GROUPS = "private", "groups"
PATIENCE = 5.0
"""Seconds that one of the bot's own calls may take."""
NO_SEAT = "Telegram did not say who is an administrator of this chat. Try again in a minute."
TAKEN = (
    "another program asks Telegram for this bot's updates: stop it, or give this one a bot of its own "
    "([telegram].token_env)"
)
NO_SUCH_BOT = "Telegram rejects the bot's token: check what [telegram].token_env or token_file names"


class BotStopped(Exception):  # noqa: N818 - it says what has happened
    """The bot cannot go on; its text says what to do."""


class Telegram(Bot):
    """The library's bot, which notes when a poll went well, and what ends polling for good."""

    def __init__(self, token: str, base_url: str, polled: Callable[[], None], failed: Callable[[str], None]) -> None:
        hush()
        logging.getLogger("telegram.ext").setLevel(logging.CRITICAL)  # what it says of errors is said here, in short
        requests = [HTTPXRequest(connection_pool_size=8, httpx_kwargs={"trust_env": False}) for _ in range(2)]
        super().__init__(token, base_url=base_url, request=requests[0], get_updates_request=requests[1])
        self._polled, self._failed = polled, failed

    async def get_updates(self, *args: Any, **more: Any) -> tuple[Update, ...]:
        """Poll once. What means that there is no use in polling again is told to `failed`."""
        try:
            updates = await super().get_updates(*args, **more)
        except Conflict:
            self._failed(TAKEN)
            raise
        except InvalidToken:
            self._failed(NO_SUCH_BOT)
            raise
        except TelegramError:
            raise
        except Exception as error:  # the library would ask again at once, and for ever
            raise TelegramError(f"an answer of Telegram's cannot be read: {type(error).__name__}") from error
        self._polled()
        return updates


class Calls:
    """What the bot asks of Telegram by itself, as desk.Api says; `book` counts each call towards Telegram's limits."""

    def __init__(self, bot: Bot, book: Callable[[int | str], None] = lambda _chat: None) -> None:
        self.bot, self.book = bot, book

    @property
    def username(self) -> str:
        """The name that commands in groups are addressed to."""
        return self.bot.username

    async def seat(self, chat: int, user: int) -> str:
        """The status of somebody in a chat. Raises Refusal where Telegram does not say."""
        self.book("")
        try:
            async with asyncio.timeout(PATIENCE):
                return str((await self.bot.get_chat_member(chat, user)).status)
        except BadRequest:
            return "left"
        except (TelegramError, TimeoutError):
            raise Refusal(NO_SEAT) from None

    async def answer(self, query: str, text: str) -> None:
        """Answer a press. One that is too old to be answered has had its effect all the same."""
        self.book("")
        with contextlib.suppress(TelegramError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.bot.answer_callback_query(query, text or None)

    async def whisper(self, chat: int, text: str) -> None:
        """Say what must not be stored; where it is lost, it is asked for anew."""
        self.book(chat)
        with contextlib.suppress(TelegramError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.bot.send_message(chat, text)

    async def menu(self, commands: Mapping[str, str], chat: int | str) -> None:
        """Register a menu of commands: of one chat, or of all that are PRIVATE or GROUPS; it may be missing."""
        scope = {PRIVATE: BotCommandScopeAllPrivateChats, GROUPS: BotCommandScopeAllGroupChats}
        try:
            async with asyncio.timeout(PATIENCE):
                await self.bot.set_my_commands(
                    [BotCommand(*one) for one in commands.items()],
                    scope=scope[chat]() if isinstance(chat, str) else BotCommandScopeChat(chat),
                )
        except (TelegramError, TimeoutError) as error:
            log.info("no menu of commands for %s: %s", chat, type(error).__name__)


async def begun(bot: Bot, stop: asyncio.Event, waits: Sequence[float] = (1, 2, 5, 10, 30)) -> bool:
    """Greet Telegram, again and again until it answers; False where `stop` came first. Raises BotStopped."""
    for number in range(1 << 30):
        try:
            await bot.initialize()
        except InvalidToken:
            raise BotStopped(NO_SUCH_BOT) from None
        except TelegramError as error:
            log.warning("Telegram does not answer (%s): the bot waits", type(error.__cause__ or error).__name__)
        else:
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), waits[min(number, len(waits) - 1)])
        if stop.is_set():
            break
    return False
