"""PDFs: tables that come back as they were written, paragraphs in order, scans, and files made to do harm."""

from __future__ import annotations

import asyncio
import random
import sys
import time
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import pdfs
from watcher import plugins
from watcher.child import CPU_SECONDS, Start
from watcher.core import Block, Capture, Change, Document, Fetched, NotReadable, Source, Value
from watcher.diff import diff
from watcher.pool import WALL_SECONDS, Pool
from watcher.sources.pdf import Pdf, PdfOptions

AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
URL = "https://agency.example/files/report.pdf"
HEADER = ("County", "State", "Held")
LOOP = ("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>")
PAGE = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] >>"


def capture(body: bytes, snapshot: str = "s1") -> Capture:
    return Capture("paper", "pdf", snapshot, AT, URL, 200, "application/pdf", body)


def read(body: bytes, **options: str | list[str]) -> Document:
    return Pdf(PdfOptions(**options)).extract(capture(body), {})


def compared(before: bytes, after: bytes) -> tuple[Change, ...]:
    adapter = Pdf(PdfOptions())
    old = adapter.extract(capture(before), {})
    return diff(old, adapter.extract(capture(after, "s2"), old.choices))


def rows(document: Document) -> list[tuple[Value, ...]]:
    return [tuple(record.fields.values()) for record in document.records.values()]


def start(seconds: int) -> Start:
    return Start([entry for entry in sys.path if entry], plugins.found(), cpu_seconds=seconds)


def in_a_child(body: bytes) -> str:
    """What a check, which looks first, says of the file."""

    async def story() -> str:
        source, fetched = Source("paper", "pdf", URL), Fetched(URL, 200, (("content-type", "application/pdf"),), body)
        async with Pool(size=1, start=start(2)) as pool:
            try:
                glance = await pool.look(source, fetched, AT)
                if not glance.verdict.ok:
                    return glance.verdict.reason
                await pool.read(source, capture(body), {})
            except NotReadable as error:
                return str(error)
            return "read"

    return asyncio.run(asyncio.wait_for(story(), 60))


# ---------------------------------------------------------------- tables

WORDS = st.text("abcdefgXYZ01289.,;:!?%&/()'+=*<>€é", min_size=1, max_size=9)
CELLS = st.lists(WORDS, max_size=14).map(" ".join)
KEYS = st.lists(WORDS, min_size=1, max_size=1).map(" ".join)


@st.composite
def tables(draw: st.DrawFn) -> list[tuple[str, ...]]:
    """A header and rows, the cells of which may be empty, but for the first."""
    width = draw(st.integers(2, 5))
    header = draw(st.lists(KEYS, min_size=width, max_size=width, unique=True))
    rows = draw(st.lists(st.tuples(KEYS, *[CELLS] * (width - 1)), min_size=1, max_size=25))
    return [tuple(header), *(row for row in rows if row != tuple(header))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(), st.booleans(), st.booleans())
def test_a_ruled_table_comes_back_as_it_was_written(
    table: list[tuple[str, ...]],
    wide: bool,  # noqa: FBT001 - drawn
    repeated: bool,  # noqa: FBT001 - as above
) -> None:
    header, *wanted = table
    document = read(pdfs.pdf(pdfs.text("Of a week"), pdfs.table(header, wanted, repeated=repeated), wide=wide))
    assert rows(document) == wanted
    assert [block.text for block in document.blocks] == ["Of a week"]
    assert not wanted or document.choices["header"] == list(header)


def test_rows_know_their_pages_and_places() -> None:
    body = pdfs.pdf(pdfs.table(HEADER, [("Clark", "Nevada", "51"), *(("Cook", "Illinois", str(n)) for n in range(90))]))
    records = list(read(body).records.values())
    assert [records[0].page, records[-1].page] == [1, 3]
    assert records[0].subject is not None
    assert records[0].subject.id == "us-county:32003"


def test_a_row_parted_by_the_end_of_a_page_is_one() -> None:
    long = " ".join(f"word{number}" for number in range(900))
    wanted = [("Clark", "Nevada", "1"), ("Cook", "Illinois", long), ("Elko", "Nevada", "2")]
    for repeated in (True, False):
        assert rows(read(pdfs.pdf(pdfs.table(HEADER, wanted, repeated=repeated)))) == wanted


def test_a_table_under_titles_and_one_under_the_same_header_elsewhere() -> None:
    first, second = [("Clark", "Nevada", "1")], [("Cook", "Illinois", "2")]
    other = pdfs.table(("Form", "Title"), [("DD1", "One"), ("DD2", "Two")])
    document = read(
        pdfs.pdf(pdfs.table(HEADER, first), pdfs.text("Then"), other, pdfs.text("more"), pdfs.table(HEADER, second))
    )
    assert rows(document) == [*first, *second, ("DD1", "One"), ("DD2", "Two")]
    assert [block.text for block in document.blocks] == ["Then", "more"]
    assert list(document.records) == ["Clark", "Cook", "DD1", "DD2"]


