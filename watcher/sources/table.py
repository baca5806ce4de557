"""The `table` kind: rows of an HTML table, a spreadsheet, a CSV file or a JSON list, as records matched by key.

Stands at extract in the flow: bytes in, a document of records out. With no options it finds the main table, its header
row and its key by one rule each:

1. the main table is the one with the most cells of its own (cells of tables inside it are not its own); of a workbook,
   the visible sheet with the most filled cells;
2. the header is the first row, titles aside, whose cells are all `<th>` or stand in `<thead>`; where no row is like
   that, the first row as wide as most rows, if its cells are filled and distinct. Of a spreadsheet or CSV file, the
   first row that is about as full as most rows are;
3. the key is the first column, else the fewest leading columns, whose values are nearly all distinct; columns between
   them that tell hardly any rows apart are left out. It is chosen at the baseline and kept while the header stays.

Rows that share a key are all kept. The target of a cell's links is read too, beside the rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

import msgspec

from watcher.core import Adapter, Capture, Document, Link, NotReadable, Record, Subject, Value
from watcher.matching import keys_of
from watcher.sources.grid import Grid, csv_grid, html_grid, json_grid, steady_digest
from watcher.sources.html import absolute, decode

_PLACE_COLUMNS = {
    "state": "state",
    "state/territory": "state",
    "county": "county",
    "parish": "county",
    "county/parish": "county",
    "city": "city",
    "town": "city",
    "city/town": "city",
    "municipality": "city",
    "agency": "agency",
    "law enforcement agency": "agency",
    "local law enforcement agency": "agency",
    "lea": "agency",
    "jurisdiction": "place",
}
"""Names of columns that name a jurisdiction, and which kind; "County name" is as good as "County"."""

NARROWING = ("place", "agency", "city", "county")
"""A row is about the first of these that it names; those after it contain it."""

WORKBOOKS = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How workbooks begin, those of old Excel and those with a password too, which are told apart where they are read."""

LONGEST_NAME = 400
"""Characters of a cell that may name a place."""

DISTINCT = 0.95
"""Share of rows that a key has to tell apart."""


class TableOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`select`: CSS of the table (or of what holds it). `key`: column name(s) of the key. `ignore`: columns left out.

    `items`: for JSON, the dotted path to the list ("results.rows"); without it, the first list of objects.
    `sheet`: for a workbook, the name or the number (from 1) of the sheet.
    """

    select: str = ""
    key: str | list[str] = ""
    ignore: list[str] = []
    items: str = ""
    sheet: str | int = ""


class Table(Adapter):
    """Reads one table."""

    kind: ClassVar[str] = "table"
    version: ClassVar[int] = 2
    Options: ClassVar[type] = TableOptions

    def __init__(self, options: TableOptions) -> None:
        if isinstance(options.sheet, int) and options.sheet < 1:
            raise ValueError(f"sheet: expected a name, or a number from 1 on, found {options.sheet}")
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:
        """Digest the cells and their links; raises NotReadable where there is no table.

        Of an HTML page or a workbook the bytes are digested first, without what nobody reads: where they are as they
        were, so is the table.
        """
        steady = _steady(capture)
        if steady and known.startswith(f"{steady}-"):
            return known
        grid = self._grid(capture)
        cells = hashlib.blake2b(msgspec.json.encode((grid.header, grid.rows, grid.links)), digest_size=16).hexdigest()
        return known if known.endswith(f"-{cells}") else f"{steady}-{cells}"

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the table; raises NotReadable where there is none, or a column of the options is not in it."""
        grid = self._grid(capture)
        header, rows = _named(grid, self.options.ignore)
        key = self._key(header, rows, choices)
        columns = place_columns(header)
        subjects = jurisdictions(columns, rows)
        places = {"places": [header[place] for place in columns.values()]} if subjects else {}
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta={"title": grid.title} if grid.title else {},
            records=records(header, rows, key, subjects),
            links=tuple(Link(text, url) for text, href in grid.links if (url := absolute(capture.url, href))),
            choices={"header": list(header), "key": list(key), **places},
        )

    def _grid(self, capture: Capture) -> Grid:
        sort = _sort(capture)
        if sort == "json":
            return json_grid(capture.body, self.options.items)
        if sort == "sheet":
            from watcher.sources.sheet import sheet_grid

            return sheet_grid(capture.body, self.options.sheet)
        if sort == "csv":
            return csv_grid(decode(capture.body, capture.content_type))
        return html_grid(capture.body, capture.content_type, self.options.select)

    def _key(
        self, header: Sequence[str], rows: Sequence[tuple[Value, ...]], choices: Mapping[str, Any]
    ) -> tuple[str, ...]:
        if self.options.key and header:  # an empty list has no columns
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


