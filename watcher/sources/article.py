"""The `article` kind: a news article's headline, byline, dates, paragraphs, notices of changes, and places named.

Stands at extract in the flow. trafilatura finds the body; it misses notices that stand beside the body, and takes
prompts and teasers for text, so notices come from a pass over the whole page and prompts and teasers are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from watcher.core import Adapter, Block, Capture, Document, NothingThere, NotReadable
from watcher.sources.html import Reading, base_of, collapse, decode, joined, parse, reduce, title_of
from watcher.sources.metadata import byline, facts_of, moment

if TYPE_CHECKING:
    from bs4 import BeautifulSoup

    from watcher.sources.notes import Notes

ATTRIBUTES = ("href", "class", "id", "datetime", "itemprop", "rel", "role")
"""By these trafilatura tells the body from the rest, and this module finds what the head does not say."""

TAGS = {"head": "h2", "list": "ul", "item": "li", "lb": "br", "quote": "blockquote", "row": "tr", "cell": "td"}
"""What the elements of trafilatura's own markup are in HTML."""

SHORT = 200
"""Characters of a prompt or a teaser; a longer line is text even if it says "click here"."""
_PROMPT = re.compile(
    r"\bclick here\b|\bfollow (?:\w{1,20} ){0,3}@\w|^(?:subscribe|sign up)\b|\bnewsletters?\b.{0,40}\bsign up\b"
    r"|^(?:read more|related|see also|also read|more coverage|advertisement|share this)\b[^.]*$",
    re.IGNORECASE,
)


class ArticleOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`select`: CSS of the part of the page to read. `drop`: CSS of what is left out of it."""

    select: str | list[str] = ""
    drop: str | list[str] = ""


class Article(Adapter):
    """Reads one article."""

    kind: ClassVar[str] = "article"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = ArticleOptions

    def __init__(self, options: ArticleOptions) -> None:
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest what the head says, and the text and layout of what is watched; raises NotReadable."""
        return self._reading(capture).digest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the article. Raises NotReadable where `select` matches nothing, NothingThere where there is no text."""
        from watcher.places import mentions
        from watcher.sources.notes import find_notes
        from watcher.sources.prose import pieces, soup, words

        reading = self._reading(capture)
        root = soup(reading.markup)
        linked = {words(anchor) for anchor in root.find_all("a")}
        notes = find_notes(chain.from_iterable(piece.text.split("\n") for piece in pieces(root)), linked)
        meta = _meta(dict(reading.facts), root)
        known = {meta[name] for name in ("headline", "byline") if name in meta}
        body = tuple(_body(_found(reading.markup) or _plain(root), notes, linked, known))
        if not body:
            raise NothingThere("expected an article with text, found none")
        prose = [meta.get("headline", ""), *(block.text for block in body)]
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta=meta,
            blocks=(*body, *(Block("note", text) for text in notes.texts)),
            mentions=mentions("\n".join(prose)),
            choices=choices,
        )

    def _reading(self, capture: Capture) -> Reading:
        tree = parse(decode(capture.body, capture.content_type))
        base = base_of(tree, capture)
        facts = (("title", title_of(tree)), *sorted(facts_of(tree).items()))
        drop, select = joined(self.options.drop), joined(self.options.select)
        return Reading(base, facts, reduce(tree, select=select, drop=drop, attributes=ATTRIBUTES))


def _meta(facts: Mapping[str, str], root: BeautifulSoup) -> dict[str, str]:
    """The facts of the head, with those that only the page shows. The headline is the one that readers see."""
    from watcher.sources.prose import words

    def first(selector: str) -> str:
        found = root.select_one(selector)
        return words(found) if found else ""

    def time(selector: str) -> str:
        found = root.select_one(selector)
        return moment(str(found["datetime"])) if found else ""

    shown = first("article h1, main h1, [role=main] h1, [itemprop=headline]")
    meta = {
        "title": facts.get("title", ""),
        "headline": shown or facts.get("headline") or first("h1") or facts.get("title", ""),
        "byline": facts.get("byline") or byline(first("[rel~=author], [itemprop=author], .byline, .author")),
        "published": facts.get("published") or time("time[datetime]"),
        "modified": facts.get("modified")
        or time("time[datetime][itemprop=dateModified], time[datetime][class*=update], time[datetime][class*=modif]"),
        "description": facts.get("description", ""),
    }
    return {name: value for name, value in meta.items() if value}


def _body(found: Iterable[Block], notes: Notes, linked: set[str], known: set[str]) -> Iterator[Block]:
    """The blocks without notices, prompts, teasers (lines that are one link), and what the meta says already."""
    for sort, whole, _ in found:
        text = collapse("\n".join(line for line in whole.split("\n") if collapse(line) not in notes.lines))
        prompt = len(text) <= SHORT and (text in linked or _PROMPT.search(text))
        if text and not prompt and text not in known and byline(text) not in known:
            yield Block(sort, text)


def _found(markup: str) -> list[Block]:
    """The body as trafilatura finds it, with its line breaks; none where it finds nothing."""
    try:
        from trafilatura import bare_extraction
    except ImportError as error:
        raise NotReadable(f"kind article needs more: pip install 'watcher[articles]' ({error})") from error
    from lxml.etree import ParserError, tostring  # type: ignore[import-untyped]
    from lxml.html import HTMLParser, document_fromstring  # type: ignore[import-untyped]

    from watcher.sources.prose import soup

    parser = HTMLParser(huge_tree=True)  # beyond its limits it drops text without raising, and only logs it
    try:
        tree = document_fromstring(f"<html><body>{markup}</body></html>", parser=parser)
    except ParserError:
        return []
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise NotReadable("expected an article of elements nested at most 2,048 deep, found a greater depth")
    found = bare_extraction(tree, fast=True, include_comments=False, include_tables=True, with_metadata=False)
    body = getattr(found, "body", None)
    if body is None:
        return []
    for node in body.iter(*TAGS):
        node.tag = TAGS[node.tag]
    return list(_plain(soup(tostring(body, encoding="unicode", method="html"))))


def _plain(root: BeautifulSoup) -> Iterator[Block]:
    """The text of the article's element, or of all there is: trafilatura's find, or a page in which it finds none."""
    from watcher.sources.prose import pieces

    for piece in pieces(root.select_one("article, main, [role=main]") or root):
        yield Block("paragraph" if piece.type == "row" else piece.type, piece.text)
