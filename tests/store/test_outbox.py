"""The outbox: nothing is lost, nothing is given twice, and the parts of an alert go in order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection

from tests.store.made import NOON, told
from watcher.core import Dead, Delivery, Outcome, Retry, Sent
from watcher.store import Store, StoreError, outbox

LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


def put(store: Store, *names: str, parts: int = 1, channel: str = "desk") -> list[Delivery]:
    rows = []
    for name in names:
        alert, deliveries = told(name, parts=parts, channel=channel)
        store.run_sync(outbox.put_alert, alert, deliveries)
        rows += deliveries
    return rows


def claim(store: Store, now: datetime = NOON, limit: int = 10, channel: str | None = None) -> list[Delivery]:
    return store.run_sync(outbox.claim, now, limit=limit, lease=LEASE, channel=channel)


def record(store: Store, one: Delivery, outcome: Outcome, now: datetime = NOON, due: datetime | None = None) -> None:
    store.run_sync(outbox.record, one, outcome, now, due)


def stored(store: Store, one: Delivery) -> Delivery:
    return next(row for row in store.read_sync(outbox.deliveries, one.alert) if row.id == one.id)


def test_an_alert_is_read_as_it_was_written(store: Store) -> None:
    rows = put(store, "a", parts=3)
    assert store.read_sync(outbox.deliveries, rows[0].alert) == rows
    assert store.read_sync(outbox.deliveries, "unknown") == []


def test_stored_twice_is_stored_once_and_left_as_it_is(store: Store) -> None:
    (one,) = put(store, "a")
    record(store, claim(store)[0], Sent("7"))
    put(store, "a", parts=2)
    assert stored(store, one).state == "sent"
    assert store.read_sync(outbox.counts) == {("desk", "sent"): 1, ("desk", "pending"): 1}


def test_a_part_without_its_alert_is_refused(store: Store) -> None:
    def without(conn: Connection) -> None:
        alert, deliveries = told("a")
        outbox.put_alert(conn, alert, [replace(one, alert="unknown") for one in deliveries])

    with pytest.raises(StoreError, match=r"(?i)foreign key"):
        store.run_sync(without)
    assert store.read_sync(outbox.counts) == {}


def test_claimed_rows_are_marked_and_not_given_again(store: Store) -> None:
    rows = put(store, "a", "b", "c")
    first = claim(store, limit=2)
    assert first == [replace(one, state="sending", due=NOON + LEASE) for one in rows[:2]]
    assert [stored(store, one) for one in first] == first
    assert [one.id for one in claim(store)] == [rows[2].id]
    assert claim(store) == []


def test_only_what_is_due_and_only_for_the_channel_asked_for(store: Store) -> None:
    (here,) = put(store, "a")
    (there,) = put(store, "b", channel="other")
    assert claim(store, NOON - SECOND) == []
    assert [one.id for one in claim(store, channel="other")] == [there.id]
    assert [one.id for one in claim(store)] == [here.id]


def test_oldest_first(store: Store) -> None:
    rows = put(store, *"hgfedcba")
    assert [one.id for one in claim(store)] == [one.id for one in rows]


@pytest.mark.parametrize("outcome", [Sent("1"), Dead("blocked")])
def test_a_later_part_waits_for_the_earlier_one(store: Store, outcome: Outcome) -> None:
    first, second, third = put(store, "a", parts=3)
    (other,) = put(store, "b")
    one, two = claim(store)
    assert (one.id, two.id) == (first.id, other.id)
    assert claim(store) == []
    record(store, one, Retry("503"), due=NOON + 9 * SECOND)
    assert claim(store) == []
    (again,) = claim(store, NOON + 9 * SECOND)
    assert again.id == first.id
    record(store, again, outcome)
    assert [row.id for row in claim(store)] == [second.id]
    assert stored(store, third).state == "pending"


def test_sent(store: Store) -> None:
    put(store, "a")
    (one,) = claim(store)
    record(store, one, Sent("message 7"), NOON + SECOND)
    assert stored(store, one) == replace(
        one, state="sent", receipt="message 7", sent_at=NOON + SECOND, attempts=1, reason=""
    )
    assert claim(store, NOON + timedelta(days=1)) == []
    assert store.read_sync(outbox.next_due) is None


def test_dead(store: Store) -> None:
    put(store, "a")
    (one,) = claim(store)
    record(store, one, Dead("the chat is gone"))
    dead = stored(store, one)
    assert (dead.state, dead.reason, dead.attempts, dead.sent_at) == ("dead", "the chat is gone", 1, None)
    assert store.read_sync(outbox.next_due) is None


def test_tried_again_never_before_its_second(store: Store) -> None:
    put(store, "a")
    (one,) = claim(store)
    due = NOON + timedelta(seconds=5, microseconds=1)
    record(store, one, Retry("429"), due=due)
    waits = stored(store, one)
    assert (waits.state, waits.reason, waits.due, waits.attempts, waits.repeat) == (
        "wait", "429", NOON + 6 * SECOND, 1, False,
    )  # fmt: skip
    assert claim(store, due - timedelta(microseconds=1)) == []
    (again,) = claim(store, NOON + 6 * SECOND)
    record(store, again, Retry("timeout", unknown=True), due=NOON + 60 * SECOND)
    (third,) = claim(store, NOON + 60 * SECOND)
    assert (third.repeat, third.attempts) == (True, 2)
    record(store, third, Retry("503"))
    assert stored(store, third).repeat


def test_a_final_state_is_kept_whatever_a_late_process_says(store: Store) -> None:
    put(store, "a", "b")
    sent, dead = claim(store)
    record(store, sent, Sent("1"))
    record(store, dead, Dead("blocked"))
    for one in (sent, dead):
        before = stored(store, one)
        record(store, one, Retry("late"))
        assert stored(store, one) == before


def test_a_lease_that_passed_is_a_repeat(store: Store) -> None:
    put(store, "a", "b")
    lost, sent = claim(store)
    record(store, sent, Sent("1"))
    assert store.run_sync(outbox.expired, NOON + LEASE - SECOND) == 0
    assert store.run_sync(outbox.expired, NOON + LEASE) == 1
    assert store.run_sync(outbox.expired, NOON + LEASE) == 0
    (again,) = claim(store, NOON + LEASE)
    assert (again.id, again.repeat, again.attempts) == (lost.id, True, 1)
    assert again.reason == "the process ended while sending"


def test_what_is_due_next(store: Store) -> None:
    assert store.read_sync(outbox.next_due) is None
    first, _ = put(store, "a", parts=2)
    assert store.read_sync(outbox.next_due) == NOON
    (one,) = claim(store)
    assert store.read_sync(outbox.next_due) == NOON + LEASE
    record(store, one, Retry("503"), due=NOON + 90 * SECOND)
    assert store.read_sync(outbox.next_due) == NOON + 90 * SECOND
    (again,) = claim(store, NOON + 90 * SECOND)
    record(store, again, Sent("1"))
    assert store.read_sync(outbox.next_due) == NOON
    assert first.id == again.id


def test_counted_by_channel_and_state(store: Store) -> None:
    put(store, "a", "b", "c")
    put(store, "a", channel="other")
    record(store, claim(store, limit=1)[0], Sent("1"))
    assert store.read_sync(outbox.counts) == {("desk", "sent"): 1, ("desk", "pending"): 2, ("other", "pending"): 1}


def test_two_processes_get_no_row_twice_and_none_is_left(store_url: str) -> None:
    def drain(store: Store) -> list[str]:
        got: list[str] = []
        while rows := claim(store, limit=3):
            for one in rows:
                got.append(one.id)
                record(store, one, Sent())
        return got

    with Store.open(store_url) as one, Store.open(store_url) as two, ThreadPoolExecutor(2) as both:
        wanted = {row.id for row in put(one, *(f"alert {number}" for number in range(60)), parts=2)}
        shares = list(both.map(drain, (one, two)))
        everything = [*shares[0], *shares[1], *drain(one)]
        assert sorted(everything) == sorted(wanted)


def test_a_claim_does_not_wait_for_another_one(postgresql_url: str) -> None:
    def meanwhile(conn: Connection) -> list[Delivery]:
        conn.exec_driver_sql("SET LOCAL lock_timeout = '5s'")
        return outbox.claim(conn, NOON, limit=1, lease=LEASE)

    def both(conn: Connection, other: Store) -> list[Delivery]:
        return outbox.claim(conn, NOON, limit=1, lease=LEASE) + other.run_sync(meanwhile)

    with Store.open(postgresql_url) as one, Store.open(postgresql_url) as two:
        rows = put(one, "a", "b")
        assert [row.id for row in one.run_sync(both, two)] == [row.id for row in rows]
