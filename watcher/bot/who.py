"""Who asks, and whether they may: by their own role, by config.toml, and in a group by their seat in it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from watcher.bot.asks import Ask
from watcher.bot.desk import Api, Asker, Command, Desk
from watcher.config import Config
from watcher.people import TELEGRAM, Member, Role
from watcher.store import Connection, chats, members

HEADS = {"creator", "administrator"}
CACHED = timedelta(minutes=5)
"""How long a person's seat in a group is known."""
MOST_A_MINUTE = 20
MINUTE = timedelta(minutes=1)
MOST_KNOWN = 10_000
"""Seats and people that are kept in mind."""

NOT_JOINED = "This bot is for those who were invited. Ask whoever runs it for a code, then write: /start CODE"
NOT_OPEN = "Write /start first."
NOT_HERE = "Only an administrator of this chat can do that."
TOO_MANY = f"That is more than {MOST_A_MINUTE} commands in a minute. Wait a little, then go on."


@dataclass(slots=True)
class Seats:
    """Who is an administrator of which group, as Telegram says, kept for five minutes."""

    api: Api
    known: dict[tuple[int, int], tuple[str, datetime]] = field(default_factory=dict)

    async def decides(self, ask: Ask, now: datetime) -> bool:
        """Whether whoever asks decides for the chat. Raises Refusal where Telegram does not say."""
        if ask.is_private or ask.as_chat:
            return True
        if ask.user is None:
            return False
        key = int(ask.chat.removeprefix(TELEGRAM)), ask.user
        status, until = self.known.get(key, ("", now))
        if until <= now:
            status = await self.api.seat(*key)
            if len(self.known) >= MOST_KNOWN:
                self.known.clear()
            self.known[key] = status, now + CACHED
        return status in HEADS


@dataclass(slots=True)
class Pace:
    """How many commands each person gave in the last minute, by Telegram's own times: a backlog is no flood.

    Whoever speaks in the name of a chat is that chat.
    """

    given: dict[int | str, deque[datetime]] = field(default_factory=dict)

    def beyond(self, ask: Ask) -> int:
        """Count a command in; by how many it is one too many, 0 where it is not."""
        if len(self.given) >= MOST_KNOWN:
            self.given.clear()
        mine = self.given.setdefault(ask.chat if ask.user is None else ask.user, deque())
        while mine and mine[0] <= ask.at - MINUTE:
            mine.popleft()
        mine.append(ask.at)
        return max(len(mine) - MOST_A_MINUTE, 0)


def known(conn: Connection, config: Config, ask: Ask) -> tuple[Member, Role | None, bool]:
    """Whoever asks, their role (None where they have not joined), and whether the chat has joined."""
    user = ask.user or 0
    found = members.member(conn, user) if user else None
    role = found.role if found else None
    if any(one.telegram == user for one in config.people):
        role = max(role or Role.READER, Role.REPORTER)
    if config.telegram and user in config.telegram.admins:
        role = Role.ADMIN
    here = chats.chat(conn, ask.chat)
    joined = here is not None and not ask.is_private
    name = ask.name or (f"user {user}" if user else ask.title)
    return found or Member(user, name, role or Role.READER, ask.at), role, joined


def trusted(conn: Connection, config: Config) -> dict[int, Role]:
    """Those who may more than readers, with their roles."""
    found = {one.id: one.role for one in members.everybody(conn)}
    found |= {
        one.telegram: max(found.get(one.telegram, Role.READER), Role.REPORTER) for one in config.people if one.telegram
    }
    found |= dict.fromkeys(config.telegram.admins if config.telegram else (), Role.ADMIN)
    return {user: role for user, role in found.items() if role > Role.READER}


async def asker(desk: Desk, seats: Seats, ask: Ask, command: Command) -> Asker:
    """Who asks, and what they may. In a chat that has joined, everybody may read. Raises Refusal."""
    member, role, joined = await desk.store.read(known, desk.config, ask)
    if role is None and joined:
        role = Role.READER
    decides = role is Role.ADMIN or ask.is_private
    if command.settles and role is not None and not decides:
        decides = await seats.decides(ask, desk.now())
    return Asker(replace(member, role=role or Role.READER), role, decides)


def refused(config: Config, command: Command, who: Asker, ask: Ask) -> str:
    """Why they may not; "" where they may."""
    if command.role is not None and who.role is None:
        is_open = config.telegram is not None and config.telegram.open
        return NOT_OPEN if is_open and ask.is_private else NOT_JOINED
    if command.role is not None and who.role is not None and who.role < command.role:
        return f"That is for those who are {command.role.label}s or more; you are a {who.role.label}. Ask an admin."
    if command.settles and not who.decides:
        return NOT_HERE
    return ""
