"""The pages of the tour, made from facts; the sentences are our own."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from html import escape
from importlib.resources import files


def facts(name: str) -> list[dict[str, str]]:
    """The rows of one file of facts."""
    text = (files("watcher.demo") / "facts" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def report(*, period: str, without: Collection[str] = (), corrected: bool = False) -> str:
    """The report's page with its table of counties; `corrected`: without the figures that were other places'."""
    wrong = (
        {(row["county"], row["state"]) for row in facts("corrections") if row["section"] == "1"} if corrected else ()
    )
    rows = [
        (row["county"], row["state"], "" if (row["county"], row["state"]) in wrong else row["detainers_issued"])
        for row in facts("section1")
        if row["county"] not in without
    ]
    return _page(
        "Weekly Declined Detainer Outcome Report",
        f"<p>Detainers issued between {escape(period)} to jurisdictions that do not honor them as a routine.</p>"
        + _table(("County", "State", "Issued Detainers"), rows),
    )


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


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _page(title: str, *parts: str, byline: str = "") -> str:
    meta = f'<meta name="author" content="{escape(byline)}">' if byline else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>{meta}</head>'
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )
