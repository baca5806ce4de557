"""Rows of the report: titles that drift, cells said once for many rows, rows parted by a page's end, sums."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from watcher.core import Record, Value
from watcher.sources.report_rows import Row, columns, has_anchor, is_header, number, read

COUNTIES = ("County", "State", "Issued Detainers")
PERSONS = ("Jail or Agency", "Citizenship", "Date Issued", "Date Declined", "Notable Criminal Activity")
POLICIES = ("Jurisdiction (AOR)", "Date Enacted", "Policy", "Criteria for Honoring Detainer")
TRAVIS = ("Travis County Jail, Texas", "Mexico", "1/27/2017", "1/30/2017", "Larceny (Charged)")
ITHACA = ("Ithaca, New York (Buffalo)", "February 2017", "Municipal Code Change", "Honors few")


def records(section: str, *rows: Sequence[str] | Row) -> list[Record]:
    return list(read(section, [row if isinstance(row, Row) else Row(row) for row in rows]).records)


def cells(section: str, *rows: Sequence[str] | Row) -> list[tuple[Value, ...]]:
    return [tuple(record.fields.values()) for record in records(section, *rows)]


@pytest.mark.parametrize(
    ("section", "titles", "names"),
    [
        ("I", ("Rank", "County", "State", "Detainers Issued"), [None, "County", "State", "Issued Detainers"]),
        ("I", ("#", "Jurisdiction", "State", "Total"), [None, "County", "State", "Issued Detainers"]),
        ("II", ("State", "Law Enforcement Agency", "Country of Citizenship", "Detainer Issued", "Detainer Declined",
                "Notable Criminal Activity"),
         ["State", "Law Enforcement Agency", "Citizenship", "Date Issued", "Date Declined",
          "Notable Criminal Activity"]),
        ("II", PERSONS, ["Law Enforcement Agency", "Citizenship", "Date Issued", "Date Declined",
                         "Notable Criminal Activity"]),
        ("III", ("Jurisdiction", "AOR", "Date\nEnacted", "Policies", "Criteria", "Remark"),
         ["Jurisdiction", "AOR", "Date Enacted", "Policy", "Criteria for Honoring Detainer", "Remark"]),
    ],
)  # fmt: skip
def test_columns_go_by_one_name(section: str, titles: Sequence[str], names: list[str | None]) -> None:
    assert columns(section, titles) == names
    assert is_header(section, titles)


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("I", ("Clark", "Nevada", "51")),
        ("II", TRAVIS),
        ("III", ITHACA),
        ("III", ("", "", "Policy on Cooperation", "and honors detainers")),
        ("III", ("", "", "", "")),
        ("I", ("One sentence on county and state",)),
    ],
)
def test_rows_are_no_header(section: str, row: Sequence[str]) -> None:
    assert not is_header(section, row)


def test_a_row_has_its_figure_or_date_once() -> None:
    assert has_anchor("I", COUNTIES, ("Clark", "Nevada", "51"))
    assert not has_anchor("I", COUNTIES, ("Clark", "Nevada 1", ""))
    assert not has_anchor("III", POLICIES, ("", "", "Order 12", ""))


def test_titles_worded_anew_give_the_same_records() -> None:
    drifted = ("No.", "Jurisdiction", "State", "Total Detainers")
    assert records("I", COUNTIES, ("Clark", "Nevada", "51")) == records("I", drifted, ("1", "Clark", "Nevada", "51"))


def test_a_place_said_once_for_many_rows() -> None:
    blank = ("", *TRAVIS[1:])
    for rows in ([TRAVIS, blank, blank], [("Travis County Jail, Texas",) * 5, blank, blank, blank]):
        found = records("II", PERSONS, *rows)
        assert [record.key for record in found] == [f"us-agency:TX/travis-county-jail{n}" for n in ("", "#2", "#3")]
        assert {tuple(record.fields.values()) for record in found} == {TRAVIS}
    assert cells("II", PERSONS, (TRAVIS[0], "", "", "", ""), blank) == [TRAVIS]


def test_a_place_in_columns_of_its_own() -> None:
    header = ("State", "County", *PERSONS[1:])
    (found,) = records("II", header, ("Texas", "Travis", *TRAVIS[1:]))
    assert found.subject is not None
    assert found.subject.id == "us-county:48453"


def test_a_row_parted_by_the_end_of_a_page() -> None:
    first = ("Ithaca, New York", "February 2017", "Municipal Code", "Honors few detainers with-")
    for rest in (("", "", "", "out a warrant"), ("(Buffalo)", "", "Change", "out a warrant")):
        found = cells("III", Row(POLICIES, 1), Row(first, 1), Row(POLICIES, 2), Row(rest, 2), Row(ITHACA, 2))
        assert len(found) == 2
        assert found[0][-1] == "Honors few detainers with-out a warrant"
    halves = Row(("Ithaca,", "February", "Municipal", "Honors"), 1), Row(("New York", "2017", "Code", "few"), 2)
    assert cells("III", POLICIES, *halves) == [
        ("Ithaca, New York", "", "February 2017", "Municipal Code", "Honors few")
    ]


def test_a_date_that_is_no_date_leaves_its_row() -> None:
    found = cells("III", Row(POLICIES, 1), Row((ITHACA[0], "N/A", *ITHACA[2:]), 1), Row(ITHACA, 2))
    assert [row[2] for row in found] == ["N/A", "February 2017"]


def test_a_row_of_one_cell_in_the_other_sections_is_a_row() -> None:
    assert cells("I", COUNTIES, ("Clark", "", "")) == [("Clark", "", "")]


def test_a_row_that_is_known_to_be_parted() -> None:
    rest = Row(("(Buffalo)", "or March 2017", "", ""), 2, parted=True)
    assert cells("III", POLICIES, Row(("Ithaca, New York", "Feb. 2017", "A", "B"), 1), rest) == [
        ("Ithaca, New York", "Buffalo", "Feb. 2017 or March 2017", "A", "B")
    ]


def test_a_figure_that_was_taken_out_leaves_its_row() -> None:
    found = cells("I", COUNTIES, Row(("Clark", "Nevada", "51"), 1), Row(("Franklin", "Iowa", ""), 2))
    assert found == [("Clark", "Nevada", 51), ("Franklin", "Iowa", "")]


def test_rows_that_add_up_are_no_county() -> None:
    table = read("I", map(Row, (COUNTIES, ("Clark", "Nevada", "1,051"), ("Total", "", "1,051"))))
    assert [record.fields["Issued Detainers"] for record in table.records] == [1051]
    assert table.total == 1051


def test_a_section_without_a_header_has_no_rows() -> None:
    assert records("III", ITHACA) == []


def test_places_that_nobody_knows_are_kept() -> None:
    (one, other) = records("III", POLICIES, ("Somewhere", *ITHACA[1:]), ("Somewhere", *ITHACA[1:]))
    assert (one.key, other.key) == ("place:somewhere", "place:somewhere#2")


@pytest.mark.parametrize(
    ("text", "value"), [("51", 51), ("1,013", 1013), ("", ""), (",", ","), ("51*", "51*"), ("n/a", "n/a")]
)
def test_figures(text: str, value: Value) -> None:
    assert number(text) == value
