"""Lines of a PDF's pages to paragraphs in reading order: down each column, and on over the end of a page.

Stands between `pdf_pages` and the adapters of PDFs at extract in the flow. A PDF knows no paragraphs: they are told by
the space between lines, by size and weight, and by bullets.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from watcher.core import Block
from watcher.sources.notes import is_note
from watcher.sources.pdf_pages import BULLET, Line, Page, Ruled, joined, lines

LARGER, ODD = 1.15, 0.6
"""Of the usual size: from where on a line is a heading; points of difference between two lines of one paragraph."""
APART = 0.35
"""Of a line's size: how much more space than usual stands between paragraphs."""
SHORT = 0.75
"""Of a page's text's width: a line that ends before, with a full stop, ends its paragraph."""
LONGEST_HEADING = 200
GUTTER = 9.0
"""Points between two columns, at least."""
FEW_LINES, FEW_WORDS = 6, 3.5
"""Lines side by side that make columns, and words that each has on an average: fewer are those of a table."""
_ENDS = (".", "!", "?", ":", ";", ".”", '."')


class Prose(NamedTuple):
    """Lines that make one heading, paragraph or item."""

    lines: tuple[Line, ...]

    @property
    def page(self) -> int:
        """The page that it begins on."""
        return self.lines[0].page

    @property
    def text(self) -> str:
        """Its words, on one line."""
        return joined(line.text for line in self.lines)


class Usual(NamedTuple):
    """What most lines of a file are like: their size, and the space between two of them."""

    size: float
    gap: float


def usual(pages: Iterable[Page]) -> Usual:
    """Measure the lines of all pages."""
    sizes: Counter[float] = Counter()
    gaps: Counter[float] = Counter()
    for page in pages:
        found = [part for part in page.parts if isinstance(part, Line)]
        for line in found:
            sizes[round(line.size, 1)] += len(line.text)
        for above, below in pairwise(found):
            gap = below.top - above.bottom
            if 0 <= gap < above.size:  # else they stand beside each other, or far apart
                gaps[round(gap * 2) / 2] += 1
    return Usual(sizes.most_common(1)[0][0] if sizes else 0.0, gaps.most_common(1)[0][0] if gaps else 0.0)


def paragraphs(parts: Iterable[Line | Ruled], is_usual: Usual) -> Iterator[Prose | Ruled]:
    """The parts of pages in reading order, lines of one paragraph together."""
    kept: list[Line] = []
    width = 0.0
    for part in parts:
        if isinstance(part, Ruled):
            if kept:
                yield Prose(tuple(kept))
                kept = []
            yield part
            continue
        width = max(width, part.x1) if kept else part.x1
        if kept and not _goes_on(kept, part, is_usual, width):
            yield Prose(tuple(kept))
            kept = []
        kept.append(part)
    if kept:
        yield Prose(tuple(kept))


def _goes_on(above: Sequence[Line], line: Line, is_usual: Usual, width: float) -> bool:
    """Whether `line` goes on the paragraph of the lines `above` it."""
    last = above[-1]
    if line.text.startswith(BULLET) or abs(line.size - last.size) > ODD or line.bold != last.bold:
        return False
    if line.page != last.page or line.top < last.top:  # over the end of a page, or of a column
        return not last.text.endswith(_ENDS) and line.text[:1].islower()
    if last.text.endswith(_ENDS) and last.x1 - last.x0 < SHORT * (width - above[0].x0):
        return False
    return line.top - last.bottom <= is_usual.gap + APART * line.size


def block(prose: Prose, is_usual: Usual) -> Block:
    """A paragraph as a block of a document."""
    text, first = prose.text, prose.lines[0]
    if text.startswith(BULLET):
        return Block("list-item", text.removeprefix(BULLET).lstrip(), prose.page)
    stands_out = first.size > LARGER * is_usual.size or all(line.bold for line in prose.lines)
    if stands_out and len(text) <= LONGEST_HEADING and not text.endswith("."):
        return Block("heading", text, prose.page)
    return Block("note" if is_note(text) else "paragraph", text, prose.page)


# ---------------------------------------------------------------- columns


def in_order(page: Page) -> list[Line | Ruled]:
    """What stands on a page in reading order: where prose runs in two columns, down the left one first."""
    at = _gutter([part for part in page.parts if isinstance(part, Line)])
    if at is None:
        return list(page.parts)
    ordered: list[Line | Ruled] = []
    left: list[Line] = []
    right: list[Line] = []
    for part in page.parts:
        if isinstance(part, Ruled) or _crosses(part, at):
            ordered += [*left, *right, part]
            left, right = [], []
            continue
        left += lines(page.number, (word for word in part.words if word.x1 < at))
        right += lines(page.number, (word for word in part.words if word.x1 >= at))
    return [*ordered, *left, *right]


def _gutter(found: Sequence[Line]) -> float | None:
    """Where the page's lines part into two columns of prose, if they do."""
    at: Counter[int] = Counter()
    for line in found:
        for one, other in pairwise(line.words):
            if other.x0 - one.x1 >= GUTTER:
                at.update(range(round(one.x1) + 1, round(other.x0)))
    if not at:
        return None
    place, count = at.most_common(1)[0]
    apart = [line for line in found if not _crosses(line, place)]
    if count < FEW_LINES or count * 2 < len(apart):
        return None
    both = [line for line in apart if line.x0 < place < line.x1]
    words = sum(len(line.words) for line in both)
    return float(place) if words >= 2 * FEW_WORDS * len(both) else None


def _crosses(line: Line, at: float) -> bool:
    """Whether a word, or a space inside a sentence, lies over this place."""
    before = max((word.x1 for word in line.words if word.x0 < at), default=None)
    after = min((word.x0 for word in line.words if word.x0 >= at), default=None)
    if before is None or after is None:
        return before is not None and before > at
    return before > at or after - before < GUTTER
