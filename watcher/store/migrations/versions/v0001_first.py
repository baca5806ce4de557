"""The first tables."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    text,
)

revision = "0001"
down_revision = None

NAME = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER = BigInteger().with_variant(Integer, "sqlite")


def upgrade() -> None:
    """Make them all; there is no way back to nothing."""
    sources()
    evidence()
    changes()
    outbox()


def sources() -> None:
    """Where each source stands."""
    op.create_table(
        "source",
        Column("name", NAME, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("last_checked", Text),
        Column("last_seen", Text),
        Column("last_changed", Text),
        Column("next_check", Text),
        Column("records", Integer, nullable=False),
        Column("snapshot", Text),
        Column("fingerprint", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("choices", Text, nullable=False),
        Column("sha256", LargeBinary, nullable=False),
        Column("validators", Text, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("head", LargeBinary, nullable=False),
        Column("suspect", Text),
        Column("suspect_since", Text),
        Column("suspect_seen", Integer, nullable=False),
        Column("suspect_fingerprint", Text, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("error", Text, nullable=False),
        Column("rate_count", Float, nullable=False),
        Column("rate_hours", Float, nullable=False),
        sqlite_with_rowid=False,
    )


def evidence() -> None:
    """The records of the chain, and their bytes."""
    op.create_table(
        "snapshot",
        Column("id", Text, primary_key=True),
        Column("source", NAME, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("at", Text, nullable=False),
        Column("url", Text, nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", Text, nullable=False),
        Column("redirects", Text, nullable=False),
        Column("peer", Text),
        Column("sha256", LargeBinary, nullable=False),
        Column("provenance", Text, nullable=False),
        Column("clock", Text, nullable=False),
        Column("previous", LargeBinary, nullable=False),
        Column("record_hash", LargeBinary, nullable=False),
        Column("verdict", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("fingerprint", Text, nullable=False),
        Column("version", Integer, nullable=False),
        Column("choices", Text, nullable=False),
        UniqueConstraint("source", "seq", name="snapshot_chain"),
    )
    op.create_index("snapshot_history", "snapshot", ["source", "at"])
    op.create_table(
        "body",
        Column("source", NAME, primary_key=True),
        Column("seq", Integer, primary_key=True),
        Column("start", Integer, nullable=False),
        Column("size", Integer, nullable=False),
        Column("data", LargeBinary, nullable=False),
        ForeignKeyConstraint(["source", "seq"], ["snapshot.source", "snapshot.seq"], name="body_snapshot"),
    )


def changes() -> None:
    """What changed."""
    op.create_table(
        "change",
        Column("n", NUMBER, primary_key=True),
        Column("id", Text, nullable=False),
        Column("source", NAME, nullable=False),
        Column("at", Text, nullable=False),
        Column("last_seen", Text),
        Column("kind", Text, nullable=False),
        Column("severity", Integer, nullable=False),
        Column("subject_id", Text, nullable=False),
        Column("subject_name", Text, nullable=False),
        Column("subject_state", Text),
        Column("within", Text, nullable=False),
        Column("path", Text, nullable=False),
        Column("old", Text, nullable=False),
        Column("new", Text, nullable=False),
        Column("summary", Text, nullable=False),
        Column("snapshot", Text),
        Column("before", Text),
        Column("spans", Text, nullable=False),
        Column("returned", Boolean, nullable=False),
        UniqueConstraint("id", name="change_id"),
    )
    op.create_index("change_history", "change", ["at"])
    op.create_index("change_source", "change", ["source", "at"])


def outbox() -> None:
    """What is to be told, and to whom."""
    op.create_table(
        "alert",
        Column("id", Text, primary_key=True),
        Column("route", Text, nullable=False),
        Column("channel", Text, nullable=False),
        Column("source", NAME, nullable=False),
        Column("snapshot", Text),
        Column("at", Text, nullable=False),
        Column("changes", Text, nullable=False),
    )
    op.create_table(
        "delivery",
        Column("n", NUMBER, primary_key=True),
        Column("id", Text, nullable=False),
        Column("alert", Text, ForeignKey("alert.id", name="delivery_alert"), nullable=False),
        Column("channel", NAME, nullable=False),
        Column("part", Integer, nullable=False),
        Column("parts", Integer, nullable=False),
        Column("lines", Text, nullable=False),
        Column("created", Text, nullable=False),
        Column("due", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("repeat", Boolean, nullable=False),
        Column("receipt", Text, nullable=False),
        Column("sent_at", Text),
        UniqueConstraint("id", name="delivery_id"),
        UniqueConstraint("alert", "channel", "part", name="delivery_part"),
    )
    unsent = text("sent_at IS NULL")
    op.create_index("delivery_due", "delivery", ["due"], sqlite_where=unsent, postgresql_where=unsent)
