"""Which record became which: by key, by multiset where keys are equal, by likeness where one was renamed. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import NamedTuple

from watcher.core import Document, Record, Subject, Value
from watcher.wording import MOST_PAIRS, likeness, mutual_best, plain

NEAR = 85.0
"""Likeness of two keys, of 100, from which one that goes and one that comes may be one entry renamed."""

BY_KEY = "by_key"
"""In the choices of documents whose records are known by their keys alone: none is ever another one renamed."""

View = Callable[[Record, int], Mapping[str, Value]]
"""A record and its side (0 for the old document, 1 for the new) to the fields that are compared."""

SAME_BUT_FOR_ITS_NAME = 200.0
"""Score of a pair whose other fields are all equal, so that it always beats a pair that is only spelled alike."""


class Matched(NamedTuple):
    """Pairs (old key, new key) of one record under two names, and of records that differ inside; what is left over."""

    renamed: tuple[tuple[str, str], ...]
    differing: tuple[tuple[str, str], ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


def keys_of(rows: Iterable[Iterable[Value]]) -> list[str]:
    """A key for each row from its key cells: joined by " · ", those that are equal going on as #2, #3; all distinct."""
    seen: Counter[str] = Counter()
    found: dict[str, None] = {}
    for cells in rows:
        key = base = " · ".join("" if cell is None else str(cell) for cell in cells)
        while key in found:
            seen[base] += 1
            key = f"{base}#{seen[base] + 1}"
        found[key] = None
    return list(found)


def base_key(key: str, among: Container[str]) -> str:
    """The key without the #2, #3 … that tells it from an equal one `among` the same document's keys."""
    base, mark, number = key.rpartition("#")
    return base if mark and number.isdecimal() and base in among else key


def rekeyed(before: Document, after: Document, columns: Mapping[str, str]) -> Document:
    """`before` with its records under the key of `after`, where a column of the key that it had is gone."""
    old, new = before.choices.get("key", ()), after.choices.get("key", ())
    back = {now: was for was, now in columns.items()}
    if not new or [columns.get(name) for name in old] == list(new) or not all(name in back for name in new):
        return before
    keys = keys_of([record.fields[back[name]] for name in new] for record in before.records.values())
    records = zip(keys, before.records.values(), strict=True)
    return replace(before, records={key: record._replace(key=key) for key, record in records})


def match(before: Document, after: Document, columns: Mapping[str, str]) -> Matched:
    """Match the records of two documents; `columns` says which old field is which new one."""
    old, new = before.records, after.records
    seen = _view(columns, whole=before.choices.get("header") == after.choices.get("header"))
    differing = [key for key, record in new.items() if key in old and seen(old[key], 0) != seen(record, 1)]
    added = [key for key in new if key not in old]
    removed = [key for key in old if key not in new]
    pairs = [(key, key) for key in differing]
    shared = _shared_keys(old, [*differing, *removed]) | _shared_keys(new, [*differing, *added])
    if shared:
        regrouped, added, removed = _multisets(old, new, shared, added, removed, seen)
        pairs = [pair for pair in pairs if base_key(pair[0], old) not in shared] + regrouped
    names = naming(after)
    renamed = [] if after.choices.get(BY_KEY) else _renames(old, new, removed, added, names, seen)
    pairs += [
        (was, now) for was, now in renamed if _facts(seen(old[was], 0), names) != _facts(seen(new[now], 1), names)
    ]
    gone, come = {was for was, _ in renamed}, {now for _, now in renamed}
    return Matched(
        renamed=tuple(renamed),
        differing=tuple(pairs),
        added=tuple(key for key in added if key not in come),
        removed=tuple(key for key in removed if key not in gone),
    )


def _view(columns: Mapping[str, str], *, whole: bool) -> View:
    """How records are seen for comparing: whole while the header stays, else the columns that both documents have."""
    if whole:
        return lambda record, _: record.fields
    new = set(columns.values())
    return lambda record, side: (
        {name: value for name, value in record.fields.items() if name in new}
        if side
        else {columns[name]: value for name, value in record.fields.items() if name in columns}
    )


def _shared_keys(records: Mapping[str, Record], touched: Iterable[str]) -> set[str]:
    """The keys among those touched that several rows of one document share."""
    bases = {base_key(key, records) for key in touched}
    return {base for base in bases if base in records and f"{base}#2" in records}


