"""The `page` kind: the readable text of any page as blocks in order, and its links.

Stands at extract in the flow. What it reads is the whole body without its navigation; `select` and `drop` narrow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from watcher.core import Adapter, Block, Capture, Document, NothingThere
from watcher.sources.html import Reading, base_of, collapse, decode, joined, parse, reduce, title_of

NAVIGATION = ["nav", '[role="navigation"]']


class PageOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`select`: CSS of the part (or parts) to read. `drop`: CSS of what is left out of it."""

    select: str | list[str] = ""
    drop: str | list[str] = ""


class Page(Adapter):
    """Reads the text and the links of one page."""

    kind: ClassVar[str] = "page"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = PageOptions

    def __init__(self, options: PageOptions) -> None:
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest the title, and the text and links of what is watched; raises NotReadable as `extract` does."""
        return self._reading(capture).digest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the page. Raises NotReadable where `select` matches nothing, NothingThere where there is no text."""
        from watcher.sources.notes import is_note
        from watcher.sources.prose import links, pieces, soup

        reading = self._reading(capture)
        root = soup(reading.markup)
        blocks = []
        for piece in pieces(root):
            text = collapse(piece.text)
            sort = "note" if is_note(text) else "paragraph" if piece.type == "row" else piece.type
            blocks.append(Block(sort, text))
        if not blocks:
            raise NothingThere("expected a page with text, found none")
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta={name: value for name, value in reading.facts if value},
            blocks=tuple(blocks),
            links=links(root, reading.base),
            choices=choices,
        )

    def _reading(self, capture: Capture) -> Reading:
        tree = parse(decode(capture.body, capture.content_type))
        base, title = base_of(tree, capture), title_of(tree)
        drop = joined(NAVIGATION, self.options.drop)
        markup = reduce(tree, select=joined(self.options.select), drop=drop, attributes=("href",))
        return Reading(base, (("title", title),), markup)
