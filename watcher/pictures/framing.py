"""What maps and tables share: margins and sizes of type, the title with its sources and day, text set in lines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo

from watcher.core import Change
from watcher.periods import ap
from watcher.pictures.lettering import wrap
from watcher.pictures.scene import WIDTH, Text

MARGIN = 28.0
GAP = 14.0
TITLE = 38.0
TYPE = 30.0
LEADING = 1.28
"""From one base line to the next, in sizes of type."""
ASCENT = 0.95
"""From the top of a line to its base line, in sizes of type."""
MOST_SOURCES = 2


def lines(
    text: str,
    at: tuple[float, float],
    *,
    size: float = TYPE,
    room: float = 0,
    most: int = 2,
    bold: bool = False,
    ink: str = "ink",
) -> tuple[float, tuple[Text, ...]]:
    """Set `text` with its upper left corner at `at`; returns where the next may begin, and the lines.

    Without `room` it may reach as far as the right margin.
    """
    left, top = at
    room = room or WIDTH - MARGIN - left
    broken = wrap(text, size, room, most, bold=bold)
    step = size * LEADING
    set_in = (
        Text((left, top + size * ASCENT + place * step), line, size, room, bold, ink)
        for place, line in enumerate(broken)
    )
    return top + len(broken) * step, tuple(set_in)


def head(
    title: str, changes: Sequence[Change], zone: tzinfo, where: Sequence[str] = ()
) -> tuple[float, tuple[Text, ...]]:
    """Set the title, and under it where the changes are, whose, and their last day in `zone`; as `lines`."""
    below, heading = lines(title, (MARGIN, MARGIN * 0.7), size=TITLE, bold=True)
    below, origin = lines(
        " · ".join(filter(None, (", ".join(where), source_line(changes, zone)))), (MARGIN, below), ink="quiet"
    )
    return below + MARGIN * 0.6, (*heading, *origin)


def source_line(changes: Sequence[Change], zone: tzinfo) -> str:
    """The sources of `changes`, or how many there are, and the day of the last, in AP style."""
    names = dict.fromkeys(change.source for change in changes)
    sources = ", ".join(names) if len(names) <= MOST_SOURCES else f"{len(names)} sources"
    last = max(change.at for change in changes)
    return f"{sources} · {ap(last.astimezone(zone).date())}"
