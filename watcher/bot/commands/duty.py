"""/oncall, /take and /swap: who is on call, and the exchanges that people agree on."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from watcher import duty
from watcher.bot.desk import Answer, Command, Note, Refusal, Talk, line, say, strong
from watcher.config import parse_duration
from watcher.duty import Exchange
from watcher.people import TELEGRAM, Role
from watcher.store import Connection

AHEAD = timedelta(weeks=4)
MOST_SHIFTS = 4
"""Shifts of each rota that are listed."""


def on_call(conn: Connection, talk: Talk) -> Answer:
    """Who is on call now and next."""
    zone = talk.zone(conn)
    told = []
    for rota in [_rota(talk, talk.words)] if talk.words else _rotas(talk):
        found = duty.shifts(conn, rota, talk.now, talk.now + AHEAD, talk.desk.paging.calendars)[:MOST_SHIFTS]
        now = found[0] if found else None
        until = f", until {_moment(now.end, zone)}" if now else ""
        told.append(line(strong(f"{rota}: {(now.person if now else '') or 'nobody'}"), until))
        told += [line(f"then {one.person or 'nobody'}, until {_moment(one.end, zone)}") for one in found[1:]]
    return Answer(tuple(told)) if told else say("There is no rota: whoever runs this bot writes one in config.toml.")


def take(conn: Connection, talk: Talk) -> Answer:
    """Whoever asks takes over the shift that runs, or the next hours."""
    words = talk.words.split()
    span = _span(words[-1]) if words else None
    rota = _rota(talk, " ".join(words[:-1] if span else words))
    calendars = talk.desk.paging.calendars
    before = duty.on_duty(conn, rota, talk.now, calendars)
    me = _me(talk)
    said = _exchange(conn, talk, rota).take(me, end=talk.now + span if span else None)
    return say(said, about=rota, more=_told(talk, said, before))


def swap(conn: Connection, talk: Talk) -> Answer:
    """Whoever asks exchanges the next shift with somebody."""
    names = {one.name.casefold(): one.name for one in talk.desk.config.people}
    first, _, rest = talk.words.partition(" ")
    other = names.get(talk.words.casefold()) or names.get(first.casefold())
    if other is None:
        raise Refusal(f"With whom? Write /swap and a name: {', '.join(names.values()) or 'there is nobody'}.")
    rota = _rota(talk, "" if other.casefold() == talk.words.casefold() else rest)
    said = _exchange(conn, talk, rota).swap(_me(talk), other)
    return say(*said.splitlines(), about=rota, more=_told(talk, said, other))


def _exchange(conn: Connection, talk: Talk, rota: str) -> Exchange:
    return Exchange(conn, rota, _me(talk), talk.now, talk.desk.paging.calendars, talk.ask.user)


def _told(talk: Talk, said: str, name: str) -> tuple[Note, ...]:
    """The other one reads it, too."""
    person = next((one for one in talk.desk.config.people if one.name == name), None)
    if person is None or person.telegram in (None, talk.ask.user):
        return ()
    return (Note(f"{TELEGRAM}{person.telegram}", tuple(line(one) for one in said.splitlines())),)


def _me(talk: Talk) -> str:
    """The name in config.toml of whoever asks. Raises Refusal."""
    found = next((one.name for one in talk.desk.config.people if one.telegram == talk.ask.user), None)
    if found is None or talk.ask.user is None:
        raise Refusal(
            f"config.toml has no [[person]] with your Telegram id, {talk.ask.user}: ask whoever runs this bot."
        )
    return str(found)


def _rotas(talk: Talk) -> list[str]:
    return [str(one.name) for one in talk.desk.config.rotas]


def _rota(talk: Talk, name: str) -> str:
    """The rota that is named, or the only one. Raises Refusal."""
    names = _rotas(talk)
    if not name and len(names) == 1:
        return names[0]
    found = next((one for one in names if one.casefold() == name.casefold()), None)
    if found is None:
        raise Refusal(f"Which rota? There {'are' if names else 'is'} {', '.join(names) or 'none'}.")
    return found


def _span(word: str) -> timedelta | None:
    try:
        return parse_duration(word.lower())
    except ValueError:
        return None


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%a %b %d, %H:%M %Z}"


COMMANDS = (
    Command("oncall", on_call, "Who is on call now, and next.", "[ROTA]"),
    Command("take", take, "Take over the shift that runs, or some hours.", "[ROTA] [3h]", role=Role.REPORTER),
    Command("swap", swap, "Exchange the next shift with somebody.", "NAME [ROTA]", role=Role.REPORTER, grouped=False),
)
