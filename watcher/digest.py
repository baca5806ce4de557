"""What a chat is told later, in one message: its daily digest, what came while it was muted or asleep. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from watcher.core import Change, Line, Run
from watcher.summary import shorten, shown

MOST_LINES = 60
"""Changes that one digest tells; the others it counts."""
LONGEST = 300
HEADS = {
    "digest": "Digest",
    "muted": "While this chat was muted",
    "quiet": "While you had quiet hours",
    "folded": "What could not be sent in time",
    "many": "Many changes at once",
}
"""How a message begins, by why its changes were held."""


class Seen(NamedTuple):
    """How many of all pages were seen as they should be: silence must not look like failure."""

    pages: int
    of: int

    def __str__(self) -> str:
        return f"{self.pages} of {self.of} page{'' if self.of == 1 else 's'} seen"


def slot(daily: str, now: datetime, zone: tzinfo) -> datetime:
    """The last time, in UTC, at which a digest like "daily 08:00" was due in `zone`, by the wall clock there.

    Raises ValueError for another rhythm.
    """
    word, _, clock = daily.partition(" ")
    if word != "daily":
        raise ValueError(f"expected a time like “daily 08:00”, found “{daily}”")
    at = time.fromisoformat(clock)
    day = now.astimezone(zone).date()
    for back in (0, 1):
        local = datetime.combine(day - timedelta(days=back), at, zone)
        due = local.astimezone(UTC)
        if due <= now:
            return due
    raise AssertionError("a day has at most 25 hours")


def told(why: str, changes: Sequence[Change], seen: Seen) -> tuple[Line, ...]:
    """The lines of one message: how many changes, then by source, and in it by place, each in one line."""
    head = HEADS[why]
    if not changes:
        return ((Run(f"{head}: all quiet", "strong"), Run(f", {seen}.")),)
    count = f"{len(changes)} change{'' if len(changes) == 1 else 's'}"
    pages = f", {seen}" if why == "digest" else ""
    first: Line = (Run(f"{head}: {count}", "strong"), Run(f"{pages}."))
    rest = len(changes) - MOST_LINES
    more: tuple[Line, ...] = ((Run(f"… and {rest} more.", "dim"),),) if rest > 0 else ()
    return (first, *_by_source(changes[:MOST_LINES]), *more)


def _by_source(changes: Sequence[Change]) -> Iterator[Line]:
    groups: defaultdict[str, list[Change]] = defaultdict(list)
    for change in changes:
        groups[change.source].append(change)
    for source, group in groups.items():
        yield (Run(shown(source), "strong"),)
        order = {subject: place for place, subject in enumerate(dict.fromkeys(change.subject.id for change in group))}
        for change in sorted(group, key=lambda change: order[change.subject.id]):
            yield (Run(f"• {shorten(shown(change.summary), LONGEST)}"),)
