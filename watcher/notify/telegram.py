"""Telegram: one message part to one chat, through python-telegram-bot, and what its every answer means for us."""

from __future__ import annotations

import asyncio
import logging
import math
import os
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from watcher.core import Dead, Extras, Line, Message, Moved, Outcome, Retry, Sent, Tools
from watcher.notify.attempt import attempt
from watcher.people import TELEGRAM
from watcher.render import as_html, as_text, entities, repeat_line, utf16

if TYPE_CHECKING:
    from telegram import Bot, InlineKeyboardMarkup
    from telegram.error import TelegramError

log = logging.getLogger(__name__)

LONGEST = 4096
"""UTF-16 units of one message, once its HTML is read (Bot API, sendMessage)."""
LONGEST_CAPTION = 1024
"""UTF-16 units under a picture (Bot API, sendPhoto); longer words stand alone."""

MOST_ENTITIES = 100
"""Marked runs of one message; beyond them Telegram shows text plain (Bot API, formatting options)."""

REPEAT_MARK = utf16(as_text((repeat_line("0" * 16), ())))
"""What the mark of a repeat takes of a message."""

NO_SUCH_BOT = "Telegram rejects the bot's token: check what token_env names"
FLOOD_MARGIN = timedelta(seconds=0.5)
BAD_TOKEN_WAIT = timedelta(minutes=15)
NEVER_SENT = {"ConnectTimeout", "ConnectError", "PoolTimeout", "UnsupportedProtocol", "InvalidURL", "ProxyError"}
"""What httpx raises before a request has left: these repeat unmarked."""

TOPIC_GONE = ("thread not found", "topic_closed", "topic_deleted")
"""What a BadRequest says when this topic takes no message; others of the chat may."""
CHAT_GONE = ("chat not found", "peer_id_invalid", "rights", "chat_write_forbidden")
"""What a BadRequest says when this chat will never take a message."""
EDIT_GONE = ("to edit not found", "can't be edited", "no text in the message to edit")

CONNECTIONS = 64
MOST_FORMS = 6
FORM_GAP = 1.0
"""Seconds between two forms of a message, for a refused one counts in its chat, too."""
SHORT = 500
"""Characters kept of each end of a message that Telegram refuses whole."""


class TelegramOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`chat`: id of the chat, or the @name of a channel. `topic`: id of a topic in it. `base_url`: of the Bot API."""

    token: str
    chat: int | str
    topic: int | None = None
    base_url: str = "https://api.telegram.org/bot"

    def __repr__(self) -> str:
        return f"TelegramOptions(chat={self.chat!r}, topic={self.topic!r})"


def hush() -> None:
    """Let the library and what it calls say nothing that holds the token, and warn of no flood answer."""
    os.environ.setdefault("PTB_TIMEDELTA", "true")
    for name in ("httpx", "httpcore", "telegram"):  # below WARNING they log the address, and the token in it
        logging.getLogger(name).setLevel(logging.WARNING)


class Connection:
    """One bot for all chats of a token: its HTTP client, opened at the first message."""

    def __init__(self, token: str, base_url: str, read_timeout: float) -> None:
        self.token, self.base_url, self.read_timeout = token, base_url, read_timeout
        self._bot: Bot | None = None
        self._drawn: tuple[tuple[str, ...], bytes] = (), b""
        self._drawing = asyncio.Lock()

    @property
    def bot(self) -> Bot:
        """The library's bot, which asks nothing of Telegram by itself."""
        if self._bot is None:
            from telegram import Bot
            from telegram.request import HTTPXRequest

            hush()
            request = HTTPXRequest(
                connection_pool_size=CONNECTIONS, read_timeout=self.read_timeout, httpx_kwargs={"trust_env": False}
            )
            self._bot = Bot(self.token, base_url=self.base_url, request=request)
        return self._bot

    async def drawing(self, message: Message) -> bytes:
        """The changes as a picture, drawn once for all chats that are told the same."""
        key = tuple(change.id for change in message.changes)
        async with self._drawing:
            if self._drawn[0] != key:
                self._drawn = key, await asyncio.to_thread(_drawn, message)
            return self._drawn[1]

    async def close(self) -> None:
        """Release connections."""
        if self._bot is not None:
            for request in self._bot._request:  # noqa: SLF001 - Bot.shutdown closes only what Bot.initialize, a call, opened
                await request.shutdown()
            self._bot = None


