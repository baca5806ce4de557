"""PDFs for tests, made by several tools: ruled and unruled tables, prose, scans, and files that mean harm."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image, ImageDraw
from reportlab.lib import colors
from reportlab.lib.pagesizes import landscape, letter
from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, PageBreak, Paragraph, SimpleDocTemplate

STYLES = getSampleStyleSheet()
CELL = ParagraphStyle("cell", STYLES["BodyText"], fontSize=8, leading=10, spaceBefore=0, spaceAfter=0)
GRID = ("GRID", (0, 0), (-1, -1), 0.5, colors.black)
TOP = ("VALIGN", (0, 0), (-1, -1), "TOP")


def text(words: str, style: str = "BodyText") -> Flowable:
    return Paragraph(escape(words), STYLES[style])


def table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    ruled: bool = True,
    repeated: bool = True,
    widths: Sequence[float] | None = None,
    size: int = 8,
) -> Flowable:
    """A table that runs over page ends, and parts a row there; a line end in a cell is one on paper."""
    cell_style = ParagraphStyle("cell", CELL, fontSize=size, leading=size + 2)
    cells = [[Paragraph(escape(cell).replace("\n", "<br/>"), cell_style) for cell in row] for row in (header, *rows)]
    style = [TOP, *([GRID] if ruled else [])]
    return LongTable(cells, colWidths=widths, repeatRows=int(repeated), splitInRow=1, style=style)


def page_break() -> Flowable:
    return PageBreak()


def pdf(
    *flow: Flowable, wide: bool = False, running: str = "", numbered: bool = False, fresh: bool = False, **info: Any
) -> bytes:
    """A file of these parts, one below the other; `running` stands at the top of each page.

    `fresh`: it says when it was made, and has an id of its own, as files have that are made anew at each request.
    """
    out = io.BytesIO()

    def edges(canvas: Canvas, document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        height = canvas._pagesize[1]
        if running:
            canvas.drawString(72, height - 40, running)
        if numbered:
            canvas.drawString(300, 30, f"Page {document.page}")

    size = landscape(letter) if wide else letter
    made = SimpleDocTemplate(out, pagesize=size, invariant=int(not fresh), **info)
    made.build(list(flow), onFirstPage=edges, onLaterPages=edges)
    return out.getvalue()


def scan(*lines: str, pages: int = 1) -> bytes:
    """A file of pictures of text, without a letter of text."""
    picture = Image.new("L", (850, 1100), 255)
    pen = ImageDraw.Draw(picture)
    for place, line in enumerate(lines):
        pen.text((80, 80 + 24 * place), line, fill=0)
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=letter, invariant=1)
    for _ in range(pages):
        canvas.drawImage(ImageReader(picture), 0, 0, *letter)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def columns(title: str, left: Sequence[str], right: Sequence[str]) -> bytes:
    """A page of two columns of lines below a title."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=letter, invariant=1)
    canvas.drawString(72, 720, title)
    for at, lines in ((72, left), (330, right)):
        for place, line in enumerate(lines):
            canvas.drawString(at, 690 - 14 * place, line)
    canvas.save()
    return out.getvalue()


def many(count: int) -> bytes:
    """A file of so many empty pages."""
    kids = " ".join(f"{number + 3} 0 R" for number in range(count))
    page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>"
    pages = f"<< /Type /Pages /Kids [{kids}] /Count {count} >>"
    return raw("<< /Type /Catalog /Pages 2 0 R >>", pages, *[page] * count)


def locked(password: str) -> bytes:
    """A file that opens with a password; with an empty one, for anybody."""
    out = io.BytesIO()
    from reportlab.lib.pdfencrypt import StandardEncryption

    canvas = Canvas(out, pagesize=letter, encrypt=StandardEncryption(password, "owner", canPrint=0))
    canvas.drawString(72, 700, "Nobody is to print this.")
    canvas.save()
    return out.getvalue()


def raw(*objects: str, root: int = 1) -> bytes:
    """A file of these objects, numbered from 1 on, written by hand."""
    body, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj\n{one}\nendobj\n".encode("latin-1")
    start = len(body)
    body += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    body += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    body += f"trailer\n<< /Size {len(objects) + 1} /Root {root} 0 R >>\nstartxref\n{start}\n%%EOF\n".encode()
    return body
