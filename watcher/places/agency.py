"""Agencies and jails: those of the table, and by rule any "<place> <sheriff, jail, police …>".

The rule finds the county or city that an agency belongs to, so that whoever follows the county hears of its jail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import cache

from watcher.core import Subject
from watcher.places.spelling import key, normalise, slug, tidy, titled, word_set
from watcher.places.tables import agency_list, state_names, states, with_state

PlaceNamed = Callable[[str, str | None], Subject | None]
"""Looks up a county or a city by name and, where it is known, state."""

WORDS = word_set(
    "attorney authority board bureau commission commissioners constable constables correction correctional corrections "
    "department dept detention division enforcement facility guard jail jails marshal marshals office patrol "
    "penitentiary police prison probation safety sheriff sheriffs"
)
"""A name of two words or more with one of these, not as the first, is an agency's."""

COUNTY_WORDS = ("county", "parish", "borough")
COUNTY_OFFICES = ("sheriff", "jail", "detention", "corrections", "correctional")
CITY_OFFICES = ("police", "city jail", "jail", "marshal", "public safety", "department of public safety", "sheriff")
LONGEST_PLACE = 7
NOT_A_CITY = word_set(
    "airport authority college district division international metropolitan regional school state transit university"
)

_SAME = (
    ("sheriffs department", "sheriffs office"),
    ("sheriff department", "sheriffs office"),
    ("sheriffs dept", "sheriffs office"),
    ("sheriff office", "sheriffs office"),
    ("sheriffs", "sheriffs office"),
    ("sheriff", "sheriffs office"),
    ("state police", "state police"),
    ("police dept", "police department"),
    ("police", "police department"),
    ("pd", "police department"),
    ("corrections department", "department of corrections"),
    ("dept of corrections", "department of corrections"),
    ("department of correction", "department of corrections"),
)
"""Endings that name one and the same agency."""


def read(name: str, code: str | None, kind: str, *, county_named: PlaceNamed, city_named: PlaceNamed) -> Subject | None:
    """Return the agency that `name` writes, or None where it writes none, or one whose state is not known."""
    if listed := _listed(name, code):
        return listed
    words = normalise(name).split()
    if not words or (kind != "agency" and not WORDS.intersection(words[1:])):
        return None
    owner, size = _owner(words, code, county_named, city_named)
    if owner:
        return of_place(owner, _after(name, size))
    code = code or _leading_state(words)
    return _subject(titled(tidy(name)), code, ()) if code else None


def of_place(owner: Subject, office: str) -> Subject:
    """Return an agency of a county or city: "main jail" of Santa Clara County, within it and what contains it."""
    name = f"{owner.name.rpartition(',')[0]} {titled(office)}"
    return _listed(name, owner.state) or _subject(name, owner.state or "", (owner.id, *owner.within))


def is_listed(subject: Subject) -> bool:
    """Whether the table has this agency."""
    return any(entry.subject == subject for entry in agency_list())


@cache
def names() -> Mapping[str, tuple[Subject, ...]]:
    """The agencies of the table by the `key` of each of their names, as written and in the one form of its ending."""
    found: dict[str, dict[Subject, None]] = defaultdict(dict)
    for entry in agency_list():
        for name in entry.names:
            found[key(name)][entry.subject] = None
            found[key(_canonical(name))][entry.subject] = None
    return {name: tuple(subjects) for name, subjects in found.items()}


def _listed(name: str, code: str | None) -> Subject | None:
    found = [subject for subject in names().get(key(_canonical(name)), ()) if code in {None, subject.state}]
    return found[0] if len(found) == 1 else None


def _subject(name: str, code: str, within: tuple[str, ...]) -> Subject:
    shown = name if normalise(name).startswith(normalise(states()[code].name)) else with_state(name, code)
    return Subject(f"us-agency:{code}/{slug(_canonical(name))}", shown, code, within)


def _canonical(name: str) -> str:
    """One form for the endings that vary: the Sheriff's Department and the Sheriff are the sheriff's office."""
    words = normalise(name)
    for ending, same in _SAME:
        if words.endswith(f" {ending}"):
            return f"{words.removesuffix(ending)}{same}"
    return words


def _owner(
    words: list[str], code: str | None, county_named: PlaceNamed, city_named: PlaceNamed
) -> tuple[Subject | None, int]:
    """Return the county or city that an agency's name begins with, and how many words of it that takes."""
    for at, word in enumerate(words[:LONGEST_PLACE], start=1):
        if word in COUNTY_WORDS and (county := county_named(" ".join(words[:at]), code)):
            return county, at
    size = next((n for n, word in enumerate(words) if word in WORDS or words[n : n + 2] == ["public", "safety"]), 0)
    office = " ".join(words[size:])
    size -= words[size - 1 : size] == ["city"] and office.startswith("jail")
    head = words[:size]
    place = " ".join(head)
    if not head or len(head) > LONGEST_PLACE or NOT_A_CITY.intersection(head) or key(place) in state_names():
        return None, 0
    if office.startswith(COUNTY_OFFICES) and (county := county_named(f"{place} county", code)):
        return county, size
    return (city_named(titled(place), code) if office.startswith(CITY_OFFICES) else None), size


def _after(name: str, size: int) -> str:
    """What stands behind the first `size` normal words of a name, as written."""
    written = tidy(name).split()
    parts = range(len(written) + 1)
    return " ".join(written[next(n for n in parts if len(normalise(" ".join(written[:n])).split()) >= size) :])


def _leading_state(words: list[str]) -> str | None:
    """The state whose name opens an agency's: "Alaska Department of Corrections"."""
    return next((c for n in (3, 2, 1) if (c := state_names().get("".join(words[:n])))), None)
