"""The law of fingerprints: equal digests mean equal documents, and what nobody reads makes no other digest."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.captured import capture
from watcher.core import NotReadable, Source
from watcher.plugins import build

KINDS = ["page", "article", "jurisdiction-list"]
WORDS = st.sampled_from(
    [
        "Cook County, IL",
        "Oregon",
        "COUNTIES",
        "Correction: a",
        "a  b",
        "a\u00a0b",
        "&lt;x&gt;",
        "click here",
        "x",
        "Text. " * 40,
    ]
)
OPEN = st.sampled_from(
    [
        "<p>", "<h2>", "<ul>", "<li>", "<b>", "<table>", "<tr>", "<td>", "<div>", "<a href='/a'>", "<a href='b?x'>",
        "<main>", "<article>", "<p class='byline'>", "<time datetime='2025-05-06'>", "<div hidden>", "<nav>",
        "<span class='k x7'>", "<script>", "<!-- ", "<noscript>", "<button aria-controls='q'>", "<div hidden id=q>",
        "<br>", "<svg>", "<textarea>", "<title>", "<meta name=author content=Ana>", "<base href='/z/'>", "<form>",
        "<select><option>", "<xmp>",
    ]
)  # fmt: skip
CLOSE = st.sampled_from(
    [
        "</p>", "</h2>", "</ul>", "</li>", "</b>", "</table>", "</div>", "</a>", "</main>", "</script>", " -->",
        "</noscript>", "</svg>", "</textarea>", "</title>", "</nav>", "</xmp>", "</article>",
    ]
)  # fmt: skip
PAGES = st.lists(st.one_of(WORDS, OPEN, CLOSE, WORDS), max_size=25).map("".join)


def adapter(kind: str) -> Any:
    return build(Source("watched", kind, "https://agency.example/policy/holds"))


def read(kind: str, html: str) -> object:
    try:
        return adapter(kind).extract(capture(html), {})
    except NotReadable as error:
        return str(error)


def digest(kind: str, html: str) -> str:
    return str(adapter(kind).fingerprint(capture(html)))


@pytest.mark.parametrize("kind", KINDS)
@given(html=PAGES, data=st.data())
@settings(deadline=None, max_examples=120)
def test_equal_digests_mean_equal_documents(kind: str, html: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(html)))
    other = html[:cut] + data.draw(st.one_of(WORDS, OPEN, CLOSE)) + html[cut + data.draw(st.integers(0, 6)) :]
    if read(kind, html) != read(kind, other):
        assert digest(kind, html) != digest(kind, other)


@pytest.mark.parametrize("kind", KINDS)
@given(html=PAGES)
@settings(deadline=None, max_examples=60)
def test_reading_twice_reads_the_same(kind: str, html: str) -> None:
    assert read(kind, html) == read(kind, html)
    assert digest(kind, html) == digest(kind, html)


HTML = """<html><head><title>Holds</title><meta name="csrf-token" content="{0}"><meta name="author" content="Ana Ruiz">
<script type="application/ld+json" nonce="{0}">{{"@type": "NewsArticle", "headline": "Holds", "views": "{0}"}}</script>
<script nonce="{0}">var t = "{0}";</script><style>.c{0} {{}}</style><link rel="stylesheet" href="/s.css?{0}"></head>
<body data-t="{0}"><!-- {0} --><form action="/go?{0}"><input type="hidden" name="__VIEWSTATE" value="{0}"></form>
<main class="content c{0}"><h1 id="h{0}">Holds</h1><h2>Counties</h2><p onclick="go('{0}')">Cook County, IL</p>
<p hidden>{0}</p><img src="/pixel?{0}" alt=""><iframe src="/ad?{0}">{0}</iframe><a href="/report.pdf">Report</a></main>
</body></html>"""


@pytest.mark.parametrize("kind", KINDS)
def test_what_nobody_reads_makes_no_other_digest(kind: str) -> None:
    one = HTML.format("1a")
    assert digest(kind, one) == digest(kind, HTML.format("2b").replace("\n", "\r\n  ").replace(", IL", ",&nbsp;IL"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("old", "new"),
    [("Cook", "Clark"), ("/report.pdf", "/report-2.pdf"), ("<title>Holds", "<title>Jail holds"), ("<h2>", "<h3>")],
)
def test_what_is_read_makes_another_digest(kind: str, old: str, new: str) -> None:
    one = HTML.format("1a")
    assert digest(kind, one) != digest(kind, one.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [("Ana Ruiz", "Ben Osei"), ('"headline": "Holds"', '"headline": "Jail holds"'), ("content c1a", "x")],
)
def test_an_article_reads_its_head_and_its_layout(old: str, new: str) -> None:
    one = HTML.format("1a")
    assert digest("article", one) != digest("article", one.replace(old, new))


def test_select_and_drop_narrow_what_is_digested() -> None:
    narrow = build(Source("watched", "page", "https://agency.example/", options={"select": "main", "drop": "img, a"}))
    one = HTML.format("1a")
    first = narrow.fingerprint(capture(one))
    assert first == narrow.fingerprint(
        capture(one.replace("</main>", "</main>Footer").replace("/report.pdf", "/r.pdf"))
    )
    assert first != narrow.fingerprint(capture(one.replace("Cook", "Clark")))
