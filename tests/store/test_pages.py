"""Pages and steps come back as they were stored, on each database."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.store.made import NOON, told
from watcher.core import Moved, Outcome, Retry, Sent, Severity
from watcher.oncall.pages import Ask, Page, Policy, begin, following
from watcher.store import Store, outbox, pages

POLICY = Policy((Ask("rota:desk", timedelta(minutes=5)), Ask("channel:console", timedelta(0))), 2)
PAGE = Page("a" * 16, "desk", POLICY, "list", ("c1", "c2"), Severity.URGENT, NOON)


def test_a_page_comes_back_as_it_is_now(store: Store) -> None:
    store.run_sync(pages.put, PAGE)
    acked = replace(PAGE, state="acked", level=3, acked=NOON, acked_by="Ana\0", note="a", until=NOON)
    assert store.read_sync(pages.page, PAGE.id) == PAGE
    store.run_sync(pages.put, acked)
    assert store.run_sync(pages.page, PAGE.id, moving=True) == replace(acked, acked_by="Ana\ufffd")
    assert store.read_sync(pages.page, "b" * 16) is None


def test_only_what_is_not_closed_stands(store: Store) -> None:
    closed = replace(PAGE, state="closed", closed=NOON, closed_by="Ana", until=NOON - timedelta(hours=1))
    later = replace(PAGE, id="b" * 16, opened=NOON + timedelta(hours=1), until=NOON + timedelta(hours=2))
    for page in (closed, later, replace(later, id="c" * 16, source="other")):
        store.run_sync(pages.put, page)
    assert [page.id[0] for page in store.read_sync(pages.standing)] == ["b", "c"]
    assert store.run_sync(pages.standing_on, "desk", "list") == later
    assert store.run_sync(pages.standing_on, "other", "list") is None
    assert [page.id[0] for page in store.read_sync(pages.latest, 2)] == ["b", "c"]
    assert store.read_sync(pages.next_due) == later.until


def test_a_short_id_names_what_is_open_first(store: Store) -> None:
    closed = replace(PAGE, id="ab" + "0" * 14, state="closed", opened=NOON + timedelta(days=1))
    still_open = replace(PAGE, id="ab" + "1" * 14)
    for page in (closed, still_open):
        store.run_sync(pages.put, page)
    assert store.read_sync(pages.called, "ab") == still_open
    assert store.read_sync(pages.called, "ab0") == closed
    assert store.read_sync(pages.called, "a_") is None


def test_a_step_is_stored_once_and_settled_once(store: Store) -> None:
    first = begin(PAGE, 0, NOON)
    second = following(PAGE, first, NOON)
    store.run_sync(pages.put, PAGE)
    assert store.run_sync(pages.put_step, first)
    assert store.run_sync(pages.put_step, second)
    assert not store.run_sync(pages.put_step, replace(first, state="fired"))
    fired = replace(first, state="fired", target="rota:desk", person="Ana", channel="telegram:1", fired=NOON, alert="x")
    assert store.run_sync(pages.settle, fired)
    assert not store.run_sync(pages.settle, replace(fired, person="Ben"))
    store.run_sync(pages.explain, fired, "no proof")
    assert store.read_sync(pages.steps, PAGE.id) == [replace(fired, reason="no proof"), second]
    assert store.read_sync(pages.next_due) == second.due


def test_what_is_queued_is_withheld_and_what_is_being_sent_is_not(store: Store) -> None:
    messages = [told(name, parts=2) for name in ("a", "b", "c")]
    for alert, rows in messages:
        store.run_sync(outbox.put_alert, alert, rows)
    store.run_sync(outbox.claim, NOON, limit=1, lease=timedelta(minutes=1))
    ids = [alert.id for alert, _ in messages]
    assert store.run_sync(pages.withhold, ids[:2], "acknowledged by Ana") == 3
    assert store.read_sync(pages.sending, ids) == {
        ids[0]: {"sending", "folded"},
        ids[1]: {"folded"},
        ids[2]: {"pending"},
    }
    assert store.read_sync(outbox.deliveries, ids[1])[0].reason == "acknowledged by Ana"


@pytest.mark.parametrize("outcome", [Retry("no answer", unknown=True), Moved("telegram:9"), None])
def test_what_is_withheld_while_it_is_being_sent_does_not_come_back(store: Store, outcome: Outcome | None) -> None:
    alert, rows = told("a")
    store.run_sync(outbox.put_alert, alert, rows)
    (row,) = store.run_sync(outbox.claim, NOON, limit=1, lease=timedelta(minutes=1))
    store.run_sync(pages.withhold, [alert.id], "acknowledged by Ana")
    if outcome is None:
        assert store.run_sync(outbox.expired, NOON + timedelta(minutes=1)) == 0
    else:
        store.run_sync(outbox.record, row, outcome, NOON)
    (row,) = store.read_sync(outbox.deliveries, alert.id)
    assert (row.state, row.reason) == ("folded", "withheld: acknowledged by Ana")


def test_what_is_withheld_and_arrives_all_the_same_is_sent(store: Store) -> None:
    alert, rows = told("a")
    store.run_sync(outbox.put_alert, alert, rows)
    (row,) = store.run_sync(outbox.claim, NOON, limit=1, lease=timedelta(minutes=1))
    store.run_sync(pages.withhold, [alert.id], "acknowledged by Ana")
    store.run_sync(outbox.record, row, Sent("7"), NOON)
    assert store.read_sync(pages.sending, [alert.id]) == {alert.id: {"sent"}}
