"""Changes and documents as JSON values, for the command line, webhooks and the web page alike. Pure."""

from __future__ import annotations

from typing import Any

from watcher.core import Change, Document, Subject, instant


def subject_json(subject: Subject) -> dict[str, Any]:
    """What a change is about; `within` only where something contains it."""
    told: dict[str, Any] = {"id": subject.id, "name": subject.name, "state": subject.state}
    if subject.within:
        told["within"] = list(subject.within)
    return told


def change_json(change: Change) -> dict[str, Any]:
    """A change as `--json`, webhooks and the API show it: times in UTC with Z, null where there was nothing."""
    told: dict[str, Any] = {
        "id": change.id,
        "source": change.source,
        "at": instant(change.at),
        "last_seen": instant(change.last_seen) if change.last_seen else None,
        "kind": change.kind,
        "severity": change.severity.label,
        "subject": subject_json(change.subject),
        "path": list(change.path),
        "old": change.old,
        "new": change.new,
        "summary": change.summary,
        "snapshot": change.snapshot,
        "before": change.before,
    }
    if change.returned:
        told["returned"] = True
    return told


def document_json(document: Document) -> dict[str, Any]:
    """A document as `watcher show --format json` prints it; an article's body is its blocks in order."""
    return {
        "source": document.source,
        "at": instant(document.at),
        "kind": document.kind,
        "url": document.url,
        "meta": dict(document.meta),
        "blocks": [{"type": block.type, "text": block.text} for block in document.blocks],
        "records": [
            {
                "key": record.key,
                "section": record.section,
                "subject": subject_json(record.subject) if record.subject else None,
                "fields": dict(record.fields),
            }
            for record in document.records.values()
        ],
        "links": [{"text": link.text, "url": link.url} for link in document.links],
    }
