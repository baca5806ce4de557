"""One change in one line for people, in the beat's words; called by diff for `Change.summary` and by render. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from watcher.core import Subject

LONGEST = 160
"""Characters of a summary."""

NAMED = {
    "report.published": "Report published",
    "report.corrected": "Report corrected",
    "report.withdrawn": "Report withdrawn",
    "report.late": "Report late",
    "report.resumed": "Report resumed",
    "jurisdiction.listed": "Listed",
    "jurisdiction.delisted": "Dropped",
    "record.added": "Added",
    "record.removed": "Removed",
    "page.gone": "Page gone",
    "page.back": "Page back",
    "page.redesigned": "Page redesigned",
    "source.blocked": "Blocked",
    "source.suspect": "Suspect",
    "source.failing": "Failing",
    "source.recovered": "Recovered",
}
"""Kinds that say it all by naming their subject."""

REASONED = {"report.late", "page.gone", "source.blocked", "source.suspect", "source.failing"}
"""Of these, the kinds whose new value is a short reason worth showing."""

PARTS = {
    "article.headline": "Headline",
    "article.byline": "Byline",
    "article.text": "Paragraph",
    "article.note": "Note",
    "page.text": "Text",
    "page.links": "Link",
}
"""Kinds about a part of a page: what that part is called."""

SECTIONS = "sections"
_ON_PAGE = re.compile(r"( \(page \d{1,5}\))(?: \(was there before\))?$")

MOVED = {"page.moved": "Page moved", "jurisdiction.reattributed": "Reattributed"}
"""Kinds that say where something was and is; of the others, those are renames."""


def summarise(kind: str, subject: Subject, path: Sequence[str], old: Any, new: Any, *, returned: bool = False) -> str:
    """Say in one line of at most 160 characters what changed: "Listed: Clark County, Nev."."""
    tail = " (was there before)" if returned else ""
    label, rest = _told(kind, subject, path, old, new)
    return shorten(f"{label}: {rest}", LONGEST - len(tail)) + tail


def _told(kind: str, subject: Subject, path: Sequence[str], old: Any, new: Any) -> tuple[str, str]:
    name = shorten(shown(subject.name), 100)
    if is_of_bytes(path):
        return NAMED.get(kind, "Document changed"), f"{name} ({_readable(new)})"
    if kind in NAMED:
        told = kind in REASONED or (path and path[-1] == "sums")
        return NAMED[kind], name + (f" ({shown(new)})" if told and new is not None else "") + in_section(path)
    if kind == "article.mentions":
        return ("No longer mentioned" if new is None else "Newly mentioned"), name
    if kind in PARTS:
        label = f"{PARTS[kind]} {verb(old, new)}"
        return label, arrow(old, new, LONGEST - len(label) - 2) if None not in (old, new) else quoted(old, new)
    if kind == "page.moved" or is_rename(path):
        label = MOVED.get(kind, "Renamed")
        return label, arrow(old, new, LONGEST - len(label) - 2)
    field = field_name(path)
    return name, f"{field} {arrow(old, new, max(40, LONGEST - len(name) - len(field) - 3))}".lstrip()


def verb(old: Any, new: Any) -> str:
    """What happened to a part that may be absent on one side."""
    return "added" if old is None else "removed" if new is None else "changed"


def is_rename(path: Sequence[str]) -> bool:
    """Whether a change at `path` is a record that goes by another name."""
    return len(path) > 1 and path[0] in {"records", SECTIONS} and path[-1] == "name"


def is_of_bytes(path: Sequence[str]) -> bool:
    """Whether a change at `path` is of a document that has no words: nothing is known but that its bytes differ."""
    return bool(path) and path[-1] == "sha256"


def _readable(digest: Any) -> str:
    return f"its text is not readable; SHA-256 {str(digest)[:12]}…" if digest else "its text is readable now"


def section(path: Sequence[str]) -> str:
    """The section of a report that `path` leads into, or an empty string."""
    return path[1] if len(path) > 1 and path[0] == SECTIONS else ""


def in_section(path: Sequence[str]) -> str:
    """A section in words, to stand behind a name: ", section III"."""
    return f", section {section(path)}" if section(path) else ""


def field_name(path: Sequence[str]) -> str:
    """The field at the end of `path` as people read it; "" where the path names none."""
    depth = (
        3 if path[:1] in ((SECTIONS,), [SECTIONS]) else 2
    )  # ["sections", SECTION, KEY, FIELD], ["records", KEY, FIELD]
    return shorten(shown(path[-1].replace("_", " ")), 60) if len(path) > depth else ""


def on_page(summary: str, page: int) -> str:
    """A summary with the page that it is about, where a file has pages."""
    tail = f" (page {page})" if page else ""
    return shorten(summary, LONGEST - len(tail)) + tail


def page_of(summary: str) -> str:
    """What `on_page` added to a summary, to stand behind other words; or an empty string."""
    found = _ON_PAGE.search(summary)
    return found[1] if found else ""


def shown(value: Any) -> str:
    """A value as one line of text: a record as "field: value; …", nothing as "(empty)"."""
    if isinstance(value, Mapping):
        return "; ".join(f"{shown(name)}: {shown(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "; ".join(shown(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split()) or "(empty)" if value is not None else "(empty)"


def quoted(old: Any, new: Any) -> str:
    """The one of two values that is there, in quotation marks, short enough for a summary."""
    return f"“{shorten(shown(old if new is None else new), LONGEST - 30)}”"


def shorten(text: str, limit: int) -> str:
    """Cut `text` to `limit` characters, at a word's end where one is near, with an ellipsis for what is missing."""
    if len(text) <= limit:
        return text
    cut = text[: max(limit - 1, 0)]
    words = cut.rpartition(" ")[0] if " " in cut[len(cut) // 2 :] else cut
    return words.rstrip(" ,;:") + "…"


def arrow(old: Any, new: Any, room: int) -> str:
    """Say "old → new" within about `room` characters; of long texts, only the words between their equal ends."""
    was, now = shown(old), shown(new)
    if len(was) + len(now) + 3 <= room:
        return f"{was} → {now}"
    before, after = was.split(" "), now.split(" ")
    head = _shared(before, after)
    tail = _shared(before[head:][::-1], after[head:][::-1])
    struck, added = (" ".join(words[head : len(words) - tail]) for words in (before, after))
    half = max((room - 12) // 2, 10)
    if not struck or not added:
        return f"“{shorten(struck or added, 2 * half)}” {'removed' if struck else 'added'}"
    return f"{shorten(struck, half)} → {shorten(added, half)}"


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many leading words the two have in common."""
    return next((place for place, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
                min(len(one), len(other)))  # fmt: skip
