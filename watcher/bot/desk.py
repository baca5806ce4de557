"""What the bot's commands are made of: the desk that they work at, who asks, what they answer, what they are."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from watcher.app import App
from watcher.bot.asks import Ask
from watcher.config import Config
from watcher.core import Button, Lane, Line, Run
from watcher.paging import Paging
from watcher.people import Chat, Member, Role
from watcher.store import Connection, Store, chats

REPLY = "reply"
"""The route of answers."""
Buttons = tuple[tuple[Button, ...], ...]


class Refusal(Exception):  # noqa: N818 - an answer to a person, not a fault
    """What was asked cannot be done; its text says why, and what to do instead. Nothing is stored of it."""


class Api(Protocol):
    """What the bot asks of Telegram by itself, beside polling; all else it says is a row of the outbox."""

    @property
    def username(self) -> str:
        """The bot's own name, by which commands in groups are addressed to it."""
        ...

    async def seat(self, chat: int, user: int) -> str:
        """The status of somebody in a chat: creator, administrator, member, left. Raises Refusal."""
        ...

    async def answer(self, query: str, text: str) -> None:
        """Answer a press, as well as may be."""
        ...

    async def menu(self, commands: Mapping[str, str], chat: int | str) -> None:
        """Register the menu of commands that a chat shows, as well as may be."""
        ...

    async def whisper(self, chat: int, text: str) -> None:
        """Say what must not be stored, as well as may be."""
        ...


@dataclass(slots=True)
class Desk:
    """What the bot works with: the running app, the people on call, and Telegram."""

    app: App
    paging: Paging
    api: Api

    @property
    def config(self) -> Config:
        """config.toml, and what people added."""
        return self.app.config

    @property
    def store(self) -> Store:
        """Where all of it is kept."""
        return self.app.parts.store

    def now(self) -> datetime:
        """The time, in UTC."""
        return self.app.parts.now()

    @property
    def sources(self) -> Sequence[str]:
        """The names of what is watched, without the documents of lists."""
        return [one.name for one in self.config.sources]

    def subscriptions_changed(self) -> None:
        """Let them be read again, even within the second in which they were read last; in the store's own thread."""
        self.app.dispatch.readers = None


class Asker(NamedTuple):
    """Who asks, and what they may: their role (None for a stranger), and whether they decide for this chat."""

    member: Member
    role: Role | None
    decides: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """One thing that is asked: `words` are those of the command or the button, `found` what was prepared for it.

    `root` is the update that the message with the button answers, or this one.
    """

    desk: Desk
    ask: Ask
    asker: Asker
    words: str
    root: int
    now: datetime
    found: Any = None

    @property
    def channel(self) -> str:
        """Where the answer goes."""
        return self.ask.channel

    def chat(self, conn: Connection) -> Chat:
        """The chat as it is stored, or as it would be."""
        known = chats.chat(conn, self.channel)
        return known or Chat(self.channel, self.ask.chat_kind, self.ask.title, self.now)

    def zone(self, conn: Connection) -> tzinfo:
        """The time zone of the chat, or else the desk's."""
        own = self.chat(conn).timezone
        return ZoneInfo(own) if own else self.desk.config.timezone


class Note(NamedTuple):
    """Another message than the answer: where, and what."""

    channel: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said: `lines` with `buttons`, `toast` to whoever pressed, `more` messages.

    `edits`: it stands in place of the message that was pressed. `about` and `detail` are for the audit, which `kept`
    says was written already. `route` and `lane` are those of its messages (Alert, Delivery). `then` is done once all
    of it is stored, and lost where the process ends before.
    """

    lines: tuple[Line, ...] = ()
    buttons: Buttons = ()
    toast: str = ""
    edits: bool = False
    more: tuple[Note, ...] = ()
    about: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    kept: bool = False
    route: str = REPLY
    lane: Lane = Lane.ANSWER
    then: Callable[[], Awaitable[None] | None] | None = None


def say(*texts: str, buttons: Buttons = (), **more: Any) -> Answer:
    """An answer of plain lines."""
    return Answer(tuple(line(text) for text in texts), buttons, **more)


def line(*parts: str | Run) -> Line:
    """One line of a message, of texts and runs."""
    return tuple(Run(part) if isinstance(part, str) else part for part in parts)


def strong(text: str) -> Run:
    """Words that stand out."""
    return Run(text, "strong")


@dataclass(frozen=True, slots=True)
class Command:
    """One command, or what one kind of button does.

    `prepare` reads and fetches, and its result is `found` in the Talk; `run` is called in the transaction that handles
    the update, and may be called twice. `role` is the least that is needed (None: anybody); what `settles` something
    for a chat is for the admins of a group. `counted`: towards the limit of commands in a minute.
    """

    name: str
    run: Callable[[Connection, Talk], Answer]
    about: str = ""
    usage: str = ""
    prepare: Callable[[Talk], Awaitable[Any]] | None = None
    role: Role | None = Role.READER
    settles: bool = False
    grouped: bool = True
    counted: bool = True

    async def prepared(self, talk: Talk) -> Talk:
        """The talk with what the command needs. Raises Refusal."""
        return replace(talk, found=await self.prepare(talk)) if self.prepare else talk
