"""Chats and their subscriptions, the inbox, who is on call; and in the outbox, lanes and what goes with a message."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Integer,
    LargeBinary,
    Text,
)

from watcher.store.tables import NAME, NUMBER

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Nothing that is stored changes; what waits in the outbox is an ordinary alert."""
    op.add_column("delivery", Column("lane", Integer, nullable=False, server_default="3"))
    op.add_column("delivery", Column("extras", Text, nullable=False, server_default="{}"))
    op.create_index("alert_source", "alert", ["source"])
    members()
    chats()
    incoming()
    rotas()
    pages()


def members() -> None:
    """Who has joined, and who may."""
    op.create_table(
        "member",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("name", Text, nullable=False),
        Column("role", Integer, nullable=False),
        Column("joined", Text, nullable=False),
        Column("by", BigInteger),
    )
    op.create_table(
        "invite",
        Column("digest", LargeBinary, primary_key=True),
        Column("role", Integer, nullable=False),
        Column("uses", Integer, nullable=False),
        Column("ends", Text, nullable=False),
        Column("by", BigInteger),
        Column("made", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def chats() -> None:
    """Where alerts go, and which."""
    op.create_table(
        "chat",
        Column("id", NAME, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("title", Text, nullable=False),
        Column("joined", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("timezone", Text, nullable=False),
        Column("digest", Text, nullable=False),
        Column("muted_until", Text),
        Column("muted_by", BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subscription",
        Column("chat", NAME, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("filter", Text, nullable=False),
        Column("mode", Text, nullable=False),
        Column("by", BigInteger),
        Column("made", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "held",
        Column("chat", NAME, primary_key=True),
        Column("change", Text, primary_key=True),
        Column("why", Text, nullable=False),
        Column("at", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def incoming() -> None:
    """What people send, what they did, and what they added or silenced."""
    op.create_table(
        "inbox",
        Column("id", BigInteger, primary_key=True, autoincrement=False),
        Column("received", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("handled", Text),
    )
    op.create_table(
        "audit",
        Column("n", NUMBER, primary_key=True),
        Column("at", Text, nullable=False),
        Column("who", BigInteger),
        Column("chat", NAME, nullable=False),
        Column("action", Text, nullable=False),
        Column("about", Text, nullable=False),
        Column("detail", Text, nullable=False),
    )
    op.create_table(
        "addition",
        Column("kind", Text, primary_key=True),
        Column("name", NAME, primary_key=True),
        Column("body", Text, nullable=False),
        Column("by", BigInteger),
        Column("made", Text, nullable=False),
        Column("undone", Text),
        Column("undone_by", BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "lease",
        Column("name", Text, primary_key=True),
        Column("holder", Text, nullable=False),
        Column("until", Text, nullable=False),
        sqlite_with_rowid=False,
    )


def rotas() -> None:
    """Who is on call."""
    op.create_table(
        "rota",
        Column("name", NAME, primary_key=True),
        Column("id", Text, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("start", Text, nullable=False),
        Column("end", Text),
        Column("by", Text, nullable=False),
        Column("made", Text, nullable=False),
        Column("cancelled", Text),
        sqlite_with_rowid=False,
    )


def pages() -> None:
    """What must be acknowledged, and who is asked when."""
    op.create_table(
        "page",
        Column("id", Text, primary_key=True),
        Column("escalation", NAME, nullable=False),
        Column("policy", Text, nullable=False),
        Column("source", NAME, nullable=False),
        Column("changes", Text, nullable=False),
        Column("severity", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("level", Integer, nullable=False),
        Column("opened", Text, nullable=False),
        Column("acked", Text),
        Column("acked_by", Text, nullable=False),
        Column("note", Text, nullable=False),
        Column("until", Text),
        Column("closed", Text),
        Column("closed_by", Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "step",
        Column("page", Text, ForeignKey("page.id", name="step_page"), primary_key=True),
        Column("turn", Integer, primary_key=True, autoincrement=False),
        Column("loop", Integer, primary_key=True, autoincrement=False),
        Column("step", Integer, primary_key=True, autoincrement=False),
        Column("due", Text, nullable=False),
        Column("state", Text, nullable=False),
        Column("target", NAME, nullable=False),
        Column("person", NAME, nullable=False),
        Column("channel", NAME, nullable=False),
        Column("fired", Text),
        Column("reason", Text, nullable=False),
        Column("alert", Text, nullable=False),
        sqlite_with_rowid=False,
    )
