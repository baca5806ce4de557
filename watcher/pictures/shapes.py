"""The packaged outlines of states and counties, as maps are drawn from them. Read once, on first use."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from itertools import accumulate
from typing import NamedTuple

import msgspec

from watcher.pictures.scene import Point, Ring

Rings = tuple[Ring, ...]


class _Packed(msgspec.Struct):
    """The file as it is: `steps` in a unit, arcs as a first point and ways on, rings as numbers of arcs."""

    steps: int
    arcs: list[list[int]]
    states: dict[str, list[list[int]]]
    counties: dict[str, dict[str, list[list[int]]]]
    stand_ins: dict[str, str]


class Shapes(NamedTuple):
    """Outlines on a plane 975 wide and 610 high, Alaska and Hawaii as insets at its lower left.

    `states` are by postal code; `counties` by postal code, then by FIPS code, the bigger first, since a city may lie in
    a county. `stand_ins` says which county is drawn for one that has no outline.
    """

    states: Mapping[str, Rings]
    counties: Mapping[str, Mapping[str, Rings]]
    stand_ins: Mapping[str, str]


@cache
def shapes() -> Shapes:
    """All outlines."""
    raw = resources.files("watcher").joinpath("data", "shapes.json.gz").read_bytes()
    packed = msgspec.json.decode(gzip.decompress(raw), type=_Packed)
    arcs = [_arc(numbers, packed.steps) for numbers in packed.arcs]
    return Shapes(
        {code: _rings(rings, arcs) for code, rings in packed.states.items()},
        {code: {fips: _rings(r, arcs) for fips, r in of.items()} for code, of in packed.counties.items()},
        packed.stand_ins,
    )


def _arc(numbers: Sequence[int], steps: int) -> Ring:
    xs, ys = accumulate(numbers[::2]), accumulate(numbers[1::2])
    return tuple((x / steps, y / steps) for x, y in zip(xs, ys, strict=True))


def _rings(rings: Sequence[Sequence[int]], arcs: Sequence[Ring]) -> Rings:
    return tuple(tuple(_points(ring, arcs)) for ring in rings)


def _points(ring: Sequence[int], arcs: Sequence[Ring]) -> list[Point]:
    """The points of a ring; a negative number is an arc walked backwards. Each arc ends where the next begins."""
    return [point for n in ring for point in (arcs[n] if n >= 0 else arcs[~n][::-1])[:-1]]
