"""Tables without rules: lines to rows, by the white space between columns and between rows.

Stands beside `pdf_prose`, between `pdf_pages` and the adapters of PDFs at extract in the flow. Who calls knows the
header of the table that it looks for, and which cell each row has on one line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from watcher.sources.pdf_pages import Line, Word, joined

APART = 0.42
"""Of a letter's size: a wider gap between two words of a line may part two columns."""
ROOM = 0.2
"""Of a letter's size: how much more space than inside a row stands between two rows."""
MOST_INSIDE = 0.35
"""Of a letter's size: more space than this stands between rows only."""
MOST_HEADER = 5
"""Lines of a header."""
LEAST = 0.05
"""Share of the lines that stand closest: their distance is that inside a row."""

Cells = tuple[str, ...]


class Band(NamedTuple):
    """Lines of one page with no more space between them than inside a row. `first`: it is the page's first."""

    lines: tuple[Line, ...]
    first: bool

    @property
    def page(self) -> int:
        """The page that it stands on."""
        return self.lines[0].page


class Found(NamedTuple):
    """A table's header, and its rows with their bands; the lines that are none of it."""

    header: Cells
    rows: list[tuple[Cells, Band]]
    prose: list[Line]


def find(lines: Sequence[Line], is_header: Callable[[Cells], bool], anchor: Callable[[Cells, Cells], bool]) -> Found:
    """The table that stands in `lines`, from its header on.

    `anchor` is asked of a header and the cells of a line whether the line has the cell by which rows are counted.
    """
    bands = [part for band in _bands(lines) for part in _below_header(band, is_header)]
    start = next((place for place, band in enumerate(bands) if is_header(_spread(band))), None)
    if start is None:
        return Found((), [], list(lines))
    header = _spread(bands[start])
    edges = _gutters(_columns(bands[start]), [line for band in bands[start:] for line in band.lines])
    rows: list[tuple[Cells, Band]] = []
    prose = [line for band in bands[:start] for line in band.lines]
    for band in bands[start + 1 :]:
        if any(_crosses(line, edges) for line in band.lines):
            prose += band.lines
            continue
        for part in _rows(band, edges, header, anchor):
            cells = _cells(part.lines, edges)
            if not is_header(cells):
                rows.append((cells, part))
    return Found(header, rows, prose)


# ---------------------------------------------------------------- down: bands and rows


def _bands(lines: Sequence[Line]) -> list[Band]:
    """Lines that stand close together, page by page."""
    distances = (below.top - above.bottom for above, below in pairwise(lines) if above.page == below.page)
    gaps = sorted(distance for distance in distances if distance > 0)  # those beside each other are none
    inside = gaps[int(len(gaps) * LEAST)] if gaps else 0.0
    found: list[Band] = []
    for _, group in groupby(lines, lambda line: line.page):
        band: list[Line] = []
        first = True
        for line in group:
            space = min(inside, MOST_INSIDE * line.size) + ROOM * line.size
            if band and line.top - max(above.bottom for above in band) > space:
                found.append(Band(tuple(band), first))
                band, first = [], False
            band.append(line)
        found.append(Band(tuple(band), first))
    return found


def _below_header(band: Band, is_header: Callable[[Cells], bool]) -> list[Band]:
    """A band, parted below the header that it begins with, if the row below stands as close: no header has figures."""
    for size in range(1, min(len(band.lines), MOST_HEADER)):
        if is_header(_spread(Band(band.lines[:size], band.first))):
            while size < len(band.lines) and not any(letter.isdigit() for letter in band.lines[size].text):
                size += 1  # noqa: PLW2901 - the header goes on
            parts = (band.lines[:size], band.lines[size:])
            return [Band(lines, band.first and lines is parts[0]) for lines in parts if lines]
    return [band]


def _rows(band: Band, edges: Sequence[float], header: Cells, anchor: Callable[[Cells, Cells], bool]) -> Iterable[Band]:
    """A band as one row, or cut where its rows stand as close as their lines: before each line with an anchor."""
    starts = [place for place, line in enumerate(band.lines) if anchor(header, _cells([line], edges))]
    if len(starts) < 2:  # noqa: PLR2004 - one row
        return [band]
    cuts = [0, *starts[1:], len(band.lines)]
    return [Band(band.lines[one:other], band.first and one == 0) for one, other in pairwise(cuts)]


# ---------------------------------------------------------------- across: columns


def _runs(line: Line) -> list[tuple[float, float]]:
    """Where the words of a line stand, those that are one space apart together."""
    found = [(line.words[0].x0, line.words[0].x1)]
    for word in line.words[1:]:
        if word.x0 - found[-1][1] > APART * line.size:
            found.append((word.x0, word.x1))
        else:
            found[-1] = (found[-1][0], word.x1)
    return found


def _columns(band: Band) -> list[tuple[float, float]]:
    """Where the columns of a header stand, whose cells may have several lines."""
    found: list[tuple[float, float]] = []
    for x0, x1 in sorted(run for line in band.lines for run in _runs(line)):
        if found and x0 < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], x1))
        else:
            found.append((x0, x1))
    return found


def _spread(band: Band) -> Cells:
    """A band as the cells of a header, before it is known where columns end."""
    columns = _columns(band)
    return _cells(band.lines, [x0 for x0, _ in columns[1:]])


def _gutters(columns: Sequence[tuple[float, float]], lines: Iterable[Line]) -> list[float]:
    """Between each two columns of a header, where the fewest runs of words stand in the way, and the gap is widest."""
    runs = [run for line in lines for run in _runs(line)]
    return [_gutter(one[1], other[0], runs) for one, other in pairwise(columns)]


def _gutter(left: float, right: float, runs: Iterable[tuple[float, float]]) -> float:
    start, width = int(left), max(int(right) - int(left), 1)
    change = [0] * (width + 2)
    for x0, x1 in runs:
        if x1 > start and x0 < start + width:
            change[max(int(x0) - start, 0)] += 1
            change[min(int(x1) - start + 1, width + 1)] -= 1
    covered, count = [], 0
    for step in change[: width + 1]:
        count += step
        covered.append(count)
    fewest = min(covered)
    stretches = [
        [place for place, _ in group]
        for is_fewest, group in groupby(enumerate(covered), lambda pair: pair[1] == fewest)
        if is_fewest
    ]
    widest = max(stretches, key=len)
    return start + (widest[0] + widest[-1] + 1) / 2


def _crosses(line: Line, edges: Sequence[float]) -> bool:
    """Whether words run over a gutter: then they are a sentence's."""
    return any(x0 < edge < x1 for x0, x1 in _runs(line) for edge in edges)


def _cells(lines: Sequence[Line], edges: Sequence[float]) -> Cells:
    """The text in each column."""
    found: list[list[str]] = [[] for _ in range(len(edges) + 1)]
    for line in lines:
        words: list[list[Word]] = [[] for _ in found]
        for word in line.words:
            words[sum(edge <= (word.x0 + word.x1) / 2 for edge in edges)].append(word)
        for cell, here in zip(found, words, strict=True):
            if here:
                cell.append(" ".join(word.text for word in here))
    return tuple(joined(cell) for cell in found)
