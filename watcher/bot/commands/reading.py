"""/sources, /status, /latest, /history, /diff and /place: what is stored, read in chat."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from watcher.asking import compared
from watcher.bot import asks
from watcher.bot.data import button, short
from watcher.bot.desk import Answer, Buttons, Command, Refusal, Talk, line, say, strong
from watcher.core import Change, Line, Run, Severity, SourceState, Subject
from watcher.places import resolve
from watcher.render import body
from watcher.store import Connection, changes, inbox, snapshots
from watcher.subscriptions import place_name
from watcher.subscriptions.reading import places_meant
from watcher.summary import shorten, shown

MOST_SOURCES = 40
MOST_CHANGES = 15
MOST_LINES = 30
LONGEST = 200
LATE = timedelta(minutes=5)
"""How much later than planned a check may be before it is called late."""
LONGEST_NAME = 100


# ---------------------------------------------------------------- sources


def sources(_: Connection, talk: Talk) -> Answer:
    """What is watched: the names that commands take, each with its page."""
    watched = talk.desk.config.sources
    told = [line(strong(one.name), f" · {one.kind} · ", Run("page", "link", one.url)) for one in watched]
    return Answer(_most(told, MOST_SOURCES, "sources") or (line("Nothing is watched yet."),))


def status(conn: Connection, talk: Talk) -> Answer:
    """How each source stands: faults first, then what is late."""
    zone, states = talk.zone(conn), talk.desk.app.states
    known = [(name, states.get(name) or SourceState(name)) for name in talk.desk.sources]
    bad = [(name, state) for name, state in known if _trouble(state, talk.now)]
    head = f"{len(known) - len(bad)} of {len(known)} sources were seen as they should be."
    told = [line(strong(name), f" · {_standing(state, talk.now, zone)}") for name, state in bad]
    told += [line(name, f" · {_standing(state, talk.now, zone)}") for name, state in known if (name, state) not in bad]
    return Answer((line(strong(head)), *_most(told, MOST_SOURCES, "sources")))


def _trouble(state: SourceState, now: datetime) -> bool:
    return state.state != "ok" or bool(state.failures) or _late(state, now) is not None


def _late(state: SourceState, now: datetime) -> timedelta | None:
    late = now - state.next_check if state.next_check else None
    return late if late is not None and late > LATE else None


def _standing(state: SourceState, now: datetime, zone: tzinfo) -> str:
    """One source in a line: when it was checked, whether that is late, and what is wrong."""
    said = [f"checked {_moment(state.last_checked, zone)}" if state.last_checked else "not checked yet"]
    if late := _late(state, now):
        said.append(f"late by {_span(late)}")
    if state.failures:
        said.append(f"{state.failures} failure{'' if state.failures == 1 else 's'} in a row")
    if state.state not in ("ok", "new"):
        said.append(state.state)
    if state.error:
        said.append(shorten(shown(state.error), LONGEST))
    return " · ".join(said)


def _span(late: timedelta) -> str:
    minutes = int(late.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - two hours


# ---------------------------------------------------------------- changes


def latest(conn: Connection, talk: Talk) -> Answer:
    """What changed last, over all sources."""
    found = changes.newest(conn, changes.chosen(), MOST_CHANGES * 4)
    loud = [one for one in found if one.severity > Severity.COSMETIC]
    return _told(conn, talk, loud[: MOST_CHANGES + 1], "Nothing has changed yet.")


def history(conn: Connection, talk: Talk) -> Answer:
    """What changed last in one source, and in the documents that it lists."""
    name = source_named(talk, "history")
    found = changes.newest(conn, changes.chosen(sources=[name]), MOST_CHANGES + 1)
    return _told(conn, talk, found, f"Nothing has changed in {name} since it is watched.", about=name)


def _told(conn: Connection, talk: Talk, found: Sequence[Change], none: str, about: str = "") -> Answer:
    """Changes, newest first; of more than are told, the oldest says that there are others."""
    if not found:
        return say(none, about=about)
    zone = talk.zone(conn)
    told = [
        line(f"{_moment(one.at, zone)} · {shown(one.source)}: ", strong(shorten(shown(one.summary), LONGEST)))
        for one in found[:MOST_CHANGES]
    ]
    before = [line(Run("… and others before: watcher history tells all", "dim"))] if len(found) > MOST_CHANGES else []
    return Answer((*told, *before), about=about)


async def two_captures(talk: Talk) -> tuple[str, tuple[Line, ...]]:
    """What differs between the last two captures of a source, read in the pool."""
    name = source_named(talk, "diff")
    parts = talk.desk.app.parts
    source = next(one for one in talk.desk.app.sources if one.name == name)
    stored = await parts.store.read(snapshots.snapshots, name, verdicts=("ok",))
    if len(stored) < 2:  # noqa: PLR2004 - two captures
        raise Refusal(f"There are no two captures of {name} to compare yet.")
    before, after = stored[-2:]
    reading = await compared(parts.store, parts.pool, source, before, after)
    zone = talk.desk.config.timezone
    head = line(strong(name), f": {_moment(before.at, zone)} → {_moment(after.at, zone)}")
    told = [one.line for one in body(reading.changes)] or [line("Nothing differs in what is read.")]
    return name, (head, *_most(told, MOST_LINES, "lines", f"watcher diff {name}"))


def diff(_: Connection, talk: Talk) -> Answer:
    """What differed last."""
    name, lines = talk.found
    return Answer(lines, about=name)


def source_named(talk: Talk, command: str, text: str | None = None) -> str:
    """The source, or document of one, that is named. Raises Refusal, with what is called nearly so."""
    wanted = talk.words if text is None else text
    names = [one.name for one in talk.desk.app.sources]
    found = next((one for one in names if one.casefold() == wanted.casefold()), None)
    if found:
        return found
    if not wanted:
        raise Refusal(f"Of which source? Write /{command} and its name, as /sources lists it.")
    close = difflib.get_close_matches(wanted[:LONGEST_NAME], names[:1000], n=3)
    near = f" Did you mean {' or '.join(close)}?" if close else ""
    raise Refusal(f"No source is called “{shorten(wanted, 60)}”.{near} /sources lists them.")


# ---------------------------------------------------------------- places


def place(conn: Connection, talk: Talk) -> Answer:
    """A place's history over all sources; where a name is that of several, buttons ask which."""
    if not talk.words:
        raise Refusal("Which place? Write /place Clark County, Nev.")
    found = _places(talk.words)
    if len(found) > 1:
        rows: Buttons = tuple((button(one.name[:60], "place", talk.root, short(one.id)),) for one in found[:8])
        return say("Which do you mean?", buttons=rows)
    return _history_of(conn, talk, found[0])


