"""The `page` kind: blocks in order, links, and what `select` and `drop` leave."""

from __future__ import annotations

import msgspec
import pytest

from tests.sources.captured import page, texts
from watcher.core import Block, Link, NothingThere, NotReadable
from watcher.sources.page import PageOptions

HTML = """<html><head><title> Holds &amp;
 releases</title></head><body>
<nav><a href="/">Home</a></nav><div role="navigation">Crumbs</div>
<main><h1>Jail <em>holds</em></h1>
<p>One&nbsp;hold<br>ends.</p> loose text <b>here</b>
<ul><li>First<ul><li>Nested</li></ul></li><li><p>Second</p></li></ul>
<table><tr><th>County</th><th>Held</th></tr><tr><td>Cook</td><td><p>51</p></td></tr><tr><td></td><td> </td></tr></table>
<p>Correction: an earlier table was wrong.</p>
<p><a href="/a.pdf">Report</a> <a href="/a.pdf">Report</a>
<a href="b">Old <i>one</i></a> <a href="mailto:x@y.z">Mail</a></p>
</main><footer class="foot">Contact</footer></body></html>"""


def test_blocks_in_order() -> None:
    assert page(HTML).blocks == (
        Block("heading", "Jail holds"),
        Block("paragraph", "One hold ends."),
        Block("paragraph", "loose text here"),
        Block("list-item", "First"),
        Block("list-item", "Nested"),
        Block("list-item", "Second"),
        Block("paragraph", "County | Held"),
        Block("paragraph", "Cook | 51"),
        Block("note", "Correction: an earlier table was wrong."),
        Block("paragraph", "Report Report Old one Mail"),
        Block("paragraph", "Contact"),
    )


def test_title_and_links() -> None:
    found = page(HTML)
    assert found.meta == {"title": "Holds & releases"}
    assert found.links == (
        Link("Report", "https://agency.example/a.pdf"),
        Link("Old one", "https://agency.example/policy/b"),
    )


def test_select_and_drop() -> None:
    found = page(HTML, select="ul, table", drop=["ul ul", "tr:first-child"])
    assert texts(found) == ["First", "Second", "Cook | 51"]
    assert found.links == ()


@pytest.mark.parametrize("html", ["", "<title>Holds</title>", "<nav>Home</nav><script>x</script>", "\0\0"])
def test_a_page_without_text_is_said(html: str) -> None:
    with pytest.raises(NothingThere, match="a page with text"):
        page(html)


def test_a_selector_that_finds_nothing_is_said() -> None:
    with pytest.raises(NotReadable, match="select"):
        page(HTML, select="#gone")


def test_options_are_strict() -> None:
    assert msgspec.convert({"select": ["a", "b"], "drop": "c"}, PageOptions) == PageOptions(select=["a", "b"], drop="c")
    with pytest.raises(msgspec.ValidationError, match="slect"):
        msgspec.convert({"slect": "main"}, PageOptions)
