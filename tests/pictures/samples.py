"""Changes to draw."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from watcher.core import Change, Subject
from watcher.drafts import Draft, change
from watcher.places import resolve
from watcher.places.tables import county_list

AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
LISTED, DROPPED, CHANGED = "jurisdiction.listed", "jurisdiction.delisted", "jurisdiction.changed"


def made(
    kind: str,
    subject: Subject,
    *,
    path: tuple[str, ...] = ("records", "row"),
    old: Any = None,
    new: Any = None,
    source: str = "list",
) -> Change:
    draft = Draft(kind, subject, path, old, new)
    return change(draft, source, at=AT, last_seen=None, snapshot=None, before=None)


def place(name: str) -> Subject:
    found = resolve(name)
    assert found, name
    return found


def each(kind: str, names: Iterable[str]) -> list[Change]:
    return [made(kind, place(name)) for name in names]


def counties_of(state: str) -> list[Subject]:
    return [entry.subject for entry in county_list() if entry.subject.state == state]


DOJ_STATES = (
    *("California", "Colorado", "Connecticut", "Delaware", "District of Columbia", "Illinois", "Minnesota", "Nevada"),
    *("New York", "Oregon", "Rhode Island", "Vermont", "Washington"),
)
WASHINGTON = tuple(
    f"{name} County, Wash."
    for name in ("San Juan", "Clallam", "Jefferson", "Whatcom", "Skagit", "Clark", "Cowlitz", "King")
)
