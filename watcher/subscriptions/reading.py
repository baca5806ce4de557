"""The words of a chat command to a filter: "Cook County, IL + dropped", or what they may mean, or why not."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from watcher.core import Severity, Subject
from watcher.places import candidates, resolve
from watcher.route import OPERATOR, Filter, folded, pattern
from watcher.subscriptions.filters import DOCUMENTS, EVERYTHING, KINDS, describe, state_of

LONGEST = 500
"""Characters of a command that are read."""
LONGEST_WORD = 100
LONGEST_SHOWN = 60
MOST_PARTS = 10
MOST_CHOICES = 8

EXAMPLES = "“Cook County, IL”, “California”, “dropped”, “word:detainer”, or several: “California + dropped”"

MEANING = {name: (kind,) for kind, name in KINDS.items()} | {
    "delisted": ("jurisdiction.delisted",),
    "added": ("jurisdiction.listed", "record.added"),
    "removed": ("jurisdiction.delisted", "record.removed"),
    "renamed": ("jurisdiction.changed",),
    "correction": ("report.corrected",),
    "corrections": ("report.corrected",),
    "new report": ("report.published",),
    "new reports": ("report.published",),
}
"""What people call kinds of change, in small letters."""

_ALL = {EVERYTHING, "all", "*"}
_SEVERITIES = {severity.label: severity for severity in Severity}
_WORD = re.compile(r"(?:key)?words?:(.*)", re.IGNORECASE | re.DOTALL)
_MARKS = '"“”„'
_QUOTED = re.compile(f"[{_MARKS}][^{_MARKS}]*[{_MARKS}]")
_PLUS = re.compile(r"[+\n\r]")
_AND = re.compile(r"\sand\s", re.IGNORECASE)
_SEPARATOR = re.compile(rf"{_PLUS.pattern}|{_AND.pattern}", re.IGNORECASE)
_KIND = re.compile(r"([a-z*?]+)\.[a-z*?]+")
_WILD = re.compile(r"[*?\[]")
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""The Unicode categories of what cannot be seen, or turns the direction of a text."""
_RANKS = ("us-state:", "us-place:", "us-county:")
_STATE, _CITY = 0, 1


class Choice(NamedTuple):
    """One of the things that a text may mean: its words for a button, and the filter that it would become."""

    label: str
    filter: Filter


class Choices(NamedTuple):
    """The things that a text may mean, the likeliest first; `more` were left out."""

    options: tuple[Choice, ...]
    more: int = 0


class Refused(NamedTuple):
    """Why a text is no filter, and what to write instead."""

    why: str


class _Meant(NamedTuple):
    """What one part of a text may mean; a guess is asked about even where it is the only one."""

    text: str
    filters: tuple[Filter, ...]
    guess: bool = False


class _Known(NamedTuple):
    """What a text is read against."""

    sources: Collection[str]
    seen: Collection[str]


def read(text: str, *, sources: Collection[str], seen: Collection[str] = ()) -> Filter | Choices | Refused:
    """Read what somebody wants to hear of. Never raises for any text.

    `sources` are the names of what is watched; `seen` the ids of places in stored changes, which are offered first.
    Parts of one condition are joined by "or", different conditions by "and", as in every filter.
    """
    if why := _unreadable(text):
        return Refused(why)
    parts: list[_Meant] = []
    for piece in _split(text, _PLUS):
        for meant in _piece(piece, _Known(sources, seen)):
            if isinstance(meant, Refused):
                return meant
            parts.append(meant)
    return _combined(parts)


def _unreadable(text: str) -> str:
    if len(text) > LONGEST:
        return f"That is too long: write at most {LONGEST} characters."
    if any(unicodedata.category(char) in _UNSEEN and char not in "\n\r\t" for char in text):
        return "There are characters in it that cannot be seen: type it anew."
    count = len(_split(text, _SEPARATOR))
    if count > MOST_PARTS:
        return f"These are {count} conditions, and {MOST_PARTS} are the most: subscribe in several steps."
    return "" if count else f"Say what you want to hear of: {EXAMPLES}, or “{EVERYTHING}”."


def _split(text: str, at: re.Pattern[str]) -> list[str]:
    """The parts of a text between separators that stand outside quotes, without blank ones."""
    bare = _QUOTED.sub(lambda quoted: "_" * len(quoted[0]), text)
    cuts = [0, *(edge for found in at.finditer(bare) for edge in found.span()), len(text)]
    parts = (text[start:end].strip() for start, end in zip(cuts[::2], cuts[1::2], strict=True))
    return [part for part in parts if part]


def _piece(piece: str, known: _Known) -> list[_Meant | Refused]:
    """Read one piece as a whole ("King and Queen County, Va."), else the parts that "and" joins, else as a word."""
    parts = _split(piece, _AND)
    meant = [_plain(part, known) for part in parts]
    whole = _plain(piece, known)
    if whole and not (_WORD.match(piece) and any(meant[1:])):
        return [whole]
    if any(meant):
        return [one or _guessed(part) for part, one in zip(parts, meant, strict=True)]
    return [_guessed(piece)]


def _plain(text: str, known: _Known) -> _Meant | Refused | None:
    """Read a part that says what it is; None where it is nothing known."""
    if (word := _WORD.fullmatch(text)) or _QUOTED.fullmatch(text):
        return _word(word[1] if word else text)
    name = folded(text)
    own = _own_words(name)
    places = () if own else places_meant(text, known.seen)
    meanings = dict.fromkeys([*own, *_named_sources(text, known.sources), *map(_placed, places)])
    return _Meant(text, tuple(meanings)) if meanings else _no_such(text, name)