def _steady(capture: Capture) -> str:
    sort = _sort(capture)
    if sort == "sheet":
        from watcher.sources import sheet

        return sheet.steady_digest(capture.body)
    return steady_digest(capture.body) if sort == "html" else ""


def _sort(capture: Capture) -> str:
    """Whether the bytes are a sheet, json, csv or html: by what the server says, or how they begin."""
    if capture.body.startswith(WORKBOOKS) or "spreadsheetml" in capture.content_type:
        return "sheet"
    head = capture.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    if "json" in capture.content_type or (head[:1] in (b"[", b"{") and "html" not in capture.content_type):
        return "json"
    marks = (b",",) if "html" in capture.content_type else (b",", b";", b"\t", b"|")
    says = "csv" in capture.content_type or "tab-separated" in capture.content_type or capture.url.endswith(".csv")
    if says or (b"<" not in head and any(mark in head for mark in marks)):
        return "csv"
    return "html"


def choose_key(header: Sequence[str], rows: Sequence[tuple[Value, ...]]) -> tuple[str, ...]:
    """Rule 3: the fewest leading columns that tell nearly all rows apart, without those that are no help; else all."""

    def told_apart(columns: Sequence[int]) -> int:
        return len({tuple(row[column] for column in columns) for row in rows})

    widths = range(1, len(header) + 1)
    enough = (width for width in widths if len({row[:width] for row in rows}) >= DISTINCT * len(rows))
    whole = range(next(enough, len(header)))
    key = [*whole[:1]]
    for column in whole[1:]:
        if column == whole[-1] or told_apart(key) < DISTINCT * told_apart([*key, column]):
            key.append(column)
    best = key if told_apart(key) == told_apart(whole) else whole
    return tuple(header[column] for column in best)


def records(
    header: Sequence[str],
    rows: Sequence[tuple[Value, ...]],
    key: Sequence[str],
    subjects: Sequence[Subject | None] = (),
) -> dict[str, Record]:
    """Rows as records in page order. The parts of a composite key are joined by " · "; equal keys go on as #2, #3."""
    places = [header.index(name) for name in key]
    keys = keys_of([row[place] for place in places] for row in rows)
    named = zip(keys, rows, subjects or [None] * len(rows), strict=True)
    return {name: Record(name, dict(zip(header, row, strict=True)), None, subject) for name, row, subject in named}


def place_columns(header: Sequence[str]) -> dict[str, int]:
    """Where the columns called State, County, Agency … stand, by what they name."""
    names = [name.casefold().strip(" *:†").removesuffix(" name") for name in header]
    return {kind: place for place, name in enumerate(names) if (kind := _PLACE_COLUMNS.get(name))}


def jurisdictions(columns: Mapping[str, int], rows: Sequence[tuple[Value, ...]]) -> list[Subject | None]:
    """The place that each row names in `columns`, where most rows name one that is known; else nothing."""
    if not columns or not rows:
        return []
    kinds = [kind for kind in NARROWING if kind in columns]
    cells = ({kind: str(row[place] or "")[:LONGEST_NAME] for kind, place in columns.items()} for row in rows)
    found = [_jurisdiction(named, kinds) for named in cells]
    known = sum(1 for subject in found if subject is not None and subject.id.startswith("us-"))
    return found if known * 2 > len(rows) else []


def _jurisdiction(cells: Mapping[str, str], kinds: Sequence[str]) -> Subject | None:
    """The narrowest place that one row names, within the others."""
    state = cells.get("state", "")
    named = [_resolved(cells[kind], state, "" if kind == "place" else kind) for kind in kinds if cells[kind]]
    if not named:
        return _resolved(state, None, "state") if state else None
    subject, *around = named
    within = [place.id for place in around if place.id.startswith("us-") and place.id != subject.id]
    return replace(subject, within=tuple(dict.fromkeys((*subject.within, *within)))) if within else subject


@lru_cache(maxsize=8_192)  # rows share places, and two captures of a table share nearly all of them
def _resolved(name: str, state: str | None, kind: str) -> Subject:
    from watcher.places import resolve

    return resolve(name, state=state, kind=kind)


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
