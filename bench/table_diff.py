"""The diff of a large table beside a plain comparison of two dictionaries: `python -m bench.table_diff`."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime

from bench.measure import Figure, report
from watcher.core import Document, Record, Value
from watcher.diff import diff

ROWS = 30_000
ROUNDS = 9

Rows = dict[str, dict[str, Value]]


def document(rows: Rows, day: int) -> Document:
    """The rows as an adapter hands them on."""
    return Document(
        source="table",
        kind="table",
        snapshot=f"{day:016}",
        at=datetime(2026, 1, day, tzinfo=UTC),
        url="https://example.org/table",
        records={key: Record(key, fields) for key, fields in rows.items()},
        choices={"header": ["Number", "Title", "Edition", "Controlled", "Office"], "key": ["Number"]},
    )


def tables() -> tuple[Rows, Rows]:
    """The same rows read twice, the second time with one changed and one added. No string is shared."""

    def fields(number: int) -> dict[str, Value]:
        return {
            "Number": f"F-{number}",
            "Title": f"Notice and request form {number * 7919}",
            "Edition": f"{number % 12 + 1}/{number % 28 + 1}/{2000 + number % 25}",
            "Controlled": "Yes" if number % 3 else "No",
            "Office": f"Office {number % 40}",
        }

    before, after = ({f"F-{number}": fields(number) for number in range(ROWS)} for _ in range(2))
    after["F-15000"]["Title"] = "Notice, corrected"
    after["F-30000"] = fields(ROWS)
    return before, after


def plain(before: Rows, after: Rows) -> list[str]:
    """Which keys came, went or differ."""
    gone = [key for key in before if key not in after]
    return gone + [key for key, fields in after.items() if before.get(key) != fields]


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> int:
    """Measure and print; returns 1 where the target is missed."""
    before, after = tables()
    one, two = document(before, 1), document(after, 2)
    found = sorted((change.kind, change.subject.name) for change in diff(one, two))
    assert found == [("record.added", "F-30000"), ("record.changed", "F-15000")], found
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(seconds(lambda: diff(one, two)))
        theirs.append(seconds(lambda: plain(before, after)))
    mine, other = statistics.median(ours), statistics.median(theirs)
    measured = f"{mine * 1000:.1f} ms / {other * 1000:.1f} ms"
    return report(f"{ROWS:,} rows", [Figure("one added, one changed: diff / plain compare", measured, mine / other, 2)])


if __name__ == "__main__":
    sys.exit(main())
