"""The notices by which a page owns up to a change: corrections, clarifications, updates, "originally published".

Stands beside the adapters of prose at extract in the flow. Newsrooms put them anywhere, so
all lines of a page are read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

LONGEST = 2_000
"""Characters of a notice; a longer text is no notice."""

_OURS = (
    r"this (?:\w{1,20} )?(?:article|story|post|report|page|piece|column|editorial|essay|item|headline|caption|list"
    r"|document|entry|release|graphic|video|transcript)"
)
_TIMED = r"(?:(?:\w{3,9}\.? \d{1,2},? (?:\d{4},? )?)?\d{1,2}(?::\d\d)? ?[ap]\.? ?m\.?[^:]{0,20}: ?)?"
_NOTICE = re.compile(
    rf"[\s(\[*†•—–-]{{0,5}}{_TIMED}(?:"
    rf"{_OURS} (?:was|is|has been|have been|had been) (?:\w{{1,20}} )?(?:updated|corrected|revised|amended|clarified"
    r"|edited|modified|published|posted)"
    r"|(?:corrections?|clarifications?|updated?|updates|editor[’']?s[’']? note|for the record)"
    r"(?: appended| ?\([^)]{1,60}\)|,? [^:—–]{0,30}?\d[^:—–]{0,30})? ?[:—–]"
    r"|(?:correction|clarification)(?:\.| appended)"
    r"|updated,? (?:at |on )?(?:\w{3,9}\.?,? )?\d"
    r"|(?:originally|first) (?:published|posted)"
    r")",
    re.IGNORECASE,
)
_EARLIER = re.compile(rf"\ban? (?:earlier|previous|prior|original) version of {_OURS}\b", re.IGNORECASE)
_LABEL = re.compile(
    r"(?:corrections?|clarifications?|editor[’']?s[’']? note|for the record):?|updates?:", re.IGNORECASE
)


class Notes(NamedTuple):
    """The notices of a page in order, each once, and the lines of the page that they were made of."""

    texts: tuple[str, ...]
    lines: frozenset[str]


def is_note(line: str) -> bool:
    """Whether one line of text is a notice of a change."""
    return len(line) <= LONGEST and bool(_NOTICE.match(line) or _EARLIER.search(line))


def find_notes(lines: Iterable[str], linked: AbstractSet[str]) -> Notes:
    """Read the lines of a page. A label on a line of its own ("For the record") is told with the line after it.

    `linked` are the texts of the page's links: a teaser of a corrected article, or a link to the page of corrections,
    is no notice.
    """
    texts: list[str] = []
    used: set[str] = set()
    label = ""
    for line in lines:
        if line in linked:
            continue
        if is_note(line) and not _LABEL.fullmatch(line):
            texts.append(line)
            used |= {line, label}
            label = ""
        elif _LABEL.fullmatch(line):
            label = line
        elif label:
            texts.append(f"{label.removesuffix(':')}: {line}"[:LONGEST])
            used |= {line, label}
            label = ""
    return Notes(tuple(dict.fromkeys(texts)), frozenset(used - {""}))
