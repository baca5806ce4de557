"""Connections to the two databases, set up as durability asks: SQLite in WAL with full syncs, PostgreSQL likewise."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from watcher.store.errors import StoreError, sqlite_code

BUSY = 10
"""Seconds that SQLite waits for another process's lock, at each of TRIES."""
TRIES = 6
TRIES_A_SECOND = 20
FIXED = (3, 51, 3)
"""SQLite's WAL-reset fault (3.7.0 to 3.51.2; 3.52.0 was withdrawn) is mended from here on."""
WITHDRAWN = (3, 52, 0)

COMMON = (f"busy_timeout={BUSY * 1000}", "foreign_keys=ON", "mmap_size=0", "trusted_schema=OFF", "cell_size_check=ON")
WRITING = ("page_size=1024", "journal_mode=WAL", "synchronous=FULL")
"""The page size counts when a file is made: each table takes a page at least, and most of them begin empty."""
POSTGRESQL = {
    True: "-c synchronous_commit=on",
    False: "-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read",
}


def sqlite(path: Path, *, write: bool, connections: int) -> Engine:
    """An engine for the file at `path`: each transaction of the writing one holds the write lock from its start."""
    address = f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}"

    def connect() -> sqlite3.Connection:
        conn = sqlite3.connect(address, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False)
        conn.text_factory = _text
        for pragma in (*COMMON, *(WRITING if write else ())):
            _set(conn, pragma)
        return conn

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
    )
    event.listen(engine, "begin", _begin_writing if write else _begin_reading)
    return engine


def postgresql(url: URL, *, write: bool, connections: int) -> Engine:
    """An engine for `url`, by psycopg. Raises StoreError where psycopg is not installed."""
    options = " ".join(filter(None, (str(url.query.get("options", "")), POSTGRESQL[write])))
    try:
        return create_engine(
            url.set(drivername="postgresql+psycopg"),
            connect_args={"options": options, "connect_timeout": BUSY},
            pool_size=connections,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
    except ModuleNotFoundError as error:
        raise StoreError("PostgreSQL needs psycopg: pip install 'watcher[postgres]'") from error


def warnings() -> tuple[str, ...]:
    """What is to be said of the SQLite library that this Python is linked with."""
    version = sqlite3.sqlite_version_info
    if version >= FIXED and version != WITHDRAWN:
        return ()
    fault = f"SQLite {sqlite3.sqlite_version} can damage a database when two processes write at once (fixed in 3.51.3)"
    return (f"{fault}: let only one watcher write to this file, and update Python or SQLite",)


def _set(conn: sqlite3.Connection, pragma: str) -> None:
    """Set a pragma. SQLite does not wait for another process that switches a new file to WAL just now, so we do."""
    for _ in range(BUSY * TRIES_A_SECOND):
        try:
            conn.execute(f"PRAGMA {pragma}").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(1 / TRIES_A_SECOND)
        else:
            return
    conn.execute(f"PRAGMA {pragma}").close()


def _text(stored: bytes) -> str:
    """Damaged text is still text: that it is not what was stored is found by its hash, which says where."""
    return stored.decode(errors="replace")


def _begin_writing(conn: Connection) -> None:
    for _ in range(TRIES - 1):
        try:
            conn.exec_driver_sql("BEGIN IMMEDIATE")
        except OperationalError as error:
            if sqlite_code(error) != sqlite3.SQLITE_BUSY:
                raise
        else:
            return
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(conn: Connection) -> None:
    conn.exec_driver_sql("BEGIN")
