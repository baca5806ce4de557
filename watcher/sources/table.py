"""The `table` kind: the rows of an HTML table, a CSV file or a JSON list, as records matched by key.

Stands at extract in the flow: bytes in, a document of records out. With no options it finds the page's main table,
its header row and its key by one rule each:

1. the main table is the one with the most cells of its own (cells of tables inside it are not its own);
2. the header is the first row of two or more cells that are all `<th>`, or stand in `<thead>`; where no row is like
   that, the first row as wide as most rows, if its cells are filled and distinct;
3. the key is the first column, else the fewest leading columns, whose values are nearly all distinct. It is chosen at
   the baseline and kept while the header stays.

Rows that share a key are all kept. The target of a cell's links is read too, beside the rows.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode

from watcher.core import Adapter, Capture, Document, Link, NotReadable, Record, Value
from watcher.sources.html import absolute, collapse, decode, parse, spaced

MOST_CELLS = 2_000_000
DISTINCT = 0.95
"""Share of rows that a key has to tell apart."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`select`: CSS of the table (or of what holds it). `key`: column name(s) of the key. `ignore`: columns left out.

    `items`: for JSON, the dotted path to the list ("results.rows"); without it, the first list of objects.
    """

    select: str = ""
    key: str | list[str] = ""
    ignore: list[str] = []
    items: str = ""


class Grid(NamedTuple):
    """A table as it stands: its header (empty if it has none), its rows of equal width, its links as written, a title."""

    header: tuple[str, ...]
    rows: list[tuple[Value, ...]]
    links: list[tuple[str, str]] = []  # noqa: RUF012 - a NamedTuple's default, never changed
    title: str = ""


class Table(Adapter):
    """Reads one table."""

    kind: ClassVar[str] = "table"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    def fingerprint(self, capture: Capture) -> str:
        """Digest the cells and their links; raises NotReadable where there is no table."""
        grid = self._grid(capture)
        digest = hashlib.blake2b(digest_size=16)
        digest.update(msgspec.json.encode((grid.header, grid.rows, grid.links)))
        return digest.hexdigest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the table; raises NotReadable where there is none, or a column of the options is not in it."""
        grid = self._grid(capture)
        header, rows = _named(grid, self.options.ignore)
        key = self._key(header, rows, choices)
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta={"title": grid.title} if grid.title else {},
            records=records(header, rows, key),
            links=tuple(Link(collapse(text), url) for text, href in grid.links if (url := absolute(capture.url, href))),
            choices={"header": list(header), "key": list(key)},
        )

    def _grid(self, capture: Capture) -> Grid:
        head = capture.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
        if "json" in capture.content_type or (head[:1] in (b"[", b"{") and "html" not in capture.content_type):
            return json_grid(capture.body, self.options.items)
        if "csv" in capture.content_type or (b"<" not in head and b"," in head) or capture.url.endswith(".csv"):
            return csv_grid(decode(capture.body, capture.content_type))
        return html_grid(capture, self.options.select)

    def _key(
        self, header: Sequence[str], rows: Sequence[tuple[Value, ...]], choices: Mapping[str, Any]
    ) -> tuple[str, ...]:
        if self.options.key:
            wanted = [self.options.key] if isinstance(self.options.key, str) else self.options.key
            missing = [name for name in wanted if name not in header]
            if missing:
                raise NotReadable(f"key: expected a column called {missing[0]!r}, the table has {', '.join(header)}")
            return tuple(wanted)
        before, key = choices.get("header", ()), choices.get("key", ())
        if key and all(name in header for name in key):
            return tuple(key)
        if key and len(before) == len(header):
            return tuple(header[before.index(name)] for name in key)
        return choose_key(header, rows)


def choose_key(header: Sequence[str], rows: Sequence[tuple[Value, ...]]) -> tuple[str, ...]:
    """The fewest leading columns that tell nearly all rows apart; all columns where none do."""
    for width in range(1, len(header) + 1):
        distinct = len({row[:width] for row in rows})
        if distinct >= DISTINCT * len(rows):
            return tuple(header[:width])
    return tuple(header)


def records(header: Sequence[str], rows: Iterable[tuple[Value, ...]], key: Sequence[str]) -> dict[str, Record]:
    """Rows as records in page order. The parts of a composite key are joined by " · "; equal keys go on as #2, #3."""
    places = [header.index(name) for name in key]
    seen: Counter[str] = Counter()
    found: dict[str, Record] = {}
    for row in rows:
        base = " · ".join(str(row[place] or "") for place in places)
        seen[base] += 1
        name = base if seen[base] == 1 else f"{base}#{seen[base]}"
        found[name] = Record(name, dict(zip(header, row, strict=True)))
    return found


def _named(grid: Grid, ignore: Sequence[str]) -> tuple[tuple[str, ...], list[tuple[Value, ...]]]:
    """Give every column a name of its own, and leave out those that are ignored."""
    width = len(grid.rows[0]) if grid.rows else len(grid.header)
    names: list[str] = []
    for place in range(width):
        name = (grid.header[place] if place < len(grid.header) else "") or f"column {place + 1}"
        names.append(name if name not in names else f"{name} ({place + 1})")
    if not ignore:
        return tuple(names), grid.rows
    kept = [place for place, name in enumerate(names) if name not in ignore]
    return tuple(names[place] for place in kept), [tuple(row[place] for place in kept) for row in grid.rows]


# ---------------------------------------------------------------- HTML


