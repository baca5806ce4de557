"""The pages of a PDF as lines of words and ruled tables, with the number of the page that each stands on.

Stands between `pdf_file` and the adapters of PDFs at extract in the flow. Lines inside a ruled table are its cells';
what stands at the edge of most pages (a running title, a page number) is nobody's.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from watcher.core import Link, NotReadable, Value
from watcher.sources import pdf_file
from watcher.sources.html import absolute, collapse

if TYPE_CHECKING:
    from pdfplumber.page import Page as RawPage
    from pdfplumber.table import Table as RawTable

MOST_LETTERS = 3_000_000
MOST_RULES = 4_000
"""Of a page in which tables are looked for; drawings have more."""
SAME_LINE = 3.0
"""Points between the tops of two words of one line."""
SPACE = 0.15
"""Of a letter's size: how wide a gap between letters ends a word, where no space is written."""
EDGE = 62.0
"""Points from a page's upper or lower end within which running titles and page numbers stand."""
NEAR = 3.0
"""Points between the columns of one table on two pages, at most."""
THIN = 1.0
"""Points below which a row or column of a table is the width of its rule."""
_PAGE_NUMBER = re.compile(r"\W{0,3}(?:page )?(\d{1,4})(?: ?(?:of|/) ?\d{1,4})?\W{0,3}", re.IGNORECASE)
_NUMBERED = re.compile(r"\d+")
_BROKEN = re.compile(r"\w[-\u00ad\u2010]$")
BULLET = "•"
_BULLETS = re.compile(r"\(cid:127\)|[\uf0b7\uf0a7◦▪●‣∙]")
"""Bullets as fonts and their encodings have them."""


Box = tuple[float, ...]
"""Left, top, right and bottom, in points from the upper left corner of a page."""


class Word(NamedTuple):
    """A word, where it stands on its page in points from the upper left corner, and the font of its first letter."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    font: str = ""


class Line(NamedTuple):
    """The words that stand beside each other."""

    page: int
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        """The words with a space between each."""
        return " ".join(word.text for word in self.words)

    @property
    def x0(self) -> float:
        """Where the line begins."""
        return self.words[0].x0

    @property
    def x1(self) -> float:
        """Where the line ends."""
        return self.words[-1].x1

    @property
    def top(self) -> float:
        """Where the highest word begins."""
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        """Where the lowest word ends."""
        return max(word.bottom for word in self.words)

    @property
    def size(self) -> float:
        """The height of its first word."""
        return self.words[0].bottom - self.words[0].top

    @property
    def bold(self) -> bool:
        """Whether all its words are."""
        return all("bold" in word.font.casefold() for word in self.words)


class Ruled(NamedTuple):
    """A table with rules on one page: its rows of equal width, merged cells saying the same in each place.

    `edges` are where its columns begin and end. `parted`: its first row began on the page before.
    """

    page: int
    top: float
    edges: tuple[float, ...]
    rows: tuple[tuple[str, ...], ...]
    parted: bool = False

    def fits(self, edges: Sequence[float]) -> bool:
        """Whether it has columns at these places."""
        pairs = zip(self.edges, edges, strict=False)
        return len(self.edges) == len(edges) and all(abs(one - other) <= NEAR for one, other in pairs)


class Page(NamedTuple):
    """One page: what stands on it from top to bottom, and its links."""

    number: int
    parts: tuple[Line | Ruled, ...]
    links: tuple[Link, ...] = ()


class Paper(NamedTuple):
    """A whole file, with the SHA-256 of its bytes."""

    title: str
    pages: tuple[Page, ...]
    sha256: str

    @property
    def facts(self) -> dict[str, Value]:
        """What a document's meta says of the file. One without a word on any page is known by its bytes alone."""
        said: dict[str, Value] = {"title": self.title} if self.title else {}
        said["pages"] = len(self.pages)
        readable = any(page.parts for page in self.pages)
        return said if readable else said | {"readable": False, "sha256": self.sha256}


