"""A filter in plain words for people, and as the JSON that is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, cast

import msgspec

from watcher.core import Severity, Subject
from watcher.places.spelling import titled
from watcher.places.tables import agency_list, city_list, county_list, state_subject, states, with_state
from watcher.route import Filter

EVERYTHING = "everything"
DOCUMENTS = "/*"
"""What a source's name is followed by in the glob of the documents that it lists."""

KINDS = {
    "jurisdiction.*": "jurisdictions",
    "jurisdiction.listed": "listed",
    "jurisdiction.delisted": "dropped",
    "jurisdiction.changed": "entry changed",
    "jurisdiction.reattributed": "reattributed",
    "record.*": "rows",
    "record.added": "row added",
    "record.removed": "row removed",
    "record.changed": "row changed",
    "report.*": "reports",
    "report.published": "published",
    "report.corrected": "corrected",
    "report.withdrawn": "withdrawn",
    "report.late": "late",
    "report.resumed": "resumed",
    "article.*": "articles",
    "article.headline": "headline",
    "article.byline": "byline",
    "article.text": "article text",
    "article.note": "note",
    "article.mentions": "mentions",
    "page.*": "pages",
    "page.text": "page text",
    "page.links": "links",
    "page.gone": "gone",
    "page.back": "back",
    "page.moved": "moved",
    "page.redesigned": "redesigned",
}
"""The kinds of change that readers may ask for, and how people say them."""


_Label = Literal["cosmetic", "minor", "major", "urgent"]


class _Stored(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A filter as it is stored. A condition of a later version is an error: left out, it would let more through."""

    sources: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = ("*",)
    states: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    severity: _Label = "minor"


def filter_json(wanted: Filter) -> dict[str, Any]:
    """The conditions of a filter that ask for something, as JSON: {"kinds": ["page.gone"], "severity": "major"}.

    Equal filters give equal JSON, and the other way round.
    """
    stored = _Stored(
        sources=wanted.sources,
        kinds=wanted.kinds,
        states=wanted.states,
        places=wanted.places,
        words=wanted.words,
        severity=cast("_Label", wanted.severity.label),
    )
    nothing = _plain(_Stored())
    return {name: value for name, value in _plain(stored).items() if value != nothing[name]}


def _plain(stored: _Stored) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(stored))
    return told


def filter_from(stored: Mapping[str, Any]) -> Filter:
    """The filter that `filter_json` wrote. Raises msgspec.ValidationError for anything else."""
    told = msgspec.convert(stored, _Stored)
    return Filter(
        sources=told.sources,
        kinds=told.kinds,
        states=told.states,
        places=told.places,
        words=told.words,
        severity=Severity[told.severity.upper()],
    )


def known_place(place: str) -> Subject | None:
    """The place of the packaged tables that an id names; None for those that only pages know."""
    return _by_id().get(place)


def place_name(place: str) -> str:
    """The name of a place as AP writes it, as well as its id can tell: "us-county:32003" is "Clark County, Nev."."""
    if found := known_place(place):
        return found.name
    code, slug = _parted(place)
    name = titled((slug or place).replace("-", " "))
    return with_state(name, code) if code else name


def state_of(place: str) -> str | None:
    """The postal code of the state that a place lies in, where its id tells."""
    found = known_place(place)
    return found.state if found else _parted(place)[0] or None


def _parted(place: str) -> tuple[str, str]:
    """The postal code ("" for none) and the slug in an id: "us-place:IL/elk-grove" gives "IL", "elk-grove"."""
    code, _, slug = place.partition(":")[2].rpartition("/")
    return (code, slug) if code in states() else ("", place.partition(":")[2])


def describe(wanted: Filter, name_of: Callable[[str], str] = place_name) -> str:
    """A filter in one line: "Cook County, Ill. · dropped · the word “detainer”"; `name_of` names a place's id."""
    places = [name_of(place) for place in wanted.places]
    in_states = [name_of(f"us-state:{code}") for code in wanted.states]
    conditions = [
        *([_either(places)] if places else ()),
        *([_either(in_states)] if in_states else ()),
        *([_either(_without_documents(wanted.sources))] if "*" not in wanted.sources else ()),
        *([_either([KINDS.get(kind, kind) for kind in wanted.kinds])] if "*" not in wanted.kinds else ()),
        *([f"the word {_either([f'“{word}”' for word in wanted.words])}"] if wanted.words else ()),
    ]
    if wanted.severity is Severity.COSMETIC:
        conditions.append("cosmetic changes too")
    elif wanted.severity is not Severity.MINOR:
        conditions.append(wanted.severity.label)
    return " · ".join(conditions) or EVERYTHING


def _either(names: list[str]) -> str:
    return " or ".join(names) or "nothing"


def _without_documents(sources: tuple[str, ...]) -> list[str]:
    """The globs of sources without those of their documents, which go without saying."""
    return [name for name in sources if name.removesuffix(DOCUMENTS) not in sources or not name.endswith(DOCUMENTS)]


@cache
def _by_id() -> Mapping[str, Subject]:
    entries = (*county_list(), *city_list(), *agency_list())
    subjects = [*map(state_subject, states()), *(entry.subject for entry in entries)]
    return {subject.id: subject for subject in subjects}
