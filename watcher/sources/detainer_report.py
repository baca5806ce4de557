"""The `detainer-report` kind: the weekly Declined Detainer Outcome Report of 2017, as a PDF or as a page.

Stands at extract in the flow. Its four sections are found by their numbers, for their titles changed between issues: I
counts detainers by county, II has a row for each person, without names, III the jurisdictions with a policy, IV prose.
What is known of its form stands in docs/sources/detainer-report.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import msgspec

from watcher.core import Adapter, Block, Capture, Document, Link, NothingThere, Record, Subject, Value
from watcher.matching import BY_KEY, keys_of
from watcher.periods import period
from watcher.sections import PERSONS, SECTIONS

if TYPE_CHECKING:
    from watcher.sources.pdf_pages import Line, Ruled
    from watcher.sources.pdf_prose import Usual

SECTION = re.compile(r"section\s{1,3}(iv|i{1,3}|[1-4])\b\s{0,3}[:.–—-]?\s{0,3}", re.IGNORECASE)
ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}
COUNT = "Issued Detainers"
NAMING = {"I": ("County", "State"), "II": ("Law Enforcement Agency",), "III": ("Jurisdiction",)}
"""What says whom a row is about, by section; the first column of each is called so, whatever the report calls it."""
OFFICE = "AOR"
_STATED = re.compile(r"([\d,]{1,9}) of (?:them|these|which)\b", re.IGNORECASE)
_ALL = re.compile(r"([\d,]{1,9}) detainers\b", re.IGNORECASE)
_COUNTED = re.compile(r"[\d,]{1,9}")


class ReportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The report has no options: its form is known."""


class Rows(NamedTuple):
    """A part of a table: its rows, the first of which may be a header, and the page that it stands on."""

    rows: Sequence[Sequence[str]]
    page: int = 0


class Words(NamedTuple):
    """A heading, a paragraph or an item."""

    sort: str
    text: str
    page: int = 0


class Read(NamedTuple):
    """A file as its parts in reading order, with its facts and links."""

    parts: Sequence[Words | Rows]
    facts: Mapping[str, Value]
    links: tuple[Link, ...] = ()


class DetainerReport(Adapter):
    """Reads one issue."""

    kind: ClassVar[str] = "detainer-report"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = ReportOptions
    requires: ClassVar[tuple[str, ...]] = ("pdfplumber",)
    cpu_seconds: ClassVar[int] = 120
    wall_seconds: ClassVar[float] = 240.0

    def __init__(self, options: ReportOptions) -> None:
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest all that is read; raises NotReadable as `extract` does."""
        if _is_pdf(capture):
            from watcher.sources.pdf_pages import fingerprint

            return fingerprint(capture.body)
        return hashlib.sha256(msgspec.json.encode(_page(capture))).hexdigest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:  # noqa: ARG002 - its form is known
        """Read the report. Raises NotReadable for what cannot be read, NothingThere where no section is found."""
        found = _paper(capture) if _is_pdf(capture) else _page(capture)
        if found.facts.get("readable") is False:
            return self._document(capture, found, [], {}, {})
        sections = list(_sections(found.parts))
        if not any(section for section, _ in sections):
            raise NothingThere('expected a report with "Section I" to "Section IV", found none of them')
        blocks = [Block(part.sort, part.text, part.page) for _, part in sections if isinstance(part, Words)]
        records: dict[str, Record] = {}
        for name in NAMING:
            tables = [part for section, part in sections if section == name and isinstance(part, Rows)]
            records |= {f"{name} {record.key}": record for record in _records(name, tables)}
        prose = {
            name: " ".join(part.text for section, part in sections if section == name and isinstance(part, Words))
            for name in ("", "I")
        }
        return self._document(capture, found, blocks, records, _facts(blocks, prose, records))

    def _document(
        self,
        capture: Capture,
        found: Read,
        blocks: Sequence[Block],
        records: Mapping[str, Record],
        facts: Mapping[str, Value],
    ) -> Document:
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta={**found.facts, **facts},
            blocks=tuple(blocks),
            records=records,
            links=found.links,
            choices={SECTIONS: {name: list(fields) for name, fields in NAMING.items()}, BY_KEY: [PERSONS]},
        )


# ---------------------------------------------------------------- two forms, one order of parts


def _is_pdf(capture: Capture) -> bool:
    return capture.body[:1024].lstrip().startswith(b"%PDF") or "pdf" in capture.content_type


def _paper(capture: Capture) -> Read:
    from watcher.sources.pdf_pages import Line, paper
    from watcher.sources.pdf_prose import usual

    found = paper(capture.body)
    parts = _Parts(usual(found.pages))
    for page in found.pages:
        for part in page.parts:  # the report never runs in two columns, and its tables may look so
            if isinstance(part, Line):
                parts.line(part)
            else:
                parts.ruled(part)
    parts.end()
    links = tuple(dict.fromkeys(link for page in found.pages for link in page.links))
    return Read(parts.done, found.facts, links)


class _Parts:
    """The parts of a paper as they come: lines are prose, until one has the columns of a table."""

    def __init__(self, is_usual: Usual) -> None:
        self.done: list[Words | Rows] = []
        self.is_usual = is_usual
        self.section = ""
        self.edges: Sequence[float] = ()
        self.lines: list[Line] = []
        self.open = False

    def line(self, line: Line) -> None:
        """Take in a line: of prose, or of a table without rules, or of a row whose rule is on the next page."""
        from watcher.sources.pdf_columns import is_header, starts

        if match := SECTION.match(line.text):
            self.end()
            self.section, self.edges, self.open = match[1], (), False
        elif self.section and not self.edges and is_header(line):
            self.end()
            self.edges = starts(line)
        self.lines.append(line)

    def ruled(self, part: Ruled) -> None:
        """Take in a table with rules."""
        self.end(goes_on=True)
        self.done.append(Rows(part.rows, part.page))
        self.edges, self.open = part.edges[: len(part.rows[0])], True

    def end(self, *, goes_on: bool = False) -> None:
        """Nothing more belongs to the lines at hand; `goes_on`: what comes is the table again."""
        from watcher.sources.pdf_columns import rows, starts
        from watcher.sources.pdf_prose import Prose, block, paragraphs

        lines, self.lines = self.lines, []
        in_table = self.edges and (not self.open or goes_on or any(len(starts(line)) > 1 for line in lines))
        if lines and in_table:
            for row, page in rows(lines, self.edges, headed=not self.open):
                self.done.append(Rows((row,), page))
            return
        for part in paragraphs(lines, self.is_usual):
            if isinstance(part, Prose):
                one = block(part, self.is_usual)
                self.done.append(Words(one.type, one.text, one.page))


def _page(capture: Capture) -> Read:
    """The headings, paragraphs and tables of an HTML page, in order."""
    from watcher.sources.grid import table_rows
    from watcher.sources.html import collapse, decode, parse, spaced, title_of

    tree = parse(spaced(decode(capture.body, capture.content_type)))
    tree.strip_tags(["script", "style", "template", "noscript"])
    title = title_of(tree)
    parts: list[Words | Rows] = []
    for node in tree.css("h1, h2, h3, h4, h5, h6, p, li, table"):
        if node.tag == "table":
            parts.append(Rows(table_rows(node)))
        elif not _inside_table(node) and (text := collapse(node.text(deep=True))):
            sort = {"p": "paragraph", "li": "list-item"}.get(node.tag or "", "heading")
            parts.append(Words(sort, text))
    return Read(parts, {"title": title} if title else {})


def _inside_table(node: Any) -> bool:
    above = node.parent
    while above is not None and above.tag != "table":
        above = above.parent
    return above is not None


def _sections(parts: Iterable[Words | Rows]) -> Iterator[tuple[str, Words | Rows]]:
    """Each part with the number of the section that it stands in, "" before the first."""
    section = ""
    for part in parts:
        if isinstance(part, Words) and part.sort == "heading" and (match := SECTION.match(part.text)):
            section = ROMAN.get(match[1], match[1].upper())
        yield section, part


# ---------------------------------------------------------------- rows


def _records(section: str, tables: Iterable[Rows]) -> Iterator[Record]:
    """The rows of one section's tables, which may run over many pages, with their header on each."""
    header: tuple[str, ...] = ()
    rows: list[tuple[tuple[str, ...], int]] = []
    for part in tables:
        begun = False
        for row in map(tuple, part.rows):
            if not any(row) or len(set(row)) == 1:
                continue  # nothing, or a title across all columns
            if not header or _alike(row, header):
                header = header or row
                continue
            if not begun and rows and not row[0]:  # the rest of a row that was parted by the page's end
                last, page = rows[-1]
                rows[-1] = tuple(f"{one} {more}".strip() for one, more in zip(last, row, strict=False)), page
            elif len(row) == len(header):
                rows.append((row, part.page))
            begun = True
    made = [(*_row(section, header, row), page) for row, page in rows]
    keys = keys_of(key for key, _, _, _ in made)
    for key, (_, fields, subject, page) in zip(keys, made, strict=True):
        yield Record(key, fields, section, subject, page)


