"""The `jurisdiction-list` kind: the two shapes of published lists, tables, keys, and what is no entry."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.sources.captured import listed, texts
from watcher.core import Document, NothingThere, NotReadable

STATES = [
    "California", "Colorado", "Connecticut", "Delaware", "District of Columbia", "Illinois", "Minnesota", "Nevada",
    "New York", "Oregon", "Rhode Island", "Vermont", "Washington",
]  # fmt: skip
COUNTIES = ["Baltimore County, MD", "Cook County, IL", "San Diego County, CA", "San Francisco County, CA"]
CITIES = [
    "Albuquerque, NM", "Berkeley, CA", "Boston, MA", "Chicago, IL", "Denver, CO", "East Lansing, MI", "Hoboken, NJ",
    "Jersey City, NJ", "Los Angeles, CA", "New Orleans, LA", "New York City, NY", "Newark, NJ", "Paterson, NJ",
    "Philadelphia, PA", "Portland, OR", "Rochester, NY", "Seattle, WA", "San Francisco City, CA",
]  # fmt: skip
TRAITS = "<ul><li>Public Declarations: leaders say so.</li><li>Laws, Ordinances, or Executive Directives</li></ul>"


def items(names: list[str]) -> str:
    return f"<ul>{''.join(f'<li>{name}</li>' for name in names)}</ul>"


def names(document: Document, section: str) -> list[object]:
    return [record.fields["name"] for record in document.records.values() if record.section == section]


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("<h2>{}</h2>", items),
        ("<h3>{} (13):</h3>", items),
        ("<p><strong>{}</strong></p>", lambda found: f"<p>{'<br>'.join(found)}</p>"),
        ("<p><b>{}:</b></p>", lambda found: "".join(f"<p>{name}</p>" for name in found)),
        ("<div>{}</div>", "<br/>\n".join),
    ],
)
def test_a_heading_for_each_kind(label: str, lines: Callable[[list[str]], str]) -> None:
    body = "".join(
        label.format(title) + lines(found)
        for title, found in (("STATES", STATES), ("Sanctuary Counties", COUNTIES), ("Cities", CITIES))
    )
    found = listed(f"<main><h1>The list</h1><p>It follows from an order of the president.</p>{TRAITS}{body}</main>")
    assert (names(found, "STATES"), names(found, "COUNTIES"), names(found, "CITIES")) == (STATES, COUNTIES, CITIES)
    assert {"us-county:06075", "us-place:CA/san-francisco", "us-state:DC", "us-county:24005"} <= set(found.records)
    assert "It follows from an order of the president." in texts(found)
    assert "Public Declarations: leaders say so." in texts(found)
    assert not set(STATES + COUNTIES + CITIES) & set(texts(found))


BY_STATE = """<main><h1>Places by state</h1><p>The places stand under their state.</p>
<h2>California</h2>
<ul><li>Self-Identification as State Sanctuary Jurisdiction</li></ul>
{0}Counties{1}<ul><li>Alameda County<ul><li>Public Declarations: so said the board.</li><li>Sheriff Policy</li></ul>
</li><li><p>San Francisco</p><p>Board Resolution</p></li></ul>
{0}Cities{1}<ul><li>Berkeley*</li><li>San Francisco</li></ul>
<h2>Nevada</h2>{0}Counties{1}<ul><li>Clark County</li><li>Wrongg County</li></ul>
<h2>Vermont</h2><p>The state gave its self-identification in a letter.</p>
<h2>Contact</h2><ul><li>Washington</li></ul></main>"""


@pytest.mark.parametrize(("start", "end"), [("<h3>", "</h3>"), ("<p><strong>", "</strong></p>"), ("<p>", ":</p>")])
def test_a_heading_for_each_state(start: str, end: str) -> None:
    found = listed(BY_STATE.format(start, end))
    assert [(key, record.fields["name"], record.section) for key, record in found.records.items()] == [
        ("us-state:CA", "California", "STATES"),
        ("us-county:06001", "Alameda County", "COUNTIES"),
        ("us-county:06075", "San Francisco", "COUNTIES"),
        ("us-place:CA/berkeley", "Berkeley*", "CITIES"),
        ("us-place:CA/san-francisco", "San Francisco", "CITIES"),
        ("us-county:32003", "Clark County", "COUNTIES"),
        ("place:wrongg county nv", "Wrongg County", "COUNTIES"),
        ("us-state:VT", "Vermont", "STATES"),
    ]
    prose = texts(found)
    for line in (
        "Sheriff Policy",
        "Board Resolution",
        "Washington",
        "The state gave its self-identification in a letter.",
    ):
        assert line in prose


def test_states_in_bold_and_lists_inside_lists() -> None:
    found = listed(
        "<p><strong>California</strong></p><p><strong>Counties</strong></p><ul><li>Marin County</li></ul>"
        "<p><strong>Illinois</strong></p><p><strong>Cities</strong></p><ul><li>Chicago</li></ul>"
    )
    assert list(found.records) == ["us-county:06041", "us-place:IL/chicago"]
    found = listed("<ul><li><b>Oregon</b><ul><li>Cities<ul><li>Portland</li></ul></li></ul></li></ul>")
    assert list(found.records) == ["us-place:OR/portland"]


def test_headings_are_entries_below_their_label() -> None:
    found = listed(
        "<h2>STATES</h2><h3>California</h3><ul><li>Laws: a rule.</li><li>Governor Order</li></ul><h3>Oregon</h3>"
        "<h2>COUNTIES</h2><h3>Cook County, IL</h3><ul><li>County Ordinance</li></ul><h3>About</h3><p>Text.</p>"
    )
    assert list(found.records) == ["us-state:CA", "us-state:OR", "us-county:17031"]
    assert "County Ordinance" in texts(found, "list-item")


def test_states_as_headings_without_labels() -> None:
    found = listed("<h2>California</h2><ul><li>Marin County</li><li>Oakland</li></ul><h2>Nevada</h2><p>None.</p>")
    assert list(found.records) == ["us-county:06041", "us-place:CA/oakland"]


def test_a_plain_list() -> None:
    found = listed("<p>Text.</p><ul><li>Cook County, IL</li><li>Oregon</li><li>Learn More</li></ul>")
    assert list(found.records) == ["us-county:17031", "us-state:OR"]
    assert texts(found) == ["Text.", "Learn More"]


def test_a_table_of_columns() -> None:
    rows = [
        ["<td rowspan=3>California", "<td>Alameda", "<td>", "<td>2019"],
        ["<td>", "<td>Berkeley", "<td>2020"],
        ["<td>San Francisco", "<td>", "<td>2021"],
        ["<td>Oregon", "<td>", "<td>", "<td>1987"],
    ]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    found = listed(f"<table><tr><th>State<th>County<th>City<th>Since</tr>{body}</table>")
    assert {key: dict(record.fields) for key, record in found.records.items()} == {
        "us-county:06001": {"name": "Alameda", "section": "COUNTIES", "Since": "2019"},
        "us-place:CA/berkeley": {"name": "Berkeley", "section": "CITIES", "Since": "2020"},
        "us-county:06075": {"name": "San Francisco", "section": "COUNTIES", "Since": "2021"},
        "us-state:OR": {"name": "Oregon", "section": "STATES", "Since": "1987"},
    }


def test_a_table_of_jurisdictions_and_a_table_of_cells() -> None:
    found = listed("<table><tr><td>Jurisdiction<td>State<tr><td>Cook County<td>Illinois<tr><td>Oregon<td></table>")
    assert list(found.records) == ["us-county:17031", "us-state:OR"]
    found = listed("<h2>Cities</h2><table><tr><td>Boston, MA<td>Chicago, IL<tr><td>Seattle, WA<td></table>")
    assert list(found.records) == ["us-place:MA/boston", "us-place:IL/chicago", "us-place:WA/seattle"]


@pytest.mark.parametrize(
    "spelling", ["Clark County, Nev.", "Clark County, NV", "CLARK COUNTY, NEVADA", "Clark County (NV);"]
)
def test_the_key_is_the_place_however_it_is_spelled(spelling: str) -> None:
    found = listed(f"<h2>Counties</h2>{items([spelling])}")
    assert found.records["us-county:32003"].fields == {"name": spelling, "section": "COUNTIES"}


def test_equal_entries_are_kept() -> None:
    found = listed(f"<h2>Counties</h2>{items(['Cook County, IL', 'Cook County, Ill.'])}")
    assert list(found.records) == ["us-county:17031", "us-county:17031#2"]
    assert found.records["us-county:17031#2"].key == "us-county:17031#2"


def test_the_chrome_of_a_page_is_no_list() -> None:
    page = (
        "<nav><h2>States</h2><ul><li>Texas</li></ul></nav><main><h2>States</h2><ul><li>Oregon</li></ul></main>"
        "<footer><h2>Cities</h2><ul><li>Boston, MA</li></ul></footer>"
    )
    assert list(listed(page).records) == ["us-state:OR"]
    assert list(listed(page.replace("main>", "div>")).records) == ["us-state:OR"]


def test_a_page_without_a_list_is_said() -> None:
    with pytest.raises(NothingThere, match="a list of states, counties or cities"):
        listed("<h1>Counties</h1><p>The list will be published on Friday in Cook County.</p>")
    with pytest.raises(NotReadable, match="select"):
        listed("<p>x</p>", select=".list")
