"""What a message says: the new first, in the beat's words, then the rest, then when it was seen and where to look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import NamedTuple

from watcher.core import Change, Line, Run
from watcher.periods import ap
from watcher.render.edits import Edit, arrow_runs, edit_of, field_runs, text_runs
from watcher.summary import NAMED, PARTS, field_name, is_of_bytes, is_rename, page_of, section, shorten, shown, verb

SAME_EDIT = 3
"""From this many rows on, one phrase edited into all of them is told once."""

MOST_NAMES = 40
MOST_ROWS_NAMED = 10
MOST_FACTS = 5
LONGEST_NAME = 100
LONGEST_TEXT = 600
LONGEST_URL = 500

COUNTED = {
    "jurisdiction.listed": ("jurisdiction", "listed", "in"),
    "jurisdiction.delisted": ("jurisdiction", "dropped", "from"),
    "record.added": ("row", "added", "to"),
    "record.removed": ("row", "removed", "from"),
}
"""Kinds that are told together, in one line that counts and names; and how a section of a report is named with them."""

EXPLAINED = {
    "page.gone": "The address no longer brings the page; the last copy is kept.",
    "page.back": "The address brings the page again.",
    "page.redesigned": "It was laid out anew, so what only moved is not listed.",
    "source.blocked": "The site answers with a block page, a challenge or a log-in. None of it is believed.",
    "source.suspect": "What came is stored, and believed only once a later check agrees.",
    "source.recovered": "Checks succeed again.",
}


class Told(NamedTuple):
    """One line of a message, and how many changes nobody reads of when it is left out."""

    line: Line
    changes: int = 0


class _Group(NamedTuple):
    """Changes that are told together: `about` says as what."""

    about: str
    changes: list[Change]
    edit: Edit | None = None


def message_lines(
    changes: Sequence[Change], *, pages: Mapping[str, str], stored: str, zone: tzinfo, ref: str
) -> tuple[Line, ...]:
    """All that one message says about `changes` (in page order, or the same of several pages), times in `zone`.

    `pages` are the sources with their addresses; `stored` leads to the stored copy, as an address or as the command
    that shows it.
    """
    told = (entry.line for entry in body(changes))
    return (*told, *footer(changes, pages=pages, stored=stored, zone=zone), ref_line(ref))


def body(changes: Sequence[Change]) -> tuple[Told, ...]:
    """What changed: what is new first, then by severity, then in page order. Each change counts in one line."""
    corrected = any(change.kind == "report.corrected" for change in changes)
    return tuple(entry for group in _groups(changes) for entry in _tell(group, corrected=corrected))


def footer(
    changes: Sequence[Change], *, pages: Mapping[str, str], stored: str, zone: tzinfo, series: str = ""
) -> tuple[Line, ...]:
    """Of which series and source it is and when it was seen, then the live page, or pages, and the stored copy."""
    names = list(dict.fromkeys(change.source for change in changes))
    live = [Run(shown(name) if len(names) > 1 else "Live page", "link", pages[name]) for name in names if name in pages]
    if len(names) == 1:
        seen: Line = (Run(" · ".join(filter(None, (series, shown(names[0]), _seen(changes, zone)))), "dim"),)
        return (seen, *((run,) for run in live), (_pointer("Stored copy", stored),))
    listed = [part for run in live[:MOST_NAMES] for part in (Run(", "), run)][1:]
    where: Line = (Run(f"On {_count(len(names), 'page')}: ", "strong"), *listed, Run(_and_more(len(live) - MOST_NAMES)))
    return (where, (Run(_seen(changes, zone), "dim"),), (_pointer("Stored copy", stored),))


def see_also(related: Sequence[tuple[Change, str]], zone: tzinfo) -> tuple[Line, ...]:
    """A line for each change elsewhere that names the same place: what it was, where and when, with a link."""
    return tuple(
        (
            Run("See also: ", "strong"),
            Run(f"{shown(change.summary)} ("),
            Run(shown(change.source), "link" if url else "", url),
            Run(f", {_day(change.at.astimezone(zone))})"),
        )
        for change, url in related
    )


def ref_line(ref: str, part: int = 1, parts: int = 1) -> Line:
    """The last line of each part: the alert's reference, and which part of how many this is."""
    return (Run(f"ref {ref}" + (f" · {part}/{parts}" if parts > 1 else ""), "dim"),)


def more_line(count: int, stored: str) -> Line:
    """Stands for what did not fit: how many changes more there are, and where to read them."""
    return (Run(f"… and {_count(count, 'more change')}. ", "strong"), _pointer("Read them all", stored))


