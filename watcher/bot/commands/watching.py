"""/watch URL: what each kind would read on a page, a button that picks one, and a name: then it is watched.

What was picked stands in the audit, so that the name may come as plain words, whatever restarts between.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

from watcher import plugins
from watcher.bot import asks
from watcher.bot.data import button
from watcher.bot.desk import Answer, Command, Refusal, Talk, line, say, strong
from watcher.config import ConfigError
from watcher.config import source as config_source
from watcher.core import Document, Failure, NotReadable, Source, capture_of
from watcher.people import Role
from watcher.pool import Unread
from watcher.store import Connection, additions, audit, inbox
from watcher.store.additions import SOURCE, Addition
from watcher.summary import shorten, shown
from watcher.suspect import judge

MOST = 50
"""Sources that one member may add."""
LONGEST_URL, LONGEST = 2048, 160
MOST_COLUMNS = 6
LONGEST_NAME = 40
SOON = timedelta(minutes=10)
"""How long after a kind was picked plain words are its name."""
PICKED = "kind"
USAGE = "Write /watch and the address of a page: /watch https://www.example.org/list"
TOO_OLD = "That message is too old: send /watch and the address again."


class Preview(NamedTuple):
    """What one kind reads on the page, in a line."""

    kind: str
    says: str
    rows: int


async def look(talk: Talk) -> Sequence[Preview]:
    """Fetch the page once, and let each kind that may fit read it. Raises Refusal."""
    url = _url(talk.words)
    source = _source("preview", "page", url)
    parts = talk.desk.app.parts
    got = await parts.fetch(source, url)
    if isinstance(got, Failure):
        raise Refusal(f"This page cannot be watched: {shorten(shown(got.detail), LONGEST)}")
    verdict = judge(got, url)
    if not verdict.ok:
        raise Refusal(f"This page cannot be watched as it answers now: {shorten(shown(verdict.reason), LONGEST)}")
    found = []
    for kind in plugins.source_kinds():
        try:
            one = config_source({"name": "preview", "kind": kind, "url": url})
            document = await parts.pool.read(one, capture_of(one, got, talk.now), {})
        except (ConfigError, NotReadable, Unread):
            continue  # it wants options, or finds nothing here
        if document.records or document.blocks or document.links:
            found.append(_preview(kind, document))
    if not found:
        raise Refusal("No kind reads anything on this page. Is it empty without scripts?")
    return sorted(found, key=lambda one: (-one.rows, one.kind))


def _preview(kind: str, document: Document) -> Preview:
    rows = len(document.records)
    if rows:
        first = next(iter(document.records.values()))
        columns = ", ".join(list(first.fields)[:MOST_COLUMNS])
        says = f"{rows} row{'' if rows == 1 else 's'}, as “{first.key}” ({columns})"
    elif document.blocks:
        says = f"{len(document.blocks)} paragraphs, as “{document.blocks[0].text}”"
    else:
        says = f"{len(document.links)} links, as “{document.links[0].text}”"
    return Preview(kind, shorten(shown(says), LONGEST), rows)


def watch(_: Connection, talk: Talk) -> Answer:
    """What each kind would read, with a button for each."""
    url = _url(talk.words)
    _unwatched(talk, url)
    told = [line(strong(one.kind), f": {one.says}") for one in talk.found]
    keys = tuple((button(one.kind, PICKED, talk.root, one.kind),) for one in talk.found)
    return Answer((line("What should be read on this page?"), *told), keys, about=url)


def picked(conn: Connection, talk: Talk) -> Answer:
    """A kind was picked: how shall the source be called?"""
    url = _asked(conn, talk, talk.root)
    _source("preview", talk.words, url)
    name = _suggested(talk, url)
    return Answer(
        (
            line(strong(talk.words), ": how shall the source be called?"),
            line(
                "Write its name, or take this one." if talk.ask.is_private else "Take this name, or ask me in private."
            ),
        ),
        ((button(name, "named", talk.root, talk.words),),),
        edits=True,
        about=talk.words,
        detail={"root": talk.root, "kind": talk.words},
    )


def named(conn: Connection, talk: Talk) -> Answer:
    """The suggested name was taken."""
    url = _asked(conn, talk, talk.root)
    return _add(conn, talk, _suggested(talk, url), talk.words, url)


def waits_for_name(conn: Connection, talk: Talk) -> Answer | None:
    """The plain words as a name, where a kind was picked right before; None where they are none."""
    last = audit.last(conn, talk.ask.user or 0, talk.channel)
    asked = (last.detail or {}) if last is not None and talk.now - last.at <= SOON else {}
    if not asked.keys() >= {"root", "kind"} or (talk.asker.role or Role.READER) < Role.EDITOR:
        return None
    try:
        return _add(conn, talk, talk.words.strip(), asked["kind"], _asked(conn, talk, asked["root"]))
    except Refusal as refusal:
        return say(str(refusal), detail={"root": asked["root"], "kind": asked["kind"]})


def _add(conn: Connection, talk: Talk, name: str, kind: str, url: str) -> Answer:
    """Store it; it is watched from now on."""
    user = talk.ask.user or 0
    _unwatched(talk, url)
    if additions.count(conn, SOURCE, user) >= MOST:
        raise Refusal(f"You have added {MOST} sources, and that is the most.")
    source = _source(name, kind, url)
    taken = any(one.name.casefold() == name.casefold() for one in talk.desk.config.sources)
    body = {"name": name, "kind": kind, "url": url}
    if taken or not additions.put(conn, SOURCE, Addition(name, body, talk.ask.user, talk.now)):
        raise Refusal(f"There is, or was, a source called {name}: write another name.")
    told = line(strong(name), " is watched from now on, at least every 6 hours. What is there now is the baseline.")
    return Answer(
        (told, line(f"To be told of it here: /subscribe {name}")),
        toast=f"Watched as {name}",
        edits=True,
        about=name,
        detail=body,
        then=lambda: talk.desk.app.take_up(source),
    )


def _unwatched(talk: Talk, url: str) -> None:
    known = next((one.name for one in talk.desk.config.sources if one.url == url), None)
    if known:
        raise Refusal(f"That page is watched already, as {known}.")


def _url(words: str) -> str:
    """The address in the words of the command. Raises Refusal."""
    url = words.split(maxsplit=1)[0] if words else ""
    if not url.startswith(("http://", "https://")) or len(url) > LONGEST_URL:
        raise Refusal(USAGE)
    return url


def _source(name: str, kind: str, url: str) -> Source:
    """The source that this would be. Raises Refusal."""
    try:
        return config_source({"name": name, "kind": kind, "url": url})
    except ConfigError as error:
        raise Refusal(shorten(shown(str(error)), 2 * LONGEST)) from None


def _asked(conn: Connection, talk: Talk, root: int) -> str:
    """The address that /watch was given in this chat. Raises Refusal."""
    update = inbox.update_of(conn, root)
    ask = asks.read(update) if update else None
    given = ask.command(talk.desk.api.username) if ask and ask.channel == talk.channel else None
    if given is None or given[0] != "watch":
        raise Refusal(TOO_OLD)
    return _url(given[1])


def _suggested(talk: Talk, url: str) -> str:
    """A name made of the address that no source has."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.").split(".")[0]
    stem = parts.path.rstrip("/").rpartition("/")[2].rpartition(".")[0] or parts.path.rstrip("/").rpartition("/")[2]
    words = re.findall(r"[a-z0-9]+", f"{host} {stem}".lower())
    name = "-".join(words)[:LONGEST_NAME].strip("-") or "page"
    taken = {one.name.casefold() for one in talk.desk.config.sources}
    return next(one for one in (name, *(f"{name}-{number}" for number in range(2, 1000))) if one not in taken)


COMMANDS = (Command("watch", watch, "Watch another page.", "URL", prepare=look, role=Role.EDITOR, grouped=False),)
PRESSES = (Command(PICKED, picked, role=Role.EDITOR), Command("named", named, role=Role.EDITOR))