class Telegram:
    """Sends to one chat. Nothing is ever sent twice unmarked, and the token never stands in a reason or a log."""

    kind: ClassVar[str] = "telegram"
    Options: ClassVar[type] = TelegramOptions
    draws: ClassVar[bool] = True
    read_timeout: ClassVar[float] = 20.0
    sleep = staticmethod(asyncio.sleep)
    limit: int = LONGEST - REPEAT_MARK

    def __init__(self, options: TelegramOptions, tools: Tools, *, named: bool = True) -> None:
        self.options = options
        self.tools = tools
        self.named = named
        self._chat, self._topic = options.chat, options.topic
        key = (self.kind, options.token, options.base_url)
        self._connection: Connection = tools.shared.setdefault(
            key, Connection(options.token, options.base_url, self.read_timeout)
        )

    @classmethod
    def to(cls, channel: str, token: str, base_url: str, tools: Tools) -> Telegram:
        """The notifier of a chat that has joined, by its name: "telegram:-100123/7". Raises ValueError for another."""
        chat, _, topic = channel.removeprefix(TELEGRAM).partition("/")
        options = TelegramOptions(token, int(chat), int(topic) if topic else None, base_url)
        return cls(options, tools, named=False)

    @staticmethod
    def load() -> None:
        """Load the libraries, which takes longer than many a message: before one is claimed, it delays nothing."""
        for name in ("tenacity", "telegram.request"):
            import_module(name)

    @property
    def chat(self) -> str:
        """The chat, as its messages are counted: topics of a group count together."""
        return str(self._chat)

    def measure(self, lines: tuple[Line, ...]) -> int:
        """UTF-16 units of the longer form, plain text; many marked runs count for more, to stay below their limit."""
        return max(utf16(as_text(lines)), math.ceil(entities(lines) * self.limit / MOST_ENTITIES))

    async def send(self, message: Message) -> Outcome:
        """Deliver one part; never raises for what the network or Telegram does."""
        mark = (repeat_line(message.ref),) if message.repeat else ()
        form = _Form(message.lines, mark, message.extras.edit)
        if message.extras.picture and not form.edit and utf16(as_text(form.shown)) <= LONGEST_CAPTION:
            form = form._replace(drawing=await self._connection.drawing(message))
        return await attempt(lambda: self._send(form, message.extras), self.sleep)

    async def close(self) -> None:
        """Release connections."""
        await self._connection.close()

    async def _send(self, form: _Form, extras: Extras) -> Outcome:
        """One attempt. What Telegram surely refused is tried once in each simpler form that may pass.

        A chat that moved is followed, an edit of what is gone becomes a message, a closed topic gives way to the
        chat's own, HTML that cannot be parsed goes as plain text, what is refused for another reason is cut short.
        """
        from telegram.error import BadRequest, ChatMigrated, TelegramError

        notes: list[str] = []
        for number in range(MOST_FORMS):
            if number:
                await self.sleep(FORM_GAP)
            try:
                return Sent(await self._post(form, extras), "; ".join(notes))
            except ChatMigrated as error:
                if not self.named:
                    return Moved(f"{TELEGRAM}{error.new_chat_id}" + (f"/{self._topic}" if self._topic else ""))
                self._chat = error.new_chat_id
                notes.append(f"chat {self.options.chat} is now {self._chat}: write that in config.toml")
            except BadRequest as error:
                said = error.message.lower()
                if "not modified" in said:
                    return Sent(extras.edit)
                simpler = self._simpler(form, said)
                if simpler is None:
                    return verdict(error)
                form, note = simpler
                notes += filter(None, [note])
            except TelegramError as error:
                return verdict(error)
        return Dead(f"chat {self.options.chat} moves in circles: check `chat` of this channel")

    def _simpler(self, form: _Form, said: str) -> tuple[_Form, str] | None:
        """The form to try after Telegram has `said` no, and what to note of it; None where nothing else may pass."""
        topic_gone = _says(said, TOPIC_GONE)
        if topic_gone and self._topic is not None:
            topic, self._topic = self._topic, None
            return form, f"topic {topic} of chat {self._chat} is closed or gone: sent to the chat itself"
        if form.drawing and "not found" not in said:  # a chat may take words and no pictures
            return form._replace(drawing=b""), ""
        if form.edit and _says(said, EDIT_GONE):
            return form._replace(edit=""), ""
        if form.mode and "can't parse" in said:
            return form._replace(mode=""), ""
        if topic_gone or form.short or _says(said, CHAT_GONE):
            return None
        return form._replace(mode="", short=True), f"shortened, since Telegram refused the whole ({said:.100})"

    async def _post(self, form: _Form, extras: Extras) -> str:
        from telegram import LinkPreviewOptions, Message, ReplyParameters

        text = as_html(form.shown) if form.mode else as_text(form.shown)
        common: dict[str, Any] = {
            "chat_id": self._chat,
            "parse_mode": form.mode or None,
            "reply_markup": _keyboard(extras),
        }
        bot, preview = self._connection.bot, LinkPreviewOptions(is_disabled=True)
        if form.edit:
            edited = await bot.edit_message_text(
                text=_cut(text, form), message_id=_number(form.edit), link_preview_options=preview, **common
            )
            return str(edited.message_id) if isinstance(edited, Message) else form.edit
        common["message_thread_id"] = self._topic
        common["disable_notification"] = extras.silent or None
        if extras.reply_to:
            common["reply_parameters"] = ReplyParameters(_number(extras.reply_to), allow_sending_without_reply=True)
        if form.drawing:
            sent = await bot.send_photo(photo=form.drawing, caption=_cut(text, form), **common)
        else:
            sent = await bot.send_message(text=_cut(text, form), link_preview_options=preview, **common)
        return str(sent.message_id)


