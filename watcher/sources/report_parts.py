"""A detainer report, as a PDF or as a page, to its sections: each with its prose, and with the rows of its tables.

Below the `detainer-report` adapter at extract in the flow. Sections are found by their numbers, for their titles change
from issue to issue; a table of contents has the same lines, and nothing below them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from watcher.core import Block, Capture, Link, Value
from watcher.sources.pdf_file import is_pdf
from watcher.sources.report_rows import COLUMNS, Row, has_anchor, is_header

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

    from watcher.sources.pdf_pages import Line, Ruled
    from watcher.sources.pdf_prose import Usual

T = TypeVar("T")

_SECTION = re.compile(r"(?:•\s?)?section\s{1,3}(iv|i{1,3}|[1-4])\s{0,3}([:.–—-]|$)", re.IGNORECASE)
_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}
_BULLETS = re.compile(r"<li\b[^>]*>", re.IGNORECASE)


class Part(NamedTuple):
    """What stands below one heading: the number of the section ("" before the first), its prose, its rows."""

    section: str
    blocks: tuple[Block, ...]
    rows: tuple[Row, ...] = ()


class Report(NamedTuple):
    """A report in parts, with the facts and links of its file."""

    parts: tuple[Part, ...]
    facts: dict[str, Value]
    links: tuple[Link, ...] = ()


def is_paper(capture: Capture) -> bool:
    """Whether a report is a PDF, or is said to be one."""
    return is_pdf(capture.body) or "pdf" in capture.content_type


def read(capture: Capture) -> Report:
    """Take a report apart. Raises NotReadable."""
    report = _paper(capture.body) if is_paper(capture) else _page(capture)
    return report._replace(parts=tuple(_without_contents(report.parts)))


def _chunks(items: Iterable[T], text_of: Callable[[T], str]) -> list[tuple[str, list[T]]]:
    """The items below each line that begins a section, that line the first of them."""
    found: list[tuple[str, list[T]]] = [("", [])]
    for item in items:
        if match := _SECTION.match(text_of(item)):
            found.append((_ROMAN.get(match[1], match[1].upper()), []))
        found[-1][1].append(item)
    return found


def _without_contents(parts: Sequence[Part]) -> Iterable[Part]:
    """The parts without the lines of a table of contents: they name sections that are still to come."""
    for place, part in enumerate(parts):
        if part.section and any(later.section == part.section for later in parts[place + 1 :]):
            yield Part("", part.blocks[1:], part.rows)
        elif part.section and part.blocks:
            first, *rest = part.blocks
            yield part._replace(blocks=(first._replace(type="heading"), *rest))
        else:
            yield part


# ---------------------------------------------------------------- a PDF


def _paper(body: bytes) -> Report:
    from watcher.sources.pdf_pages import Line, paper
    from watcher.sources.pdf_prose import usual

    found = paper(body)
    is_usual = usual(found.pages)
    parts = [part for page in found.pages for part in page.parts]
    chunks = _chunks(parts, lambda part: part.text if isinstance(part, Line) else "")
    links = tuple(dict.fromkeys(link for page in found.pages for link in page.links))
    return Report(tuple(_part(section, chunk, is_usual) for section, chunk in chunks), found.facts, links)


def _part(section: str, chunk: Sequence[Line | Ruled], is_usual: Usual) -> Part:
    from watcher.sources.pdf_pages import Line
    from watcher.sources.pdf_prose import Prose, block, paragraphs

    lines = [part for part in chunk if isinstance(part, Line)]
    ruled = [part for part in chunk if not isinstance(part, Line)]
    rows = [Row(row, part.page, part.parted and row is part.rows[0]) for part in ruled for row in part.rows]
    if section in COLUMNS and not any(is_header(section, row.cells) for row in rows):
        from watcher.sources.pdf_columns import find

        found = find(lines, partial(is_header, section), partial(has_anchor, section))
        lines = sorted(found.prose, key=lambda line: (line.page, line.top))
        rows = [Row(found.header), *(Row(cells, band.page) for cells, band in found.rows)]
    blocks = [block(part, is_usual) for part in paragraphs(lines, is_usual) if isinstance(part, Prose)]
    return _boxed(Part(section, tuple(blocks), tuple(rows)))


def _boxed(part: Part) -> Part:
    """A part with its rows as text, where it is none of those that have a table."""
    if part.section in COLUMNS:
        return part
    texts = (Block("paragraph", " | ".join(filter(None, dict.fromkeys(row.cells))), row.page) for row in part.rows)
    return Part(part.section, (*part.blocks, *(block for block in texts if block.text)))


# ---------------------------------------------------------------- a page


def _page(capture: Capture) -> Report:
    from watcher.sources.html import collapse, decode, parse, spaced, title_of

    text = _BULLETS.sub(lambda found: f"{found[0]}• ", spaced(decode(capture.body, capture.content_type)))
    tree = parse(text)
    tree.strip_tags(["script", "style", "template", "noscript"])
    title = title_of(tree)
    items: list[Block | list[Row]] = []
    for node in tree.css("h1, h2, h3, h4, h5, h6, p, li, table"):
        if node.tag == "table":
            items.append(_rows(node))
        elif not _inside_table(node) and (words := collapse(node.text(deep=True))):
            sort = {"p": "paragraph", "li": "list-item"}.get(node.tag or "", "heading")
            items.append(Block(sort, words.removeprefix("• ") if sort == "list-item" else words))
    chunks = _chunks(items, lambda item: item.text if isinstance(item, Block) else "")
    parts = (
        _boxed(
            Part(
                section,
                tuple(item for item in chunk if isinstance(item, Block)),
                tuple(row for item in chunk if not isinstance(item, Block) for row in item),
            )
        )
        for section, chunk in chunks
    )
    return Report(tuple(parts), {"title": title} if title else {})


def _rows(table: LexborNode) -> list[Row]:
    from watcher.sources.grid import table_rows

    return [Row(cells) for cells in table_rows(table)]


def _inside_table(node: LexborNode) -> bool:
    above = node.parent
    while above is not None and above.tag != "table":
        above = above.parent
    return above is not None
