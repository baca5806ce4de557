"""Series: the documents of an index as issues of one report, in order, and whether the next one is late. Pure.

What is known of them stands in the choices of the index (see sources/index.py), so that a state holds it all.
"""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import unquote, urlsplit

from watcher import periods
from watcher.core import Source, SourceState, Subject, parse_instant
from watcher.periods import Period, period

DOCUMENTS = "documents"
"""The key of the documents in the choices of an index."""
INDEX = "index"
MOST_NEW = 20
"""Documents that are taken up at one check of their index."""
LONGEST_STEM = 80
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_KINDS = {"pdf": "pdf", "xlsx": "table", "xls": "table", "csv": "table", "json": "table"}


@dataclass(frozen=True, slots=True)
class Issue:
    """One document of a series, as its check needs to know it.

    `baseline`: it was there when the index was seen first, and is no news. `before` is where the issue before it
    stands, if one has been read. `listed`: its link stands on the page.
    """

    index: str
    stem: str
    title: str
    when: Period | None
    baseline: bool
    listed: bool
    before: SourceState | None

    @property
    def subject(self) -> Subject:
        """What the alerts are about."""
        return periods.issue(self.index, self.when, stem=self.stem, title=self.title)


def stem_of(url: str) -> str:
    """The name of a document: that of its file, without its ending, in characters that a source's name may have."""
    parts = urlsplit(url)
    name = unquote(parts.path).rstrip("/").rpartition("/")[2]
    stem = name.rpartition(".")[0] or name or (parts.hostname or "document")
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.")[:LONGEST_STEM] or "document"


def ordered(documents: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The stems of an index's documents, oldest issue first: by period, else by when they were listed first.

    Of those listed first at one time, the page's order counts, whose newest stands on top.
    """
    places = {stem: place for place, stem in enumerate(documents)}

    def place(stem: str) -> tuple[date, str, int]:
        one = documents[stem]
        when = period(one.get("title", ""), stem)
        first: str = one.get("first", "")
        return (when.end if when else date.fromisoformat(first[:10] or "1970-01-01"), first, -places[stem])

    return sorted(documents, key=place)


def name_of(index: str, stem: str) -> str:
    """The name of the source that watches a document."""
    return f"{index}/{stem}"


def documents(index: Source, state: SourceState, known: Container[str]) -> list[Source]:
    """The sources of the documents of `index`, newest first: those in `known`, and at most MOST_NEW others."""
    listed = _listed(state)
    room, found = MOST_NEW, []
    for stem in reversed(ordered(listed)):
        name = name_of(index.name, stem)
        if name not in known:
            if room == 0 or not listed[stem]["listed"]:
                continue
            room -= 1
        found.append(
            Source(
                name=name,
                kind=index.options.get("documents") or _kind(listed[stem]["url"]),
                url=listed[stem]["url"],
                at_most_every=index.at_most_every,
                at_least_every=index.at_least_every,
                weight=index.weight,
                ignore_robots=index.ignore_robots,
                series=called(index),
                archive=index.archive,
            )
        )
    return found


def called(source: Source) -> str:
    """The name that readers know a list or one of its documents by; "" where it has none but its own."""
    return source.series or source.options.get("series", "")


def _kind(url: str) -> str:
    return _KINDS.get(urlsplit(url).path.casefold().rpartition(".")[2], "page")


def issue(index: Source, source: Source, states: Mapping[str, SourceState]) -> Issue | None:
    """What `source`, one of the documents of `index`, is in its series; None for what is not listed any more."""
    listed = _listed(states.get(index.name))
    stem = source.name.removeprefix(f"{index.name}/")
    if stem not in listed:
        return None
    order = ordered(listed)
    earlier = [states.get(name_of(index.name, other)) for other in order[: order.index(stem)]]
    return Issue(
        index=index.name,
        stem=stem,
        title=listed[stem]["title"],
        when=period(listed[stem]["title"], stem),
        baseline=listed[stem]["baseline"],
        listed=listed[stem]["listed"],
        before=next((state for state in reversed(earlier) if state and state.snapshot), None),
    )


def _listed(state: SourceState | None) -> Mapping[str, Mapping[str, Any]]:
    return state.choices.get(DOCUMENTS, {}) if state else {}


def watched(configured: Sequence[Source], states: Mapping[str, SourceState]) -> dict[str, tuple[Source, Source | None]]:
    """All sources by name: those of config.toml, each followed by the documents of its list, with their index."""
    names = {source.name for source in configured}
    found: dict[str, tuple[Source, Source | None]] = {}
    for source in configured:
        found[source.name] = source, None
        if source.kind == INDEX and source.name in states:
            listed = documents(source, states[source.name], states)
            found |= {one.name: (one, source) for one in listed if one.name not in names}
    return found


def newest(state: SourceState) -> datetime | None:
    """When the newest document of an index was listed first; None where it lists none."""
    found = [parse_instant(one["first"]) for one in _listed(state).values()]
    return max(found, default=None)


def late(expect: str, last: datetime, now: datetime, zone: tzinfo) -> date | None:
    """The day on which the issue after the one of `last` was expected, where that day is over; else None.

    `expect` is a rhythm of config.toml: "daily", "weekly on monday", "monthly". An issue may come early by up to half
    the rhythm. A day ends at midnight in `zone`.
    """
    came = last.astimezone(zone).date()
    if expect == "daily":
        due = came + timedelta(days=1)
    elif expect == "monthly":
        due = (came.replace(day=1) + timedelta(days=62)).replace(day=1) - timedelta(days=1)  # the end of the next month
    elif expect.startswith("weekly on "):
        wanted = DAYS.index(expect.removeprefix("weekly on "))
        due = came + timedelta(days=(wanted - came.weekday()) % 7 or 7)
        if (due - came).days <= 3:  # noqa: PLR2004 - half a week: it is this day's issue, and early
            due += timedelta(days=7)
    else:
        return None
    over = datetime.combine(due + timedelta(days=1), time(), zone)
    return due if now >= over else None


def over(due: date, now: datetime, zone: tzinfo) -> str:
    """How long ago the day `due` was: "1 day late"."""
    days = (now.astimezone(zone).date() - due).days
    return f"{days} day{'' if days == 1 else 's'} late"


def title_of(name: str, index: str) -> str:
    """The period of a document by its source's name; the name itself where it tells none."""
    stem = name.removeprefix(f"{index}/")
    when = period(stem)
    return when.name if when else stem
