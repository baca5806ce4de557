"""The index of subscriptions: it says what `route.matches` says, whatever is added, replaced and removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.core import Change, Severity, Span, Subject
from watcher.route import Filter, matches
from watcher.subscriptions.index import Index

CHANGE = Change(
    id="c0",
    source="ice",
    at=datetime(2017, 3, 20, 16, 0, tzinfo=UTC),
    last_seen=None,
    kind="jurisdiction.listed",
    severity=Severity.MAJOR,
    subject=Subject("us-place:CA/anaheim", "Anaheim, Calif.", "CA", ("us-county:06059",)),
    path=("records", "Anaheim"),
    old=None,
    new={"Jurisdiction": "Anaheim", "Policy": "Will not honor detainers"},
    summary="Listed: Anaheim, Calif.",
    snapshot="s2",
    before="s1",
)
EVERYTHING = Filter()
Subscriptions = Sequence[tuple[str, Filter]]

names = st.sampled_from(["ice", "ICE", "doj", "ice/2017", "[a]", "a", "source.blocked"])
kinds = st.sampled_from(["jurisdiction.listed", "report.late", "page.gone", "source.blocked", "source.failing", "[a]"])
globs = st.sampled_from(
    ["*", "i*", "ice/*", "[a]", "?", "jurisdiction.*", "*.gone", "source.*", "source.blocked", "so*", "report.l?te", ""]
)
places = st.sampled_from(["us-county:06059", "us-county:17031", "us-place:CA/anaheim", "us-state:CA", "place:nowhere"])
states = st.sampled_from(["CA", "IL", "NV"])
severities = st.sampled_from(Severity)
SIGNS = [
    "honor",
    "honors",
    "Straße",
    "STRASSE",
    "no",
    "not",
    "§",
    "287(g)",
    "$5",
    "_x",
    "-",
    " ",
    "\n",
    "\u0301",
    "é",
    "x",
]
PHRASES = ["not honor", "no§", "x-x", " not honor "]
texts = st.lists(st.sampled_from(SIGNS + PHRASES), max_size=8).map("".join)
spans = st.lists(st.builds(Span, st.sampled_from("=-+"), texts), max_size=3).map(tuple)


def some(terms: st.SearchStrategy[str], default: tuple[str, ...] = ()) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(default) | st.lists(terms, max_size=3).map(tuple)


filters = st.builds(
    Filter,
    sources=some(names | globs, ("*",)),
    kinds=some(kinds | globs, ("*",)),
    states=some(states),
    places=some(places),
    words=some(texts),
    severity=severities,
)
subscriptions = st.lists(st.tuples(st.sampled_from("abcdefgh"), filters), max_size=12)
subjects = st.builds(Subject, places, st.just("x"), st.none() | states, st.lists(places, max_size=2).map(tuple))
changes = st.lists(
    st.builds(
        lambda **told: replace(CHANGE, **told),
        source=names,
        kind=kinds,
        severity=severities,
        subject=subjects,
        old=st.none() | texts,
        new=st.dictionaries(st.just("Policy"), texts),
        spans=spans,
    ),
    max_size=4,
).map(lambda found: [replace(change, id=f"c{number}") for number, change in enumerate(found)])


def one_by_one(subscribed: dict[str, Filter], found: Sequence[Change]) -> dict[str, tuple[Change, ...]]:
    told = {key: tuple(change for change in found if matches(wanted, change)) for key, wanted in subscribed.items()}
    return {key: group for key, group in told.items() if group}


@settings(deadline=None)
@given(subscriptions, changes)
def test_it_says_what_each_filter_says_alone(subscribed: Subscriptions, found: list[Change]) -> None:
    assert Index(subscribed).match(found) == one_by_one(dict(subscribed), found)


@settings(deadline=None)
@given(subscriptions, subscriptions, st.sets(st.sampled_from("abcdefgh")), changes)
def test_adding_and_removing_is_building_anew(
    first: Subscriptions, then: Subscriptions, gone: set[str], found: list[Change]
) -> None:
    index = Index(first)
    for key in gone:
        index.remove(key)
    for key, wanted in then:
        index.add(key, wanted)
    left = {key: wanted for key, wanted in first if key not in gone} | dict(then)
    assert index.match(found) == one_by_one(left, found)
    assert len(index) == len(left)


@settings(deadline=None)
@given(subscriptions)
def test_what_was_removed_leaves_nothing_behind(subscribed: Subscriptions) -> None:
    index, empty = Index(subscribed), Index[str]()
    for key, _ in subscribed:
        index.remove(key)
    assert vars(index._terms) == vars(empty._terms)
    assert (index._filters, index._keys, index._posted) == (empty._filters, empty._keys, empty._posted)


def test_the_order_of_changes_is_kept() -> None:
    found = [replace(CHANGE, id=name, source=name) for name in "cab"]
    assert Index([("a", EVERYTHING)]).match(found) == {"a": tuple(found)}
    assert Index([("a", EVERYTHING)]).match(found[::-1]) == {"a": tuple(found[::-1])}


def test_a_phrase_and_a_word_with_signs() -> None:
    phrase, torn, signs = Filter(words=("Not honor",)), Filter(words=("honor not",)), Filter(words=("287(g)", "§"))
    index = Index([("phrase", phrase), ("torn", torn), ("signs", signs)])
    assert index.match([CHANGE]) == {"phrase": (CHANGE,)}
    agreement = replace(CHANGE, new="a 287(g) agreement")
    assert index.match([agreement]) == {"signs": (agreement,)}


@pytest.mark.parametrize(
    ("phrase", "text", "told"),
    [
        ("not honor", "not honor", True),
        ("not honor", "cannot honor; will not honor.", True),
        ("not honor", "cannot honor", False),
        ("not honor", "will not honors", False),
        ("honor no", "honor not", False),
        ("honor no", "honor not, honor no", True),
        ("honor no", "honor no_x", False),
        ("honor no", "do\u00a0 HONOR  no it", True),
    ],
)
def test_a_phrase_begins_and_ends_where_words_do(phrase: str, text: str, told: bool) -> None:  # noqa: FBT001 - a table
    wanted, change = Filter(words=(phrase,)), replace(CHANGE, new=text)
    assert matches(wanted, change) is told
    assert Index([("a", wanted)]).match([change]) == ({"a": (change,)} if told else {})


def test_faults_go_only_to_those_who_name_them() -> None:
    fault = replace(CHANGE, kind="source.blocked")
    index = Index([("all", EVERYTHING), ("faults", Filter(kinds=("source.*",))), ("wide", Filter(kinds=("s*",)))])
    assert index.match([fault]) == {"faults": (fault,)}
    assert index.match([CHANGE]) == {"all": (CHANGE,)}
