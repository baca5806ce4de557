"""Telegram: one message part to one fixed chat, through python-telegram-bot, and what its every answer means for us."""

from __future__ import annotations

import asyncio
import logging
import math
import os
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

import msgspec

from watcher.core import Dead, Line, Message, Outcome, Retry, Sent, Tools
from watcher.notify.attempt import attempt
from watcher.render import as_html, as_text, entities, repeat_line, utf16

if TYPE_CHECKING:
    from telegram import Bot
    from telegram.error import TelegramError

LONGEST = 4096
"""UTF-16 units of one message, once its HTML is read (Bot API, sendMessage)."""

MOST_ENTITIES = 100
"""Marked runs of one message; beyond them Telegram shows text plain (Bot API, formatting options)."""

REPEAT_MARK = utf16(as_text((repeat_line("0" * 16), ())))
"""What the mark of a repeat takes of a message."""

FLOOD_MARGIN = timedelta(seconds=0.5)
BAD_TOKEN_WAIT = timedelta(minutes=15)
NEVER_SENT = {"ConnectTimeout", "ConnectError", "PoolTimeout", "UnsupportedProtocol", "InvalidURL", "ProxyError"}
"""What httpx raises before a request has left: these repeat unmarked."""

FINAL = (
    "chat not found",
    "not enough rights",
    "thread not found",
    "topic_closed",
    "topic_deleted",
    "chat_write_forbidden",
)
"""What a BadRequest says when this chat or topic will never take a message."""


class TelegramOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`chat`: id of the chat, or the @name of a channel. `topic`: id of a topic in it. `base_url`: of the Bot API."""

    token: str
    chat: int | str
    topic: int | None = None
    base_url: str = "https://api.telegram.org/bot"

    def __repr__(self) -> str:
        return f"TelegramOptions(chat={self.chat!r}, topic={self.topic!r})"


class Telegram:
    """Sends to one chat. Nothing is ever sent twice unmarked, and the token never stands in a reason or a log."""

    kind: ClassVar[str] = "telegram"
    Options: ClassVar[type] = TelegramOptions
    read_timeout: ClassVar[float] = 20.0
    sleep = staticmethod(asyncio.sleep)
    limit: int = LONGEST - REPEAT_MARK

    def __init__(self, options: TelegramOptions, tools: Tools) -> None:
        self.options = options
        self.tools = tools
        self._chat = options.chat
        self._bot: Bot | None = None

    def measure(self, lines: tuple[Line, ...]) -> int:
        """UTF-16 units of the longer form, plain text; many marked runs count for more, to stay below their limit."""
        return max(utf16(as_text(lines)), math.ceil(entities(lines) * self.limit / MOST_ENTITIES))

    async def send(self, message: Message) -> Outcome:
        """Deliver one part; never raises for what the network or Telegram does."""
        lines = (repeat_line(message.ref), *message.lines) if message.repeat else message.lines
        return await attempt(lambda: self._send(lines), self.sleep)

    async def close(self) -> None:
        """Release connections."""
        if self._bot is not None:
            for request in self._bot._request:  # noqa: SLF001 - Bot.shutdown closes only what Bot.initialize, a call, opened
                await request.shutdown()
            self._bot = None

    async def _send(self, lines: tuple[Line, ...]) -> Outcome:
        """One attempt: a chat that moved is followed once, HTML that Telegram cannot parse goes as plain text once."""
        from telegram.error import BadRequest, ChatMigrated, TelegramError

        text, mode, moved = as_html(lines), "HTML", ""
        for _ in range(3):
            try:
                return Sent(await self._post(text, mode) + moved)
            except ChatMigrated as error:
                self._chat = error.new_chat_id
                moved = f" (chat {self.options.chat} is now {self._chat}: write that in config.toml)"
            except BadRequest as error:
                if not mode or "can't parse" not in error.message.lower():
                    return verdict(error)
                text, mode = as_text(lines), ""
            except TelegramError as error:
                return verdict(error)
        return Dead(f"chat {self.options.chat} moves in circles: check `chat` of this channel")

    async def _post(self, text: str, mode: str) -> str:
        from telegram import LinkPreviewOptions

        sent = await self._connected().send_message(
            chat_id=self._chat,
            text=text,
            parse_mode=mode or None,
            message_thread_id=self.options.topic,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
        return str(sent.message_id)

    def _connected(self) -> Bot:
        if self._bot is None:
            os.environ.setdefault("PTB_TIMEDELTA", "true")  # else the library warns at each flood answer
            from telegram import Bot
            from telegram.request import HTTPXRequest

            for name in ("httpx", "httpcore", "telegram"):  # below WARNING they log the address, and the token in it
                logging.getLogger(name).setLevel(logging.WARNING)
            request = HTTPXRequest(
                connection_pool_size=8, read_timeout=self.read_timeout, httpx_kwargs={"trust_env": False}
            )
            self._bot = Bot(self.options.token, base_url=self.options.base_url, request=request)
        return self._bot


def verdict(error: TelegramError) -> Outcome:
    """What an error means for the message: final, surely not accepted, or unknown.

    The order matters: BadRequest and TimedOut are NetworkErrors too. Whether a request left is told only by the cause.
    """
    from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter

    if isinstance(error, RetryAfter):
        wait = error.retry_after
        after = (wait if isinstance(wait, timedelta) else timedelta(seconds=wait)) + FLOOD_MARGIN
        return Retry(f"Telegram asks to wait {after.total_seconds():g} s", after)
    if isinstance(error, Forbidden):
        return Dead(f"{error.message}: the bot may not write to this chat")
    if isinstance(error, BadRequest):
        final = any(words in error.message.lower() for words in FINAL)
        advice = "check `chat` and `topic` of this channel" if final else "Telegram refuses this message"
        return Dead(f"{error.message}: {advice}")
    if isinstance(error, InvalidToken):
        return Retry("Telegram rejects the bot's token: check what token_env names", BAD_TOKEN_WAIT)
    return _unclear(error)


def _unclear(error: TelegramError) -> Retry:
    """A fault on the way. What its cause says is never quoted: the address may be in it, and so the token."""
    cause = type(error.__cause__).__name__
    if cause in NEVER_SENT:
        return Retry(f"not sent: no connection to Telegram ({cause})")
    said = cause if error.__cause__ else f"{error.message:.200}"
    return Retry(f"Telegram gave no clear answer ({said})", unknown=True)
