"""Fitting lines into messages: split on line borders within a channel's limit, and never lose a character."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from watcher.core import Line, Run

Measure = Callable[[tuple[Line, ...]], int]
"""How much of a channel's limit some lines take."""

_WORD = re.compile(r"\s*\S+\s*|\s+")


def split(lines: Sequence[Line], limit: int, measure: Measure) -> tuple[tuple[Line, ...], ...]:
    """Pack `lines` in order into as few parts as the limit allows; a line that is too long alone is cut at words.

    Every part measures at most `limit`, unless a single link or character is longer than that.
    """
    left = [piece for line in lines for piece in cut(line, limit, measure)]
    parts: list[tuple[Line, ...]] = []
    while left:
        count = max(_fitting(left, limit, measure), 1)
        parts.append(tuple(left[:count]))
        left = left[count:]
    return tuple(parts)


def _fitting(lines: Sequence[Line], limit: int, measure: Measure) -> int:
    return longest(len(lines), lambda size: measure(tuple(lines[:size])) <= limit)


def cut(line: Line, limit: int, measure: Measure) -> tuple[Line, ...]:
    """Cut one line into lines that each fit: between words, inside a word only where it alone is too long."""

    def room_for(runs: Sequence[Run]) -> int:
        return longest(len(runs), lambda size: measure((_joined(runs[:size]),)) <= limit)

    pieces: list[Line] = []
    while line and measure((line,)) > limit:
        runs = _words(line)
        count = room_for(runs)
        if not count:
            runs = [*_characters(runs[0]), *runs[1:]]
            count = max(room_for(runs), 1)
        pieces.append(_joined(runs[:count]))
        line = _joined(runs[count:])
    return (*pieces, line) if line or not pieces else tuple(pieces)


def longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest size from 0 to `most` that `fits`, where all that is smaller fits too; 0 is taken to fit."""
    good, step = 0, 1
    while good + step <= most and fits(good + step):
        good, step = good + step, step * 2
    bad = min(good + step, most + 1)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def _words(line: Line) -> list[Run]:
    """The line's words as runs, each with the space after it; a link stays whole."""
    return [
        Run(word, run.mark, run.url)
        for run in line
        for word in ([run.text] if run.mark == "link" else _WORD.findall(run.text))
    ]


def _characters(run: Run) -> list[Run]:
    return [run] if run.mark == "link" else [Run(char, run.mark, run.url) for char in run.text]


def _joined(runs: Sequence[Run]) -> Line:
    """The runs as a line again, neighbours of one kind made one."""
    joined: list[Run] = []
    for run in runs:
        if joined and run.mark != "link" and joined[-1][1:] == run[1:]:
            joined[-1] = run._replace(text=joined[-1].text + run.text)
        else:
            joined.append(run)
    return tuple(joined)