def _pointer(words: str, to: str) -> Run:
    return Run(words, "link", to) if to.startswith(("http://", "https://")) else Run(f"{words}: {to}")


# ---------------------------------------------------------------- what is told together, and in which order


def _groups(changes: Sequence[Change]) -> list[_Group]:
    groups: dict[tuple[object, ...], _Group] = {}
    for change in changes:
        key, group = _place(change)
        groups.setdefault(key, group).changes.append(change)
    split: list[_Group] = []
    for group in groups.values():
        alone = group.edit is not None and len(group.changes) < SAME_EDIT
        split += [_Group(change.kind, [change]) for change in group.changes] if alone else [group]
    order = {change.id: place for place, change in enumerate(changes)}
    return sorted(split, key=lambda group: (*_rank(group), order[group.changes[0].id]))


def _place(change: Change) -> tuple[tuple[object, ...], _Group]:
    """The key under which `change` is grouped, and its group while that is empty."""
    kind = change.kind
    if kind in COUNTED:
        return (kind, section(change.path)), _Group(kind, [])
    if kind == "article.mentions":
        return (kind, change.new is None), _Group(kind, [])
    if kind.startswith("article."):
        return ("article",), _Group("article", [])
    if kind.endswith(".changed") and not is_rename(change.path):
        edit = edit_of(change)
        if not edit.is_figure:
            return (kind, change.path[-1:], edit), _Group(kind, [], edit)
    return (change.id,), _Group(kind, [])


def _rank(group: _Group) -> tuple[int, int, int]:
    leads = list(NAMED).index(group.about) if group.about in NAMED else None
    news = leads is not None or group.about.startswith("article")
    return (0 if news else 1, -max(change.severity for change in group.changes), leads or 0)


# ---------------------------------------------------------------- one group in words


def _tell(group: _Group, *, corrected: bool) -> Iterator[Told]:
    changes = group.changes
    if group.about in COUNTED:
        yield from _counted(changes, *COUNTED[group.about])
    elif group.about == "article.mentions":
        how = "no longer mentioned" if changes[0].new is None else "newly mentioned"
        yield Told(_names(changes, "jurisdiction", how), len(changes))
    elif group.about == "article":
        yield Told((Run("Article updated: ", "strong"), Run(_what_happened(changes))))
        for change in sorted(changes, key=lambda change: -change.severity):
            yield Told(_prose(change), 1)
    elif group.edit is not None and len(changes) >= SAME_EDIT:
        yield Told(_same_edit(changes, group.edit), len(changes))
    else:
        yield Told(_single(changes[0], corrected=corrected), 1)


def _counted(changes: Sequence[Change], noun: str, how: str, where: str) -> Iterator[Told]:
    """The line that counts and names, then what the rows say where they are few."""
    part = section(changes[0].path)
    yield Told(_names(changes, noun, f"{how} {where} section {part}" if part else how), len(changes))
    if len(changes) > MOST_FACTS:
        return
    for change in changes:
        facts = _facts(change)
        if facts:
            whose = f"{_name(change)}: " if len(changes) > 1 else ""
            yield Told((Run("  " + shorten(f"{whose}{facts}", LONGEST_TEXT), "dim"),))


def _names(changes: Sequence[Change], noun: str, how: str) -> Line:
    """How many there are, on which page, and which; of a place with several rows, its name once."""
    pages = [page_of(change.summary) for change in changes]
    one = pages[0] if len(set(pages)) == 1 else ""
    told = (
        f"{_name(change)}{'' if one else page}{_returned(change)}" for change, page in zip(changes, pages, strict=True)
    )
    counts = Counter(told)
    noun = noun if len(counts) == len(changes) else "row"
    names = "; ".join(f"{name} ({count} rows)" if count > 1 else name for name, count in [*counts.items()][:MOST_NAMES])
    head = Run(f"{_count(len(changes), noun)} {how}{one}: ", "strong")
    return (head, Run(names + _and_more(len(counts) - MOST_NAMES)))


def _facts(change: Change) -> str:
    """What an added or removed row says beside its own name."""
    record = change.old if change.new is None else change.new
    if not isinstance(record, Mapping):
        return ""
    name = " ".join((_name(change), *change.path)).casefold()
    told = ((field_name(("", "", str(field))), shorten(shown(value), 120)) for field, value in record.items() if value)
    return "; ".join(f"{field}: {value}" for field, value in told if value.casefold() not in name)


