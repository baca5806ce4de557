"""Two documents in, typed changes out: the middle of the flow, and pure.

Records are matched by key with plain dictionary comparison, and DeepDiff looks only inside the matched records that
differ. What a move, a reorder, a respelling or a repaired encoding leaves behind is nothing, or cosmetic.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from watcher.core import Change, Document, Record, Severity, Span, Subject
from watcher.matching import Matched, base_key, is_known, match, naming, rekeyed
from watcher.rolling import is_rolling, rolled
from watcher.summary import summarise
from watcher.wording import cosmetic, pair_texts, plain, words

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

LINKS_ARE_NEWS = {"page", "index"}
"""Kinds for which a changed link is what the reader came for; elsewhere it is kept as cosmetic."""


class Draft(NamedTuple):
    """A change before it has its source, its times and its id."""

    kind: str
    subject: Subject
    path: tuple[str, ...]
    old: Any
    new: Any
    spans: tuple[Span, ...] = ()
    severity: Severity | None = None


def diff(before: Document, after: Document, *, last_seen: datetime | None = None) -> tuple[Change, ...]:
    """All changes from `before` to `after`, in the order of `after`; () when nothing differs.

    `last_seen` is when the old was last seen (default: when `before` was captured). Pure: the same documents give the
    same changes with the same ids.
    """
    drafts = [*_headers(before, after), *_records(before, after), *_meta(before, after), *_blocks(before, after)]
    drafts += _mentions(before, after)
    if not any(draft.kind == "page.redesigned" for draft in drafts):
        drafts += _links(before, after)
    unique = {_key(draft): draft for draft in drafts}
    seen, source = last_seen or before.at, after.source
    return tuple(
        change(draft, source, at=after.at, last_seen=seen, snapshot=after.snapshot, before=before.snapshot)
        for draft in unique.values()
    )


def change(
    draft: Draft, source: str, *, at: datetime, last_seen: datetime | None, snapshot: str | None, before: str | None
) -> Change:
    """Give a draft its place in time, its severity by rule, its line for people and its id."""
    severity = draft.severity if draft.severity is not None else _severity(draft)
    identity = [source, before, snapshot, draft.kind, draft.subject.id, list(draft.path), draft.old, draft.new]
    return Change(
        id=hashlib.sha256(msgspec.json.encode(identity, order="deterministic")).hexdigest(),
        source=source,
        at=at,
        last_seen=last_seen,
        kind=draft.kind,
        severity=severity,
        subject=draft.subject,
        path=draft.path,
        old=draft.old,
        new=draft.new,
        summary=summarise(draft.kind, draft.subject, draft.path, draft.old, draft.new),
        snapshot=snapshot,
        before=before,
        spans=draft.spans,
    )


def about(source: str, kind: str, *, name: str = "", old: Any = None, new: Any = None) -> Draft:
    """A change of the page or the source as a whole: page.gone, page.back, page.moved, source.blocked."""
    return Draft(kind, Subject(f"source:{source}", name or source), ("state",), old, new)


def _key(draft: Draft) -> bytes:
    return msgspec.json.encode([draft.kind, draft.subject.id, draft.path, draft.old, draft.new])


def _severity(draft: Draft) -> Severity:
    """By rule: what only a typesetter would see is cosmetic; a figure that moved matters more than a reworded cell."""
    old, new = draft.old, draft.new
    if draft.kind != "page.links" and isinstance(old, str) and isinstance(new, str) and cosmetic(old, new):
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


# ---------------------------------------------------------------- records


def _records(before: Document, after: Document) -> Iterable[Draft]:
    if is_rolling(after):
        before, after = rolled(before, after)
    if not before.records and not after.records:
        return
    if after.kind == "index":
        yield from _unlisted(before, after)
        return
    columns = _columns(before, after)
    if columns is None:
        yield Draft("page.redesigned", _page(after), ("records",), _header(before), _header(after))
        return
    before = rekeyed(before, after, columns)
    matched = match(before, after, columns)
    for old_key, new_key in matched.renamed:
        yield _renamed(before, after, old_key, new_key)
    for old_key, new_key in matched.differing:
        yield from _inside(before, after, old_key, new_key, columns)
    yield from _gone_and_new(before, after, matched)


def _unlisted(before: Document, after: Document) -> Iterable[Draft]:
    """Documents that a list does not lead to any more; those that are new speak for themselves, once they are read."""
    for key, record in before.records.items():
        if key not in after.records:
            yield Draft("report.withdrawn", subject_of(before, key), ("records", key), dict(record.fields), None)


def _gone_and_new(before: Document, after: Document, matched: Matched) -> Iterable[Draft]:
    for key in matched.added:
        record = after.records[key]
        kind = "jurisdiction.listed" if _is_place(record.subject) else "record.added"
        yield Draft(kind, subject_of(after, key), ("records", key), None, dict(record.fields))
    for key in matched.removed:
        record = before.records[key]
        kind = "jurisdiction.delisted" if _is_place(record.subject) else "record.removed"
        yield Draft(kind, subject_of(before, key), ("records", key), dict(record.fields), None)


def _inside(
    before: Document, after: Document, old_key: str, new_key: str, columns: Mapping[str, str]
) -> Iterable[Draft]:
    """The fields that differ inside one matched record, one change each."""
    from deepdiff import DeepDiff

    old, record = before.records[old_key], after.records[new_key]
    subject = subject_of(after, new_key)
    kind = "jurisdiction.changed" if _is_place(record.subject) else "record.changed"
    was = {columns[name]: value for name, value in old.fields.items() if name in columns}
    now = {name: value for name, value in record.fields.items() if name in set(columns.values())}
    moved = is_known(old.subject) and is_known(record.subject) and not _same_place(old, record)
    if moved and base_key(old_key, before.records) == base_key(new_key, after.records):
        yield _renamed(before, after, old_key, new_key)
    if moved or base_key(old_key, before.records) != base_key(new_key, after.records):  # told as the rename
        for name in naming(after):
            now.pop(name, None)
            was.pop(name, None)
    for items in DeepDiff(was, now, view="tree").values():
        for item in items:
            name = str(item.path(output_format="list")[0])
            before_value, after_value = was.get(name), now.get(name)
            spans = _spans(before_value, after_value)
            respelled = name == "name" and is_known(subject) and old.subject == subject
            severity = Severity.COSMETIC if respelled else None
            yield Draft(kind, subject, ("records", new_key, name), before_value, after_value, spans, severity)


def _renamed(before: Document, after: Document, old_key: str, new_key: str) -> Draft:
    """One entry that goes by another name now; a place that is now another place is reattributed."""
    old, new = before.records[old_key], after.records[new_key]
    subject, path = subject_of(after, new_key), ("records", old_key, "name")
    old_name, new_name = subject_of(before, old_key).name, subject.name
    if _same_place(old, new):  # it has several rows, and this one has another key
        old_name, new_name = base_key(old_key, before.records), base_key(new_key, after.records)
    kind = "jurisdiction.changed" if _is_place(new.subject) else "record.changed"
    severity = Severity.COSMETIC if cosmetic(old_name, new_name) else Severity.MINOR
    if is_known(old.subject) and is_known(new.subject) and not _same_place(old, new):
        kind, severity = "jurisdiction.reattributed", Severity.MAJOR
    return Draft(kind, subject, path, old_name, new_name, words(old_name, new_name), severity)


def subject_of(document: Document, key: str) -> Subject:
    """What a record's change is about: the place that it names, else the record itself."""
    return document.records[key].subject or Subject(f"record:{key}", base_key(key, document.records))


