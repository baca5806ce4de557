"""Reports that come out issue by issue, in sections: which issue one is, what of two is compared. Below diff, and pure.

An adapter of such a report names its sections in its document's choices, each with the fields that say what a row is
called; the records' sections are those names. Its meta has `period_start` and `period_end`, ISO dates.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from watcher import periods
from watcher.core import Document, Record, Subject
from watcher.matching import BY_KEY
from watcher.periods import Period
from watcher.wording import plain

SECTIONS = "sections"
PERSONS = "II"
"""The section of a row for each person, without a name: only revisions of one issue can tell one from another."""
DECLINED = "Declined Detainers"
"""The persons of one place, counted."""
_DATED = re.compile(r"\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b|\b\d+\b|\b(?:and|between|to)\b")


def is_report(document: Document) -> bool:
    """Whether this is such a report."""
    return SECTIONS in document.choices


def is_readable(document: Document) -> bool:
    """Whether there were words to read; a scan has none."""
    return document.meta.get("readable") is not False


def issue(document: Document) -> Subject:
    """The issue that a report is, by its period: "report:<source>/2017-01-28", called "Jan. 28–Feb. 3, 2017".

    A document of a list belongs to the list's report. Where no period is known, the document itself.
    """
    start, end = (str(document.meta.get(f"period_{side}") or "") for side in ("start", "end"))
    if not start or not end:
        return Subject(f"source:{document.source}", str(document.meta.get("title") or document.source))
    when = Period(date.fromisoformat(start), date.fromisoformat(end))
    return periods.issue(document.source.partition("/")[0], when)


def is_another_issue(before: Document, after: Document) -> bool:
    """Whether the two are of different periods."""
    was, now = before.meta.get("period_start"), after.meta.get("period_start")
    return bool(was and now) and was != now


def parts(before: Document, after: Document) -> Iterator[tuple[str, Document, Document]]:
    """The sections of two documents, each as two documents that hold that section's records under their own keys."""
    for section in dict.fromkeys([*before.choices.get(SECTIONS, ()), *after.choices.get(SECTIONS, ())]):
        yield section, _part(before, section), _part(after, section)


def _part(document: Document, section: str) -> Document:
    found = {record.key: record for record in document.records.values() if record.section == section}
    names = document.choices.get(SECTIONS, {}).get(section, ())
    by_key = section in document.choices.get(BY_KEY, ())
    return replace(document, records=found, choices={"places": list(names), BY_KEY: by_key})


def as_issue(document: Document) -> Document:
    """A report as it is compared with one of another period: its persons counted by place, each place itself by key."""
    people = [record for record in document.records.values() if record.section == PERSONS]
    others = {key: record for key, record in document.records.items() if record.section != PERSONS}
    counts = Counter(_whose(record) for record in people)
    first = {_whose(record): record for record in reversed(people)}
    counted = {
        f"{PERSONS} {place}": record._replace(key=place, fields={DECLINED: counts[place]})
        for place, record in reversed(first.items())
    }
    by_key = {BY_KEY: [section for section in document.choices[SECTIONS] if section != "III"]}
    return replace(document, records=others | counted, choices={**document.choices, **by_key})


def _whose(record: Record) -> str:
    """The place that a person's row names."""
    return record.subject.id if record.subject else record.key


def titles(document: Document) -> list[str]:
    """The headings of a report: its own title and those of its sections."""
    return [block.text for block in document.blocks if block.type == "heading"]


def undated(title: str) -> str:
    """What a title says beside the period that it names."""
    return " ".join(_DATED.sub(" ", plain(title)).split())
