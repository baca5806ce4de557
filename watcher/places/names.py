"""One listed name to one identity: "CLARK COUNTY (NV)" to us-county:32003.

A name is taken apart from its end: the field office, the state, then what is left is read as a state, a place inside
a county, an agency, a county, a city, in that order. The first reading that fits is the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from watcher.core import Subject
from watcher.places import agency
from watcher.places.spelling import key, normalise, slug, tidy, titled
from watcher.places.tables import CITY, Entry, cities, counties, state_names, state_subject, states, with_state

MAX_NAME = 300
"""Characters of a name that are read; no place has a longer one."""

LONGEST_STATE = 6
LONGEST_CITY = 6

COUNTY_TYPES = {
    "city and borough": "City and Borough",
    "census area": "Census Area",
    "planning region": "Planning Region",
    "county": "County",
    "counties": "County",
    "co": "County",
    "parish": "Parish",
    "parishes": "Parish",
    "borough": "Borough",
    "municipality": "Municipality",
    "municipio": "Municipio",
    "island": "Island",
    "district": "District",
}
"""The legal types as lists write them, the longer before the shorter that ends them."""

LOOSE_STATES = {"AK", "NY"}
"""Where any legal type may be written for another: Alaska's "Juneau Borough", New York's borough of Manhattan."""

CITY_PREFIXES = ("city and county of ", "city of ", "town of ", "village of ")

FIELD_OFFICES = frozenset(
    map(
        key,
        (
            *("Atlanta", "Baltimore", "Boston", "Buffalo", "Chicago", "Dallas", "Denver", "Detroit", "El Paso"),
            *("Harlingen", "Houston", "Los Angeles", "Miami", "Newark", "New Orleans", "New York City", "New York"),
            *("Philadelphia", "Phoenix", "Salt Lake City", "San Antonio", "San Diego", "San Francisco", "Seattle"),
            *("St. Paul", "Washington", "Washington, D.C."),
        ),
    )
)
"""The cities after which ICE's field offices are named."""


def state_code(text: str) -> str | None:
    """Return the postal code of the state that `text` names in any spelling ("Penn.", "State of Iowa"), or None."""
    name = key(text[:MAX_NAME])
    for bare in (name, name.removeprefix("stateof").removeprefix("commonwealthof"), name.removesuffix("state")):
        if code := state_names().get(bare):
            return code
    return None


def split_office(text: str) -> tuple[str, str | None]:
    """Part a listed name from the ICE field office behind it: "Travis County, Texas (San Antonio)".

    Brackets hold an office when the name before them already says its state, or when they hold the name of a known
    office that is not a state's. Returns the name, and the office or None.
    """
    text = tidy(text)
    name, inside = _brackets(text[:MAX_NAME])
    if not key(inside) or normalise(inside) in {*COUNTY_TYPES, CITY, "state"}:
        return text, None
    if _split_state(name)[1] or (key(inside) in FIELD_OFFICES and not state_code(inside)):
        return name, inside
    return text, None


def resolve(text: str, *, state: str | None = None, kind: str = "") -> Subject:
    """Return the identity of one listed name.

    `state` is the state of the list or of its column, in any spelling; a state in `text` wins. `kind` is what the
    heading promises: "state", "county", "city", "agency", or "". A name that is not known keeps an id of its own,
    `place:<normalised text>`. Never raises for any text.
    """
    written = split_office(text)[0][:MAX_NAME]
    hint = state_code(state) if state else None
    if found := _as_state(written, hint, kind):
        return found
    name, named = _split_state(written)
    code = named or hint
    return (
        _inside_county(name, code, kind)
        or agency.read(name, code, kind, county_named=find_county, city_named=find_city)
        or find_county(name, code, bare=kind == "county")
        or find_city(name, code, known=kind in {"county", "state"})
        or (None if named else _as_state(written, hint, ""))
        or _unknown(written, name, code)
    )


def candidates(text: str) -> tuple[Subject, ...]:
    """Return all identities that an ambiguous name can mean: "Franklin County" is each county of that name.

    A name that is not known at all gives an empty tuple.
    """
    written = split_office(text)[0][:MAX_NAME]
    name, named = _split_state(written)
    base, legal = _split_type(name)
    found: list[Subject] = []
    if not named and (code := state_code(written)):
        found.append(state_subject(code))
    found += (entry.subject for entry in counties().get(key(base), ()) if legal in {None, entry.type})
    if legal is None:
        found += (entry.subject for entry in cities().get(_city_key(name), ()))
        found += filter(None, [_known_city(name, named)])
    for code in [named] if named else states():
        subject = agency.read(name, code, "", county_named=find_county, city_named=_known_city)
        if subject and (subject.within or agency.is_listed(subject)):
            found.append(subject)
    return tuple(dict.fromkeys(subject for subject in found if named in (None, subject.state)))


def find_county(name: str, code: str | None, *, bare: bool = False) -> Subject | None:
    """Return the county that `name` writes, with its legal type ("Clark County"), or without when `bare`.

    Where two bear the name, the one of the legal type written; a county before an independent city.
    """
    base, legal = _split_type(name)
    if legal is None and not bare:
        return None
    same_name = [e for e in counties().get(key(base), ()) if code in (None, e.subject.state)]
    loose = legal is None or (code is not None and (legal == "County" or code in LOOSE_STATES))
    return _only(_of_type(same_name, legal, loose=loose))


