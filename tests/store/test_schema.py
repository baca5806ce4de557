"""Opening databases: new, older, newer, foreign, damaged; and that the migrations make what the tables say."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Connection

from watcher.store import Store, StoreError
from watcher.store.schema import MIGRATIONS
from watcher.store.tables import HEAD, metadata


def test_migrations_make_what_the_tables_say(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    def differences(conn: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(conn), metadata))

    assert store.read_sync(differences) == []
