"""Telegram's HTML, read more strictly than Telegram reads it: what it would quietly mend is an error here.

An entity is as the Bot API has it: a dict with `type`, `offset` and `length`, counted in UTF-16 units.
"""

from __future__ import annotations

import html
import re
from typing import Any

Entity = dict[str, Any]

TYPES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
REFERENCE = r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});"
PIECE = re.compile(
    r"(?P<text>[^<>&]+)"
    rf"|(?P<reference>{REFERENCE})"
    r"|<(?P<end>/?)(?P<name>[a-zA-Z-]+)(?=[\s/>])(?P<attributes>[^<>]*)>"
    r"|(?P<bad>.)",
    re.DOTALL,
)
ATTRIBUTES = re.compile(r'(?: [a-z]+(?:="[^"]*")?)*')
ATTRIBUTE = re.compile(r' ([a-z]+)(?:="([^"]*)")?')
COMMAND = re.compile(r"(?<![\w/])/[a-zA-Z0-9_]{1,32}(?:@\w{1,32})?")


class ParseError(Exception):
    """The HTML is not what Telegram takes."""


def utf16(text: str) -> int:
    """The length of `text` as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse_html(source: str) -> tuple[str, list[Entity]]:
    """The text that people see, and its entities. Raises ParseError.

    Each & < > that is no markup must be escaped; only code in pre and quotes may nest with others.
    """
    text: list[str] = []
    entities: list[Entity] = []
    stack: list[tuple[str, Entity]] = []
    at = 0
    for piece in PIECE.finditer(source):
        if piece["bad"]:
            raise ParseError(f"Unescaped or unknown {piece['bad']!r} at byte offset {_bytes(source, piece.start())}")
        if not piece["name"]:
            plain = html.unescape(piece[0])
            text.append(plain)
            at += utf16(plain)
        elif piece["end"]:
            entity = _closed(stack, piece, _bytes(source, piece.start()))
            entity["length"] = at - entity["offset"]
            if entity["length"]:
                entities.append(entity)
        else:
            stack.append((piece["name"], _opened(stack, piece, _bytes(source, piece.start())) | {"offset": at}))
    if stack:
        raise ParseError(f'Can\'t find end tag corresponding to start tag "{stack[-1][0]}"')
    return trimmed("".join(text), entities)


def trimmed(text: str, entities: list[Entity]) -> tuple[str, list[Entity]]:
    """Without the white space around it, as Telegram keeps texts, and its entities in order."""
    kept = text.strip()
    lead, end = utf16(text[: len(text) - len(text.lstrip())]), utf16(kept)
    honoured = []
    for entity in sorted(entities, key=lambda entity: (entity["offset"], -entity["length"])):
        start = max(entity["offset"] - lead, 0)
        length = min(entity["offset"] + entity["length"] - lead, end) - start
        if length > 0:
            honoured.append(entity | {"offset": start, "length": length})
    return kept, honoured


def commands(text: str) -> list[Entity]:
    """The bot_command entities of what a person wrote."""
    return [
        {"type": "bot_command", "offset": utf16(text[: found.start()]), "length": utf16(found[0])}
        for found in COMMAND.finditer(text)
    ]


def _opened(stack: list[tuple[str, Entity]], piece: re.Match[str], offset: int) -> Entity:
    tag, attributes = piece["name"], _attributes(piece["attributes"], piece["name"], offset)
    if tag not in TYPES:
        raise ParseError(f'Unsupported start tag "{tag}" at byte offset {offset}')
    inside = {name for name, _ in stack}
    if inside & {"code", "a"} or (inside & {"pre"} and tag != "code") or (tag == "blockquote" and tag in inside):
        raise ParseError(f'Tag "{tag}" inside "{stack[-1][0]}" at byte offset {offset}')
    entity: Entity = {"type": TYPES[tag]}
    if tag == "a" and list(attributes) == ["href"]:
        return entity | {"url": attributes["href"]}
    if tag == "blockquote" and attributes == {"expandable": ""}:
        return {"type": "expandable_blockquote"}
    if tag == "code" and "pre" in inside and attributes.get("class", "").startswith("language-"):
        return entity | {"language": attributes["class"].removeprefix("language-")}
    if attributes != ({"class": "tg-spoiler"} if tag == "span" else {}) or tag == "a":
        raise ParseError(f'Tag "{tag}" with attributes {sorted(attributes)} at byte offset {offset}')
    return entity


def _attributes(source: str, tag: str, offset: int) -> dict[str, str]:
    if not ATTRIBUTES.fullmatch(source) or "&" in re.sub(REFERENCE, "", source):
        raise ParseError(f'Attributes of the tag "{tag}" at byte offset {offset} cannot be read')
    return {name: html.unescape(value) for name, value in ATTRIBUTE.findall(source)}


def _closed(stack: list[tuple[str, Entity]], piece: re.Match[str], offset: int) -> Entity:
    if not stack:
        raise ParseError(f"Unexpected end tag at byte offset {offset}")
    tag, entity = stack.pop()
    if piece["name"] != tag or piece["attributes"]:
        raise ParseError(f'Unmatched end tag at byte offset {offset}, expected "</{tag}>", found "{piece[0]}"')
    return entity


def _bytes(source: str, position: int) -> int:
    return len(source[:position].encode("utf-8", "surrogatepass"))
