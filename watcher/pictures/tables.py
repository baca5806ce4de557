"""A table of changes: what each is about, what happened to it, and the old with the new value."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

from watcher.core import Change
from watcher.pictures.framing import GAP, MARGIN, head, lines
from watcher.pictures.placing import FATES
from watcher.pictures.scene import WIDTH, Scene, Shape, box
from watcher.summary import NAMED, PARTS, arrow, field_name, in_section, is_rename, quoted, shorten, shown, verb

MOST_ROWS = 25
TALLEST = 2200.0
"""No row begins below this, in pixels: a picture that is higher is shown too small."""
NAME_LINES, MOST_LINES = 2, 3
"""Lines of a cell in the first and in the second column."""
CELL = 28.0
"""The size of type in a cell, in pixels."""
SWATCH = 18.0
LEFT = MARGIN + SWATCH + GAP
SECOND = 400.0
"""Where the second column begins."""
LONGEST = 130
"""Characters of a cell."""


class _Row(NamedTuple):
    """What a change is about, what happened, and the paint that marks it."""

    name: str
    happened: str
    fate: str


def change_table(changes: Sequence[Change], zone: tzinfo = UTC) -> Scene:
    """Draw `changes` as rows, in their order; after 25 it is said how many more there are.

    The day under the title is that of the last change, in `zone`. Raises ValueError where there are no changes.
    """
    if not changes:
        raise ValueError("a table needs changes: call change_table with at least one")
    title = f"{len(changes):,} change{'' if len(changes) == 1 else 's'}"
    rows: list[_Row] = []
    top, heading = head(title, changes, zone)
    drawn: list[Shape] = list(heading)
    for change in changes[:MOST_ROWS]:
        if top > TALLEST:
            break
        rows.append(_row(change))
        drawn.append(box(MARGIN, top, WIDTH - 2 * MARGIN, 2, "rule"))
        top, cells = _cells(rows[-1], top + GAP)
        drawn += cells
    left_out = len(changes) - len(rows)
    if left_out:
        drawn.append(box(MARGIN, top, WIDTH - 2 * MARGIN, 2, "rule"))
        top, more = lines(f"… and {left_out:,} more", (LEFT, top + GAP), ink="quiet")
        drawn += more
    said = "; ".join(f"{shorten(row.name, 80)}: {row.happened}" for row in rows)
    return Scene(WIDTH, round(top + MARGIN / 2), title, said, tuple(drawn))


def _cells(row: _Row, top: float) -> tuple[float, list[Shape]]:
    """One row with its swatch; it is as high as the higher of its cells."""
    swatch = box(MARGIN, top + CELL * 0.3, SWATCH, SWATCH, row.fate)
    room = SECOND - LEFT - GAP
    low, name = lines(row.name, (LEFT, top), size=CELL, room=room, most=NAME_LINES, bold=True)
    lower, happened = lines(row.happened, (SECOND, top), size=CELL, most=MOST_LINES)
    return max(low, lower) + GAP, [swatch, *name, *happened]


def _row(change: Change) -> _Row:
    """What a change says, parted for two columns."""
    kind, old, new = change.kind, change.old, change.new
    name = shown(change.subject.name)
    fate = FATES.get(kind, "changed")
    if kind in NAMED:
        return _Row(name, NAMED[kind] + in_section(change.path), fate)
    if kind == "article.mentions":
        return _Row(name, "No longer mentioned" if new is None else "Newly mentioned", fate)
    if kind in PARTS:
        told = quoted(old, new) if None in (old, new) else arrow(old, new, LONGEST)
        return _Row(f"{PARTS[kind]} {verb(old, new)}", told, _fate_of_part(old, new))
    if is_rename(change.path):
        return _Row("Renamed", arrow(old, new, LONGEST), fate)
    field = field_name(change.path)
    return _Row(name, f"{field}: {arrow(old, new, LONGEST)}" if field else arrow(old, new, LONGEST), fate)


def _fate_of_part(old: object, new: object) -> str:
    return "listed" if old is None else "dropped" if new is None else "changed"
