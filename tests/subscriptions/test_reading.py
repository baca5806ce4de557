"""What people write after /subscribe, and what it is read as."""

from __future__ import annotations

import time
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.core import Severity
from watcher.route import Filter
from watcher.subscriptions import Choice, Choices, Refused, describe, read
from watcher.subscriptions.filters import KINDS

SOURCES = ("doj-sanctuary-list", "ice-287g", "ice-declined-detainers", "Herald")
COOK, CLARK = "us-county:17031", "us-county:32003"
FRANKLIN = {"IA": "us-county:19069", "NY": "us-county:36033", "PA": "us-county:42055"}
DROPPED = ("jurisdiction.delisted",)


def told(text: str, **given: set[str]) -> Filter | Choices | Refused:
    return read(text, sources=SOURCES, **given)


def labels(text: str, **given: set[str]) -> list[str]:
    answer = told(text, **given)
    assert isinstance(answer, Choices)
    assert all(option.label == describe(option.filter) for option in answer.options)
    return [option.label for option in answer.options]


def refusal(text: str) -> str:
    answer = told(text)
    assert isinstance(answer, Refused)
    return answer.why


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("everything", Filter()),
        ("*", Filter()),
        ("doj-sanctuary-list", Filter(sources=("doj-sanctuary-list", "doj-sanctuary-list/*"))),
        ("herald", Filter(sources=("Herald", "Herald/*"))),
        ("ice-*", Filter(sources=("ice-*",))),
        ("Cook County, IL", Filter(places=(COOK,))),
        ("  COOK COUNTY   (IL) ", Filter(places=(COOK,))),
        ("Clark County, Nev.", Filter(places=(CLARK,))),
        ("Chicago", Filter(places=("us-place:IL/chicago",))),
        ("Elgin Grove, Ill.", Filter(places=("us-place:IL/elgin-grove",))),
        ("California", Filter(states=("CA",))),
        ("CA", Filter(states=("CA",))),
        ("calif.", Filter(states=("CA",))),
        ("Texas", Filter(states=("TX",))),
        ("Washington, D.C.", Filter(states=("DC",))),
        ("jurisdiction.delisted", Filter(kinds=DROPPED)),
        ("Report.*", Filter(kinds=("report.*",))),
        ("*.gone", Filter(kinds=("*.gone",))),
        ("Dropped", Filter(kinds=DROPPED)),
        ("delisted", Filter(kinds=DROPPED)),
        ("added", Filter(kinds=("jurisdiction.listed", "record.added"))),
        ("major", Filter(severity=Severity.MAJOR)),
        ("urgent", Filter(severity=Severity.URGENT)),
        ("word:detainer", Filter(words=("detainer",))),
        ("Word: Will  Not Honor", Filter(words=("will not honor",))),
        ("word:“CA”", Filter(words=("ca",))),
        ('"will not honor"', Filter(words=("will not honor",))),
        ("“Dropped”", Filter(words=("dropped",))),
        ("word:law and order", Filter(words=("law and order",))),
    ],
)
def test_one_thing(text: str, wanted: Filter) -> None:
    assert told(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Cook County, IL + dropped + word:detainer", Filter(places=(COOK,), kinds=DROPPED, words=("detainer",))),
        ("Cook County, IL and dropped", Filter(places=(COOK,), kinds=DROPPED)),
        ("Cook County, IL\ndropped\r\n\nmajor", Filter(places=(COOK,), kinds=DROPPED, severity=Severity.MAJOR)),
        ("cosmetic + urgent", Filter(severity=Severity.COSMETIC)),
        ("Cook County, IL + Clark County, Nev.", Filter(places=(COOK, CLARK))),
        ("Clark County, Nev. and Cook County, IL", Filter(places=(COOK, CLARK))),
        ("everything + dropped", Filter(kinds=DROPPED)),
        ("King and Queen County, Va.", Filter(places=("us-county:51097",))),
        ('"law and order + x" and CA', Filter(words=("law and order + x",), states=("CA",))),
        ("word:detainer and CA", Filter(words=("detainer",), states=("CA",))),
        ("Franklin County + PA", Filter(places=(FRANKLIN["PA"],))),
        ("Cook County, IL + IL", Filter(places=(COOK,))),
    ],
)
def test_several_joined(text: str, wanted: Filter) -> None:
    assert told(text) == wanted


@pytest.mark.parametrize("parts", [*permutations(["CA", "dropped", "late", "word:detainer", "major"], 3)])
def test_the_order_of_parts_does_not_matter(parts: tuple[str, ...]) -> None:
    assert told(" + ".join(parts)) == told(" + ".join(sorted(parts)))


