"""The jurisdictions that prose names."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.places import mentions


def ids(text: str, *, state: str | None = None) -> list[str]:
    return [subject.id for subject in mentions(text, state=state)]


def test_a_wire_list_is_many_mentions() -> None:
    text = (
        "The ten: Clark County, Nev.; Nassau County, N.Y.; Cook County, Ill.; Franklin County, N.Y.; "
        "Washington County, Ore.; Franklin County, Iowa; and Franklin County, Penn."
    )
    assert [subject.name for subject in mentions(text)] == [
        "Clark County, Nev.",
        "Nassau County, N.Y.",
        "Cook County, Ill.",
        "Franklin County, N.Y.",
        "Washington County, Ore.",
        "Franklin County, Iowa",
        "Franklin County, Pa.",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CLARK COUNTY (NV) was dropped", ["us-county:32003"]),
        ("Clark County Nevada", ["us-county:32003"]),
        ("Clark Co., Nev., said", ["us-county:32003"]),
        ("deputies in Clark County in Nevada", ["us-county:32003"]),
        ("Nevada’s Clark County", ["us-county:32003"]),
        ("In Orleans Parish, the sheriff", ["us-county:22071"]),
        ("Bucks, Chester and Montgomery counties, Pa.", ["us-county:42017", "us-county:42029", "us-county:42091"]),
        ("the counties of Orange and Riverside in California", ["us-county:06059", "us-county:06065"]),
        ("the County of Los Angeles sued", ["us-county:06037"]),
        ("the City and County of San Francisco sued", ["us-place:CA/san-francisco"]),
        ("Clark County, Washington County, Ore.", ["place:clark county", "us-county:41067"]),
        ("Cook County, Los Angeles County", ["place:cook county", "us-county:06037"]),
        ("Clark County, Calif.", ["place:clark county ca"]),
        ("the county and the parish of ours", []),
        ("Clark Co reports", []),
        ("Mayor Clark, Orange County, Calif.", ["us-county:06059"]),
        ("Franklin Borough, Pa.", ["us-place:PA/franklin-borough"]),
        ("ʼ Cook County, Ill.", ["us-county:17031"]),
    ],
)
def test_counties(text: str, expected: list[str]) -> None:
    assert ids(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("in Ithaca, N.Y., and Boulder, Colorado.", ["us-place:NY/ithaca", "us-place:CO/boulder"]),
        ("Ithaca, New York (Buffalo)", ["us-place:NY/ithaca"]),
        ("near Coeur d’Alene, Idaho, and Fond du Lac, Wis.", ["us-place:ID/coeur-dalene", "us-place:WI/fond-du-lac"]),
        ("Iowa City, Johnson County, Iowa (Saint Paul)", ["us-place:IA/iowa-city", "us-county:19103"]),
        ("New York, New York, and New York City", ["us-place:NY/new-york-city"]),
        ("Portland, Maine.", ["us-place:ME/portland"]),
        ("BOISE, Idaho — Officials said", ["us-place:ID/boise"]),
        ("Chicago’s mayor and Denver officials", ["us-place:IL/chicago", "us-place:CO/denver"]),
        ("the Chicago Tribune and Whitney Houston", []),
        ("WASHINGTON, D.C. — The department", ["us-state:DC"]),
        ("St. Paul, Minn.", ["us-place:MN/saint-paul"]),
        (
            "in L.A. and NYC, not in La Jolla or TX, LA, New York.",
            ["us-place:CA/los-angeles", "us-place:NY/new-york-city"],
        ),
    ],
)
def test_cities(text: str, expected: list[str]) -> None:
    assert ids(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the Santa Rita jail", ["us-agency:CA/santa-rita-jail"]),
        ("LAPD’s jails", ["us-agency:CA/los-angeles-police-department"]),
        ("the L.A. Police Department", ["us-agency:CA/los-angeles-police-department"]),
        ("Los Angeles County Sheriff’s Department", ["us-agency:CA/los-angeles-county-sheriffs-department"]),
        ("the Sacramento County jail", ["us-agency:CA/sacramento-county-jail"]),
        ("Clark County Sheriff's Office, Nev.", ["us-agency:NV/clark-county-sheriffs-office"]),
        ("Clark County jail", ["place:clark county jail"]),
        ("the Mesa Police Department in Arizona", ["us-agency:AZ/mesa-police-department"]),
        ("Chicago police", ["us-agency:IL/chicago-police-department"]),
        ("Portland police", []),
        ("Portland police, in Oregon", ["us-agency:OR/portland-police-department"]),
        ("the Springfield Police Department", []),
    ],
)
def test_agencies(text: str, expected: list[str]) -> None:
    assert ids(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("courts in California, Arizona, Texas and Colorado", ["CA", "AZ", "TX", "CO"]),
        ("California named the Santa Rita jail; Arizona did not", ["AZ"]),
        ("Clark County, Nev., and Nevada", []),
        ("Washington said no, the Washington Post and The New York Times wrote", []),
        ("Washington state", ["WA"]),
        ("Oregon and Washington", ["OR", "WA"]),
        ("Washington, Oregon and California", ["WA", "OR", "CA"]),
        ("Washington", ["WA"]),
        ("West Virginia, not Virginia Beach in Miss. Smith’s Kansas City", ["WV", "VA"]),
        ("me, in or hi: MA, PA", []),
    ],
)
def test_states_count_where_nothing_in_them_is_named(text: str, expected: list[str]) -> None:
    assert [i for i in ids(text) if i.startswith("us-state:")] == [f"us-state:{code}" for code in expected]


@pytest.mark.parametrize(
    "text",
    [
        "On Monday, California, Texas and others met.",
        "Rep. Ted Cruz, Texas, and Sheriff Ann Bee, Iowa, met.",
        "Recently, Texas, which",
        "Still, Texas, which",
        "Ted Cruz, Texas’ senator",
        "As he left, California officials",
    ],
)
def test_not_every_comma_before_a_state_makes_a_city(text: str) -> None:
    assert not [i for i in ids(text) if i.startswith("us-place:")]


def test_a_name_without_a_state_means_what_the_rest_of_the_text_means() -> None:
    assert ids("Orange County") == ["place:orange county"]
    assert ids("Orange County", state="Calif.") == ["us-county:06059"]
    assert ids("Orange County officials, like others in Florida,") == ["us-county:12095"]
    assert ids("Orange County, in a Florida case, and Florida law, not California") == [
        "us-county:12095",
        "us-state:CA",
    ]
    assert ids("In Iowa, New York: Franklin County") == ["us-state:IA", "us-state:NY", "place:franklin county"]
    assert ids("Franklin County, Iowa, said so. New York, New Jersey. Franklin County again.")[0] == "us-county:19069"
    assert ids("Franklin County, Iowa, said so in New York, in New York. Franklin County!") == [
        "us-county:19069",
        "us-state:NY",
    ]


def test_each_is_named_once_in_order() -> None:
    assert ids("Los Angeles County. Cook County, Ill. Los Angeles County. LAPD, LAPD.") == [
        "us-county:06037",
        "us-county:17031",
        "us-agency:CA/los-angeles-police-department",
    ]


TEXT = (
    "the City of Los Angeles, Orange and Clark counties ( Nev. ) ; Washington , D.C. LAPD ’s jail in New York County"
    " police . Sen. St. Parish Nevada"
)
WORDS = st.sampled_from([*TEXT.split(), "\n\n"])


@settings(deadline=None)
@given(st.lists(WORDS).map(" ".join) | st.text(), st.sampled_from([None, "NV", "?"]))
def test_no_text_makes_it_raise(text: str, state: str | None) -> None:
    found = mentions(text, state=state)
    assert len({subject.id for subject in found}) == len(found)
    assert all(subject.is_place for subject in found)


def test_the_time_grows_with_the_length_alone() -> None:
    text = (
        "On Monday the Clark County, Nev., sheriff told lawyers from Ithaca, N.Y., and the L.A. Police Department "
        "that detainers sent to Orange County had gone elsewhere, as California and Texas officials had said before. "
    )
    mentions(text)

    def seconds(times: int) -> float:
        long = text * times
        start = time.process_time()
        mentions(long)
        return time.process_time() - start

    short, long = min(seconds(60) for _ in range(3)), seconds(600)
    assert long < 1.5, "20,000 words"
    assert long < 30 * short
