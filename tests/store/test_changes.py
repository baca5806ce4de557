"""Changes: stored once, told by time, filtered alike by both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.store.made import NOON, changed
from watcher.core import Change, Severity, Subject
from watcher.store import Store, changes

MINUTE = timedelta(minutes=1)


def told(store: Store, **filters: Any) -> list[str]:
    return [one.id for one in store.read_sync(changes.history, **filters)]


def fill(store: Store, *found: Change) -> list[str]:
    store.run_sync(changes.put_changes, found)
    return [one.id for one in found]


def test_a_change_is_read_as_it_was_written(store: Store) -> None:
    plain = changed(1)
    other = changed(
        2,
        last_seen=None,
        severity=Severity.COSMETIC,
        subject=Subject("record:a", "a"),
        path=(),
        old="a\0b € \U0001f600",
        new=2.5,
        snapshot=None,
        before=None,
        spans=(),
        returned=True,
    )
    fill(store, plain, other)
    assert list(store.read_sync(changes.history)) == [plain, other]
    assert store.read_sync(changes.change, other.id) == other
    assert isinstance(store.read_sync(changes.history).__next__().severity, Severity)
    assert store.read_sync(changes.change, "unknown") is None


def test_text_that_a_database_cannot_hold(store: Store) -> None:
    fill(store, changed(1, summary="a\0b", subject=Subject("record:a\0", "\ud800")))
    (one,) = store.read_sync(changes.history)
    assert (one.summary, one.subject.id, one.subject.name) == ("a\ufffdb", "record:a\ufffd", "?")


def test_stored_twice_is_stored_once(store: Store) -> None:
    one, two, three = changed(1), changed(2), changed(3)
    assert store.run_sync(changes.put_changes, []) == 0
    assert store.run_sync(changes.put_changes, [one, two]) == 2
    assert store.run_sync(changes.put_changes, [two, three, replace(one, summary="rewritten")]) == 1
    assert store.run_sync(changes.put_changes, [two]) == 0
    assert list(store.read_sync(changes.history)) == [one, two, three]


def test_history_goes_by_time_and_then_by_the_order_of_storing(store: Store) -> None:
    """A back-fill comes late, and its changes stand where they belong."""
    live = fill(store, changed(5, at=NOON + 5 * MINUTE), changed(6, at=NOON + 5 * MINUTE))
    old = fill(store, changed(9, at=NOON), changed(1, at=NOON), changed(3, at=NOON + 5 * MINUTE))
    assert told(store) == [*old[:2], *live, old[2]]
    assert told(store, since=NOON + MINUTE) == [*live, old[2]]
    assert told(store, until=NOON) == old[:2]
    assert told(store, since=NOON, until=NOON + MINUTE) == old[:2]


def test_a_source_includes_its_children(store: Store) -> None:
    names = ["x", "x/2025-10", "x/a/b", "x0", "x.", "X", "xy", "x%", "y"]
    ids = dict(zip(names, fill(store, *(changed(n, source=name) for n, name in enumerate(names))), strict=True))
    assert told(store, sources=["x"]) == [ids[name] for name in names[:3]]
    assert told(store, sources=["x/a", "y", "x%"]) == [ids["x/a/b"], ids["x%"], ids["y"]]
    assert told(store, sources=[]) == []


@pytest.mark.parametrize(
    ("globs", "wanted"),
    [
        (["jurisdiction.*"], {"jurisdiction.listed", "jurisdiction.delisted"}),
        (["Jurisdiction.*"], {"jurisdiction.listed", "jurisdiction.delisted"}),
        (["*.removed", "page.gone"], {"record.removed", "page.gone"}),
        (["page.?one"], {"page.gone"}),
        (["page_gone", "page%", "\\*"], set()),
        (["*"], {"jurisdiction.listed", "jurisdiction.delisted", "record.removed", "page.gone"}),
        ([], set()),
    ],
)
def test_kinds_may_be_globs(store: Store, globs: list[str], wanted: set[str]) -> None:
    kinds = ("jurisdiction.listed", "jurisdiction.delisted", "record.removed", "page.gone")
    fill(store, *(changed(number, kind=kind) for number, kind in enumerate(kinds)))
    assert {one.kind for one in store.read_sync(changes.history, kinds=globs)} == wanted


def test_a_place_is_matched_by_itself_or_what_it_holds(store: Store) -> None:
    jail = Subject("us-agency:CA/santa-rita-jail", "Santa Rita Jail", "CA", ("us-county:06001", "us-state:CA"))
    county = Subject("us-county:06001", "Alameda County, Calif.", "CA", ("us-state:CA",))
    quoted = Subject('place:the "old" town%', "The “old” town", None, ('place:a "b"', 'place:c "d'))
    ids = fill(store, *(changed(number, subject=subject) for number, subject in enumerate((jail, county, quoted))))
    assert told(store, place="us-county:06001") == ids[:2]
    assert told(store, place="us-state:CA") == ids[:2]
    assert told(store, place='place:a "b"') == told(store, place='place:the "old" town%') == ids[2:]
    for stranger in ("d", "us-county:0600", "us-state:ca", "us-state:%", "", "us-county:06001,us-state:CA"):
        assert told(store, place=stranger) == []


def test_a_state_takes_all_that_lies_in_it(store: Store) -> None:
    """A county names its state by the postal code alone."""
    subjects = (
        Subject("us-county:32003", "Clark County, Nev.", "NV"),
        Subject("us-state:NV", "Nevada", "NV"),
        Subject("us-place:NV/reno", "Reno, Nev.", "NV", ("us-county:32031",)),
        Subject("us-county:06001", "Alameda County, Calif.", "CA"),
        Subject("record:NV", "NV", None),
    )
    ids = fill(store, *(changed(number, subject=subject) for number, subject in enumerate(subjects)))
    assert told(store, place="us-state:NV") == ids[:3]
    assert told(store, place="us-county:32003") == ids[:1]
    assert told(store, place="us-state:TX") == []


def test_by_id_in_the_order_asked_for(store: Store) -> None:
    ids = fill(store, *(changed(number) for number in range(1203)))
    wanted = [*reversed(ids), "unknown"]
    assert [one.id for one in store.read_sync(changes.changes_by_id, wanted)] == ids[::-1]
    assert store.read_sync(changes.changes_by_id, []) == []
    assert told(store) == ids


def test_what_was_removed_before(store: Store) -> None:
    def one(number: int, kind: str, subject: str, source: str = "list") -> Change:
        return changed(number, kind=kind, subject=Subject(subject, subject), source=source)

    fill(
        store,
        one(1, "jurisdiction.delisted", "us-county:1"),
        one(2, "record.removed", "record:2"),
        replace(one(6, "record.removed", "record:2"), at=NOON + MINUTE),
        one(3, "record.changed", "record:3"),
        one(4, "record.removed", "record:4", "list/child"),
        one(5, "record.removed", "record:5"),
    )
    asked = {"us-county:1", "record:2", "record:3", "record:4", "record:6"}
    assert store.read_sync(changes.removed_before, "list", asked) == {"us-county:1": NOON, "record:2": NOON}
    assert store.read_sync(changes.removed_before, "list", asked, ["record.*"]).keys() == {"record:2", "record:3"}
    assert store.read_sync(changes.removed_before, "list", set()) == {}


def test_between_two_snapshots(store: Store) -> None:
    ids = fill(
        store,
        changed(1, at=NOON + MINUTE, before="a", snapshot="b"),
        changed(2, before="a", snapshot="b"),
        changed(3, before="b", snapshot="a"),
        changed(4, before="a", snapshot="b", source="other"),
    )
    assert [one.id for one in store.read_sync(changes.between, "list", "a", "b")] == ids[:2]
    assert store.read_sync(changes.between, "list", "a", "c") == []


def test_when_a_source_last_changed(store: Store) -> None:
    fill(
        store,
        changed(1, at=NOON + MINUTE),
        changed(2, at=NOON),
        changed(3, at=NOON + 2 * MINUTE, severity=Severity.COSMETIC),
        changed(4, at=NOON + 3 * MINUTE, source="other"),
    )
    assert store.read_sync(changes.last_changed, "list") == NOON + MINUTE
    assert store.read_sync(changes.last_changed, "unknown") is None