def html_grid(capture: Capture, select: str) -> Grid:
    """The main table of a page, or the one that `select` names. Raises NotReadable where there is none."""
    tree = parse(spaced(decode(capture.body, capture.content_type)))
    table = main_table(tree, select)
    for junk in table.css("script, style, template"):
        junk.decompose()
    rows, marked = _rows(table)
    if not rows:
        raise NotReadable("expected a table with rows, found a table without any")
    start = _header(rows, marked)
    links = [(anchor.text(deep=True), anchor.attributes["href"] or "") for anchor in table.css("a[href]")]
    title = tree.css_first("title")
    header, body = (tuple(rows[start]), rows[start + 1 :]) if start >= 0 else ((), rows)
    repeated = [row for row in body if row != header] if header else body
    width = max((len(row) for row in repeated), default=len(header))
    return Grid(
        header=header,
        rows=[row + ("",) * (width - len(row)) for row in repeated if any(row)],
        links=links,
        title=collapse(title.text(deep=True)) if title else "",
    )


def main_table(tree: LexborHTMLParser, select: str) -> LexborNode:
    """Rule 1. Raises NotReadable where the page has no table there."""
    inside = tree.css_first(select) if select else tree.root
    if inside is None:
        raise NotReadable(f"select: nothing on the page matches {select!r}")
    tables = [inside] if inside.tag == "table" else inside.css("table")
    if not tables:
        raise NotReadable("expected a page with a table, found none" + (f" in {select!r}" if select else ""))
    if len(tables) == 1:
        return tables[0]
    return max(tables, key=lambda table: sum(1 for row in _own_rows(table) for _ in row.iter()))


def _own_rows(table: LexborNode) -> Iterator[LexborNode]:
    for part in table.iter():
        if part.tag == "tr":
            yield part
        elif part.tag in ("tbody", "thead", "tfoot"):
            yield from (row for row in part.iter() if row.tag == "tr")


def _rows(table: LexborNode) -> tuple[list[tuple[str, ...]], list[bool]]:
    """The cells of each row with spans filled in, and whether the row is marked as a header."""
    rows: list[tuple[str, ...]] = []
    marked: list[bool] = []
    hanging: dict[int, tuple[int, str]] = {}
    cells = 0
    for row in _own_rows(table):
        texts: list[str] = []
        ths = tds = 0
        for cell in row.iter():
            if cell.tag == "th":
                ths += 1
            elif cell.tag == "td":
                tds += 1
            else:
                continue
            while len(texts) in hanging:
                texts.append(_hang(hanging, len(texts)))
            text = " ".join(cell.text(deep=True).split())
            attributes = cell.attributes
            across = _span(attributes.get("colspan"), 1000)
            down = _span(attributes.get("rowspan"), 65_534)
            for _ in range(across):
                if down > 1:
                    hanging[len(texts)] = (down - 1, text)
                texts.append(text)
        while len(texts) in hanging:
            texts.append(_hang(hanging, len(texts)))
        cells += len(texts)
        if cells > MOST_CELLS:
            raise NotReadable(f"expected a table of at most {MOST_CELLS:,} cells, found more")
        if texts:
            rows.append(tuple(texts))
            parent = row.parent
            marked.append(len(texts) > 1 and ((ths > 0 and tds == 0) or (parent is not None and parent.tag == "thead")))
    return rows, marked


def _hang(hanging: dict[int, tuple[int, str]], place: int) -> str:
    """The text that a cell above leaves in this column, used up by one row."""
    left, text = hanging.pop(place)
    if left > 1:
        hanging[place] = (left - 1, text)
    return text


def _span(text: str | None, most: int) -> int:
    return min(max(int(text), 1), most) if text and text.isascii() and text.isdigit() and len(text) < 6 else 1


def _header(rows: Sequence[tuple[str, ...]], marked: Sequence[bool]) -> int:
    """Rule 2: the place of the header row, or -1."""
    if True in marked:
        return marked.index(True)
    usual = Counter(len(row) for row in rows).most_common(1)[0][0]
    for place, row in enumerate(rows[:20]):
        if len(row) == usual and usual > 1:
            return place if all(row) and len(set(row)) == len(row) and len(rows) > place + 1 else -1
    return -1


# ---------------------------------------------------------------- CSV and JSON


def csv_grid(text: str) -> Grid:
    """A CSV file whose first row is its header; the delimiter is the one of , ; tab | that its first line has most."""
    first = text[: text.find("\n")] if "\n" in text else text
    delimiter = max(",;\t|", key=first.count)
    csv.field_size_limit(1_000_000)
    try:
        rows = [tuple(collapse(cell) for cell in row) for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise NotReadable(f"expected CSV, found {error}") from error
    rows = [row for row in rows if any(row)]
    if not rows:
        raise NotReadable("expected a CSV file with rows, found none")
    width = max(len(row) for row in rows)
    if width * len(rows) > MOST_CELLS:
        raise NotReadable(f"expected a table of at most {MOST_CELLS:,} cells, found more")
    return Grid(rows[0], [row + ("",) * (width - len(row)) for row in rows[1:]])


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
        raise NotReadable(f"expected a list of objects at {path!r}" if path else "expected a list of objects somewhere")
    items = [item for item in data if isinstance(item, dict)]
    header = tuple(dict.fromkeys(str(name) for item in items for name in item))
    if len(header) * len(items) > MOST_CELLS:
        raise NotReadable(f"expected a list of at most {MOST_CELLS:,} values, found more")
    return Grid(header, [tuple(_plain(item.get(name)) for name in header) for item in items])


def _lists(data: Any) -> Iterator[list[Any]]:
    """Lists that hold an object, level by level."""
    level = [data]
    for _ in range(8):
        for item in level:
            if isinstance(item, list) and any(isinstance(entry, dict) for entry in item):
                yield item
        level = [value for item in level if isinstance(item, dict) for value in item.values()]


def _plain(value: Any) -> Value:
    if isinstance(value, str):
        return collapse(value)
    if value is None or isinstance(value, int | float):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
