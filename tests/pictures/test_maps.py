"""What a map shows, in its shapes and words."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta, timezone

import pytest

from tests.pictures.samples import CHANGED, DOJ_STATES, DROPPED, LISTED, WASHINGTON, counties_of, each, made, place
from watcher.core import Change, Subject
from watcher.pictures import county_map, picture
from watcher.pictures.scene import Area, Marker, Scene, Text
from watcher.places.tables import county_list


def paints(scene: Scene) -> Counter[str]:
    return Counter(shape.paint for shape in scene.shapes if isinstance(shape, Area) and shape.name)


def words(scene: Scene) -> list[str]:
    return [shape.text for shape in scene.shapes if isinstance(shape, Text)]


def test_counties_are_painted_by_what_became_of_them() -> None:
    scene = county_map([*each(LISTED, WASHINGTON[:5]), *each(DROPPED, WASHINGTON[5:7]), *each(CHANGED, WASHINGTON[7:])])
    assert paints(scene) == {"listed": 5, "dropped": 2, "changed": 1}
    assert scene.title == "5 places listed, 2 dropped, 1 changed"
    assert {"Listed: 5", "Dropped: 2", "Changed: 1"} <= set(words(scene))


def test_the_description_names_the_places() -> None:
    scene = county_map(each(LISTED, ["King County, Wash.", "Puerto Rico"]))
    assert scene.description == "Listed: King County, Wash.; Puerto Rico."


def test_one_state_is_shown_close_up_with_its_counties() -> None:
    scene = county_map(each(LISTED, WASHINGTON))
    near = sum(isinstance(shape, Area) and shape.paint == "near" for shape in scene.shapes)
    assert near == len(counties_of("WA"))
    assert words(scene)[1] == "Washington · list · March 20, 2017"
    king = next(s for s in scene.shapes if isinstance(s, Area) and s.name == "King County, Wash.: listed")
    across = [x for ring in king.rings for x, _ in ring]
    assert max(across) - min(across) > 80


def test_states_far_apart_are_shown_on_the_whole_country() -> None:
    scene = county_map(each(LISTED, ["King County, Wash.", "Miami-Dade County, Fla."]))
    assert not any(isinstance(shape, Area) and shape.paint == "near" for shape in scene.shapes)
    assert words(scene)[1] == "list · March 20, 2017"


def test_whole_states_have_their_own_paint_and_count() -> None:
    scene = county_map([*each(LISTED, DOJ_STATES), *each(LISTED, ["Cook County, Ill.", "Berkeley, Calif."])])
    assert paints(scene) == {"listed-state": 13, "listed": 2}
    assert {"Listed: 2", "Listed, whole state: 13"} <= set(words(scene))


def test_a_tiny_county_is_ringed_once() -> None:
    scene = county_map(
        each(LISTED, ["San Francisco County, Calif.", "Hoboken, N.J.", "Jersey City, N.J.", *WASHINGTON])
    )
    marked = [shape for shape in scene.shapes if isinstance(shape, Marker)]
    assert len(marked) >= 2
    assert len({mark.centre for mark in marked}) == len(marked)
    for mark in marked:
        assert 0 < mark.centre[0] < scene.width
        assert 0 < mark.centre[1] < scene.height


def test_what_is_not_on_the_map_is_named_below() -> None:
    scene = county_map(each(LISTED, ["King County, Wash.", "Puerto Rico", "Guam"]))
    assert words(scene)[-1] == "Not on the map: Puerto Rico; Guam"


def test_too_many_names_below_are_counted_whole() -> None:
    lost = [made(LISTED, Subject(f"place:{n}", f"A place with a rather long name, number {n}")) for n in range(50)]
    said = " ".join(words(county_map(lost)))
    named = said.count("number")
    assert 1 <= named < 8
    assert said.endswith(f"and {50 - named} more")


def test_the_day_is_that_of_the_zone() -> None:
    east = timezone(timedelta(hours=14))
    assert words(county_map(each(LISTED, ["Guam"]), east))[1] == "list · March 21, 2017"


def test_without_changes_there_is_no_map() -> None:
    with pytest.raises(ValueError, match="at least one"):
        county_map([])


def test_all_counties_of_the_country_fit() -> None:
    scene = county_map([made(LISTED, entry.subject) for entry in county_list()])
    assert scene.title == f"{len(county_list()):,} places listed"
    assert not any(isinstance(shape, Marker) for shape in scene.shapes)
    assert within(scene)


def within(scene: Scene) -> bool:
    """Whether all letters are on the picture."""
    letters = [shape for shape in scene.shapes if isinstance(shape, Text)]
    return all(t.at[0] >= 0 and t.at[0] + t.room <= scene.width and t.size < t.at[1] < scene.height for t in letters)


@pytest.mark.parametrize("state", ["RI", "AK", "HI", "TX", "DE", "CT"])
def test_letters_stay_on_the_picture(state: str) -> None:
    assert within(county_map([made((LISTED, DROPPED)[n % 2], s) for n, s in enumerate(counties_of(state))]))


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        (each(LISTED, WASHINGTON[:5]), None),
        (each(LISTED, WASHINGTON[:6]), "map"),
        (each(LISTED, ["Puerto Rico", "Guam", *WASHINGTON[:5]]), "table"),
        ([made("page.text", Subject("source:x", "x"), old=str(n), new="y") for n in range(6)], "table"),
        ([made("page.text", Subject("source:x", "x"), old=str(n), new="y") for n in range(5)], None),
        ([], None),
    ],
)
def test_the_picture_that_tells_most(changes: list[Change], kind: str | None) -> None:
    scene = picture(changes)
    found = scene and ("map" if any(isinstance(s, Area) and s.paint == "land" for s in scene.shapes) else "table")
    assert found == kind


def test_places_are_told_apart_without_colour() -> None:
    from watcher.pictures.scene import PAINTS

    for whole in ("", "-state"):
        looks = [PAINTS[f"{fate}{whole}"] for fate in ("listed", "dropped", "changed", "several")]
        for theme in (0, 1):
            assert len({look[theme].hatch for look in looks}) == 4


def test_a_place_is_one_place_however_often_it_changed() -> None:
    county = place("King County, Wash.")
    assert county_map([made(CHANGED, county, new=n) for n in range(9)]).title == "1 place changed"


def test_thousands_of_unknown_places_beside_a_few_known_ones() -> None:
    lost = [made(LISTED, Subject(f"place:{n}", "Nowhere " * 500)) for n in range(3000)]
    scene = county_map([*lost, *each(LISTED, WASHINGTON)])
    assert "Listed: 8" in words(scene)
    assert len(scene.description) < 10_000
    assert within(scene)
