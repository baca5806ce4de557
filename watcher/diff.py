"""Two documents in, typed changes out: the middle of the flow, and pure.

Records are matched by key with plain dictionary comparison, and DeepDiff looks only inside the matched records that
differ. What a move, a reorder, a respelling or a repaired encoding leaves behind is nothing, or cosmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from watcher.core import Change, Document, Record, Severity, Span, Subject
from watcher.drafts import Draft, about, change
from watcher.matching import Matched, base_key, is_known, match, naming, rekeyed
from watcher.rolling import is_rolling, rolled
from watcher.sections import as_issue, is_another_issue, is_readable, is_report, issue, parts, titles, undated
from watcher.wording import cosmetic, pair_texts, words

__all__ = ["about", "change", "diff"]

LINKS_ARE_NEWS = {"page", "index"}
"""Kinds for which a changed link is what the reader came for; elsewhere it is kept as cosmetic."""


def diff(
    before: Document, after: Document, *, last_seen: datetime | None = None, issues: bool = False
) -> tuple[Change, ...]:
    """All changes from `before` to `after`, in the order of `after`; () when nothing differs.

    `last_seen` is when the old was last seen (default: when `before` was captured). `issues`: the two are issues of one
    report, even if neither names its period: the first change says that it was published, sections I and III go by row,
    section II, persons without names, by place and count; what is no such report is compared as ever.
    Pure: the same documents give the same changes with the same ids.
    """
    if not is_readable(before) or not is_readable(after):
        drafts = [*_unreadable(before, after)]
    elif is_report(after):
        drafts = [*_report(before, after, issues=issues)]
    else:
        drafts = [*_headers(before, after), *_records(before, after), *_meta(before, after), *_blocks(before, after)]
        drafts += _mentions(before, after)
    if is_readable(after) and not any(draft.kind == "page.redesigned" for draft in drafts):
        drafts += _links(before, after)
    unique = {_key(draft): draft for draft in drafts}
    seen, source = last_seen or before.at, after.source
    return tuple(
        change(draft, source, at=after.at, last_seen=seen, snapshot=after.snapshot, before=before.snapshot)
        for draft in unique.values()
    )


def _key(draft: Draft) -> bytes:
    return msgspec.json.encode([draft.kind, draft.subject.id, draft.path, draft.old, draft.new])


# ---------------------------------------------------------------- reports, and what cannot be read


def _unreadable(before: Document, after: Document) -> Iterable[Draft]:
    """Of bytes that hold no words, or held none, it is known that they differ, and nothing else."""
    kind, subject = ("report.corrected", issue(after)) if is_report(after) else ("page.text", _page(after))
    old, new = before.meta.get("sha256"), after.meta.get("sha256")
    if old != new:
        yield Draft(kind, subject, ("meta", "sha256"), old, new)


def _report(before: Document, after: Document, *, issues: bool) -> Iterable[Draft]:
    """The next issue is published and compared with the last; anything else that differs is a correction."""
    if issues or is_another_issue(before, after):
        yield _lead("report.published", None, after)
        yield from _sections(as_issue(before), as_issue(after))
        yield from _titles(before, after, undated)
        return
    drafts = [*_sections(before, after), *_titles(before, after), *_blocks(before, after)]
    if any(draft.weight > Severity.COSMETIC for draft in drafts):
        yield _lead("report.corrected", before, after)
    yield from drafts


def _lead(kind: str, before: Document | None, after: Document) -> Draft:
    """What all else follows from; its values say where the report's own sums do not agree."""
    old = before.meta.get("sums") if before else None
    return Draft(kind, issue(after), ("meta", "sums"), old, after.meta.get("sums"))


def _sections(before: Document, after: Document) -> Iterable[Draft]:
    for section, old, new in parts(before, after):
        for draft in _records(old, new):
            yield draft._replace(path=("sections", section, *draft.path[1:]))


def _titles(before: Document, after: Document, said: Callable[[str], str] = str) -> Iterable[Draft]:
    """Titles that are worded anew, as one fact; `said` is what of a title counts."""
    old, new = titles(before), titles(after)
    kept = set(map(said, old)) & set(map(said, new))
    was, now = (" | ".join(title for title in found if said(title) not in kept) for found in (old, new))
    if was != now:
        yield Draft("page.text", _page(after), ("meta", "titles"), was or None, now or None, words(was, now))


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
        yield Draft(kind, subject_of(after, key), ("records", key), None, dict(record.fields), page=record.page)
    for key in matched.removed:
        record = before.records[key]
        kind = "jurisdiction.delisted" if _is_place(record.subject) else "record.removed"
        yield Draft(kind, subject_of(before, key), ("records", key), dict(record.fields), None, page=record.page)


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
    names = {"name", *after.choices.get("places", ())}
    for items in DeepDiff(was, now, view="tree").values():
        for item in items:
            name = str(item.path(output_format="list")[0])
            before_value, after_value = was.get(name), now.get(name)
            spans = _spans(before_value, after_value)
            respelled = name in names and is_known(subject) and old.subject == subject
            severity = Severity.COSMETIC if respelled else None
            path = ("records", new_key, name)
            yield Draft(kind, subject, path, before_value, after_value, spans, severity, record.page)


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
    return Draft(kind, subject, path, old_name, new_name, words(old_name, new_name), severity, new.page)


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
    apart = {"heading"} if is_report(after) else set()  # told together, as its titles
    sorts: tuple[tuple[str, Callable[[str], bool]], ...] = (
        (text, lambda sort: (sort != "note" or text == "page.text") and sort not in apart),
        ("article.note", lambda sort: sort == "note" and text == "article.text"),
    )
    for kind, wanted in sorts:
        old, new = ([block for block in found.blocks if wanted(block.type)] for found in (before, after))
        pages = {block.text: block.page for block in (*old, *new)}
        for edit in pair_texts([block.text for block in old], [block.text for block in new]):
            page = pages.get(edit.new or edit.old or "", 0)
            yield Draft(kind, _page(after), ("blocks",), edit.old, edit.new, edit.spans, edit.severity, page)


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
