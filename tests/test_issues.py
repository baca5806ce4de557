"""Revisions of one issue, and one issue against the next: what is told of each section, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import pdfs, reports
from tests.reports import Facts
from watcher.core import Capture, Change, Document, Severity
from watcher.diff import diff
from watcher.sections import issue
from watcher.sources.detainer_report import DetainerReport, ReportOptions
from watcher.sources.page import Page, PageOptions

AT = datetime(2017, 3, 20, tzinfo=UTC)
ISSUE = "report:ddor/2017-01-28"
TRAVIS, CLARK = "us-agency:TX/travis-county-jail", "us-county:32003"
PERSON = ("Travis County Jail, Texas", "Mexico", "1/27/2017", "1/30/2017", "Larceny (Charged)")
OTHER = ("Bastrop County Jail, Texas", "Mexico", "1/29/2017", "2/1/2017", "Larceny (Charged)")
POLICY = (
    "Travis County, Texas (San Antonio)",
    "January 2017",
    "Policy on Cooperation",
    "Honors requests with a court order",
)
COUNTIES = [("Clark", "Nevada", "51"), ("Nassau", "New York", "38"), ("Franklin", "New York", "9"),
            ("Franklin", "Iowa", "5"), ("Franklin", "Pennsylvania", "5")]  # fmt: skip
FACTS = Facts(
    reports.FIRST.titles, ("In the week 3,083 detainers were issued, 108 of them to these counties.", ""),
    COUNTIES, [PERSON, PERSON, OTHER], [POLICY],
)  # fmt: skip
ONE, TWO, THREE, FOUR = (
    title.replace("January 28", "February 4").replace("February 3", "February 10") for title in FACTS.titles
)
NEXT = FACTS._replace(titles=(ONE, TWO, THREE, FOUR), when="Feb 4 Feb 10, 2017")


def between(before: Document, after: Document) -> tuple[Change, ...]:
    return diff(before, after, issues=True)


def read(facts: Facts, name: str = "ddor/one", body: bytes = b"") -> Document:
    html = reports.report_html(facts).replace(reports.SUMMARY, "What it is about.")
    at = AT + timedelta(hours=name != "ddor/one")
    capture = Capture(
        name, "detainer-report", name, at, "https://www.ice.gov/x", 200, "text/html", body or html.encode()
    )
    return DetainerReport(ReportOptions()).extract(capture, {})


def revised(before: Facts = FACTS, **changed: Any) -> list[Change]:
    """What a revision changed beside that it is one."""
    found = diff(read(before), read(before._replace(**changed)))
    assert [(change.kind, change.subject.id) for change in found[:1]] == [("report.corrected", ISSUE)]
    return list(found[1:])


def told(changes: Sequence[Change]) -> list[tuple[Any, ...]]:
    return [(change.kind, change.subject.id, change.path, change.old, change.new) for change in changes]


# ---------------------------------------------------------------- revisions of one issue


def test_nothing_differs() -> None:
    assert diff(read(FACTS), read(FACTS)) == ()


def test_a_count_that_moved() -> None:
    (change,) = revised(counties=[("Clark", "Nevada", "47"), *COUNTIES[1:]])
    assert told([change]) == [("jurisdiction.changed", CLARK, ("sections", "I", CLARK, "Issued Detainers"), 51, 47)]
    assert change.summary == "Clark County, Nev.: Issued Detainers 51 → 47"


def test_a_county_dropped_and_one_listed() -> None:
    found = revised(counties=[*COUNTIES[1:], ("Cook", "Illinois", "13")])
    assert told(found) == [
        ("jurisdiction.listed", "us-county:17031", ("sections", "I", "us-county:17031"), None,
         {"County": "Cook", "State": "Illinois", "Issued Detainers": 13}),
        ("jurisdiction.delisted", CLARK, ("sections", "I", CLARK),
         {"County": "Clark", "State": "Nevada", "Issued Detainers": 51}, None),
    ]  # fmt: skip
    assert found[1].summary == "Dropped: Clark County, Nev., section I"


def test_a_row_that_is_another_place_of_its_name_leaves_its_namesakes_alone() -> None:
    (change,) = revised(counties=[*COUNTIES[:3], ("Franklin", "Ohio", "5"), COUNTIES[4]])
    assert (change.kind, change.subject.id) == ("jurisdiction.reattributed", "us-county:39049")
    assert change.path == ("sections", "I", "us-county:19069", "name")
    assert (change.old, change.new) == ("Franklin County, Iowa", "Franklin County, Ohio")


def test_a_row_given_to_a_place_that_is_listed_already() -> None:
    for row in (3, 2):
        rows = [one for one in COUNTIES if one != COUNTIES[3]]
        rows.insert(row, ("Franklin", "New York", "5"))
        (change,) = revised(counties=rows)
        assert (change.kind, change.old, change.new) == (
            "jurisdiction.reattributed", "Franklin County, Iowa", "Franklin County, N.Y.",
        )  # fmt: skip


def test_three_of_a_name_may_all_be_others() -> None:
    moved = [("Franklin", "Vermont", "9"), ("Franklin", "Ohio", "5"), ("Franklin", "Maine", "5")]
    found = revised(counties=[*COUNTIES[:2], *moved])
    assert {change.kind for change in found} == {"jurisdiction.reattributed"}
    assert [(change.old.rpartition(" ")[2], change.new.rpartition(" ")[2]) for change in found] == [
        ("N.Y.", "Vt."), ("Iowa", "Ohio"), ("Pa.", "Maine"),
    ]  # fmt: skip


def test_one_more_equal_person_is_one_row() -> None:
    (change,) = revised(persons=[PERSON, PERSON, PERSON, OTHER])
    assert (change.kind, change.path) == ("jurisdiction.listed", ("sections", "II", f"{TRAVIS}#3"))


def test_a_date_of_a_person_among_equals() -> None:
    (change,) = revised(persons=[PERSON, (*PERSON[:3], "1/31/2017", PERSON[4]), OTHER])
    assert told([change]) == [
        ("jurisdiction.changed", TRAVIS, ("sections", "II", f"{TRAVIS}#2", "Date Declined"), "1/30/2017", "1/31/2017")
    ]


def test_a_person_who_goes_and_another_who_comes_are_two() -> None:
    found = revised(
        persons=[PERSON, ("Travis County Jail, Texas", "Cuba", "1/1/2017", "2/3/2017", "Fraud (Charged)"), OTHER]
    )
    assert sorted(change.kind for change in found) == ["jurisdiction.delisted", "jurisdiction.listed"]


def test_reworded_criteria_by_words() -> None:
    (change,) = revised(policies=[(*POLICY[:3], "Honors requests with a warrant")])
    assert change.path == ("sections", "III", "us-county:48453", "Criteria for Honoring Detainer")
    assert [(span.op, span.text) for span in change.spans if span.op != "="] == [("-", "court order"), ("+", "warrant")]


def test_titles_worded_anew_are_one_fact_and_change_no_row() -> None:
    titles = (FACTS.titles[0], FACTS.titles[1], FACTS.titles[2].replace("Limit", "Restrict"), "Scope and Data")
    (change,) = revised(titles=titles)
    assert (change.kind, change.path, change.severity) == ("page.text", ("meta", "titles"), Severity.MINOR)
    assert (change.old.count(" | "), change.new.count(" | ")) == (1, 1)


def test_prose_that_no_longer_agrees_with_the_rows_is_said() -> None:
    before, after = read(FACTS), read(FACTS._replace(prose=(FACTS.prose[0].replace("108", "150"), "")))
    corrected, text = diff(before, after)
    assert corrected.summary == (
        "Report corrected: Jan. 28–Feb. 3, 2017 (section I adds up to 108, the report says 150)"
    )
    assert (text.kind, [span.text for span in text.spans if span.op != "="]) == ("page.text", ["108", "150"])


def test_another_spelling_of_a_place_is_cosmetic() -> None:
    (change,) = diff(read(FACTS), read(FACTS._replace(policies=[("Travis County, TX (San Antonio)", *POLICY[1:])])))
    assert (change.kind, change.severity) == ("jurisdiction.changed", Severity.COSMETIC)


# ---------------------------------------------------------------- issue to issue


def test_a_county_that_is_not_in_the_next_issue_is_dropped_once() -> None:
    changes = between(read(FACTS), read(NEXT._replace(counties=[COUNTIES[0], *COUNTIES[2:]]), "ddor/two"))
    assert [(change.kind, change.subject.name) for change in changes] == [
        ("report.published", "Feb. 4–10, 2017"), ("jurisdiction.delisted", "Nassau County, N.Y."),
    ]  # fmt: skip
    assert changes[1].path == ("sections", "I", "us-county:36059")
    assert {(change.snapshot, change.before, change.source) for change in changes} == {
        ("ddor/two", "ddor/one", "ddor/two")
    }


def test_a_source_that_shows_the_next_issue_in_place_of_the_last_tells_the_same() -> None:
    after = read(NEXT._replace(counties=COUNTIES[1:]), "ddor/two")
    assert diff(read(FACTS), after) == between(read(FACTS), after)


def test_the_summary_of_a_new_issue_says_where_its_sums_do_not_agree() -> None:
    (published, *_) = between(read(FACTS), read(NEXT._replace(counties=COUNTIES[1:]), "ddor/two"))
    assert published.summary == "Report published: Feb. 4–10, 2017 (section I adds up to 57, the report says 108)"


def test_persons_are_compared_by_place_and_count() -> None:
    persons = [
        (*PERSON[:2], "2/1/2017", "2/6/2017", "Fraud (Charged)"),
        ("Chester County Prison, Pennsylvania", *PERSON[1:]),
    ]
    found = between(read(FACTS), read(NEXT._replace(persons=persons), "ddor/two"))[1:]
    path, one = ("sections", "II"), {"Declined Detainers": 1}
    chester, bastrop = "us-agency:PA/chester-county-prison", "us-agency:TX/bastrop-county-jail"
    assert told(found) == [
        ("jurisdiction.changed", TRAVIS, (*path, TRAVIS, "Declined Detainers"), 2, 1),
        ("jurisdiction.listed", chester, (*path, chester), None, one),
        ("jurisdiction.delisted", bastrop, (*path, bastrop), one, None),
    ]  # fmt: skip


def test_namesakes_of_two_issues_are_two_places() -> None:
    found = between(read(FACTS), read(NEXT._replace(counties=[*COUNTIES[:4], ("Franklin", "Ohio", "5")]), "ddor/two"))
    assert [change.kind for change in found[1:]] == ["jurisdiction.listed", "jurisdiction.delisted"]


def test_a_title_that_differs_by_more_than_its_days_is_told_alone() -> None:
    titles = (*NEXT.titles[:2], NEXT.titles[2].replace("Limit", "Restrict"), NEXT.titles[3])
    (_, change) = between(read(FACTS), read(NEXT._replace(titles=titles), "ddor/two"))
    assert change.old == f"Section III: {FACTS.titles[2]}"
    assert [span.text for span in change.spans if span.op != "="] == ["Limit", "Restrict"]


def test_a_scan_in_place_of_a_report_is_one_change_without_rows() -> None:
    (change,) = diff(read(FACTS), read(FACTS, body=pdfs.scan("Section I")))
    assert (change.kind, change.path[-1], change.old) == ("report.corrected", "sha256", None)
    (back,) = diff(read(FACTS, body=pdfs.scan("Section I")), read(FACTS))
    assert (back.kind, back.subject.id, back.new) == ("report.corrected", ISSUE, None)


def test_documents_that_are_no_reports_are_compared_whole() -> None:
    pages = [
        Page(PageOptions()).extract(Capture("p", "page", "1", AT, "https://a.example", body=f"<p>{text}".encode()), {})
        for text in ("One thing.", "Another thing.")
    ]
    assert between(*pages) == diff(*pages) != ()


def test_an_issue_without_a_period_is_its_source() -> None:
    found = read(FACTS._replace(titles=("One", "Two", "Three", "Four"), when="", prose=("", "")))
    assert issue(found).id == "source:ddor/one"
