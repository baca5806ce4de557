"""Grids: the rows and columns in an HTML page, a CSV file or a JSON body, before anybody asks what they mean.

Below the `table` adapter at extract in the flow. Which table of a page and which of its rows is the header is decided
here, by the first two of the adapter's three rules.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from selectolax.lexbor import LexborHTMLParser, LexborNode

from watcher.core import NothingThere, NotReadable, Value
from watcher.sources.html import collapse, decode, parse, spaced

MOST_CELLS = 2_000_000
MOST_DIGITS = 6
MOST_REMEMBERED, LONG_ROW = 40_000, 1_000
"""Rows that are remembered, and the characters of markup from which one is not."""
MOST_SCANNED = 500_000_000
MOST_EXACT = 2**63
"""Numbers from here on, the infinite ones and those that are none are read as text."""
SAMPLE = 50
"""Rows of a CSV file by which its delimiter is told."""
BREAKS = "br, p, div, li, dt, dd, h1, h2, h3, h4, h5, h6, td table"
"""What ends a line inside a cell."""
UNREAD = "script, style, template"
"""What stands in a cell and is no text of it; none of them holds another as an element of the page."""


class Grid(NamedTuple):
    """A table as it stands: its header (empty if it has none), its rows of equal width, its links as written."""

    header: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    links: list[tuple[str, str]] = []  # noqa: RUF012 - a NamedTuple's default, never changed
    title: str = ""


# ---------------------------------------------------------------- HTML


@lru_cache(maxsize=4)  # the look at a page and the comparison soon after it read the same bytes
def html_grid(body: bytes, content_type: str, select: str) -> Grid:
    """The main table of a page, or the one that `select` names. Raises NotReadable where there is none."""
    text = decode(body, content_type)
    tree = parse(text)
    try:
        rows = _rows(main_table(tree, select))
    except _Joined:
        tree = parse(spaced(text))
        rows = _rows(main_table(tree, select), joined=False)
    if not rows:
        raise NothingThere("expected a table with rows, found a table without any")
    start = _header(rows)
    title = tree.css_first("title")
    header = rows[start].texts if start >= 0 else ()
    kept = [row.texts for row in rows[start + 1 :] if any(row.texts) and row.texts != header]
    width = max([len(header), *map(len, kept)])
    bounded(width * len(kept))
    return Grid(
        header=header,
        rows=[row if len(row) == width else row + ("",) * (width - len(row)) for row in kept],
        links=[link for row in rows for link in row.links],
        title=collapse(title.text(deep=True)) if title else "",
    )


_UNREAD = re.compile(
    rb"<(?:!--(?!-?>).*?--!?|(script|style)\b.*?</\1\s*|input\b[^>]{0,300}\btype=[\"']?hidden\b[^>]*)>", re.DOTALL
)
"""What changes with each request and no reader of a table sees: comments, scripts, hidden fields."""


def steady_digest(body: bytes) -> str:
    """A digest of the page without what nobody reads; "" where that would take long to find.

    It costs a tenth of reading the table: where it is as it was, so is the table.
    """
    openings = body.count(b"<!--") + body.count(b"<script") + body.count(b"<style") + body.count(b"<input")
    if len(body) * openings > MOST_SCANNED:
        return ""
    return hashlib.sha1(_UNREAD.sub(b"", body), usedforsecurity=False).hexdigest()[:16]


def main_table(tree: LexborHTMLParser, select: str) -> LexborNode:
    """Rule 1. Raises NotReadable where the page has no table there."""
    inside = tree.css_first(select) if select else tree.root
    if inside is None:
        raise NothingThere(f"select: nothing on the page matches {select!r}")
    tables = [inside] if inside.tag == "table" else inside.css("table")
    if not tables:
        raise NothingThere("expected a page with a table, found none" + (f" in {select!r}" if select else ""))
    if len(tables) == 1:
        return tables[0]
    return max(tables, key=lambda table: sum(1 for row in _own_rows(table) for _ in row.iter()))


def table_rows(table: LexborNode) -> list[tuple[str, ...]]:
    """The cells of each row of a table, with spans filled in; of a page whose lines are `spaced`."""
    return [row.texts for row in _rows(table, joined=False)]


def _own_rows(table: LexborNode) -> Iterator[LexborNode]:
    for part in table.iter():
        if part.tag == "tr":
            yield part
        elif part.tag in ("tbody", "thead", "tfoot"):
            yield from (row for row in part.iter() if row.tag == "tr")


class _Row(NamedTuple):
    """A row as it stands: its cells, whether it is marked as a header, the words and targets of its links."""

    texts: tuple[str, ...]
    marked: bool
    links: list[tuple[str, str]]


class _Joined(Exception):  # noqa: N818 - caught a few lines away
    """A row has lines in a cell that would read as one word: the page has to be read again, with spaces between."""


def _rows(table: LexborNode, *, joined: bool = True) -> list[_Row]:
    """The rows with spans filled in. Raises _Joined, unless the lines of cells are no more `joined`."""
    rows: list[_Row] = []
    hanging: dict[int, tuple[int, str]] = {}
    spans = table.css_first("[colspan], [rowspan]") is not None
    group, in_head, cells = 0, False, 0
    for node in _own_rows(table):
        around = node.parent
        if around is not None and around.mem_id != group:  # nodes themselves are compared by their whole markup
            group, in_head = around.mem_id, around.tag == "thead"
            hanging.clear()  # no cell reaches out of its group of rows
        row = _row(node, hanging if spans else None, joined=joined)
        cells += len(row.texts)
        bounded(cells)
        if row.texts:
            rows.append(row._replace(marked=not _is_title(row.texts)) if in_head or row.marked else row)
    return rows


def _is_title(row: Sequence[str]) -> bool:
    """Whether a row holds one cell, across however many columns."""
    return len(set(row)) == 1


def bounded(cells: int) -> None:
    """Refuse a table of more cells than anybody reads. Raises NotReadable."""
    if cells > MOST_CELLS:
        raise NotReadable(f"expected a table of at most {MOST_CELLS:,} cells, found more")


_remembered: dict[str, _Row] = {}
"""Rows of tables in which no cell spans another, by their markup: two captures of a page share nearly all of them."""


def _row(node: LexborNode, hanging: dict[int, tuple[int, str]] | None, *, joined: bool) -> _Row:
    """One row of a table; `hanging` are the cells that reach into it from above, None where no cell spans another."""
    markup = (node.html or "") if hanging is None else ""
    if found := _remembered.get(markup):
        return found
    if joined and node.css_first(f"{BREAKS}, {UNREAD}"):
        raise _Joined
    for junk in node.css(UNREAD):
        junk.decompose()
    texts, heads = _plain_cells(node) if hanging is None else _cells(node, hanging)
    row = _Row(tuple(texts), heads, [_link(anchor) for anchor in node.css("a[href]")])
    if 0 < len(markup) <= LONG_ROW:
        if len(_remembered) >= MOST_REMEMBERED:
            _remembered.clear()
        _remembered[markup] = row
    return row


def _link(anchor: LexborNode) -> tuple[str, str]:
    return collapse(anchor.text(deep=True)), anchor.attributes["href"] or ""


def _plain_cells(row: LexborNode) -> tuple[list[str], bool]:
    """The texts of one row of a table in which no cell spans another, and whether all its cells are `<th>`."""
    cells = [cell for cell in row.iter() if cell.tag in ("td", "th")]
    texts = [" ".join(cell.text(deep=True).split()) for cell in cells]
    return texts, bool(cells) and all(cell.tag == "th" for cell in cells)


def _cells(row: LexborNode, hanging: dict[int, tuple[int, str]]) -> tuple[list[str], bool]:
    """The texts of one row, those that hang in from above too, and whether all its own cells are `<th>`."""
    texts: list[str] = []
    heads = True
    for cell in row.iter():
        if cell.tag not in ("td", "th"):
            continue
        heads = heads and cell.tag == "th"
        while len(texts) in hanging:
            texts.append(_hang(hanging, len(texts)))
        text = " ".join(cell.text(deep=True).split())
        attributes = cell.attributes
        down = _span(attributes.get("rowspan"))
        for _ in range(_span(attributes.get("colspan"))):
            if down > 1:
                hanging[len(texts)] = (down - 1, text)
            texts.append(text)
        bounded(len(texts))
    while len(texts) in hanging:
        texts.append(_hang(hanging, len(texts)))
    return texts, heads and bool(texts)


def _hang(hanging: dict[int, tuple[int, str]], place: int) -> str:
    """The text that a cell above leaves in this column, used up by one row."""
    left, text = hanging.pop(place)
    if left > 1:
        hanging[place] = (left - 1, text)
    return text


def _span(text: str | None) -> int:
    """How many rows or columns a cell takes, within what HTML allows a cell to take across."""
    return min(max(int(text), 1), 1000) if text and text.isascii() and text.isdigit() and len(text) < MOST_DIGITS else 1


def _header(rows: Sequence[_Row]) -> int:
    """Rule 2: the place of the header row, or -1."""
    marked = next((place for place, row in enumerate(rows) if row.marked), None)
    if marked is not None:
        return marked
    usual = Counter(len(row.texts) for row in rows).most_common(1)[0][0]
    for place, (texts, _, _) in enumerate(rows[:20]):
        if len(texts) == usual and not _is_title(texts):
            return place if all(texts) and len(set(texts)) == len(texts) and len(rows) > place + 1 else -1
    return -1


# ---------------------------------------------------------------- CSV and JSON


def csv_grid(text: str) -> Grid:
    """A CSV file: its delimiter is the one of , ; tab | by which most of its first lines have equally many cells."""
    csv.field_size_limit(1_000_000)
    try:
        delimiter = max("\t|;,", key=lambda mark: _regularity(islice(_csv_rows(text, mark), SAMPLE)))
        rows = [row for row in _csv_rows(text, delimiter) if any(row)]
    except csv.Error as error:
        raise NotReadable(f"expected CSV, found {error}") from error
    if not rows:
        raise NothingThere("expected a CSV file with rows, found none")
    width = max(len(row) for row in rows)
    bounded(width * len(rows))
    start = header_place((list(filter(None, row)), bool(row[0])) for row in rows)
    full = [row + ("",) * (width - len(row)) for row in rows[start:]]
    return Grid(full[0], [*full[1:]], title=next(filter(None, rows[0])) if start else "")


def _csv_rows(text: str, delimiter: str) -> Iterator[tuple[str, ...]]:
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    return (tuple(collapse(cell) for cell in row) for row in lines)


def _regularity(rows: Iterable[Sequence[str]]) -> tuple[int, int]:
    """How many rows have the most common width beyond one cell, and that width."""
    widths = Counter(len(row) for row in rows if len(row) > 1)
    return max(((count, width) for width, count in widths.items()), default=(0, 0))


def header_place(rows: Iterable[tuple[Collection[Value], bool]]) -> int:
    """Rule 2 for rows that nothing marks: the place of the first that is about as full as most rows are.

    Each row comes as its filled cells, and whether one of them stands in the first column. One that says a single
    thing is a title, a section's name or a note; the first column, where most rows fill it, needs no name.
    """
    rows = list(rows)
    filled_first = sum(first for _, first in rows) * 2 > len(rows)
    fullness = [
        0 if len(set(cells)) == 1 and first >= filled_first else len(cells) + (filled_first and not first)
        for cells, first in rows
    ]
    usual = Counter(filter(None, fullness)).most_common(1)
    return next(place for place, full in enumerate(fullness) if full * 3 > usual[0][0] * 2) if usual else 0


def json_grid(body: bytes, path: str) -> Grid:
    """A JSON list of objects, at the dotted `path` or the first one found."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotReadable(f"expected JSON, found {str(error)[:80]}") from error
    for step in filter(None, path.split(".")):
        data = data.get(step) if isinstance(data, dict) else None
    if not path:
        data = next(_lists(data), None)
    if not isinstance(data, list):
        raise NothingThere(
            f"expected a list of objects at {path!r}" if path else "expected a list of objects somewhere"
        )
    items = [item for item in data if isinstance(item, dict)]
    header = tuple(dict.fromkeys(str(name) for item in items for name in item))
    bounded(len(header) * len(items))
    return Grid(header, [tuple(plain(item.get(name)) for name in header) for item in items])


def _lists(data: Any) -> Iterator[list[Any]]:
    """Lists that hold an object, level by level."""
    level = [data]
    for _ in range(8):
        for item in level:
            if isinstance(item, list) and any(isinstance(entry, dict) for entry in item):
                yield item
        level = [value for item in level if isinstance(item, dict) for value in item.values()]


def plain(value: Any) -> Value:
    """A value of JSON or of a sheet's cell as one of a record; what nothing else can carry is text."""
    if isinstance(value, str):
        return collapse(value)
    if value is None or isinstance(value, bool) or (isinstance(value, int | float) and abs(value) < MOST_EXACT):
        return value
    if isinstance(value, int | float):
        return str(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
