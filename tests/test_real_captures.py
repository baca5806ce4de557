"""The main job on real input: an article in two revisions, the 2025 list, and four years of one page's captures."""

from __future__ import annotations

import csv
import os
import tarfile
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path

import pytest

from tests.rig import Rig, minutes, source
from tests.site import Reply
from watcher.app import App
from watcher.backfill import Backfilled, backfill
from watcher.captures import opened
from watcher.store import snapshots

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
    mentioned = [change.subject.id for change in changes if change.kind == "article.mentions"]
    assert mentioned
    assert all(place.startswith("us-") for place in mentioned)


def test_the_article_names_its_jurisdictions() -> None:
    from watcher.places import mentions, resolve

    text = (REAL / "real" / "detainer-article.txt").read_text(encoding="utf-8")
    named = mentions(text)
    ids = {place.id for place in named} | {outer for place in named for outer in place.within}
    assert ids >= TEN
    for place in ("Alameda", "Madera", "Orange", "Sacramento", "Santa Barbara", "Santa Clara", "Los Angeles"):
        assert resolve(f"{place} County, Calif.").id in ids


def listed() -> list[tuple[str, str]]:
    """The list of August 2025: each entry's section, and its name as listed."""
    with (REAL / "doj_list_2025-08-05.csv").open(encoding="utf-8", newline="") as file:
        return [(row["section"], row["name_as_listed"]) for row in csv.DictReader(file)]


def listing(*without: str) -> Reply:
    """The list as a page, but for these entries."""
    parts = ""
    for section in dict.fromkeys(section for section, _ in listed()):
        names = [name for place, name in listed() if place == section and name not in without]
        parts += f"<h2>{section}</h2><ul>{''.join(f'<li>{escape(name)}</li>' for name in names)}</ul>"
    return html(f"<main><h1>Sanctuary jurisdictions</h1><p>These are listed.</p>{parts}</main>", "List")


def test_the_list_of_2025_loses_one_entry_at_a_time(rig: Rig) -> None:
    rig.watch(source(rig.site, "list", "jurisdiction-list"))
    rig.site.pages["/list"] = listing()
    first = rig.check()
    assert (first.outcome, first.state.records, len(listed())) == ("first", 35, 35)
    gone: tuple[str, ...] = ()
    for name, subject, told in (
        ("Nevada", "us-state:NV", "Nevada"),
        ("Baltimore County, MD", "us-county:24005", "Baltimore County, Md."),
    ):
        gone += (name,)
        rig.site.pages["/list"] = listing(*gone)
        (change,) = rig.check(after=minutes(60)).changes
        assert (change.kind, change.subject.id, change.subject.name) == ("jurisdiction.delisted", subject, told)
        assert told in rig.told()


def test_a_city_and_a_county_of_one_name_stay_two(rig: Rig) -> None:
    rig.watch(source(rig.site, "list", "jurisdiction-list"))
    rig.site.pages["/list"] = listing()
    rig.check()
    (city,) = [name for place, name in listed() if place == "CITIES" and "San Francisco" in name]
    rig.site.pages["/list"] = listing(city)
    found = rig.check(after=minutes(60)).changes
    assert [(change.kind, change.subject.id) for change in found] == [
        ("jurisdiction.delisted", "us-place:CA/san-francisco")
    ]


def test_ten_weeks_of_one_page(rig: Rig) -> None:
    folder = rig.folder / "captures"
    folder.mkdir()
    with tarfile.open(REAL / "real" / "dod-forms-2000-2499.tar.xz") as archive:
        for member in archive:
            if member.name > "2021-05-23":
                break
            archive.extract(member, folder, filter="data")
    assert fill(rig, folder)[:3] == (77, 77, 1)
    found = rig.changes()
    assert Counter((f"{change.at:%m-%d}", change.kind) for change in found) == {
        ("03-20", "record.changed"): 1,
        ("04-22", "record.added"): 1,
        ("04-22", "record.removed"): 4,
        ("04-24", "record.changed"): 4,
        ("05-22", "record.changed"): 3,
    }
    assert {change.at for change in found} <= {one.at for one in rig.snapshots("forms")}
    assert rig.deliveries() == []


@pytest.mark.soak
def test_four_years_of_one_page(rig: Rig) -> None:
    path = REAL / "real" / "dod-forms-2000-2499.tar.xz"
    assert fill(rig, path)[:3] == (1463, 1463, 1)
    found = [change for change in rig.changes() if change.kind.startswith("record.")]
    assert rig.store.read_sync(snapshots.first_bad, "forms") is None
    assert len({change.at for change in found}) == 43
    assert Counter(change.kind for change in found) == {"record.changed": 103, "record.removed": 84, "record.added": 1}
    assert fill(rig, path) == (1463, 0, 0, 0)


def fill(rig: Rig, path: Path) -> Backfilled:
    """Take captures of the table of forms in."""
    rig.watch('[[source]]\nname = "forms"\nkind = "table"\nurl = "https://example.org/forms"\n')

    async def work(app: App) -> Backfilled:
        (one,) = app.config.sources
        with opened(path) as captures:
            return await backfill(app.parts, one, app.state(one), captures)

    return rig.run(work)