def _same_edit(changes: Sequence[Change], edit: Edit) -> Line:
    field = field_name(changes[0].path) or "text"
    if edit.struck and edit.added:
        what: Line = (Run(f"{field} "), *arrow_runs(edit.struck, edit.added))
    else:
        how = f"removed from {field}" if edit.struck else f"added to {field}"
        what = (Run(f"“{shorten(edit.struck or edit.added, LONGEST_TEXT)}” {how}"),)
    names = ", ".join(_name(change) for change in changes[:MOST_ROWS_NAMED])
    rows = Run(f": {names}{_and_more(len(changes) - MOST_ROWS_NAMED)}")
    return (Run(f"Same edit in {len(changes)} rows: ", "strong"), *what, rows)


def _single(change: Change, *, corrected: bool) -> Line:
    tail = tuple(Run(words) for words in (page_of(change.summary), _returned(change)) if words)
    if change.kind in PARTS and not is_of_bytes(change.path):
        return (*_prose(change), *tail)
    if is_rename(change.path):
        label = "Reattributed" if change.kind == "jurisdiction.reattributed" else "Renamed"
        return (Run(f"{label}: ", "strong"), *arrow_runs(change.old, change.new), *tail)
    if change.kind.endswith(".changed") or change.kind == "jurisdiction.reattributed":
        who, field = _name(change), field_name(change.path)
        if corrected and edit_of(change).is_figure:
            return (Run("Figure corrected: ", "strong"), Run(f"{who}: "), *field_runs(field, change), *tail)
        return (Run(f"{who}: ", "strong"), *field_runs(field, change), *tail)
    label, colon, rest = shown(change.summary).partition(": ")
    explained = EXPLAINED.get(change.kind, "")
    return (Run(label + colon, "strong"), Run(f"{rest}. {explained}" if explained else rest))


def _prose(change: Change) -> Line:
    """A part of a page that came, went or was edited."""
    label = Run(f"{PARTS.get(change.kind, 'Text')} {verb(change.old, change.new)}: ", "strong")
    if change.kind == "page.links":
        links = [_link(shown(url)) for url in (change.old, change.new) if url is not None]
        return (label, *((links[0], Run(" → "), links[1]) if len(links) > 1 else links))
    if change.old is not None and change.new is not None:
        return (label, *text_runs(change))
    text = shorten(shown(change.old if change.new is None else change.new), LONGEST_TEXT)
    return (label, Run(f"“{text}”"))


def _what_happened(changes: Sequence[Change]) -> str:
    """The edits of an article counted by part: "headline changed, note added, 2 paragraphs added"."""
    counts: dict[tuple[str, str], int] = {}
    for change in sorted(changes, key=lambda change: -change.severity):
        part = (PARTS.get(change.kind, "Text").lower(), verb(change.old, change.new))
        counts[part] = counts.get(part, 0) + 1
    return ", ".join(f"{part if count == 1 else _count(count, part)} {how}" for (part, how), count in counts.items())


def _link(url: str) -> Run:
    return Run(url, "link", url) if len(url) <= LONGEST_URL else Run(shorten(url, LONGEST_URL))


def _name(change: Change) -> str:
    return shorten(shown(change.subject.name), LONGEST_NAME)


def _returned(change: Change) -> str:
    return " (was there before)" if change.returned else ""


def _and_more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


# ---------------------------------------------------------------- when


def _seen(changes: Sequence[Change], zone: tzinfo) -> str:
    """Between which two moments the page changed, on the wall clock of `zone`."""
    until = max(change.at for change in changes).astimezone(zone)
    last_seen = [change.last_seen for change in changes if change.last_seen]
    if not last_seen:
        return f"seen at {_hour(until)} {_zone(until)} on {_day(until)}"
    since = min(last_seen).astimezone(zone)
    if since.date() == until.date() and _zone(since) == _zone(until):
        return f"seen between {_hour(since)} and {_hour(until)} {_zone(until)} on {_day(until)}"
    first, last = (f"{_hour(at)} {_zone(at)} on {_day(at)}" for at in (since, until))
    return f"seen between {first} and {last}"


def _hour(at: datetime) -> str:
    return f"{at:%H:%M}"


def _day(at: datetime) -> str:
    return ap(at.date())


def _zone(at: datetime) -> str:
    """The zone's short name; the unnamed ones as their distance from UTC ("UTC-03")."""
    name = at.tzname() or "UTC"
    return f"UTC{name}" if name.startswith(("+", "-")) else name
