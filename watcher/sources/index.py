"""The `index` kind: a page, sitemap or feed that lists documents, each of which is then watched on its own.

Stands at extract in the flow. The documents are its records, and stay in its choices once seen; app watches each as a
source named `<index name>/<file stem>`, and the page's own text and other links are compared as those of any page.
"""

from __future__ import annotations

import fnmatch
import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

import msgspec

from watcher.core import Capture, Document, Link, Record, instant
from watcher.periods import issue, period
from watcher.series import DOCUMENTS, ordered, stem_of
from watcher.sources.feed import read
from watcher.sources.html import collapse, decode
from watcher.sources.page import Page, PageOptions

MOST_WATCHED = 200
"""Documents of one index that are watched: the newest."""
MOST_LISTED = 5_000
LITTLE = 25
"""Characters beside a document's title that make no statement of their own: its size, a bullet, a date."""
FILES = ["*.pdf", "*.xlsx", "*.xls", "*.csv"]
"""What counts as a document where `links` does not say."""
_SITEMAP, _FEED = (
    re.compile(rb"<(?:urlset|sitemapindex)\b"),
    re.compile(rb"<(?:rss|feed|rdf:RDF)\b|jsonfeed\.org/version"),
)
_PLACE = re.compile(r"<loc>\s{0,99}([^<>\s]{1,2000})\s{0,99}</loc>", re.IGNORECASE)
_SECOND_LEVEL = {"ac", "co", "com", "edu", "gob", "gouv", "gov", "govt", "mil", "net", "org", "state"}
"""What stands before a country's or a state's letters and is nobody's own name: agency.gov.uk, doc.state.nv.us."""


class IndexOptions(PageOptions, frozen=True, forbid_unknown_fields=True):
    """`select`, `drop`: as of a page. `links`: globs of the documents' addresses or file names (by default files).

    `documents`: their kind; by default `pdf`, `table` or `page`, by their ending. `series`: the name that
    readers know the documents by.
    """

    links: str | list[str] = ""
    documents: str = ""
    series: str = ""


class Index(Page):
    """Reads a page of links to documents."""

    kind: ClassVar[str] = "index"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = IndexOptions
    options: IndexOptions

    def fingerprint(self, capture: Capture, known: str = "") -> str:
        """Digest what `extract` reads."""
        listed = _listed(capture)
        if listed is None:
            return super().fingerprint(capture, known)
        from hashlib import sha256

        return sha256(msgspec.json.encode(listed)).hexdigest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the list. Raises NotReadable as a page does."""
        listed = _listed(capture)
        if listed is None:
            page = super().extract(capture, {})
        else:
            page = Document(
                capture.source, capture.kind, capture.snapshot, capture.at, capture.url, links=tuple(listed)
            )
        wanted, others = self._documents(page.links, capture.url)
        known = remembered(choices.get(DOCUMENTS), wanted, instant(capture.at))
        stems = {one["url"]: stem for stem, one in known.items()}
        here = [stems[link.url] for link in wanted if link.url in stems]
        titles = [link.text for link in wanted if link.text]
        return replace(
            page,
            kind=capture.kind,
            blocks=tuple(block for block in page.blocks if not _only_leads(block.text, titles)),
            records={stem: _record(capture.source, stem, known[stem]) for stem in here},
            links=tuple(others) if listed is None else (),
            choices={DOCUMENTS: known},
        )

    def _documents(self, links: Iterable[Link], page: str) -> tuple[list[Link], list[Link]]:
        """The links that lead to documents, each once, and the others."""
        globs = [self.options.links] if isinstance(self.options.links, str) else self.options.links
        globs = [glob.casefold() for glob in globs if glob] or FILES
        wanted: dict[str, Link] = {}
        others: list[Link] = []
        for link in links:
            if same_site(link.url, page) and _matches(link.url, globs):
                wanted.setdefault(link.url.partition("#")[0], link)
            else:
                others.append(link)
        return [link._replace(url=url) for url, link in wanted.items()][:MOST_LISTED], others


def _only_leads(text: str, titles: Sequence[str]) -> bool:
    """Whether a block is not much more than a link to a document."""
    return any(title in text and len(text) - len(title) < LITTLE for title in titles)


def remembered(
    before: Mapping[str, Mapping[str, Any]] | None, links: Sequence[Link], at: str
) -> dict[str, dict[str, Any]]:
    """The documents by file stem: those known `before`, if any, and those listed now, which are new since `at`.

    Of each: url, title, first (when it was listed first), listed (whether it is now), and baseline (whether it was
    there when the index was seen first). At most MOST_WATCHED, the newest by period.
    """
    known = {stem: {**one, "listed": False} for stem, one in (before or {}).items()}
    by_url = {one["url"]: stem for stem, one in known.items()}
    for link in links:
        stem = by_url.get(link.url) or _free(stem_of(link.url), known)
        title = collapse(link.text)[:300]
        now = known.get(stem) or {"url": link.url, "first": at, "baseline": before is None}
        known[stem] = {**now, "title": title or now.get("title", ""), "listed": True}
    newest = ordered(known)[-MOST_WATCHED:]
    return {stem: known[stem] for stem in newest}


def _free(stem: str, taken: Mapping[str, Any]) -> str:
    """`stem`, or with a number where another document has that name."""
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def _record(source: str, stem: str, one: Mapping[str, Any]) -> Record:
    subject = issue(source, period(one["title"], stem), stem=stem, title=one["title"])
    return Record(stem, {"title": one["title"], "url": one["url"]}, None, subject)


def _listed(capture: Capture) -> list[Link] | None:
    """The entries of a sitemap or a feed; None for a page."""
    head = capture.body[:2000]
    if _SITEMAP.search(head):
        found = _PLACE.findall(decode(capture.body, capture.content_type))
        return [Link("", html.unescape(url)) for url in found]
    if _FEED.search(head):
        entries = read(capture.body, capture.content_type, capture.url).entries
        return [Link(fields["title"], fields["link"]) for _, fields in entries if fields["link"]]
    return None


def _matches(url: str, globs: Sequence[str]) -> bool:
    """Whether the whole address, its path or its file's name is one of `globs`; case does not count."""
    parts = urlsplit(url.casefold())
    path = unquote(parts.path)
    return any(
        fnmatch.fnmatchcase(text, glob) for glob in globs for text in (url.casefold(), path, path.rpartition("/")[2])
    )


def same_site(one: str, other: str) -> bool:
    """Whether two addresses belong to one registrable domain, as far as its shape tells: www.ice.gov and ice.gov."""
    first, second = (list(_labels(url)) for url in (one, other))
    return bool(first) and first == second


def _labels(url: str) -> Iterator[str]:
    host = (urlsplit(url).hostname or "").rstrip(".")
    labels = host.split(".")
    if host.replace(".", "").isdigit() or ":" in host:
        yield host
        return
    own = 3 if len(labels) > 2 and len(labels[-1]) == 2 and (labels[-2] in _SECOND_LEVEL or len(labels[-2]) == 2) else 2  # noqa: PLR2004 - labels
    yield from labels[-own:]
