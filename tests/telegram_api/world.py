"""What exists in the imitated Telegram: people, chats with their topics, and messages as people see them now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.telegram_api.entities import Entity
from tests.telegram_api.faults import (
    BLOCKED,
    CHAT_NOT_FOUND,
    DEACTIVATED,
    NEVER_STARTED,
    NO_RIGHTS,
    Fault,
    Refusal,
    bad,
)
from tests.telegram_api.faults import migrated as moved

Json = dict[str, Any]


@dataclass
class Person:
    """A user, or the bot."""

    id: int
    name: str
    username: str = ""
    is_bot: bool = False
    deactivated: bool = False

    def json(self) -> Json:
        told = {"id": self.id, "is_bot": self.is_bot, "first_name": self.name}
        return told | ({"username": self.username} if self.username else {})


@dataclass
class Message:
    """A message as it stands in its chat now; `edits` counts how often its author changed it."""

    chat: Chat
    id: int
    author: Person | None
    date: int
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    markup: Json | None = None
    topic: int | None = None
    reply_to: Message | None = None
    photo: bytes | None = None
    edits: int = 0
    deleted: bool = False
    service: Json = field(default_factory=dict)

    @property
    def buttons(self) -> list[list[Json]]:
        """The rows of its inline keyboard."""
        rows: list[list[Json]] = (self.markup or {}).get("inline_keyboard", [])
        return rows

    @property
    def labels(self) -> list[str]:
        """What its buttons say."""
        return [button["text"] for row in self.buttons for button in row]

    def button(self, label: str) -> Json:
        """The button that says `label`."""
        found = next((button for row in self.buttons for button in row if button["text"] == label), None)
        assert found, f"no button {label!r} under this message, only {self.labels}"
        return found

    def json(self, *, nested: bool = False) -> Json:
        told: Json = {"message_id": self.id, "date": self.date, "chat": self.chat.json(), **self.service}
        if self.author and self.chat.kind != "channel":
            told["from"] = self.author.json()
        if self.chat.kind == "channel":
            told["sender_chat"] = self.chat.json()
        if self.topic is not None:
            told |= {"message_thread_id": self.topic, "is_topic_message": True}
        if self.edits:
            told["edit_date"] = self.date
        if self.photo is not None:
            name = f"photo{self.chat.id}-{self.id}"
            size = {"file_id": name, "file_unique_id": name, "width": 1, "height": 1, "file_size": len(self.photo)}
            told["photo"] = [size]
        words = "caption" if self.photo is not None else "text"
        if self.text:
            told[words] = self.text
        if self.entities:
            told["entities" if words == "text" else "caption_entities"] = self.entities
        if self.buttons:
            told["reply_markup"] = self.markup
        if self.reply_to and not nested:
            told["reply_to_message"] = self.reply_to.json(nested=True)
        return told

    def lines(self) -> Iterator[str]:
        """The message as a person reads it, in plain text."""
        name = self.author.name if self.author else self.chat.title
        picture = "[picture] " if self.photo is not None else ""
        yield f"{name}: {picture}{self.text}" + (" (edited)" if self.edits else "")
        for row in self.buttons:
            yield "  " + " ".join(f"[{button['text']}]" for button in row)


@dataclass
class Chat:
    """A chat. `bot` is the bot's status in it; `people` those of others; `topics` say whether each is open."""

    id: int
    kind: str
    title: str
    bot: str
    forum: bool = False
    people: dict[int, str] = field(default_factory=dict)
    topics: dict[int, bool] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    moved_to: int | None = None
    last: int = 0

    def json(self) -> Json:
        told: Json = {"id": self.id, "type": self.kind, "first_name" if self.kind == "private" else "title": self.title}
        return told | ({"is_forum": True} if self.forum else {})

    def new_id(self) -> int:
        self.last += 1
        return self.last

    def visible(self, topic: int | None = None) -> list[Message]:
        """The messages that are not deleted, of one topic if it is given."""
        here = (message for message in self.messages.values() if not message.deleted)
        return [message for message in here if topic in {None, message.topic}]


class World:
    """Who and what there is. A chat's kind follows from its id, as in Telegram, but a channel must be told."""

    def __init__(self, bot: Person, clock: Callable[[], float]) -> None:
        self.bot = bot
        self.clock = clock
        self.people: dict[int, Person] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self.queries: set[str] = set()
        self.answers: dict[str, str] = {}
        self.commands: dict[str, list[Json]] = {}
        self.webhook = ""
        self.photos: dict[str, bytes] = {}

    def person(self, user: int) -> Person:
        return self.people.setdefault(user, Person(user, f"User {user}"))

    def chat(self, chat_id: int, *, kind: str = "", title: str = "", bot: str = "", forum: bool = False) -> Chat:
        """The chat, made if it is not there."""
        if chat_id not in self.chats:
            inferred = "private" if chat_id > 0 else "supergroup" if chat_id < -(10**12) or forum else "group"
            kind = kind or inferred
            title = title or (self.person(chat_id).name if kind == "private" else f"{kind.title()} {chat_id}")
            bot = bot or ("administrator" if kind == "channel" else "member")
            self.chats[chat_id] = Chat(chat_id, kind, title, bot, forum)
        return self.chats[chat_id]

    def post(self, chat: Chat, author: Person | None, **fields: Any) -> Message:
        """A new message in `chat`."""
        message = Message(chat, chat.new_id(), author, max(int(self.clock()), 1), **fields)
        chat.messages[message.id] = message
        return message

    def writable(self, chat_id: int | None) -> Chat:
        """The chat, if the bot may write to it. Raises Refusal."""
        chat = self.readable(chat_id)
        person = self.people.get(chat.id)
        if chat.kind == "private" and person and person.deactivated:
            raise Refusal(DEACTIVATED)
        if chat.bot in {"left", "kicked", "never"}:
            raise Refusal(_shut(chat))
        if chat.bot == "restricted":
            raise Refusal(NO_RIGHTS)
        if chat.kind == "channel" and chat.bot != "administrator":
            raise Refusal(bad("need administrator rights in the channel chat"))
        return chat

    def readable(self, chat_id: int | None) -> Chat:
        """The chat, if it is known and where it was. Raises Refusal."""
        chat = self.chats.get(chat_id) if chat_id is not None else None
        if chat is None:
            raise Refusal(CHAT_NOT_FOUND)
        if chat.moved_to is not None:
            raise Refusal(moved(chat.moved_to))
        return chat


def _shut(chat: Chat) -> Fault:
    if chat.kind == "private":
        return NEVER_STARTED if chat.bot == "never" else BLOCKED
    deed = "was kicked from" if chat.bot == "kicked" else "is not a member of"
    return Fault(403, f"Forbidden: bot {deed} the {chat.kind} chat")
