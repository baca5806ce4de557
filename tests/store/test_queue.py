"""The outbox of chats: who waits, what was sent, what moves and what is closed with a chat."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.rig import deliveries
from tests.store.made import NOON, told
from watcher.core import Dead, Retry, Sent, content_id
from watcher.people import Chat
from watcher.store import Store, chats, outbox, queue

LEASE = timedelta(seconds=30)
SECOND = timedelta(seconds=1)
ANA, BEN = "telegram:7", "telegram:8"


def put(store: Store, channel: str, name: str, parts: int = 1) -> list[str]:
    """Gives the ids of its rows."""
    alert, rows = told(name, channel=channel, parts=parts)
    store.run_sync(outbox.put_alert, alert, rows)
    return [row.id for row in rows]


def states(store: Store) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in store.read_sync(deliveries):
        found.setdefault(row.channel, []).append(row.state)
    return found


def test_only_what_is_open_and_a_chats_waits_due_or_not(store: Store) -> None:
    put(store, "console", "a")
    put(store, "desk", "b")
    (later,) = put(store, ANA, "c")
    (sent,) = put(store, BEN, "d")
    (row,) = store.run_sync(queue.claim, [sent], NOON, LEASE)
    store.run_sync(outbox.record, row, Sent("1"), NOON)
    (row,) = store.run_sync(queue.claim, [later], NOON, LEASE)
    store.run_sync(outbox.record, row, Retry("no answer", unknown=True), NOON, NOON + LEASE)
    waiting = store.read_sync(queue.waiting, ["desk"], "telegram:", NOON, NOON - SECOND)
    assert [(one.channel, one.state, one.repeat, one.due, one.fresh) for one in waiting] == [
        ("desk", "pending", False, True, True),
        (ANA, "wait", True, False, True),
    ]
    waiting = store.read_sync(queue.waiting, ["desk"], "telegram:", NOON + LEASE, NOON)
    assert [(one.due, one.fresh) for one in waiting] == [(True, False)] * 2
    assert store.read_sync(queue.sent_since, NOON - SECOND, [], "telegram:") == [(BEN, NOON)]
    assert store.read_sync(queue.sent_since, NOON + SECOND, [], "telegram:") == []


def test_a_row_is_claimed_once(store: Store) -> None:
    ids = put(store, ANA, "a", parts=2)
    assert [one.id for one in store.run_sync(queue.claim, ids[:1], NOON, LEASE)] == ids[:1]
    (other,) = store.run_sync(queue.claim, ids, NOON, LEASE)
    assert (other.id, other.state, other.due) == (ids[1], "sending", NOON + LEASE)
    assert store.run_sync(queue.claim, ids, NOON, LEASE) == []


def test_the_receipt_of_an_alert_is_that_of_its_first_part_in_the_same_channel(store: Store) -> None:
    for row in store.run_sync(queue.claim, put(store, ANA, "a", parts=2), NOON, LEASE):
        store.run_sync(outbox.record, row, Sent(f"receipt {row.part}"), NOON)
    alert = store.read_sync(deliveries)[0].alert
    assert store.read_sync(queue.receipts, {(alert, ANA), ("unknown", ANA)}) == {(alert, ANA): "receipt 1"}
    assert store.read_sync(queue.receipts, set()) == {}


def test_a_chat_is_closed_with_its_topics_and_no_other(store: Store) -> None:
    for channel in ("telegram:-10", "telegram:-10/3", "telegram:-100"):
        put(store, channel, channel)
        store.run_sync(chats.put, Chat(channel, "supergroup", "", NOON))
    assert store.run_sync(queue.close, "telegram:-10", "kicked") == 2
    assert states(store) == {"telegram:-10": ["dead"], "telegram:-10/3": ["dead"], "telegram:-100": ["pending"]}
    assert [chat.state for chat in store.read_sync(chats.everything)] == ["disabled", "disabled", "active"]


def test_a_moved_chat_is_not_told_what_waits_for_it_already(store: Store) -> None:
    old, new = "telegram:-200", "telegram:-1000000000200"
    for channel, names in ((new, "a"), (old, "ab")):
        for name in names:
            alert, rows = told(name, channel=channel)
            alert = replace(alert, id=content_id(channel, name), changes=(name,))
            rows = [replace(row, id=content_id(alert.id), alert=alert.id, lane=3) for row in rows]
            store.run_sync(outbox.put_alert, alert, rows)
    store.run_sync(queue.move, old, new)
    found = {(row.changes, row.state) for row in store.read_sync(deliveries) if row.channel == new}
    assert found == {(("a",), "pending"), (("a",), "folded"), (("b",), "pending")}


def test_how_delivery_stands(store: Store) -> None:
    put(store, ANA, "a")
    put(store, BEN, "b", parts=2)
    store.run_sync(chats.put, Chat(ANA, "private", "", NOON, state="disabled"))
    first, second, third = store.run_sync(queue.claim, [row.id for row in store.read_sync(deliveries)], NOON, LEASE)
    store.run_sync(outbox.record, first, Dead("blocked"), NOON)
    for one in (second, third):
        store.run_sync(outbox.record, one, Retry("no answer", unknown=True), NOON, NOON + LEASE)
    assert store.read_sync(outbox.troubles, NOON - SECOND) == [("wait", "no answer", 2), ("dead", "blocked", 1)]
    assert store.read_sync(outbox.troubles, NOON + SECOND) == [("wait", "no answer", 2)]
    assert store.read_sync(queue.standing, NOON, NOON) == queue.Standing({}, 2, 1)
    assert store.read_sync(queue.standing, NOON + LEASE, NOON + SECOND) == queue.Standing({3: NOON}, 0, 1)


def test_channels_that_tell_a_change_are_found_while_nothing_was_tried(store: Store) -> None:
    ids = put(store, ANA, "a") + put(store, BEN, "b")
    about = store.read_sync(deliveries)[0].changes
    assert store.read_sync(outbox.telling, about) >= {ANA}
    assert store.read_sync(outbox.telling, ["unknown"]) == set()
    store.run_sync(queue.claim, ids, NOON, LEASE)
    assert store.read_sync(outbox.telling, about) == set()
    assert store.read_sync(outbox.channels_waiting) == set()
