"""Places of changes and the outlines that stand for them."""

from __future__ import annotations

from tests.pictures.samples import CHANGED, DOJ_STATES, DROPPED, LISTED, each, made, place
from watcher.core import Subject
from watcher.pictures.placing import Spot, placed, spot_names
from watcher.pictures.shapes import shapes
from watcher.places.tables import county_list, states

TERRITORIES = {"AS", "GU", "MP", "PR", "VI"}


def test_every_county_and_state_has_an_outline_or_a_stand_in() -> None:
    atlas = shapes()
    assert states().keys() - atlas.states.keys() == TERRITORIES
    drawn = {fips for of in atlas.counties.values() for fips in of}
    listed = {e.subject.id.removeprefix("us-county:") for e in county_list() if e.subject.state not in TERRITORIES}
    assert listed - drawn == atlas.stand_ins.keys()
    assert set(atlas.stand_ins.values()) <= drawn


def test_every_outline_is_a_polygon_on_the_plane() -> None:
    atlas = shapes()
    outlines = [*atlas.states.values(), *(rings for of in atlas.counties.values() for rings in of.values())]
    for rings in outlines:
        for ring in rings:
            assert len(set(ring)) >= 3
            assert all(-60 < x < 960 and 10 < y < 610 for x, y in ring)


def test_a_city_in_a_county_is_drawn_after_it() -> None:
    order = list(shapes().counties["VA"])
    assert order.index("51059") < order.index("51600")  # Fairfax County, and the city of Fairfax in it


def test_cities_and_agencies_stand_in_their_counties() -> None:
    found = placed(each(LISTED, ["Berkeley, Calif.", "New York City, N.Y.", "Clark County Jail, Nev."]))
    boroughs = {Spot("NY", fips) for fips in ("36005", "36047", "36061", "36081", "36085")}
    assert set(found.spots) == {Spot("CA", "06001"), Spot("NV", "32003"), *boroughs}
    assert found.shown == 3


def test_states_are_whole_outlines() -> None:
    found = placed(each(LISTED, DOJ_STATES))
    assert set(found.spots) == {Spot(place(name).state or "") for name in DOJ_STATES}
    assert Spot("DC") in found.spots


def test_what_has_no_outline_is_off_the_map() -> None:
    nowhere = Subject("place:nowhere", "Nowhere")
    found = placed([*each(LISTED, ["Puerto Rico", "Guam", "King County, Wash."]), made(LISTED, nowhere)])
    assert [subject.name for subject in found.off_map] == ["Puerto Rico", "Guam", "Nowhere"]
    assert found.shown == 1


def test_planning_regions_are_shown_by_the_old_counties() -> None:
    found = placed(each(LISTED, ["Capitol Planning Region, Conn."]))
    assert found.spots == {Spot("CT", "09003"): "listed"}
    assert [subject.name for subject in found.stood_in] == ["Capitol Planning Region, Conn."]


def test_a_place_with_several_changes_has_one_fate() -> None:
    county = place("King County, Wash.")
    assert placed([made(CHANGED, county), made(LISTED, county)]).spots == {Spot("WA", "53033"): "listed"}
    assert placed([made(DROPPED, county), made(LISTED, county)]).spots == {Spot("WA", "53033"): "changed"}


def test_an_outline_with_places_of_different_fates_says_so() -> None:
    found = placed([*each(LISTED, ["Seattle, Wash."]), *each(DROPPED, ["King County, Wash."])])
    assert found.spots == {Spot("WA", "53033"): "several"}


def test_only_changes_of_lists_and_rows_are_on_the_map() -> None:
    county = place("King County, Wash.")
    assert not placed([made("article.mentions", county), made("page.text", Subject("source:x", "x"))]).places


def test_words_are_those_of_the_list() -> None:
    county, other = place("King County, Wash."), place("Clark County, Wash.")
    assert placed([made("record.added", county)]).words["listed"] == "added"
    assert placed([made(LISTED, county), made("record.added", other)]).words["listed"] == "listed or added"


def test_outlines_have_names() -> None:
    assert spot_names()[Spot("WA", "53033")] == "King County, Wash."
    assert spot_names()[Spot("WA")] == "Washington"
