"""What `watcher history` says of a source whose old captures were taken in: what is imported, and what was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta, tzinfo
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
    """A line that stands in the history before what changed at `at`; it speaks of all up to `until`."""

    at: datetime
    text: str
    until: datetime


def spans(captured: Sequence[tuple[datetime, str]], checked: datetime | None = None) -> list[Span]:
    """The runs among captures that are given by time, each with where it came from.

    A check stores only what differs, so that the last run of live ones goes on to the last check, `checked`, or until
    others come.
    """
    found: list[Span] = []
    for at, provenance in captured:
        last = found[-1] if found else None
        if last is None or provenance != last.provenance or (provenance != LIVE and at - last.until > GAP):
            found.append(Span(provenance, at, at, 1))
        else:
            found[-1] = last._replace(until=at, captures=last.captures + 1)
    live = max((place for place, span in enumerate(found) if span.provenance == LIVE), default=None)
    if live is not None and checked is not None:
        end = min([checked, *(span.since for span in found[live + 1 : live + 2])])
        found[live] = found[live]._replace(until=max(found[live].until, end))
    return found


def marks(found: Sequence[Span], zone: tzinfo, now: datetime) -> Iterator[Mark]:
    """The lines that set the spans apart, and tell of the gaps between them, and of one up to now.

    Only before the last live run are gaps not told: nothing says how long earlier ones went on being checked.
    """
    last = max((place for place, span in enumerate(found) if span.provenance == LIVE), default=-1)
    for place, span in enumerate(found):
        yield _mark(span, zone)
        after = found[place + 1].since if place + 1 < len(found) else now
        known = span.provenance != LIVE or place == last
        if known and after - span.until > GAP and (place + 1 < len(found) or span.provenance == LIVE):
            seen = f"{local(span.until, zone)} to {local(after, zone)}"
            # An archive lists more captures than it gives different ones: nobody knows that nobody looked.
            words = "nobody looked" if span.provenance == LIVE else "no capture"
            yield Mark(after, f"-- {words} from {seen}", after)


def _mark(span: Span, zone: tzinfo) -> Mark:
    count = f"{span.captures:,} capture{'' if span.captures == 1 else 's'}"
    words = WORDS.get(span.provenance, span.provenance)
    text = f"-- {words}: {count} from {local(span.since, zone)} to {local(span.until, zone)}"
    return Mark(span.since, text, span.until)
