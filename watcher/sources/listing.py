"""Pieces of a page to the entries of a list of jurisdictions, and to the prose around them.

Stands below the `jurisdiction-list` adapter. One pass keeps what the headings above a line promise: the state and the
kind of place. A line that reads as such a place is an entry; what is nested in an entry explains it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from watcher.core import Block, Subject
from watcher.places import resolve, state_code
from watcher.sources.html import collapse

if TYPE_CHECKING:
    from watcher.sources.prose import Piece

SECTIONS = {"us-state": "STATES", "us-county": "COUNTIES", "us-place": "CITIES", "us-agency": "AGENCIES"}
"""The section of an entry by what it is, where no label above it says."""
LABELS = {"state": "STATES", "county": "COUNTIES", "city": "CITIES"}
KINDS = {
    "states": "state", "territories": "state", "counties": "county", "parishes": "county", "boroughs": "county",
    "cities": "city", "towns": "city", "municipalities": "city", "localities": "",
}  # fmt: skip
"""The kind of place that a word at the end of a label promises; "" for any kind."""
COLUMNS = {
    "city": "city", "town": "city", "municipality": "city", "county": "county", "parish": "county",
    "jurisdiction": "", "locality": "", "place": "", "name": "", "state": "state",
}  # fmt: skip
"""What stands in a column of a table, by its title."""

LONGEST_LABEL = 3
"""Words of a label: "Sanctuary Cities", "Cities and Counties"."""
LONGEST_NAME = 80
MOST_WORDS = 8
STRONG, LABEL = 7, 8
"""Levels of lines that stand for headings: a state in bold, and below it a label."""

_SELF = re.compile(r"\bself[ -]?identif", re.IGNORECASE)
_MARKS = re.compile(r"[*†‡;,\s]+$")
_COUNT = re.compile(r" ?(?:\(\d{1,4}\))? ?:?$")
_TYPES = re.compile(r",|\b(?:county|city|parish|borough|town|township|village)\b", re.IGNORECASE)
_SMALL = {"of", "and", "the", "de", "del", "la", "las", "los", "el", "du"}


class Entry(NamedTuple):
    """One listed place: its name as listed, its section, and what else its row of a table says."""

    name: str
    section: str
    subject: Subject
    more: Mapping[str, str] = {}


class _Heading(NamedTuple):
    """What a heading promises of the lines below it, down to the next of its level: a state, or a kind of place."""

    level: int = 0
    value: str = ""


def read_list(pieces: Sequence[Piece]) -> tuple[list[Entry], list[Block]]:
    """Part the pieces of a page into the entries of its list and its prose, both in page order."""
    reader = _Reader(pieces)
    entries: list[Entry] = []
    blocks: list[Block] = []
    for place, piece in enumerate(pieces):
        found, prose = reader.read(place, piece)
        entries += found
        if prose:
            blocks.append(Block("paragraph" if piece.type == "row" else piece.type, prose))
    return entries, blocks


def label(text: str) -> str | None:
    """The kind of place that a line promises of those below it ("Counties (4):" → "county"); None for other lines."""
    words = _COUNT.sub("", text).casefold().split()
    if not 0 < len(words) <= LONGEST_LABEL or words[-1] not in KINDS:
        return None
    kinds = {KINDS[word] for word in words if word in KINDS}
    return kinds.pop() if len(kinds) == 1 else ""


def _level(piece: Piece) -> int:
    """How deep a piece stands as a heading; 0 where it is none."""
    if piece.type == "heading":
        return piece.level
    if label(piece.text) is not None:
        return LABEL
    return STRONG if piece.strong and piece.type == "paragraph" else 0


def _groups(pieces: Sequence[Piece]) -> set[int]:
    """Positions of the states that have labels, or their self-identification, below them: they head a group."""
    found: set[int] = set()
    state: Piece | None = None
    at = 0
    for place, piece in enumerate(pieces):
        if state_code(_COUNT.sub("", piece.text)):
            state, at = piece, place
        elif state is not None and (label(piece.text) is not None or _SELF.search(piece.text)):
            if state.type == "list-item":
                below = piece.type == "list-item" and piece.level > state.level
            else:
                below = 0 < _level(state) < (_level(piece) or LABEL)
            if below:
                found.add(at)
    return found


class _Reader:
    """What the lines read so far promise of the next one."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.groups = _groups(pieces)
        self.unlabelled = not self.groups and all(label(piece.text) is None for piece in pieces)
        self.state = _Heading()
        self.section = _Heading()
        self.grouped = False
        self.entry: Piece | None = None
        self.columns: tuple[str | None, ...] = ()
        self.titles: tuple[str, ...] = ()
        self.table: object = None
        self.row_state = ""

    def read(self, place: int, piece: Piece) -> tuple[list[Entry], str]:
        """The entries of one piece, and what of it is prose."""
        if piece.type == "row":
            return self._row(piece)
        text = collapse(piece.text)
        kind, level = label(text), _level(piece)
        if kind is not None:
            self._close(level, label=True)
            self.section, self.entry = _Heading(level, kind), None
            return [], text
        code = state_code(_COUNT.sub("", text))
        if code and (level or place in self.groups):
            return self._state(piece, code, level or STRONG, group=place in self.groups)
        if piece.type == "heading":
            return self._heading(piece)
        if self.state.value and _SELF.search(text):
            return [self._self_identified(piece)], text if piece.type != "list-item" else ""
        return self._lines(piece)

    def _close(self, level: int, *, label: bool = False) -> None:
        """End what headings of this level or below promised. A label beside its state's heading still belongs to it."""
        if self.section.level >= level:
            self.section = _Heading()
        if self.state.level >= level + label:
            self.state, self.grouped = _Heading(), False
        self.entry = None

    def _state(self, piece: Piece, code: str, level: int, *, group: bool) -> tuple[list[Entry], str]:
        """A state as a heading: the head of a group, or an entry among states."""
        self._close(level)
        if self.section.value == "state" and not group:
            self.entry = piece
            return [self._entry(collapse(piece.text), resolve(code, kind="state"))], ""
        self.state, self.grouped = _Heading(level, code), group
        return [], collapse(piece.text)

    def _heading(self, piece: Piece) -> tuple[list[Entry], str]:
        """A heading that is no label: a place below its label, or the end of what stood above."""
        self._close(piece.level)
        text = collapse(piece.text)
        subject = self._place(text, listed=False) if self.section.level else None
        if subject is None:
            return [], text
        self.entry = piece
        return [self._entry(text, subject)], ""

    def _self_identified(self, piece: Piece) -> Entry:
        self.entry = piece if piece.type == "list-item" else None
        subject = resolve(self.state.value, kind="state")
        return Entry(subject.name, LABELS["state"], subject)

    def _lines(self, piece: Piece) -> tuple[list[Entry], str]:
        """The lines of a paragraph or an item, each an entry or prose."""
        last = self.entry
        if last and piece.type == "list-item":
            if last.type != "list-item" or piece.level > last.level or piece.element is last.element:
                return [], collapse(piece.text)
            self.entry = None
        lines = piece.text.split("\n")
        listed = piece.type == "list-item" or len(lines) > 1
        found: list[Entry] = []
        prose: list[str] = []
        for line in lines:
            subject = self._place(line, listed=listed)
            if subject:
                found.append(self._entry(line, subject))
            else:
                prose.append(line)
        if found and piece.type == "list-item":
            self.entry = piece
        return found, collapse(" ".join(prose))

    def _place(self, line: str, *, listed: bool) -> Subject | None:
        """The place that a line names, if it is of the kind promised here. `listed`: it is one line of several."""
        name = _MARKS.sub("", line)
        promised = self.section.level or (self.state.level and not self.grouped) or (self.unlabelled and listed)
        if not promised or not _is_name(name):
            return None
        subject = resolve(name, state=self.state.value or None, kind=self.section.value)
        known = subject.id.startswith("us-")
        if self.section.value == "state":
            return subject if subject.id.startswith("us-state:") else None
        if known:
            return subject if listed or self.section.level else None
        told = self.state.value or (self.section.level and _TYPES.search(name))
        return subject if listed and told else None

    def _entry(self, line: str, subject: Subject) -> Entry:
        return Entry(line, LABELS.get(self.section.value) or _section(subject), subject)

    def _row(self, piece: Piece) -> tuple[list[Entry], str]:
        table = piece.element.find_parent("table") if piece.element else None
        if table is not self.table:
            self.table, self.columns, self.row_state = table, tuple(map(_column, piece.cells)), ""
            self.titles = piece.cells
            if any(kind is not None for kind in self.columns):
                return [], piece.text
        if not any(kind is not None for kind in self.columns):
            found, prose = self._lines(piece._replace(text="\n".join(filter(None, piece.cells))))
            return found, piece.text if prose else ""
        return self._cells(("",) * (len(self.columns) - len(piece.cells)) + piece.cells, piece.text)

    def _cells(self, cells: Sequence[str], text: str) -> tuple[list[Entry], str]:
        """A row of a table with titles. A state in the first column holds until another one is named."""
        by_kind = {kind: cell for kind, cell in reversed(tuple(zip(self.columns, cells, strict=False))) if cell}
        self.row_state = by_kind.get("state") or (self.row_state if self.columns[0] == "state" else "")
        for kind in ("city", "county", ""):
            if name := by_kind.get(kind):
                subject = resolve(
                    name, state=self.row_state or self.state.value or None, kind=kind or self.section.value
                )
                break
        else:
            name, kind = self.row_state, "state"
            subject = resolve(name, kind=kind)
        if not name or not _is_name(name):
            return [], text
        more = {
            title: cell
            for title, cell, column in zip(self.titles, cells, self.columns, strict=False)
            if column is None and title
        }
        return [Entry(name, LABELS.get(kind or self.section.value) or _section(subject), subject, more)], ""


def _section(subject: Subject) -> str:
    return SECTIONS.get(subject.id.partition(":")[0], "JURISDICTIONS")


def _column(title: str) -> str | None:
    words = title.casefold().split()
    return next((COLUMNS[word] for word in words if word in COLUMNS), None) if len(words) <= LONGEST_LABEL else None


def _is_name(text: str) -> bool:
    """Whether a text is written as a name is: short, in capitals but for small words, no sentence, no explanation."""
    words = text.replace("(", " ").replace('"', " ").split()
    if not words or len(words) > MOST_WORDS or len(text) > LONGEST_NAME or ":" in text:
        return False
    if text.endswith(".") and len(words[-1]) > len("Calif."):
        return False
    return all(word[0].isupper() or word in _SMALL or not word[0].isalpha() for word in words)
