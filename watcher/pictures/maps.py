"""A map of the United States, or of the few states concerned, with what was listed, dropped and changed where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, tzinfo
from typing import NamedTuple

from watcher.core import Change
from watcher.pictures.framing import GAP, MARGIN, TYPE, head, lines
from watcher.pictures.lettering import width
from watcher.pictures.placing import SEVERAL, Placed, Spot, placed, spot_names
from watcher.pictures.scene import WIDTH, Area, Marker, Point, Ring, Scene, Shape, Text, box
from watcher.pictures.shapes import Rings, shapes
from watcher.places.tables import states
from watcher.summary import shorten

FEW_STATES = 4
"""Up to so many states may be shown close up."""
CLOSE_UP = 0.45
"""The part of the country's width and height that they may take for it."""
TALLEST = 860.0
LOWEST = 440.0
CLOSEST = 14.0
"""Pixels in a unit, at most; closer up, the outlines are coarse and a small state loses its neighbours."""
AIR = 1.12
"""How much more than its states a close-up shows."""
SMALL = 10.0
"""Outlines that are narrower and lower than this, in pixels, are marked."""
RADIUS = 13.0
MOST_MARKED = 40
"""With more small outlines than this there is enough to see without marks."""
MOST_NAMED = 40
"""Places that the description names of each fate."""
MOST_NOTED = 8
MOST_LINES = 3
"""Places that a note under the map names at most, in so many lines."""

SWATCH = (46.0, 32.0)


class _Window(NamedTuple):
    """A rectangle on the plane of the outlines."""

    left: float
    top: float
    right: float
    low: float

    @property
    def wide(self) -> float:
        return self.right - self.left

    @property
    def high(self) -> float:
        return self.low - self.top

    def meets(self, other: _Window) -> bool:
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.low and other.top < self.low


class _View(NamedTuple):
    """How the plane comes to the picture: what is seen, pixels in a unit, the map's top and height, states close up."""

    window: _Window
    scale: float
    top: float
    height: float
    close: tuple[str, ...]

    def rings(self, rings: Rings) -> Rings:
        return tuple(tuple(self.point(point) for point in ring) for ring in rings)

    def point(self, point: Point) -> Point:
        return (point[0] - self.window.left) * self.scale, (point[1] - self.window.top) * self.scale + self.top


def county_map(changes: Sequence[Change], zone: tzinfo = UTC) -> Scene:
    """Draw the places of `changes` on a map; the day under the title is that of the last change, in `zone`.

    Counties are coloured, and the counties of cities and agencies; whole states in a paler tint. Few states are shown
    close up. What has no outline is named below. Raises ValueError where there are no changes.
    """
    if not changes:
        raise ValueError("a map needs changes: call county_map with at least one")
    found = placed(changes)
    title = _title(found)
    close = _close(found.spots)
    top, heading = head(title, changes, zone, [states()[code].name for code in close])
    view = _view(close, top)
    low = top + view.height
    below, legend = _legend(found, low + GAP)
    below, notes = _notes(found, below)
    # What reaches beyond the map is covered by paper, which costs less than clipping outlines.
    frame = (box(0, 0, WIDTH, top, "paper"), box(0, low, WIDTH, below + MARGIN - low, "paper"))
    areas = (*_land(view), *_coloured(found.spots, view), *_borders(view))
    drawn: tuple[Shape, ...] = (*areas, *_markers(found.spots, view), *frame, *heading, *legend, *notes)
    return Scene(WIDTH, round(below + MARGIN / 2), title, _description(found), drawn)


# ---------------------------------------------------------------- what is seen


def _close(spots: Iterable[Spot]) -> tuple[str, ...]:
    """The states to be shown close up: those concerned, where they are few and lie together; else none."""
    found = tuple(sorted({spot.state for spot in spots}))
    if not found or len(found) > FEW_STATES:
        return ()
    window, country = _around(found), _around(shapes().states)
    small = window.wide < CLOSE_UP * country.wide and window.high < CLOSE_UP * country.high
    return found if small else ()


def _view(close: Sequence[str], top: float) -> _View:
    """The states shown close up in the middle, or the whole country."""
    window = _around(close or shapes().states)
    air = AIR if close else 1.02
    scale = min(WIDTH / (window.wide * air), TALLEST / (window.high * air), CLOSEST)
    height = max(window.high * air * scale, LOWEST)
    across, middle = (window.left + window.right) / 2, (window.top + window.low) / 2
    half, tall = WIDTH / 2 / scale, height / 2 / scale
    return _View(_Window(across - half, middle - tall, across + half, middle + tall), scale, top, height, tuple(close))


def _around(codes: Iterable[str]) -> _Window:
    return _bounds(ring for code in codes for ring in shapes().states[code])


def _bounds(rings: Iterable[Ring]) -> _Window:
    xs, ys = zip(*(point for ring in rings for point in ring), strict=True)
    return _Window(min(xs), min(ys), max(xs), max(ys))


def _outline(spot: Spot) -> Rings:
    atlas = shapes()
    return atlas.counties[spot.state][spot.fips] if spot.fips else atlas.states[spot.state]