def _same_place(old: Record, new: Record) -> bool:
    return old.subject is not None and new.subject is not None and old.subject.id == new.subject.id


def _is_place(subject: Subject | None) -> bool:
    return subject is not None and subject.is_place


def _spans(old: Any, new: Any) -> tuple[Span, ...]:
    return words(old, new) if isinstance(old, str) and isinstance(new, str) else ()


def _header(document: Document) -> list[str]:
    header = document.choices.get("header")
    return list(header) if header else []


def _columns(before: Document, after: Document) -> dict[str, str] | None:
    """Which old column is which new one. Identity while the header stays; None where the two share no column."""
    old, new = _header(before), _header(after)
    if not old or not new:
        names = {name for document in (before, after) for record in document.records.values() for name in record.fields}
        return {name: name for name in names}
    same = {name: name for name in old if name in new}
    if len(old) == len(new):
        same |= {was: now for was, now in zip(old, new, strict=True) if was not in same and now not in old}
    return same or None


def _headers(before: Document, after: Document) -> Iterable[Draft]:
    old, new = _header(before), _header(after)
    if old and new and old != new and _columns(before, after) is not None:
        was, now = " | ".join(old), " | ".join(new)
        severity = Severity.COSMETIC if sorted(old) == sorted(new) else None
        yield Draft("page.text", _page(after), ("meta", "header"), was, now, words(was, now), severity)


# ---------------------------------------------------------------- prose, meta, links


def _page(document: Document) -> Subject:
    return Subject(
        f"source:{document.source}", str(document.meta.get("headline") or document.meta.get("title") or document.source)
    )


def _meta(before: Document, after: Document) -> Iterable[Draft]:
    named = {"headline": "article.headline", "byline": "article.byline"}
    if after.kind == "page":
        named["title"] = "page.text"
    for name, kind in named.items():
        old, new = before.meta.get(name), after.meta.get(name)
        if old != new:
            yield Draft(kind, _page(after), ("meta", name), old, new, _spans(old, new))


def _blocks(before: Document, after: Document) -> Iterable[Draft]:
    text = "article.text" if after.kind == "article" else "page.text"
    sorts: tuple[tuple[str, Callable[[str], bool]], ...] = (
        (text, lambda sort: sort != "note" or text == "page.text"),
        ("article.note", lambda sort: sort == "note" and text == "article.text"),
    )
    for kind, wanted in sorts:
        old = [block.text for block in before.blocks if wanted(block.type)]
        new = [block.text for block in after.blocks if wanted(block.type)]
        for edit in pair_texts(old, new):
            yield Draft(kind, _page(after), ("blocks",), edit.old, edit.new, edit.spans, edit.severity)


def _mentions(before: Document, after: Document) -> Iterable[Draft]:
    old, new = {place.id: place for place in before.mentions}, {place.id: place for place in after.mentions}
    for place in new.values():
        if place.id not in old:
            yield Draft("article.mentions", place, ("mentions",), None, place.name)
    for place in old.values():
        if place.id not in new:
            yield Draft("article.mentions", place, ("mentions",), place.name, None)


def _links(before: Document, after: Document) -> Iterable[Draft]:
    severity = None if after.kind in LINKS_ARE_NEWS else Severity.COSMETIC
    old, new = {link.url: link.text for link in before.links}, {link.url: link.text for link in after.links}
    gone, come = [url for url in old if url not in new], [url for url in new if url not in old]
    by_text = {old[url]: url for url in gone if old[url]}
    for url in come:
        was = by_text.pop(new[url], None)
        yield Draft("page.links", _page(after), ("links",), was, url, severity=severity)
        if was:
            gone.remove(was)
    for url in gone:
        yield Draft("page.links", _page(after), ("links",), url, None, severity=severity)
