"""The pages of the tour, made from facts; the sentences are our own."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from datetime import date
from html import escape
from importlib.resources import files
from typing import NamedTuple

from watcher.demo.pdf import Table, Text, document
from watcher.periods import AP_MONTHS


def facts(name: str) -> list[dict[str, str]]:
    """The rows of one file of facts."""
    text = (files("watcher.demo") / "facts" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


class Issue(NamedTuple):
    """One issue of the weekly report: its file, its days, and how its sections are called in it."""

    stem: str
    start: str
    end: str
    detainers: str
    declined: str
    titles: tuple[str, str, str, str]

    @property
    def path(self) -> str:
        """Where the site has it."""
        return f"/files/{self.stem}.pdf"


def issues() -> list[Issue]:
    """The issues of 2017, by the facts."""
    return [
        Issue(
            row["file_stem"],
            row["period_start"],
            row["period_end"],
            row["detainers_issued"],
            row["detainers_declined"],
            (row["section1_title"], row["section2_title"], row["section3_title"], row["section4_title"]),
        )
        for row in facts("issues")
    ]


def reports(*listed: Issue, notice: str = "") -> str:
    """The page that leads to the issues, the newest first."""
    items = "".join(
        f'<li><a href="{one.path}">Declined detainers recorded {_span(one)}</a> (PDF)</li>' for one in reversed(listed)
    )
    parts = ("<p>Each week this page lists the jurisdictions that declined detainers.</p>", f"<ul>{items}</ul>")
    return _page("Weekly Declined Detainer Outcome Report", *([f"<p>{escape(notice)}</p>"] if notice else []), *parts)


def report(one: Issue, *, without: Collection[str] = (), corrected: bool = False) -> bytes:
    """An issue as a PDF; `corrected`: without the figures and the persons that were other places'."""
    wrong = {(row["county"], row["state"]) for row in facts("corrections")} if corrected else set()
    counties = [row for row in facts("section1") if row["county"] not in without]
    first = [
        (row["county"], row["state"], "" if (row["county"], row["state"]) in wrong else row["detainers_issued"])
        for row in counties
    ]
    persons = [row for row in facts("section2") if (row["county"], row["state"]) not in wrong]
    total = sum(int(row["detainers_issued"]) for row in counties)
    one_, two, three, four = one.titles
    return document(
        Text("Weekly Declined Detainer Outcome Report", 16, bold=True),
        Text(f"Declined detainers recorded {_span(one)}"),
        Text(f"Section I: {one_}", 12, bold=True),
        Text(f"In these seven days {int(one.detainers):,} detainers were issued, {total} of them to these counties.")
        if one.detainers
        else Text("The counties to which most detainers were issued in these seven days."),
        Table(("County", "State", "Issued Detainers"), first, (3, 3, 2)),
        Text(f"Section II: {two}", 12, bold=True),
        Text("What is said of persons here is made up for this tour; the places are true."),
        Table(SECTION_II, [tuple(row[name] for name in SECTION_II_FACTS) for row in persons], (4, 2, 2, 2, 4)),
        Text(f"Section III: {three}", 12, bold=True),
        Table(SECTION_III, [tuple(row[name] for name in SECTION_III_FACTS) for row in facts("section3")], (3, 2, 3, 4)),
        Text(f"Section IV: {four}", 12, bold=True),
        Text("The report counts what field offices recorded, and may be corrected later."),
    )


SECTION_II = ("Law Enforcement Agency", "Citizenship", "Date Issued", "Date Declined", "Notable Criminal Activity")
SECTION_II_FACTS = ("agency", "citizenship", "issued", "declined", "activity")
SECTION_III = ("Jurisdiction (AOR)", "Date Enacted", "Policy", "Criteria for Honoring Detainer")
SECTION_III_FACTS = ("jurisdiction", "date_enacted", "policy", "criteria")


def _span(one: Issue) -> str:
    first, last = date.fromisoformat(one.start), date.fromisoformat(one.end)
    return f"{AP_MONTHS[first.month - 1]} {first.day} – {AP_MONTHS[last.month - 1]} {last.day}, {last.year}"


def sanctuary_list(*, without: Collection[str] = ()) -> str:
    """The list of states, counties and cities."""
    rows = [row for row in facts("doj_list") if row["name_as_listed"] not in without]
    lists = ""
    for section in ("STATES", "COUNTIES", "CITIES"):
        items = "".join(f"<li>{escape(row['name_as_listed'])}</li>" for row in rows if row["section"] == section)
        lists += f"<h2>{section}</h2><ul>{items}</ul>"
    return _page("Sanctuary Jurisdiction List", "<p>The following jurisdictions are on the list.</p>" + lists)


COUNTIES = """\
The first weekly report on declined detainers came out on Monday. It names ten counties: Clark County, Nev.;
Nassau County, N.Y.; Cook County, Ill.; Montgomery County, Iowa; Snohomish County, Wash.; Franklin County, N.Y.;
Washington County, Ore.; Alachua County, Fla.; Franklin County, Iowa; and Franklin County, Penn."""
SHERIFFS = """\
Sheriffs in several of these counties said that they had not been told before the report was published, and that they
were still checking which of their jails the figures were about."""
DETAINERS = """\
A detainer asks a jail to hold a person for up to two more days. Courts have differed on whether a jail may do so
without a warrant, and many counties now ask for one."""
LETTER = """\
Late in the day the chief justice of California made public a letter in which she asks that arrests no longer be made
inside the state’s courthouses."""
FEAR = """\
The letter says that people who need a court, as witnesses or for protection, will stay away if they fear arrest."""
FIRST, UPDATE = (
    "This article was originally published at 11:45 a.m.",
    "9:50 p.m.: This article was updated with the letter of the chief justice.",
)


def article(revision: int) -> str:
    """The article as first published (1), updated in the evening (2), and with another headline the next day (3)."""
    headline = "Report names ten counties" if revision < 3 else "Sheriffs dispute report that names ten counties"  # noqa: PLR2004
    body = (COUNTIES, SHERIFFS, DETAINERS) + (() if revision == 1 else (LETTER, FEAR))
    notes = (FIRST,) if revision == 1 else (UPDATE, FIRST)
    return _page(headline, _paragraphs("article", body), _paragraphs("aside", notes), byline="A Staff Writer")


def _paragraphs(tag: str, texts: Sequence[str]) -> str:
    return f"<{tag}>" + "".join(f"<p>{escape(text)}</p>" for text in texts) + f"</{tag}>"


def _page(title: str, *parts: str, byline: str = "") -> str:
    meta = f'<meta name="author" content="{escape(byline)}">' if byline else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{meta}</head>'
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )
