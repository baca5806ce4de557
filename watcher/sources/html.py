"""What adapters of HTML pages share: bytes to text, text to a reduced and repaired markup.

Stands below the adapters at extract in the flow. An adapter reads nothing but the `Reading` it asked for here, and its
fingerprint is the digest of that `Reading`: equal digests therefore mean equal documents, by construction.
"""

from __future__ import annotations

import codecs
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

import msgspec
from selectolax.lexbor import LexborHTMLParser, LexborNode

from watcher.core import Capture, NotReadable

MOST_DEEP = 2_000
"""Elements inside each other: lexbor's time grows with the square of it."""
MOST_ATTRIBUTE = 8_192
"""Characters of an attribute's value that is read; a longer one is left out."""
UNREAD = ["script", "style", "template", "noscript", "svg", "iframe", "noembed", "noframes", "xmp", "plaintext"]
"""Elements whose content no reader sees as text. The last four would also put unescaped text into the markup."""
HIDDEN = '[hidden], [style*="display:none" i], [style*="display: none" i]'

# ---------------------------------------------------------------- bytes to text

_INVISIBLE = dict.fromkeys([0x00, 0xAD, 0x200B, 0x2060, 0xFEFF])
_CHARSET = re.compile(rb"<meta[^>]{0,300}?charset\s{0,9}=\s{0,9}[\"']?\s{0,9}([\w.:-]{1,40})", re.IGNORECASE)
_HEADER_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_LEGACY = ("cp125", "cp8", "cp9", "iso8859", "iso2022", "euc", "gb", "hz", "big5", "shift_jis", "koi8", "mac", "tis")
"""Beginnings of Python's names of the charsets that web pages use. The others (UTF-7, escapes) are never believed."""
_SEVEN_BIT = ("iso2022", "hz")


def decode(body: bytes, content_type: str = "") -> str:
    """The text of a page, without NUL characters. Never fails.

    A byte order mark decides. Else bytes that are valid UTF-8 are UTF-8 whatever they are declared to be, because
    other charsets hardly ever look like it; then the charset of `content_type`, then the one of the page's `<meta>`,
    if the bytes fit it; else UTF-8 in which each byte that is not is taken as Windows-1252.
    """
    return _decode(body, content_type).replace("\0", "")


def _decode(body: bytes, content_type: str) -> str:
    for mark, charset in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if body.startswith(mark):
            return body.decode(charset, "replace")
    for start, charset in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be")):
        if body.startswith(start):
            return body.decode(charset, "replace")
    for charset in _charsets(body, content_type):
        try:
            return body.decode(charset)
        except UnicodeDecodeError:
            continue
    return body.decode("utf-8", _byte_by_byte.__name__)


def _charsets(body: bytes, content_type: str) -> list[str]:
    header, meta = _HEADER_CHARSET.search(content_type), _CHARSET.search(body[:4096])
    declared = [name for name in (header and header[1], meta and meta[1].decode("ascii", "replace")) if name]
    known = [charset for name in declared if (charset := _legacy(name))]
    return [*known, "utf-8"] if known and known[0].startswith(_SEVEN_BIT) else ["utf-8", *known]


def _legacy(name: str) -> str:
    """Python's name of a declared charset, or an empty string where it is unknown or not one of web pages."""
    try:
        charset = codecs.lookup(name).name.replace("-", "")
    except LookupError:
        return ""
    if charset in ("iso88591", "ascii"):
        return "cp1252"
    return charset if charset.startswith(_LEGACY) else ""


def _byte_by_byte(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_byte_by_byte.__name__, _byte_by_byte)


def collapse(text: str) -> str:
    """`text` with each run of white space (no-break spaces too) as one space, and without invisible characters."""
    return " ".join(text.translate(_INVISIBLE).split())


@lru_cache(maxsize=4096)  # two captures of a page share nearly all their links
def absolute(base: str, href: str | None) -> str:
    """The absolute http(s) address of a link on the page at `base`; "" for any other, and for places on the page."""
    href = _LINE_ENDS.sub("", href or "").strip()
    if not href or href.startswith("#") or len(href) > MOST_ATTRIBUTE:
        return ""
    if _ON_SITE.fullmatch(href) and (origin := _origin(base)):
        return origin + href  # what urljoin would say, at a tenth of its cost
    try:
        parts = urlsplit(urljoin(base, href))
    except ValueError:
        return ""
    return parts.geturl() if parts.scheme in ("http", "https") and parts.hostname else ""


_LINE_ENDS = re.compile(r"[\t\r\n]")
_PART = r"[\w~%@+,:-][\w~%@+,:.-]*"
_ON_SITE = re.compile(rf"/(?:{_PART}(?:/{_PART})*/?)?")
"""A path from the site's root in plain characters, without the dots that urljoin resolves."""


@lru_cache(maxsize=64)
def _origin(base: str) -> str:
    """Scheme and host of an http(s) address, or "" for another."""
    parts = urlsplit(base)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") and parts.hostname else ""


# ---------------------------------------------------------------- text to markup

_BREAKS = re.compile(r"<(?=/?(?:br|p|div|li|ul|ol|dl|dt|dd|h[1-6]|tr|td|th|table|section|article)\b)", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][^\s>/]*)", re.IGNORECASE)
_FLAT = {
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "html",
    "head", "body", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup", "option",
    "optgroup", "rp", "rt", "a",
}  # fmt: skip
"""Elements that have no content or whose end tag pages leave out; none nests in itself without another around it."""


_OFTEN = ("<td", "<tr", "<a ", "<li>", "<li ", "<p>", "<br", "<option")
"""How most of them begin: pages of ordinary depth are told by these alone, without a look at each tag."""