def fingerprint(body: bytes) -> str:
    """A digest of all that `paper` reads. Raises NotReadable."""
    with pdf_file.opened(body) as pdf:
        return pdf_file.digest(pdf)


@lru_cache(maxsize=2)  # what was compared with the capture before is compared with the next one
def paper(body: bytes) -> Paper:
    """Read the file. Raises NotReadable."""
    with pdf_file.opened(body) as pdf:
        pages: list[Page] = []
        letters = 0
        for number, raw in enumerate(pdf.pages, 1):
            letters += len(raw.chars)
            if letters > MOST_LETTERS:
                raise NotReadable(f"expected a PDF of at most {MOST_LETTERS:,} letters, found more")
            pages.append(_page(number, raw, pages[-1].parts[-1:] if pages else ()))
            raw.close()  # else it keeps all that it knows of each letter
        heights = [float(raw.height) for raw in pdf.pages]
        title = pdf_file.title_of(pdf)
    return Paper(title, tuple(_without_edges(pages, heights)), hashlib.sha256(body).hexdigest())


# ---------------------------------------------------------------- one page


def _page(number: int, raw: RawPage, before: Sequence[Line | Ruled]) -> Page:
    """One page; `before` is the last part of the page before it."""
    words = [
        Word(text, word["x0"], word["x1"], word["top"], word["bottom"], word["chars"][0]["fontname"])
        for word in raw.extract_words(x_tolerance_ratio=SPACE, y_tolerance=SAME_LINE, return_chars=True)
        if (text := _BULLETS.sub(BULLET, collapse(word["text"])))
    ]
    tables: list[Ruled] = []
    for found, parted in _found(raw, before) if len(raw.edges) <= MOST_RULES else ():
        taken = _cells(found, words)
        if table := _ruled(number, taken, parted=parted):
            tables.append(table)
            inside = {word for cell in taken.values() for word in cell}
            words = [word for word in words if word not in inside]
    links = (Link("", url) for one in raw.hyperlinks if (url := absolute("", str(one.get("uri") or ""))))
    parts: list[Line | Ruled] = [*lines(number, words), *tables]
    return Page(number, tuple(sorted(parts, key=lambda part: part.top)), tuple(dict.fromkeys(links)))


def _within(word: Word, box: Box) -> bool:
    """Whether the middle of a word lies in a box."""
    return box[0] <= (word.x0 + word.x1) / 2 <= box[2] and box[1] <= (word.top + word.bottom) / 2 <= box[3]


def lines(page: int, words: Iterable[Word]) -> list[Line]:
    """Words to lines, from top to bottom."""
    found: list[list[Word]] = []
    top = 0.0
    for word in sorted(words, key=lambda word: (word.top, word.x0)):
        if not found or word.top - top > SAME_LINE:
            found.append([])
            top = word.top
        found[-1].append(word)
    return [Line(page, tuple(sorted(line, key=lambda word: word.x0))) for line in found]


def joined(texts: Iterable[str]) -> str:
    """Lines to one text; a word that ends its line with a hyphen goes on in the next."""
    text = ""
    for line in texts:
        glue = "" if not text or _BROKEN.search(text) else " "
        text = f"{text.rstrip(chr(0xAD))}{glue}{line}"
    return text


# ---------------------------------------------------------------- ruled tables


def _found(raw: RawPage, before: Sequence[Line | Ruled]) -> Iterator[tuple[RawTable, bool]]:
    """The tables of a page, and whether the end of the page before parted their first row: it is open at the top."""
    ends = list(_ends(raw.edges, before))
    for table in raw.find_tables({"explicit_horizontal_lines": ends}):
        yield table, any(abs(end["top"] - table.bbox[1]) <= THIN for end in ends)