def _places(text: str) -> list[Subject]:
    text = text[:LONGEST_NAME].strip('"“” ')
    return places_meant(text, ()) or [resolve(text)]


def chosen(conn: Connection, talk: Talk) -> Answer:
    """One of the places of a name was pressed."""
    update = inbox.update_of(conn, talk.root)
    ask = asks.read(update) if update else None
    given = ask.command(talk.desk.api.username) if ask and ask.channel == talk.channel else None
    found = [one for one in _places(given[1] if given else "") if short(one.id) == talk.words]
    if not found:
        raise Refusal("That message is too old: ask again.")
    return _history_of(conn, talk, found[0])


def _history_of(conn: Connection, talk: Talk, subject: Subject) -> Answer:
    found = changes.newest(conn, changes.chosen(place=subject.id), MOST_CHANGES + 1)
    name = place_name(subject.id) if subject.id.startswith("us-") else subject.name
    told = _told(conn, talk, found, f"Nothing stored names {shorten(shown(name), LONGEST)}.", about=subject.id)
    return Answer((line(strong(shorten(shown(name), LONGEST))), *told.lines), toast=name, edits=True, about=subject.id)


# ----------------------------------------------------------------


def _most(lines: Sequence[Line], most: int, what: str, command: str = "") -> tuple[Line, ...]:
    """The first lines, and how many more there are."""
    more = len(lines) - most
    where = f": {command} tells all" if command else ""
    return (*lines[:most], *([line(Run(f"… and {more} more {what}{where}", "dim"))] if more > 0 else ()))


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


COMMANDS = (
    Command("latest", latest, "What changed last."),
    Command("place", place, "A place's history over all sources.", "PLACE"),
    Command("history", history, "What changed in one source.", "SOURCE"),
    Command("diff", diff, "What differed last in one source.", "SOURCE", prepare=two_captures, grouped=False),
    Command("sources", sources, "What is watched."),
    Command("status", status, "When each source was checked, and what is wrong.", grouped=False),
)
PRESSES = (Command("place", chosen),)
