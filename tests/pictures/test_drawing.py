"""The two forms of a scene: a PNG that chats take, an SVG that stands in a page."""

from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from tests.pictures.samples import CHANGED, DROPPED, LISTED, WASHINGTON, counties_of, each, made
from watcher.core import Subject
from watcher.pictures import change_table, county_map, png, raster, svg
from watcher.pictures.scene import PAINTS, Area, Marker, Scene, Text, box
from watcher.places.tables import county_list

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>alert("x")</script>&\u202e\x00\x07\ufffe\ud800' + "x" * 5000


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data)).convert("RGB")


def close_to(pixel: object, colour: str) -> bool:
    wanted = tuple(int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return isinstance(pixel, tuple) and all(abs(a - b) < 12 for a, b in zip(pixel, wanted, strict=True))


def test_a_png_is_as_large_as_its_scene_and_painted() -> None:
    image = opened(png(Scene(200, 100, "", "", (box(0, 0, 100, 100, "listed"),))))
    assert image.size == (200, 100)
    assert close_to(image.getpixel((50, 50)), PAINTS["listed"][0].fill)
    assert close_to(image.getpixel((150, 50)), PAINTS["paper"][0].fill)


def test_hatches_show_both_colours_and_stay_inside() -> None:
    image = opened(png(Scene(200, 100, "", "", (box(20, 20, 60, 60, "dropped"),))))
    row = [image.getpixel((x, 50)) for x in range(24, 76)]
    paint = PAINTS["dropped"][0]
    assert any(close_to(pixel, paint.fill) for pixel in row)
    assert any(close_to(pixel, paint.edge) for pixel in row)
    assert all(close_to(image.getpixel((x, 50)), "#ffffff") for x in range(90, 200))


def test_outlines_that_reach_beyond_the_picture_are_cut() -> None:
    wild = ((-5000.0, -5000.0), (5000.0, -5000.0), (5000.0, 5000.0), (-5000.0, 5000.0))
    outside = box(-900, -900, 100, 100, "dropped")
    image = opened(png(Scene(100, 100, "", "", (Area((wild,), "changed"), outside))))
    assert not close_to(image.getpixel((50, 50)), "#ffffff")


def test_a_marker_is_a_ring() -> None:
    image = opened(png(Scene(100, 100, "", "", (Marker((50, 50), 20, "listed"),))))
    assert close_to(image.getpixel((50, 50)), "#ffffff")
    assert close_to(image.getpixel((70, 50)), PAINTS["listed"][0].edge)


def test_letters_never_pass_their_room() -> None:
    image = opened(png(Scene(400, 60, "", "", (Text((10, 40), "W" * 40, 30, 200),))))
    assert any(not close_to(image.getpixel((x, 38)), "#ffffff") for x in range(10, 200))
    assert all(close_to(image.getpixel((x, y)), "#ffffff") for x in range(212, 400) for y in range(60))


def test_a_machine_without_fonts_writes_with_the_one_that_pillow_brings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(raster, "FONTS", ())
    raster._font.cache_clear()
    try:
        font = raster._font(28, bold=True)
        assert isinstance(font, ImageFont.FreeTypeFont)
        assert raster._drawable("Doña Ana 5 → 7 中", font) == "Dona Ana 5 -> 7 ?"
        assert opened(png(change_table(each(LISTED, WASHINGTON)))).width == 1000
    finally:
        raster._font.cache_clear()


def test_the_same_changes_give_the_same_bytes() -> None:
    changes = each(LISTED, WASHINGTON)
    assert png(county_map(changes)) == png(county_map(changes))
    assert svg(county_map(changes)) == svg(county_map(changes))


def test_the_largest_map_is_small_enough_to_send() -> None:
    kinds = (LISTED, LISTED, DROPPED, CHANGED)
    scene = county_map([made(kinds[n % 4], entry.subject) for n, entry in enumerate(county_list())])
    assert len(png(scene)) < 400_000


def test_a_table_of_hostile_names_is_small_enough_to_send() -> None:
    changes = [made(LISTED, Subject(f"place:{n}", HOSTILE), source=HOSTILE.replace("\ud800", "")) for n in range(3000)]
    assert len(png(change_table(changes))) < 400_000
    ET.fromstring(svg(change_table(changes)))


def test_an_svg_is_well_formed_and_says_what_it_shows() -> None:
    root = ET.fromstring(svg(county_map([made(LISTED, s) for s in counties_of("CT")])))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "17 places listed"
    assert "Fairfield County, Conn." in (root.findtext(f"{SVG}desc") or "")
    assert "Fairfield County, Conn.: listed" in {title.text for title in root.iter(f"{SVG}title")}


def test_an_svg_has_a_dark_theme_of_classes_that_its_shapes_bear() -> None:
    drawn = svg(county_map(each(DROPPED, WASHINGTON)))
    assert "prefers-color-scheme:dark" in drawn
    root = ET.fromstring(drawn)
    classes = {name for element in root.iter() if (name := element.get("class"))} - {"picture"}
    assert {"land", "near", "dropped", "ink", "quiet"} <= classes
    assert all(f".{name}{{" in drawn for name in classes)
    assert all(f'id="hatch-{name}"' in drawn for name in classes if name in PAINTS and PAINTS[name][0].hatch)


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_whatever_a_page_calls_a_place_the_svg_stays_whole(name: str) -> None:
    changes = [made(LISTED, Subject("place:it", name))]
    for scene in (county_map(changes), change_table(changes)):
        elements = {element.tag.removeprefix(SVG) for element in ET.fromstring(svg(scene)).iter()}
        assert elements <= {"svg", "title", "desc", "style", "defs", "pattern", "rect", "path", "circle", "text"}
