"""What was seen, what changed, what is to be told: kept in SQLite or PostgreSQL, below the pipeline.

`Store.run` and `Store.read` call the functions of `sources`, `snapshots`, `screenshots`, `changes` and `outbox`.
"""

from __future__ import annotations

from sqlalchemy import Connection

from watcher.store.database import Store
from watcher.store.errors import Corrupt, NotStored, StoreError, Thinned

__all__ = ["Connection", "Corrupt", "NotStored", "Store", "StoreError", "Thinned"]
