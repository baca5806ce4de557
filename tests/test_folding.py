"""One alert for one fact: what several pages of a host say alike."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rig import NOON, Rig, source
from watcher.core import Alert, Change, Subject
from watcher.drafts import Draft
from watcher.drafts import change as make
from watcher.folding import Told, edit_of, fold

NAMES = ("a", "b", "c", "d", "e", "f")
HOSTS = dict.fromkeys(NAMES, "www.ice.gov") | {"elsewhere": "example.org"}


def edit(name: str, old: str, new: str, kind: str = "page.text") -> Change:
    draft = Draft(kind, Subject(f"source:{name}", name), ("blocks",), old, new)
    return make(draft, name, at=NOON, last_seen=NOON, snapshot=f"{name}2", before=f"{name}1")


def told(*changes: Change) -> Told:
    ids = tuple(change.id for change in changes)
    return Told(Alert(f"alert-{changes[0].source}", "all", "desk", changes[0].source, "s", NOON, ids), changes)


def test_what_only_one_page_says_stays_as_it_is() -> None:
    assert fold([told(edit("a", "x", "y")), told(edit("b", "x", "z"))], [], HOSTS) == ((), {}, ())


def test_the_same_edit_on_two_pages_is_one_alert() -> None:
    one, other = told(edit("a", "x", "y")), told(edit("b", "x", "y"))
    folded = fold([one, other], [], HOSTS)
    (made,) = folded.made
    assert made.changes == (*one.changes, *other.changes)
    assert folded.replaced == {"alert-a": made.alert.id, "alert-b": made.alert.id}
    assert (made.alert.channel, made.alert.route, folded.new) == ("desk", "all", ())


def test_the_same_edit_on_another_host_is_another_fact() -> None:
    assert fold([told(edit("a", "x", "y")), told(edit("elsewhere", "x", "y"))], [], HOSTS).made == ()


def test_a_page_keeps_what_is_its_own() -> None:
    own = edit("a", "figure 1", "figure 2")
    folded = fold([told(edit("a", "x", "y"), own), told(edit("b", "x", "y"))], [], HOSTS)
    both, alone = folded.made
    assert alone.changes == (own,)
    assert len(both.changes) == 2
    assert folded.replaced == {"alert-a": alone.alert.id, "alert-b": both.alert.id}


def test_a_template_that_changes_is_one_redesign() -> None:
    own = edit("c", "one", "two")
    alerts = [
        told(edit(name, "menu", "new menu"), edit(name, "foot", "new foot"), *[own] * (name == "c")) for name in NAMES
    ]
    folded = fold(alerts, [], HOSTS)
    design, alone = folded.made
    assert alone.changes == (own,)
    assert [change.kind for change in folded.new] == ["page.redesigned"]
    assert design.changes[0] == folded.new[0]
    assert design.changes[0].summary == "Page redesigned: 6 pages of www.ice.gov"
    assert len(design.changes) == 13


def test_what_was_told_a_moment_ago_is_not_told_again() -> None:
    own = edit("b", "one", "two")
    folded = fold([told(edit("b", "x", "y"), own), told(edit("c", "x", "y"))], [told(edit("a", "x", "y"))], HOSTS)
    (alone,) = folded.made
    assert alone.changes == (own,)
    assert folded.replaced == {"alert-b": alone.alert.id, "alert-c": "alert-a"}


def test_reports_are_told_one_by_one() -> None:
    alerts = [told(edit(name, "", "late", "report.late")) for name in NAMES]
    assert fold(alerts, [], HOSTS).made == ()


EDITS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from("xyz"), st.sampled_from("uvw")), max_size=25)


@given(EDITS, EDITS)
def test_nothing_is_lost_and_nothing_is_told_twice(
    now: list[tuple[str, str, str]], before: list[tuple[str, str, str]]
) -> None:
    def alerts(edits: list[tuple[str, str, str]]) -> list[Told]:
        by_name = {name: dict.fromkeys(edit(*one) for one in edits if one[0] == name) for name in NAMES}
        return [told(*changes) for changes in by_name.values() if changes]

    waiting, recent = alerts(now), alerts(before)
    folded = fold(waiting, recent, HOSTS)
    sent = [one for one in waiting if one.alert.id not in folded.replaced] + list(folded.made)
    facts = {edit_of(change) for one in (*sent, *recent) for change in one.changes}
    assert {edit_of(change) for one in waiting for change in one.changes} <= facts
    for fact in facts:
        assert sum(any(edit_of(change) == fact for change in one.changes) for one in sent) <= 1
    assert set(folded.replaced.values()) <= {one.alert.id for one in (*sent, *recent)}


# ---------------------------------------------------------------- from check to message


def page(*paragraphs: str) -> str:
    return "<title>Fact sheet</title><h1>Fact sheet</h1>" + "".join(f"<p>{text}</p>" for text in paragraphs)


@pytest.fixture
def sheets(rig: Rig) -> Rig:
    rig.watch(*(source(rig.site, name, "page") for name in NAMES))
    for name in NAMES:
        rig.site.pages[f"/{name}"] = page(f"All about {name}.", "Call 555-0100.")
    rig.check_all()
    return rig


def test_one_message_lists_the_pages(sheets: Rig) -> None:
    for name in ("a", "b", "d"):
        sheets.site.pages[f"/{name}"] = page(f"All about {name}.", "Call 555-0199.")
    sheets.now += timedelta(days=1)
    sheets.check_all()
    text = sheets.told()
    assert text.count("Call 555-[-0100-] {+0199+}.") == 1
    assert "On 3 pages: a <" in text
    assert text.count("ref ") == 1
    assert sheets.counts() == {("console", "folded"): 3, ("console", "sent"): 1}
    assert len(sheets.changes()) == 3


def test_a_redesign_and_a_real_edit_are_two_messages(sheets: Rig) -> None:
    for name in NAMES:
        more = ["One county was added."] if name == "e" else []
        sheets.site.pages[f"/{name}"] = page(f"All about {name}.", "Contact us by the form.", *more)
    sheets.now += timedelta(days=1)
    sheets.check_all()
    text = sheets.told()
    assert text.count("Page redesigned: 6 pages of 127.0.0.1") == 1
    assert text.count("One county was added.") == 1
    assert text.count("ref ") == 2
    assert "form" not in text
    assert sheets.kinds().count("page.redesigned") == 1


def test_pages_that_follow_within_minutes_say_nothing_new(sheets: Rig) -> None:
    for name in ("a", "b"):
        sheets.site.pages[f"/{name}"] = page(f"All about {name}.", "Call 555-0199.")
        sheets.now += timedelta(minutes=3)
        sheets.check_all(name)
    assert sheets.told().count("{+0199+}") == 1
    assert sheets.counts() == {("console", "sent"): 1, ("console", "folded"): 1}
    sheets.site.pages["/c"] = page("All about c.", "Call 555-0199.")
    sheets.now += timedelta(minutes=30)
    sheets.check_all("c")
    assert "{+0199+}" in sheets.told()