def _multisets(
    old: Mapping[str, Record],
    new: Mapping[str, Record],
    shared: set[str],
    added: Sequence[str],
    removed: Sequence[str],
    seen: View,
) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Match rows that share a key: equal rows first, then the closest; what is over is added or removed."""
    groups: tuple[dict[str, list[str]], dict[str, list[str]]] = (defaultdict(list), defaultdict(list))
    for group, records in zip(groups, (old, new), strict=True):
        for key in records:
            if (base := base_key(key, records)) in shared:
                group[base].append(key)
    pairs: list[tuple[str, str]] = []
    left_new = [key for key in added if base_key(key, new) not in shared]
    left_old = [key for key in removed if base_key(key, old) not in shared]
    for base in sorted(shared):
        olds, news = _without_equals(old, new, groups[0][base], groups[1][base], seen)
        found = _closest({key: seen(old[key], 0) for key in olds}, {key: seen(new[key], 1) for key in news})
        pairs += found
        left_old += (key for key in olds if key not in dict(found))
        left_new += (key for key in news if key not in {now for _, now in found})
    return pairs, left_new, left_old


def _closest(olds: Mapping[str, Mapping[str, Value]], news: Mapping[str, Mapping[str, Value]]) -> list[tuple[str, str]]:
    """Pairs of rows that share a key, those with most equal fields first; where most differ, it is another row.

    Of too many to compare each with each, those in the same place.
    """
    if len(olds) * len(news) > MOST_PAIRS:
        return list(zip(olds, news, strict=False))
    scored = [
        (-sum(name in now and now[name] == value for name, value in was.items()), old, new)
        for old, was in olds.items()
        for new, now in news.items()
    ]
    pairs: dict[str, str] = {}
    for score, old, new in sorted(scored, key=itemgetter(0)):  # equal ones stay in page order
        if old not in pairs and new not in pairs.values() and -2 * score >= len(news[new]):
            pairs[old] = new
    return list(pairs.items())


def _without_equals(
    old: Mapping[str, Record], new: Mapping[str, Record], olds: list[str], news: list[str], seen: View
) -> tuple[list[str], list[str]]:
    def rows(records: Mapping[str, Record], keys: Iterable[str], side: int) -> dict[str, tuple[tuple[str, Value], ...]]:
        return {key: tuple(sorted(seen(records[key], side).items())) for key in keys}

    was, now = rows(old, olds, 0), rows(new, news, 1)
    common = Counter(was.values()) & Counter(now.values())
    return _leave_out(was, common), _leave_out(now, common)


def _leave_out(
    rows: Mapping[str, tuple[tuple[str, Value], ...]], common: Counter[tuple[tuple[str, Value], ...]]
) -> list[str]:
    left = Counter(common)
    kept = []
    for key, row in rows.items():
        if left[row] > 0:
            left[row] -= 1
        else:
            kept.append(key)
    return kept


def _renames(
    old: Mapping[str, Record],
    new: Mapping[str, Record],
    removed: Sequence[str],
    added: Sequence[str],
    names: set[str],
    seen: View,
) -> list[tuple[str, str]]:
    """One key that went and one that came, each the other's best match: all other fields equal, or spelled alike.

    Two places that are both known are two places, however alike their names, unless the row's own facts moved along.
    """

    def score(was: str, now: str) -> float:
        one, other = old[was], new[now]
        if base_key(was, old) == base_key(now, new):
            return 0.0  # of rows that share a key, the closest are matched already
        if is_known(one.subject) and is_known(other.subject):
            return 0.0
        facts = _facts(seen(one, 0), names)
        alike = likeness(_name(was, old), _name(now, new))
        if _says(facts) and facts == _facts(seen(other, 1), names):
            return SAME_BUT_FOR_ITS_NAME + alike
        return alike if alike >= NEAR else 0.0

    found = [*_respelled(old, new, removed, added), *_moved(old, new, removed, added, names, seen)]
    gone, come = {was for was, _ in found}, {now for _, now in found}
    left = ([key for key in removed if key not in gone], [key for key in added if key not in come])
    return found + mutual_best(*left, score)


def _moved(
    old: Mapping[str, Record],
    new: Mapping[str, Record],
    removed: Iterable[str],
    added: Iterable[str],
    names: set[str],
    seen: View,
) -> list[tuple[str, str]]:
    """Known places that are now others of the same name, with all else as it was; where several are, in page order."""

    def said(key: str, records: Mapping[str, Record], side: int) -> tuple[object, ...]:
        facts = _facts(seen(records[key], side), names)
        known = is_known(records[key].subject) and _says(facts)
        return (_name(key, records).split(",")[0], *sorted(facts.items())) if known else ()

    was, now = _by(removed, lambda key: said(key, old, 0)), _by(added, lambda key: said(key, new, 1))
    pairs = ((keys, now.get(name, [])) for name, keys in was.items())
    return [pair for one, other in pairs if len(one) == len(other) for pair in zip(one, other, strict=True)]


def _by(keys: Iterable[str], said: Callable[[str], Hashable]) -> dict[Hashable, list[str]]:
    """The keys that say the same together; those that say nothing are left out."""
    found: dict[Hashable, list[str]] = defaultdict(list)
    for key in keys:
        if words := said(key):
            found[words].append(key)
    return found


def _says(facts: Mapping[str, Value]) -> bool:
    """Whether a row says anything beside its name."""
    return any(value not in (None, "") for value in facts.values())


def _respelled(
    old: Mapping[str, Record], new: Mapping[str, Record], removed: Sequence[str], added: Sequence[str]
) -> list[tuple[str, str]]:
    """Names that only look different now, in capitals, with other dashes: by look-up, so that all may at once."""

    def said(key: str, records: Mapping[str, Record]) -> str:
        return "" if is_known(records[key].subject) else plain(_name(key, records))

    was, now = _by(removed, lambda key: said(key, old)), _by(added, lambda key: said(key, new))
    return [
        (keys[0], others[0])
        for name, keys in was.items()
        if len(keys) == 1
        and len(others := now.get(name, [])) == 1
        and base_key(keys[0], old) != base_key(others[0], new)
    ]


def naming(document: Document) -> set[str]:
    """The fields that say what a record is called; the others are what is said of it."""
    return {*document.choices.get("key", ()), *document.choices.get("places", ()), "name"}


def _facts(fields: Mapping[str, Value], names: set[str]) -> dict[str, Value]:
    """What a row says beside its name and the section it stands in."""
    return {name: value for name, value in fields.items() if name not in names and name != "section"}


def _name(key: str, records: Mapping[str, Record]) -> str:
    subject = records[key].subject
    return subject.name if subject else base_key(key, records)


def is_known(subject: Subject | None) -> bool:
    """Whether this is a jurisdiction of the tables, not only something that stands where one should."""
    return subject is not None and subject.id.startswith("us-")