def _ends(edges: Sequence[Mapping[str, Any]], before: Sequence[Line | Ruled]) -> Iterator[dict[str, Any]]:
    """Rules where there are none: at the ends of upright rules of a table which the end of a page has cut open.

    Upright rules alone are only a table if they go on one that is `before`.
    """
    flat = [edge for edge in edges if edge["orientation"] == "h" and edge["width"] > NEAR]  # not a rule's own end
    for side in ("top", "bottom"):
        ends: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
        for edge in edges:
            if edge["orientation"] == "v":
                ends[round(edge[side])].append(edge)
        for place, upright in ends.items():
            across = _edges([[edge["x0"] for edge in upright]])
            x0, x1 = across[0], across[-1]
            top = min(edge["top"] for edge in upright) - SAME_LINE
            bottom = max(edge["bottom"] for edge in upright) + SAME_LINE
            met = [edge["top"] for edge in flat if top <= edge["top"] <= bottom and edge["x0"] < x1 and edge["x1"] > x0]
            closed = any(abs(there - place) <= SAME_LINE for there in met)
            goes_on = any(isinstance(part, Ruled) and part.fits(across) for part in before)
            if len(across) > 2 and not closed and (met or goes_on):  # noqa: PLR2004 - of one column it is a box
                size = {"width": x1 - x0, "height": 0}
                yield {"object_type": "line", "x0": x0, "x1": x1, "top": place, "bottom": place, **size}


def _cells(found: RawTable, words: Sequence[Word]) -> dict[Box, list[Word]]:
    """The words in each cell of a table."""
    cells: dict[Box, list[Word]] = {tuple(map(float, cell)): [] for cell in found.cells}
    for word in words:
        if _within(word, found.bbox) and (box := next((box for box in cells if _within(word, box)), None)):
            cells[box].append(word)
    return cells


def _ruled(page: int, cells: Mapping[Box, Sequence[Word]], *, parted: bool) -> Ruled | None:
    """The table as a grid; None where it is a box around text, or one column."""
    across, down = _edges(box[0::2] for box in cells), _edges(box[1::2] for box in cells)
    if len(across) <= 2:  # noqa: PLR2004 - two edges are one column
        return None
    rows = [[""] * (len(across) - 1) for _ in down[1:]]
    for box, words in cells.items():
        text = joined(line.text for line in lines(page, words))
        for row in range(_place(down, box[1]), _place(down, box[3])):
            for column in range(_place(across, box[0]), _place(across, box[2])):
                rows[row][column] = text
    return Ruled(page, down[0], tuple(across), tuple(map(tuple, rows)), parted)


def _edges(pairs: Iterable[Sequence[float]]) -> list[float]:
    """The distinct places of rules, those closer than a rule's own width taken as one."""
    found: list[float] = []
    for place in sorted(place for pair in pairs for place in pair):
        if not found or place - found[-1] > THIN:
            found.append(place)
    return found


def _place(edges: Sequence[float], at: float) -> int:
    return min(range(len(edges)), key=lambda place: abs(edges[place] - at))


# ---------------------------------------------------------------- running titles and page numbers


def _without_edges(pages: Sequence[Page], heights: Sequence[float]) -> Iterable[Page]:
    """The pages without the lines at their ends that most pages have, and without their numbers."""

    def at_end(page: Page) -> list[Line]:
        height = heights[page.number - 1]
        return [
            part
            for part in (*page.parts[:2], *page.parts[-2:])
            if isinstance(part, Line) and (part.bottom < EDGE or part.top > height - EDGE)
        ]

    def sign(page: Page, line: Line) -> tuple[str, int]:
        text = _NUMBERED.sub(lambda found: "#" if int(found[0][:9]) == page.number else found[0], line.text)
        return text, round(line.top)

    seen = Counter(mark for page in pages for mark in {sign(page, line) for line in at_end(page)})
    for page in pages:
        running = {line for line in at_end(page) if seen[sign(page, line)] * 2 > max(len(pages), 3)}
        running |= {line for line in at_end(page) if _is_number(line.text, page.number)}
        yield page._replace(parts=tuple(part for part in page.parts if part not in running))


def _is_number(text: str, number: int) -> bool:
    """Whether a line says nothing but which page this is: "3", "Page 3", "3 of 35", "- 3 -"."""
    found = _PAGE_NUMBER.fullmatch(text)
    return found is not None and int(found[1]) == number
