"""What a table of changes says."""

from __future__ import annotations

import pytest

from tests.pictures.samples import LISTED, WASHINGTON, each, made, place
from tests.pictures.test_maps import within, words
from watcher.core import Change, Subject
from watcher.pictures import change_table
from watcher.pictures.tables import TALLEST

PAGE = Subject("source:page", "A page")
COUNTY = place("King County, Wash.")


@pytest.mark.parametrize(
    ("change", "name", "happened"),
    [
        (made(LISTED, COUNTY, path=("sections", "III", "x")), COUNTY.name, "Listed, section III"),
        (
            made("jurisdiction.changed", COUNTY, path=("records", "k", "issued"), old=5, new=7),
            COUNTY.name,
            "issued: 5 → 7",
        ),
        (made("record.changed", PAGE, path=("records", "k", "name"), old="Old", new="New"), "Renamed", "Old → New"),
        (made("article.headline", PAGE, path=("headline",), old="Old", new="New"), "Headline changed", "Old → New"),
        (made("article.text", PAGE, path=("blocks",), new="New words"), "Paragraph added", "“New words”"),
        (made("article.mentions", COUNTY, path=("mentions",), new="x"), COUNTY.name, "Newly mentioned"),
        (made("article.mentions", COUNTY, path=("mentions",), old="x"), COUNTY.name, "No longer mentioned"),
    ],
)
def test_a_row_says_what_happened_to_what(change: Change, name: str, happened: str) -> None:
    assert words(change_table([change]))[-2:] == [name, happened]


def test_after_25_rows_the_rest_is_counted() -> None:
    said = words(change_table([made(LISTED, Subject(f"place:{n}", f"Place {n}")) for n in range(56)]))
    assert said[0] == "56 changes"
    assert said[-1] == "… and 31 more"
    assert "Place 24" in said
    assert "Place 25" not in said


def test_a_table_of_long_cells_stays_low_enough_to_read() -> None:
    long = [made("page.text", PAGE, old="old " * 90 + str(n), new="new " * 90) for n in range(30)]
    scene = change_table(long)
    assert scene.height < TALLEST + 300
    rows = sum(text.startswith("Text changed") for text in words(scene))
    assert words(scene)[-1] == f"… and {30 - rows} more"
    assert within(scene)


def test_a_table_that_fits_counts_nothing() -> None:
    said = words(change_table(each(LISTED, WASHINGTON)))
    assert not any("more" in text for text in said)


def test_the_description_has_the_rows() -> None:
    assert change_table(each(LISTED, WASHINGTON[:2])).description == (
        "San Juan County, Wash.: Listed; Clallam County, Wash.: Listed"
    )


def test_without_changes_there_is_no_table() -> None:
    with pytest.raises(ValueError, match="at least one"):
        change_table([])
