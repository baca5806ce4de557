"""The jurisdictions that prose names, in order, each once: what `article.mentions` compares.

One pass over the words finds names, each with all that it can mean; then each is decided by what else the text says.
A name needs a capital. Every look ahead is bounded, so the time grows with the length of the text alone.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import NamedTuple

from watcher.core import Subject
from watcher.places import agency
from watcher.places.names import COUNTY_TYPES, find_city, find_county, resolve, state_code
from watcher.places.spelling import key, word_set
from watcher.places.tables import Entry, cities, counties, state_names, state_subject, states, with_state
from watcher.places.text import Behind, Text

TITLES = word_set(
    "attorney chairman chairwoman chief congressman congresswoman director dr gov governor judge justice mayor mr mrs "
    "ms president prof rep representative rev secretary sen senator sheriff supervisor"
)
NEVER_CITIES = word_set(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december jan feb aug sept oct nov dec today yesterday however meanwhile still instead "
    "elsewhere moreover"
)
OPENERS = word_set(
    "a after also an and as at before both but by during for from if in inside near neither of on outside since the "
    "then though to under when where while with"
)
"""Words that may have a capital only because they open a sentence."""
COUNTIES = word_set("county counties parish parishes")
JOINERS = word_set("de del du la las los")
ABBREVIATED = word_set("saint sainte fort mount n s e w dr gov mr mrs ms rep rev sen")
"""Words that may end in a dot without ending a sentence."""
NEWSPAPERS = word_set("globe herald journal magazine news post times tribune")
OF_A_CITY = word_set("city council mayor officials police")
LONGEST_CITY = 5
LONGEST_LIST = 12

_LEGAL = {key(written): key(legal) for written, legal in COUNTY_TYPES.items()}


class Found(NamedTuple):
    """A name in the text: all that it can mean, whether its one meaning is sure, and what it is if that stays open."""

    options: tuple[Subject, ...]
    sure: bool = True
    unknown: Subject | None = None


Reading = tuple[list[Found], int]
"""What was read, and the position behind it."""


def mentions(text: str, *, state: str | None = None) -> tuple[Subject, ...]:
    """Return the jurisdictions that `text` names, in order, each once.

    A county or agency without a state is the one already named so in this text, the only one of that name, the one in
    `state`, or the one in the state that the text names most; where that leaves it open its id is `place:<name>`.
    A state counts only where no county, city or agency in it is named.
    """
    hint = state_code(state) if state else None
    found = _found(Text(text), hint)
    certain = [name.options[0] for name in found if name.sure and len(name.options) == 1]
    ids, named = {subject.id for subject in certain}, Counter(subject.state for subject in certain)
    chosen: dict[str, Subject] = {}
    for name in found:
        if subject := _settled(name, ids, named, hint):
            chosen.setdefault(subject.id, subject)
    below = {subject.state for subject in chosen.values() if not _is_state(subject)}
    return tuple(s for s in chosen.values() if not (_is_state(s) and s.state in below))


def _is_state(subject: Subject) -> bool:
    return subject.id.startswith("us-state:")


def _settled(found: Found, ids: set[str], named: Counter[str | None], hint: str | None) -> Subject | None:
    """Decide what a name means by what else the text names; None where it then means nothing."""
    options = found.options
    if found.sure and len(options) == 1:
        return options[0]
    for likely in ([s for s in options if s.id in ids], [s for s in options if hint and s.state == hint]):
        if len(likely) == 1:
            return likely[0]
    first, second = (*sorted((named[s.state] for s in options), reverse=True), 0, 0)[:2]
    return next(s for s in options if named[s.state] == first) if first > second else found.unknown


def _found(text: Text, hint: str | None) -> list[Found]:
    """Read all names of a text from left to right."""
    found: list[Found] = []
    at = last_state = 0
    while at < text.size:
        read: Reading | None = None
        if text.capital(at):
            read = _agency(text, at) or _counties(text, at) or _known_city(text, at) or _new_city(text, at, hint)
            if read is None and (read := _state(text, at, last_state, hint)):
                last_state = read[1]
        if read:
            found += read[0]
        at = read[1] if read else at + 1
    return found


# ---------------------------------------------------------------- agencies and counties


def _agency(text: Text, at: int) -> Reading | None:
    """Read a name of the agency table: "Santa Rita jail", "LAPD"."""
    if not (match := text.name("agency", at)):
        return None
    name, end = match
    behind = text.state_behind(end)
    return [Found(agency.names()[name])], behind.end if behind else end


def _counties(text: Text, at: int) -> Reading | None:
    """Read counties and their agencies: "Clark County, Nev.", "Bucks and Chester counties", "Kent County jail"."""
    names: list[str] = []
    here, end, legal = at, at, _type_before(text, at)
    while text.capital(here) and (match := text.name("county", here)):
        names.append(match[0])
        end = match[1]
        if suffix := text.suffix("type", end):
            legal, end = suffix
            break
        here = end + (text.key(end) == "and")
        if len(names) == LONGEST_LIST or (here == end and not text.follows_comma(end)):
            break
    return _county_list(text, names, legal, end) if legal else None


def _type_before(text: Text, at: int) -> str:
    """The legal type before a name: "county" for "County of Clark"; a "City and County of" is a city."""
    before = text.key(at - 2) if text.key(at - 1) == "of" else ""
    return before if before in {"county", "counties", "parish"} and text.key(at - 4) != "city" else ""


def _county_list(text: Text, names: list[str], legal: str, end: int) -> Reading | None:
    many = legal in {"counties", "parishes"}
    if not names or (len(names) > 1 and not many):
        return None
    office = None if many else text.suffix("county office", end)
    title = text.written(end, office[1]) if office else ""
    end = office[1] if office else end
    behind = text.state_behind(end)
    if legal == "co" and not behind:
        return None
    found = [_county(name, _LEGAL[legal], title, behind.code if behind else None) for name in names]
    found = [f for f in found if f.options or f.unknown]
    return (found, behind.end if behind else end) if found else None


@lru_cache(maxsize=1024)
def _county(name: str, legal: str, office: str, code: str | None) -> Found:
    """All counties of a name and legal type, or their agencies of that office."""
    entries = [e for e in counties()[name] if key(e.type) == legal]
    if not entries:
        return Found(())
    title = f"{entries[0].subject.name.rpartition(',')[0]} {office}".strip()
    here = [e.subject for e in entries if code in {None, e.subject.state}]
    options = tuple(agency.of_place(county, office) if office else county for county in here)
    return Found(options, unknown=resolve(with_state(title, code) if code else title))


# ---------------------------------------------------------------- cities


def _known_city(text: Text, at: int) -> Reading | None:
    """Read a city of the table: with its state or county, with its police, or alone where AP writes it alone."""
    if not (match := text.name("city", at)):
        return None
    entries, end = cities()[match[0]], match[1]
    if office := text.suffix("city office", end):
        behind = text.state_behind(office[1])
        owners = [e for e in entries if not behind or e.subject.state == behind.code]
        title = text.written(end, office[1])
        found = Found(tuple(agency.of_place(e.subject, title) for e in owners), sure=_sure(owners) or bool(behind))
        return ([found], behind.end if behind else office[1]) if owners else None
    if behind := text.state_behind(end):
        here = [e.subject for e in entries if e.subject.state == behind.code]
        return ([Found(tuple(here))], behind.end) if here else None
    if text.follows_comma(end) and (county := _counties(text, end)) and county[0]:
        inside = {subject.state for subject in county[0][0].options}
        here = [e.subject for e in entries if e.subject.state in inside]
        return ([Found(tuple(here))], end) if here else None
    a_state = match[0] in state_names() and "." not in text.written(at, end)[:-1]  # "L.A." is not "LA"
    alone = _sure(entries) and not a_state and not _inside_a_name(text, at, end)
    return ([Found((entries[0].subject,))], end) if alone else None


def _sure(entries: list[Entry] | tuple[Entry, ...]) -> bool:
    return len(entries) == 1 and entries[0].alone


def _inside_a_name(text: Text, at: int, end: int) -> bool:
    """Whether a city's name is part of a longer one: "Boston Globe", "Whitney Houston"."""
    before = text.joined(at) and text.capital(at - 1) and text.key(at - 1) not in OPENERS
    after = text.joined(end) and text.capital(end) and text.key(end) not in OF_A_CITY
    return (at > 0 and before and not text.starts_sentence(at)) or after


