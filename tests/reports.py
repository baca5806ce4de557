"""A whole report, shaped like the first issue of 2017, made up beyond its facts; and papers of it by several tools."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import pdfs
from watcher.demo import pages

FIRST = pages.issues()[0]
HEADERS = {
    "I": ("County", "State", "Issued Detainers"),
    "II": ("Jail or Agency", "Citizenship", "Date Issued", "Date Declined", "Notable Criminal Activity"),
    "III": ("Jurisdiction (AOR)", "Date Enacted", "Policy", "Criteria for Honoring Detainer"),
}
TITLE = "Weekly Declined Detainer Outcome Report"
SUMMARY = (
    "The report names the jurisdictions outside the federal government that did not honor detainers in one week, by "
    "what its offices recorded between January 28, 2017, and February 3, 2017, whenever the detainers were issued."
)
SCOPE = (
    "Offices learn of most releases late or never, so that the figures are lower than what happened.",
    "Section II names no person. Figures may be corrected in a later issue.",
)

Row = tuple[str, ...]


class Facts(NamedTuple):
    """What a report says: its titles, its prose of sections I and II, and its rows."""

    titles: tuple[str, str, str, str]
    prose: tuple[str, str]
    counties: Sequence[Row]
    persons: Sequence[Row]
    policies: Sequence[Row]
    when: str = "Jan. 28 – Feb. 3, 2017"


def issue(persons: int = 206, policies: int = 96) -> Facts:
    """The first issue: 10 counties, 206 persons, of whom one jail has most, and 96 jurisdictions, newest first."""
    counties = [(row["county"], row["state"], row["detainers_issued"]) for row in pages.facts("section1")]
    return Facts(
        titles=FIRST.titles,
        prose=(
            (
                "During the week of January 28, 2017, through February 3, 2017, 3,083 detainers were issued in all "
                "states, 157 of them to the ten jurisdictions below."
            ),
            f"In these seven days {persons} declined detainers were recorded.",
        ),
        counties=counties,
        persons=_persons()[:persons],
        policies=_policies()[:policies],
    )


def _persons() -> list[Row]:
    crimes = (
        "Driving Under the Influence (Conviction)",
        "Larceny (Charged)",
        "Aggravated Assault With a Weapon (Charged)",
    )
    lands = ("Mexico", "Honduras", "El Salvador", "Guatemala")
    jails = (
        "Santa Rita Jail, Alameda County, California",
        "Williamson County Jail, Texas",
        "Chester County Prison, Pennsylvania",
    )
    travis = [
        ("Travis County Jail, Texas", lands[n % 4], f"1/{n % 27 + 1}/2017", f"2/{n % 3 + 1}/2017", crimes[n % 3])
        for n in range(142)
    ]
    others = [(jails[n % 3], lands[n % 3], f"1/{n % 20 + 1}/2017", "2/1/2017", crimes[n % 2]) for n in range(64)]
    return [*travis[:70], *others[:30], *travis[70:], *others[30:]]


def _policies() -> list[Row]:
    known = [tuple(row[name] for name in pages.SECTION_III_FACTS) for row in pages.facts("section3")]
    states = ("Washington", "California", "Oregon", "Pennsylvania")
    names = (
        *("Clark", "Franklin", "Lincoln", "Jefferson", "Madison", "Marion", "Monroe", "Union", "Wayne", "Warren"),
        *("Jackson", "Grant", "Greene", "Clay", "Lake", "Perry", "Polk", "Scott", "Shelby", "Adams", "Brown"),
        *("Butler", "Carroll"),
    )
    return [*known, *(_policy(number, names[number // 4], states[number % 4]) for number in range(92))]


def _policy(number: int, name: str, state: str) -> Row:
    when = f"{('December', 'October', 'June')[number % 3]} {2016 - number // 10}"
    criteria = ["• Will not honor a detainer without a warrant signed by a judge"]
    if number % 3:
        criteria.append(
            "• Honors requests for persons convicted of a violent felony, and for no one else, whatever is asked"
        )
    if number % 7 == 0:
        criteria += [
            f"• Exception {n} of many that make this row so long that it runs over a page's end" for n in range(9)
        ]
    order = f"Order {number} of the Sheriff on Requests"
    return f"{name} County, {state} (Seattle)", when, order, "\n".join(criteria)


# ---------------------------------------------------------------- by reportlab


def report_pdf(facts: Facts, *, ruled: bool = True, wide: bool = False, repeated: bool = True) -> bytes:
    """The report as a word processor would set it: a page of contents, headings, tables over many pages."""
    flow = [
        pdfs.text(TITLE, "Title"),
        pdfs.text(f"For Recorded Declined Detainers {facts.when}"),
        pdfs.text("Summary", "Heading2"),
        pdfs.text(SUMMARY),
        pdfs.text("This report has four sections:"),
        *(
            pdfs.text(f"• Section {number}: {title}")
            for number, title in zip(("I", "II", "III", "IV"), facts.titles, strict=True)
        ),
        pdfs.page_break(),
    ]
    bodies = (facts.counties, facts.persons, facts.policies)
    prose = (*facts.prose, "")
    for number, title, words, rows in zip(HEADERS, facts.titles, prose, bodies, strict=False):
        flow.append(pdfs.text(f"Section {number}: {title}", "Heading2"))
        if words:
            flow.append(pdfs.text(words))
        flow.append(pdfs.table(HEADERS[number], rows, ruled=ruled, repeated=repeated))
    flow.append(pdfs.text(f"Section IV: {facts.titles[3]}", "Heading2"))
    flow += map(pdfs.text, SCOPE)
    return pdfs.pdf(*flow, wide=wide, running="ENFORCEMENT AND REMOVAL OPERATIONS", numbered=True)


# ---------------------------------------------------------------- as a page, and printed from it


def report_html(facts: Facts, *, ruled: bool = True) -> str:
    """The report as a page."""

    def table(header: Row, rows: Sequence[Row]) -> str:
        head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
        body = "".join(map(line, rows))
        return f"<table border={int(ruled)} cellspacing=0><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def line(row: Row) -> str:
        return "<tr>" + "".join(f"<td>{escape(cell).replace(chr(10), '<br>')}</td>" for cell in row) + "</tr>"

    border = "1px solid black" if ruled else "none"
    style = f"table {{ border-collapse: collapse }} td, th {{ border: {border}; padding: 4px; text-align: left }}"
    bodies = (facts.counties, facts.persons, facts.policies)
    parts = "".join(
        f"<h2>Section {number}: {escape(title)}</h2><p>{escape(words)}</p>{table(HEADERS[number], rows)}"
        for number, title, words, rows in zip(HEADERS, facts.titles, (*facts.prose, ""), bodies, strict=False)
    )
    contents = "".join(
        f"<li>Section {number}: {escape(title)}</li>"
        for number, title in zip(("I", "II", "III", "IV"), facts.titles, strict=True)
    )
    return (
        f"<!doctype html><meta charset=utf-8><title>{TITLE}</title><style>{style}</style><h1>{TITLE}</h1>"
        f"<p>For Recorded Declined Detainers {facts.when}</p><h2>Summary</h2><p>{SUMMARY}</p><ul>{contents}</ul>{parts}"
        f"<h2>Section IV: {escape(facts.titles[3])}</h2>{''.join(f'<p>{escape(text)}</p>' for text in SCOPE)}"
    )


def by_chromium(html: str, folder: Path) -> bytes:
    """The page as Chromium prints it; skips the test where there is none."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium here")
    page, out = folder / "page.html", folder / "page.pdf"
    page.write_text(html)
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        f"--user-data-dir={folder}/user",
    ]
    _run(chromium, *options, f"--print-to-pdf={out}", page.as_uri())
    return out.read_bytes()


def by_libreoffice(html: str, folder: Path) -> bytes:
    """The page as LibreOffice prints it; skips the test where there is none."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("no LibreOffice here")
    (folder / "page.html").write_text(html)
    options = [f"-env:UserInstallation=file://{folder}/user", "--headless", "--convert-to", "pdf:writer_web_pdf_Export"]
    _run(office, *options, "--outdir", str(folder), str(folder / "page.html"))
    return (folder / "page.pdf").read_bytes()


def _run(*command: Any) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120)
