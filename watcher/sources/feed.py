"""The `feed` kind: the entries of an RSS, Atom or JSON feed as records, each known by its id.

Stands at extract in the flow. feedparser reads the bytes that were fetched, and never opens an address itself. A feed
shows its newest entries only: one that rolls off its end is no change.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple
from xml.parsers import expat

import msgspec

from watcher.core import Adapter, Capture, Document, NotReadable, Record, Subject, instant
from watcher.matching import keys_of
from watcher.rolling import remember
from watcher.sources.html import UNREAD, absolute, collapse, parse, spaced

MOST_BYTES = 8 << 20
MOST_ENTRIES = 5_000
LONGEST = {"title": 1_000, "link": 2_000, "published": 40, "updated": 40, "summary": 20_000, "author": 500}
"""The fields of an entry in order, and how many characters of each are read."""
LONGEST_KEY = 500
JSON_FEED = "jsonfeed.org/version/"


class FeedOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`ignore`: fields that are left out: title, link, published, updated, summary or author."""

    ignore: list[str] = []


class Entries(NamedTuple):
    """What is read of a feed: its title, and the fields of its entries by key, newest first as a rule."""

    title: str
    entries: tuple[tuple[str, dict[str, str]], ...]


class Feed(Adapter):
    """Reads one feed."""

    kind: ClassVar[str] = "feed"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = FeedOptions
    requires: ClassVar[tuple[str, ...]] = ("feedparser",)

    def __init__(self, options: FeedOptions) -> None:
        """Raises ValueError for a field that entries do not have."""
        for name in options.ignore:
            if name not in LONGEST:
                raise ValueError(f"ignore: expected one of {', '.join(LONGEST)}, found {name!r:.40}")
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest the title and the entries; raises NotReadable as `extract` does."""
        return hashlib.sha256(msgspec.json.encode(self._read(capture))).hexdigest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the entries, none too. Raises NotReadable for what is no feed, is too large, or declares entities."""
        found = self._read(capture)
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta={"title": found.title} if found.title else {},
            records={
                key: Record(key, fields, None, Subject(f"record:{key}", fields.get("title") or key))
                for key, fields in found.entries
            },
            choices=remember(choices, (key for key, _ in found.entries)),
        )

    def _read(self, capture: Capture) -> Entries:
        found = read(capture.body, capture.content_type, capture.url)
        if not self.options.ignore:
            return found
        kept = [name for name in LONGEST if name not in self.options.ignore]
        return found._replace(
            entries=tuple((key, {name: of[name] for name in kept if name in of}) for key, of in found.entries)
        )


@lru_cache(maxsize=4)  # the look at a feed and the comparison soon after it read the same bytes
def read(body: bytes, content_type: str, url: str) -> Entries:
    """The feed in `body`, which stood at `url`. Raises NotReadable."""
    if len(body) > MOST_BYTES:
        raise NotReadable(f"expected a feed of at most {MOST_BYTES >> 20} MiB, found {len(body):,} bytes")
    is_json = body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    title, found = _json_feed(body, url) if is_json else _xml_feed(body, content_type, url)
    if len(found) > MOST_ENTRIES:
        raise NotReadable(f"expected a feed of at most {MOST_ENTRIES:,} entries, found more")
    keys = keys_of([_key(key or fields["link"] or fields["title"] or "entry")] for key, fields in found)
    bounded = (
        {name: text for name, longest in LONGEST.items() if (text := _sound(fields[name])[:longest])}
        for _, fields in found
    )
    return Entries(_sound(title)[: LONGEST["title"]], tuple(zip(keys, bounded, strict=True)))


def _key(text: str) -> str:
    """A key that is not too long, and still its own."""
    key = _sound(text)
    return key if len(key) <= LONGEST_KEY else f"{key[:LONGEST_KEY]}…{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def _sound(text: str) -> str:
    """`text` without halves of characters, which JSON can name and nothing can store."""
    return text.encode("utf-8", "replace").decode()


# ---------------------------------------------------------------- RSS and Atom

_END = re.compile(rb"</(?:\w+:)?(?:rss|feed|rdf|channel)\s*>", re.IGNORECASE)