def _new_city(text: Text, at: int, hint: str | None) -> Reading | None:
    """Read a city that no table has, by the state behind it: "Mount Vernon, Wash."; or its police."""
    end, office = _capitals(text, at)
    behind = text.state_behind(office or end)
    code = behind.code if behind else hint if office else None
    if not code or end == at or text.key(at) in OPENERS:
        return None
    words = {text.key(here) for here in range(at, end)}
    if words & (TITLES | NEVER_CITIES):
        return [], end
    name = text.written(at, end)
    if len(words) > LONGEST_CITY or key(name) in state_names():
        return None
    after = behind.end if behind else office
    if office:
        named = text.written(at, office)
        read = agency.read(named, code, "", county_named=find_county, city_named=find_city)
    else:
        read = find_city(name, code) if behind and behind.set_off and _closed(text, at, end, behind) else None
    return ([Found((read,))], after) if read else None


def _capitals(text: Text, at: int) -> tuple[int, int]:
    """Return where the words with capitals from `at` on end, and where an office that follows them ends (or 0)."""
    end = at
    while end < min(text.size, at + 2 * LONGEST_CITY) and (end == at or text.joined(end)):
        if end > at and (office := text.name("city office", end)):
            return end, office[1]
        if text.key(end) in COUNTIES:
            return at, 0
        if text.words[end].text.islower() and text.key(end) not in JOINERS:
            break
        end += 1
        if text.words[end - 1].text.endswith(".") and text.key(end - 1) not in ABBREVIATED:
            break
    return end, 0


def _closed(text: Text, at: int, end: int, behind: Behind) -> bool:
    """Whether "Ithaca, New York" stands by itself, unlike "Recently, Texas," and "On air, California officials"."""
    if not behind.full:
        return True
    opens = text.starts_sentence(at) and end - at == 1 and text.key(at).endswith("ly")
    open_ended = text.joined(behind.end) and not text.starts_sentence(behind.end)
    return not (opens or open_ended or text.possessive(behind.end - 1))


# ---------------------------------------------------------------- states


def _state(text: Text, at: int, last_state: int, hint: str | None) -> Reading | None:
    """Read a state that is spelled out. "Washington" alone is mostly the capital: the text must show the state."""
    if not (match := text.name("state", at)):
        return None
    name, end = match
    code = state_names()[name]
    behind = text.state_behind(end)
    if behind and behind.code == "DC":
        return [Found((state_subject("DC"),))], behind.end
    follows = text.key(end) if text.joined(end) else ""
    if code != "DC" and (name != key(states()[code].name) or follows == "city" or follows in NEWSPAPERS):
        return None
    if name == "washington" and hint != code and follows != "state":
        next_one = end + (text.key(end) in {"and", "or"})
        listed = last_state and at - (text.key(at - 1) in {"and", "or"}) == last_state
        if not listed and text.size > 1 and not text.name("state", next_one):
            return None
    return [Found((state_subject(code),))], end
