"""The declined detainer report: sections, rows and sums, from PDFs and from a page."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

import pytest

from watcher.core import Capture, Document, NothingThere, Severity
from watcher.demo import pages
from watcher.diff import diff
from watcher.sources.detainer_report import DetainerReport, ReportOptions

AT = datetime(2017, 3, 20, tzinfo=UTC)
FIRST, SECOND, THIRD = pages.issues()


def read(body: bytes, name: str = "ddor/one", content_type: str = "application/pdf") -> Document:
    capture = Capture(name, "detainer-report", "s1", AT, "https://www.ice.gov/x", 200, content_type, body)
    return DetainerReport(ReportOptions()).extract(capture, {})


def rows(document: Document, section: str) -> list[tuple[str, ...]]:
    return [tuple(map(str, one.fields.values())) for one in document.records.values() if one.section == section]


def test_the_sections_of_a_pdf_are_read_exactly() -> None:
    found = read(pages.report(FIRST))
    assert rows(found, "I") == [
        (row["county"], row["state"], row["detainers_issued"]) for row in pages.facts("section1")
    ]
    assert rows(found, "II") == [tuple(row[name] for name in pages.SECTION_II_FACTS) for row in pages.facts("section2")]
    assert [row[0] for row in rows(found, "III")] == [
        "Ithaca, New York", "Travis County, Texas", "Iowa City, Johnson County, Iowa", "Boulder County, Colorado",
    ]  # fmt: skip
    assert [row[1] for row in rows(found, "III")] == ["Buffalo", "San Antonio", "Saint Paul", "Denver"]


def test_its_facts_are_read() -> None:
    meta = read(pages.report(FIRST)).meta
    assert (meta["period_start"], meta["period_end"], meta["detainers_issued"]) == ("2017-01-28", "2017-02-03", 3083)
    assert "sums" not in meta


def test_sums_that_do_not_agree_are_said() -> None:
    assert read(pages.report(FIRST, corrected=True)).meta["sums"] == "section I adds up to 126, the report says 157"


def test_franklin_counties_stay_three() -> None:
    found = read(pages.report(FIRST))
    ids = [one.subject.id for one in found.records.values() if one.subject and "Franklin" in one.subject.name]
    assert ids == ["us-county:36033", "us-county:19069", "us-county:42055"]


def test_equal_persons_are_a_multiset() -> None:
    keys = [one.key for one in read(pages.report(FIRST)).records.values() if one.section == "II"]
    assert len(set(keys)) == 7
    assert sum(key.endswith("#2") for key in keys) == 1


def test_a_correction_names_exactly_the_eight_counties() -> None:
    found = diff(read(pages.report(FIRST)), read(pages.report(FIRST, corrected=True)))
    assert found[0].kind == "report.corrected"
    assert found[0].subject.name == "Jan. 28–Feb. 3, 2017"
    wrong = {(row["county"], row["state"]) for row in pages.facts("corrections")}
    names = {
        change.subject.name.removesuffix(" Jail").split(" County")[0] for change in found[1:] if change.subject.is_place
    }
    assert names == {county for county, _ in wrong}
    assert [change.subject.id for change in found if change.path[:2] == ("sections", "I")] == [
        "us-county:19137", "us-county:36033", "us-county:19069", "us-county:42055",
    ]  # fmt: skip
    assert sum(change.kind == "jurisdiction.delisted" for change in found) == 4


def test_the_next_issue_is_compared_without_noise() -> None:
    found = diff(read(pages.report(FIRST)), read(pages.report(SECOND, without={"Nassau"}), "ddor/two"), issues=True)
    assert [(change.kind, change.subject.name) for change in found if change.severity >= Severity.MAJOR] == [
        ("report.published", "Feb. 4–10, 2017"), ("jurisdiction.delisted", "Nassau County, N.Y."),
    ]  # fmt: skip
    assert [change.kind for change in found[2:]] == ["page.text"]


def page(title: str, rows: list[tuple[str, ...]]) -> bytes:
    cells = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"""<title>Report</title><h1>Feb 4 Feb 10, 2017</h1><h2>{title}</h2><p>119 of them to these.</p>
    <table><tr><th>County</th><th>State</th><th>Issued Detainers</th></tr>{cells}</table>
    <h2>SECTION IV - Scope</h2><p>Prose.</p>""".encode()


@pytest.mark.parametrize(
    "title", ["Section I: Highest Volume", "SECTION 1 – Highest", "Section I. Highest", "Section I"]
)
def test_a_page_is_read_too_whatever_its_titles(title: str) -> None:
    found = read(page(title, [("Clark", "Nevada", "51"), ("Cook", "Illinois", "1,013")]), content_type="text/html")
    assert rows(found, "I") == [("Clark", "Nevada", "51"), ("Cook", "Illinois", "1013")]
    assert found.meta["period_end"] == "2017-02-10"
    assert found.meta["sums"] == "section I adds up to 1,064, the report says 119"


def test_what_has_no_sections_is_no_report() -> None:
    with pytest.raises(NothingThere, match='expected a report with "Section I"'):
        read(b"<h1>Report</h1><p>Section I was moved.</p>", content_type="text/html")


def test_equal_readings_have_equal_fingerprints() -> None:
    def fingerprint(body: bytes, content_type: str = "application/pdf") -> str:
        capture = Capture("s", "detainer-report", "", AT, "https://www.ice.gov/x", 200, content_type, body)
        return DetainerReport(ReportOptions()).fingerprint(capture)

    one = pages.report(FIRST)
    assert fingerprint(one) == fingerprint(one)
    assert fingerprint(one) != fingerprint(pages.report(FIRST, corrected=True))
    html = page("Section I", [("Clark", "Nevada", "51")])
    assert fingerprint(html, "text/html") == fingerprint(html + b"<!-- 1 -->", "text/html")
    assert fingerprint(html, "text/html") != fingerprint(html.replace(b"51", b"52"), "text/html")
