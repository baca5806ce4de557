"""What an editor calls no news: a filter that would have kept it out, stored until it is undone. For paging."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import msgspec

from watcher.core import Change, Severity, instant
from watcher.oncall.pages import CLOSED, Page
from watcher.people import Member
from watcher.route import Filter, changed_text, matches
from watcher.store import Connection, additions
from watcher.store.additions import SILENCE, Addition
from watcher.subscriptions.filters import describe, filter_from, filter_json

log = logging.getLogger(__name__)

MOST_PLACES = 5
SHORTEST_WORD = 4


def silences(conn: Connection) -> list[Filter]:
    """Return the filters of what is no news. One that a later version wrote keeps nothing out."""
    found = []
    for one in additions.standing(conn, SILENCE):
        try:
            found.append(filter_from(one.body))
        except msgspec.ValidationError as error:
            log.warning("a silence is left out: %s", error)
    return found


def offered(source: str, changes: Sequence[Change]) -> Filter:
    """A filter that matches all these changes of a source, and little else: their kinds, and their places or a word."""
    kinds = tuple(sorted({change.kind for change in changes}))
    least = min((change.severity for change in changes), default=Severity.MINOR)
    places = tuple(dict.fromkeys(change.subject.id for change in changes if change.subject.is_place))
    like = Filter(sources=(source,), kinds=kinds or ("*",), severity=least)
    if changes and all(change.subject.is_place for change in changes) and len(places) <= MOST_PLACES:
        return Filter(sources=like.sources, kinds=like.kinds, places=places, severity=least)
    word = _common_word(changes)
    return Filter(sources=like.sources, kinds=like.kinds, words=(word,), severity=least) if word else like


def _common_word(changes: Sequence[Change]) -> str:
    """The longest word that came or went in each of the changes; "" for none."""
    texts = [changed_text(change) for change in changes]
    words = {word for word in texts[0].split() if word.isalpha() and len(word) >= SHORTEST_WORD} if texts else set()
    filters = {word: Filter(kinds=("*", "source.*"), words=(word,), severity=Severity.COSMETIC) for word in words}
    common = [word for word in words if all(matches(filters[word], change) for change in changes)]
    return max(common, key=lambda word: (len(word), word), default="")


def keep_out(conn: Connection, page: Page, changes: Sequence[Change], who: Member, now: datetime) -> tuple[str, bool]:
    """An editor accepts that such news is kept out from now on; what to say, and whether anything was done."""
    if page.state != CLOSED:
        return "Close the page first: Not news.", False
    if _mine(conn, page):
        return "Such news is kept out already.", False
    wanted = offered(page.source, changes)
    additions.put(conn, SILENCE, Addition(f"{page.id}/{instant(now)}", filter_json(wanted), who.id, now))
    return f"Kept out from now on: {describe(wanted)}. It is stored, and told nobody.", True


def let_in(conn: Connection, page: Page, _: Sequence[Change], who: Member, now: datetime) -> tuple[str, bool]:
    """Take it back."""
    undone = [additions.undo(conn, SILENCE, name, who.id, now) for name in _mine(conn, page)]
    return ("Such news is told again.", True) if any(undone) else ("Nothing of this page is kept out.", False)


def _mine(conn: Connection, page: Page) -> list[str]:
    return [one.name for one in additions.standing(conn, SILENCE) if one.name.startswith(f"{page.id}/")]
