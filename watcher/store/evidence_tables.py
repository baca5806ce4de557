"""The tables of what proves the chains to others: hourly heads, and what time-stamping authorities said of them.

Loaded only where they are used. They are part of the metadata in tables.py, and of the same migrations.
"""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text

from watcher.store.tables import Hex, Instant, Json, Words, metadata

anchor = Table(
    "anchor",
    metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("heads", Json(dict[str, tuple[int, str]]), nullable=False),
    Column("previous", Hex, nullable=False),
    Column("digest", Hex, nullable=False),
)
"""The ends of those chains that went on since the anchor before: by source, the last seq and its record hash."""

stamp = Table(
    "stamp",
    metadata,
    Column("anchor", Integer, ForeignKey("anchor.n", name="stamp_anchor"), primary_key=True, autoincrement=False),
    Column("url", Text, primary_key=True),
    Column("due", Instant),
    Column("attempts", Integer, nullable=False),
    Column("reason", Words, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("token", LargeBinary, nullable=False),
)
"""What one authority is asked for one anchor; `due` is when to ask (again), null once its token was checked."""
