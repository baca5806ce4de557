"""Spreadsheets: what cells say, which sheet, which header, where links lead; then files made to do harm."""

from __future__ import annotations

import asyncio
import io
import os
import struct
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from tests.rig import Rig
from watcher.app import App
from watcher.backfill import Backfilled, backfill
from watcher.captures import opened
from watcher.child import Start
from watcher.core import Capture, Document, Fetched, Link, NothingThere, NotReadable, Source, Value
from watcher.diff import diff
from watcher.pool import Pool, Unread
from watcher.sources import sheet
from watcher.sources.table import Table, TableOptions

AT = datetime(2025, 6, 5, 15, tzinfo=UTC)
URL = "https://agency.example/agreements.xlsx"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
SOURCE = Source("list", "table", URL)
ROWS: Sequence[Sequence[Any]] = (("Office", "Held"), ("Dallas", 1), ("Miami", 2))


def saved(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def workbook(*sheets: Sequence[Sequence[Any]], edit: Callable[[Any], None] = lambda _: None) -> bytes:
    """A workbook of these sheets; `edit` may then do to it what rows alone cannot say."""
    book = Workbook()
    book.remove(book.active)
    for rows in sheets or (ROWS,):
        page = book.create_sheet()
        for row in rows:
            page.append(list(row))
    edit(book)
    return saved(book)


def repacked(body: bytes, parts: Mapping[str, bytes] | None = None, *, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same archive with some parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(out, "w", packed) as new:
        for name in old.namelist():
            if name not in (parts or {}):
                new.writestr(name, old.read(name))
        for name, data in (parts or {}).items():
            new.writestr(name, data)
    return out.getvalue()


def capture(body: bytes, snapshot: str = "s1", content_type: str = XLSX) -> Capture:
    return Capture("list", "table", snapshot, AT, URL, 200, content_type, body)


def read(body: bytes, content_type: str = XLSX, **options: Any) -> Document:
    return Table(TableOptions(**options)).extract(capture(body, content_type=content_type), {})


def cells(document: Document) -> list[list[Value]]:
    return [list(record.fields.values()) for record in document.records.values()]


def header(document: Document) -> list[str]:
    return list(document.choices["header"])


# ---------------------------------------------------------------- what cells say


@pytest.mark.parametrize("content_type", [XLSX, "application/octet-stream", "text/html", ""])
def test_a_workbook_is_known_by_how_it_begins(content_type: str) -> None:
    document = read(workbook(), content_type)
    assert (header(document), cells(document)) == (["Office", "Held"], [["Dallas", 1], ["Miami", 2]])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (date(2025, 6, 5), "2025-06-05"),
        (datetime.fromisoformat("2025-06-05T00:00:00"), "2025-06-05"),
        (datetime.fromisoformat("2025-06-05T14:30:00"), "2025-06-05T14:30:00"),
        (datetime.fromisoformat("2025-06-05T23:59:59"), "2025-06-05T23:59:59"),
        (clock(8, 15), "08:15:00"),
        (timedelta(hours=26, minutes=30), "26:30:00"),
        (3, 3),
        (3.0, 3),
        (2.5, 2.5),
        (10**15, 10**15),
        (1e300, "1e+300"),
        (-7, -7),
        (True, True),
        (False, False),
        ("#N/A", "#N/A"),
        ("#DIV/0!", "#DIV/0!"),
        ("  a \n b\u00a0c ", "a b c"),
        ("x_x000D_\ny", "x y"),
        ("007", "007"),
        ("", ""),
        (None, ""),
    ],
    ids=repr,
)
def test_what_a_cell_says(value: Any, said: Value) -> None:
    ((_, found, _),) = cells(read(workbook([("a", "b", "c"), ("1", value, "x")])))
    assert found == said
    assert type(found) is type(said)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ('t="d"><v>2025-06-05T00:00:00</v>', "2025-06-05"),
        ('t="d"><v>2025-06-05T14:30:00</v>', "2025-06-05T14:30:00"),
        ('s="1"><v>45813</v>', "2025-06-05"),
        ('s="1"><v>45812.9999999</v>', "2025-06-05"),
        ('s="1"><v>2958465</v>', 2958465),
        ('s="1"><v>-1</v>', -1),
        ('s="1"><v>1e999</v>', "inf"),
        ('s="99"><v>1E3</v>', 1000),
        ('t="e"><v>#REF!</v>', "#REF!"),
        ('t="str"><f>A1</f><v> x </v>', "x"),
        ("><f>1+1</f>", ""),
        (">", ""),
    ],
)
def test_what_a_cell_says_as_it_is_written(cell: str, said: Value) -> None:
    rows = '<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row>'
    rows += f'<row><c t="str"><v>x</v></c><c {cell}</c><c t="str"><v>y</v></c></row>'
    xf = f'<styleSheet xmlns="{sheet.MAIN[1:-1]}"><cellXfs><xf/><xf numFmtId="14"/></cellXfs></styleSheet>'
    ((_, found, _),) = cells(
        read(repacked(with_sheet(f"<sheetData>{rows}</sheetData>"), {"xl/styles.xml": xf.encode()}))
    )
    assert found == said


