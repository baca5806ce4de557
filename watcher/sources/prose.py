"""Reduced markup to pieces of prose and links: what a page's layout sets off as a heading, a paragraph, an item, a row.

Stands between `html` and the adapters of pages at extract in the flow; the only reader here that uses BeautifulSoup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from watcher.core import Link, NotReadable
from watcher.sources.html import absolute, collapse

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement

MOST_ELEMENTS = 150_000
"""Elements in what BeautifulSoup is given: about 1 KB of memory and 50 microseconds each."""

HEADINGS = {f"h{level}": level for level in range(1, 7)}
LISTS = {"ul", "ol", "dl", "menu"}
ITEMS = {"li", "dt", "dd"}
BLOCKS = {
    *HEADINGS, *LISTS, *ITEMS,
    "address", "article", "aside", "blockquote", "body", "button", "caption", "center", "details", "dialog", "div",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html", "legend", "main", "nav",
    "option", "p", "pre", "search", "section", "select", "summary", "table", "tbody", "td", "textarea", "tfoot",
    "th", "thead", "tr",
}  # fmt: skip
_LAYOUT = ["table", "ul", "ol", "dl", *HEADINGS]
"""What makes of a table row a part of the page's layout, not of a table."""


class Piece(NamedTuple):
    """A run of text between two line ends of the layout; a line break inside it is one in `text`.

    `type` is heading, paragraph, list-item or row. `level` is that of the heading, or how deep the lists nest.
    `strong`: all of it is bold. `cells` are those of a row; `element` is the innermost block that holds the text.
    """

    type: str
    text: str
    level: int = 0
    strong: bool = False
    cells: tuple[str, ...] = ()
    element: Tag | None = None


def soup(markup: str) -> BeautifulSoup:
    """The tree of reduced markup. Raises NotReadable where it has too many elements."""
    from bs4 import BeautifulSoup

    count = markup.count("<") - markup.count("</")
    if count > MOST_ELEMENTS:
        raise NotReadable(f"expected a page of at most {MOST_ELEMENTS:,} elements, found {count:,}")
    return BeautifulSoup(f"<html><body>{markup}</body></html>", "lxml")


class _Line:
    """The text gathered since the last line end of the layout."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.strong = True

    def add(self, text: str, *, strong: bool) -> None:
        self.parts.append(text)
        if not strong and not text.isspace():
            self.strong = False

    def take(self, within: Sequence[Tag]) -> Iterator[Piece]:
        """The piece that the text makes, if it is any, in the blocks that are open; starts anew."""
        lines = [collapse(line) for line in "".join(self.parts).split("\n")]
        text, strong = "\n".join(line for line in lines if line), self.strong
        self.parts, self.strong = [], True
        if not text:
            return
        depth = sum(1 for tag in within if tag.name in LISTS)
        for tag in reversed(within):
            if level := HEADINGS.get(tag.name):
                yield Piece("heading", text, level, strong, element=tag)
                return
            if tag.name in ITEMS:
                yield Piece("list-item", text, depth, strong, element=tag)
                return
        yield Piece("paragraph", text, depth, strong, element=within[-1] if within else None)


def pieces(root: Tag) -> Iterator[Piece]:
    """The text under `root` in page order, cut where the layout ends lines. Nesting costs no recursion."""
    from bs4 import Tag

    line = _Line()
    within: list[Tag] = []
    bold = 0
    todo: list[tuple[PageElement, bool]] = [(root, True)]
    while todo:
        node, entering = todo.pop()
        if not isinstance(node, Tag):
            line.add(re.sub(r"\s+", " ", str(node)), strong=bold > 0)
            continue
        if node.name in ("b", "strong"):
            bold += 1 if entering else -1
        elif node.name == "br" and entering:
            line.add("\n", strong=True)
        elif node.name in BLOCKS:
            yield from line.take(within)
            if not entering:
                within.pop()
            elif node.name == "tr" and not node.find(_LAYOUT):
                yield from _row(node)
                continue
            else:
                within.append(node)
        if entering:
            todo.append((node, False))
            todo.extend((child, True) for child in reversed(node.contents))
    yield from line.take(within)


def _row(row: Tag) -> Iterator[Piece]:
    cells = tuple(words(cell) for cell in row.find_all(["td", "th"]))
    if any(cells):
        headed = not row.find("td")
        yield Piece("row", collapse(" | ".join(cells)), strong=headed, cells=cells, element=row)


def words(element: Tag) -> str:
    """The text of an element on one line."""
    return collapse(" ".join(piece.text for piece in pieces(element)))


def links(root: Tag, base: str) -> tuple[Link, ...]:
    """The http(s) links under `root` in page order, each once."""
    found = (Link(words(anchor), absolute(base, str(anchor["href"]))) for anchor in root.find_all("a", href=True))
    return tuple(dict.fromkeys(link for link in found if link.url))
