"""One listed name to one identity, in any of its spellings."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watcher.core import Subject
from watcher.places import candidates, normalise, resolve, slug, split_office, state_code
from watcher.places.tables import agency_list, city_list, county_list, state_subject, states, with_state

ENTRIES = [*county_list(), *city_list(), *agency_list()]
NYC = ("us-county:36005", "us-county:36047", "us-county:36061", "us-county:36081", "us-county:36085")


@pytest.mark.parametrize(
    "text",
    [
        "Clark County, Nev.",
        "Clark County, Nevada",
        "CLARK COUNTY (NV)",
        "clark county nv",
        "Clark County Nevada",
        "Clark Co., Nev.",
        "County of Clark, NV",
        "Clark County – Nevada",
        "Nevada, Clark County",
        " Clark\u00a0 County , NV*",
    ],
)
def test_one_county_however_it_is_written(text: str) -> None:
    assert resolve(text) == Subject("us-county:32003", "Clark County, Nev.", "NV")


def test_the_states_column_and_the_heading_are_hints() -> None:
    assert resolve("Clark", state="NV", kind="county").id == "us-county:32003"
    assert resolve("Clark", state="Wash.", kind="county").id == "us-county:53011"
    assert resolve("Washington", state="Oregon", kind="county").id == "us-county:41067"
    assert resolve("Washington", kind="state").id == "us-state:WA"
    assert resolve("Washington", kind="city").id == "us-state:DC"
    assert resolve("New York", kind="city").id == "us-place:NY/new-york-city"
    assert resolve("Clark County, Wash.", state="NV").id == "us-county:53011"
    assert resolve("Philadelphia", state="Pennsylvania", kind="county").id == "us-county:42101"
    assert resolve("California", kind="county").id == "us-state:CA"


@pytest.mark.parametrize(
    ("text", "id_", "name"),
    [
        ("Franklin County, Iowa", "us-county:19069", "Franklin County, Iowa"),
        ("Franklin County, New York", "us-county:36033", "Franklin County, N.Y."),
        ("Franklin County, Penn.", "us-county:42055", "Franklin County, Pa."),
        ("Orleans Parish, La.", "us-county:22071", "Orleans Parish, La."),
        ("Orleans County, LA", "us-county:22071", "Orleans Parish, La."),
        ("Orleans Parish", "us-county:22071", "Orleans Parish, La."),
        ("Juneau Borough, AK", "us-county:02110", "Juneau City and Borough, Alaska"),
        ("Municipality of Anchorage, Alaska", "us-county:02020", "Anchorage Municipality, Alaska"),
        ("Bethel Census Area, Alaska", "us-county:02050", "Bethel Census Area, Alaska"),
        ("Wade Hampton Census Area, Alaska", "us-county:02158", "Kusilvak Census Area, Alaska"),
        ("Shannon County, S.D.", "us-county:46102", "Oglala Lakota County, S.D."),
        ("Dade County, Fla.", "us-county:12086", "Miami-Dade County, Fla."),
        ("Valdez-Cordova Census Area, AK", "us-county:02261", "Valdez-Cordova Census Area, Alaska"),
        ("Baltimore County, MD", "us-county:24005", "Baltimore County, Md."),
        ("Baltimore City, MD", "us-county:24510", "Baltimore, Md."),
        ("City of Baltimore, Maryland", "us-county:24510", "Baltimore, Md."),
        ("Baltimore (city), Md.", "us-county:24510", "Baltimore, Md."),
        ("Fairfax City, Va.", "us-county:51600", "Fairfax, Va."),
        ("Fairfax County, Va.", "us-county:51059", "Fairfax County, Va."),
        ("Charles City County, Virginia", "us-county:51036", "Charles City County, Va."),
        ("Saint Louis, Missouri", "us-county:29510", "St. Louis, Mo."),
        ("St Louis County, MO", "us-county:29189", "St. Louis County, Mo."),
        ("Carson City, Nev.", "us-county:32510", "Carson City, Nev."),
        ("Western Connecticut Planning Region, CT", "us-county:09190", "Western Connecticut Planning Region, Conn."),
        ("Fairfield County, Conn.", "us-county:09001", "Fairfield County, Conn."),
        ("PRINCE GEORGE’S COUNTY, MD", "us-county:24033", "Prince George's County, Md."),
        ("Prince George's County, Md.", "us-county:24033", "Prince George's County, Md."),
        ("Dona Ana County, N.M.", "us-county:35013", "Doña Ana County, N.M."),
        ("DE KALB COUNTY, GA", "us-county:13089", "DeKalb County, Ga."),
        ("Adjuntas Municipio, P.R.", "us-county:72001", "Adjuntas Municipio, Puerto Rico"),
        ("Los Angeles County", "us-county:06037", "Los Angeles County, Calif."),
        ("San Francisco County, CA", "us-county:06075", "San Francisco County, Calif."),
        ("San Francisco City, CA", "us-place:CA/san-francisco", "San Francisco, Calif."),
        ("City and County of Denver, Colo.", "us-place:CO/denver", "Denver, Colo."),
        ("Anaheim, Calif.", "us-place:CA/anaheim", "Anaheim, Calif."),
        ("Chicago", "us-place:IL/chicago", "Chicago, Ill."),
        ("St. Paul, Minnesota", "us-place:MN/saint-paul", "St. Paul, Minn."),
        ("MOUNT VERNON, WASH.", "us-place:WA/mount-vernon", "Mount Vernon, Wash."),
        ("Kansas City, Mo.", "us-place:MO/kansas-city", "Kansas City, Mo."),
        ("Franklin Borough, Pa.", "us-place:PA/franklin-borough", "Franklin Borough, Pa."),
        ("Ithaca NY", "us-place:NY/ithaca", "Ithaca, N.Y."),
        ("California", "us-state:CA", "California"),
        ("State of Oregon", "us-state:OR", "Oregon"),
        ("New York", "us-state:NY", "New York"),
        ("New York State", "us-state:NY", "New York"),
        ("District of Columbia", "us-state:DC", "District of Columbia"),
        ("Washington, D.C.", "us-state:DC", "District of Columbia"),
        ("WASHINGTON DC", "us-state:DC", "District of Columbia"),
    ],
)
def test_identities(text: str, id_: str, name: str) -> None:
    subject = resolve(text)
    assert (subject.id, subject.name) == (id_, name)


def test_cities_lie_within_their_counties() -> None:
    assert resolve("San Francisco, Calif.").within == ("us-county:06075",)
    assert resolve("New Orleans, LA").within == ("us-county:22071",)
    assert resolve("New York, NY") == Subject("us-place:NY/new-york-city", "New York City, N.Y.", "NY", NYC)
    assert resolve("Mount Vernon, Skagit County, Wash.").within == ("us-county:53057",)
    assert resolve("Mount Vernon, Wash.").within == ()


def test_a_field_office_is_no_part_of_the_name() -> None:
    iowa_city = Subject("us-place:IA/iowa-city", "Iowa City, Iowa", "IA", ("us-county:19103",))
    assert split_office("Iowa City, Johnson County, Iowa (Saint Paul)") == (
        "Iowa City, Johnson County, Iowa",
        "Saint Paul",
    )
    assert resolve("Iowa City, Johnson County, Iowa (Saint Paul)") == iowa_city
    assert resolve("Ithaca, New York (Buffalo)").id == "us-place:NY/ithaca"
    assert resolve("Travis County (San Antonio)").id == "us-county:48453"
    assert resolve("Fairfax County, Virginia (Washington)").id == "us-county:51059"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Travis County, Texas (San Antonio)", ("Travis County, Texas", "San Antonio")),
        ("Fairfax County, Virginia (Washington)", ("Fairfax County, Virginia", "Washington")),
        ("Travis County (San Antonio)", ("Travis County", "San Antonio")),
        ("CLARK COUNTY (NV)", ("CLARK COUNTY (NV)", None)),
        ("Clark County (Washington)", ("Clark County (Washington)", None)),
        ("Baltimore, Md. (city)", ("Baltimore, Md. (city)", None)),
        ("Los Angeles Police Department (LAPD)", ("Los Angeles Police Department (LAPD)", None)),
        ("Cook  County,\tIll.", ("Cook County, Ill.", None)),
        ("()", ("()", None)),
    ],
)
def test_split_office(text: str, parts: tuple[str, str | None]) -> None:
    assert split_office(text) == parts


@pytest.mark.parametrize(
    ("text", "id_", "within"),
    [
        ("Santa Rita Jail", "us-agency:CA/santa-rita-jail", ("us-county:06001",)),
        ("Santa Rita Jail, Alameda County, Calif.", "us-agency:CA/santa-rita-jail", ("us-county:06001",)),
        ("Sacramento County jail", "us-agency:CA/sacramento-county-jail", ("us-county:06067",)),
        ("Anaheim city jail", "us-agency:CA/anaheim-city-jail", ("us-place:CA/anaheim", "us-county:06059")),
        (
            "TWIN TOWERS CORRECTIONAL FACILITY",
            "us-agency:CA/twin-towers-correctional-facility",
            ("us-county:06037",),
        ),
        ("LAPD", "us-agency:CA/los-angeles-police-department", ("us-place:CA/los-angeles", "us-county:06037")),
        (
            "L.A. Police Department",
            "us-agency:CA/los-angeles-police-department",
            ("us-place:CA/los-angeles", "us-county:06037"),
        ),
        (
            "Los Angeles County Sheriff",
            "us-agency:CA/los-angeles-county-sheriffs-department",
            ("us-county:06037",),
        ),
        (
            "Madera County Department of Corrections",
            "us-agency:CA/madera-county-department-of-corrections",
            ("us-county:06039",),
        ),
        ("Santa Clara County main jail", "us-agency:CA/santa-clara-county-main-jail", ("us-county:06085",)),
        ("Sheriff's Office, Clark County, Nev.", "us-agency:NV/clark-county-sheriffs-office", ("us-county:32003",)),
        ("Baltimore Police", "us-agency:MD/baltimore-police-department", ("us-county:24510",)),
        ("Alaska Department of Corrections", "us-agency:AK/alaska-department-of-corrections", ()),
        ("Idaho State Police", "us-agency:ID/idaho-state-police", ()),
    ],
)
def test_agencies(text: str, id_: str, within: tuple[str, ...]) -> None:
    subject = resolve(text)
    assert (subject.id, subject.within) == (id_, within)


@pytest.mark.parametrize(
    ("text", "state", "id_", "within"),
    [
        (
            "Franklin County Sheriff’s Dept.",
            "Alabama",
            "us-agency:AL/franklin-county-sheriffs-office",
            ("us-county:01059",),
        ),
        ("Miami Dade Sheriff's Office", "FL", "us-agency:FL/miami-dade-county-sheriffs-office", ("us-county:12086",)),
        ("Bossier Parish Sheriff's Office", "LA", "us-agency:LA/bossier-parish-sheriffs-office", ("us-county:22015",)),
        (
            "City of St. Cloud Police Department",
            "FL",
            "us-agency:FL/saint-cloud-police-department",
            ("us-place:FL/saint-cloud",),
        ),
        ("University of Florida Police Department", "FL", "us-agency:FL/university-of-florida-police-department", ()),
        ("Georgia Department of Public Safety", "GA", "us-agency:GA/georgia-department-of-public-safety", ()),
    ],
)
def test_agencies_by_rule(text: str, state: str, id_: str, within: tuple[str, ...]) -> None:
    subject = resolve(text, state=state)
    assert (subject.id, subject.within) == (id_, within)
    assert resolve(subject.name).id == id_


def test_spellings_of_a_sheriff_are_one_agency() -> None:
    spellings = ["Sheriff", "Sheriff's Office", "SHERIFF’S DEPARTMENT", "sheriffs dept."]
    assert len({resolve(f"Clark County {office}", state="NV").id for office in spellings}) == 1


def test_unknown_places_stay_usable() -> None:
    assert resolve("Franklin County") == Subject("place:franklin county", "Franklin County")
    assert resolve("Foo County, N.Y.") == Subject("place:foo county ny", "Foo County, N.Y.", "NY")
    assert resolve("FOO COUNTY (NY)").id == resolve("Foo  County", state="New York").id == "place:foo county ny"
    assert resolve("Clark Co") == Subject("place:clark co", "Clark Co")
    assert resolve("The Moon").id == "place:the moon"
    assert resolve("Foo", kind="county", state="NY").id == "place:foo ny"
    assert resolve("a, b and 37 others, Iowa").id == "place:a b and 37 others ia"
    assert resolve("").id == "place:"


def test_a_place_name_that_ends_like_a_state_is_left_whole() -> None:
    assert resolve("Port Washington", state="NY").id == "us-place:NY/port-washington"
    assert resolve("Virginia Beach, VA").id == "us-county:51810"


def test_candidates_are_all_that_a_name_can_mean() -> None:
    franklins = candidates("Franklin County")
    assert {"us-county:19069", "us-county:36033", "us-county:42055"} < {subject.id for subject in franklins}
    assert all(subject.name.startswith("Franklin County, ") for subject in franklins)
    assert [s.id for s in candidates("Franklin County, PA")] == ["us-county:42055"]
    assert {"us-state:WA", "us-state:DC", "us-county:41067"} < {s.id for s in candidates("Washington")}
    assert [s.id for s in candidates("Baltimore")] == ["us-county:24005", "us-county:24510"]
    assert [s.id for s in candidates("San Francisco")] == ["us-county:06075", "us-place:CA/san-francisco"]
    assert "us-agency:IA/franklin-county-jail" in {s.id for s in candidates("Franklin County jail")}
    assert [s.id for s in candidates("NYPD")] == ["us-agency:NY/new-york-city-police-department"]
    assert candidates("The Moon") == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("Penn.", "PA"), ("Pa.", "PA"), ("Calif.", "CA"), ("Wisc.", "WI"), ("Wis.", "WI"), ("Ill.", "IL")),
        *(("N.Y.", "NY"), ("n. y.", "NY"), ("Ore.", "OR"), ("Wash.", "WA"), ("W. Va.", "WV"), ("iowa", "IA")),
        *(("Commonwealth of Virginia", "VA"), ("P.R.", "PR"), ("D.C.", "DC"), ("U.S. Virgin Islands", "VI")),
        *(("Ontario", None), ("", None), ("Texas County", None)),
    ],
)
def test_state_code(text: str, code: str | None) -> None:
    assert state_code(text) == code


def test_normal_form() -> None:
    assert normalise(" St. Mary’s\u00a0County—DOÑA  Ana ") == "saint marys county dona ana"
    assert normalise("Fish & Wildlife") == "fish and wildlife"
    assert slug("Coeur d’Alene") == "coeur-dalene"


# ---------------------------------------------------------------- laws


def test_the_name_of_every_entry_gives_its_identity() -> None:
    assert len(county_list()) > 3_200
    assert [entry.subject for entry in ENTRIES if resolve(entry.subject.name) != entry.subject] == []


@pytest.mark.parametrize("code", states())
def test_every_spelling_of_a_state_gives_its_identity(code: str) -> None:
    for spelling in states()[code].spellings:
        assert resolve(spelling) == state_subject(code)
    assert resolve(state_subject(code).name) == state_subject(code)


def test_no_two_entries_share_an_identity() -> None:
    known = [entry for entry in city_list() if not entry.subject.id.startswith("us-county:")]
    ids = [entry.subject.id for entry in (*county_list(), *known, *agency_list())]
    assert len(ids) == len(set(ids))


def test_what_contains_a_place_is_in_the_tables() -> None:
    ids = {entry.subject.id for entry in ENTRIES}
    assert {place for entry in ENTRIES for place in entry.subject.within} <= ids


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """An entry of the tables in one of its spellings, and its id."""
    entry = draw(st.sampled_from(ENTRIES))
    state = states()[entry.subject.state or ""]
    names = [entry.subject.name.removesuffix(with_state("", state.code))]
    names += [f"{name} {entry.type}".strip() for name in entry.names]
    name = draw(st.sampled_from(names))
    name = draw(st.sampled_from([name, name.replace("'", "’"), name.replace("St. ", "Saint "), f" {name} "]))
    tail = draw(st.sampled_from(state.spellings))
    text = draw(st.sampled_from([f"{name}, {tail}", f"{name} ({tail})", f"{name} - {tail}"]))
    return draw(st.sampled_from([text, text.upper(), text.lower(), text.replace(" ", " \u00a0 ")])), entry.subject.id


@settings(max_examples=400, deadline=None)
@given(written())
def test_any_spelling_of_any_entry_gives_its_identity(case: tuple[str, str]) -> None:
    text, id_ = case
    assert resolve(text).id == id_


@settings(deadline=None)
@given(
    st.text(max_size=400), st.sampled_from([None, "NV", "Penn.", "nowhere"]), st.sampled_from(["", "city", "agency"])
)
@example("a" + " (b)" * 5_000, None, "")
@example("Clark County, " * 5_000, None, "")
@example("(" * 50_000, "NV", "county")
def test_no_text_makes_it_raise(text: str, state: str | None, kind: str) -> None:
    assert resolve(text, state=state, kind=kind).is_place
    assert resolve(text, state=state, kind=kind).id
    split_office(text)
    candidates(text)
    state_code(text)


NAMES = st.lists(
    st.sampled_from(["Clark", "County", "jail", ",", "Nev.", "(NV)", "city", "of", "Los", "Angeles", "St.", "New York"])
)


@settings(deadline=None)
@given(NAMES, st.sampled_from([None, "IA"]))
def test_case_and_spaces_do_not_matter(words: list[str], state: str | None) -> None:
    ids = {resolve(f(words), state=state).id for f in (" ".join, "  ".join, lambda w: f"\n{' '.join(w).upper()} ")}
    assert len(ids) == 1


@given(st.text())
def test_the_normal_form_is_stable(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)
