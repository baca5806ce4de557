"""The `pdf` kind: the paragraphs of any PDF, and the rows of its ruled tables, each with the page it stands on.

Stands at extract in the flow. Tables under the same header are one table, and one that runs over the end of a page goes
on there, with its header again or without. A file whose text nobody can read, a scan, is watched by its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from watcher.core import Adapter, Block, Capture, Document, Record
from watcher.matching import keys_of
from watcher.sources.pdf_file import CPU_SECONDS, WALL_SECONDS
from watcher.sources.table import choose_key, jurisdictions, place_columns

if TYPE_CHECKING:
    from watcher.sources.pdf_pages import Ruled

KEYS = "keys"
"""In the choices of a document: the header of each table, and its key."""


class PdfOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key`: column name(s) of the key, for the tables that have them."""

    key: str | list[str] = ""


class Pdf(Adapter):
    """Reads one PDF."""

    kind: ClassVar[str] = "pdf"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = PdfOptions
    requires: ClassVar[tuple[str, ...]] = ("pdfplumber",)
    cpu_seconds: ClassVar[int] = CPU_SECONDS
    wall_seconds: ClassVar[float] = WALL_SECONDS

    def __init__(self, options: PdfOptions) -> None:
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest what the pages are made of; raises NotReadable as `extract` does."""
        from watcher.sources.pdf_pages import fingerprint

        return fingerprint(capture.body)

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the file; raises NotReadable. Of one without any text the document is empty, and says so in its meta."""
        from watcher.sources.pdf_pages import paper
        from watcher.sources.pdf_prose import Prose, block, in_order, paragraphs, usual

        found = paper(capture.body)
        is_usual = usual(found.pages)
        parts = [part for page in found.pages for part in in_order(page)]
        tables = _Tables()
        blocks: list[Block] = []
        for part in paragraphs(parts, is_usual):
            if isinstance(part, Prose):
                blocks.append(block(part, is_usual))
                tables.last = None
            else:
                blocks += [Block("paragraph", title, part.page) for title in tables.take(part, len(blocks))]
        for table in reversed(tables.found):
            if not table.rows:  # a row of boxes, which no table went on from
                blocks.insert(table.after, Block("paragraph", " | ".join(filter(None, table.header)), table.page))
        records, chosen = self._records(tables.found, choices)
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta=found.facts,
            blocks=tuple(blocks),
            links=tuple(dict.fromkeys(link for page in found.pages for link in page.links)),
            records=records,
            choices=chosen,
        )

    def _records(
        self, tables: Sequence[_Table], choices: Mapping[str, Any]
    ) -> tuple[dict[str, Record], dict[str, Any]]:
        """The rows of all tables, and what was chosen for them: the key of each, and the columns that name places."""
        chosen = [(table, self._key(table, choices)) for table in tables]
        keys = iter(keys_of(cells for table, key in chosen for cells in table.cells(key)))
        records: dict[str, Record] = {}
        places: dict[str, None] = {}
        for table in tables:
            columns = place_columns(table.header)
            subjects = jurisdictions(columns, table.rows)
            if subjects:
                places |= dict.fromkeys(table.header[place] for place in columns.values())
            for row, page, subject in zip(table.rows, table.pages, subjects or repeat(None)):  # noqa: B905 - no end
                key = next(keys)
                records[key] = Record(key, dict(zip(table.header, row, strict=True)), None, subject, page)
        kept: dict[str, Any] = {KEYS: [[list(table.header), list(key)] for table, key in chosen]}
        if len(chosen) == 1:  # then it is compared as a table is
            return records, kept | {"header": kept[KEYS][0][0], "key": kept[KEYS][0][1], "places": list(places)}
        names = dict.fromkeys(name for _, key in chosen for name in key)
        return records, kept | {"places": list(names | places)}

    def _key(self, table: _Table, choices: Mapping[str, Any]) -> tuple[str, ...]:
        """The key of one table: that of the options, where it has those columns, else the one it had before."""
        wanted = [self.options.key] if isinstance(self.options.key, str) else self.options.key
        if any(wanted) and all(name in table.header for name in wanted):
            return tuple(wanted)
        before = (key for header, key in choices.get(KEYS, ()) if list(header) == list(table.header))
        return tuple(next(before, ())) or choose_key(table.header, table.rows)


class _Table:
    """One table as it grows: its header, its rows and their pages; page and columns of its last part.

    `after`: how many blocks of prose stand before it.
    """

    def __init__(self, header: Sequence[str], after: int) -> None:
        self.header, self.after = _named(header), after
        self.page = 0
        self.edges: Sequence[float] = ()
        self.rows: list[tuple[str, ...]] = []
        self.pages: list[int] = []

    def add(self, rows: Sequence[tuple[str, ...]], page: int) -> None:
        """Take in rows, without the header said again and without empty ones."""
        self.page = page
        for row in rows:
            if any(row) and _named(row) != self.header:
                self.rows.append(row)
                self.pages.append(page)

    def cells(self, columns: Sequence[str]) -> list[list[str]]:
        """What the rows say in these columns."""
        places = [self.header.index(name) for name in columns]
        return [[row[place] for place in places] for row in self.rows]

    def go_on(self, part: Ruled) -> None:
        """Take in the rows of the next page, the first of which may be the rest of a row that was parted."""
        from watcher.sources.pdf_pages import joined

        rows = list(part.rows)
        first = next((place for place, row in enumerate(rows) if _named(row) != self.header), len(rows))
        if self.rows and first < len(rows) and ((part.parted and first == 0) or not rows[first][0]):
            pairs = zip(self.rows[-1], rows.pop(first), strict=True)
            self.rows[-1] = tuple(joined(filter(None, pair)) for pair in pairs)
        self.add(rows, part.page)


class _Tables:
    """The tables of a file, put together from their parts; `last` is the one that may go on in the next part."""

    def __init__(self) -> None:
        self.found: list[_Table] = []
        self.last: _Table | None = None

    def take(self, part: Ruled, after: int) -> Iterator[str]:
        """Take in one part, before which `after` blocks stand; gives its titles, which stand in rows of one cell."""
        if self.last and self.last.page + 1 == part.page and part.fits(self.last.edges):
            self.last.go_on(part)
            return
        rows = list(part.rows)
        while rows and len(set(rows[0])) == 1:
            yield rows.pop(0)[0]
        if not rows:
            return
        same = (table for table in self.found if table.header == _named(rows[0]))
        self.last = next(same, None) or _Table(rows[0], after)
        if self.last not in self.found:
            self.found.append(self.last)
        self.last.edges = part.edges
        self.last.add(rows[1:], part.page)


def _named(header: Sequence[str]) -> tuple[str, ...]:
    """The names of columns, each with one of its own."""
    names: list[str] = []
    for place, name in enumerate(header, 1):
        name = name or f"column {place}"  # noqa: PLW2901 - it is named here
        names.append(name if name not in names else f"{name} ({place})")
    return tuple(names)
