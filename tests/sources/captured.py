"""Captures made of a page's text, for tests of adapters."""

from __future__ import annotations

from datetime import UTC, datetime

from watcher.core import Capture, Document
from watcher.sources.article import Article, ArticleOptions
from watcher.sources.jurisdiction_list import JurisdictionList, ListOptions
from watcher.sources.page import Page, PageOptions

URL = "https://agency.example/policy/holds?page=1"


def capture(page: str | bytes, content_type: str = "text/html", url: str = URL) -> Capture:
    body = page.encode() if isinstance(page, str) else page
    return Capture("watched", "page", "1", datetime(2025, 5, 6, tzinfo=UTC), url, content_type=content_type, body=body)


def page(html: str | bytes, **options: str | list[str]) -> Document:
    return Page(PageOptions(**options)).extract(capture(html), {})


def article(html: str | bytes, **options: str | list[str]) -> Document:
    return Article(ArticleOptions(**options)).extract(capture(html), {})


def listed(html: str | bytes, **options: str | list[str]) -> Document:
    return JurisdictionList(ListOptions(**options)).extract(capture(html), {})


def texts(document: Document, *sorts: str) -> list[str]:
    return [block.text for block in document.blocks if not sorts or block.type in sorts]
