"""The JSON that scripts rely on: exactly these keys, in this order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from watcher.core import Block, Change, Document, Link, Record, Severity, Subject
from watcher.wire import change_json, document_json

AT = datetime(2017, 3, 20, 9, 0, tzinfo=timezone(timedelta(hours=-7)))
CHANGE = Change(
    id="c1",
    source="ice",
    at=AT,
    last_seen=AT - timedelta(minutes=10),
    kind="jurisdiction.changed",
    severity=Severity.MAJOR,
    subject=Subject("us-county:32003", "Clark County, Nev.", "NV"),
    path=("sections", "I", "Clark", "Detainers"),
    old=51,
    new=0,
    summary="Clark County, Nev.: Detainers 51 → 0",
    snapshot="s2",
    before="s1",
)


def test_a_change() -> None:
    assert json.dumps(change_json(CHANGE), ensure_ascii=False) == (
        '{"id": "c1", "source": "ice", "at": "2017-03-20T16:00:00Z", "last_seen": "2017-03-20T15:50:00Z", '
        '"kind": "jurisdiction.changed", "severity": "major", '
        '"subject": {"id": "us-county:32003", "name": "Clark County, Nev.", "state": "NV"}, '
        '"path": ["sections", "I", "Clark", "Detainers"], "old": 51, "new": 0, '
        '"summary": "Clark County, Nev.: Detainers 51 → 0", "snapshot": "s2", "before": "s1"}'
    )


def test_what_is_only_sometimes_there() -> None:
    jail = Subject("us-agency:CA/santa-rita-jail", "Santa Rita Jail", "CA", ("us-county:06001",))
    told = change_json(replace(CHANGE, last_seen=None, snapshot=None, before=None, returned=True, subject=jail))
    assert told["last_seen"] is None
    assert told["snapshot"] is None
    assert told["before"] is None
    assert told["returned"] is True
    assert told["subject"]["within"] == ["us-county:06001"]


def test_a_document() -> None:
    document = Document(
        source="ice",
        kind="table",
        snapshot="s1",
        at=datetime(2017, 3, 20, tzinfo=UTC),
        url="https://www.ice.gov/",
        meta={"title": "List"},
        blocks=(Block("heading", "List"),),
        records={
            "Clark": Record("Clark", {"Detainers": 51}, "I", CHANGE.subject),
            "x": Record("x", {"Detainers": None}),
        },
        links=(Link("PDF", "https://www.ice.gov/a.pdf"),),
    )
    assert document_json(document) == {
        "source": "ice",
        "at": "2017-03-20T00:00:00Z",
        "kind": "table",
        "url": "https://www.ice.gov/",
        "meta": {"title": "List"},
        "blocks": [{"type": "heading", "text": "List"}],
        "records": [
            {
                "key": "Clark",
                "section": "I",
                "subject": {"id": "us-county:32003", "name": "Clark County, Nev.", "state": "NV"},
                "fields": {"Detainers": 51},
            },
            {"key": "x", "section": None, "subject": None, "fields": {"Detainers": None}},
        ],
        "links": [{"text": "PDF", "url": "https://www.ice.gov/a.pdf"}],
    }
