"""The tables, and the types that turn the values of core into what SQLite and PostgreSQL both store.

A column has the name of the field that it holds. Where a table changes, a migration does the same, and HEAD names it.
What only one database knows (WITHOUT ROWID, an index of some rows) stands in the migrations alone: said here too, it
would load both dialects at each start, a tenth of a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from watcher.core import Extras, Hop, Run, Span, Validators, instant, parse_instant

if TYPE_CHECKING:
    from sqlalchemy import Insert

TOGETHER = 500
"""Rows fetched, and ids named in one statement, at a time."""
HEAD = "0004"
"""The newest migration; a database with this stamp is opened without alembic."""


class Instant(TypeDecorator[datetime]):
    """A time, as the text of core.instant: it sorts by time and reads the same in both databases."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Write a time of any zone in UTC, cut to the second."""
        return None if value is None else instant(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - as above
        """Read it in UTC."""
        return None if value is None else parse_instant(value)


class Hex(TypeDecorator[str]):
    """A digest written in hex digits, stored as its bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002 - SQLAlchemy's
        """Store half as many bytes as there are digits."""
        return None if value is None else bytes.fromhex(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - as above
        """Read the digits again, in lower case."""
        return None if value is None else value.hex()


class Json(TypeDecorator[Any]):
    """A value as compact JSON, read again as `shape` (a type that msgspec knows)."""

    impl = Text
    cache_ok = True

    def __init__(self, shape: Any = Any) -> None:
        super().__init__()
        self.shape = shape
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(shape)

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        """Write it; a NUL is escaped, so that PostgreSQL takes it."""
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002 - as above
        """Read it. Raises msgspec.DecodeError for what was not written by us."""
        return self._decoder.decode(value or "null")


class Words(TypeDecorator[str]):
    """Text that may come from a page: a NUL, which PostgreSQL refuses, and half a character are replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Keep everything that UTF-8 and both databases can hold."""
        return None if value is None else value.replace("\0", "\ufffd").encode(errors="replace").decode()


NAME = Text().with_variant(Text(collation="C"), "postgresql")
"""A name that is sorted and compared by its bytes, as SQLite does."""
NUMBER = BigInteger().with_variant(Integer, "sqlite")
"""A row's number in the order of storing; in SQLite the row's own id, which takes no space."""

metadata = MetaData()

source = Table(
    "source",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("last_checked", Instant),
    Column("last_seen", Instant),
    Column("last_changed", Instant),
    Column("next_check", Instant),
    Column("records", Integer, nullable=False),
    Column("snapshot", Text),
    Column("fingerprint", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("choices", Json(dict[str, Any]), nullable=False),
    Column("sha256", Hex, nullable=False),
    Column("validators", Json(Validators), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("head", Hex, nullable=False),
    Column("suspect", Text),
    Column("suspect_since", Instant),
    Column("suspect_seen", Integer, nullable=False),
    Column("suspect_fingerprint", Text, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("error", Words, nullable=False),
    Column("rate_count", Float, nullable=False),
    Column("rate_hours", Float, nullable=False),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("id", Text, primary_key=True),
    Column("source", NAME, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("url", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", Json(tuple[tuple[str, str], ...]), nullable=False),
    Column("redirects", Json(tuple[Hop, ...]), nullable=False),
    Column("peer", Text),
    Column("sha256", Hex, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("clock", Text, nullable=False),
    Column("previous", Hex, nullable=False),
    Column("record_hash", Hex, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("choices", Json(dict[str, Any]), nullable=False),
    UniqueConstraint("source", "seq", name="snapshot_chain"),
    Index("snapshot_history", "source", "at"),
)

body = Table(
    "body",
    metadata,
    Column("source", NAME, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("start", Integer, nullable=False),
    Column("size", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    ForeignKeyConstraint(["source", "seq"], ["snapshot.source", "snapshot.seq"], name="body_snapshot"),
)
"""The bytes of a snapshot, `size` once unpacked: a full copy where `start` is its own seq, else a difference from the
bytes of seq - 1, which lead back to the full copy at `start`."""

screenshot = Table(
    "screenshot",
    metadata,
    Column("snapshot", Text, ForeignKey("snapshot.id", name="screenshot_snapshot"), primary_key=True),
    Column("sha256", Hex, nullable=False),
    Column("data", LargeBinary, nullable=False),
)
"""What a browser showed when the snapshot was taken: a PNG, and its digest."""

change = Table(
    "change",
    metadata,
    Column("n", NUMBER, primary_key=True),
    Column("id", Text, nullable=False),
    Column("source", NAME, nullable=False),
    Column("at", Instant, nullable=False),
    Column("last_seen", Instant),
    Column("kind", Text, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("subject_id", Words, nullable=False),
    Column("subject_name", Words, nullable=False),
    Column("subject_state", Text),
    Column("within", Json(tuple[str, ...]), nullable=False),
    Column("path", Json(tuple[str, ...]), nullable=False),
    Column("old", Json, nullable=False),
    Column("new", Json, nullable=False),
    Column("summary", Words, nullable=False),
    Column("snapshot", Text),
    Column("before", Text),
    Column("spans", Json(tuple[Span, ...]), nullable=False),
    Column("returned", Boolean, nullable=False),
    UniqueConstraint("id", name="change_id"),
    Index("change_history", "at"),
    Index("change_source", "source", "at"),
)

alert = Table(
    "alert",
    metadata,
    Column("id", Text, primary_key=True),
    Column("route", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("source", NAME, nullable=False),
    Column("snapshot", Text),
    Column("at", Instant, nullable=False),
    Column("changes", Json(tuple[str, ...]), nullable=False),
    Index("alert_source", "source"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("n", NUMBER, primary_key=True),
    Column("id", Text, nullable=False),
    Column("alert", Text, ForeignKey("alert.id", name="delivery_alert"), nullable=False),
    Column("channel", NAME, nullable=False),
    Column("part", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("lines", Json(tuple[tuple[Run, ...], ...]), nullable=False),
    Column("created", Instant, nullable=False),
    Column("due", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("repeat", Boolean, nullable=False),
    Column("receipt", Words, nullable=False),
    Column("sent_at", Instant),
    Column("lane", Integer, nullable=False),
    Column("extras", Json(Extras), nullable=False),
    UniqueConstraint("id", name="delivery_id"),
    UniqueConstraint("alert", "channel", "part", name="delivery_part"),
    Index("delivery_due", "due"),
)
"""The outbox; the index holds only what is not sent. `due` of a row in state "sending" is the end of its lease."""


@cache  # putting the statement together takes longer than running it
def insert(dialect: str, table: Table, *, replacing: bool = False) -> Insert:
    """An INSERT, as both dialects spell it, that leaves rows that are there as they are, or replaces them."""
    if dialect == "postgresql":
        from sqlalchemy.dialects.postgresql import insert
    else:
        from sqlalchemy.dialects.sqlite import insert  # type: ignore[assignment]  # the same methods, no common type

    new = insert(table)
    if not replacing:
        return new.on_conflict_do_nothing()
    every = {column.name: new.excluded[column.name] for column in table.columns}
    return new.on_conflict_do_update(index_elements=list(table.primary_key), set_=every)


def batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids, as many at a time as one statement may name."""
    for first in range(0, len(ids), TOGETHER):
        yield ids[first : first + TOGETHER]


def row(table: Table, value: object) -> dict[str, Any]:
    """The row that holds `value`: each field in the column of its name; the database numbers it."""
    return {column.name: getattr(value, column.name) for column in table.columns if column.name != "n"}