def find_city(name: str, code: str | None, *, known: bool = False) -> Subject | None:
    """Return the city that `name` writes; any name of a few words with a state is one, unless only `known` are asked.

    Without a state only cities count that AP writes without one.
    """
    if code in {None, "DC"} and key(name) == "washington":
        return state_subject("DC")
    entries = cities().get(_city_key(name), ())
    found = _only([e for e in entries if (e.subject.state == code if code else e.alone)])
    if found or known or not code:
        return found
    bare = _without_prefix(name)
    words = normalise(bare).split()
    if (
        not words
        or len(words) > LONGEST_CITY
        or "," in bare
        or _split_type(bare)[1] in {"County", "Parish"}
        or not words[0].isalpha()
    ):
        return None
    return Subject(f"us-place:{code}/{slug(bare)}", with_state(titled(bare), code), code)


def _known_city(name: str, code: str | None) -> Subject | None:
    return find_city(name, code, known=True)


def _only(entries: list[Entry]) -> Subject | None:
    return entries[0].subject if len(entries) == 1 else None


def _of_type(entries: Iterable[Entry], legal: str | None, *, loose: bool) -> list[Entry]:
    """Keep the entries of the legal type written; `loose`: else the counties, else the independent cities."""
    entries = list(entries)
    exact = [e for e in entries if e.type == legal]
    if exact or not loose:
        return exact
    return [e for e in entries if e.type != CITY] or entries


def _as_state(name: str, hint: str | None, kind: str) -> Subject | None:
    """Read a name as a state, unless the list is of other things or stands in another state."""
    code = state_code(name)
    return state_subject(code) if code and kind in {"", "state"} and hint in {None, code} else None


def _inside_county(name: str, code: str | None, kind: str) -> Subject | None:
    """Read "Iowa City, Johnson County" as the city, within that county, and "Nevada, Clark County" as the county."""
    inner, _, outer = name.rpartition(",")
    leading = None if code else state_code(inner)
    county = find_county(tidy(outer), code or leading) if tidy(inner) else None
    if county is None or leading:
        return county
    if agency.WORDS.issuperset(normalise(inner).split()[:1]):
        return agency.of_place(county, tidy(inner))
    subject = resolve(inner, state=county.state, kind=kind)
    return replace(subject, within=tuple(dict.fromkeys((*subject.within, county.id))))


def _unknown(written: str, name: str, code: str | None) -> Subject:
    return Subject(f"place:{normalise(f'{name} {code}' if code else name)}", written, code)


def _brackets(text: str) -> tuple[str, str]:
    """Part a text from the last brackets at its end; the second part is empty where there are none."""
    head, opening, tail = text.rpartition("(")
    if not opening or not tail.endswith(")") or not tidy(head):
        return text, ""
    return tidy(head), tidy(tail[:-1])


def _split_state(text: str) -> tuple[str, str | None]:
    """Part a name from the state at its end: after a comma or a dash, in brackets, or simply after the name."""
    name, inside = _brackets(text)
    if inside:
        code = state_code(inside)
        return (name, code) if code else _split_state(f"{name} {inside}" if normalise(inside) in COUNTY_TYPES else name)
    for dash in (" - ", " – ", " — "):
        text = text.replace(dash, ", ")
    head, _, tail = text.rpartition(",")
    if tidy(head) and (code := state_code(tail)):
        return tidy(head), code
    words = text.split()
    for size in range(min(LONGEST_STATE, len(words) - 1), 0, -1):
        head, tail = " ".join(words[:-size]), " ".join(words[-size:])
        code = state_code(tail)
        if code and _ends_a_name(head, code, tail):
            return tidy(head), code
    return text, None


def _ends_a_name(head: str, code: str, tail: str) -> bool:
    """Whether a state may follow `head` with nothing between: "Clark County NV", not "Port Washington"."""
    if normalise(tail) == "co":
        return False
    return bool(len(normalise(tail)) == len(code) or _split_type(head)[1] or _known_city(head, code))


def _split_type(name: str) -> tuple[str, str | None]:
    """Part a county's name from its legal type: "Clark County", "County of Clark", "Juneau City and Borough"."""
    words = normalise(name)
    for written, legal in COUNTY_TYPES.items():
        if words.endswith(f" {written}"):
            return words.removesuffix(f" {written}"), legal
        if words.startswith(f"{written} of "):
            return words.removeprefix(f"{written} of "), legal
    return name, None


def _without_prefix(name: str) -> str:
    words = normalise(name)
    prefix = next((p for p in CITY_PREFIXES if words.startswith(p)), "")
    return " ".join(name.split()[len(prefix.split()) :]) if prefix else name


def _city_key(name: str) -> str:
    """The key of a city's name in the table: as written, else without a "City" that the table does not have."""
    full = key(_without_prefix(name))
    return full if full in cities() else full.removesuffix(CITY)
