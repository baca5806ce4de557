"""How wide words are and where their lines break, before any font is at hand: estimates on the wide side."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from watcher.render.formats import clean
from watcher.summary import shorten

LONGEST = 400
"""Characters of one text that are looked at; what is longer is cut."""

BOLD = 1.07
"""How much wider bold letters are."""

_WIDTHS: Mapping[str, float] = {
    letter: width
    for width, letters in (
        (0.3, "ijlIJ'"),
        (0.34, " ,.·:;/\\|-’f"),
        (0.41, "t()[]!r⟨⟩"),
        (0.51, '*_`–"szc?“”'),
        (0.64, "aonehdbgpquvxykLFSETYP0123456789${}"),
        (0.72, "KAVBRXZCU"),
        (0.82, "HNDG&OQw#+<=>^~→M"),
        (1.0, "W%m@…—"),
    )
    for letter in letters
}
"""Widths of letters in a wide sans serif, as parts of its size."""


@lru_cache(maxsize=4096)
def _letter(letter: str) -> float:
    known = _WIDTHS.get(letter) or _WIDTHS.get(unicodedata.normalize("NFKD", letter)[:1])
    return known or (1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.8)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """About how wide `text` is, in pixels, in letters of `size` pixels; seldom less than it turns out to be."""
    return sum(map(_letter, text)) * size * (BOLD if bold else 1)


def wrap(text: str, size: float, room: float, most: int, *, bold: bool = False) -> tuple[str, ...]:
    """Break `text` into at most `most` lines of at most `room` pixels; outside text comes out harmless to read.

    Breaks stand between words, and inside one that alone is too wide. What is left over is an ellipsis at the end.
    """
    scale = size * (BOLD if bold else 1)
    words = clean(shorten(text, LONGEST)).split()
    lines: list[str] = []
    line = ""
    while words and len(lines) <= most:
        word = words.pop(0)
        longer = f"{line} {word}" if line else word
        if width(longer, scale) <= room:
            line = longer
        elif line:
            lines.append(line)
            line, words = "", [word, *words]
        else:
            head = _fitting(word, scale, room)
            lines.append(word[:head])
            words = [word[head:], *words]
    lines += [line] if line else []
    if len(lines) <= most:
        return tuple(lines)
    last = lines[most - 1]
    return (*lines[: most - 1], last[: _fitting(last, scale, room - _letter("…") * scale)].rstrip(" ,;:") + "…")


def _fitting(text: str, size: float, room: float) -> int:
    """How many letters of `text` fit, at least one."""
    for place, letter in enumerate(text):
        room -= _letter(letter) * size
        if room < 0:
            return max(place, 1)
    return max(len(text), 1)
