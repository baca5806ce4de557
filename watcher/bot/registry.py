"""All commands, and what each kind of button does: which of them an update means."""

from __future__ import annotations

from watcher.bot import data
from watcher.bot.asks import MOVED, PRESS, SEAT, Ask
from watcher.bot.commands import duty, hours, joining, paging, reading, replaying, subscribing, watching, why
from watcher.bot.desk import Command
from watcher.oncall import pages
from watcher.people import Role

MODULES = (joining, subscribing, hours, reading, why, paging, duty, watching, replaying)
COMMANDS = {one.name: one for module in MODULES for one in module.COMMANDS}
"""What people type, by its word."""
PRESSES = {one.name: one for module in (subscribing, hours, reading, watching) for one in module.PRESSES}
"""What buttons do, by their verb."""


def find(ask: Ask, username: str) -> tuple[Command | None, str, int]:
    """What is asked, in which words, and which update the message with the button answers; None for nothing of ours."""
    if ask.kind == PRESS:
        return _pressed(ask)
    if ask.kind == SEAT:
        return joining.SEATED, ask.status, ask.update
    if ask.kind == MOVED:
        return joining.MOVED, ask.status, ask.update
    given = ask.command(username)
    if given is None:
        free = ask.is_private and not ask.text.startswith("/")
        return (subscribing.FREE if free else None), ask.text, ask.update
    name, words = given
    unknown = joining.UNKNOWN if ask.is_private or "@" in ask.text.split()[0] else None
    return COMMANDS.get(name, unknown), words, ask.update


def _pressed(ask: Ask) -> tuple[Command, str, int]:
    if pages.pressed(ask.text):
        return paging.PRESSED, ask.text, ask.update
    sent = data.read(ask.text)
    if sent and sent.verb in PRESSES:
        return PRESSES[sent.verb], sent.words, sent.root
    return joining.FORGED, "", ask.update


def menu(role: Role, *, grouped: bool = False) -> dict[str, str]:
    """The commands that a menu shows to somebody with this role, each with what it does; in groups, the short list."""
    mine = (one for one in COMMANDS.values() if (one.role or Role.READER) <= role and (one.grouped or not grouped))
    return {one.name: one.about for one in mine}
