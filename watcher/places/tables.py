"""The packaged tables of states, counties, cities and agencies, as subjects that can be looked up by name.

Read once, on first use. How the files were made is told in watcher/data/README.md.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

from watcher.core import Subject
from watcher.places.spelling import key, slug

CITY = "city"
"""The legal type of an independent city, which belongs to no county."""


class State(NamedTuple):
    """A state, the District or a territory: postal code, name, AP abbreviation and further spellings."""

    code: str
    name: str
    ap: str
    spellings: tuple[str, ...]


class Entry(NamedTuple):
    """A row of a table: its subject, its names without state, its legal type, and whether AP leaves off its state."""

    subject: Subject
    names: tuple[str, ...]
    type: str = ""
    alone: bool = False


Index = Mapping[str, tuple[Entry, ...]]
"""The entries that bear a name, by its `key`."""


def _rows(name: str) -> Iterator[dict[str, str]]:
    from importlib import resources

    text = resources.files("watcher").joinpath("data", name).read_text(encoding="utf-8")
    return csv.DictReader(text.splitlines())


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split("|") if part)


def _index(entries: Iterable[Entry]) -> Index:
    by_name: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        for name in dict.fromkeys(map(key, entry.names)):
            by_name[name].append(entry)
    return {name: tuple(found) for name, found in by_name.items()}


@cache
def states() -> Mapping[str, State]:
    """The states by postal code."""
    return {
        row["code"]: State(
            row["code"], row["name"], row["ap"], (row["code"], row["name"], row["ap"], *_listed(row["also"]))
        )
        for row in _rows("states.csv")
    }


@cache
def state_names() -> Mapping[str, str]:
    """Every spelling of a state, as `key`, to its postal code."""
    return {key(name): state.code for state in states().values() for name in state.spellings}


def state_subject(code: str) -> Subject:
    """The identity of a state."""
    return Subject(f"us-state:{code}", states()[code].name, code)


def with_state(name: str, code: str) -> str:
    """Write a place's name as AP does: "Clark County" and NV give "Clark County, Nev."."""
    return f"{name}, {states()[code].ap}"


@cache
def county_list() -> tuple[Entry, ...]:
    """All counties, their equivalents, and the independent cities, in the order of their codes."""
    code_of = {row["fips"]: row["code"] for row in _rows("states.csv")}
    found = []
    for row in _rows("counties.csv"):
        code, base, legal = code_of[row["fips"][:2]], row["name"], row["type"]
        name = with_state(base if legal == CITY else f"{base} {legal}", code)
        found.append(Entry(Subject(f"us-county:{row['fips']}", name, code), (base, *_listed(row["also"])), legal))
    return tuple(found)


@cache
def counties() -> Index:
    """Counties and their equivalents by name without the legal type, independent cities among them."""
    return _index(county_list())


@cache
def city_list() -> tuple[Entry, ...]:
    """The cities whose counties are known, then the independent cities."""
    known = [
        Entry(
            Subject(
                f"us-place:{row['state']}/{slug(row['name'])}",
                with_state(row["name"], row["state"]),
                row["state"],
                tuple(f"us-county:{fips}" for fips in _listed(row["counties"])),
            ),
            (row["name"], *_listed(row["also"])),
            alone=bool(row["alone"]),
        )
        for row in _rows("cities.csv")
    ]
    independent = [e._replace(alone=e.names[0] in {"Baltimore", "St. Louis"}) for e in county_list() if e.type == CITY]
    return (*known, *independent)


@cache
def cities() -> Index:
    """Known cities by name."""
    return _index(city_list())


@cache
def agency_list() -> tuple[Entry, ...]:
    """The agencies and jails that have a name of their own."""
    return tuple(
        Entry(
            Subject(
                f"us-agency:{row['state']}/{slug(row['name'])}",
                with_state(row["name"], row["state"]),
                row["state"],
                _listed(row["within"]),
            ),
            (row["name"], *_listed(row["also"])),
        )
        for row in _rows("agencies.csv")
    )


class Phrases:
    """Names as runs of words: says how far the longest name that starts at a word reaches."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = frozenset(keys)
        self._starts = frozenset(k[:n] for k in self._keys for n in range(1, len(k) + 1))

    def begins(self, spellings: tuple[str, ...]) -> bool:
        """Whether a name may begin with this word."""
        return any(s in self._starts for s in spellings)

    def longest(self, words: Iterable[tuple[str, ...]]) -> tuple[str, int] | None:
        """Return the longest name that `words` begin with, and how many words it has; None where there is none.

        Each word comes in the spellings that may end a name, the one that may stand inside it first.
        """
        run, found = "", None
        for count, spellings in enumerate(words, start=1):
            found = next(((run + s, count) for s in spellings if run + s in self._keys), found)
            run += spellings[0]
            if run not in self._starts:
                break
        return found
