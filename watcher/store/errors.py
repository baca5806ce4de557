"""What the store raises, and how the errors of a database become texts that name it and say what to do."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError

SQLITE = {
    sqlite3.SQLITE_FULL: "disk full: free some space; nothing of this step was stored",
    sqlite3.SQLITE_IOERR: "disk full or failing: nothing of this step was stored",
    sqlite3.SQLITE_BUSY: "locked: another process has held the database for a minute; stop it, or wait for it",
    sqlite3.SQLITE_CORRUPT: "the database is damaged: restore a backup",
    sqlite3.SQLITE_NOTADB: "this file is not a database: name another path, or move the file away",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened: check the path and its permissions",
    sqlite3.SQLITE_READONLY: "is read-only: check the permissions of the file and of its folder",
}
POSTGRESQL = {
    "53100": "disk full: free some space on the database server; nothing of this step was stored",
    "3D000": "there is no such database: create it first",
    "28P01": "the password was refused",
}


class StoreError(Exception):
    """The store cannot do what was asked; the text names the database and says what to do."""


class NotStored(StoreError):  # noqa: N818 - the name is the message
    """What was asked for by its id is not stored."""


class Corrupt(StoreError):  # noqa: N818 - as above
    """Stored evidence is not what was stored: its `source` and `snapshot` (an id)."""

    def __init__(self, source: str, snapshot: str, what: str) -> None:
        super().__init__(f"{source}: snapshot {snapshot} is damaged: {what}")
        self.source = source
        self.snapshot = snapshot


class Thinned(NotStored):
    """The bytes of an old snapshot were thinned, as [retention] asks; its record and its digest are kept."""

    def __init__(self, source: str, snapshot: str, sha256: str) -> None:
        super().__init__(
            f"{source}: the bytes of snapshot {snapshot} were thinned by [retention]; its record is kept: "
            f"their SHA-256 was {sha256}"
        )


def sqlite_code(error: DBAPIError) -> int:
    """SQLite's primary result code of `error`, 0 where it is not SQLite's."""
    return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF


def explained(error: DBAPIError, name: str) -> StoreError:
    """`error` as a StoreError that names the database."""
    text = SQLITE.get(sqlite_code(error)) or POSTGRESQL.get(getattr(error.orig, "sqlstate", None) or "")
    return StoreError(f"{name}: {text} ({error.orig})" if text else f"{name}: {error.orig}")
