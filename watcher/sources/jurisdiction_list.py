"""The `jurisdiction-list` kind: states, counties and cities under headings, in lists, lines or a table, as records.

Stands at extract in the flow. Two shapes are read without options: a heading for each kind ("COUNTIES", then "Cook
County, IL"), and a heading for each state with lists of its counties and cities below. All that is no entry is prose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from watcher.core import Adapter, Capture, Document, NothingThere, Record
from watcher.sources.html import Reading, base_of, decode, joined, parse, reduce, title_of

CHROME = ["nav", "footer", '[role="navigation"]', '[role="banner"]', '[role="contentinfo"]']
MAIN = 'main, [role="main"]'


class ListOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`select`: CSS of the part (or parts) to read. `drop`: CSS of what is left out of it."""

    select: str | list[str] = ""
    drop: str | list[str] = ""


class JurisdictionList(Adapter):
    """Reads one list of jurisdictions."""

    kind: ClassVar[str] = "jurisdiction-list"
    version: ClassVar[int] = 1
    Options: ClassVar[type] = ListOptions

    def __init__(self, options: ListOptions) -> None:
        self.options = options

    def fingerprint(self, capture: Capture, known: str = "") -> str:  # noqa: ARG002 - it costs no less to compare
        """Digest the title, and the text and links of what is watched; raises NotReadable as `extract` does."""
        return self._reading(capture).digest()

    def extract(self, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Read the list. Raises NotReadable where `select` matches nothing, NothingThere where no place is listed."""
        from watcher.sources.listing import read_list
        from watcher.sources.prose import links, pieces, soup

        reading = self._reading(capture)
        root = soup(reading.markup)
        entries, blocks = read_list(list(pieces(root)))
        seen: Counter[str] = Counter()
        records: dict[str, Record] = {}
        for entry in entries:
            place = entry.subject.id
            seen[place] += 1
            key = place if seen[place] == 1 else f"{place}#{seen[place]}"
            fields = {"name": entry.name, "section": entry.section, **entry.more}
            records[key] = Record(key, fields, entry.section, entry.subject)
        if not records:
            raise NothingThere("expected a list of states, counties or cities, found none")
        return Document(
            source=capture.source,
            kind=capture.kind,
            snapshot=capture.snapshot,
            at=capture.at,
            url=capture.url,
            meta={name: value for name, value in reading.facts if value},
            blocks=tuple(blocks),
            records=records,
            links=links(root, reading.base),
            choices=choices,
        )

    def _reading(self, capture: Capture) -> Reading:
        tree = parse(decode(capture.body, capture.content_type))
        base, title = base_of(tree, capture), title_of(tree)
        select, drop = joined(self.options.select), joined(CHROME, self.options.drop)
        markup = reduce(tree, select=select, drop=drop, attributes=("href",), prefer=MAIN)
        return Reading(base, (("title", title),), markup)
