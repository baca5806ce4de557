"""Builds watcher/data/shapes.json.gz, the outlines of states and counties, from the projected map of us-atlas.

npm pack us-atlas && tar xzf us-atlas-*.tgz
python tools/build_shapes.py package/counties-albers-10m.json watcher/data/shapes.json.gz
"""  # noqa: INP001 - a script of its own

from __future__ import annotations

import csv
import gzip
import itertools
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

STEPS = 40
"""Steps of a coordinate in one unit of the map, which is 975 units wide."""

SPECK = 0.06
"""Islets smaller than this, in square units, are left out where their county has something bigger."""

FLAT = 0.4
"""Half the width of what is drawn for a county whose outline has come out flat."""

STAND_INS = {
    # Connecticut's planning regions since 2022: the county that holds most of each.
    "09110": "09003",
    "09120": "09001",
    "09130": "09007",
    "09140": "09009",
    "09150": "09015",
    "09160": "09005",
    "09170": "09009",
    "09180": "09011",
    "09190": "09001",
    # Alaska's areas that were made, or split up, since or before the map was drawn.
    "02063": "02261",
    "02066": "02261",
    "02201": "02198",
    "02232": "02105",
    "02280": "02195",
}
"""Places that the map does not draw, each with the county drawn for it."""

Arc = list[tuple[int, int]]
Rings = list[list[int]]


def arcs_of(topology: dict[str, Any]) -> list[Arc]:
    """The arcs in steps of our own grid, without points that fall together."""
    (sx, sy), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    arcs = []
    for arc in topology["arcs"]:
        summed = itertools.accumulate(arc, lambda a, b: [a[0] + b[0], a[1] + b[1]])
        points = [(round((x * sx + dx) * STEPS), round((y * sy + dy) * STEPS)) for x, y in summed]
        kept = [point for point, _ in itertools.groupby(points)]
        arcs.append(kept if len(kept) > 1 else points[:1] * 2)
    return arcs


def ring_points(ring: list[int], arcs: list[Arc]) -> Arc:
    """The points of a ring of arcs; a negative number is an arc walked backwards."""
    return [point for number in ring for point in (arcs[number] if number >= 0 else arcs[~number][::-1])[:-1]]


def area(points: Arc) -> float:
    """The area in square units of the map."""
    around = zip(points, points[1:] + points[:1], strict=True)
    return abs(sum(x * v - u * y for (x, y), (u, v) in around)) / 2 / STEPS**2


def diamond(points: Arc) -> Arc:
    """A small closed arc around `points`, for a city that the atlas has simplified to a line."""
    half = round(FLAT * STEPS)
    x, y = (sum(axis) // len(points) for axis in zip(*points, strict=True))
    return [(x - half, y), (x, y - half), (x + half, y), (x, y + half), (x - half, y)]


def outer_rings(shape: dict[str, Any], arcs: list[Arc]) -> Rings:
    """The outer rings, the biggest first. Holes are left out: what lies in them is drawn later, being smaller."""
    polygons = shape["arcs"] if shape["type"] == "MultiPolygon" else [shape["arcs"]]
    sized = sorted(((area(ring_points(p[0], arcs)), p[0]) for p in polygons), key=lambda pair: -pair[0])
    biggest = sized[0][1]
    if sized[0][0] == 0:
        arcs.append(diamond(ring_points(biggest, arcs)))
        return [[len(arcs) - 1]]
    return [biggest, *(ring for size, ring in sized[1:] if size >= SPECK)]


def deltas(arc: Arc) -> list[int]:
    """The first point, then the way to each next, as one flat list."""
    steps = [(u - x, v - y) for (x, y), (u, v) in itertools.pairwise(arc)]
    return [number for point in (arc[0], *steps) for number in point]


def main(atlas: Path, states_table: Path, target: Path) -> None:
    """Write the outlines of the topology file `atlas` to `target`; `states_table` has the postal codes."""
    topology = json.loads(atlas.read_text(encoding="utf-8"))
    with states_table.open(encoding="utf-8", newline="") as file:
        codes = {row["fips"]: row["code"] for row in csv.DictReader(file)}
    arcs = arcs_of(topology)
    shapes = {
        kind: {shape["id"]: outer_rings(shape, arcs) for shape in topology["objects"][kind]["geometries"]}
        for kind in ("states", "counties")
    }
    used = {n if n >= 0 else ~n for of in shapes.values() for rings in of.values() for ring in rings for n in ring}
    counties: dict[str, dict[str, Rings]] = defaultdict(dict)
    by_size = sorted(shapes["counties"].items(), key=lambda item: -area(ring_points(item[1][0], arcs)))
    for fips, rings in by_size:
        counties[codes[fips[:2]]][fips] = rings
    packed = {
        "steps": STEPS,
        "arcs": [deltas(arc) if number in used else [] for number, arc in enumerate(arcs)],
        "states": {codes[fips]: rings for fips, rings in sorted(shapes["states"].items())},
        "counties": dict(sorted(counties.items())),
        "stand_ins": STAND_INS,
    }
    text = json.dumps(packed, separators=(",", ":"))
    target.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(__file__).parent.parent / "watcher/data/states.csv", Path(sys.argv[2]))
