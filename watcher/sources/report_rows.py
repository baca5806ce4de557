"""Rows of a detainer report's tables to records: which column is which, which rows are one, whom each is about.

Below the `detainer-report` adapter at extract in the flow. Columns go by one name each, however an issue titles them,
so that a title worded anew changes no row.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from watcher.core import Record, Subject, Value
from watcher.matching import is_known
from watcher.sections import PERSONS

COUNT, OFFICE = "Issued Detainers", "AOR"
COLUMNS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "I": (
        ("", r"^(?:rank|no\.?|#|number)$"),
        ("County", r"\bcounty|jurisdiction|parish"),
        ("State", r"\bstate\b"),
        (COUNT, r"detainers|issued|total|number"),
    ),
    PERSONS: (
        ("", r"^(?:no\.?|#)$"),
        ("State", r"^state$"),
        ("County", r"^county$"),
        ("Law Enforcement Agency", r"agency|\blea\b|jail|facility|jurisdiction"),
        ("Citizenship", r"citizen|country|nationality"),
        ("Date Issued", r"issued"),
        ("Date Declined", r"declined|refus|reject|released?\b"),
        ("Notable Criminal Activity", r"crim|notable|offens"),
    ),
    "III": (
        ("", r"^(?:no\.?|#)$"),
        ("Jurisdiction", r"jurisdiction"),
        (OFFICE, r"\baor\b|area of responsibility|field office"),
        ("Date Enacted", r"enacted|\bdate\b|effective"),
        ("Policy", r"polic"),
        ("Criteria for Honoring Detainer", r"criteria|honou?r"),
    ),
}
"""By section, the names of columns, each with what its title says; "" for those that number the rows."""
NAMING = {"I": ("County", "State"), PERSONS: ("Law Enforcement Agency", "County", "State"), "III": ("Jurisdiction",)}
"""The columns that say whom a row is about."""
ANCHOR = {"I": (COUNT,), PERSONS: ("Date Issued", "Date Declined"), "III": ("Date Enacted",)}
"""The columns by which rows are counted: each row has a figure or a date there, on one line."""
LONGEST_TITLE = 60
FEWEST = 2
"""Columns that a header has at least."""
_FIGURE = re.compile(r"[\d,]{1,9}")
_MONTH = re.compile(r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?", re.IGNORECASE)
_TOTAL = re.compile(r"(?:grand )?totals?\b", re.IGNORECASE)


class Row(NamedTuple):
    """A row as it stands on a page. `parted`: it is sure to be the rest of one that began on the page before."""

    cells: Sequence[str]
    page: int = 0
    parted: bool = False


class Table(NamedTuple):
    """The records of one section, and the sum that it states itself in a row of its own, if it does."""

    records: tuple[Record, ...]
    total: Value = None


def columns(section: str, titles: Sequence[str]) -> list[str | None]:
    """The names of columns by their titles, each once; None for those that only number rows."""
    found: list[str | None] = []
    for title in titles:
        words = " ".join(title.casefold().split())
        names = [name for name, said in COLUMNS[section] if re.search(said, words) and name not in found]
        found.append((names[0] or None) if names else title or None)
    return found


def is_header(section: str, titles: Sequence[str]) -> bool:
    """Whether these are the titles of the columns of a section, and no row."""
    found = {name for name, title in zip(columns(section, titles), titles, strict=True) if len(title) <= LONGEST_TITLE}
    known = found.intersection(name for name, _ in COLUMNS[section])
    figures = any(map(str.isdigit, "".join(titles)))
    return len(known) >= FEWEST and not figures and not known.isdisjoint(NAMING[section])


def has_anchor(section: str, titles: Sequence[str], cells: Sequence[str]) -> bool:
    """Whether cells have the figure or date that a row has once."""
    return _has_anchor(section, {name or "": cell for name, cell in zip(columns(section, titles), cells, strict=False)})


def read(section: str, rows: Iterable[Row]) -> Table:
    """The records of a section: headers said again left out, parted rows joined, a cell of many rows said in each."""
    names: list[str | None] = []
    found: list[tuple[dict[str, str], int]] = []
    total: Value = None
    group, page = "", 0
    for row in rows:
        if is_header(section, row.cells):
            names = columns(section, row.cells)
            continue
        fields = {name: cell for name, cell in zip(names, row.cells, strict=False) if name}
        if not any(fields.values()):
            continue
        if _TOTAL.match(row.cells[0]):
            total = next(map(number, filter(_FIGURE.fullmatch, row.cells)), None)
        elif found and _goes_on(section, row, fields, last := found[-1][0], is_first=row.page != page):
            last.update({name: _join(last.get(name, ""), cell) for name, cell in fields.items()})
        elif _is_group(row, fields, section):
            group = row.cells[0]
        else:
            found.append((_filled(section, fields, found[-1][0] if found else {}, group), row.page))
        page = row.page
    return Table(tuple(_records(section, found)), total)


def _goes_on(section: str, row: Row, fields: Mapping[str, str], last: Mapping[str, str], *, is_first: bool) -> bool:
    """Whether a row is the rest of the `last` one: it lacks what each row has once, or has the year that one lacks."""
    if row.parted:
        return True
    name = NAMING[section][0]
    if not _has_anchor(section, fields):
        empty = any(not cell for name, cell in fields.items() if name not in ANCHOR[section])
        return (empty and not fields.get(name)) or (is_first and (empty or not is_known(_about(section, fields)[1])))
    return is_first and any(_MONTH.fullmatch(last.get(anchor, "")) for anchor in ANCHOR[section])


def _has_anchor(section: str, fields: Mapping[str, str]) -> bool:
    return any(any(map(str.isdigit, fields.get(name, ""))) for name in ANCHOR[section])


def _is_group(row: Row, fields: Mapping[str, str], section: str) -> bool:
    """Whether a row is a title across all columns, the place of the rows below; merged cells say it in each."""
    alone = section == PERSONS and [name for name, cell in fields.items() if cell] == [NAMING[section][0]]
    return len(row.cells) > 1 and (alone or len(set(row.cells)) == 1)


def _join(text: str, more: str) -> str:
    from watcher.sources.pdf_pages import joined

    return joined(filter(None, (text, more)))


def _filled(section: str, fields: dict[str, str], above: Mapping[str, str], group: str) -> dict[str, str]:
    """A row with the place that is said once for many rows: in the cell of the first, or in a title above them."""
    if section != PERSONS or any(fields.get(name) for name in NAMING[section]):
        return fields
    name = NAMING[section][0]
    if group:
        return {**fields, name: group} if name in fields else {name: group, **fields}
    return {**fields, **{name: above.get(name, "") for name in NAMING[section] if name in fields}}


def _records(section: str, rows: Iterable[tuple[Mapping[str, str], int]]) -> Iterable[Record]:
    seen: Counter[str] = Counter()
    for fields, page in rows:
        values, subject = _about(section, fields)
        seen[subject.id] += 1
        key = subject.id if seen[subject.id] == 1 else f"{subject.id}#{seen[subject.id]}"
        yield Record(key, values, section, subject, page)


def _about(section: str, fields: Mapping[str, str]) -> tuple[dict[str, Value], Subject]:
    """The values of a row, and the place that it names."""
    from watcher.places import resolve, split_office

    values: dict[str, Value] = dict(fields)
    state, county = fields.get("State", ""), fields.get("County", "")
    if section == "I":
        values[COUNT] = number(fields.get(COUNT, ""))
        return values, resolve(county or state, state=state, kind="county" if county else "state")
    name = fields.get(NAMING[section][0], "")
    if section == PERSONS:
        named = ", ".join(filter(None, (name, county)))
        return values, resolve(named or state, state=state, kind="" if name else "county")
    place, office = split_office(name)
    if OFFICE not in fields:
        values = {NAMING[section][0]: place, OFFICE: office or "", **values, NAMING[section][0]: place}
    return values, resolve(place)


def number(text: str) -> Value:
    """A figure as a number; any other text as it is."""
    return int(text.replace(",", "")) if _FIGURE.fullmatch(text) and text.strip(",") else text
