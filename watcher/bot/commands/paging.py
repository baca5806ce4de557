"""Pages of people on call: /ack, /snooze, and the buttons under a page."""

from __future__ import annotations

import re
from datetime import timedelta

from watcher.bot.desk import Answer, Command, Refusal, Talk, say
from watcher.config import parse_duration
from watcher.oncall import pages as core
from watcher.oncall.pages import Page
from watcher.people import Role
from watcher.store import Connection, pages

_ID = re.compile(r"[0-9a-f]{8,16}")
_NAMED = re.compile(r"\bpage ([0-9a-f]{8})\b")
WHICH = "Which page? Answer its message with /{0}, or write /{0} and its id: {1}."
NONE = "No page waits for that."
HOW_LONG = "For how long? From 15m to 24h: /snooze 2h, as an answer to the page or with its id: /snooze {} 2h."


def ack(conn: Connection, talk: Talk) -> Answer:
    """Acknowledge a page; the other words are a note."""
    page, note = _meant(conn, talk, "ack", (core.OPEN, core.ASKED))
    said = _act(conn, talk, page, "ack")
    if note:
        noted = _act(conn, talk, page, "note", note)
        said = said if noted == said else f"{said} {noted}"
    return say(f"{said} Page {page.short}.", about=page.id, kept=True)


def snooze(conn: Connection, talk: Talk) -> Answer:
    """Ask nobody about a page for a while; an hour where none is named."""
    page, span = _meant(conn, talk, "snooze", (core.OPEN, core.ASKED, core.ACKED))
    try:
        minutes = parse_duration(span or "1h") // timedelta(minutes=1)
    except ValueError:
        raise Refusal(HOW_LONG.format(page.short)) from None
    return say(f"{_act(conn, talk, page, 'snooze', str(minutes))} Page {page.short}.", about=page.id, kept=True)


def _meant(conn: Connection, talk: Talk, name: str, states: tuple[str, ...]) -> tuple[Page, str]:
    """The page that is named or answered, else the only one in these states; and the other words. Raises Refusal."""
    first, _, rest = talk.words.partition(" ")
    if _ID.fullmatch(first.lower()):
        page = pages.called(conn, first.lower())
        if page is None:
            raise Refusal(f"There is no page {first:.16}.")
        return page, rest.strip()
    named = _NAMED.findall(talk.ask.answered)
    if named and (page := pages.called(conn, named[-1])):
        return page, talk.words.strip()
    waiting = [one for one in pages.standing(conn) if one.state in states]
    if len(waiting) != 1:
        raise Refusal(WHICH.format(name, ", ".join(one.short for one in waiting)) if waiting else NONE)
    return waiting[0], talk.words.strip()


def _act(conn: Connection, talk: Talk, page: Page, action: str, note: str = "") -> str:
    return talk.desk.paging.act(conn, page.id, action, talk.asker.member, None, talk.now, note)


def pressed(conn: Connection, talk: Talk) -> Answer:
    """A button under a page."""
    press = core.pressed(talk.words)
    assert press is not None
    member = talk.asker.member
    said = talk.desk.paging.act(conn, press.page, press.action, member, press.level, talk.now)
    return Answer(toast=said, kept=True)


COMMANDS = (
    Command("ack", ack, "Acknowledge a page: you have it.", "[ID] [note]", role=Role.READER, counted=False),
    Command("snooze", snooze, "Ask nobody about a page for a while.", "[ID] [15m to 24h]", counted=False),
)
PRESSED = Command("page", pressed, role=None, counted=False)