class _Form(NamedTuple):
    """How a message is tried: as an edit, with a drawing, as HTML or plain text, in short."""

    lines: tuple[Line, ...]
    mark: tuple[Line, ...]
    edit: str
    drawing: bytes = b""
    mode: str = "HTML"
    short: bool = False

    @property
    def shown(self) -> tuple[Line, ...]:
        """The lines, with the mark of a repeat; an edit made twice is the same, and has none."""
        return self.lines if self.edit else (*self.mark, *self.lines)


def _says(said: str, phrases: tuple[str, ...]) -> bool:
    return any(words in said for words in phrases)


def _cut(text: str, form: _Form) -> str:
    return text if not form.short else f"{text[:SHORT]}\n…\n{as_text(form.lines[-1:])[-SHORT:]}"


def _number(receipt: str) -> int:
    """The message's id in a receipt; those of earlier versions have notes behind it."""
    return int(receipt.partition(" ")[0])


def _keyboard(extras: Extras) -> InlineKeyboardMarkup | None:
    """The buttons; an edit without any takes those away that were there."""
    from telegram import InlineKeyboardButton, InlineKeyboardMarkup

    if not extras.buttons:
        return None
    return InlineKeyboardMarkup(
        [
            [
                InlineKeyboardButton(button.text, url=button.url)
                if button.url
                else InlineKeyboardButton(button.text, callback_data=button.data)
                for button in row
            ]
            for row in extras.buttons
        ]
    )


def _drawn(message: Message) -> bytes:
    """The changes as a picture; none where they cannot be drawn: then the words stand alone."""
    try:
        from watcher.pictures import picture, png

        scene = picture(message.changes)
        return png(scene) if scene is not None else b""
    except Exception as error:  # noqa: BLE001 - the words say the same, and must not be lost for a drawing
        log.warning("no picture for %s: %s", message.ref, type(error).__name__)
        return b""


def verdict(error: TelegramError) -> Outcome:
    """What an error means for the message: final, surely not accepted, or unknown.

    The order matters: BadRequest and TimedOut are NetworkErrors too. Whether a request left is told only by the cause.
    """
    from telegram.error import BadRequest, Forbidden, InvalidToken, RetryAfter

    if isinstance(error, RetryAfter):
        wait = error.retry_after
        after = (wait if isinstance(wait, timedelta) else timedelta(seconds=wait)) + FLOOD_MARGIN
        return Retry(f"Telegram asks to wait {after.total_seconds():g} s", after, counts=False)
    if isinstance(error, Forbidden):
        return Dead(f"{error.message}: the bot may not write to this chat", closed=True)
    if isinstance(error, BadRequest):
        said = error.message.lower()
        closed = _says(said, CHAT_GONE)
        theirs = closed or _says(said, TOPIC_GONE)
        advice = "check `chat` and `topic` of this channel" if theirs else "Telegram refuses this message"
        return Dead(f"{error.message}: {advice}", closed=closed)
    if isinstance(error, InvalidToken):
        return Retry(NO_SUCH_BOT, BAD_TOKEN_WAIT, counts=False, stops=True)
    return _unclear(error)


def _unclear(error: TelegramError) -> Retry:
    """A fault on the way. What its cause says is never quoted: the address may be in it, and so the token."""
    cause = type(error.__cause__).__name__
    if cause in NEVER_SENT:
        return Retry(f"not sent: no connection to Telegram ({cause})", counts=False, stops=True)
    said = cause if error.__cause__ else f"{error.message:.200}"
    return Retry(f"Telegram gave no clear answer ({said})", unknown=True)
