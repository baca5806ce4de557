"""Which places of some changes a map can show, and what became of each: changes in, outlines with a fate out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

from watcher.core import Change, Subject
from watcher.pictures.shapes import shapes
from watcher.places.tables import county_list, states
from watcher.summary import NAMED

FATES = {
    "jurisdiction.listed": "listed",
    "record.added": "listed",
    "jurisdiction.delisted": "dropped",
    "record.removed": "dropped",
    "jurisdiction.changed": "changed",
    "jurisdiction.reattributed": "changed",
    "record.changed": "changed",
}
"""What a kind of change means for the place that it is about; the names are paints."""

SEVERAL = "several"
"""The fate of an outline in which places with different fates lie."""

_COUNTY = "us-county:"
_STATE = "us-state:"


class Spot(NamedTuple):
    """An outline: the postal code of its state and, unless it is the whole state, its FIPS code."""

    state: str
    fips: str = ""


class Placed(NamedTuple):
    """Places by fate, fates by outline, and what the map cannot show, or not as it is.

    `words` are how changes of a fate are called in this list: "listed", "added", "listed or added".
    """

    places: Mapping[str, tuple[Subject, ...]]
    spots: Mapping[Spot, str]
    words: Mapping[str, str]
    off_map: tuple[Subject, ...]
    stood_in: tuple[Subject, ...]

    @property
    def shown(self) -> int:
        """How many places are on the map."""
        return sum(map(len, self.places.values())) - len(self.off_map)


def placed(changes: Sequence[Change]) -> Placed:
    """Find the places of `changes` on the map: counties and states themselves, cities and agencies by their county."""
    fates: dict[Subject, set[str]] = defaultdict(set)
    words: dict[str, dict[str, None]] = defaultdict(dict)
    for change in changes:
        fate = FATES.get(change.kind)
        if fate and change.subject.is_place:
            fates[change.subject].add(fate)
            words[fate][NAMED.get(change.kind, "changed").lower()] = None
    places: dict[str, list[Subject]] = {fate: [] for fate in ("listed", "dropped", "changed")}
    spots: dict[Spot, str] = {}
    off_map, stood_in = [], []
    for subject, its_fates in fates.items():
        fate = _graver(its_fates)
        places[fate].append(subject)
        found = _spots(subject)
        for spot in found:
            spots[spot] = fate if spots.get(spot, fate) == fate else SEVERAL
        if not found:
            off_map.append(subject)
        elif subject.id.removeprefix(_COUNTY) in shapes().stand_ins:
            stood_in.append(subject)
    return Placed(
        {fate: tuple(subjects) for fate, subjects in places.items() if subjects},
        spots,
        {fate: " or ".join(words[fate] or ("changed",)) for fate in places},
        tuple(off_map),
        tuple(stood_in),
    )


@cache
def spot_names() -> Mapping[Spot, str]:
    """Every outline with its name as AP writes it."""
    counties = {entry.subject.id.removeprefix(_COUNTY): entry.subject.name for entry in county_list()}
    atlas = shapes()
    named = {Spot(code, fips): counties.get(fips, "") for code, of in atlas.counties.items() for fips in of}
    return named | {Spot(code): states()[code].name for code in atlas.states}


@cache
def _by_id() -> Mapping[str, Spot]:
    """The outline that is drawn for a place, by the place's id."""
    atlas = shapes()
    states_too = {f"{_STATE}{code}": Spot(code) for code in atlas.states}
    counties = {f"{_COUNTY}{fips}": Spot(code, fips) for code, of in atlas.counties.items() for fips in of}
    stand_ins = {f"{_COUNTY}{fips}": counties[f"{_COUNTY}{other}"] for fips, other in atlas.stand_ins.items()}
    return states_too | counties | stand_ins


def _graver(fates: set[str]) -> str:
    """The one fate of a place: who is listed or dropped, and changed too, is that; who is both has moved."""
    moved = fates & {"listed", "dropped"}
    return moved.pop() if len(moved) == 1 else "changed"


def _spots(subject: Subject) -> Iterable[Spot]:
    """The outlines of a place: its own, or those of the counties that it lies in."""
    by_id = _by_id()
    if subject.id in by_id:
        return (by_id[subject.id],)
    return tuple(by_id[place] for place in subject.within if place in by_id)
