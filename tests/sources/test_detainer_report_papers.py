"""The same report as several tools print it: all are read exactly, or said not to be readable."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import pytest

from tests import pdfs
from tests.sources.test_detainer_report import read, rows
from watcher.demo import pages

FIRST = pages.issues()[0]
COUNTIES = [(row["county"], row["state"], row["detainers_issued"]) for row in pages.facts("section1")]
PERSONS = [tuple(row[name] for name in pages.SECTION_II_FACTS) for row in pages.facts("section2")] * 6
LONG = "• Honors requests with a warrant\n• Honors requests for the gravest crimes, as it has since before\n" * 4
POLICIES = [
    (row["jurisdiction"], row["date_enacted"], row["policy"], f"{row['criteria']}\n{LONG}".strip())
    for row in pages.facts("section3")
]
HEADERS = (("County", "State", "Issued Detainers"), pages.SECTION_II, pages.SECTION_III)


def sections(made: Callable[..., object]) -> list[object]:
    one, two, three, four = FIRST.titles
    return [
        made(f"Section I: {one}", HEADERS[0], COUNTIES),
        made(f"Section II: {two}", HEADERS[1], PERSONS),
        made(f"Section III: {three}", HEADERS[2], POLICIES),
        made(f"Section IV: {four}", (), ()),
    ]


def by_reportlab(*, wide: bool = False, repeated: bool = True, ruled: bool = True) -> bytes:
    flow = [pdfs.text("Weekly Declined Detainer Outcome Report", "Title")]

    def made(title: str, header: tuple[str, ...], body: list[tuple[str, ...]]) -> None:
        flow.append(pdfs.text(title, "Heading2"))
        if body:
            flow.append(pdfs.table(header, body, repeated=repeated, ruled=ruled))

    sections(made)
    return pdfs.pdf(*flow, wide=wide, numbered=True, running="Declined Detainer Outcome Report")


def html(*, ruled: bool) -> str:
    border = "1px solid black" if ruled else "none"
    frame = " border=1 width=100%" if ruled else ""

    def made(title: str, header: tuple[str, ...], body: list[tuple[str, ...]]) -> str:
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        cells = "".join(
            "<tr>" + "".join(f"<td>{escape(cell).replace(chr(10), '<br>')}</td>" for cell in row) + "</tr>"
            for row in body
        )
        table = f"<table{frame}><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>" if body else ""
        return f"<h2>{escape(title)}</h2>{table}"

    cell = f"border: {border}; padding: 4px; text-align: left; vertical-align: top"
    style = f"table {{ border-collapse: collapse }} td, th {{ {cell} }}"
    parts = "".join(map(str, sections(made)))
    return f"<meta charset=utf-8><style>{style}</style><h1>Weekly Declined Detainer Outcome Report</h1>{parts}"


def by_chromium(folder: Path, *, ruled: bool) -> bytes:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here")
    page, out = folder / "page.html", folder / "page.pdf"
    page.write_text(html(ruled=ruled))
    command = [
        chromium,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        f"--print-to-pdf={out}",
        "--no-pdf-header-footer",
    ]
    subprocess.run(
        [*command, f"--user-data-dir={folder}/user", page.as_uri()], check=True, capture_output=True, timeout=60
    )
    return out.read_bytes()


def by_libreoffice(folder: Path, *, ruled: bool) -> bytes:
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no LibreOffice here")
    (folder / "page.html").write_text(html(ruled=ruled))
    command = [
        office,
        f"-env:UserInstallation=file://{folder}/user",
        "--headless",
        "--convert-to",
        "pdf:writer_web_pdf_Export",
    ]
    subprocess.run(
        [*command, "--outdir", str(folder), str(folder / "page.html")], check=True, capture_output=True, timeout=90
    )
    if not (folder / "page.pdf").exists():
        pytest.skip("this LibreOffice has no Writer")
    return (folder / "page.pdf").read_bytes()


PAPERS: dict[str, Callable[[Path], bytes]] = {
    "reportlab, ruled": lambda _: by_reportlab(),
    "reportlab, landscape": lambda _: by_reportlab(wide=True),
    "reportlab, header once": lambda _: by_reportlab(repeated=False),
    "reportlab, without rules": lambda _: by_reportlab(ruled=False),
    "chromium, ruled": lambda folder: by_chromium(folder, ruled=True),
    "chromium, without rules": lambda folder: by_chromium(folder, ruled=False),
    "libreoffice, ruled": lambda folder: by_libreoffice(folder, ruled=True),
}


def flat(found: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    return [tuple(" ".join(cell.split()) for cell in row) for row in found]


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_read_exactly(name: str, tmp_path: Path) -> None:
    found = read(PAPERS[name](tmp_path))
    assert rows(found, "I") == COUNTIES
    assert rows(found, "II") == PERSONS
    places = [(place.partition(" (")[0], place.partition(" (")[2].rstrip(")")) for place, *_ in POLICIES]
    wanted = [(*place, *row[1:]) for place, row in zip(places, POLICIES, strict=True)]
    assert flat(rows(found, "III")) == flat(wanted)


def test_a_scan_is_said_not_to_be_readable() -> None:
    assert read(pdfs.scan("Section I", "Clark County")).meta["readable"] is False