def test_a_key_by_option() -> None:
    body = pdfs.pdf(pdfs.table(HEADER, [("Clark", "Nevada", "1"), ("Cook", "Illinois", "2")]))
    assert list(read(body, key=["State", "County"]).records) == ["Nevada · Clark", "Illinois · Cook"]


def test_a_figure_that_was_corrected_says_its_page() -> None:
    header, rows = ("Form", "Title", "Copies"), [(f"DD{number}", "A title", "51") for number in range(90)]
    before = pdfs.pdf(pdfs.table(header, rows))
    (change,) = compared(before, pdfs.pdf(pdfs.table(header, [*rows[:-1], ("DD89", "A title", "47")])))
    assert (change.kind, change.old, change.new) == ("record.changed", "51", "47")
    assert change.summary == "DD89: Copies 51 → 47 (page 3)"


def test_a_box_around_text_is_text() -> None:
    body = pdfs.pdf(pdfs.table(("Only a box around these words",), []))
    assert [block.text for block in read(body).blocks] == ["Only a box around these words"]


# ---------------------------------------------------------------- prose

SENTENCE = (
    "The office records what it hears of, and what it does not hear of is not in this report, whatever it may be."
)


def test_headings_paragraphs_items_and_notes() -> None:
    document = read(
        pdfs.pdf(
            pdfs.text("Scope", "Heading1"),
            pdfs.text(SENTENCE * 3),
            pdfs.text("• one thing"),
            pdfs.text("• another"),
            pdfs.text("Correction: a figure was wrong."),
        )
    )
    assert document.blocks == (
        Block("heading", "Scope", 1),
        Block("paragraph", SENTENCE * 3, 1),
        Block("list-item", "one thing", 1),
        Block("list-item", "another", 1),
        Block("note", "Correction: a figure was wrong.", 1),
    )


def test_a_paragraph_over_the_end_of_a_page_is_one_and_running_lines_are_none() -> None:
    texts = [f"{number} {SENTENCE.lower()} {SENTENCE.lower()}" for number in range(40)]
    document = read(pdfs.pdf(*map(pdfs.text, texts), running="OFFICE OF REMOVAL", numbered=True))
    assert [block.text for block in document.blocks] == texts
    assert {block.page for block in document.blocks} == {1, 2, 3}


def test_two_columns_are_read_one_after_the_other() -> None:
    left = [f"left{n} words of the first column" for n in range(12)]
    right = [f"right{n} words of the other one" for n in range(12)]
    document = read(pdfs.columns("A title over both of the two columns of this page", left, right))
    words = " ".join(block.text for block in document.blocks)
    assert words == " ".join(["A title over both of the two columns of this page", *left, *right])


def test_a_reworded_sentence_says_its_page() -> None:
    texts = [SENTENCE] * 100
    before = pdfs.pdf(*map(pdfs.text, texts))
    (change,) = compared(before, pdfs.pdf(*map(pdfs.text, [*texts[:-1], SENTENCE.replace("hears", "knows")])))
    assert (change.kind, change.path) == ("page.text", ("blocks",))
    assert [span.text for span in change.spans if span.op != "="] == ["hears", "knows"]
    assert change.summary.endswith(" (page 3)")


# ---------------------------------------------------------------- what is digested


def test_the_same_file_made_again_reads_the_same() -> None:
    made = [pdfs.pdf(pdfs.table(HEADER, [("Clark", "Nevada", held)]), fresh=True) for held in ("51", "51", "47")]
    prints = [Pdf(PdfOptions()).fingerprint(capture(body)) for body in made]
    assert made[0] != made[1]
    assert prints[0] == prints[1] != prints[2]


def test_a_scan_is_watched_by_its_bytes() -> None:
    one, other = pdfs.scan("51 detainers"), pdfs.scan("47 detainers")
    document = read(one)
    assert (document.blocks, document.records) == ((), {})
    assert document.meta["readable"] is False
    (change,) = compared(one, other)
    assert (change.kind, change.path) == ("page.text", ("meta", "sha256"))
    assert (change.old, change.new) == (document.meta["sha256"], read(other).meta["sha256"])
    assert "its text is not readable" in change.summary
    assert Pdf(PdfOptions()).fingerprint(capture(one)) != Pdf(PdfOptions()).fingerprint(capture(other))
    assert compared(one, one) == ()


def test_from_text_to_a_scan_and_back_is_one_change_without_rows() -> None:
    table = pdfs.pdf(pdfs.table(HEADER, [("Clark", "Nevada", "51"), ("Cook", "Illinois", "13")]))
    for before, after, said in ((table, pdfs.scan("x"), "is not readable"), (pdfs.scan("x"), table, "is readable now")):
        (change,) = compared(before, after)
        assert change.kind == "page.text"
        assert said in change.summary


