"""One table in every format gives the same records, and one edit of it gives that edit as changes, in all of them."""

from __future__ import annotations

import csv
import html
import io
import json
import string
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from tests import pdfs
from watcher.core import Capture, Document, Source
from watcher.diff import diff
from watcher.plugins import build

AT = datetime(2025, 6, 5, 15, tzinfo=UTC)
URL = "https://agency.example/offices"
Cell = str | int | date
Row = tuple[Cell, ...]


class Made(NamedTuple):
    """A table: the line above it, its header, and rows that their first cells tell apart."""

    title: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def as_html(table: Made) -> tuple[bytes, str]:
    def row(cells: Sequence[Cell], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html.escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

    rows = row(table.header, "th") + "".join(row(cells, "td") for cells in table.rows)
    page = f"<!doctype html><meta charset=utf-8><h1>{table.title}</h1><table>{rows}</table>"
    return page.encode(), "text/html"


def as_csv(table: Made, delimiter: str = ",", charset: str = "utf-8-sig") -> tuple[bytes, str]:
    out = io.StringIO()
    title = f"{table.title} é"  # or else what is Windows-1252 could by chance be UTF-8, and be taken for it
    csv.writer(out, delimiter=delimiter).writerows([(title,), (), table.header, *table.rows])
    return out.getvalue().encode(charset), f"text/csv; charset={charset}"


def as_json(table: Made) -> tuple[bytes, str]:
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows]
    return json.dumps({"title": table.title, "offices": {"rows": rows}}, default=str).encode(), "application/json"


def as_xlsx(table: Made) -> tuple[bytes, str]:
    book, out = Workbook(), io.BytesIO()
    sheet = book.active
    sheet.append((table.title,))
    sheet.merge_cells("A1:J1")
    for number, row in enumerate((table.header, *table.rows), start=3):
        for column, value in enumerate(row, start=1):
            cell = sheet.cell(number, column, value)
            if isinstance(value, str):
                cell.data_type = "s"  # or else it takes "=1" for a formula
    book.save(out)
    return out.getvalue(), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_pdf(table: Made) -> tuple[bytes, str]:
    rows = [[str(cell) for cell in row] for row in table.rows]
    widths = [700 / len(table.header)] * len(table.header)  # wide enough that no line ends within a cell
    made = pdfs.table(table.header, rows, widths=widths, size=5)
    return pdfs.pdf(pdfs.text(table.title), made, wide=True, leftMargin=40, rightMargin=40), "application/pdf"


FORMATS: dict[str, Callable[[Made], tuple[bytes, str]]] = {
    "html": as_html,
    "csv": as_csv,
    "csv with semicolons": lambda table: as_csv(table, ";", "cp1252"),
    "csv with tabs": lambda table: as_csv(table, "\t", "utf-16"),
    "json": as_json,
    "xlsx": as_xlsx,
    "pdf": as_pdf,
}
KINDS = {"application/pdf": "pdf"}
"""The kind that reads a format, where it is not `table`."""

# ---------------------------------------------------------------- random tables

LETTERS = string.ascii_letters + string.digits
MARKS = string.punctuation.replace("_", "")  # in a sheet, "_x000D_" is the end of a line
WORD = st.text(LETTERS + MARKS + "éñüÅß–’“”…", min_size=1, max_size=7)
TEXT = st.lists(WORD, min_size=1, max_size=3).map(" ".join)
VALUES: Sequence[st.SearchStrategy[Cell]] = (
    TEXT | st.just(""),
    st.integers(-(10**12), 10**12),
    st.dates(date(1990, 1, 1), date(2035, 1, 1)),
)
NAMES = ("Held", "Remark", "Since", "Signed by", "Share (%)")


@st.composite
def columns(draw: st.DrawFn) -> dict[str, st.SearchStrategy[Cell]]:
    """The names of a table's columns, and what stands in each: texts, numbers or dates. The first is the key."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    return {"Office": TEXT, **{name: draw(st.sampled_from(VALUES)) for name in names}}


@st.composite
def tables(draw: st.DrawFn, kinds: dict[str, st.SearchStrategy[Cell]], *, least: int = 1) -> Made:
    rows = st.tuples(*kinds.values())
    title = draw(st.text(string.ascii_letters, min_size=1, max_size=12))
    return Made(
        title, tuple(kinds), tuple(draw(st.lists(rows, unique_by=lambda row: row[0], min_size=least, max_size=8)))
    )


def read(name: str, table: Made, before: Document | None = None) -> Document:
    body, content_type = FORMATS[name](table)
    source = Source("offices", KINDS.get(content_type, "table"), URL)
    capture = Capture(source.name, source.kind, "s1", AT, URL, 200, content_type, body)
    if before:
        capture = replace(capture, snapshot="s2", at=AT + timedelta(hours=1))
    return build(source).extract(capture, before.choices if before else {})


def unlike(values: st.SearchStrategy[Cell], old: Cell) -> st.SearchStrategy[Cell]:
    return values.filter(lambda value: value != old)


def said(cells: Iterable[object]) -> tuple[str, ...]:
    """Cells as text: what is a number or a date in one format is written out in another."""
    return tuple(map(str, cells))


@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_every_format_gives_the_same_records(name: str, data: st.DataObject) -> None:
    table = data.draw(tables(data.draw(columns())))
    document = read(name, table)
    assert document.choices["header"] == list(table.header)
    assert document.choices["key"] == ["Office"]
    assert [said(record.fields.values()) for record in document.records.values()] == [said(row) for row in table.rows]
    assert [tuple(record.fields) for record in document.records.values()] == [table.header] * len(table.rows)
    assert diff(document, read(name, table, document)) == ()


@settings(max_examples=50, deadline=None)
@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_every_format_gives_each_edit_and_no_other(name: str, data: st.DataObject) -> None:
    kinds = data.draw(columns())
    whole = data.draw(tables(kinds, least=2))
    before, after, told = list(whole.rows), list(whole.rows), set()
    fewer = after if data.draw(st.booleans(), label="rows go, or else come") else before
    for row in data.draw(st.sets(st.sampled_from(whole.rows), max_size=len(whole.rows) - 1)):
        fewer.remove(row)
        told.add(("record.removed" if fewer is after else "record.added", said(row[:1])))
    for row in data.draw(st.sets(st.sampled_from([row for row in after if row in before]))):
        column = data.draw(st.integers(1, len(kinds) - 1))
        value = data.draw(unlike([*kinds.values()][column], row[column]))
        after[after.index(row)] = (*row[:column], value, *row[column + 1 :])
        told.add(("record.changed", said((row[0], [*kinds][column], row[column], value))))
    one = read(name, whole._replace(rows=tuple(before)))
    other = read(name, whole._replace(rows=tuple(data.draw(st.permutations(after)))), one)
    found = {
        (change.kind, said((*change.path[1:], change.old, change.new) if change.path[2:] else change.path[1:]))
        for change in diff(one, other)
    }
    assert found == told
