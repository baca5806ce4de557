"""Lists of documents: pages, sitemaps and feeds; which links lead to a document, and what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from watcher.core import Capture, Document, NotReadable
from watcher.series import DOCUMENTS
from watcher.sources.index import Index, IndexOptions, same_site

AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
URL = "https://www.agency.gov/reports"


def read(body: str, choices: Mapping[str, Any] = {}, content_type: str = "text/html", **options: Any) -> Document:
    capture = Capture("reports", "index", "s1", AT, URL, 200, content_type, body.encode())
    return Index(IndexOptions(**options)).extract(capture, choices)


def page(*links: str) -> str:
    return "<p>Reports.</p>" + "".join(f'<p><a href="{link}">One {number}</a></p>' for number, link in enumerate(links))


def listed(document: Document) -> list[str]:
    return [str(record.fields["url"]) for record in document.records.values()]


SITEMAP = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">
<url><loc>https://www.agency.gov/files/a-2025-01-02.pdf</loc></url>
<url><loc> https://www.agency.gov/about?a=1&amp;b=2 </loc></url>
<url><loc>https://www.agency.gov/files/b-2025-01-09.PDF</loc></url></urlset>"""
FEED = """<rss version="2.0"><channel><title>News</title>
<item><title>Ten counties named</title><link>https://www.agency.gov/news/ten</link><guid>1</guid></item>
<item><title>Report</title><link>https://www.agency.gov/files/r.pdf</link><guid>2</guid></item></channel></rss>"""


def test_files_are_documents_where_nothing_is_said() -> None:
    found = read(page("/files/a.pdf", "b.XLSX", "/about", "https://agency.gov/c.csv?x=1#top", "/files/a.pdf#page=2"))
    assert listed(found) == [
        "https://www.agency.gov/files/a.pdf", "https://www.agency.gov/b.XLSX", "https://agency.gov/c.csv?x=1",
    ]  # fmt: skip
    assert [link.url for link in found.links] == ["https://www.agency.gov/about"]


@pytest.mark.parametrize("links", ["*ddor*.pdf", ["/files/ddor*", "*.none"], "https://www.agency.gov/files/d*"])
def test_globs_choose_by_address_path_or_name(links: str | list[str]) -> None:
    found = read(page("/files/ddor2017.pdf", "/files/other.pdf"), links=links)
    assert listed(found) == ["https://www.agency.gov/files/ddor2017.pdf"]


def test_a_glob_is_no_expression() -> None:
    assert listed(read(page("/a.pdf"), links="(a+)+$")) == []


def test_a_sitemap_is_read() -> None:
    found = read(SITEMAP, content_type="application/xml")
    assert list(found.records) == ["a-2025-01-02", "b-2025-01-09"]
    assert listed(read(SITEMAP, content_type="application/xml", links="*/about*")) == [
        "https://www.agency.gov/about?a=1&b=2"
    ]


def test_the_articles_of_a_feed_are_read() -> None:
    found = read(FEED, content_type="application/rss+xml", links="*/news/*", documents="article")
    assert [(record.key, record.fields["title"]) for record in found.records.values()] == [
        ("ten", "Ten counties named")
    ]


def test_a_feed_that_declares_entities_is_refused() -> None:
    with pytest.raises(NotReadable, match="entities"):
        read('<!DOCTYPE rss [<!ENTITY a "aaaa">]>' + FEED, content_type="application/rss+xml")


def test_what_was_seen_is_remembered_and_the_first_sight_is_a_baseline() -> None:
    first = read(page("/a.pdf", "/b.pdf"))
    second = read(page("/b.pdf", "/c.pdf"), first.choices)
    known = second.choices[DOCUMENTS]
    assert {stem: (one["listed"], one["baseline"]) for stem, one in known.items()} == {
        "a": (False, True), "b": (True, True), "c": (True, False),
    }  # fmt: skip


def test_two_files_of_one_name_are_two_documents() -> None:
    assert list(read(page("/2024/report.pdf", "/2025/report.pdf")).records) == ["report", "report-2"]


def test_the_newest_two_hundred_are_kept() -> None:
    found = read(page(*(f"/list-{2000 + number // 12}-{number % 12 + 1:02}-01.pdf" for number in range(250))))
    assert len(found.choices[DOCUMENTS]) == 200
    assert "list-2000-01-01" not in found.choices[DOCUMENTS]
    assert "list-2020-10-01" in found.choices[DOCUMENTS]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://www.ice.gov/a", "https://ice.gov/b", True),
        ("https://ice.gov", "https://dhs.gov", False),
        ("https://a.gov.uk", "https://b.gov.uk", False),
        ("https://x.a.gov.uk", "https://a.gov.uk", True),
        ("https://doc.state.nv.us", "https://doc.state.ny.us", False),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:9000/", True),
        ("http://127.0.0.1/", "http://127.0.0.2/", False),
        ("https://ice.gov.evil.example", "https://ice.gov", False),
    ],
)
def test_one_registrable_domain(one: str, other: str, same: bool) -> None:  # noqa: FBT001 - a table of cases
    assert same_site(one, other) is same
