"""A scene as a PNG for chats, drawn by Pillow at twice its size and brought down, so that edges are smooth."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from io import BytesIO
from typing import TYPE_CHECKING

from watcher.pictures.scene import HATCHES, INKS, PAINTS, STROKE, TILE, Area, Marker, Scene, Text
from watcher.render.formats import clean

if TYPE_CHECKING:
    from PIL import ImageFont
    from PIL.Image import Image

TWICE = 2
COLOURS = 96
LIGHT = 0

FONTS = (("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"), ("LiberationSans-Regular.ttf", "LiberationSans-Bold.ttf"))
"""Fonts, plain and bold, that most machines have; where none is there, Pillow brings one with plain letters only."""

_PLAIN = str.maketrans({"→": "->", "–": "-", "—": "-", "⟨": "<", "⟩": ">", "·": ",", "×": "x"})


def png(scene: Scene) -> bytes:
    """Return the scene as a PNG of its size, on white. Raises ModuleNotFoundError where Pillow is not installed."""
    from PIL import Image

    size = (scene.width * TWICE, scene.height * TWICE)
    image = Image.new("RGB", size, PAINTS["paper"][LIGHT].fill)
    canvas = _Canvas(image)
    for shape in scene.shapes:
        canvas.draw(shape)
    small = image.resize((scene.width, scene.height), Image.Resampling.BOX)
    out = BytesIO()
    small.quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


class _Canvas:
    """An image that is drawn on, with the hatched sheets that were cut from so far."""

    def __init__(self, image: Image) -> None:
        from PIL import ImageDraw

        self._image = image
        self._draw = ImageDraw.Draw(image)
        self._sheets: dict[str, Image] = {}

    def draw(self, shape: Area | Marker | Text) -> None:
        if isinstance(shape, Area):
            self._area(shape)
        elif isinstance(shape, Marker):
            self._marker(shape)
        else:
            self._text(shape)

    def _area(self, area: Area) -> None:
        paint = PAINTS[area.paint][LIGHT]
        for ring in area.rings:
            points = [(x * TWICE, y * TWICE) for x, y in ring]
            if paint.hatch:
                self._hatched(points, area.paint)
            elif paint.fill:
                self._draw.polygon(points, fill=paint.fill)
            if paint.edge:
                width = round(paint.width * TWICE)
                self._draw.line([*points, *points[:2]], fill=paint.edge, width=width, joint="curve")

    def _hatched(self, points: list[tuple[float, float]], name: str) -> None:
        """Fill with a piece of a hatched sheet, so that neighbours are hatched as one."""
        from PIL import Image, ImageDraw

        across, down = [x for x, _ in points], [y for _, y in points]
        left, top = max(int(min(across)), 0), max(int(min(down)), 0)
        right, low = min(int(max(across)) + 1, self._image.width), min(int(max(down)) + 1, self._image.height)
        if right <= left or low <= top:
            return
        mask = Image.new("1", (right - left, low - top))
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points], fill=1)
        if name not in self._sheets:
            self._sheets[name] = _sheet(name, self._image.size)
        self._image.paste(self._sheets[name].crop((left, top, right, low)), (left, top), mask)

    def _marker(self, marker: Marker) -> None:
        (x, y), edge = marker.centre, PAINTS[marker.paint][LIGHT].edge
        for width, colour in ((marker.RIM, PAINTS["paper"][LIGHT].fill), (marker.EDGE, edge)):
            radius = (marker.radius + width / 2) * TWICE
            corners = (x * TWICE - radius, y * TWICE - radius, x * TWICE + radius, y * TWICE + radius)
            self._draw.ellipse(corners, outline=colour, width=round(width * TWICE))

    def _text(self, text: Text) -> None:
        font = _font(text.size * TWICE, bold=text.bold)
        words = _drawable(clean(text.text), font)
        wide = font.getlength(words)
        if wide > text.room * TWICE:  # a letter that was wider than thought
            font = _font(text.size * TWICE * text.room * TWICE / wide, bold=text.bold)
        at = (text.at[0] * TWICE, text.at[1] * TWICE)
        self._draw.text(at, words, font=font, fill=INKS[text.ink][LIGHT], anchor="ls")


def _sheet(name: str, size: tuple[int, int]) -> Image:
    """A sheet of the paint called `name`, as large as the picture."""
    from PIL import Image, ImageDraw

    paint, side = PAINTS[name][LIGHT], TILE * TWICE
    tile = Image.new("RGB", (side, side), paint.fill)
    draw = ImageDraw.Draw(tile)
    for (x, y), (u, v) in HATCHES[paint.hatch]:
        ends = (x * TWICE, y * TWICE, u * TWICE, v * TWICE)
        draw.line(ends, fill=paint.edge, width=round(STROKE * TWICE))
    sheet = Image.new("RGB", size)
    for left in range(0, size[0], side):
        for top in range(0, size[1], side):
            sheet.paste(tile, (left, top))
    return sheet


@lru_cache(maxsize=32)
def _font(size: float, *, bold: bool) -> ImageFont.FreeTypeFont:
    """The first font that is there. Letters are set one after the other as they come, whatever their direction."""
    from PIL import ImageFont

    for pair in FONTS:
        try:
            return ImageFont.truetype(pair[bold], size, layout_engine=ImageFont.Layout.BASIC)
        except OSError:
            continue
    found = ImageFont.load_default(size)
    assert isinstance(found, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return found


def _drawable(text: str, font: ImageFont.FreeTypeFont) -> str:
    """The text as the font can write it: one that came with Pillow knows no accents and no arrows."""
    if font.getname()[0] != "Aileron":
        return text
    letters = unicodedata.normalize("NFKD", text.translate(_PLAIN))
    kept = (letter for letter in letters if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() or letter in "…“”‘’" else "?" for letter in kept)
