"""Lists that show only their newest part, like feeds: what rolls off the end, or comes back, is no news. Pure.

An adapter of such a list keeps in its document's choices which entries it has seen (`remember`); the guard and the
comparison know the list by that.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from watcher.core import Document

SEEN = "seen"
MOST_SEEN = 400
"""Entries that are remembered, the newest: those on the list now, and those that rolled off it last."""
MARK_BYTES = 6
"""Of an entry's mark: enough that no two of a list's are equal by chance, and few, for each snapshot keeps them."""


def remember(choices: Mapping[str, Any], keys: Iterable[str]) -> dict[str, list[str]]:
    """The choices of a document whose records have these `keys`, newest first; `choices` are those before it."""
    here = dict.fromkeys(reversed([_mark(key) for key in keys]))
    gone = [mark for mark in choices.get(SEEN, ()) if mark not in here]
    return {SEEN: [*gone, *here][-MOST_SEEN:]}


def is_rolling(document: Document) -> bool:
    """Whether this is such a list."""
    return SEEN in document.choices


def rolled(before: Document, after: Document) -> tuple[Document, Document]:
    """Both documents without the entries that rolled off, and without those that were seen earlier and came back.

    An entry is itself by its key alone: none is ever another one renamed.
    """
    seen = set(before.choices.get(SEEN, ()))
    stayed = {key: record for key, record in before.records.items() if key in after.records}
    told = {key: record for key, record in after.records.items() if key in before.records or _mark(key) not in seen}
    return replace(before, records=stayed), replace(after, records=told)


def _mark(key: str) -> str:
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return urlsafe_b64encode(digest[:MARK_BYTES]).decode()
