"""One issue of a report against the one before it: what was listed, dropped and counted anew. Above diff, and pure."""

from __future__ import annotations

from datetime import datetime

from watcher.core import Change, Document
from watcher.diff import diff
from watcher.sections import is_report


def between(before: Document, after: Document, *, last_seen: datetime | None = None) -> tuple[Change, ...]:
    """All changes from one issue of a report to another; the first says that it was published.

    Sections I and III are compared by row, section II, persons without names, by place and count. Of documents that are
    no such report, everything is compared. Times and ids are those of `diff`.
    """
    return (
        diff(before, after, last_seen=last_seen, issues=True)
        if is_report(after)
        else diff(before, after, last_seen=last_seen)
    )
