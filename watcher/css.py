"""CSS selectors as config.toml may give them: checked when the configuration is read, long before a page is."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser, SelectolaxError

LONGEST = 1000


def check_selector(text: str) -> str | None:
    """What is wrong with `text` as a CSS selector, in words for people, or None when it can be used.

    The parser says no more than that it cannot read a selector, and says even that only when it has a page to search.
    """
    if len(text) > LONGEST:
        return f"expected a CSS selector of at most {LONGEST} characters, found {len(text)}"
    try:
        LexborHTMLParser("<p>").css(text)
    except (SelectolaxError, UnicodeEncodeError):
        return 'expected a CSS selector like "main table.list"'
    return None