def spaced(text: str) -> str:
    """HTML with a space before each tag that ends a line, so that words of two lines never read as one."""
    return _BREAKS.sub(" <", text)


def parse(text: str) -> LexborHTMLParser:
    """The tree of a page. Raises NotReadable where it is nested too deep to be read in bounded time."""
    opened, often = text.count("<") - text.count("</"), iter(_OFTEN)
    while opened > MOST_DEEP and (flat := next(often, None)):
        opened -= text.count(flat)
    if opened > MOST_DEEP and _depth(text) > MOST_DEEP:
        raise NotReadable(f"expected a page of elements nested at most {MOST_DEEP:,} deep, found a greater depth")
    return LexborHTMLParser(text, scripting=True)


def _depth(text: str) -> int:
    """The most elements open at a time, counted without a tree and without those of `_FLAT` between them."""
    opened: Counter[str] = Counter()
    depth = deepest = at = 0
    while match := _TAG.search(text, at):
        name, at = match[2].lower(), match.end()
        if match[1] and opened[name]:
            opened[name] -= 1
            depth -= 1
        elif name in ("script", "style"):
            end = text.find(f"</{name}", at)
            at = end if end >= 0 else len(text)
        elif not match[1] and name not in _FLAT:
            opened[name] += 1
            depth += 1
            deepest = max(deepest, depth)
    return deepest


class Reading(NamedTuple):
    """All that an adapter reads of a page: where its links start from, facts of its head, and its reduced markup."""

    base: str
    facts: tuple[tuple[str, str], ...]
    markup: str

    def digest(self) -> str:
        """The fingerprint of a document read from this."""
        return hashlib.blake2b(msgspec.json.encode(self), digest_size=16).hexdigest()


def joined(*options: str | list[str]) -> str:
    """Selectors of several options as the one list that CSS makes of them; empty where none is given."""
    lists = [[option] if isinstance(option, str) else option for option in options]
    return ", ".join(filter(None, chain.from_iterable(lists)))


def base_of(tree: LexborHTMLParser, capture: Capture) -> str:
    """The address that relative links start from, without query and fragment, which no link inherits."""
    base = tree.css_first("base[href]")
    url = (absolute(capture.url, base.attributes["href"]) if base else "") or capture.url
    return re.split(r"[?#]", url, maxsplit=1)[0]


def title_of(tree: LexborHTMLParser) -> str:
    """The page's title, or an empty string."""
    title = tree.css_first("head > title")
    return collapse(title.text(deep=True)) if title else ""


def reduce(tree: LexborHTMLParser, *, select: str, drop: str, attributes: Sequence[str], prefer: str = "") -> str:
    """The markup of what readers see in the `select`ed elements, without what `drop` matches.

    Where `select` is empty: of the elements that `prefer` matches, or else of the whole body.

    The markup is repaired as browsers do it; of the attributes only those named are left. Takes the tree apart.
    Raises NotReadable where `select` matches nothing.
    """
    tree.strip_tags(UNREAD)
    _hide(tree)
    if drop:
        for node in _outermost(tree.css(drop)):
            node.decompose()
    wanted = select or prefer
    nodes = _outermost(tree.css(wanted)) if wanted else []
    if select and not nodes:
        raise NotReadable(f"select: expected an element that matches {select!r}, found none on the page")
    if not nodes and tree.body:
        nodes = [tree.body]
    markup = "".join(node.html or "" for node in nodes)
    return " ".join(_shorten(markup, attributes).replace("&nbsp;", " ").split())


def _hide(tree: LexborHTMLParser) -> None:
    """Remove what is hidden for good; a panel that a button on the page opens (`aria-controls`) is there to be read."""
    hidden = tree.css(HIDDEN)
    if not hidden:
        return
    panels = {name for node in tree.css("[aria-controls]") for name in (node.attributes["aria-controls"] or "").split()}
    shut = [n for n in hidden if n.attributes.get("hidden") != "until-found" and n.attributes.get("id") not in panels]
    for node in _outermost(shut):
        node.decompose()


def _outermost(nodes: Iterable[LexborNode]) -> list[LexborNode]:
    """Those that stand in no other of them, each once: a removed node's inside must not be touched again."""
    found: dict[int, LexborNode] = {}
    for node in nodes:
        above: LexborNode | None = node
        while above is not None and above.mem_id not in found:
            above = above.parent
        if above is None:
            found[node.mem_id] = node
    return list(found.values())


_COMMENT_OR_TAG = re.compile(r"<!--.*?-->|<([a-z][^\s>]*) ([^>]*)>", re.DOTALL)
"""Fits the parser's own output only: there, text and attributes hold neither < nor >, and comments are closed."""
_ATTRIBUTE = re.compile(r'([^\s="]+)="([^"]*)"')


def _shorten(markup: str, attributes: Sequence[str]) -> str:
    any_wanted = re.compile("|".join(attributes)).search

    def keep(match: re.Match[str]) -> str:
        name, given = match.group(1, 2)
        if name is None:
            return ""
        if not any_wanted(given):
            return f"<{name}>"
        kept = [
            f'{key}="{_steady(value) if key in ("class", "id") else value}"'
            for key, value in _ATTRIBUTE.findall(given)
            if key in attributes and len(value) <= MOST_ATTRIBUTE
        ]
        return f"<{' '.join([name, *kept])}>"

    return _COMMENT_OR_TAG.sub(keep, markup)


def _steady(names: str) -> str:
    """Names of classes without those that carry a digit, which are made anew by each build or request."""
    return " ".join(name for name in names.split() if not any(letter.isdigit() for letter in name))
