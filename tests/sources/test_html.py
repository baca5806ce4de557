"""Bytes to text, text to reduced markup: charsets, links, depth, and what is left out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.captured import URL, capture, page, texts
from watcher.core import NotReadable
from watcher.sources.html import MOST_DEEP, absolute, base_of, collapse, decode, joined, parse, reduce, spaced
from watcher.sources.prose import MOST_ELEMENTS, pieces, soup

NAME = "Cañon City — “holds”"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (NAME.encode(), ""),
        (NAME.encode("utf-8-sig"), "text/html; charset=windows-1252"),
        (NAME.encode("utf-16"), "text/html; charset=utf-8"),
        (NAME.encode("cp1252"), ""),
        (NAME.encode("cp1252"), "text/html; charset=utf-8"),
        (NAME.encode("cp1252"), "text/html; charset=iso-8859-1"),
        (NAME.encode(), 'text/html; charset="iso-8859-1"'),
        (NAME.encode(), "text/html; charset=utf-16"),
        (NAME.encode(), "text/html; charset=utf-7"),
        (NAME.encode(), "text/html; charset=no-such-charset"),
        (NAME.encode("cp1252"), "text/html; charset=shift_jis"),
    ],
)
def test_decode_gives_the_same_text_whatever_the_page_claims(body: bytes, content_type: str) -> None:
    assert decode(body, content_type) == NAME


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_decode_knows_utf_16_without_a_mark(encoding: str) -> None:
    assert decode(f"<p>{NAME}".encode(encoding)) == f"<p>{NAME}"


@pytest.mark.parametrize("charset", ["shift_jis", "euc-jp", "iso-2022-jp"])
def test_decode_believes_a_charset_that_fits(charset: str) -> None:
    text = f'<meta charset="{charset}"><p>東京都の県庁'
    assert decode(text.encode(charset)) == text
    assert decode("<p>東京都の県庁".encode(charset), f"text/html; charset={charset}") == "<p>東京都の県庁"


def test_decode_prefers_the_header_to_the_meta() -> None:
    body = b'<meta charset="koi8-r"><p>' + "Łódź".encode("cp1250")
    assert decode(body, "text/html; charset=windows-1250").endswith("Łódź")


def test_decode_repairs_bytes_of_another_charset_one_by_one() -> None:
    assert decode("naïve ".encode() + "café".encode("cp1252"), "text/html; charset=utf-8") == "naïve café"


def test_decode_removes_nul() -> None:
    assert decode(b"<p>ho\0ld") == "<p>hold"


@given(st.binary(max_size=300), st.text(max_size=60))
def test_decode_never_fails(body: bytes, content_type: str) -> None:
    assert "\0" not in decode(body, content_type)


def test_collapse() -> None:
    assert collapse(" a\u00a0\n b\u200b\u00ad\ufeff c ") == "a b c"


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("/a.pdf", "https://agency.example/a.pdf"),
        ("b?x=1#y", "https://agency.example/policy/b?x=1#y"),
        ("//other.example/c", "https://other.example/c"),
        (" HTTP://other.example/d\n", "http://other.example/d"),
        ("ht\ntps://other.example/e", "https://other.example/e"),
        ("mailto:desk@agency.example", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,x", ""),
        ("file:///etc/passwd", ""),
        ("ftp://other.example/f", ""),
        ("http://[::1", ""),
        ("#top", ""),
        ("", ""),
        (None, ""),
        ("/" + "a" * 10_000_000, ""),
    ],
)
def test_absolute(href: str | None, url: str) -> None:
    assert absolute(URL, href) == url


def test_links_start_from_the_base_of_the_page() -> None:
    tree = parse('<base href="/docs/v2/?x#y"><p>text')
    assert base_of(tree, capture("")) == "https://agency.example/docs/v2/"
    assert base_of(parse('<base href="javascript:x">'), capture("")) == "https://agency.example/policy/holds"


def test_spaced_parts_the_words_of_two_lines() -> None:
    tree = parse(spaced("<table><tr><td>Cook<br>County<td>9"))
    assert tree.body is not None
    assert tree.body.text().split() == ["Cook", "County", "9"]


def test_joined_makes_one_list_of_selectors() -> None:
    assert joined("", ["nav", ".ad"], "footer", []) == "nav, .ad, footer"


def reduced(html: str, select: str = "", drop: str = "", attributes: tuple[str, ...] = ("href",)) -> str:
    return reduce(parse(html), select=select, drop=drop, attributes=attributes)


def test_reduce_keeps_what_is_read_and_nothing_else() -> None:
    html = (
        '<!-- 10:04 --><p class="x" onclick="a>b">A&nbsp;b <a title="<!--" href="/c?a=1&amp;b=2">c</a></p>'
        '<script>"<p>no"</script><style>p{}</style><template><p>no</template><noscript><p>no</noscript>'
        '<input type="hidden" value="tok"><p hidden>no</p><p style="display: none">no</p><svg><text>no</text></svg>'
    )
    assert reduced(html) == '<body><p>A b <a href="/c?a=1&amp;b=2">c</a></p><input></body>'


def test_reduce_keeps_panels_that_a_button_opens() -> None:
    html = (
        '<button aria-controls="ca nv">Open</button><ul id="nv" hidden><li>Clark</ul><p hidden="until-found">found</p>'
    )
    assert "<li>Clark</li>" in reduced(html)
    assert "found" in reduced(html)
    assert "token" not in reduced(html.replace("<li>Clark", "<li hidden>token<li>Clark"))


def test_a_noscript_ends_where_browsers_end_it() -> None:
    assert "after" in reduced("<noscript><p>no</noscript><p>after")


def test_reduce_takes_each_selected_element_once_and_in_page_order() -> None:
    html = "<div class=a><p class=b>1</p></div><p class=b>2</p><p>3</p>"
    assert reduced(html, select=".b, .a, p.b") == "<div><p>1</p></div><p>2</p>"
    assert reduced(html, drop=".a, .a .b, p.b") == "<body><p>3</p></body>"


def test_reduce_says_when_nothing_is_selected() -> None:
    with pytest.raises(NotReadable, match=r"select: expected an element that matches 'main\.list'"):
        reduced("<p>x", select="main.list")


def test_reduce_leaves_names_that_are_made_anew() -> None:
    assert reduced('<p class="story css-1x9 lead" id="ad-77">x', attributes=("class", "id")) == (
        '<body><p class="story lead" id="">x</p></body>'
    )


# ---------------------------------------------------------------- hostile pages


@pytest.mark.parametrize("depth", [100, 256, 300, 1_900])
def test_deep_text_is_kept(depth: int) -> None:
    found = page("<p>first</p>" + "<div>" * depth + "inside" + "</div>" * depth + "<p>last</p>")
    assert texts(found) == ["first", "inside", "last"]


@pytest.mark.parametrize("html", ["<div>" * 100_000 + "inside", "<ul><li>" * 50_000, "<div></b>" * 100_000])
def test_depth_beyond_reading_is_said(html: str) -> None:
    with pytest.raises(NotReadable, match=f"nested at most {MOST_DEEP:,} deep"):
        parse(html)


def test_end_tags_left_out_are_no_depth() -> None:
    assert len(texts(page("<ul>" + "<li>Cook" * 10_000 + "</ul>" + "<p>Clark" * 10_000))) == 20_000


def test_markup_in_scripts_is_no_depth() -> None:
    assert texts(page("<script>" + '"<div>"' * 5_000 + "</script><p>x")) == ["x"]


def test_large_attributes_and_texts_are_read() -> None:
    assert texts(page(f"<p data-x='{'a' * 10_000_000}'>short</p>")) == ["short"]
    assert len(texts(page("<p>" + "word " * 2_000_000 + "</p>"))[0]) == 9_999_999


def test_more_elements_than_can_be_read_are_said() -> None:
    with pytest.raises(NotReadable, match=f"at most {MOST_ELEMENTS:,} elements, found 1,000,00"):
        page("<p>a</p>" * 1_000_000)


def test_pieces_of_nested_tables() -> None:
    html = "<table><tr><td><h2>Left</h2><td><table><tr><td>a<td>b</table></table>"
    found = [(piece.type, piece.text) for piece in pieces(soup(html))]
    assert found == [("heading", "Left"), ("row", "a | b")]
