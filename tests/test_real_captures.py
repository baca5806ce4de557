"""The main job on real input: an article in two revisions, the 2025 list, and four years of one page's captures."""

from __future__ import annotations

import csv
import os
import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path

import pytest

from tests.rig import Rig, minutes, source
from tests.site import Reply

REAL = Path(os.environ.get("WATCHER_REAL_DATA", ""))
pytestmark = pytest.mark.skipif(not os.environ.get("WATCHER_REAL_DATA"), reason="WATCHER_REAL_DATA names no folder")

TEN = {
    "us-county:32003", "us-county:36059", "us-county:17031", "us-county:19137", "us-county:53061", "us-county:36033",
    "us-county:41067", "us-county:12001", "us-county:19069", "us-county:42055",
}  # fmt: skip
"""The ten counties of the 2017 list, by their Census codes."""


def html(body: str, title: str) -> Reply:
    page = f"<!doctype html><html><head><title>{escape(title)}</title></head><body>{body}</body></html>"
    return Reply(page, headers={"content-type": "text/html; charset=utf-8"})


def article(paragraphs: Iterable[str], title: str) -> Reply:
    inner = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
    return html(f"<article><h1>{escape(title)}</h1>{inner}</article>", title)


def test_the_article_in_two_revisions(rig: Rig) -> None:
    lines = (REAL / "real" / "detainer-article.txt").read_text(encoding="utf-8").splitlines()
    title, *texts = [line.strip() for line in lines if line.strip()]
    texts[-1] = texts[-1].removesuffix("none")
    start = next(place for place, text in enumerate(texts) if text.startswith("Last week, there were also"))
    end = next(place for place, text in enumerate(texts) if text.endswith("she wrote.")) + 1
    (late,) = [text for text in texts if text.startswith("9:50 p.m.")]
    rig.watch(source(rig.site, "article", "article"))
    rig.site.pages["/article"] = article([*texts[:start], *(t for t in texts[end:] if t != late)], title)
    assert rig.check("article").outcome == "first"
    rig.site.pages["/article"] = article(texts, title)
    changes = rig.check("article", after=minutes(600)).changes
    notes = [change for change in changes if change.kind == "article.note"]
    added = [change for change in changes if change.kind == "article.text"]
    assert [(note.old, note.new) for note in notes] == [(None, late)]
    assert [(change.old, change.new) for change in added] == [(None, text) for text in texts[start:end]]
    assert {change.kind for change in changes} == {"article.note", "article.text", "article.mentions"}


def test_the_article_names_its_jurisdictions() -> None:
    from watcher.places import mentions, resolve

    text = (REAL / "real" / "detainer-article.txt").read_text(encoding="utf-8")
    named = mentions(text)
    ids = {place.id for place in named} | {outer for place in named for outer in place.within}
    assert ids >= TEN
    for place in ("Alameda", "Madera", "Orange", "Sacramento", "Santa Barbara", "Santa Clara", "Los Angeles"):
        assert resolve(f"{place} County, Calif.").id in ids


def test_the_list_of_2025_loses_one_entry_at_a_time(rig: Rig) -> None:
    with (REAL / "doj_list_2025-08-05.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["section"], row["name_as_listed"]) for row in csv.DictReader(file)]

    def page(*without: str) -> Reply:
        parts = ""
        for section in dict.fromkeys(section for section, _ in rows):
            items = "".join(f"<li>{escape(n)}</li>" for s, n in rows if s == section and n not in without)
            parts += f"<h2>{section}</h2><ul>{items}</ul>"
        return html(f"<main><h1>Sanctuary jurisdictions</h1><p>These are listed.</p>{parts}</main>", "List")

    rig.watch(source(rig.site, "list", "jurisdiction-list"))
    rig.site.pages["/list"] = page()
    first = rig.check()
    assert (first.outcome, first.state.records) == ("first", 35)
    rig.site.pages["/list"] = page("Nevada")
    (gone,) = rig.check(after=minutes(60)).changes
    assert (gone.kind, gone.subject.id) == ("jurisdiction.delisted", "us-state:NV")
    rig.site.pages["/list"] = page("Nevada", "Baltimore County, MD")
    (gone,) = rig.check(after=minutes(60)).changes
    assert (gone.kind, gone.subject.id, gone.subject.name) == (
        "jurisdiction.delisted", "us-county:24005", "Baltimore County, Md.",
    )  # fmt: skip


def test_four_years_of_one_page(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    import asyncio

    from watcher.asking import Desk
    from watcher.commands import filling

    rig.watch('[[source]]\nname = "forms"\nkind = "table"\nurl = "https://example.org/forms"\n')
    rig.store.close()
    desk = Desk.begin(rig.path)
    asyncio.run(filling.backfill(desk, desk.source("forms"), REAL / "real" / "dod-forms-2000-2499.tar.xz"))
    assert re.search(r"1,463 captures, 1,463 stored, 1 of them suspect", capsys.readouterr().out)
    with desk.store() as store:
        from watcher.store import changes, snapshots

        found = store.read_sync(lambda conn: list(changes.history(conn, kinds=("record.*",))))
        assert store.read_sync(snapshots.first_bad, "forms") is None
    assert len({change.at for change in found}) == 43
    rows = {(change.at, change.kind, change.subject.id) for change in found}
    assert Counter(kind for _, kind, _ in rows).total() == 178
    asyncio.run(filling.backfill(desk, desk.source("forms"), REAL / "real" / "dod-forms-2000-2499.tar.xz"))
    assert re.search(r"1,463 captures, 0 stored", capsys.readouterr().out)
