"""Pages of people on call: /ack, and the buttons under a page."""

from __future__ import annotations

import re

from watcher.bot.desk import Answer, Command, Refusal, Talk, say
from watcher.oncall import pages as core
from watcher.people import Role
from watcher.store import Connection, pages

_ID = re.compile(r"[0-9a-f]{8,16}")
_NAMED = re.compile(r"\bpage ([0-9a-f]{8})\b")
WHICH = "Which page? Answer its message with /ack, or write /ack and its id: {}."
NONE = "No page waits for an acknowledgement."


def ack(conn: Connection, talk: Talk) -> Answer:
    """Acknowledge a page: the one that is named or answered, else the only one that stands; the rest is a note."""
    first, _, rest = talk.words.partition(" ")
    page, note = None, talk.words
    if _ID.fullmatch(first.lower()):
        page, note = pages.called(conn, first.lower()), rest
        if page is None:
            raise Refusal(f"There is no page {first:.16}.")
    elif found := _NAMED.findall(talk.ask.answered):
        page = pages.called(conn, found[-1])
    if page is None:
        waiting = [one for one in pages.standing(conn) if one.state in (core.OPEN, core.ASKED)]
        if len(waiting) != 1:
            raise Refusal(WHICH.format(", ".join(one.short for one in waiting)) if waiting else NONE)
        page = waiting[0]
    act = talk.desk.paging.act
    said = act(conn, page.id, "ack", talk.asker.member, None, talk.now)
    if note.strip():
        noted = act(conn, page.id, "note", talk.asker.member, None, talk.now, note.strip())
        said = said if noted == said else f"{said} {noted}"
    return say(f"{said} Page {page.short}.", about=page.id, kept=True)


def pressed(conn: Connection, talk: Talk) -> Answer:
    """A button under a page."""
    press = core.pressed(talk.words)
    assert press is not None
    member = talk.asker.member
    said = talk.desk.paging.act(conn, press.page, press.action, member, press.level, talk.now)
    return Answer(toast=said, kept=True)


COMMANDS = (Command("ack", ack, "Acknowledge a page: you have it.", "[ID] [note]", role=Role.READER, counted=False),)
PRESSED = Command("page", pressed, role=None, counted=False)
