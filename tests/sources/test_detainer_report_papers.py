"""The same report as several tools print it: all are read exactly, within the limits of a child."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests import pdfs, reports
from tests.reports import Facts, Row
from watcher import plugins
from watcher.child import Start
from watcher.core import Capture, Document, Pair, Source
from watcher.diff import diff
from watcher.pool import Pool
from watcher.sources.detainer_report import DetainerReport, ReportOptions

AT = datetime(2017, 3, 20, tzinfo=UTC)
URL = "https://www.ice.gov/doclib/ddor/ddor2017_01-28to02-03.pdf"
SMALL, WHOLE = reports.issue(persons=60, policies=24), reports.issue()

PAPERS: dict[str, Callable[[Path, Facts], bytes]] = {
    "reportlab": lambda _, facts: reports.report_pdf(facts),
    "reportlab, landscape": lambda _, facts: reports.report_pdf(facts, wide=True),
    "reportlab, header once": lambda _, facts: reports.report_pdf(facts, repeated=False),
    "reportlab, without rules": lambda _, facts: reports.report_pdf(facts, ruled=False),
    "chromium": lambda folder, facts: reports.by_chromium(reports.report_html(facts), folder),
    "chromium, without rules": lambda folder, facts: reports.by_chromium(
        reports.report_html(facts, ruled=False), folder
    ),
    "libreoffice": lambda folder, facts: reports.by_libreoffice(reports.report_html(facts), folder),
}


def capture(body: bytes, snapshot: str = "s1", content_type: str = "application/pdf", url: str = URL) -> Capture:
    return Capture("ddor/one", "detainer-report", snapshot, AT, url, 200, content_type, body)


def read(body: bytes, content_type: str = "application/pdf") -> Document:
    return DetainerReport(ReportOptions()).extract(capture(body, content_type=content_type), {})


def rows(document: Document, section: str) -> list[Row]:
    return [tuple(map(str, one.fields.values())) for one in document.records.values() if one.section == section]


def flat(wanted: Sequence[Row]) -> list[Row]:
    """Policies as they are read: the field office apart, and no line ends in a cell."""
    apart = ((place.partition(" (")[0], place.partition(" (")[2].rstrip(")"), *more) for place, *more in wanted)
    return [tuple(" ".join(cell.split()) for cell in row) for row in apart]


@pytest.mark.parametrize("name", PAPERS)
def test_a_paper_is_read_exactly(name: str, tmp_path: Path) -> None:
    found = read(PAPERS[name](tmp_path, SMALL))
    assert rows(found, "I") == SMALL.counties
    assert rows(found, "II") == SMALL.persons
    assert rows(found, "III") == flat(SMALL.policies)
    assert (found.meta["period_start"], found.meta["period_end"]) == ("2017-01-28", "2017-02-03")
    assert (found.meta["detainers_issued"], found.meta["detainers_declined"]) == (3083, 60)
    assert "sums" not in found.meta
    sections = [block.text for block in found.blocks if block.text.startswith("Section")]
    assert sections[0].endswith("between January 28, 2017, and February 3, 2017")
    assert len(sections) == 4 + any(block.text.startswith("Section II names") for block in found.blocks)


def test_a_page_is_read_exactly() -> None:
    found = read(reports.report_html(WHOLE).encode(), "text/html")
    assert rows(found, "I") == WHOLE.counties
    assert rows(found, "II") == WHOLE.persons
    assert rows(found, "III") == flat(WHOLE.policies)


def test_boxed_words_outside_the_sections_with_tables_are_prose() -> None:
    html = reports.report_html(SMALL).replace("<h2>Summary</h2>", "<table><tr><td>Contact<td>the office</table>")
    assert "Contact | the office" in [block.text for block in read(html.encode(), "text/html").blocks]


def test_papers_of_two_tools_say_the_same(tmp_path: Path) -> None:
    printed = read(PAPERS["chromium"](tmp_path, SMALL))
    changes = diff(read(PAPERS["reportlab"](tmp_path, SMALL)), printed)
    assert [change for change in changes if change.kind.startswith(("jurisdiction.", "record."))] == []


def test_the_whole_report_is_compared_within_the_limits_of_a_child() -> None:
    before, after = reports.report_pdf(WHOLE), reports.report_pdf(WHOLE._replace(persons=WHOLE.persons[:-1]))

    async def story() -> list[str]:
        source = Source("ddor/one", "detainer-report", URL)
        start = Start([entry for entry in sys.path if entry], plugins.found())
        async with Pool(size=1, start=start) as pool:
            reading = await pool.compare(Pair(source, capture(after, "s2"), capture(before)))
        return [f"{change.kind}: {change.summary}" for change in reading.changes]

    assert asyncio.run(asyncio.wait_for(story(), 120)) == [
        "report.corrected: Report corrected: Jan. 28–Feb. 3, 2017 (section II has 205 rows, the report says 206)",
        "jurisdiction.delisted: Dropped: Santa Rita Jail, Calif., section II (page 12)",
    ]


@pytest.mark.parametrize(
    ("prose", "said"),
    [
        ("In the week 3,083 detainers were issued, 157 of them to these ten.", ""),
        ("In the week 3,083 detainers were issued, 150 of them to these ten.", "says 150"),
        (
            "ICE issued 3,083 detainers to the states. Of these, 150 were issued to the following 10 counties.",
            "says 150",
        ),
        ("Of all 3,083 detainers between Jan. 28, 2017 and 2/3/2017, 157 are listed below, within 48 hours.", ""),
        ("The 3,083 detainers of the week went to all states; the 10 counties below got 149.", "says 149"),
        ("The 3,083 detainers of the week went to all states, 5% of them to counties.", ""),
        ("The counties with most detainers.", ""),
    ],
)
def test_the_sum_that_prose_states(prose: str, said: str) -> None:
    facts = SMALL._replace(prose=(prose, SMALL.prose[1]))
    sums = str(read(reports.report_html(facts).encode(), "text/html").meta.get("sums", ""))
    assert sums == (f"section I adds up to 157, the report {said}" if said else "")


@pytest.mark.parametrize(
    "prose",
    [
        "In these seven days 61 declined detainers were recorded.",
        "In these days 61 detainers issued before were declined.",
        "Jurisdictions declined 61 detainers.",
    ],
)
def test_persons_that_are_not_as_many_as_the_prose_says(prose: str) -> None:
    meta = read(reports.report_html(SMALL._replace(prose=(SMALL.prose[0], prose))).encode(), "text/html").meta
    assert (meta["detainers_issued"], meta["detainers_declined"]) == (3083, 61)
    assert meta["sums"] == "section II has 60 rows, the report says 61"


def test_a_scan_says_its_period_by_its_name_alone() -> None:
    found = read(pdfs.scan("Section I", "Clark County"))
    assert (found.meta["readable"], found.meta["period_start"]) == (False, "2017-01-28")
    assert (found.records, found.blocks) == ({}, ())
