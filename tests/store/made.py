"""Made-up captures, changes and alerts for the store's tests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from watcher.core import Alert, Change, Delivery, Fetched, Run, Severity, Snapshot, Span, Subject, content_id
from watcher.store import Connection, snapshots

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def captured(
    previous: Snapshot | None, body: bytes, *, source: str = "list", at: datetime = NOON, **fields: Any
) -> Snapshot:
    headers = (("content-type", "text/html"), ("etag", '"a-1"'), ("set-cookie", "secret"))
    fetched = Fetched(f"https://example.gov/{source}", 200, headers, body, peer="192.0.2.1")
    one = snapshots.link(
        source=source,
        seq=previous.seq + 1 if previous else 1,
        at=at,
        fetched=fetched,
        sha256=hashlib.sha256(body).hexdigest(),
        previous=previous.record_hash if previous else "",
        provenance=fields.pop("provenance", "live"),
        clock=fields.pop("clock", "real"),
    )
    return replace(one, **fields)


def put_chain(conn: Connection, bodies: Iterable[bytes], source: str = "list") -> list[Snapshot]:
    """A revision an hour."""
    chain: list[Snapshot] = []
    for number, body in enumerate(bodies):
        at = NOON + timedelta(hours=number)
        chain.append(captured(chain[-1] if chain else None, body, source=source, at=at))
        snapshots.put_snapshot(conn, chain[-1], body)
    return chain


def changed(number: int = 0, **fields: Any) -> Change:
    """A county that was listed; each number is another change."""
    one = Change(
        id=content_id("change", number),
        source="list",
        at=NOON,
        last_seen=NOON - timedelta(minutes=10),
        kind="jurisdiction.listed",
        severity=Severity.MAJOR,
        subject=Subject("us-county:32003", "Clark County, Nev.", "NV", ("us-state:NV",)),
        path=("records", "Clark"),
        old=None,
        new={"County": "Clark", "Detainers": 51},
        summary="Clark County, Nev. was listed",
        snapshot="5" * 16,
        before="4" * 16,
        spans=(Span("=", "Clark"), Span("+", "County")),
    )
    return replace(one, **fields)


def told(
    name: str = "a", *, channel: str = "desk", parts: int = 1, created: datetime = NOON
) -> tuple[Alert, list[Delivery]]:
    """An alert called `name`, and its parts, due at once."""
    alert = Alert(content_id("alert", name), "route", channel, "list", "5" * 16, created, (content_id("change", 0),))
    return alert, [
        Delivery(
            id=content_id(alert.id, channel, part),
            alert=alert.id,
            channel=channel,
            source=alert.source,
            part=part,
            parts=parts,
            lines=((Run("Clark County", "strong"), Run(" was listed")), (Run("page", "link", "https://example.gov"),)),
            changes=alert.changes,
            created=created,
            due=created,
        )
        for part in range(1, parts + 1)
    ]
