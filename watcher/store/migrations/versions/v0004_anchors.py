"""Hourly heads of the chains, and the time stamps of authorities on them."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Text

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Beside what is stored: a chain is anchored from now on."""
    op.create_table(
        "anchor",
        Column("n", Integer, primary_key=True, autoincrement=False),
        Column("at", Text, nullable=False),
        Column("heads", Text, nullable=False),
        Column("previous", LargeBinary, nullable=False),
        Column("digest", LargeBinary, nullable=False),
    )
    op.create_table(
        "stamp",
        Column("anchor", Integer, ForeignKey("anchor.n", name="stamp_anchor"), primary_key=True, autoincrement=False),
        Column("url", Text, primary_key=True),
        Column("due", Text),
        Column("attempts", Integer, nullable=False),
        Column("reason", Text, nullable=False),
        Column("nonce", Text, nullable=False),
        Column("token", LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
