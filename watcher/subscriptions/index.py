"""Many subscriptions, matched with the changes of an alert in one pass; says exactly what `route.matches` says of each.

Filters that many chats share are looked at once. Each filter is posted under the terms of its narrowest condition, so
that a change meets only the filters that have one term in common with it, and those are checked in full.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from watcher.core import Change, Severity
from watcher.route import Filter, changed_text, folded, may_match, pattern

Key = TypeVar("Key", bound=Hashable)

CONDITIONS = ("places", "words", "states", "sources", "kinds")
"""The conditions of a filter, the narrowest first."""
_TOKEN = re.compile(r"\w+")
_MAGIC = re.compile(r"[*?[]")


class _Facts(NamedTuple):
    """The terms of filters that hold of one change, by condition, and its severity."""

    places: set[str]
    words: set[str]
    states: set[str]
    sources: set[str]
    kinds: set[str]
    severity: Severity

    def meet(self, wanted: Filter) -> bool:
        """Whether the change meets every condition of a filter."""
        return (
            self.severity >= wanted.severity
            and not self.kinds.isdisjoint(wanted.kinds)
            and not self.sources.isdisjoint(wanted.sources)
            and (not wanted.states or not self.states.isdisjoint(wanted.states))
            and (not wanted.places or not self.places.isdisjoint(wanted.places))
            and (not wanted.words or not self.words.isdisjoint(wanted.words))
        )


class Index(Generic[Key]):
    """Subscriptions, each a key of the caller's and a filter; a key given twice keeps the later filter."""

    def __init__(self, subscriptions: Iterable[tuple[Key, Filter]] = ()) -> None:
        self._filters: dict[Key, Filter] = {}
        self._keys: dict[Filter, set[Key]] = {}
        self._posted: dict[str, defaultdict[str, set[Filter]]] = {name: defaultdict(set) for name in CONDITIONS}
        self._terms = _Terms()
        for key, wanted in subscriptions:
            self.add(key, wanted)

    def __len__(self) -> int:
        return len(self._filters)

    def add(self, key: Key, wanted: Filter) -> None:
        """Take one subscription in, in place of what stood under `key`."""
        self.remove(key)
        self._filters[key] = wanted
        if wanted in self._keys:
            self._keys[wanted].add(key)
            return
        self._keys[wanted] = {key}
        self._terms.add(wanted)
        condition, terms = _narrowest(wanted)
        for term in terms:
            self._posted[condition][term].add(wanted)

    def remove(self, key: Key) -> None:
        """Let one subscription go; a key that is not there is no error."""
        wanted = self._filters.pop(key, None)
        if wanted is None:
            return
        self._keys[wanted].remove(key)
        if self._keys[wanted]:
            return
        del self._keys[wanted]
        self._terms.remove(wanted)
        condition, terms = _narrowest(wanted)
        posted = self._posted[condition]
        for term in set(terms):
            posted[term].remove(wanted)
            if not posted[term]:
                del posted[term]

    def match(self, changes: Sequence[Change]) -> dict[Key, tuple[Change, ...]]:
        """The changes that each subscription asks for, in the order given; those that get none are left out."""
        found: defaultdict[Filter, list[Change]] = defaultdict(list)
        for change in changes:
            facts = self._terms.facts(change)
            for wanted in self._candidates(facts):
                if facts.meet(wanted):
                    found[wanted].append(change)
        return {key: told for wanted, group in found.items() for told in [tuple(group)] for key in self._keys[wanted]}

    def _candidates(self, facts: _Facts) -> set[Filter]:
        posted = [self._posted[name].get(term) for name in CONDITIONS for term in getattr(facts, name)]
        return set[Filter]().union(*filter(None, posted))


def _narrowest(wanted: Filter) -> tuple[str, tuple[str, ...]]:
    """The condition of a filter that fewest changes meet, and its terms."""
    conditions = ((name, getattr(wanted, name)) for name in CONDITIONS)
    return next(((name, terms) for name, terms in conditions if terms and "*" not in terms), ("kinds", wanted.kinds))


class _Terms:
    """The globs and words that filters use, each looked for once in a change however many filters use it."""

    def __init__(self) -> None:
        self._used: Counter[tuple[str, str]] = Counter()
        self._globs: dict[str, dict[str, re.Pattern[str]]] = {"sources": {}, "kinds": {}}
        self._words: defaultdict[str, dict[str, str]] = defaultdict(dict)

    def add(self, wanted: Filter) -> None:
        """Count the terms of a filter in."""
        for condition, term in _looked_for(wanted):
            self._used[condition, term] += 1
            if condition == "words":
                word = folded(term)
                self._words[_rarest(word)][term] = word
            elif term not in self._globs[condition]:
                self._globs[condition][term] = pattern(term)

    def remove(self, wanted: Filter) -> None:
        """Count them out; what no filter uses any more is forgotten."""
        for condition, term in _looked_for(wanted):
            self._used[condition, term] -= 1
            if self._used[condition, term]:
                continue
            del self._used[condition, term]
            if condition == "words":
                token = _rarest(folded(term))
                del self._words[token][term]
                if not self._words[token]:
                    del self._words[token]
            else:
                del self._globs[condition][term]

    def facts(self, change: Change) -> _Facts:
        """What of all that filters ask for holds of a change."""
        subject = change.subject
        return _Facts(
            places={subject.id, *subject.within},
            words=set(self._found(changed_text(change))) if self._words else set(),
            states={subject.state} if subject.state else set(),
            sources=self._naming("sources", change.source),
            kinds={glob for glob in self._naming("kinds", change.kind) if may_match(glob, change.kind)},
            severity=change.severity,
        )

    def _naming(self, condition: str, name: str) -> set[str]:
        """The globs that match a name: those with wildcards, and the name itself."""
        found = {glob for glob, compiled in self._globs[condition].items() if compiled.match(name)}
        return found if _MAGIC.search(name) else {name, *found}

    def _found(self, text: str) -> Iterator[str]:
        """The words that stand in a folded text as whole words: only those are looked for whose rarest token does."""
        for token in {"", *_TOKEN.findall(text)} & self._words.keys():
            for term, word in self._words[token].items():
                if word == token or _stands_in(text, word):
                    yield term


def _looked_for(wanted: Filter) -> set[tuple[str, str]]:
    """The words of a filter, and its globs that are not plain names, which are looked up."""
    names = (("sources", wanted.sources), ("kinds", wanted.kinds))
    globs = {(condition, glob) for condition, globs in names for glob in globs if _MAGIC.search(glob)}
    return globs | {("words", word) for word in wanted.words if folded(word)}


def _stands_in(text: str, word: str) -> bool:
    """Whether a word or phrase stands in a text with no letter or digit right before or behind it."""
    start = text.find(word)
    while start >= 0:
        if not (start and _TOKEN.match(text, start - 1)) and not _TOKEN.match(text, start + len(word)):
            return True
        start = text.find(word, start + 1)
    return False


def _rarest(word: str) -> str:
    """The token by which a word or phrase is found: its longest, "" where it is all signs."""
    return max(_TOKEN.findall(word), key=len, default="")
