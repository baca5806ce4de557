"""What somebody asks of the bot: one update of the Bot API as a frozen value, whatever it holds. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

from watcher.people import TELEGRAM, Update

LONGEST = 4096
"""Characters of a text that are read; Telegram sends no more."""
PRIVATE, CHANNEL = "private", "channel"
TEXT, PRESS, SEAT, MOVED = "text", "press", "seat", "moved"
"""A text; a press of a button; the bot's own seat in a chat is another; a group has become a supergroup."""

_SECRET = re.compile(r"\s*/start(?:@\w{1,64})?\s+\S", re.IGNORECASE)
_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@(\w{1,64}))?(?:\s+(.*))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that came in. `channel` is the chat as channels are named, with its topic.

    `user` is who did it, None for a post of a channel; `as_chat`: in the chat's own name, as only its admins can.
    `message` is the message that was pressed or is answered, `answered` its text or caption; `query` is the press.
    `status` is the bot's new seat in the chat, or the chat's new name.
    """

    update: int
    kind: str
    at: datetime
    channel: str
    chat_kind: str
    title: str
    user: int | None = None
    name: str = ""
    as_chat: bool = False
    text: str = ""
    message: int = 0
    answered: str = ""
    query: str = ""
    status: str = ""

    @property
    def chat(self) -> str:
        """The chat without its topic."""
        return self.channel.partition("/")[0]

    @property
    def holds_code(self) -> bool:
        """Whether the code of an invitation may stand in it, or in what it answers."""
        return bool(_SECRET.match(self.text) or _SECRET.match(self.answered))

    @property
    def is_private(self) -> bool:
        """Whether it is a chat with one person."""
        return self.chat_kind == PRIVATE

    def command(self, username: str) -> tuple[str, str] | None:
        """The command in the text, in small letters, and its words; None for no command, or another bot's."""
        found = _COMMAND.fullmatch(self.text.strip())
        if found is None or (found[2] and found[2].casefold() != username.casefold()):
            return None
        return found[1].lower(), (found[3] or "").strip()


Id = Annotated[int, msgspec.Meta(ge=-(1 << 53), le=1 << 53)]
"""Of people, chats and messages; Telegram's have at most 52 bits (Bot API, User)."""


class _User(msgspec.Struct):
    id: Id
    first_name: str = ""
    last_name: str = ""
    is_bot: bool = False

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class _Chat(msgspec.Struct):
    id: Id
    type: str
    title: str = ""
    first_name: str = ""


class _Message(msgspec.Struct):
    chat: _Chat
    message_id: Id = 0
    date: int = 0
    author: _User | None = msgspec.field(name="from", default=None)
    sender_chat: _Chat | None = None
    text: str = ""
    caption: str = ""
    message_thread_id: Id | None = None
    is_topic_message: bool = False
    reply_to_message: _Message | None = None
    migrate_to_chat_id: Id | None = None

    @property
    def shown(self) -> str:
        """What is read in it; of a picture, what stands below."""
        return (self.text or self.caption)[:LONGEST]

    @property
    def channel(self) -> str:
        topic = f"/{self.message_thread_id}" if self.is_topic_message and self.message_thread_id else ""
        return f"{TELEGRAM}{self.chat.id}{topic}"


class _Query(msgspec.Struct):
    id: str
    author: _User = msgspec.field(name="from")
    data: str = ""
    message: _Message | None = None


class _Seat(msgspec.Struct):
    status: str


class _Seated(msgspec.Struct):
    chat: _Chat
    author: _User = msgspec.field(name="from")
    new_chat_member: _Seat
    date: int = 0


class _Update(msgspec.Struct):
    message: _Message | None = None
    channel_post: _Message | None = None
    callback_query: _Query | None = None
    my_chat_member: _Seated | None = None


def read(update: Update) -> Ask | None:
    """What an update asks; None where it asks nothing that the bot does."""
    try:
        found = msgspec.convert(dict(update.body), _Update)
    except msgspec.ValidationError:
        return None
    if message := found.message or found.channel_post:
        return _said(update, message)
    if found.callback_query and found.callback_query.message:
        return _pressed(update, found.callback_query, found.callback_query.message)
    if found.my_chat_member:
        return _seated(update, found.my_chat_member)
    return None


def _said(update: Update, message: _Message) -> Ask | None:
    if message.author and message.author.is_bot and message.sender_chat is None:
        return None
    own = message.sender_chat is not None and message.sender_chat.id == message.chat.id
    answered = message.reply_to_message
    moved = message.migrate_to_chat_id
    if not moved and not message.text:
        return None
    return Ask(
        update=update.id,
        kind=MOVED if moved else TEXT,
        at=_time(message.date, update.received),
        **_where(message.chat, message.channel),
        **_who(None if own else message.author),
        as_chat=own or message.chat.type == CHANNEL,
        text=message.text[:LONGEST],
        message=answered.message_id if answered else 0,
        answered=answered.shown if answered else "",
        status=f"{TELEGRAM}{moved}" if moved else "",
    )


def _pressed(update: Update, query: _Query, message: _Message) -> Ask:
    return Ask(
        update=update.id,
        kind=PRESS,
        at=update.received,
        **_where(message.chat, message.channel),
        **_who(query.author),
        text=query.data,
        message=message.message_id,
        answered=message.shown,
        query=query.id,
    )


def _seated(update: Update, seated: _Seated) -> Ask:
    return Ask(
        update=update.id,
        kind=SEAT,
        at=_time(seated.date, update.received),
        **_where(seated.chat, f"{TELEGRAM}{seated.chat.id}"),
        **_who(seated.author),
        status=seated.new_chat_member.status,
    )


def _where(chat: _Chat, channel: str) -> Mapping[str, Any]:
    return {"channel": channel, "chat_kind": chat.type, "title": (chat.title or chat.first_name)[:100]}


def _who(user: _User | None) -> Mapping[str, Any]:
    return {"user": user.id, "name": user.name[:100]} if user else {}


def _time(seconds: int, otherwise: datetime) -> datetime:
    """When it was said. Telegram's clock may not run ahead of ours: limits count by it."""
    try:
        return min(datetime.fromtimestamp(seconds, UTC), otherwise) if seconds > 0 else otherwise
    except (ValueError, OverflowError, OSError):
        return otherwise
