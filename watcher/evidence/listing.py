"""A source's changes as a file: one JSON object a line, or a table that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import IO, Any

import msgspec

from watcher.core import Change, Value
from watcher.store import Connection, Store, changes
from watcher.wire import change_json

COLUMNS = (
    "at", "last_seen", "source", "kind", "severity", "subject_id", "subject_name", "subject_state", "path", "old",
    "new", "summary", "snapshot", "before", "id",
)  # fmt: skip
FORMULA = tuple("=+-@＝＋－＠")
"""How a cell begins that a spreadsheet calculates, in full width too."""


def lines(store: Store, source: str, out: IO[bytes], step: Callable[[int], None]) -> None:
    """Write the changes as `watcher history --json` prints them."""
    _each(store, source, lambda change: out.write(msgspec.json.encode(change_json(change)) + b"\n"), step)


def table(store: Store, source: str, out: IO[bytes], step: Callable[[int], None]) -> None:
    """Write the changes as CSV, in UTF-8, a row each."""
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    _each(store, source, lambda change: writer.writerow([cell(value) for value in _row(change)]), step)
    text.detach()


def cell(value: Any) -> str:
    """A value as a cell that stays text: what looks like a formula begins with an apostrophe."""
    if value is None:
        return ""
    text = (value if isinstance(value, str) else msgspec.json.encode(value).decode()).replace("\0", "\ufffd")
    dangerous = text.startswith(("\t", "\r", "\n")) or text.lstrip().startswith(FORMULA)
    return f"'{text}" if dangerous else text


def _row(change: Change) -> list[Value | list[str]]:
    told = change_json(change)
    subject = told["subject"]
    flat = told | {f"subject_{name}": subject[name] for name in ("id", "name", "state")}
    return [" / ".join(flat[name]) if name == "path" else flat[name] for name in COLUMNS]


def _each(store: Store, source: str, write: Callable[[Change], object], step: Callable[[int], None]) -> None:
    def read(conn: Connection) -> None:
        for change in changes.history(conn, sources=[source]):
            write(change)
            step(1)

    store.read_sync(read)
