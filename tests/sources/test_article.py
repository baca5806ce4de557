"""The `article` kind: body, notices, meta, mentions; and a real article, where it is at hand."""

from __future__ import annotations

import html
import os
from pathlib import Path

import pytest

from tests.sources.captured import article, texts
from watcher.core import Document, NothingThere, NotReadable

FIRST = "The board voted on Monday to end holds past the release date, which the jail had kept for sixteen years."
SECOND = "Cook County, Ill., had done so in 2011, and a court has since found no fault with the rule it adopted then."


def story(body: str = "", *, head: str = "", after: str = "") -> str:
    return (
        f"<html><head><title>Board ends holds | Register</title>{head}</head><body><nav><a href='/'>Home</a></nav>"
        f"<main><article><h1>Board ends holds</h1><p>{FIRST}</p><p>{SECOND}</p>{body}</article></main>"
        f"{after}</body></html>"
    )


def test_body_in_order() -> None:
    body = (
        "<h2>What follows</h2><p>The sheriff said:<br>we will follow the rule.</p><ul><li>Clark County, Nev.</li></ul>"
        "<blockquote>It is <b>overdue</b>.<br>By years.</blockquote>"
        "<table><tr><th>Year<th>Held<tr><td>2024<td>51</table>"
        "<p>See https://agency.example for the text.</p>"
    )
    found = article(story(body))
    assert [(block.type, block.text) for block in found.blocks] == [
        ("paragraph", FIRST),
        ("paragraph", SECOND),
        ("heading", "What follows"),
        ("paragraph", "The sheriff said: we will follow the rule."),
        ("list-item", "Clark County, Nev."),
        ("paragraph", "It is overdue. By years."),
        ("paragraph", "Year | Held"),
        ("paragraph", "2024 | 51"),
        ("paragraph", "See https://agency.example for the text."),
    ]
    assert [place.id for place in found.mentions] == ["us-county:17031", "us-county:32003"]


def test_prompts_and_teasers_are_no_text() -> None:
    body = (
        '<p><a href="/t">Clerk wins a prize</a></p><p>To read this in Spanish, <a href="/es">click here</a></p>'
        "<p>For county news, follow @countydesk on Twitter.</p><p>Read more: the budget</p>"
        "<p>She told the board to click here and there, " + "and went on at length about it " * 8 + "</p>"
    )
    assert [text[:9] for text in texts(article(story(body)))] == [FIRST[:9], SECOND[:9], "She told "]


@pytest.mark.parametrize("place", ["body", "after"])
@pytest.mark.parametrize(
    "wrap", ["<p>{}</p>", "<aside><div>{}</div></aside>", "<footer>{}<br>All rights reserved</footer>"]
)
def test_a_notice_is_found_wherever_it_stands(place: str, wrap: str) -> None:
    notice = "Correction: The board voted on Monday, not on Tuesday."
    found = article(story(**{place: wrap.format(notice)}))
    assert texts(found, "note") == [notice]
    assert texts(found, "paragraph")[:2] == [FIRST, SECOND]
    assert notice not in texts(found, "paragraph")


def test_a_notice_at_the_end_of_a_paragraph_line() -> None:
    found = article(story("<p>The vote was 4 to 1.<br>Clarification: One member was away.</p>"))
    assert texts(found)[2:] == ["The vote was 4 to 1.", "Clarification: One member was away."]
    assert found.blocks[-1].type == "note"


def test_notices_stand_at_the_end_each_once() -> None:
    found = article(
        story("<p>UPDATE: The vote is final.</p>", after="<p>UPDATE: The vote is final.</p><p>Updated 9:50 p.m.</p>")
    )
    assert [block.type for block in found.blocks] == ["paragraph", "paragraph", "note", "note"]
    assert texts(found, "note") == ["UPDATE: The vote is final.", "Updated 9:50 p.m."]


# ---------------------------------------------------------------- meta

LINKED = """<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
{"@type": "WebPage", "headline": "no"}, {"@type": ["NewsArticle"], "headline": "Board &amp; jail",
"author": {"@id": "#a"},
"datePublished": "2025-05-06T09:30:00-07:00", "dateModified": "2025-05-06"},
{"@id": "#a", "name": "Marta Quill"}]}</script>"""
TAGS = """<meta property="og:title" content="Board and jail"><meta name="author" content="By Ben Osei">
<meta property="article:published_time" content="2025-05-06T16:30:00Z"><meta name="Description" content="A vote.">"""


def test_meta_from_linked_data() -> None:
    assert article(story(head=LINKED + TAGS)).meta == {
        "title": "Board ends holds | Register",
        "headline": "Board ends holds",
        "byline": "Marta Quill",
        "published": "2025-05-06T16:30:00Z",
        "modified": "2025-05-06",
        "description": "A vote.",
    }


def test_meta_from_tags() -> None:
    found = article(story(head=TAGS).replace("h1>", "h3>"))
    assert found.meta["headline"] == "Board and jail"
    assert found.meta["byline"] == "Ben Osei"
    assert found.meta["published"] == "2025-05-06T16:30:00Z"