def _xml_feed(body: bytes, content_type: str, url: str) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    try:
        import feedparser
    except ImportError as error:
        raise NotReadable(f"kind feed needs more: pip install 'watcher[feeds]' ({error})") from error
    text = body.replace(b"\0", b"")  # in UTF-16 too, tags can be found by their letters then
    if text.count(b"<item") + text.count(b"<entry") > MOST_ENTRIES:
        raise NotReadable(f"expected a feed of at most {MOST_ENTRIES:,} entries, found more")
    if _declares_entities(body):
        raise NotReadable("expected a feed without entities of its own; its DOCTYPE declares some, which is refused")
    headers = {"content-type": content_type, "content-location": url}
    feed = feedparser.parse(  # of a stream of bytes it never takes a part for an address or a file's name
        io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    if not feed.get("version"):
        raise NotReadable(f"expected an RSS, Atom or JSON feed, found {body[:60].decode('utf-8', 'replace')!r}")
    if feed.bozo and not _END.search(text):
        raise NotReadable("expected a whole feed, found one that breaks off before its end")
    entries = [
        (
            collapse(str(entry.get("id", ""))),
            {
                "title": _text(entry, "title"),
                "link": absolute(url, str(entry.get("link", ""))),
                "published": _time(entry, "published"),
                "updated": _time(entry, "updated"),
                "summary": _text(entry, "summary") or _content(entry),
                "author": collapse(str(entry.get("author", ""))),
            },
        )
        for entry in feed.entries
    ]
    return _text(feed.feed, "title"), entries


def _declares_entities(body: bytes) -> bool:
    """Whether the DOCTYPE declares entities, in whichever encoding; of what is no XML, whether it looks so."""
    declared: list[str] = []

    def entity(name: str, *_: object) -> None:
        declared.append(name)
        raise _PrologRead

    def root(*_: object) -> None:
        raise _PrologRead

    parser = expat.ParserCreate()
    parser.EntityDeclHandler, parser.StartElementHandler = entity, root
    try:
        parser.Parse(body, True)
    except _PrologRead:
        return bool(declared)
    except (expat.ExpatError, ValueError, LookupError):
        return b"<!entity" in body.replace(b"\0", b"").lower().partition(b"<!doctype")[2]
    return False


class _PrologRead(Exception):  # noqa: N818 - no error: it ends the parser's work
    """What comes before the first element is read."""


def _text(of: Mapping[str, Any], name: str) -> str:
    """A field of feedparser's as plain text; beside it stands whether it is HTML."""
    return _words(of[f"{name}_detail"]) if f"{name}_detail" in of else ""


def _content(entry: Mapping[str, Any]) -> str:
    return next(map(_words, entry.get("content", ())), "")


def _words(detail: Mapping[str, Any]) -> str:
    return plain(str(detail.get("value") or ""), html=detail.get("type") != "text/plain")


def _time(entry: Mapping[str, Any], name: str) -> str:
    """A date in UTC, as it stands where it cannot be read; feedparser gives one field for the other unless asked so."""
    if name not in entry:
        return ""
    try:
        return instant(datetime.fromtimestamp(timegm(entry[f"{name}_parsed"]), UTC))
    except (KeyError, TypeError, ValueError, OverflowError):
        return collapse(str(entry[name]))


_MARKUP = re.compile("[<&]")


def plain(text: str, *, html: bool = True) -> str:
    """`text` in one line, without the markup that it has where it is HTML."""
    if not html or not _MARKUP.search(text):
        return collapse(text)
    tree = parse(spaced(text))
    tree.strip_tags(UNREAD)
    return collapse(tree.body.text(deep=True)) if tree.body else ""


# ---------------------------------------------------------------- JSON Feed


def _json_feed(body: bytes, url: str) -> tuple[str, list[tuple[str, dict[str, str]]]]:
    """A feed by https://www.jsonfeed.org/version/1.1/; values of another type than is due are passed over."""
    try:
        feed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotReadable(f"expected a JSON feed, found {str(error)[:80]}") from error
    items = feed.get("items")
    if JSON_FEED not in str(feed.get("version")) or not isinstance(items, list):
        raise NotReadable(f"expected a JSON feed (a version of {JSON_FEED} and a list of items), found other JSON")
    entries = [(_string(item, "id"), dict(_item(item, url))) for item in items if isinstance(item, dict)]
    return _string(feed, "title"), entries


def _item(item: Mapping[str, Any], url: str) -> Iterator[tuple[str, str]]:
    authors = item.get("authors")
    named = [*(authors if isinstance(authors, list) else ()), item.get("author")]
    html = _string(item, "content_html")
    yield "title", _string(item, "title")
    yield "link", absolute(url, _string(item, "url") or _string(item, "external_url"))
    yield "published", _moment(_string(item, "date_published"))
    yield "updated", _moment(_string(item, "date_modified"))
    yield "summary", _string(item, "summary") or _string(item, "content_text") or plain(html)
    yield "author", ", ".join(filter(None, (_string(one, "name") for one in named if isinstance(one, dict))))


def _string(of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return collapse(str(value)) if isinstance(value, str) or is_number else ""


def _moment(text: str) -> str:
    try:
        at = datetime.fromisoformat(text)
        return instant(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return text
