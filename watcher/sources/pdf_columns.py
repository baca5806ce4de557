"""Tables without rules, or with a side left open: words by the columns that their header, or a ruled part, begins.

Stands beside `pdf_prose`, between `pdf_pages` and the adapters of PDFs at extract in the flow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from watcher.sources.pdf_pages import Line, Word, joined

APART = 0.42
"""Of a letter's size: a wider gap between two words of a line parts two columns."""
NEXT_ROW = 1.5
"""Of a letter's size: lines whose tops are further apart belong to two rows."""
SLACK = 3.0
"""Points that a word may begin before its column."""
FEWEST = 3
"""Columns of a header."""


def starts(line: Line) -> list[float]:
    """Where the columns of a line begin: its first word, and each that stands apart from the one before."""
    found = [line.words[0].x0]
    for one, word in pairwise(line.words):
        if word.x0 - one.x1 > APART * line.size:
            found.append(word.x0)
    return found


def is_header(line: Line) -> bool:
    """Whether a line has the columns of a table."""
    return len(starts(line)) >= FEWEST


def rows(lines: Sequence[Line], edges: Sequence[float], *, headed: bool) -> Iterator[tuple[tuple[str, ...], int]]:
    """The rows that `lines` make in the columns that begin at `edges`, each with its page.

    A row ends where the next line is further down than a line of text is, and has something in its first column. Where
    they are `headed`, the first row is a header, which may stand on further pages again: it is given once.
    """
    row: list[list[str]] = []
    page = 0
    last: Line | None = None
    header = _first(lines) if headed else set()
    begun = lines[0].page if lines else 0
    for line in lines:
        if line.page != begun:
            if header.issuperset(word.text for word in line.words):
                continue
            begun = line.page
        cells = _cells(line, edges)
        far = last is None or line.page != last.page or line.top - last.top > NEXT_ROW * line.size
        if far and cells[0]:
            if row:
                yield tuple(map(joined, row)), page
            row, page = [[] for _ in edges], line.page
        for kept, words in zip(row, cells, strict=False):
            if words:
                kept.append(" ".join(word.text for word in words))
        last = line
    if row:
        yield tuple(map(joined, row)), page


def _first(lines: Sequence[Line]) -> set[str]:
    """The words of the first row."""
    found = {word.text for word in lines[0].words}
    for above, line in pairwise(lines):
        if line.page != above.page or line.top - above.top > NEXT_ROW * line.size:
            break
        found |= {word.text for word in line.words}
    return found


def _cells(line: Line, edges: Sequence[float]) -> list[list[Word]]:
    found: list[list[Word]] = [[] for _ in edges]
    for word in line.words:
        found[max((place for place, edge in enumerate(edges) if edge <= word.x0 + SLACK), default=0)].append(word)
    return found