def test_dates_count_from_where_the_workbook_counts() -> None:
    def old_mac(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904

    ((_, found),) = cells(read(workbook([("a", "b"), ("1", date(2025, 6, 5))], edit=old_mac)))
    assert found == "2025-06-05"


def test_a_formula_says_what_it_came_to() -> None:
    body = workbook([("a", "b"), ("x", 1)])
    (part,) = [name for name in zipfile.ZipFile(io.BytesIO(body)).namelist() if "sheet1.xml" in name]
    data = zipfile.ZipFile(io.BytesIO(body)).read(part).replace(b"<v>1</v>", b"<f>1+1</f><v>2</v>")
    assert cells(read(repacked(body, {part: data}))) == [["x", 2]]


def test_texts_that_cells_share_are_read_whole() -> None:
    text = b"<r><t>Of</t></r><r><rPr><b/></rPr><t>fice</t></r><rPh sb='0' eb='1'><t>x</t></rPh>"
    assert header(read(with_strings(b"<si>%s</si>" % text))) == ["Office"]


def test_what_readers_do_not_see_is_not_looked_at() -> None:
    rules = '<conditionalFormatting sqref="A1"><cfRule type="of the future"/></conditionalFormatting><extLst/>'
    rows = '<sheetData><row><c t="str"><v>a</v></c></row><row><c><v>1</v></c></row></sheetData>'
    body = repacked(with_sheet(f"<cols><col/></cols>{rows}{rules}"), {"docProps/core.xml": b"<no xml"})
    assert cells(read(body)) == [[1]]
    assert cells(read(repacked(body, {"xl/styles.xml": STRINGS % b"<fonts><font><odd/></font></fonts>"}))) == [[1]]


# ---------------------------------------------------------------- rows, header, merged cells, links


def test_titles_blank_rows_and_blank_columns_are_left_out() -> None:
    rows = [
        ("Agreements signed so far",), (), ("", "As of", date(2025, 6, 5)), ("", "", ""),
        ("", "Office", "", "Held", "Since"), ("", "Dallas", "", 1), (), ("", "Miami", "", 2, "May"),
        ("", "Office", "", "Held", "Since"), ("", "Omaha", "", 3, "May"),
    ]  # fmt: skip
    document = read(workbook(rows))
    assert header(document) == ["Office", "Held", "Since"]
    assert cells(document) == [["Dallas", 1, ""], ["Miami", 2, "May"], ["Omaha", 3, "May"]]
    assert document.meta == {"title": "Agreements signed so far"}


def test_merged_cells_say_the_same_in_each_place() -> None:
    def merge(book: Any) -> None:
        (page,) = book
        page.merge_cells("A1:H1")
        page.merge_cells("A3:A4")
        page.merge_cells("B5:C5")
        page.merge_cells("A7:J7")

    rows = [("Holds",), ("State", "Held", "Free"), ("Ohio", 1, 2), ("", 3, 4), ("Iowa", 5), (), ("Note",)]
    document = read(workbook(rows, edit=merge))
    assert cells(document) == [["Ohio", 1, 2], ["Ohio", 3, 4], ["Iowa", 5, 5], ["Note", "Note", "Note"]]


def test_where_cells_lead_is_read_beside_the_rows() -> None:
    def link(book: Any) -> None:
        (page,) = book
        page["B3"].hyperlink = "https://agency.example/b.pdf"
        page["B2"].hyperlink = "files/a.pdf"
        page["A2"].hyperlink = "#Sheet!A1"
        page["A3"].hyperlink = "javascript:alert(1)"

    document = read(workbook([("Office", "MOA"), ("Dallas", "link"), ("Miami", "link")], edit=link))
    assert document.links == (
        Link("link", "https://agency.example/files/a.pdf"),
        Link("link", "https://agency.example/b.pdf"),
    )


def test_a_new_target_is_cosmetic_and_seen() -> None:
    def to(url: str) -> Callable[[Any], None]:
        return lambda book: setattr(book.worksheets[0]["A2"], "hyperlink", url)

    one, other = (workbook(edit=to(f"https://agency.example/{name}.pdf")) for name in "ab")
    (change,) = diff(read(one), read(other))
    assert (change.kind, change.severity.label) == ("page.links", "cosmetic")
    adapter = Table(TableOptions())
    assert adapter.fingerprint(capture(one)) != adapter.fingerprint(capture(other))


# ---------------------------------------------------------------- which sheet


def test_the_sheet_is_the_visible_one_with_the_most_filled_cells_or_the_one_named() -> None:
    def name(book: Any) -> None:
        for page, title in zip(book, ("Notes", "Data", "Lists"), strict=True):
            page.title = title
        book["Lists"].sheet_state = "hidden"
        book["Notes"]["XFD1048576"].number_format = "0.0"

    body = workbook([("n", "m"), ("x", 1)], ROWS, [("l", "k"), *[(str(n), n) for n in range(9)]], edit=name)
    assert header(read(body)) == header(read(body, sheet="Data")) == header(read(body, sheet=2)) == ["Office", "Held"]
    assert header(read(body, sheet=1)) == ["n", "m"]
    assert header(read(body, sheet="Lists")) == ["l", "k"]
    for wanted in ("data", 4):
        with pytest.raises(NothingThere, match=rf"sheet: expected {wanted!r}, the workbook has Notes, Data, Lists"):
            read(body, sheet=wanted)
    with pytest.raises(ValueError, match="sheet: expected a name, or a number from 1 on, found 0"):
        TableOptions(sheet=0) and Table(TableOptions(sheet=0))


def test_a_workbook_without_rows_says_so() -> None:
    with pytest.raises(NothingThere, match="expected a sheet with rows, found none"):
        read(workbook([()]))


# ---------------------------------------------------------------- the fingerprint


def test_a_number_that_is_now_stored_as_text_is_cosmetic() -> None:
    (change,) = diff(read(workbook([("a", "b"), ("x", 5)])), read(workbook([("a", "b"), ("x", "5")])))
    assert (change.old, change.new, change.severity.label) == (5, "5", "cosmetic")
    (change,) = diff(read(workbook([("a", "b"), ("x", 5)])), read(workbook([("a", "b"), ("x", "6")])))
    assert change.severity.label == "major"


def test_saving_again_changes_nothing_and_an_edit_does() -> None:
    adapter = Table(TableOptions())
    body = workbook()
    known = adapter.fingerprint(capture(body))
    later = repacked(body, {"docProps/core.xml": b"<later/>", "customXml/item1.xml": b"<x/>"})
    assert later != body
    assert adapter.fingerprint(capture(later), known) == known
    moved = repacked(body, {"xl/theme/theme1.xml": b"<other/>"})
    assert sheet.steady_digest(moved) != sheet.steady_digest(body)
    assert adapter.fingerprint(capture(moved), known) == known
    assert adapter.fingerprint(capture(workbook([*ROWS[:2], ("Miami", 3)])), known) != known


# ---------------------------------------------------------------- files made to do harm

SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</worksheet>'
STRINGS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">%s</sst>'
PART = "xl/worksheets/sheet1.xml"
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">'
    + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    + "]>"
)


