"""Spreadsheets: the rows of one sheet of an XLSX workbook, read within limits that no hostile archive gets around.

Below the `table` adapter at extract in the flow, beside `grid`. All sizes are judged by the archive's own directory
before a byte is unpacked: zipfile gives no part more than the size that stands there.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from watcher.core import NothingThere, NotReadable, Value
from watcher.sources.grid import Grid, bounded, header_place, plain
from watcher.sources.html import collapse

MOST_PARTS, MOST_SHEETS, MOST_CELLS = 2_000, 200, 400_000
"""Cells that stand in the file, empty ones too: a second goes by for 200,000."""
MOST_PART, MOST_ALTOGETHER = 32 * 2**20, 64 * 2**20
"""Bytes of one part of the archive, and of all, once they are unpacked."""
MOST_RATIO, SMALL = 200, 2**20
"""How many times larger a part may be than it is packed, from this size on."""
UNREAD = ("docProps/", "customXml/")
"""Parts that say who saved the workbook and when, and nothing of its cells."""
ARCHIVE, OLE = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""How an XLSX file begins, and how those of old Excel and those with a password do."""
LAST_DAY = 2_957_000
"""Numbers from here on are no dates: in both ways of counting, the year 9999 ends soon after."""
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
"""What tags of a workbook's parts begin with."""
LOCKED = "EncryptedPackage".encode("utf-16-le")


class _Sheet(NamedTuple):
    """The filled cells of each row that has any, by column; merged cells (left, top, right, bottom); links by place."""

    rows: dict[int, dict[int, Value]]
    merged: list[tuple[int, int, int, int]]
    links: list[tuple[int, int, str]]

    @property
    def size(self) -> int:
        return sum(map(len, self.rows.values()))


def steady_digest(body: bytes) -> str:
    """A digest of the workbook without what says who saved it and when. Raises NotReadable."""
    digest = hashlib.sha1(usedforsecurity=False)
    with _opened(body) as archive:
        for info in archive.infolist():
            if not info.filename.startswith(UNREAD):
                digest.update(f"{info.filename}\0{info.file_size}\0".encode("utf-8", "replace"))
                digest.update(archive.read(info))
    return digest.hexdigest()[:16]


@lru_cache(maxsize=2)  # the look at a workbook and the comparison soon after it read the same bytes
def sheet_grid(body: bytes, wanted: str | int) -> Grid:
    """The rows of the sheet called or numbered `wanted` (from 1), or of the visible one with the most filled cells.

    Dates are ISO dates, with a time where there is one; whole numbers are ints; `#N/A` and its like are text. Raises
    NotReadable for what is no XLSX file or beyond the limits, NothingThere where there is no such sheet, or no row.
    """
    with _opened(body) as archive:
        for info in archive.infolist():
            if b"<!DOCTYPE" in archive.read(info).replace(b"\0", b""):
                raise NotReadable(f"expected a workbook without document types, found one in {info.filename:.80}")
    if find_spec("openpyxl") is None:
        raise NotReadable("reading spreadsheets needs openpyxl: pip install 'watcher[spreadsheets]'")
    with _opened(body), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _grid(_largest(*_book(body), wanted))


@contextmanager
def _opened(body: bytes) -> Iterator[zipfile.ZipFile]:
    """The archive, once its directory was judged; whatever it raises in the block is told as NotReadable."""
    if not body.startswith(ARCHIVE):
        raise NotReadable(f"expected an XLSX file, found {_otherwise(body)}")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            _judge(archive.infolist())
            yield archive
    except (NotReadable, MemoryError, RecursionError):
        raise
    except Exception as error:  # a hostile file makes zipfile, expat and openpyxl raise nearly anything
        raise NotReadable(f"expected a sound XLSX file, found a damaged one: {str(error)[:120]}") from error


def _otherwise(body: bytes) -> str:
    if not body.startswith(OLE):
        return "something else"
    if LOCKED in body:
        return "one that is locked with a password: it has to be published without"
    return "the format of Excel before 2007 (.xls): it has to be published as XLSX or CSV"


def _judge(parts: list[zipfile.ZipInfo]) -> None:
    """Refuse an archive by its directory. Raises NotReadable."""
    found = _oddity(parts) or next(filter(None, map(_flaw, parts)), "")
    if found:
        raise NotReadable(f"expected an ordinary XLSX file, found {found}")


def _oddity(parts: list[zipfile.ZipInfo]) -> str:
    """What is wrong with the archive as a whole, or nothing."""
    names = {part.filename for part in parts}
    if not any(name.startswith("xl/") for name in names):
        return "a ZIP archive of other things"
    if "xl/workbook.bin" in names:
        return "a binary workbook (.xlsb): it has to be published as XLSX or CSV"
    if len(parts) > MOST_PARTS:
        return f"one of {len(parts):,} parts"
    if sum(part.file_size for part in parts) > MOST_ALTOGETHER:
        return f"one that unpacks to more than {MOST_ALTOGETHER >> 20} MiB"
    return ""


