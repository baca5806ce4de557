"""/mute, /digest and /timezone: when a chat is told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

from watcher.bot.data import button
from watcher.bot.desk import Answer, Buttons, Command, Refusal, Talk, say
from watcher.config import parse_duration
from watcher.people import Chat
from watcher.readers import begin_digest
from watcher.store import Connection, chats

LONGEST_MUTE = timedelta(days=30)
MUTES = ("1h", "8h", "1d", "7d")
_DAILY = re.compile(r"(?:daily\s+)?(?:at\s+)?([01]?[0-9]|2[0-3]):([0-5][0-9])", re.IGNORECASE)
OFF = {"off", "end", "stop"}


def mute(conn: Connection, talk: Talk) -> Answer:
    """Tell this chat nothing for a while; what changes meanwhile is told afterwards, in one message."""
    chat, zone, words = talk.chat(conn), talk.zone(conn), talk.words.lower()
    if not words:
        until = chat.muted_until if chat.muted_until and chat.muted_until > talk.now else None
        said = f"Muted until {_moment(until, zone)}." if until else "This chat is not muted."
        return say(f"{said} For how long?", buttons=_mutes(talk, muted=until is not None))
    if words in OFF:
        return _put(conn, replace(chat, muted_until=None, muted_by=None), "Not muted any more.")
    try:
        span = parse_duration(words.replace(" ", ""))
    except ValueError as error:
        raise Refusal(f"Say for how long: {error}, or off.") from None
    if not timedelta(0) < span <= LONGEST_MUTE:
        raise Refusal("A mute lasts 30 days at most: /mute 30d, or /unsubscribe.")
    until = talk.now + span
    said = f"Muted until {_moment(until, zone)}. What changes meanwhile comes then, in one message. Pages come anyway."
    return _put(conn, replace(chat, muted_until=until, muted_by=talk.ask.user), said, _mutes(talk, muted=True))


def _mutes(talk: Talk, *, muted: bool) -> Buttons:
    words = (*MUTES, *(("off",) if muted else ()))
    return (tuple(button(word, "mute", talk.root, word) for word in words),)


def digest(conn: Connection, talk: Talk) -> Answer:
    """When the daily digest comes."""
    chat, zone, words = talk.chat(conn), talk.zone(conn), talk.words.strip().lower()
    if not words:
        return say(
            f"The digest comes {chat.digest} ({zone})." if chat.digest else "This chat gets no digest.",
            "Write /digest daily 08:00, or /digest off.",
        )
    if words in OFF:
        return _put(conn, replace(chat, digest=""), "No digest any more. What waits for it comes once, soon.")
    found = _DAILY.fullmatch(words)
    if found is None:
        raise Refusal("Say when: /digest daily 08:00, or /digest off.")
    chat = replace(chat, digest=f"daily {int(found[1]):02}:{found[2]}")
    answer = _put(conn, chat, f"The digest comes {chat.digest} ({zone}).")
    begin_digest(conn, chat, zone, talk.now)
    return answer


def timezone(conn: Connection, talk: Talk) -> Answer:
    """In which time zone this chat reads times."""
    chat, zone = talk.chat(conn), talk.zone(conn)
    if not talk.words:
        return say(f"Times are those of {zone}. Write /timezone America/New_York, or /timezone off for the desk's.")
    if talk.words.lower() in OFF:
        return _put(conn, replace(chat, timezone=""), f"Times are those of {talk.desk.config.timezone}, the desk's.")
    name = _zone(talk.words)
    if name is None:
        raise Refusal("There is no such time zone. Write one like America/Los_Angeles or Europe/Berlin.")
    chat = replace(chat, timezone=name)
    answer = _put(conn, chat, f"Times are those of {name}: it is {_moment(talk.now, ZoneInfo(name))}.")
    if chat.digest:
        begin_digest(conn, chat, ZoneInfo(name), talk.now)
    return answer


def _zone(text: str) -> str | None:
    """The IANA name that a text means, however it is spelled."""
    wanted = text.strip().replace(" ", "_").casefold()
    return next((name for name in sorted(available_timezones()) if name.casefold() == wanted), None)


def _put(conn: Connection, chat: Chat, said: str, buttons: Buttons = ()) -> Answer:
    chats.put(conn, chat)
    return say(said, buttons=buttons, toast=said, edits=True)


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %b %d, %H:%M %Z}"


COMMANDS = (
    Command("mute", mute, "Tell this chat nothing for a while.", "[2h|off]", settles=True),
    Command("digest", digest, "When the daily digest comes.", "[daily 08:00|off]", settles=True),
    Command("timezone", timezone, "Whose times this chat reads.", "[NAME]", settles=True, grouped=False),
)
PRESSES = (Command("mute", mute, settles=True),)
