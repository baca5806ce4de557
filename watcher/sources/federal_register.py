"""The `federal-register` kind: what a search of the Federal Register's API finds, each document a record.

Stands at both ends of fetch: `snapshot` asks for the pages of the search and joins them into one body, `extract` reads
it. The search shows its newest documents only: one that leaves it is no change.
https://www.federalregister.gov/developers/documentation/api/v1
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from watcher.core import (
    Adapter,
    Capture,
    Document,
    Failure,
    Fetch,
    Fetched,
    NotReadable,
    Record,
    Source,
    Subject,
    Validators,
)
from watcher.guard import Refused, target
from watcher.matching import keys_of
from watcher.rolling import remember
from watcher.sources.html import collapse

OKAY = 200
MOST_PAGES = 20
MOST_BYTES = 15 << 20
"""Of all pages together; the same as one page may have."""
MOST_DOCUMENTS = 5_000
TYPES = ("RULE", "PRORULE", "NOTICE", "PRESDOCU")
DEFAULTS = {"order": "newest", "per_page": "100"}
PLAIN = ("title", "type", "publication_date", "html_url", "abstract")
FIELDS = (
    "document_number", "title", "type", "publication_date", "agencies", "html_url", "abstract", "correction_of",
    "corrections",
)  # fmt: skip
"""What is asked for of each document and read of it; the first is the key."""
LONGEST = 20_000
"""Characters of a field that are read."""
LONGEST_KEY = 100
OF_ONE_BODY = {"content-length", "content-encoding"}
VALIDATORS = {"etag", "last-modified"}
"""Headers that say nothing of several pages joined."""


class SearchOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`agencies`: their slugs. `terms`: phrases, one of which is in the text. `types`: RULE, PRORULE, NOTICE, PRESDOCU.

    `pages`: how many pages of 100 documents are looked at, the newest first.
    """

    agencies: str | list[str] = []
    terms: str | list[str] = []
    types: str | list[str] = []
    pages: int = 5


class FederalRegister(Adapter):
    """Reads one search."""

    kind: ClassVar[str] = "federal-register"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = SearchOptions

    def __init__(self, options: SearchOptions) -> None:
        """Raises ValueError for a type that the Federal Register does not have, or too many pages."""
        for name in _listed(options.types):
            if name not in TYPES:
                raise ValueError(f"types: expected {', '.join(TYPES)}, found {name!r:.40}")
        if not 1 <= options.pages <= MOST_PAGES:
            raise ValueError(f"pages: expected 1 to {MOST_PAGES}, found {options.pages}")
        self.options = options

    async def snapshot(self, source: Source, fetch: Fetch, known: Validators, *, fresh: bool) -> Fetched | Failure:
        """Bring the pages of the search, joined; a first page that is none comes as it is, to be judged.

        A page that fails fails all: half a search is none. Only a search of one page is asked for conditionally.
        """
        first = answer = await fetch(source, self.address(source.url), validators=known, fresh=fresh)
        if isinstance(first, Failure) or first.status != OKAY or (page := _page(first.body)) is None:
            return first
        assert isinstance(answer, Fetched)
        pages, size = [page], len(first.body)
        while (onward := page.get("next_page_url")) and len(pages) < self.options.pages:
            place = f"page {len(pages) + 1} of the search"
            if elsewhere := _elsewhere(onward, answer.url):
                return Failure("refused", f"{place}: {elsewhere}", refused=True)
            answer = await fetch(source, onward, fresh=fresh)
            if isinstance(answer, Failure):
                return replace(answer, detail=f"{place}: {answer.detail}")
            following = _page(answer.body)
            if answer.status != OKAY or following is None:
                return Failure("status", f"{place}: expected JSON with results, found HTTP {answer.status}")
            page, size = following, size + len(answer.body)
            if size > MOST_BYTES:
                return Failure("too-large", f"{place}: all pages together are larger than {MOST_BYTES >> 20} MiB")
            pages.append(page)
        return _joined(first, pages)

    def address(self, url: str) -> str:
        """The address of the search's first page: `url` with the options, what it does not say, and the fields."""
        parts = urlsplit(url)
        asked = parse_qsl(parts.query, keep_blank_values=True)
        asked += [("conditions[agencies][]", agency) for agency in _listed(self.options.agencies)]
        asked += [("conditions[type][]", sort) for sort in _listed(self.options.types)]
        if terms := _listed(self.options.terms):
            asked.append(("conditions[term]", " | ".join(f'"{term.replace(chr(34), "")}"' for term in terms)))
        given = {name for name, _ in asked}
        asked += [(name, value) for name, value in DEFAULTS.items() if name not in given]
        asked += [("fields[]", name) for name in FIELDS if ("fields[]", name) not in asked]
        return parts._replace(query=urlencode(asked), fragment="").geturl()

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest what is read of the documents; raises NotReadable as `extract` does."""
        return hashlib.sha256(msgspec.json.encode(_read(capture.body))).hexdigest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the documents, none too. Raises NotReadable for what is no answer of the API."""
        found = _read(capture.body)
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            records={key: Record(key, fields, None, _subject(key, fields)) for key, fields in found.items()},
            choices=remember(choices, found),
        )


