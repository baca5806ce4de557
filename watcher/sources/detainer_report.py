"""The `detainer-report` kind: the weekly Declined Detainer Outcome Report of 2017, as a PDF or as a page.

Stands at extract in the flow. Its four sections are found by their numbers, for their titles changed between issues: I
counts detainers by county, II has a row for each person, without names, III the jurisdictions with a policy, IV prose.
What is known of its form stands in docs/sources/detainer-report.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from watcher.core import Adapter, Block, Capture, Document, NothingThere, Record, Value
from watcher.periods import period
from watcher.sections import PERSONS, SECTIONS
from watcher.sources.pdf_file import CPU_SECONDS, WALL_SECONDS
from watcher.sources.report_parts import Part, is_paper, read
from watcher.sources.report_rows import COUNT, NAMING, Table, number
from watcher.sources.report_rows import read as read_rows

_COUNT = r"(\d[\d,]{0,8})"
_ISSUED = re.compile(rf"{_COUNT} detainers\b(?! (?:\w+ ){{0,5}}declined)", re.IGNORECASE)
_DECLINED = re.compile(
    rf"{_COUNT} (?:recorded )?declined detainers\b|{_COUNT} detainers (?:\w+ ){{0,5}}declined\b"
    rf"|declined {_COUNT} detainers\b",
    re.IGNORECASE,
)
_STATED = re.compile(
    rf"{_COUNT} (?:\w+ ){{0,4}}?(?:of|to) "
    r"(?:them|these|those|which|the (?:ten|10|following|above|counties|jurisdictions))\b",
    re.IGNORECASE,
)
_DATED = re.compile(r"\b[A-Z][a-z]{2,8}\.? \d{1,2}(?:, \d{4})?\b|\b(?:19|20)\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b")
"""Figures that count nothing."""
_FIGURE = re.compile(r"(?<![\d.,$])\d[\d,]{0,8}(?![\d%]|\.\d)")


class ReportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The report has no options: its form is known."""


class DetainerReport(Adapter):
    """Reads one issue."""

    kind: ClassVar[str] = "detainer-report"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = ReportOptions
    requires: ClassVar[tuple[str, ...]] = ("pdfplumber",)
    cpu_seconds: ClassVar[int] = CPU_SECONDS
    wall_seconds: ClassVar[float] = WALL_SECONDS

    def __init__(self, options: ReportOptions) -> None:
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest all that is read; raises NotReadable as `extract` does."""
        if is_paper(capture):
            from watcher.sources.pdf_pages import fingerprint

            return fingerprint(capture.body)
        return hashlib.sha256(msgspec.json.encode(read(capture))).hexdigest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:  # noqa: ARG002 - its form is known
        """Read the report. Raises NotReadable for what cannot be read, NothingThere where no section is found.

        Of one without any text the document is empty, and says so in its meta.
        """
        report = read(capture)
        if report.facts.get("readable") is not False and not any(part.section for part in report.parts):
            raise NothingThere('expected a report with "Section I" to "Section IV", found none of them')
        tables = {
            section: read_rows(section, (row for part in report.parts if part.section == section for row in part.rows))
            for section in NAMING
        }
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta={**report.facts, **_facts(report.parts, tables, capture.url)},
            blocks=tuple(block for part in report.parts for block in part.blocks),
            records=dict(_named(tables)),
            links=report.links,
            choices={SECTIONS: {name: list(fields) for name, fields in NAMING.items()}},
        )


def _named(tables: Mapping[str, Table]) -> Iterator[tuple[str, Record]]:
    """All records under keys that no two sections share."""
    for section, table in tables.items():
        yield from ((f"{section} {record.key}", record) for record in table.records)


# ---------------------------------------------------------------- what the report says of itself


def _facts(parts: Iterable[Part], tables: Mapping[str, Table], url: str) -> dict[str, Value]:
    """The title, the period, the totals, and where the report's own sums do not agree with its rows."""
    blocks = [(part.section, block) for part in parts for block in part.blocks]
    headings = [block.text for _, block in blocks if block.type == "heading"]
    prose = {
        section: _prose(block for of, block in blocks if of == section and block.type != "heading")
        for section in ("", *NAMING)
    }
    facts: dict[str, Value] = {"title": headings[0]} if headings else {}
    if when := period(*headings, *prose.values(), url):
        facts |= {"period_start": when.start.isoformat(), "period_end": when.end.isoformat()}
    if issued := _ISSUED.search(prose["I"]) or _ISSUED.search(prose[""]):
        facts["detainers_issued"] = number(issued[1])
    if declined := next(filter(None, map(_DECLINED.search, (prose[PERSONS], prose["I"], prose[""]))), None):
        facts["detainers_declined"] = number(next(filter(None, declined.groups())))
    notes = [*_counties(tables["I"], prose["I"], facts), *_persons(tables[PERSONS], facts)]
    return facts | ({"sums": "; ".join(notes)} if notes else {})


def _prose(blocks: Iterable[Block]) -> str:
    return " ".join(block.text for block in blocks)


def _counties(table: Table, prose: str, facts: Mapping[str, Value]) -> Iterator[str]:
    """What is wrong with the sum of section I, which the report states in a row of its own or in prose."""
    found = sum(value for record in table.records if isinstance(value := record.fields.get(COUNT), int))
    others = {facts.get("detainers_issued"), len(table.records)}
    stated = table.total if table.total is not None else _stated(prose, others)
    if table.records and isinstance(stated, int) and found != stated:
        yield f"section I adds up to {found:,}, the report says {stated:,}"


def _stated(prose: str, others: Collection[Value]) -> Value:
    """The figure that prose gives for all counties: "157 of them to these", or else the only one beside `others`."""
    undated = _DATED.sub(" ", prose)
    said = (number(match[1]) for match in _STATED.finditer(undated))
    if found := next((figure for figure in said if figure not in others), None):
        return found
    figures = {number(figure.rstrip(",")) for figure in _FIGURE.findall(undated)}.difference(others)
    return figures.pop() if len(figures) == 1 else None


def _persons(table: Table, facts: Mapping[str, Value]) -> Iterator[str]:
    stated = facts.get("detainers_declined")
    if table.records and isinstance(stated, int) and len(table.records) != stated:
        yield f"section II has {len(table.records):,} rows, the report says {stated:,}"
