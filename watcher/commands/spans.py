"""What `watcher history` says of a source whose old captures were taken in: what is imported, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from watcher.commands.printing import local

LIVE = "live"
WORDS = {LIVE: "watched live", "import": "imported", "wayback": "from a web archive"}
GAP = timedelta(days=30)
"""Old captures further apart are told as two spans, with the gap between them."""


class Span(NamedTuple):
    """A run of captures from one place: its first and its last, and how many there are."""

    provenance: str
    since: datetime
    until: datetime
    captures: int


class Mark(NamedTuple):
    """A line that stands in the history before what changed at `at`."""

    at: datetime
    text: str


def spans(captured: Sequence[tuple[datetime, str]]) -> list[Span]:
    """The runs among captures that are given by time, each with where it came from."""
    found: list[Span] = []
    for at, provenance in captured:
        last = found[-1] if found else None
        if last is None or provenance != last.provenance or (provenance != LIVE and at - last.until > GAP):
            found.append(Span(provenance, at, at, 1))
        else:
            found[-1] = last._replace(until=at, captures=last.captures + 1)
    return found


def marks(captured: Sequence[tuple[datetime, str]], zone: tzinfo) -> list[Mark]:
    """The lines that set the spans apart; none where all is live. Where only live checks looked, there is no gap."""
    found = spans(captured)
    if all(span.provenance == LIVE for span in found):
        return []
    return [*_marks(found, zone)]


def _marks(found: Sequence[Span], zone: tzinfo) -> Iterator[Mark]:
    yield _mark(found[0], zone)
    for before, span in pairwise(found):
        if span.since - before.until > GAP and before.provenance != LIVE:
            gap = f"-- nobody looked from {local(before.until, zone)} to {local(span.since, zone)}"
            yield Mark(span.since, gap)
        yield _mark(span, zone)


def _mark(span: Span, zone: tzinfo) -> Mark:
    count = f"{span.captures:,} capture{'' if span.captures == 1 else 's'}"
    words = WORDS.get(span.provenance, span.provenance)
    return Mark(span.since, f"-- {words}: {count} from {local(span.since, zone)} to {local(span.until, zone)}")