@pytest.mark.parametrize(("kind", "name"), KINDS.items())
def test_each_kind_is_read_by_its_name_and_in_words(kind: str, name: str) -> None:
    assert told(kind) == told(name) == Filter(kinds=(kind,))
    assert describe(Filter(kinds=(kind,))) == name


def test_a_name_of_many_counties_offers_those_seen_first() -> None:
    answer = told("Franklin County", seen={*FRANKLIN.values(), COOK})
    assert isinstance(answer, Choices)
    assert answer.options[:3] == (
        Choice("Franklin County, Iowa", Filter(places=(FRANKLIN["IA"],))),
        Choice("Franklin County, N.Y.", Filter(places=(FRANKLIN["NY"],))),
        Choice("Franklin County, Pa.", Filter(places=(FRANKLIN["PA"],))),
    )
    assert (len(answer.options), answer.more) == (8, 16)


def test_a_choice_holds_all_the_other_parts() -> None:
    answer = told("Franklin County + dropped + Iowa + Pennsylvania")
    assert isinstance(answer, Choices)
    assert [(option.filter.places, option.filter.kinds) for option in answer.options] == [
        ((FRANKLIN["IA"],), DROPPED),
        ((FRANKLIN["PA"],), DROPPED),
    ]
    assert answer.more == 0


def test_the_state_or_the_places() -> None:
    assert labels("Washington")[:3] == ["Washington", "District of Columbia", "Washington County, Ala."]
    assert labels("New York") == ["New York", "New York City, N.Y.", "New York County, N.Y."]
    assert labels("San Francisco, CA") == ["San Francisco, Calif.", "San Francisco County, Calif."]


def test_anything_else_is_asked_about_as_a_word() -> None:
    assert labels("detainer") == ["the word “detainer”"]
    assert labels("law and order") == ["the word “law and order”"]
    assert labels("Cook County, IL + dropped + detainer") == ["Cook County, Ill. · dropped · the word “detainer”"]
    assert labels("Elgin Grove IL") == ["Elgin Grove, Ill.", "the word “elgin grove il”"]


def test_a_place_that_only_pages_know() -> None:
    assert labels("Harlan Cnty") == ["the word “harlan cnty”"]
    assert told("Harlan Cnty", seen={"place:harlan cnty"}) == Filter(places=("place:harlan cnty",))


def test_a_source_called_like_a_place() -> None:
    answer = read("Chicago", sources=["chicago"])
    assert isinstance(answer, Choices)
    assert [option.label for option in answer.options] == ["chicago", "Chicago, Ill."]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Say what you want"),
        (" +\n + ", "Say what you want"),
        ("word:", "letters or digits"),
        ("word:" + "x" * 101, "at most 100"),
        ("!!!", "letters or digits"),
        ("CA + !!!", "letters or digits"),
        ("x" * 10_000, "too long"),
        ("Cook\x00 County", "cannot be seen"),
        ("Cook \u202eCounty, IL", "cannot be seen"),
        ("de\u200btainer", "cannot be seen"),
        ("\ud800", "cannot be seen"),
        ("+".join("abcdefghijk"), "11 conditions"),
        (" and ".join("abcdefghijk"), "11 conditions"),
        ("zzz-*", "No source has a name like “zzz-*”"),
        ("*" + "a*" * 100, "…”"),
        ("report.foo", "There are: report.*, report.published"),
        ("source.blocked", "operator"),
        ("source.*", "operator"),
        ("Cook County, IL + CA", "Cook County, Ill. · California"),
        ("Franklin County + Clark County", "“Franklin County”, “Clark County”"),
    ],
)
def test_refusals_say_what_to_do(text: str, why: str) -> None:
    assert why in refusal(text)
    assert len(refusal(text)) < 300


@settings(deadline=None)
@given(
    st.text(max_size=600)
    | st.lists(st.sampled_from(["and", "+", "\n", "word:", '"', "“", "CA", "*", ","])).map(" ".join)
)
def test_no_text_is_an_error(text: str) -> None:
    answer = told(text)
    if isinstance(answer, Choices):
        assert 1 <= len(answer.options) <= 8


@pytest.mark.parametrize(
    "text", ['"' * 500, "(" * 500, "a, " * 166, "*a" * 250, " and" * 125, "a and " * 10, "a " * 250]
)
def test_hostile_text_is_read_quickly(text: str) -> None:
    began = time.process_time()
    told(text)
    assert time.process_time() - began < 1