def _listed(option: str | list[str]) -> list[str]:
    return [option] if isinstance(option, str) else option


# ---------------------------------------------------------------- pages of a search


def _page(body: bytes) -> dict[str, Any] | None:
    """One page of a search, or None for what is none. One that finds nothing has no results."""
    try:
        page = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(page, dict):
        return None
    return page if isinstance(page.get("results", [] if page.get("count") == 0 else None), list) else None


def _elsewhere(onward: object, here: str) -> str:
    """Why the next page is not fetched; "" for an address on the site that names it."""
    try:
        there = target(onward if isinstance(onward, str) else "")
    except Refused as why:
        return f"its address is not fetched: {why}"
    same = there.origin == target(here).origin
    return "" if same else f"it would be at {there.host}; only pages of {urlsplit(here).hostname} are fetched"


def _joined(first: Fetched, pages: Sequence[Mapping[str, Any]]) -> Fetched:
    """The documents of all pages as one body, the same for the same documents however they were spread over pages."""
    items = {_identity(item): item for page in reversed(pages) for item in page.get("results", ())}
    newest = [msgspec.json.encode(items[identity], order="sorted") for identity in sorted(items, reverse=True)]
    headers = tuple(
        (name, value)
        for name, value in first.headers
        if name not in OF_ONE_BODY and (name not in VALIDATORS or len(pages) == 1)
    )
    return replace(first, headers=headers, body=b'{"results":[' + b",\n".join(newest) + b"]}\n")


def _identity(item: Any) -> tuple[str, str]:
    """By what a document is put in order, and known when two pages show it; numbers were given twice before 2016."""
    named = item if isinstance(item, dict) else {}
    return str(named.get("publication_date")), str(named.get("document_number") or item)


# ---------------------------------------------------------------- documents


def _read(body: bytes) -> dict[str, dict[str, str]]:
    """The fields of each document by its number. Raises NotReadable."""
    page = _page(body)
    if page is None:
        raise NotReadable(f"expected the API's JSON with results, found {body[:60].decode('utf-8', 'replace')!r}")
    results = page.get("results", [])
    numbered = [item for item in results if isinstance(item, dict) and isinstance(item.get("document_number"), str)]
    if len(numbered) < len(results):
        raise NotReadable("expected results with a document_number each, found some without")
    if len(numbered) > MOST_DOCUMENTS:
        raise NotReadable(f"expected at most {MOST_DOCUMENTS:,} documents, found {len(numbered):,}")
    keys = keys_of([collapse(item["document_number"])[:LONGEST_KEY]] for item in numbered)
    return dict(zip(keys, map(_fields, numbered), strict=True))


def _fields(item: Mapping[str, Any]) -> dict[str, str]:
    fields = {name: collapse(str(item[name])) for name in PLAIN if isinstance(item.get(name), str)}
    fields["agencies"] = "; ".join(filter(None, map(_agency, _list(item.get("agencies")))))
    fields["correction_of"] = _number(item.get("correction_of"))
    fields["corrections"] = ", ".join(sorted(filter(None, map(_number, _list(item.get("corrections"))))))
    return {name: fields[name][:LONGEST] for name in FIELDS if fields.get(name)}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _agency(value: Any) -> str:
    named = value if isinstance(value, dict) else {}
    return next((collapse(name) for name in (named.get("name"), named.get("raw_name")) if isinstance(name, str)), "")


def _number(address: Any) -> str:
    """The number of the document to which an address like …/documents/2025-00001.json?… leads."""
    if not isinstance(address, str):
        return ""
    path = address.partition("?")[0].partition("#")[0]
    return collapse(path.rstrip("/").rpartition("/")[2].removesuffix(".json"))[:LONGEST_KEY]


def _subject(key: str, fields: Mapping[str, str]) -> Subject:
    """What messages call a document: its number, the number of the one it corrects, its title."""
    corrects = f" (corrects {fields['correction_of']})" if "correction_of" in fields else ""
    return Subject(f"record:{key}", f"{key}{corrects}: {fields['title']}" if "title" in fields else f"{key}{corrects}")