def with_sheet(inner: str, *, before: str = "") -> bytes:
    return repacked(workbook(), {PART: (before + SHEET.format(inner)).encode()})


def with_sheets(number: int) -> bytes:
    """A workbook whose list of sheets names its one sheet so many times."""
    body = workbook()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        book = archive.read("xl/workbook.xml").decode()
    start, end = book.index("<sheet "), book.index("</sheets>")
    one = book[start:end]
    names = "".join(one.replace('name="Sheet"', f'name="S{n}"').replace('sheetId="1"', f'sheetId="{n}"')
                    for n in range(1, number + 1))  # fmt: skip
    return repacked(body, {"xl/workbook.xml": (book[:start] + names + book[end:]).encode()})


def with_strings(inner: bytes) -> bytes:
    """A workbook whose cells share their texts, as Excel writes them: their list, and a cell of the first."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'.encode()
    body = with_sheet('<sheetData><row><c t="s"><v>0</v></c></row></sheetData>')
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        types = archive.read("[Content_Types].xml").replace(b"</Types>", part)
    return repacked(body, {"[Content_Types].xml": types, "xl/sharedStrings.xml": STRINGS % inner})


def claiming(body: bytes, size: int) -> bytes:
    """The archive with another unpacked size of its last part in the directory."""
    at = body.rindex(b"PK\x01\x02")
    return body[: at + 24] + struct.pack("<I", size) + body[at + 28 :]


HARM: dict[str, tuple[Callable[[], bytes], str]] = {
    "zip bomb": (lambda: repacked(workbook(), {PART: b" " * 30_000_000}), "sheet1.xml packed more than 200 times"),
    "large part": (lambda: repacked(workbook(), {PART: b" " * (33 << 20)}), "sheet1.xml of more than 32 MiB"),
    "many large parts": (
        lambda: repacked(workbook(), {f"xl/{n}.xml": b" " * (30 << 20) for n in range(3)}), "more than 64 MiB",
    ),
    "100 MB of strings": (
        lambda: with_strings(b"<si><t>abc</t></si>" * 5_300_000),
        "more than 64 MiB",
    ),
    "billion laughs in the sheet": (
        lambda: with_sheet('<sheetData><row><c t="str"><v>&l9;</v></c></row></sheetData>', before=LAUGHS),
        "expected a workbook without document types, found one in xl/worksheets/sheet1.xml",
    ),
    "billion laughs in UTF-16": (
        lambda: repacked(workbook(), {"xl/workbook.xml": (LAUGHS + "<a>&l9;</a>").encode("utf-16")}),
        "expected a workbook without document types, found one in xl/workbook.xml",
    ),
    "billion laughs in EBCDIC": (
        lambda: repacked(
            workbook(),
            {PART: b'<?xml version="1.0" encoding="cp037"?>' + (LAUGHS[21:] + "<a>&l9;</a>").encode("cp037")},
        ),
        "expected a sound XLSX file, found a damaged one",
    ),
    "10,000 sheets": (lambda: with_sheets(10_000), "expected a workbook of at most 200 sheets, found 10,000"),
    "10,000 parts": (
        lambda: repacked(workbook(), {f"xl/worksheets/s{n}.xml": b"<x/>" for n in range(10_000)}), "one of 10,0",
    ),
    "rows of nothing": (
        lambda: with_sheet("<sheetData>" + "".join(f'<row r="{n}"/>' for n in range(400_001)) + "</sheetData>"),
        "expected a workbook of at most 400,000 cells, found more",
    ),
    "too many cells": (
        lambda: with_sheet(f"<row>{''.join(f'<c><v>{n}</v></c>' for n in range(400_009))}</row>"),
        "expected a workbook of at most 400,000 cells, found more",
    ),
    "a cell in each corner of many rows": (
        lambda: with_sheet(
            "<sheetData>"
            + "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c><c r="{"ABC"[n % 3]}{"DEF"[n // 3 % 3]}'
                      f'{chr(65 + n % 26)}{n}"><v>1</v></c></row>' for n in range(1, 100_000))
            + "</sheetData>"
        ),
        "expected a table of at most 2,000,000 cells, found more",
    ),
    "merged over and over": (
        lambda: with_sheet(
            '<sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="99999"><c r="ALL99999"><v>1</v></c></row>'
            "</sheetData><mergeCells>"
            + '<mergeCell ref="A1:XFD1048576"/>' * 1_000
            + "</mergeCells>"
        ),
        "expected a table of at most 2,000,000 cells, found more",
    ),
    "truncated": (lambda: workbook()[:-200], "expected a sound XLSX file, found a damaged one: File is not a zip file"),
    "cut in a part": (
        lambda: workbook()[:1000] + workbook()[2000:], "expected a sound XLSX file, found a damaged one",
    ),
    "a part that is no XML": (lambda: repacked(workbook(), {PART: b"<x"}), "found a damaged one"),
    "a string that is not there": (
        lambda: with_sheet('<sheetData><row><c t="s"><v>99</v></c></row></sheetData>'), "found a damaged one",
    ),
    "no workbook": (lambda: repacked(workbook(), {"[Content_Types].xml": b"<Types/>"}), "found a damaged one"),
    "a size that is not so": (lambda: claiming(workbook(), 10), "expected a sound XLSX file, found a damaged one"),
    "a path outside": (
        lambda: repacked(workbook(), {"xl/../../../etc/passwd": b"x"}), "a path that leads out of it",
    ),
    "an absolute path": (lambda: repacked(workbook(), {"/etc/passwd": b"x"}), "a path that leads out of it"),
    "a backward path": (lambda: repacked(workbook(), {"xl\\..\\..\\x": b"x"}), "a path that leads out of it"),
    "packed by LZMA": (lambda: repacked(workbook(), packed=zipfile.ZIP_LZMA), "in a way that XLSX does not have"),
    "a locked part": (
        lambda: (body := workbook()).replace(b"PK\x01\x02" + body[body.index(b"PK\x01\x02") + 4 :][:4] + b"\0\0",
                                             b"PK\x01\x02" + body[body.index(b"PK\x01\x02") + 4 :][:4] + b"\1\0"),
        "locked with a password",
    ),
    "a locked workbook": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512 + "EncryptedPackage".encode("utf-16-le"),
        "one that is locked with a password: it has to be published without",
    ),
    "old Excel": (
        lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512 + "Workbook".encode("utf-16-le"),
        "the format of Excel before 2007 (.xls): it has to be published as XLSX or CSV",
    ),
    "a binary workbook": (lambda: repacked(workbook(), {"xl/workbook.bin": b"x"}), "a binary workbook (.xlsb)"),
    "another archive": (
        lambda: repacked(b"PK\x05\x06" + b"\0" * 18, {"a.txt": b"x"}), "found a ZIP archive of other things",
    ),
    "an empty archive": (lambda: b"PK\x05\x06" + b"\0" * 18, "found a ZIP archive of other things"),
    "something else": (lambda: b"\x89PNG", "expected an XLSX file, found something else"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARM)
def test_what_would_do_harm_is_refused_with_a_reason(name: str) -> None:
    make, said = HARM[name]
    body = make()
    began = time.process_time()
    with pytest.raises(NotReadable) as caught:
        read(body)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300
    assert time.process_time() - began < 8


@pytest.mark.parametrize(
    "inner",
    [
        (
            '<dimension ref="A1:XFD1048576"/><sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
            '<row r="1048576"><c r="A1048576"><v>3</v></c><c r="XFD1048576"><v>4</v></c></row></sheetData>'
        ),
        (
            '<sheetData><row r="1"><c r="A1"><v>1</v></c><c r="B1"><v>2</v></c></row>'
            '<row r="99999999999999"><c r="A2"><v>3</v></c><c r="C2"><v>4</v></c></row></sheetData>'
        ),
    ],
)
def test_a_sheet_that_claims_to_be_vast_is_as_large_as_its_cells(inner: str) -> None:
    began = time.process_time()
    document = read(with_sheet(inner))
    assert time.process_time() - began < 2
    assert header(document) == ["1", "2", "column 3"]
    assert cells(document) == [[3, "", 4]]


async def serves(pool: Pool) -> bool:
    return cells(await pool.read(SOURCE, capture(workbook()), {})) == [["Dallas", 1], ["Miami", 2]]


def test_the_service_goes_on_after_each_of_them() -> None:
    async def story() -> list[str]:
        said = []
        async with Pool(size=1) as pool:
            assert await serves(pool)
            (child,) = pool._free
            for make, _ in HARM.values():
                glance = await pool.look(SOURCE, Fetched(URL, 200, (("content-type", XLSX),), make()), AT)
                assert glance.verdict.kind == "unreadable"
                said.append(glance.verdict.reason)
            assert pool._free == [child], "it had to be killed"
            assert await serves(pool)
        return said

    said = asyncio.run(asyncio.wait_for(story(), 120))
    assert all(expected in reason for (_, expected), reason in zip(HARM.values(), said, strict=True))


def test_what_takes_too_long_is_ended_and_the_service_goes_on() -> None:
    body = with_strings(b"".join(b"<si><t>%x</t></si>" % number for number in range(1_000_000)))

    async def story() -> None:
        start = Start(path=[entry for entry in sys.path if entry], cpu_seconds=1)
        async with Pool(size=1, start=start) as pool:
            with pytest.raises(Unread, match="reading the page met the limit of processor time or memory"):
                await pool.read(SOURCE, capture(body), {})
            assert await serves(pool)

    asyncio.run(asyncio.wait_for(story(), 60))


# ---------------------------------------------------------------- real input

REAL = Path(os.environ.get("WATCHER_REAL_DATA", "")) / "real" / "ice-287g"


@pytest.mark.skipif(not os.environ.get("WATCHER_REAL_DATA"), reason="WATCHER_REAL_DATA names no folder")
def test_three_weeks_of_agreements(rig: Rig) -> None:
    rig.watch('[[source]]\nname = "agreements"\nkind = "table"\nurl = "https://example.org/agreements.xlsx"\n')

    async def work(app: App) -> Backfilled:
        (one,) = app.config.sources
        with opened(REAL) as captures:
            return await backfill(app.parts, one, app.state(one), captures)

    assert rig.run(work).stored == 6
    assert [one.choices["key"] for one in rig.snapshots("agreements")] == [
        ["STATE", "LAW ENFORCEMENT AGENCY", "SUPPORT TYPE"]
    ] * 6
    changes = [change for change in rig.changes() if change.kind != "page.links"]
    assert Counter((f"{change.at:%d}", change.kind, change.severity.label) for change in changes) == {
        ("08", "jurisdiction.listed", "major"): 9,
        ("08", "jurisdiction.delisted", "major"): 1,
        ("18", "jurisdiction.listed", "major"): 57,
        ("18", "jurisdiction.changed", "minor"): 37,
        ("21", "jurisdiction.listed", "major"): 13,
        ("26", "jurisdiction.listed", "major"): 9,
    }
    assert all(change.subject.id.startswith("us-agency:") for change in changes)
    assert {(change.old, change.new) for change in changes if change.kind == "jurisdiction.changed"} == {
        ("link pending", "link")
    }
    (dropped,) = [change.subject for change in changes if change.kind == "jurisdiction.delisted"]
    assert (dropped.name, dropped.within) == ("Butler County Sheriff's Office, Pa.", ("us-county:42019",))
    assert rig.deliveries() == []
