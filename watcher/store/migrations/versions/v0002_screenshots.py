"""Pictures of pages that a browser has shown."""

from __future__ import annotations

from alembic import op
from sqlalchemy import Column, ForeignKey, LargeBinary, Text

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Beside the snapshots, none of which has one yet."""
    op.create_table(
        "screenshot",
        Column("snapshot", Text, ForeignKey("snapshot.id", name="screenshot_snapshot"), primary_key=True),
        Column("sha256", LargeBinary, nullable=False),
        Column("data", LargeBinary, nullable=False),
    )
