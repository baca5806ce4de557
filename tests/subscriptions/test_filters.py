"""Filters in words, and as stored JSON."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Severity
from watcher.route import Filter
from watcher.subscriptions import describe, filter_from, filter_json, place_name
from watcher.subscriptions.filters import state_of

terms = st.lists(st.text(max_size=4), max_size=3).map(tuple)
filters = st.builds(
    Filter,
    sources=terms,
    kinds=terms,
    states=terms,
    places=terms,
    words=terms,
    severity=st.sampled_from(Severity),
)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Filter(), "everything"),
        (Filter(places=("us-county:17031",)), "Cook County, Ill."),
        (Filter(places=("us-county:17031", "us-county:32003")), "Cook County, Ill. or Clark County, Nev."),
        (Filter(states=("CA", "DC")), "California or District of Columbia"),
        (Filter(kinds=("report.*",)), "reports"),
        (Filter(kinds=("*.gone",), sources=("doj-*",)), "doj-* · *.gone"),
        (Filter(sources=("ice-287g", "ice-287g/*")), "ice-287g"),
        (Filter(sources=("ice-287g/*",)), "ice-287g/*"),
        (Filter(words=("detainer", "will not honor")), "the word “detainer” or “will not honor”"),
        (Filter(severity=Severity.URGENT), "urgent"),
        (Filter(severity=Severity.COSMETIC), "cosmetic changes too"),
        (Filter(sources=()), "nothing"),
        (
            Filter(
                places=("us-county:17031",),
                states=("IL",),
                sources=("doj",),
                kinds=("jurisdiction.delisted",),
                words=("detainer",),
                severity=Severity.MAJOR,
            ),
            "Cook County, Ill. · Illinois · doj · dropped · the word “detainer” · major",
        ),
    ],
)
def test_a_filter_in_words(wanted: Filter, words: str) -> None:
    assert describe(wanted) == words


def test_the_caller_may_name_places() -> None:
    wanted = Filter(places=("us-county:17031",), states=("IL",))
    assert describe(wanted, {"us-county:17031": "Cook", "us-state:IL": "the Prairie State"}.__getitem__) == (
        "Cook · the Prairie State"
    )


@pytest.mark.parametrize(
    ("place", "name", "state"),
    [
        ("us-county:32003", "Clark County, Nev.", "NV"),
        ("us-state:DC", "District of Columbia", "DC"),
        ("us-place:IL/chicago", "Chicago, Ill.", "IL"),
        ("us-place:IL/nowhere-grove", "Nowhere Grove, Ill.", "IL"),
        ("us-agency:CA/santa-rita-jail", "Santa Rita Jail, Calif.", "CA"),
        ("us-county:99999", "99999", None),
        ("us-place:ZZ/x", "ZZ/x", None),
        ("place:harlan cnty", "Harlan Cnty", None),
        ("", "", None),
    ],
)
def test_what_an_id_tells_of_a_place(place: str, name: str, state: str | None) -> None:
    assert (place_name(place), state_of(place)) == (name, state)


def test_only_what_asks_for_something_is_stored() -> None:
    assert filter_json(Filter()) == {}
    wanted = Filter(kinds=("page.gone",), severity=Severity.MAJOR)
    assert filter_json(wanted) == {"kinds": ["page.gone"], "severity": "major"}


@given(filters)
def test_what_is_stored_is_read_back(wanted: Filter) -> None:
    assert filter_from(json.loads(json.dumps(filter_json(wanted)))) == wanted


@pytest.mark.parametrize("stored", [{"color": ["red"]}, {"kinds": "page.gone"}, {"severity": "grave"}, {"words": [1]}])
def test_a_stored_filter_that_is_none_is_an_error(stored: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        filter_from(stored)
