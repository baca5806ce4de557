"""PDF files: opened within bounds, and digested by what their pages show, before anybody reads a word.

Below the adapters that read PDFs at extract in the flow. Whatever a hostile file makes the library raise ends here as
NotReadable; what it makes the library do without end, at the limits of the child.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

from watcher.core import NotReadable
from watcher.sources.html import collapse

if TYPE_CHECKING:
    from pdfplumber.pdf import PDF

MOST_PAGES = 500
CPU_SECONDS, WALL_SECONDS = 120, 240.0
"""What reading one may take, of the processor and altogether: a long report takes far more than a page."""
MOST_OBJECTS = 300_000
HEAD, TAIL = 1024, 4096
"""Bytes at whose beginning and end a PDF says that it is one, and that it is whole."""
LONGEST_TITLE = 300
NO_TITLES = {"untitled", "(anonymous)"}
"""What writers of PDFs say where nobody gave a title."""
UNSEEN = {"Parent", "Metadata", "PieceInfo", "LastModified", "StructParent", "StructParents", "Thumb"}
"""What a page's objects say that no reader sees; the first leads back to all other pages."""


def is_pdf(body: bytes) -> bool:
    """Whether the bytes begin as a PDF does."""
    return b"%PDF-" in body[:HEAD]


@contextmanager
def opened(body: bytes) -> Iterator[PDF]:
    """The file, once it is sure to be whole and of no more than MOST_PAGES; raises NotReadable, in the block too."""
    if not is_pdf(body):
        raise NotReadable(f"expected a PDF, found something else, which begins with {body[:20]!r}")
    if b"%%EOF" not in body[-TAIL:]:
        raise NotReadable("expected a whole PDF, found one that is cut off before its end")
    try:
        import pdfplumber
    except ModuleNotFoundError as error:
        raise NotReadable("reading PDFs needs pdfplumber: pip install 'watcher[pdf]'") from error
    try:
        pdf = pdfplumber.open(io.BytesIO(body))
        _count(pdf)
        yield pdf
    except (NotReadable, MemoryError):
        raise
    except RecursionError as error:
        raise NotReadable("expected a sound PDF, found one whose parts lead back to themselves") from error
    except Exception as error:  # a hostile file makes the library raise nearly anything
        raise NotReadable(f"expected a sound PDF, found {_flaw(error)}") from error


def _count(pdf: PDF) -> None:
    """Refuse a file without pages, or of too many, before they are all looked up. Raises NotReadable."""
    from pdfminer.pdfpage import PDFPage

    count = sum(1 for _ in islice(PDFPage.create_pages(pdf.doc), MOST_PAGES + 1))
    if count > MOST_PAGES:
        raise NotReadable(f"expected a PDF of at most {MOST_PAGES} pages, found more")
    if not count:
        raise NotReadable("expected a PDF with pages, found none")


def _flaw(error: Exception) -> str:
    from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect

    causes = (error, *error.args)
    if any(isinstance(cause, PDFPasswordIncorrect | PDFEncryptionError) for cause in causes):
        return "one that is locked with a password: it has to be published without"
    return f"a damaged one: {collapse(str(error))[:120] or type(error).__name__}"


def title_of(pdf: PDF) -> str:
    """The title that the file gives itself, or an empty string."""
    title = pdf.metadata.get("Title")
    return collapse(title)[:LONGEST_TITLE] if isinstance(title, str) and title not in NO_TITLES else ""


def digest(pdf: PDF) -> str:
    """Digest the title and all that the pages are made of, whatever their objects are numbered.

    Streams are taken as they are packed, before a page is read: the cost is that of looking up each object once.
    """
    from pdfminer.pdftypes import PDFObjRef, PDFStream

    digested = hashlib.blake2b(digest_size=16)
    met: dict[int, int] = {}
    todo: list[Any] = [title_of(pdf), [page.page_obj.attrs for page in pdf.pages]]
    for _ in range(MOST_OBJECTS):
        if not todo:
            return digested.hexdigest()
        item = todo.pop()
        if isinstance(item, PDFObjRef):
            first = item.objid not in met
            number = met.setdefault(item.objid, len(met))
            item = item.resolve() if first else number
        if isinstance(item, PDFStream):
            digested.update(item.rawdata or b"")
            item = item.attrs
        if isinstance(item, dict):
            names = sorted(set(item) - UNSEEN)
            todo += (item[name] for name in names)
            item = names
        elif isinstance(item, list):
            todo += item
            item = len(item)
        digested.update(repr(item).encode())
    raise NotReadable(f"expected a PDF of at most {MOST_OBJECTS:,} objects, found more")