# ---------------------------------------------------------------- what is drawn, from the back to the front


def _land(view: _View) -> Iterator[Area]:
    """The states in view in quiet grey, and the counties of those shown close up."""
    atlas = shapes()
    for rings in atlas.states.values():
        seen = tuple(ring for ring in rings if view.window.meets(_bounds((ring,))))
        if seen:
            yield Area(view.rings(seen), "land")
    for code in view.close:
        yield from (Area(view.rings(rings), "near") for rings in atlas.counties[code].values())


def _coloured(spots: Mapping[Spot, str], view: _View) -> Iterator[Area]:
    """Whole states, then counties, the bigger before those that lie in them."""
    atlas, names = shapes(), spot_names()
    for spot in (Spot(code) for code in atlas.states):
        if spot in spots:
            yield Area(view.rings(_outline(spot)), f"{spots[spot]}-state", f"{names[spot]}: {spots[spot]}")
    for spot in (Spot(code, fips) for code, of in atlas.counties.items() for fips in of):
        if spot in spots:
            yield Area(view.rings(_outline(spot)), spots[spot], f"{names[spot]}: {spots[spot]}")


def _borders(view: _View) -> Iterator[Area]:
    """The borders of the states shown close up, over their counties."""
    return (Area(view.rings(shapes().states[code]), "border") for code in view.close)


def _markers(spots: Mapping[Spot, str], view: _View) -> Sequence[Marker]:
    """A ring around each outline too small to see; those of one fate that would fall together are one."""
    made: list[Marker] = []
    for spot, fate in spots.items():
        seen = _bounds(view.rings(_outline(spot)))
        if max(seen.wide, seen.high) > SMALL:
            continue
        centre = (seen.left + seen.right) / 2, (seen.top + seen.low) / 2
        if not any(mark.paint == fate and _near(mark.centre, centre) for mark in made):
            made.append(Marker(centre, RADIUS, fate))
        if len(made) > MOST_MARKED:
            return ()
    return made


def _near(one: Point, other: Point) -> bool:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2 < RADIUS**2


# ---------------------------------------------------------------- what is said


def _title(found: Placed) -> str:
    """How many places of each fate: "35 places listed, 2 dropped"."""
    counted = [f"{len(places):,} {found.words[fate]}" for fate, places in found.places.items()]
    if not counted:
        return "No places in these changes"
    number, _, rest = counted[0].partition(" ")
    return ", ".join((f"{number} place{'' if number == '1' else 's'} {rest}", *counted[1:]))


def _description(found: Placed) -> str:
    said = (
        f"{found.words[fate].capitalize()}: {_named([place.name for place in places])}."
        for fate, places in found.places.items()
    )
    return " ".join(said)


def _named(names: Sequence[str], most: int = MOST_NAMED) -> str:
    shown = "; ".join(shorten(name, 80) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown


def _entries(found: Placed) -> Iterator[tuple[str, str]]:
    """The paints that are on the map, each with what it means and how often it is there."""
    off_map = set(found.off_map)
    for fate, places in found.places.items():
        on_map = [place for place in places if place not in off_map]
        whole = sum(place.id.startswith("us-state:") for place in on_map)
        word = found.words[fate].capitalize()
        if len(on_map) > whole:
            yield fate, f"{word}: {len(on_map) - whole:,}"
        if whole:
            yield f"{fate}-state", f"{word}, whole state: {whole}"
    several = {f"{SEVERAL}{'' if spot.fips else '-state'}" for spot, fate in found.spots.items() if fate == SEVERAL}
    yield from ((paint, "More than one of these") for paint in sorted(several))


def _legend(found: Placed, top: float) -> tuple[float, list[Shape]]:
    """Swatches with words, in as many rows as they need."""
    shapes_: list[Shape] = []
    left = MARGIN
    for paint, words in _entries(found):
        wide = SWATCH[0] + GAP + width(words, TYPE)
        if left > MARGIN and left + wide > WIDTH - MARGIN:
            left, top = MARGIN, top + SWATCH[1] + GAP
        shapes_.append(box(left, top, *SWATCH, paint))
        shapes_.append(Text((left + SWATCH[0] + GAP, top + 0.82 * SWATCH[1]), words, TYPE, width(words, TYPE)))
        left += wide + 2.5 * GAP
    return (top + SWATCH[1] + GAP if shapes_ else top), shapes_


def _notes(found: Placed, top: float) -> tuple[float, list[Shape]]:
    """What the map does not show, and what it shows by another outline."""
    shapes_: list[Shape] = []
    for label, places in (("Not on the map", found.off_map), ("Shown in another year's borders", found.stood_in)):
        names = [place.name for place in places]
        for most in range(min(MOST_NOTED, len(names)), 0, -1):
            below, set_in = lines(f"{label}: {_named(names, most)}", (MARGIN, top), most=MOST_LINES + 1, ink="quiet")
            if len(set_in) <= MOST_LINES or most == 1:
                top, shapes_ = below, [*shapes_, *set_in]
                break
    return top, shapes_
