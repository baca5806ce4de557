"""A scene as SVG: for web pages, in light or dark as the reader's system is, with its words for who cannot see it."""

from __future__ import annotations

import html

from watcher.pictures.scene import HATCHES, INKS, PAINTS, STROKE, TILE, Area, Marker, Ring, Scene, Shape, Text
from watcher.render.formats import clean

HATCHED = tuple(name for name, (light, _) in PAINTS.items() if light.hatch)
_NOT_XML = dict.fromkeys((0xFFFE, 0xFFFF))


def svg(scene: Scene) -> str:
    """Return the scene as one element that stands alone or inside an HTML page. All outside text is escaped."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 {scene.width} {scene.height}"'
        ' role="img" font-family="DejaVu Sans, Verdana, system-ui, sans-serif">'
        f"<title>{_escaped(scene.title)}</title><desc>{_escaped(scene.description)}</desc>"
        f"<style>{_rules(0)}@media(prefers-color-scheme:dark){{{_rules(1)}}}</style>"
        f"<defs>{''.join(map(_pattern, HATCHED))}</defs>"
        f'<rect class="paper" width="{scene.width}" height="{scene.height}"/>'
        f"{''.join(map(_shape, scene.shapes))}</svg>"
    )


def _escaped(text: str) -> str:
    return html.escape(clean(text).translate(_NOT_XML))


def _rules(theme: int) -> str:
    """The classes of one theme; 0 is light, 1 is dark."""
    rules = []
    for name, both in PAINTS.items():
        paint = both[theme]
        fill = f"url(#hatch-{name})" if paint.hatch else paint.fill or "none"
        rules.append(f".picture .{name}{{fill:{fill};stroke:{paint.edge or 'none'};stroke-width:{paint.width:g}}}")
        if paint.edge:
            rules.append(f".picture .ring-{name}{{fill:none;stroke:{paint.edge}}}")
        if paint.hatch:
            rules.append(f"#hatch-{name} rect{{fill:{paint.fill}}}#hatch-{name} path{{stroke:{paint.edge}}}")
    rules.append(f".picture .rim{{fill:none;stroke:{PAINTS['paper'][theme].fill}}}")
    rules += (f".picture .{ink}{{fill:{both[theme]}}}" for ink, both in INKS.items())
    return "".join(rules)


def _pattern(name: str) -> str:
    strokes = "".join(f"M{x:g} {y:g}L{u:g} {v:g}" for (x, y), (u, v) in HATCHES[PAINTS[name][0].hatch])
    return (
        f'<pattern id="hatch-{name}" width="{TILE}" height="{TILE}" patternUnits="userSpaceOnUse">'
        f'<rect width="{TILE}" height="{TILE}"/><path d="{strokes}" stroke-width="{STROKE:g}"/></pattern>'
    )


def _shape(shape: Shape) -> str:
    if isinstance(shape, Area):
        name = f"<title>{_escaped(shape.name)}</title>" if shape.name else ""
        return f'<path class="{shape.paint}" d="{"".join(map(_path, shape.rings))}">{name}</path>'
    if isinstance(shape, Marker):
        circle = f'cx="{shape.centre[0]:.1f}" cy="{shape.centre[1]:.1f}" r="{shape.radius:g}"'
        rim, edge = Marker.RIM, Marker.EDGE
        return (
            f'<circle class="rim" {circle} stroke-width="{rim:g}"/>'
            f'<circle class="ring-{shape.paint}" {circle} stroke-width="{edge:g}"/>'
        )
    return _text(shape)


def _path(ring: Ring) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z"


def _text(text: Text) -> str:
    weight = ' font-weight="bold"' if text.bold else ""
    return (
        f'<text class="{text.ink}" x="{text.at[0]:g}" y="{text.at[1]:g}" font-size="{text.size:g}"{weight}>'
        f"{_escaped(text.text)}</text>"
    )