def _own_words(name: str) -> list[Filter]:
    """The words of this command itself, which mean nothing else: everything, how grave, kinds of change."""
    if name in _ALL:
        return [Filter()]
    if name in _SEVERITIES:
        return [Filter(severity=_SEVERITIES[name])]
    if name in MEANING:
        return [Filter(kinds=MEANING[name])]
    if _KIND.fullmatch(name) and any(pattern(name).match(kind) for kind in KINDS):
        return [Filter(kinds=(name,))]
    return []


def _word(text: str) -> _Meant | Refused:
    word = folded(text.strip().strip(_MARKS))
    if len(word) > LONGEST_WORD or not any(map(str.isalnum, word)):
        return Refused(f"A word to look for is one that has letters or digits, at most {LONGEST_WORD} characters.")
    return _Meant(text, (Filter(words=(word,)),))


def _guessed(text: str) -> _Meant | Refused:
    """What an unknown text may be: a place that no table has, where it ends with a state, and a word."""
    word = _word(text)
    if isinstance(word, Refused):
        return word
    place = resolve(text)
    places = (Filter(places=(place.id,)),) if place.id.startswith("us-") else ()
    return _Meant(text, (*places, *word.filters), guess=True)


def _named_sources(text: str, sources: Collection[str]) -> list[Filter]:
    """A source with the documents that it lists, or the sources that a glob finds."""
    named = [name for name in sources if name.casefold() == text.casefold()]
    if not named and _WILD.search(text) and any(pattern(text).match(name) for name in sources):
        return [Filter(sources=(text,))]
    return [Filter(sources=(name, name + DOCUMENTS)) for name in named]


def _no_such(text: str, name: str) -> Refused | None:
    """What to say of a text that looks like a kind or a glob, and finds nothing."""
    kind = _KIND.fullmatch(name)
    if name.startswith(OPERATOR):
        return Refused("Faults of sources go to the operator, by a route of config.toml.")
    if kind and (others := [known for known in KINDS if known.startswith(f"{kind[1]}.")]):
        return Refused(f"No change is of the kind “{_cut(text)}”. There are: {', '.join(others)}.")
    if _WILD.search(text):
        return Refused(f"No source has a name like “{_cut(text)}”. To look for it in changed text, put it in quotes.")
    return None


def places_meant(text: str, seen: Collection[str]) -> list[Subject]:
    """The places of that name: what it means at first sight, those seen in changes, states, cities, counties.

    A state's name is that state, though counties of others are called after it, unless a city is too.
    """
    first = resolve(text)
    found = candidates(text)
    if not found and (first.id in seen or (first.id.startswith("us-") and "," in text)):
        return [first]
    if [_rank(place.id) for place in found].count(_STATE) == 1 and all(_rank(place.id) != _CITY for place in found):
        return [place for place in found if _rank(place.id) == _STATE]
    return sorted(found, key=lambda place: (place.id != first.id, place.id not in seen, _rank(place.id)))


def _rank(place: str) -> int:
    return next((rank for rank, start in enumerate(_RANKS) if place.startswith(start)), len(_RANKS))


def _placed(place: Subject) -> Filter:
    if place.id.startswith("us-state:"):
        return Filter(states=(place.id.removeprefix("us-state:"),))
    return Filter(places=(place.id,))


def _combined(parts: Sequence[_Meant]) -> Filter | Choices | Refused:
    """All parts in one filter; those that nothing can meet are no choice."""
    unsure = [f"“{_cut(part.text)}”" for part in parts if len(part.filters) > 1]
    if len(unsure) > 1:
        return Refused(f"Each of {', '.join(unsure)} can mean several things. Subscribe to one at a time.")
    joined = [_joined(filters) for filters in itertools.product(*(part.filters for part in parts))]
    possible = [wanted for wanted in joined if _possible(wanted)]
    if not possible:
        return Refused(f"Nothing can be all of that: {describe(joined[0])}. Subscribe to each by itself.")
    if len(possible) == 1 and not any(part.guess for part in parts):
        return possible[0]
    shown = tuple(Choice(describe(wanted), wanted) for wanted in possible[:MOST_CHOICES])
    return Choices(shown, more=len(possible) - len(shown))


def _joined(filters: Sequence[Filter]) -> Filter:
    """All conditions in one filter; states are left out where they say no more than the places do."""
    severities = [wanted.severity for wanted in filters if wanted.severity is not Severity.MINOR]
    states = _united(wanted.states for wanted in filters)
    places = _united(wanted.places for wanted in filters)
    within = bool(places) and all(state_of(place) in states for place in places)
    return Filter(
        sources=_united(wanted.sources for wanted in filters) or ("*",),
        kinds=_united(wanted.kinds for wanted in filters) or ("*",),
        states=() if within else states,
        places=places,
        words=_united(wanted.words for wanted in filters),
        severity=min(severities, default=Severity.MINOR),
    )


def _united(conditions: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """All terms in one order, so that the same words in another order are the same filter."""
    return tuple(sorted({term for terms in conditions for term in terms} - {"*"}))


def _possible(wanted: Filter) -> bool:
    """Whether a place of the filter can lie in a state of it."""
    if not wanted.states or not wanted.places:
        return True
    return any(state_of(place) in {None, *wanted.states} for place in wanted.places)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"
