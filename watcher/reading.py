"""The pure middle of the flow in one call: judge, fingerprint, extract and compare. It runs in a child of the pool."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from watcher.core import (
    Capture,
    Document,
    Fetched,
    Glance,
    NothingThere,
    NotReadable,
    Pair,
    Reading,
    Source,
    Verdict,
    capture_of,
)
from watcher.diff import diff
from watcher.plugins import build
from watcher.sections import is_readable
from watcher.suspect import OK, judge, lost

OKAY = 200
UNREADABLE = "text not readable: watched by its bytes alone"


def glance(source: Source, fetched: Fetched, at: datetime, known: str = "") -> Glance:
    """Judge an answer and digest what its adapter reads; what reads as `known` is the page and needs no judging."""
    verdict, fingerprint = OK, ""
    if fetched.status == OKAY and fetched.body:
        try:
            fingerprint = build(source).fingerprint(capture_of(source, fetched, at), known)
        except NothingThere as nothing:
            fingerprint = f"nothing: {nothing}"
        except NotReadable as error:
            verdict = Verdict("unreadable", str(error))
        if known and fingerprint == known:
            return Glance(OK, known)
    judged = judge(fetched, source.url)
    return Glance(judged, "") if not judged.ok else Glance(verdict, fingerprint)


def read(source: Source, capture: Capture, choices: Mapping[str, Any]) -> Document:
    """The document in `capture`. Raises NotReadable."""
    return build(source).extract(capture, choices)


def compare(pair: Pair) -> Reading:
    """Read both captures and say what changed. A first sight changes nothing."""
    adapter = build(pair.source)
    before = adapter.extract(pair.before, pair.choices) if pair.before else None
    choices = before.choices if before else pair.choices
    try:
        after = adapter.extract(pair.after, choices)
    except NothingThere as nothing:
        if before is None:
            return Reading(Verdict("unreadable", str(nothing)))
        verdict = lost(before, None) if pair.guarded else OK
        after = _nothing(before, pair.after)
        if verdict.ok and not before.records:
            verdict = Verdict("unreadable", str(nothing))
    except NotReadable as error:
        return Reading(Verdict("unreadable", str(error)))
    else:
        verdict = lost(before, after) if before and pair.guarded else OK
    note = "" if is_readable(after) else UNREADABLE
    if before is None or not verdict.ok:
        return Reading(verdict, (), len(after.records), after.choices, note)
    changes = diff(before, after, last_seen=pair.last_seen, issues=pair.issues)
    return Reading(verdict, changes, len(after.records), after.choices, note)


def _nothing(before: Document, capture: Capture) -> Document:
    """A page that no longer holds anything of its kind, as a document: what was there is gone, the choices stay."""
    return Document(
        source=capture.source,
        kind=capture.kind,
        snapshot=capture.snapshot,
        at=capture.at,
        url=capture.url,
        choices=before.choices,
    )