def _flaw(part: zipfile.ZipInfo) -> str:
    """What is wrong with one part, or nothing."""
    name = part.filename[:80]
    if part.file_size > MOST_PART:
        return f"{name} of more than {MOST_PART >> 20} MiB"
    if part.file_size > max(SMALL, MOST_RATIO * part.compress_size):
        return f"{name} packed more than {MOST_RATIO} times"
    if part.flag_bits & 1:
        return f"{name} locked with a password"
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"{name} packed in a way that XLSX does not have"
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
        return f"{name!r}, a path that leads out of it"
    return ""


# ---------------------------------------------------------------- the workbook

Sheets = list[tuple[str, bool, str]]
"""Name, whether it is visible, and part of each sheet, in the workbook's order."""


class _Book(NamedTuple):
    """What the cells of a workbook refer to: shared texts, the first day, styles of times and of spans of time."""

    archive: zipfile.ZipFile
    texts: list[str]
    epoch: datetime
    times: frozenset[int]
    spans: frozenset[int]


def _book(body: bytes) -> tuple[_Book, Sheets]:
    """The workbook by openpyxl, but for styles and texts: it refuses workbooks for a style that it does not know."""
    from openpyxl.reader.excel import ExcelReader
    from openpyxl.xml.constants import ARC_STYLE, SHARED_STRINGS
    from openpyxl.xml.functions import fromstring, iterparse

    reader = ExcelReader(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
    reader.read_manifest()
    reader.read_workbook()
    sheets = [
        (sheet.name, sheet.state == "visible", rel.target)
        for sheet, rel in reader.parser.find_sheets()
        if "worksheet" in rel.Type
    ]
    if len(sheets) > MOST_SHEETS:
        raise NotReadable(f"expected a workbook of at most {MOST_SHEETS} sheets, found {len(sheets):,}")
    texts: list[str] = []
    if shared := reader.package.find(SHARED_STRINGS):
        with reader.archive.open(shared.PartName.removeprefix("/")) as stream:
            for _, node in iterparse(stream):
                if node.tag == f"{MAIN}si":
                    texts.append(_text(node))
                    node.clear()
    styled = ARC_STYLE in reader.valid_files
    times, spans = _time_styles(fromstring(reader.archive.read(ARC_STYLE))) if styled else (frozenset(), frozenset())
    return _Book(reader.archive, texts, reader.wb.epoch, times, spans), sheets


def _text(node: Any) -> str:
    """A text as it stands, or in runs that look different; without how it is pronounced, which may stand beside it."""
    runs = node.findall(f"{MAIN}t") or node.findall(f"{MAIN}r/{MAIN}t")
    return "".join(run.text or "" for run in runs)


def _time_styles(styles: Any) -> tuple[frozenset[int], frozenset[int]]:
    """The styles that make a number a date or a time, and of these the ones that make it a span of time."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

    own = {int(one.get("numFmtId")): one.get("formatCode") for one in styles.iter(f"{MAIN}numFmt")}
    codes = BUILTIN_FORMATS | own
    used = [codes.get(int(one.get("numFmtId", 0)), "") for one in styles.iterfind(f"{MAIN}cellXfs/{MAIN}xf")]
    times = frozenset(style for style, code in enumerate(used) if is_date_format(code))
    return times, frozenset(style for style in times if is_timedelta_format(used[style]))


# ---------------------------------------------------------------- its sheets


def _largest(book: _Book, sheets: Sheets, wanted: str | int) -> _Sheet:
    """The wanted sheet, or the one with the most filled cells of those that are not hidden."""
    chosen = [part for number, (name, _, part) in enumerate(sheets, 1) if wanted in (number, name)]
    if wanted and not chosen:
        names = ", ".join(name for name, _, _ in sheets)
        raise NothingThere(f"sheet: expected {wanted!r}, the workbook has {names[:300]}")
    if not wanted:
        chosen = [part for _, visible, part in sheets if visible] or [part for _, _, part in sheets]
    left, best = MOST_CELLS, _Sheet({}, [], [])
    for part in chosen:
        sheet, left = _read(book, part, left)
        best = max(best, sheet, key=lambda one: one.size)
    return best


def _read(book: _Book, part: str, left: int) -> tuple[_Sheet, int]:
    """One sheet, and how many cells may still be read after it."""
    from openpyxl.utils.cell import column_index_from_string, range_boundaries
    from openpyxl.xml.constants import REL_NS
    from openpyxl.xml.functions import iterparse

    rows: dict[int, dict[int, Value]] = {}
    merged: list[tuple[int, int, int, int]] = []
    anchors: list[tuple[str, str]] = []
    number = 0
    with book.archive.open(part) as stream:
        for _, node in iterparse(stream):
            name = node.tag.rpartition("}")[2]
            if name == "row":
                number, column = int(node.get("r") or number + 1), 0
                left -= max(len(node), 1)
                if left < 0:
                    raise NotReadable(f"expected a workbook of at most {MOST_CELLS:,} cells, found more")
                for cell in node:
                    letters = cell.get("r", "").rstrip("0123456789")
                    column = column_index_from_string(letters) if letters else column + 1
                    if (value := _content(cell, book)) != "":
                        rows.setdefault(number, {})[column] = value
                node.clear()
            elif name == "mergeCell":
                merged.append(range_boundaries(node.get("ref")))
            elif name == "hyperlink":
                anchors.append((node.get("ref").partition(":")[0], node.get(f"{{{REL_NS}}}id")))
    return _Sheet(rows, merged, _links(book.archive, part, anchors)), left


def _links(archive: zipfile.ZipFile, part: str, anchors: list[tuple[str, str]]) -> list[tuple[int, int, str]]:
    """Where links stand, and where they lead; those inside the workbook lead nowhere."""
    from openpyxl.packaging.relationship import get_dependents, get_rels_path
    from openpyxl.utils.cell import coordinate_to_tuple

    path = get_rels_path(part)
    if path not in archive.namelist():
        return []
    targets = {rel.Id: rel.Target for rel in get_dependents(archive, path)}
    return sorted((*coordinate_to_tuple(cell), targets[name]) for cell, name in anchors if name in targets)


def _content(cell: Any, book: _Book) -> Value:
    """What a cell holds, by its type and style: of a formula what it came to, of an error its name."""
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inside = cell.find(f"{MAIN}is")
        return "" if inside is None else _line(_text(inside))
    written = cell.findtext(f"{MAIN}v")
    if not written or kind not in {"n", "s", "b"}:
        return _line(written or "").removesuffix("T00:00:00" if kind == "d" else "")
    if kind == "s":
        return _line(book.texts[int(written)])
    if kind == "b":
        return bool(written != "0")
    number, style = float(written), int(cell.get("s", 0))
    if style in book.times and 0 <= number < LAST_DAY:
        return _time(number, book.epoch, span=style in book.spans)
    value = plain(number)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _line(text: str) -> str:
    return collapse(text.replace("_x000D_", " "))  # how Excel writes the end of a line


def _time(days: float, epoch: datetime, *, span: bool) -> str:
    """A date in ISO form, with a time where there is one; a time of day; or a span of time, in hours."""
    from openpyxl.utils.datetime import from_excel

    seconds = round(days * 86_400)  # in a float, times are inexact
    if span:
        return f"{seconds // 3600}:{seconds % 3600 // 60:02}:{seconds % 60:02}"
    at = from_excel(seconds / 86_400, epoch)
    return str((at.date() if isinstance(at, datetime) and at.time() == time() else at).isoformat())


# ---------------------------------------------------------------- rows and columns


def _grid(sheet: _Sheet) -> Grid:
    if not sheet.rows:
        raise NothingThere("expected a sheet with rows, found none")
    numbers = sorted(sheet.rows)
    first = min(map(min, sheet.rows.values()))
    start = header_place((sheet.rows[number].values(), first in sheet.rows[number]) for number in numbers)
    rows = {number: sheet.rows[number] for number in numbers[start:]}
    _fill(rows, sheet.merged)
    columns = sorted({column for cells in rows.values() for column in cells})
    bounded(len(columns) * len(rows))
    header, *rest = (tuple(cells.get(column, "") for column in columns) for cells in rows.values())
    titles = sheet.rows[numbers[0]].values() if start else ()
    return Grid(
        header=tuple(map(str, header)),
        rows=[row for row in rest if row != header],
        links=[(str(sheet.rows.get(row, {}).get(column, "")), target) for row, column, target in sheet.links],
        title=next((str(text) for text in titles), ""),
    )


def _fill(rows: dict[int, dict[int, Value]], merged: list[tuple[int, int, int, int]]) -> None:
    """Let merged cells say in each place what they say in the first, as cells of HTML do that span others."""
    last_row, last_column = max(rows), max(map(max, rows.values()))
    filled = 0
    for left, top, right, bottom in merged:
        value = rows.get(top, {}).get(left, "")
        if value == "":
            continue
        numbers, columns = range(top, min(bottom, last_row) + 1), range(left, min(right, last_column) + 1)
        filled += len(numbers) * len(columns)
        bounded(filled)
        for number in numbers:
            if number in rows:
                rows[number].update(dict.fromkeys(columns, value))
