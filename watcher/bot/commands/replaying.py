"""/replay SOURCE SINCE: what was told of a source, once more, into this chat, each message marked."""

from __future__ import annotations

from typing import Any, NamedTuple

from watcher import asking
from watcher.asking import Refused
from watcher.bot.commands.reading import source_named
from watcher.bot.desk import Answer, Command, Note, Refusal, Talk, line, say, strong
from watcher.core import Lane, Line, Severity
from watcher.replay.messages import moment
from watcher.store import Connection, changes, outbox, replays
from watcher.summary import shorten, shown

ROUTE = "replay"
"""Alerts go before it."""
MOST = 20
"""Messages of one replay."""
LONGEST = 200
USAGE = "Write /replay, the name of a source, and since when: /replay {} 30d"


class Played(NamedTuple):
    """The messages of a replay, and how many more there were."""

    messages: tuple[tuple[Line, ...], ...]
    more: int


async def play(talk: Talk) -> tuple[str, Played]:
    """Read what was told. Raises Refusal."""
    name, _, since = talk.words.rpartition(" ")
    if not name:
        raise Refusal(USAGE.format(next(iter(talk.desk.sources), "NAME")))
    source = source_named(talk, "replay", name.strip())
    try:
        start = asking.Desk(talk.desk.config, talk.now, json=False).time(since)
    except Refused as refused:
        raise Refusal(f"Since when? {refused}") from None
    found = changes.chosen(sources=[source], since=start, until=talk.now)
    return source, await talk.desk.store.read(_played, found, talk)


def _played(conn: Connection, found: Any, talk: Talk) -> Played:
    """Each message once, whoever got it, oldest first; what nobody was told of, in a line."""
    zone = talk.zone(conn)
    messages: list[tuple[Line, ...]] = []
    seen: set[object] = set()
    for told in replays.replayed(conn, found):
        key = (told.sent.changes, told.sent.part) if told.sent else told.change.id
        if key in seen or (told.sent is None and told.change.severity is Severity.COSMETIC):
            continue
        seen.add(key)
        if len(messages) < MOST:
            untold = (line(shorten(shown(told.change.summary), LONGEST)), line("Nobody was told of it then."))
            mark = line(strong(f"Replay of {moment(told.change.at, zone)}"))
            messages.append((mark, *(told.sent.lines if told.sent else untold)))
    return Played(tuple(messages), max(len(seen) - MOST, 0))


def replay(conn: Connection, talk: Talk) -> Answer:
    """Send it here, behind all alerts. Raises Refusal while another one is on its way."""
    source, played = talk.found
    if any(alert.route == ROUTE for alert, _ in outbox.waiting(conn, [talk.channel]).get(talk.channel, ())):
        raise Refusal("Another replay is on its way into this chat: wait until it has come.")
    if not played.messages:
        return say(f"Nothing changed in {source} since then.", about=source)
    more = f" There are {played.more} more: watcher replay {source} shows all." if played.more else ""
    count = len(played.messages)
    first = line(
        strong(f"Replay of {source}"), f": {count} message{'' if count == 1 else 's'}, none of them new.{more}"
    )
    notes = tuple(Note(talk.channel, one) for one in played.messages)
    return Answer((first,), more=notes, about=source, detail={"messages": count}, route=ROUTE, lane=Lane.DIGEST)


COMMANDS = (
    Command(
        "replay",
        replay,
        "What was told of a source, once more.",
        "SOURCE SINCE",
        prepare=play,
        settles=True,
        grouped=False,
    ),
)
