"""Telegram's HTML: what it becomes, what it may not hold, and that escaped text is always itself again."""

from __future__ import annotations

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.telegram_api import ParseError, parse_html, utf16


def entity(kind: str, offset: int, length: int, **more: str) -> dict[str, Any]:
    return {"type": kind, "offset": offset, "length": length, **more}


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("plain", "plain", []),
        ("a &lt; &gt; &amp; &quot; &#39; &#x1F600;", "a < > & \" ' 😀", []),
        ("😀<b>x</b>", "😀x", [entity("bold", 2, 1)]),
        ("<b></b>x", "x", []),
        ('<a href="https://e.org/?a&amp;b&#x27;">x</a>', "x", [entity("text_link", 0, 1, url="https://e.org/?a&b'")]),
        ("<blockquote expandable>x</blockquote>", "x", [entity("expandable_blockquote", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [entity("spoiler", 0, 1)]),
        ("<tg-spoiler>x</tg-spoiler>", "x", [entity("spoiler", 0, 1)]),
        ("<b>x<i>y</i></b>", "xy", [entity("bold", 0, 2), entity("italic", 1, 1)]),
        (" \n<u>  x </u>\n", "x", [entity("underline", 0, 1)]),
        (
            '<pre><code class="language-py">x</code></pre>',
            "x",
            [entity("code", 0, 1, language="py"), entity("pre", 0, 1)],
        ),
    ],
)
def test_html_becomes_text_and_entities(source: str, text: str, entities: list[dict[str, Any]]) -> None:
    assert parse_html(source) == (text, entities)


@pytest.mark.parametrize(
    "source",
    [
        "<b>x", "x</b>", "<b>x</i>", "<b><i>x</b></i>", "<script>x</script>", "<br/>", "<br>", "<b", "<>", "<!-- x -->",
        "<a>x</a>", "<a href=x>x</a>", '<a href="x" title="y">x</a>', "<b class=x>y</b>", "<span>x</span>",
        '<span class="x">x</span>', "<code><b>x</b></code>", "<pre><i>x</i></pre>", '<a href="&x;">x</a>',
        "<blockquote><blockquote>x</blockquote></blockquote>", "<code expandable>x</code>", "<b>x</b y>",
        "a < b", "a > b", "a & b", "&nbsp;", "&lt", "&#x;", "&#12345678;",
    ],
)  # fmt: skip
def test_what_telegram_does_not_take_is_an_error(source: str) -> None:
    with pytest.raises(ParseError, match=r"byte offset|end tag"):
        parse_html(source)


def test_the_byte_offset_is_that_of_the_fault() -> None:
    with pytest.raises(ParseError, match='Unsupported start tag "x" at byte offset 6'):
        parse_html("é😀<x>")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_escaped_text_is_itself_again(text: str) -> None:
    assert parse_html(f"<i>{html.escape(text)}</i>")[0] == text.strip()
    assert utf16(text) == sum(1 + (ord(char) > 0xFFFF) for char in text)
