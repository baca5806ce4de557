"""Pictures of pages as a browser showed them, kept beside the bytes of their snapshots; outside of the chain."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, select

from watcher.store.errors import Corrupt
from watcher.store.snapshots import snapshot
from watcher.store.tables import screenshot as table


def put_screenshot(conn: Connection, snapshot_id: str, data: bytes) -> None:
    """Store the picture (a PNG) of a snapshot that is stored, or is being stored in the same transaction."""
    digest = hashlib.sha256(data).hexdigest()
    conn.execute(table.insert(), {"snapshot": snapshot_id, "sha256": digest, "data": data})


def screenshot(conn: Connection, snapshot_id: str) -> bytes:
    """Return the picture of a snapshot, b"" where none was kept. Raises Corrupt where it is not the one stored."""
    found = conn.execute(select(table).where(table.c.snapshot == snapshot_id)).one_or_none()
    if found is None:
        return b""
    data = bytes(found.data)
    if hashlib.sha256(data).hexdigest() != found.sha256:
        raise Corrupt(snapshot(conn, snapshot_id).source, snapshot_id, "its screenshot is not the one that was stored")
    return data