def test_a_file_that_opens_without_a_password_is_read() -> None:
    assert [block.text for block in read(pdfs.locked("")).blocks] == ["Nobody is to print this."]


# ---------------------------------------------------------------- harm


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "expected a PDF, found something else"),
        (b"<html><p>Not found</p></html>", "expected a PDF, found something else"),
        (b"%PDF-1.4\n%%EOF", "expected a sound PDF, found a damaged one"),
        (pdfs.locked("secret"), "locked with a password"),
        (pdfs.pdf(pdfs.text("whole"))[:-400], "one that is cut off before its end"),
        (pdfs.raw(*LOOP), "expected a PDF with pages, found none"),
        (pdfs.raw("<< /Type /Catalog >>"), "expected a PDF with pages, found none"),
        (pdfs.many(10_000), "at most 500 pages, found more"),
        (pdfs.raw(*LOOP).replace(b"/Root 1 0 R", b"/Root 1 0 R /Prev 196"), "expected a"),
    ],
    ids=["empty", "html", "hull", "locked", "cut", "loop", "bare", "long", "xrefs"],
)
def test_what_cannot_be_read_says_why_at_once(body: bytes, said: str) -> None:
    began = time.process_time()
    for look in (read, lambda body: Pdf(PdfOptions()).fingerprint(capture(body))):
        with pytest.raises(NotReadable, match=said):
            look(body)
    assert time.process_time() - began < 5


FORM = "/Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 5 0 R >> >>"


def stream(content: bytes, more: str = "/Filter /FlateDecode") -> str:
    packed = zlib.compress(content, 9) if "Flate" in more else content
    return f"<< /Length {len(packed)} {more} >>\nstream\n{packed.decode('latin-1')}\nendstream"


def drawn(*objects: str) -> bytes:
    """One page whose content is the first of these objects."""
    page = PAGE.replace(">>", "/Contents 4 0 R /Resources << /XObject << /X 5 0 R >> /Font << /F 5 0 R >> >> >>")
    return pdfs.raw("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, *objects)


def zeros(mebibytes: int) -> str:
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(2**20)) for _ in range(mebibytes)) + packer.flush()
    return stream(packed, "").replace("<< /Length", "<< /Filter /FlateDecode /Length")


LIMIT = "reading the page met the limit of processor time or memory and was ended"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (lambda: pdfs.raw("1 0 R"), LIMIT),
        (lambda: pdfs.raw("<< /Type /Catalog /Pages 2 0 R >>", "2 0 R"), LIMIT),
        (lambda: drawn(zeros(1024), "<< >>"), "expected a sound PDF"),
        (lambda: drawn(stream(b"[" * 200_000), "<< >>"), "read"),
        (lambda: drawn(stream(b"/X Do"), stream(b"/X Do /X Do", FORM)), "read"),
        (lambda: drawn(stream(b"BT /F 9 Tf (x) Tj ET"), "<< /Type /Font /DescendantFonts [5 0 R] >>"), "read"),
        (lambda: drawn(stream(b"0 0 m 9 9 l S\n" * 20_000), "<< >>"), "read"),
    ],
    ids=["itself", "own-pages", "unpacks-to-1-GiB", "nested", "draws-itself", "own-font", "rules"],
)
def test_a_file_that_means_harm_ends(body: Callable[[], bytes], said: str) -> None:
    assert said in in_a_child(body())


@pytest.mark.parametrize("seed", range(30))
def test_damage_anywhere_ends_in_a_document_or_in_words(seed: int) -> None:
    chance = random.Random(seed)
    body = bytearray(pdfs.pdf(pdfs.text("Scope", "Heading1"), pdfs.table(HEADER, [("Clark", "Nevada", "51")])))
    for _ in range(chance.randint(1, 40)):
        body[chance.randrange(len(body))] = chance.randrange(256)
    said = "expected a PDF, and found it"
    try:
        read(bytes(body))
    except NotReadable as error:
        said = str(error)
    assert said.startswith("expected a")


def test_a_long_report_has_the_time_that_it_takes() -> None:
    cpu_seconds, wall_seconds = plugins.patience("pdf")
    assert cpu_seconds > CPU_SECONDS
    assert wall_seconds > WALL_SECONDS
    body: Sequence[tuple[str, str, str]] = [("Cook", "Illinois", f"{number} " + SENTENCE) for number in range(400)]

    async def story() -> int:
        async with Pool(size=1, wall_seconds=0.2, start=start(1)) as pool:
            capture_ = capture(pdfs.pdf(pdfs.table(HEADER, body)))
            return len((await pool.read(Source("paper", "pdf", URL), capture_, {})).records)

    assert asyncio.run(asyncio.wait_for(story(), 60)) == 400
