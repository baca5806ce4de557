"""What was done is kept in the order in which it was."""

from __future__ import annotations

from datetime import timedelta

from tests.store.made import NOON
from watcher.people import Deed
from watcher.store import Store, audit


def test_deeds_come_back_newest_first(store: Store) -> None:
    deeds = [
        Deed(NOON, 7, "telegram:7", "ack", "a" * 16, {"level": 2}),
        Deed(NOON - timedelta(hours=1), None, "", "watchdog", "b" * 16, {}),  # the clock was set back
    ]
    for deed in deeds:
        store.run_sync(audit.put, deed)
    assert store.read_sync(audit.latest, 10) == deeds[::-1]
    assert store.read_sync(audit.latest, 1) == deeds[1:]
    assert store.read_sync(audit.latest, 10, about="a" * 16) == deeds[:1]
