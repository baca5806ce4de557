"""Writes the tour's reports as PDF files: headings, paragraphs and ruled tables that run over pages.

No more than that: base fonts, nothing packed. A library that writes PDFs is not needed to watch them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

WIDTH, HEIGHT, MARGIN = 612, 792, 54
"""A letter page, in points."""
ROOM = WIDTH - 2 * MARGIN
PAD = 3
_NARROW, _WIDE = set("fijlt.,:;!'()|[]/ "), set("mwMW@%ABCDGHKNOQRUVXY&")


class Text(NamedTuple):
    """A paragraph, or a heading in bold."""

    words: str
    size: int = 10
    bold: bool = False


class Table(NamedTuple):
    """A table with rules around each cell; its header stands again on each page. `widths` are shares of the line."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    widths: Sequence[float]


def document(*parts: Text | Table) -> bytes:
    """The bytes of a PDF file with these parts, one below the other; the same parts give the same bytes."""
    pages = _Pages()
    for part in parts:
        if isinstance(part, Text):
            pages.text(part)
        else:
            pages.table(part)
    return _file(["\n".join(page) for page in pages.done])


class _Pages:
    """Pages that are filled from the top; `top` is how much of the last one is taken."""

    def __init__(self) -> None:
        self.done: list[list[str]] = [[]]
        self.top = MARGIN

    def text(self, part: Text) -> None:
        self.top += part.size // 2
        for line in _wrapped(part.words, ROOM, part.size, bold=part.bold):
            self._need(part.size + 4)
            self.done[-1].append(_line(MARGIN, self.top + part.size, line, part.size, bold=part.bold))
            self.top += part.size + 4

    def table(self, part: Table) -> None:
        widths = [ROOM * share / sum(part.widths) for share in part.widths]
        self.top += 6
        head = self._cells(part.header, widths, bold=True)
        for number, row in enumerate(part.rows):
            cells = self._cells(row, widths, bold=False)
            fresh = self._need(_height(cells) + (_height(head) if number == 0 else 0))
            if fresh or number == 0:
                self._row(head, widths, bold=True)
            self._row(cells, widths, bold=False)

    def _need(self, room: int) -> bool:
        """Whether a new page was begun, for there was no such room on the last one."""
        if self.top + room <= HEIGHT - MARGIN:
            return False
        self.done.append([])
        self.top = MARGIN
        return True

    def _cells(self, row: Sequence[str], widths: Sequence[float], *, bold: bool) -> list[list[str]]:
        return [list(_wrapped(cell, width - 2 * PAD, 9, bold=bold)) for cell, width in zip(row, widths, strict=True)]

    def _row(self, cells: list[list[str]], widths: Sequence[float], *, bold: bool) -> None:
        left, height = float(MARGIN), _height(cells)
        for lines, width in zip(cells, widths, strict=True):
            self.done[-1].append(f"{left:.1f} {HEIGHT - self.top - height} {width:.1f} {height} re S")
            for number, line in enumerate(lines):
                self.done[-1].append(_line(left + PAD, self.top + PAD + 9 + 12 * number, line, 9, bold=bold))
            left += width
        self.top += height


def _height(cells: list[list[str]]) -> int:
    return 12 * max(len(lines) for lines in cells) + 2 * PAD


def _line(left: float, top: int, words: str, size: int, *, bold: bool) -> str:
    escaped = words.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F{2 if bold else 1} {size} Tf {left:.1f} {HEIGHT - top} Td ({escaped}) Tj ET"


def _wrapped(words: str, room: float, size: int, *, bold: bool) -> Iterator[str]:
    """Lines of at most `room` points, by widths on the safe side; a line end stays one."""
    for paragraph in words.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}".strip()
            if line and _width(longer, size, bold=bold) > room:
                yield line
                longer = word
            line = longer
        yield line


def _width(words: str, size: int, *, bold: bool) -> float:
    widths = (0.36 if char in _NARROW else 0.84 if char in _WIDE else 0.58 for char in words)
    return size * sum(widths) * (1.06 if bold else 1)


def _file(pages: Sequence[str]) -> bytes:
    fonts = [
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
        for name in ("Helvetica", "Helvetica-Bold")
    ]
    first = 3 + len(fonts)
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        *(font.encode() for font in fonts),
    ]
    for number, content in enumerate(pages):
        drawn = content.encode("cp1252", "replace")
        objects += [
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {WIDTH} {HEIGHT}] /Contents {first + 2 * number + 1} 0 R "
            f"/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>".encode(),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        ]
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return b"%sxref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        body, len(objects) + 1, table, len(objects) + 1, len(body),
    )  # fmt: skip
