"""Prose as words: which place names start at a word, and which state stands behind one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from watcher.places import agency
from watcher.places.names import COUNTY_TYPES
from watcher.places.spelling import key, word_set
from watcher.places.tables import CITY, Phrases, cities, counties, state_names, states

_WORD = re.compile(r"[^\W_]+(?:[.'’‘ʼ&‑–-][^\W_]+)*\.?")
_POSSESSIVE = re.compile(r"['’‘ʼ]s$", re.IGNORECASE)
_SENTENCE_END = re.compile(r"[.!?:\n]")

COUNTY_OFFICES = """
    sheriff, sheriffs, sheriffs office, sheriffs department, sheriffs dept, sheriff department, police,
    police department, jail, jails, main jail, central jail, prison, juvenile hall, house of correction,
    detention center, detention facility, adult detention center, adult detention facility, juvenile detention center,
    department of correction, department of corrections, department of corrections and rehabilitation,
    dept of corrections, division of corrections, corrections department, correctional center, correctional facility,
    correctional institution, probation department
"""
CITY_OFFICES = "police, police department, police dept, city police, city jail, department of public safety"
AMBIGUOUS_CODES = word_set("hi in me oh ok or")
"""Postal codes that are words as well: they count in capitals only."""
SHORT = 3
"""Keys of cities up to this long are abbreviations ("LA", "NYC") and count in capitals only, as agencies' do."""


class Word(NamedTuple):
    """A word as written, what stands between it and the word before, and its keys: whole, and as a possessor."""

    text: str
    gap: str
    keys: tuple[str, ...]


class Behind(NamedTuple):
    """A state behind a name: its code, where it ends, whether it is spelled out, and whether a comma leads to it."""

    code: str
    end: int
    full: bool
    set_off: bool


@cache
def _phrases() -> dict[str, Phrases]:
    return {
        "state": Phrases(state_names()),
        "county": Phrases(name for name, found in counties().items() if any(e.type != CITY for e in found)),
        "city": Phrases(cities()),
        "agency": Phrases(agency.names()),
        "type": Phrases(map(key, COUNTY_TYPES)),
        "county office": Phrases(map(key, COUNTY_OFFICES.split(","))),
        "city office": Phrases(map(key, CITY_OFFICES.split(","))),
    }


def words_of(text: str) -> list[Word]:
    """Part prose into words; one pass, in linear time."""
    words, end = [], 0
    for match in _WORD.finditer(text):
        written = match.group()
        whole, possessor = key(written), key(_POSSESSIVE.sub("", written))
        if whole:
            keys = (whole,) if possessor in {whole, ""} else (whole, possessor)
            words.append(Word(written, text[end : match.start()], keys))
            end = match.end()
    words.append(Word("", f"{text[end:]}\n", ("",)))
    return words


class Text:
    """The words of a text, to be asked by position; the last is empty and stands for the text's end."""

    def __init__(self, text: str) -> None:
        self.words = words_of(text)
        self.size = len(self.words) - 1

    def key(self, at: int) -> str:
        """The key of a word, empty outside the text."""
        return self.words[at].keys[0] if 0 <= at < self.size else ""

    def written(self, at: int, end: int) -> str:
        """The words from `at` to before `end`."""
        return " ".join(word.text for word in self.words[at:end])

    def capital(self, at: int) -> bool:
        """Whether a word begins with a capital."""
        return self.words[at].text[:1].isupper()

    def joined(self, at: int) -> bool:
        """Whether only white space, and no empty line, parts a word from the one before."""
        gap = self.words[at].gap
        return at < self.size and gap.isspace() and gap.count("\n") <= 1

    def follows_comma(self, at: int) -> bool:
        """Whether a comma parts a word from the one before."""
        return self.words[at].gap.strip() == ","

    def starts_sentence(self, at: int) -> bool:
        """Whether a word opens a sentence or a line."""
        return at == 0 or self.words[at - 1].text.endswith(".") or bool(_SENTENCE_END.search(self.words[at].gap))

    def possessive(self, at: int) -> bool:
        """Whether a word owns the next: "California's", "Texas'"."""
        return len(self.words[at].keys) > 1 or self.words[at + 1].gap.startswith(("'", "’"))

    def name(self, table: str, at: int) -> tuple[str, int] | None:
        """Return the key of the longest name of a table that starts at a word, and the position behind it."""
        phrases = _phrases()[table]
        match = phrases.longest(self._run(at)) if phrases.begins(self.words[at].keys) else None
        if not match:
            return None
        name, size = match
        abbreviation = size == 1 and (table == "agency" or (table == "city" and len(name) <= SHORT))
        if abbreviation and not _POSSESSIVE.sub("", self.words[at].text).isupper():
            return None
        return name, at + size

    def suffix(self, table: str, at: int) -> tuple[str, int] | None:
        """As `name`, for words that must follow directly."""
        return self.name(table, at) if self.joined(at) else None

    def state_behind(self, at: int) -> Behind | None:
        """Return the state that stands behind a name which ends before `at`: ", Nev.", "(NV)", "in Nevada"."""
        gap = self.words[at].gap.strip()
        set_off = gap in {",", "(", ", ("}
        if not set_off and (not self.joined(at) or "\n" in self.words[at].gap):
            return None
        inside = not set_off and self.key(at) == "in"
        start = at + 1 if inside else at
        match = self.name("state", start) if self.capital(start) else None
        if not match or self._part_of_a_name(match[1]):
            return None
        name, end = match
        code = state_names()[name]
        full = name == key(states()[code].name)
        if full or (not inside and self._abbreviation(start, name, set_off=set_off)):
            return Behind(code, end, full, set_off)
        return None

    def _abbreviation(self, at: int, name: str, *, set_off: bool) -> bool:
        """Whether a word is meant as a state's abbreviation, not as a word like "in" or "or"."""
        written = self.words[at].text
        if len(name) > len("NV"):
            return set_off
        return written.isupper() or (set_off and written.endswith(".") and name not in AMBIGUOUS_CODES)

    def _part_of_a_name(self, end: int) -> bool:
        """Whether a state's name that ends here goes on as another: "Washington County", "New York City"."""
        return self.joined(end) and (self.key(end) == CITY or bool(self.name("type", end)))

    def _run(self, at: int) -> Iterator[tuple[str, ...]]:
        here = at
        while here < self.size and (here == at or self.joined(here)):
            yield self.words[here].keys
            here += 1
