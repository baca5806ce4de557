"""Laws of comparing two sets of rules: every alert counts once on each side, and turning the sides round turns it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Change, Severity, Subject
from watcher.drafts import Draft, change
from watcher.replay.rules import CHANGED, GAINED, LATE, LOST, SAME, Compared, Counts, Side, Subscribed, of_read, of_same
from watcher.route import Filter, Rule

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
TURNED = {SAME: SAME, CHANGED: CHANGED, GAINED: LOST, LOST: GAINED}


@st.composite
def changes(draw: st.DrawFn) -> Change:
    key, value = draw(st.sampled_from("AB")), draw(st.integers(0, 2))
    snapshot = draw(st.integers(1, 3))
    severity = draw(st.sampled_from(Severity))
    field = draw(st.sampled_from(["Office", "Title"]))
    draft = Draft(
        "record.changed", Subject(f"record:{key}", key), ("records", key, field), "x", f"{value}", (), severity
    )
    at = NOON.replace(hour=snapshot)
    return change(draft, "list", at=at, last_seen=None, snapshot=f"{snapshot}", before=f"{snapshot - 1}")


FOUND = st.lists(changes(), max_size=12, unique_by=lambda one: one.id)
APART = st.lists(changes(), max_size=12, unique_by=lambda one: one.path)
"""No two in one place, which could be taken for one another."""
FILTERS = st.builds(
    Filter,
    kinds=st.sampled_from([("*",), ("record.*",), ("page.*",)]),
    words=st.sampled_from([(), ("1",), ("2",)]),
    severity=st.sampled_from(Severity),
)


@st.composite
def sides(draw: st.DrawFn) -> Side:
    wanted = draw(st.lists(st.tuples(st.sampled_from(["desk", "web"]), FILTERS), max_size=3))
    routed = [
        Rule(kinds=one.kinds, words=one.words, severity=one.severity, to=to, name=f"route[{number}]")
        for number, (to, one) in enumerate(wanted)
    ]
    chats = draw(st.lists(st.tuples(st.sampled_from(["ana", "ben"]), FILTERS), max_size=2))
    return Side(routed, Subscribed(((chat, str(number)), one) for number, (chat, one) in enumerate(chats)))


def told(side: Side, found: Sequence[Change]) -> Counter[str]:
    return Counter(to for recipients in side.recipients(found) for to in recipients)


def counted(compared: Sequence[Compared], *sorts: str) -> Counter[str]:
    return Counter(one.to for one in compared if one.alert in sorts)


@given(FOUND, FOUND, sides(), sides())
def test_each_alert_is_counted_once_on_each_side(was: list[Change], now: list[Change], old: Side, new: Side) -> None:
    compared = of_read(was, now, old, new)
    assert counted(compared, SAME, CHANGED, LOST) == told(old, was)
    assert counted(compared, SAME, CHANGED, GAINED) == told(new, now)


@given(FOUND, FOUND, sides(), sides())
def test_turned_round_what_is_gained_is_lost(was: list[Change], now: list[Change], old: Side, new: Side) -> None:
    there = Counter((one.to, TURNED[one.alert]) for one in of_read(was, now, old, new))
    assert there == Counter((one.to, one.alert) for one in of_read(now, was, new, old))


@given(APART, sides(), sides())
def test_what_reads_the_same_is_the_same_either_way(found: list[Change], old: Side, new: Side) -> None:
    plain = Counter((one.to, one.alert, one.change.id) for one in of_same(found, old, new))
    assert Counter((one.to, one.alert, one.change.id) for one in of_read(found, found, old, new)) == plain


@pytest.mark.parametrize(
    ("later", "sorts"),
    [
        (timedelta(hours=1), [CHANGED]),
        (LATE, [CHANGED]),
        (LATE + timedelta(seconds=1), [LOST, GAINED]),
        (timedelta(days=8 * 365), [LOST, GAINED]),
    ],
)
def test_a_fact_that_is_told_years_later_was_lost(later: timedelta, sorts: list[str]) -> None:
    draft = Draft("record.changed", Subject("record:A", "A"), ("records", "A", "Office"), "x", "y", (), Severity.MAJOR)
    was = change(draft, "list", at=NOON, last_seen=None, snapshot="1", before="0")
    now = replace(was, at=NOON + later, snapshot="2", id="later")
    side = Side((Rule(to="desk", name="route[0]"),), Subscribed())
    assert [one.alert for one in of_read([was], [now], side, side)] == sorts
    assert {one.alert for one in of_read([now], [was], side, side)} == {TURNED[sort] for sort in sorts}


@given(FOUND, sides())
def test_the_same_rules_lose_nothing(found: list[Change], side: Side) -> None:
    assert {one.alert for one in of_read(found, found, side, side)} <= {SAME}


@given(st.lists(st.tuples(changes(), st.sampled_from([SAME, CHANGED, GAINED, LOST])), max_size=40), st.integers(1, 5))
def test_counts_keep_the_gravest_examples(made: list[tuple[Change, str]], most: int) -> None:
    counts = Counts(most)
    for one, alert in made:
        counts.add(Compared("desk", "route[0]", one, alert))
    for alert in (CHANGED, GAINED, LOST):
        severities = sorted((one.severity for one, of in made if of == alert), reverse=True)
        assert [one.change.severity for one in counts.examples("desk", alert)] == severities[:most]
        assert counts.total(alert) == len(severities)
