"""/start and /help; the bot comes into a chat, leaves it, or a group gets another name."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from watcher.bot.desk import Answer, Command, Refusal, Talk, line, say, strong
from watcher.bot.who import NOT_JOINED
from watcher.config import parse_duration
from watcher.people import Chat, Invite, Member, Role
from watcher.store import Connection, chats, members, queue
from watcher.subscriptions.reading import EXAMPLES

IN, OUT = {"member", "administrator", "creator"}, {"left", "kicked"}
LONGEST_CODE = 64
CODE_BYTES = 15
USUAL, LONGEST = timedelta(days=1), timedelta(days=90)
MOST_USES = 1000
ROLES = {role.label: role for role in Role}
NO_CODE = "This code does not hold: it was used, has ended, or was typed wrongly. Ask for another."


def start(conn: Connection, talk: Talk) -> Answer:
    """Join: by a code, or freely where the bot is open. In a group, the group joins."""
    if not talk.ask.is_private:
        return _start_here(conn, talk)
    member, role = talk.asker.member, talk.asker.role
    if code := talk.words.split()[0] if talk.words else "":
        invite = members.use(conn, code, talk.now) if len(code) <= LONGEST_CODE else None
        if invite is None:
            raise Refusal(NO_CODE)
        role = max(role or Role.READER, invite.role)
        member = replace(member, by=invite.by)
    elif role is None and _is_open(talk):
        role = Role.READER
    if role is None:
        raise Refusal(NOT_JOINED)
    members.put(conn, Member(member.id, talk.ask.name or member.name, role, member.joined, member.by))
    _enter(conn, talk)
    greeting = _greeting(f"Welcome, {talk.ask.name}. You are a {role.label}.", role, about=role.label)
    return replace(greeting, then=partial(_show_menu, talk, role))


def _show_menu(talk: Talk, role: Role) -> Awaitable[None]:
    from watcher.bot.registry import menu

    return talk.desk.api.menu(menu(role), talk.asker.member.id)


def _start_here(conn: Connection, talk: Talk) -> Answer:
    """The group or channel joins where somebody says so who may."""
    if chats.chat(conn, talk.ask.chat) is None and not (talk.asker.role is not None or _is_open(talk)):
        raise Refusal(NOT_JOINED)
    _enter(conn, talk)
    return _greeting("Here I am. Administrators of this chat say what it is told.", talk.asker.role or Role.READER)


def _is_open(talk: Talk) -> bool:
    return talk.desk.config.telegram is not None and talk.desk.config.telegram.open


def _enter(conn: Connection, talk: Talk) -> None:
    """The chat is known from now on, and can be written to."""
    chat = chats.chat(conn, talk.ask.chat) or Chat(talk.ask.chat, talk.ask.chat_kind, talk.ask.title, talk.now)
    chats.put(conn, replace(chat, kind=talk.ask.chat_kind, title=talk.ask.title, state="active", reason=""))


def _greeting(first: str, role: Role, about: str = "") -> Answer:
    return Answer(
        (
            line(strong(first)),
            line(f"Write /subscribe and what you want to hear of: {EXAMPLES}."),
            line("/list shows what this chat is told, /latest what changed last, /help everything else."),
            *(
                [line("/oncall shows who is on call; under each page there is a button to acknowledge it.")]
                * (role > 0)
            ),
        ),
        about=about,
    )


def help_(_: Connection, talk: Talk) -> Answer:
    """What whoever asks can do."""
    from watcher.bot.registry import COMMANDS

    role = talk.asker.role
    mine = [one for one in COMMANDS.values() if one.role is None or (role is not None and role >= one.role)]
    listed = [line(strong(f"/{one.name}"), f" {one.usage}".rstrip(), f": {one.about}") for one in mine]
    hint = "In a private chat, just write what you want to hear of." if talk.ask.is_private else ""
    return Answer((*listed, *([line(hint)] if hint else ())))


def unknown(_: Connection, talk: Talk) -> Answer:
    """A command that is none."""
    del talk
    raise Refusal("I do not know that command. /help lists those that there are.")


def forged(_: Connection, talk: Talk) -> Answer:
    """A button that is none of this version's."""
    del talk
    raise Refusal("This button is none of mine, or of another version: ask again.")


def seated(conn: Connection, talk: Talk) -> Answer:
    """The bot was added, made an administrator, thrown out or blocked."""
    if talk.words in OUT:
        said = "blocked the bot" if talk.ask.is_private else f"the bot is {talk.words}"
        queue.close(conn, talk.ask.chat, f"{said}, by {talk.ask.name or 'somebody'}")
        return Answer(about=talk.words)
    known = chats.chat(conn, talk.ask.chat)
    if talk.words not in IN or (talk.ask.is_private and known is None):
        return Answer(about=talk.words)
    if known is not None and known.state == "active":
        return Answer(about=talk.words)
    if known is None and not (talk.asker.role is not None or _is_open(talk)):
        return say(NOT_JOINED, about=talk.words)
    _enter(conn, talk)
    if talk.ask.is_private:
        return Answer(about=talk.words)
    return replace(_start_here(conn, talk), about=talk.words)


def moved(conn: Connection, talk: Talk) -> Answer:
    """A group has become a supergroup: all of it goes with it."""
    queue.move(conn, talk.ask.chat, talk.words)
    return Answer(about=talk.words)


# ---------------------------------------------------------------- invitations


def code(conn: Connection, talk: Talk) -> Answer:
    """Make an invitation. Its code is told, and never stored."""
    if not talk.ask.is_private:
        raise Refusal("Ask me in a private chat: whoever reads the code can use it.")
    role, uses, span = _invitation(talk.words)
    made = secrets.token_urlsafe(CODE_BYTES)
    ends = talk.now + span
    members.put_invite(conn, Invite(members.digest(made), role, uses, ends, talk.ask.user, talk.now))
    text = f"Whoever sends me this joins:\n/start {made}\nhttps://t.me/{talk.desk.api.username}?start={made}"
    times = "once" if uses == 1 else f"{uses} times"
    said = f"An invitation for a {role.label}, {times}, until {ends:%b %d, %H:%M} UTC, comes by itself: it is not kept."
    to = talk.ask.user or 0
    return say(
        said,
        about=role.label,
        detail={"invite": members.digest(made)[:8], "uses": uses},
        then=lambda: talk.desk.api.whisper(to, text),
    )


def _invitation(words: str) -> tuple[Role, int, timedelta]:
    """The role, the uses and the time in the words of /code, in any order. Raises Refusal."""
    role, uses, span = Role.READER, 1, USUAL
    for word in words.lower().split():
        if word in ROLES:
            role = ROLES[word]
        elif word.isascii() and word.isdigit() and 0 < int(word[:9]) <= MOST_USES:
            uses = int(word)
        else:
            try:
                span = min(parse_duration(word), LONGEST)
            except ValueError:
                raise Refusal(
                    "Write /code with a role (reader, reporter, editor, admin), how often it can be used, and for "
                    "how long: /code reporter 1 2d"
                ) from None
    return role, uses, span


COMMANDS = (
    Command("start", start, "Join, or let this chat join.", "[CODE]", role=None),
    Command("help", help_, "Everything that can be asked.", role=None),
    Command("code", code, "Invite somebody.", "[ROLE] [USES] [2d]", role=Role.ADMIN, grouped=False),
)
UNKNOWN = Command("unknown", unknown, role=None)
FORGED = Command("forged", forged, role=None)
SEATED = Command("seat", seated, role=None, counted=False)
MOVED = Command("moved", moved, role=None, counted=False)
