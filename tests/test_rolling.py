"""Rolling lists: for any two lists, what is told is what was never seen, and edits; remembering twice is once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Document, Record
from watcher.diff import diff
from watcher.rolling import MOST_SEEN, SEEN, is_rolling, remember, rolled
from watcher.suspect import OK, lost

KEYS = st.lists(st.text(max_size=3), unique=True, max_size=8)


def document(keys: list[str], choices: dict[str, Any], at: int = 1) -> Document:
    records = {key: Record(key, {"title": f"{key} {at}"}) for key in keys}
    when = datetime(2026, 1, at, tzinfo=UTC)
    return Document("s", "feed", str(at), when, "", records=records, choices=remember(choices, keys))


@given(st.lists(KEYS, min_size=1, max_size=5))
def test_each_entry_is_news_once(lists: list[list[str]]) -> None:
    seen: set[str] = set(lists[0])
    before = document(lists[0], {})
    for keys in lists[1:]:
        after = document(keys, dict(before.choices))
        added = [change.path[1] for change in diff(before, after)]
        assert added == [key for key in keys if key not in seen]
        seen |= set(keys)
        before = after


@given(KEYS, KEYS)
def test_an_entry_that_is_on_both_lists_is_compared(old: list[str], new: list[str]) -> None:
    before = document(old, {})
    after = document(new, dict(before.choices), at=2)
    changed = {change.path[1] for change in diff(before, after) if change.kind == "record.changed"}
    assert changed == set(old) & set(new)
    stayed, told = rolled(before, after)
    assert set(stayed.records) <= set(told.records) == set(new)
    assert lost(before, after) == OK


@given(st.lists(st.text(max_size=3), max_size=50), st.lists(st.integers(0, 1000), unique=True, max_size=600))
def test_remembering_twice_is_once(before: list[str], numbers: list[int]) -> None:
    keys = [str(number) for number in numbers]
    once = remember(remember({}, before), keys)
    assert remember(once, keys) == once
    assert len(once[SEEN]) <= MOST_SEEN


def test_other_documents_are_no_such_lists() -> None:
    assert not is_rolling(Document("s", "table", "1", datetime(2026, 1, 1, tzinfo=UTC), "", choices={"key": ["a"]}))
    assert is_rolling(document([], {}))