def test_meta_from_the_page() -> None:
    body = '<p class="byline">By Ana Ruiz</p><time datetime="2025-05-06T09:30-07:00">May 6</time>'
    body += '<time class="updated" datetime="2025-05-07T09:30-07:00">May 7</time>'
    found = article(story(body))
    assert found.meta["byline"] == "Ana Ruiz"
    assert found.meta["published"] == "2025-05-06T16:30:00Z"
    assert found.meta["modified"] == "2025-05-07T16:30:00Z"
    assert "By Ana Ruiz" not in texts(found)


@pytest.mark.parametrize(
    "data",
    [
        "{not json",
        "[" * 100_000,
        '{"@type": "NewsArticle", "author": [[[{"name": {"a": 1}}]], 7, null], "headline": ["x"], "datePublished": 3}',
        '{"@type": "NewsArticle", "author": {"@id": "#a"}}, {"@id": "#a", "author": {"@id": "#a"}}',
        '{"@graph": 7, "@type": {"a": "Article"}}',
        '"\ud800"',
    ],
)
def test_hostile_linked_data_says_nothing(data: str) -> None:
    head = f'<script type="application/ld+json">{data}</script>'.encode("utf-8", "surrogatepass").decode(
        "utf-8", "replace"
    )
    found = article(story(head=head))
    assert found.meta == {"title": "Board ends holds | Register", "headline": "Board ends holds"}


def test_an_author_given_as_an_address_is_no_byline() -> None:
    head = '<meta property="article:author" content="https://social.example/ana">'
    assert "byline" not in article(story(head=head)).meta


# ---------------------------------------------------------------- bounds


def test_a_page_without_text_is_said() -> None:
    with pytest.raises(NothingThere, match="an article with text"):
        article('<nav><a href="/">Home</a></nav>')


def test_a_short_article_is_read_too() -> None:
    assert texts(article("<main><h1>Vote</h1><p>Done.</p></main>")) == ["Done."]


@pytest.mark.parametrize("depth", [300, 1_900])
def test_deep_text_is_kept(depth: int) -> None:
    found = article("<div>" * depth + story() + "</div>" * depth)
    assert texts(found) == [FIRST, SECOND]


@pytest.mark.parametrize("nest", ["<div>" * 100_000, "<table><tr><td>" * 600])
def test_depth_beyond_reading_is_said(nest: str) -> None:
    with pytest.raises(NotReadable, match="deep"):
        article(nest + story())


def test_select_and_drop() -> None:
    page = story(
        "<p class='x'>Third paragraph, which stays out of what is read here because it is dropped.</p>",
        after="<p>UPDATE: x</p>",
    )
    assert texts(article(page, select="article", drop=".x")) == [FIRST, SECOND]


# ---------------------------------------------------------------- the real article


def real_article() -> list[str]:
    folder = os.environ.get("WATCHER_REAL_DATA")
    if not folder:
        pytest.skip("WATCHER_REAL_DATA names no folder with real/detainer-article.txt")
    return [line for line in (Path(folder) / "real/detainer-article.txt").read_text("utf-8").splitlines() if line]


def published(headline: str, lines: list[str], teasers: list[str], feet: list[str]) -> Document:
    def p(line: str) -> str:
        return f"<p>{html.escape(line)}</p>"

    body = "".join(map(p, lines)).replace("click here", '<a href="/espanol">click here</a>')
    related = "".join(f'<p><a href="/t{n}">{html.escape(line)}</a></p>' for n, line in enumerate(teasers))
    return article(
        f"<html><head><title>{headline}</title></head><body><main><article><h1>{headline}</h1>{body}{related}</article>"
        f"</main><footer>{''.join(map(p, feet))}</footer></body></html>"
    )


def test_the_update_of_the_real_article() -> None:
    headline, *lines = real_article()
    start = next(n for n, line in enumerate(lines) if line.startswith("Last week"))
    end = next(n for n, line in enumerate(lines) if line.startswith("To read"))
    update = next(n for n, line in enumerate(lines) if line.startswith("9:50"))
    teasers, feet = lines[end + 2 : update], lines[update:]
    first = published(headline, lines[:start] + lines[end : end + 2], teasers, feet[1:])
    second = published(headline, lines[: end + 2], teasers, feet)

    assert texts(first, "paragraph") == lines[:start]
    assert texts(second, "paragraph") == lines[:end]
    assert texts(first, "note") == feet[1:]
    assert texts(second, "note") == feet
    assert [block.text for block in second.blocks if block not in first.blocks] == [*lines[start:end], feet[0]]
    assert set(first.blocks) < set(second.blocks)
    ids = {place.id for place in second.mentions}
    counties = {"32003", "36059", "17031", "19137", "53061", "36033", "41067", "12001", "19069", "42055"}
    assert {f"us-county:{code}" for code in counties} <= ids
    assert {"us-county:06037", "us-county:06039", "us-place:CA/anaheim"} <= ids | {
        within for place in second.mentions for within in place.within
    }
