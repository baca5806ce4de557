"""One drawing as a few simple shapes in pixels, and the paints they are drawn in; raster and vector bring it to paper.

What is drawn says nothing of colours, only the name of a paint, so that both back ends, and a dark page, agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

WIDTH = 1000
"""Pixels across. A phone shows that at about 360, so that letters of 28 look like 10."""

Point = tuple[float, float]
Ring = tuple[Point, ...]


class Paint(NamedTuple):
    """How a shape is filled and edged; "" for not at all. `hatch` (/, -, x or "") is drawn in the edge's colour."""

    fill: str
    edge: str = ""
    width: float = 0
    hatch: str = ""


PAINTS: Mapping[str, tuple[Paint, Paint]] = {
    "paper": (Paint("#ffffff"), Paint("#16191d")),
    "rule": (Paint("#d5d8dc"), Paint("#363c44")),
    "land": (Paint("#e9eaec", "#ffffff", 1.5), Paint("#262b31", "#16191d", 1.5)),
    "near": (Paint("#dcdee1", "#f6f7f8", 1), Paint("#343a42", "#1d2126", 1)),
    "border": (Paint("", "#6d747c", 1.2), Paint("", "#8d949c", 1.2)),
    "listed": (Paint("#2b70ba", "#0a2f57", 1.5), Paint("#4d9be8", "#cfe5fb", 1.5)),
    "dropped": (Paint("#f9b65c", "#7d3c00", 1.5, "/"), Paint("#b5690f", "#ffdcae", 1.5, "/")),
    "changed": (Paint("#c9e3c4", "#1f5c2e", 1.5, "-"), Paint("#2f6b3d", "#cdeccb", 1.5, "-")),
    "several": (Paint("#e3d3ee", "#552a73", 1.5, "x"), Paint("#6a418a", "#e6d3f3", 1.5, "x")),
    "listed-state": (Paint("#a5c9ee", "#0a2f57", 2.5), Paint("#1f4a78", "#cfe5fb", 2.5)),
    "dropped-state": (Paint("#fde3c0", "#a3560f", 2.5, "/"), Paint("#57370f", "#e8a85a", 2.5, "/")),
    "changed-state": (Paint("#e9f4e6", "#4b8a58", 2.5, "-"), Paint("#1f3f27", "#84b98c", 2.5, "-")),
    "several-state": (Paint("#f3ebf8", "#8157a0", 2.5, "x"), Paint("#3a2649", "#b48fd0", 2.5, "x")),
}
"""Each in light and in dark. Told apart by lightness and hatch as well as by hue, so that grey is enough."""

INKS: Mapping[str, tuple[str, str]] = {"ink": ("#16191d", "#f0f2f4"), "quiet": ("#565d66", "#a9b1ba")}
"""The colours of letters, in light and in dark."""

HATCHES: Mapping[str, tuple[tuple[Point, Point], ...]] = {
    "/": (((-3, 15), (15, -3)), ((-9, 9), (9, -9)), ((3, 21), (21, 3))),
    "-": (((-2, 6), (14, 6)),),
    "x": (((-3, 15), (15, -3)), ((-3, -3), (15, 15))),
}
"""The strokes of one tile of each hatch."""
TILE = 12
STROKE = 3.0


@dataclass(frozen=True, slots=True)
class Area:
    """Filled outlines. `name` is what it stands for, for those who point at it or cannot see it."""

    rings: tuple[Ring, ...]
    paint: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Marker:
    """A circle around something too small to see, in the edge colour of `paint` on a rim of paper; both so wide."""

    centre: Point
    radius: float
    paint: str
    RIM: ClassVar[float] = 8
    EDGE: ClassVar[float] = 4


@dataclass(frozen=True, slots=True)
class Text:
    """One line of letters. `at` is where its base line begins; `room` is how wide it may be."""

    at: Point
    text: str
    size: float
    room: float
    bold: bool = False
    ink: str = "ink"


Shape = Area | Marker | Text


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawing: its shapes from the back to the front. `title` and `description` say in words what it shows."""

    width: int
    height: int
    title: str
    description: str
    shapes: tuple[Shape, ...]


def box(x: float, y: float, width: float, height: float, paint: str) -> Area:
    """A rectangle by its upper left corner and size."""
    return Area((((x, y), (x + width, y), (x + width, y + height), (x, y + height)),), paint)
