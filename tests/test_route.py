"""Routing: which rule gets which change, and the laws that hold whatever the order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Change, Severity, Span, Subject, content_id
from watcher.route import Rule, changed_text, matches, route

AT = datetime(2017, 3, 20, 16, 0, tzinfo=UTC)
CHANGE = Change(
    id="c1",
    source="ice",
    at=AT,
    last_seen=None,
    kind="jurisdiction.listed",
    severity=Severity.MAJOR,
    subject=Subject("us-place:CA/anaheim", "Anaheim, Calif.", "CA", ("us-county:06059", "us-state:CA")),
    path=("records", "Anaheim"),
    old=None,
    new={"Jurisdiction": "Anaheim", "Policy": "Will not honor detainers"},
    summary="Listed: Anaheim, Calif.",
    snapshot="s2",
    before="s1",
)
RULE = Rule("desk", "rule")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, True),
        ({"sources": ("ice",)}, True),
        ({"sources": ("ICE",)}, False),
        ({"sources": ("i*", "x")}, True),
        ({"sources": ("ice/*",)}, False),
        ({"sources": ()}, False),
        ({"kinds": ("jurisdiction.*",)}, True),
        ({"kinds": ("record.*",)}, False),
        ({"kinds": ("jurisdiction",)}, False),
        ({"states": ("NV", "CA")}, True),
        ({"states": ("NV",)}, False),
        ({"places": ("us-place:CA/anaheim",)}, True),
        ({"places": ("us-county:06059",)}, True),
        ({"places": ("us-state:CA",)}, True),
        ({"places": ("us-state:NV",)}, False),
        ({"words": ("detainers",)}, True),
        ({"words": ("DETAINERS", "nothing")}, True),
        ({"words": ("detainer",)}, False),
        ({"words": ("honor  detainers",)}, True),
        ({"words": ("",)}, False),
        ({"severity": Severity.MAJOR}, True),
        ({"severity": Severity.URGENT}, False),
        ({"states": ("CA",), "words": ("nothing",)}, False),
    ],
)
def test_all_conditions_given_must_hold(conditions: dict[str, object], expected: bool) -> None:  # noqa: FBT001 - a table
    assert matches(replace(RULE, **conditions), CHANGE) is expected  # type: ignore[arg-type]


def test_a_glob_over_slashes() -> None:
    inside = replace(CHANGE, source="x/y")
    assert not matches(replace(RULE, sources=("x",)), inside)
    assert matches(replace(RULE, sources=("x/*",)), inside)


def test_cosmetic_changes_alert_only_where_asked_for() -> None:
    cosmetic = replace(CHANGE, severity=Severity.COSMETIC)
    assert not matches(RULE, cosmetic)
    assert matches(replace(RULE, severity=Severity.COSMETIC), cosmetic)


def test_words_look_only_at_what_changed() -> None:
    spans = (Span("=", "The county will honor "), Span("-", "all "), Span("+", "no "), Span("=", "detainers"))
    edited = replace(CHANGE, kind="jurisdiction.changed", old="all detainers", new="no detainers", spans=spans)
    assert changed_text(edited) == "all\nno"
    assert matches(replace(RULE, words=("all",)), edited)
    assert not matches(replace(RULE, words=("detainers",)), edited)


@pytest.mark.parametrize(("word", "expected"), [("straße", True), ("STRASSE", True), ("a.b", True), ("a*b", False)])
def test_words_are_folded_and_never_patterns(word: str, expected: bool) -> None:  # noqa: FBT001 - a table
    assert matches(replace(RULE, words=(word,)), replace(CHANGE, new="Straße a.b")) is expected


def test_a_word_with_signs_at_its_ends_is_found_too() -> None:
    assert matches(replace(RULE, words=("287(g)",)), replace(CHANGE, new="signed a 287(g) agreement"))


def test_numbers_are_words() -> None:
    assert matches(replace(RULE, words=("12",)), replace(CHANGE, old=12, new=0))


def test_faults_of_a_source_go_only_where_a_rule_names_them() -> None:
    fault = replace(CHANGE, id="f", kind="source.blocked")
    operator = Rule("console", "operator", kinds=("source.*",))
    (alert, changes), *others = route((CHANGE, fault), (operator,), at=AT)
    assert not others
    assert (alert.channel, changes) == ("console", (fault,))
    for kinds in (("*",), ("s*",), ("*.*",), ("?ource.*",)):
        assert not matches(replace(RULE, kinds=kinds), fault)


def test_one_channel_gets_a_change_once_and_the_first_rule_wins() -> None:
    rules = (replace(RULE, name="first"), replace(RULE, name="second"), Rule("other", "third"))
    alerts = route((CHANGE, CHANGE), rules, at=AT)
    assert [(alert.route, alert.channel, alert.changes) for alert, _ in alerts] == [
        ("first", "desk", ("c1",)),
        ("third", "other", ("c1",)),
    ]


def test_each_snapshot_has_its_own_alert() -> None:
    later = replace(CHANGE, id="c2", snapshot="s3")
    alerts = route((CHANGE, later), (RULE,), at=AT)
    assert [(alert.snapshot, alert.changes, alert.source, alert.at) for alert, _ in alerts] == [
        ("s2", ("c1",), "ice", AT),
        ("s3", ("c2",), "ice", AT),
    ]


def test_nothing_gives_nothing() -> None:
    assert route((), (RULE,), at=AT) == ()
    assert route((CHANGE,), (), at=AT) == ()


def test_the_id_names_route_channel_and_changes() -> None:
    ((alert, _),) = route((CHANGE,), (RULE,), at=AT)
    assert alert.id == content_id("rule", "desk", ("c1",))
    others = [replace(RULE, name="x"), replace(RULE, to="x")]
    assert len({alert.id} | {route((CHANGE,), (rule,), at=AT)[0][0].id for rule in others}) == 3


changes = st.lists(
    st.builds(
        lambda number, source, snapshot, kind, severity, state: replace(
            CHANGE,
            id=f"c{number}",
            source=source,
            snapshot=snapshot,
            kind=kind,
            severity=severity,
            subject=replace(CHANGE.subject, state=state),
        ),
        st.integers(0, 30),
        st.sampled_from(["ice", "doj"]),
        st.sampled_from(["s1", "s2", None]),
        st.sampled_from(["jurisdiction.listed", "record.added", "source.failing"]),
        st.sampled_from(Severity),
        st.sampled_from(["CA", "NV", None]),
    ),
    max_size=12,
    unique_by=lambda change: change.id,
)
rules = st.lists(
    st.builds(
        Rule,
        to=st.sampled_from(["desk", "phone"]),
        name=st.sampled_from(["r1", "r2", "r3"]),
        sources=st.sampled_from([("*",), ("ice",)]),
        kinds=st.sampled_from([("*",), ("record.*", "source.*")]),
        states=st.sampled_from([(), ("CA",)]),
        severity=st.sampled_from(Severity),
    ),
    max_size=4,
)


@given(changes, rules, st.randoms(use_true_random=False))
def test_the_order_of_changes_makes_no_other_alerts(
    found: list[Change], given_rules: list[Rule], random: object
) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {alert for alert, _ in route(found, given_rules, at=AT)} == {
        alert for alert, _ in route(shuffled, given_rules, at=AT)
    }


@given(changes, rules)
def test_a_channel_gets_exactly_what_some_rule_wants_each_once(found: list[Change], given_rules: list[Rule]) -> None:
    alerts = route(found, given_rules, at=AT)
    told = [(alert.channel, change.id) for alert, told in alerts for change in told]
    wanted = {(rule.to, change.id) for rule in given_rules for change in found if matches(rule, change)}
    assert sorted(told) == sorted(wanted)
    for alert, of_alert in alerts:
        assert {(change.source, change.snapshot) for change in of_alert} == {(alert.source, alert.snapshot)}
        assert [found.index(change) for change in of_alert] == sorted(found.index(change) for change in of_alert)