def _alike(row: Sequence[str], header: Sequence[str]) -> bool:
    return [" ".join(cell.casefold().split()) for cell in row] == [" ".join(cell.casefold().split()) for cell in header]


def _row(section: str, header: Sequence[str], row: Sequence[str]) -> tuple[list[str], dict[str, Value], Subject | None]:
    """What a row is known by, its fields, and the place that it names."""
    from watcher.places import resolve, split_office

    fields: dict[str, Value] = dict(zip(header, row, strict=True))
    if section == "I":
        county, state, *rest = row
        count = rest[0] if rest else ""
        fields = {"County": county, "State": state, COUNT: _number(count)}
        return [county, state], fields, resolve(county, state=state, kind="county")
    if section == PERSONS:
        fields = {NAMING[PERSONS][0]: row[0], **dict(zip(header[1:], row[1:], strict=True))}
        return list(row), fields, resolve(row[0])
    place, office = split_office(row[0])
    fields = {NAMING["III"][0]: place, OFFICE: office or "", **dict(zip(header[1:], row[1:], strict=True))}
    return [place], fields, resolve(place)


def _number(text: str) -> Value:
    return int(text.replace(",", "")) if _COUNTED.fullmatch(text) else text


# ---------------------------------------------------------------- what the report says of itself


def _facts(blocks: Sequence[Block], prose: Mapping[str, str], records: Mapping[str, Record]) -> dict[str, Value]:
    """The period, the total, and where the report's own sums do not agree."""
    titles = [block.text for block in blocks if block.type == "heading"]
    facts: dict[str, Value] = {"title": titles[0]} if titles else {}
    when = period(*titles, prose[""], prose["I"])
    if when:
        facts |= {"period_start": when.start.isoformat(), "period_end": when.end.isoformat()}
    total, stated = _ALL.search(prose["I"]), _STATED.search(prose["I"])
    if total:
        facts["detainers_issued"] = _number(total[1])
    counts = [record.fields[COUNT] for record in records.values() if record.section == "I"]
    found = sum(count for count in counts if isinstance(count, int))
    if stated and found != _number(stated[1]):
        facts["sums"] = f"section I adds up to {found:,}, the report says {stated[1]}"
    return facts
