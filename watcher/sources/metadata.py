"""What the head of an article says of it: JSON-LD first, then meta tags. Stands below the `article` adapter."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec
from selectolax.lexbor import LexborHTMLParser

from watcher.core import instant, parse_instant
from watcher.sources.html import collapse

LARGEST = 1_000_000
"""Characters of one JSON-LD script that is read."""
MOST_ITEMS = 1_000
MOST_AUTHORS = 20

_META = {
    "headline": ("og:title", "twitter:title", "dc.title"),
    "byline": ("author", "byl", "article:author", "parsely-author", "dc.creator"),
    "published": ("article:published_time", "datepublished", "parsely-pub-date", "dc.date", "date"),
    "modified": ("article:modified_time", "datemodified", "og:updated_time", "lastmod"),
    "description": ("og:description", "description"),
}
"""Names of meta tags in lower case, by the fact they give; the first that is there counts."""


def facts_of(tree: LexborHTMLParser) -> dict[str, str]:
    """The facts of `_META` that the page states, without those that it does not. Times are instants where complete."""
    facts = _linked_data(tree)
    metas = _metas(tree)
    for fact, names in _META.items():
        given = next((metas[name] for name in names if metas.get(name)), "")
        if given and not facts.get(fact):
            facts[fact] = given
    facts["byline"] = byline(facts.get("byline", ""))
    for fact in ("published", "modified"):
        facts[fact] = moment(facts.get(fact, ""))
    return {fact: value for fact, value in facts.items() if value}


def byline(text: str) -> str:
    """The names alone: without "By", and nothing where it is an address, as some sites give for their authors."""
    text = collapse(text)
    bare = text[3:] if text[:3].casefold() in {"by ", "by:"} else text
    return "" if "://" in bare else bare.strip()


def moment(text: str) -> str:
    """A time as an instant in UTC where its zone is given, else as it stands."""
    try:
        return instant(parse_instant(text))
    except (ValueError, OverflowError):
        return text


def _metas(tree: LexborHTMLParser) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in islice(tree.css("meta[content]"), MOST_ITEMS):
        attributes = node.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop") or ""
        found.setdefault(name.casefold(), collapse(attributes["content"] or ""))
    return found


def _linked_data(tree: LexborHTMLParser) -> dict[str, str]:
    """The facts of the first article in the page's JSON-LD."""
    scripts = (node.text(deep=True) for node in tree.css('script[type^="application/ld+json" i]'))
    items = [item for script in scripts for item in islice(_items(script), MOST_ITEMS)]
    named = {item["@id"]: item for item in items if isinstance(item.get("@id"), str) and len(item) > 1}
    article = next((item for item in items if _is_article(item)), {})
    authors = dict.fromkeys(islice(_names(article.get("author"), named), MOST_AUTHORS))
    return {
        "headline": _text(article.get("headline")),
        "byline": ", ".join(authors),
        "published": _text(article.get("datePublished")),
        "modified": _text(article.get("dateModified")),
        "description": _text(article.get("description")),
    }


def _items(script: str) -> Iterator[dict[str, Any]]:
    """The objects of one script, those of an @graph too; none where it is no JSON."""
    try:
        todo = [msgspec.json.decode(script)] if len(script) <= LARGEST else []
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return
    while todo:
        data = todo.pop()
        if isinstance(data, list):
            todo.extend(reversed(data))
        elif isinstance(data, dict):
            yield data
            todo.extend(data[key] for key in ("mainEntity", "@graph") if isinstance(data.get(key), (dict, list)))


def _is_article(item: Mapping[str, Any]) -> bool:
    types = item.get("@type")
    names = types if isinstance(types, list) else [types]
    return any(isinstance(name, str) and name.endswith(("Article", "Posting", "Report")) for name in names)


def _names(author: object, named: Mapping[str, Any]) -> Iterator[str]:
    todo = [author]
    for _ in range(MOST_ITEMS):
        if not todo:
            return
        one = todo.pop(0)
        if isinstance(one, list):
            todo = [*one, *todo]
        elif isinstance(one, dict):
            name = one.get("name") or named.get(str(one.get("@id")), {}).get("name")
            todo = [name, *todo] if isinstance(name, (str, list)) else todo
        elif name := byline(_text(one)):
            yield name


def _text(value: object) -> str:
    return collapse(html.unescape(value)) if isinstance(value, str) else ""
