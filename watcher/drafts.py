"""Drafts of changes, and what they lack: a severity by rule, a line for people, an id. Below diff, and pure."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from watcher.core import Change, Severity, Span, Subject
from watcher.summary import on_page, summarise
from watcher.wording import cosmetic, plain

SEVERITY = {
    "jurisdiction.listed": Severity.MAJOR,
    "jurisdiction.delisted": Severity.MAJOR,
    "jurisdiction.changed": Severity.MAJOR,
    "jurisdiction.reattributed": Severity.MAJOR,
    "record.added": Severity.MAJOR,
    "record.removed": Severity.MAJOR,
    "report.published": Severity.MAJOR,
    "report.corrected": Severity.MAJOR,
    "report.withdrawn": Severity.MAJOR,
    "report.late": Severity.MAJOR,
    "report.resumed": Severity.MAJOR,
    "article.headline": Severity.MAJOR,
    "article.note": Severity.MAJOR,
    "page.gone": Severity.MAJOR,
    "page.back": Severity.MAJOR,
    "source.blocked": Severity.MAJOR,
    "source.failing": Severity.MAJOR,
}
"""How much a kind matters; kinds that are not named are minor."""

LINK_WORDS = frozenset(("link", "links", "pdf", "addendum", "addenda", "pending"))
"""What a cell says that only leads to a document, or will."""

_NOTICE = re.compile(
    r"\b(?:suspend(?:s|ed|ing)?|suspension|discontinued?|withdrawn|rescind(?:s|ed)|retract(?:s|ed)|no longer)\b",
    re.IGNORECASE,
)
"""Words of a notice that something stops: new on a page, they are more than a reworded line."""


class Draft(NamedTuple):
    """A change before it has its source, its times and its id. `page` is where it stands in a paged file, else 0."""

    kind: str
    subject: Subject
    path: tuple[str, ...]
    old: Any
    new: Any
    spans: tuple[Span, ...] = ()
    severity: Severity | None = None
    page: int = 0

    @property
    def weight(self) -> Severity:
        """Its severity: the one that it was given, or the one by rule."""
        return self.severity if self.severity is not None else _severity(self)


def change(
    draft: Draft, source: str, *, at: datetime, last_seen: datetime | None, snapshot: str | None, before: str | None
) -> Change:
    """Give a draft its place in time, its severity by rule, its line for people and its id."""
    identity = [source, before, snapshot, draft.kind, draft.subject.id, list(draft.path), draft.old, draft.new]
    return Change(
        id=hashlib.sha256(msgspec.json.encode(identity, order="deterministic")).hexdigest(),
        source=source,
        at=at,
        last_seen=last_seen,
        kind=draft.kind,
        severity=draft.weight,
        subject=draft.subject,
        path=draft.path,
        old=draft.old,
        new=draft.new,
        summary=on_page(summarise(draft.kind, draft.subject, draft.path, draft.old, draft.new), draft.page),
        snapshot=snapshot,
        before=before,
        spans=draft.spans,
    )


def about(source: str, kind: str, *, name: str = "", old: Any = None, new: Any = None) -> Draft:
    """A change of the page or the source as a whole: page.gone, page.back, page.moved, source.blocked."""
    return Draft(kind, Subject(f"source:{source}", name or source), ("state",), old, new)


def _severity(draft: Draft) -> Severity:
    """By rule: what only a typesetter would see is cosmetic; a figure that moved matters more than a reworded cell."""
    old, new = draft.old, draft.new
    plain_values = isinstance(old, str | int | float) and isinstance(new, str | int | float)
    if plain_values and draft.kind != "page.links" and cosmetic(str(old), str(new)):  # sheets store 5 as "5", too
        return Severity.COSMETIC
    if draft.kind == "jurisdiction.changed" and _only_leads(old) and _only_leads(new):
        return Severity.MINOR
    if draft.kind == "page.text" and _NOTICE.search(str(new or "")) and not _NOTICE.search(str(old or "")):
        return Severity.MAJOR
    if draft.kind == "record.changed" and _is_figure(old) and _is_figure(new):
        return Severity.MAJOR
    return SEVERITY.get(draft.kind, Severity.MINOR)


def _only_leads(value: Any) -> bool:
    """Whether a cell holds nothing but words for a link: "link", "link pending", "link | addendum"."""
    return isinstance(value, str) and LINK_WORDS.issuperset(plain(value).replace("|", " ").split())


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) or (
        isinstance(value, str) and value.strip("$€£% +-−").replace(",", "").replace(".", "", 1).isdecimal()
    )
