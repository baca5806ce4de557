"""One line for people: what it says for each kind, and that it is always one bounded line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Subject
from watcher.summary import LONGEST, NAMED, PARTS, arrow, field_name, on_page, page_of, shorten, shown, summarise

CLARK = Subject("us-county:32003", "Clark County, Nev.", "NV")
FORM = Subject("record:DD2168", "DD2168")
PAGE = Subject("source:a", "A page")
ISSUE = Subject("report:a/2017-01-28", "Jan. 28–Feb. 3, 2017")
LONG = "word " * 60


@pytest.mark.parametrize(
    ("kind", "subject", "path", "old", "new", "expected"),
    [
        ("jurisdiction.listed", CLARK, ("records", "Clark"), None, {"a": "b"}, "Listed: Clark County, Nev."),
        ("jurisdiction.delisted", CLARK, ("records", "Clark"), {"a": "b"}, None, "Dropped: Clark County, Nev."),
        ("jurisdiction.changed", CLARK, ("sections", "I", "Clark", "issued_detainers"), 51, 0,
         "Clark County, Nev.: issued detainers 51 → 0"),
        ("jurisdiction.changed", CLARK, ("records", "Clark", "name"), "Clark", "Clark County",
         "Renamed: Clark → Clark County"),
        ("jurisdiction.reattributed", CLARK, ("records", "Franklin", "name"), "Franklin, Iowa", "Franklin, Pa.",
         "Reattributed: Franklin, Iowa → Franklin, Pa."),
        ("record.changed", FORM, ("records", "DD2168", "Edition Date"), "4/1/2010", "3/19/2010",
         "DD2168: Edition Date 4/1/2010 → 3/19/2010"),
        ("record.changed", FORM, ("records", "DD2168", "OPR"), "", None, "DD2168: OPR (empty) → (empty)"),
        ("record.changed", FORM, ("records", "DD2168", "Title"), LONG, LONG + "(controlled)",
         "DD2168: Title “(controlled)” added"),
        ("record.changed", FORM, ("records", "DD2168", "Title"), "old " + LONG, LONG, "DD2168: Title “old” removed"),
        ("record.changed", FORM, ("records", "DD2168", "Title"), LONG + "a b " + LONG, LONG + "c d " + LONG,
         "DD2168: Title a b → c d"),
        ("article.text", PAGE, ("blocks",), None, "Last week, the judge wrote.",
         "Paragraph added: “Last week, the judge wrote.”"),
        ("article.text", PAGE, ("blocks",), "Last week", None, "Paragraph removed: “Last week”"),
        ("article.headline", PAGE, ("meta", "headline"), "A", "B", "Headline changed: A → B"),
        ("article.mentions", CLARK, ("mentions",), None, "Clark", "Newly mentioned: Clark County, Nev."),
        ("article.mentions", CLARK, ("mentions",), "Clark", None, "No longer mentioned: Clark County, Nev."),
        ("page.gone", PAGE, ("state",), None, "404", "Page gone: A page (404)"),
        ("page.back", PAGE, ("state",), "404", None, "Page back: A page"),
        ("page.moved", PAGE, ("state",), "https://a", "https://b", "Page moved: https://a → https://b"),
        ("source.blocked", PAGE, ("state",), None, "HTTP 403", "Blocked: A page (HTTP 403)"),
        ("jurisdiction.delisted", CLARK, ("sections", "I", "Clark"), {"a": "b"}, None,
         "Dropped: Clark County, Nev., section I"),
        ("jurisdiction.changed", CLARK, ("sections", "I", "Clark", "name"), "Clark", "Clark County",
         "Renamed: Clark → Clark County"),
        ("report.corrected", ISSUE, ("meta", "sums"), None, None, "Report corrected: Jan. 28–Feb. 3, 2017"),
        ("report.published", ISSUE, ("meta", "sums"), None, "section I adds up to 9, the report says 8",
         "Report published: Jan. 28–Feb. 3, 2017 (section I adds up to 9, the report says 8)"),
        ("report.published", ISSUE, ("state",), "last", "title", "Report published: Jan. 28–Feb. 3, 2017"),
        ("page.text", PAGE, ("meta", "sha256"), "0" * 64, "1f2e3d4c5b6a" * 5,
         "Document changed: A page (its text is not readable; SHA-256 1f2e3d4c5b6a…)"),
        ("report.corrected", ISSUE, ("meta", "sha256"), "0" * 64, None,
         "Report corrected: Jan. 28–Feb. 3, 2017 (its text is readable now)"),
    ],
)  # fmt: skip
def test_each_kind_in_the_beats_words(
    kind: str, subject: Subject, path: tuple[str, ...], old: object, new: object, expected: str
) -> None:
    assert summarise(kind, subject, path, old, new) == expected


def test_a_row_that_came_back_says_so_even_when_cut() -> None:
    line = summarise("record.added", Subject("record:x", "x " * 100), ("records", "x"), None, {}, returned=True)
    assert line.endswith("… (was there before)")
    assert len(line) <= LONGEST


texts = st.text(max_size=400) | st.integers() | st.none() | st.booleans() | st.lists(st.text(max_size=9), max_size=3)
values = texts | st.dictionaries(st.text(max_size=9), texts, max_size=4)


@given(
    st.sampled_from([*NAMED, *PARTS, "article.mentions", "record.changed", "page.moved", "what.ever"]),
    st.text(max_size=300),
    st.lists(st.text(max_size=30), max_size=4),
    values,
    values,
    st.booleans(),
)
def test_it_is_always_one_bounded_line(
    kind: str, name: str, path: list[str], old: object, new: object, returned: bool  # noqa: FBT001 - drawn
) -> None:  # fmt: skip
    line = summarise(kind, Subject("s", name), path, old, new, returned=returned)
    assert len(line) <= LONGEST
    assert len(line.splitlines()) == 1


@given(st.text(max_size=80), st.integers(1, 60))
def test_shortened_text_is_its_own_start(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert len(short) <= limit
    assert short == text or text.startswith(short.removesuffix("…"))


@given(values)
def test_shown_is_one_line(value: object) -> None:
    assert len(shown(value).splitlines()) <= 1


def test_an_arrow_between_two_long_texts_shows_both_edits() -> None:
    told = arrow("same " * 40 + "one", "same " * 40 + "two", 60)
    assert told == "one → two"


def test_a_path_without_a_field_names_none() -> None:
    assert field_name(("records", "Clark")) == ""
    assert field_name(("sections", "I", "Clark")) == ""


@given(st.text(max_size=200), st.integers(1, 500), st.booleans())
def test_the_page_of_a_summary_is_read_back(text: str, page: int, returned: bool) -> None:  # noqa: FBT001 - drawn
    summary = on_page(shown(text), page)
    assert len(summary) <= LONGEST
    assert page_of(summary + " (was there before)" * returned) == f" (page {page})"


def test_a_summary_without_a_page_stays_as_it_is() -> None:
    assert on_page("Listed: Clark County, Nev.", 0) == "Listed: Clark County, Nev."
    assert page_of("Listed: Clark County, Nev.") == ""
