"""A SQLite database copied whole while it is in use, put back, and looked through; PostgreSQL has tools of its own."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from watcher.store.database import located
from watcher.store.errors import SQLITE, StoreError
from watcher.store.schema import STAMP
from watcher.store.tables import HEAD

BESIDE = ("-wal", "-shm", "-journal")
MOST_TOLD = 10


def file_of(url: str) -> Path:
    """The file that a store's address names. Raises StoreError for PostgreSQL."""
    found = located(url)
    if not isinstance(found, Path):
        raise StoreError(
            "the store is in PostgreSQL: back it up with pg_dump --format=custom, and restore it with pg_restore"
        )
    return found


def backup(path: Path, target: Path, *, force: bool = False) -> int:
    """Copy the database at `path`, which may be in use, to `target`; returns its size in bytes.

    The copy is as of one moment, whole or not there. Raises StoreError, also where `target` is there, unless `force`.
    """
    _may_be_written(target, path, force=force)
    if not target.absolute().parent.is_dir():
        raise StoreError(f"{target}: its folder is not there: make it first")
    if not path.is_file():
        raise StoreError(f"{path}: there is no database here yet")
    with _part(target) as part:
        _copy(path, part)
        _sound(part, path)
        _put(part, target)
    return target.stat().st_size


def restore(path: Path, source: Path, *, force: bool = False) -> None:
    """Put the copy at `source` in the place of the database at `path`, once it was seen to be sound.

    Raises StoreError for a copy that is not, for a database that is there without `force`, or that is in use.
    """
    if not source.is_file():
        raise StoreError(f"{source}: expected a copy made by `watcher db backup`, found nothing there")
    _may_be_written(path, source, force=force)
    _sound(source, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    with _part(path) as part:
        _copy(source, part)
        _sound(part, source)
        _free(path)
        _put(part, path)


def problems(path: Path) -> list[str]:
    """Return what SQLite finds wrong with the file at `path`: its pages, its indexes, what refers to what."""
    try:
        with contextlib.closing(_opened(path)) as conn:
            found = [str(row[0]) for row in conn.execute(f"PRAGMA integrity_check({MOST_TOLD})") if row[0] != "ok"]
            rows = conn.execute("PRAGMA foreign_key_check").fetchmany(MOST_TOLD)
            return found + [f"row {row[1]} of {row[0]} refers to a {row[2]} that is not there" for row in rows]
    except sqlite3.Error as error:
        return [str(error)]


def _may_be_written(target: Path, other: Path, *, force: bool) -> None:
    if target.exists() and other.exists() and target.samefile(other):
        raise StoreError(f"{target}: is the same file as {other}")
    if target.is_dir():
        raise StoreError(f"{target}: is a folder: name a file in it")
    if target.exists() and not force:
        raise StoreError(f"{target}: is there already: name another path, or overwrite it with --force")


def _sound(path: Path, named: Path) -> None:
    """Raises StoreError unless `path` is an undamaged database of this program, of a version that it knows."""
    if found := problems(path):
        raise StoreError(f"{named}: is damaged, or no database: {'; '.join(found)}")
    with contextlib.closing(_opened(path)) as conn:
        try:
            stamp = str(conn.execute(f"SELECT version_num FROM {STAMP}").fetchone()[0])  # noqa: S608 - a constant
            conn.execute("SELECT 1 FROM snapshot LIMIT 1")
        except (sqlite3.Error, TypeError):
            raise StoreError(f"{named}: is not a database of watcher") from None
    if stamp > HEAD:
        raise StoreError(f"{named}: made by a newer watcher (schema {stamp}, known up to {HEAD})")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)


@contextlib.contextmanager
def _part(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to first, gone in the end whatever happens."""
    part = target.with_name(f".{target.name}.part")
    _unlink(part)
    try:
        yield part
    except OSError as error:
        raise StoreError(f"{target}: cannot be written: {error.strerror}") from error
    finally:
        _unlink(part)


def _unlink(path: Path) -> None:
    for ending in ("", *BESIDE):
        path.with_name(path.name + ending).unlink(missing_ok=True)


def _put(part: Path, target: Path) -> None:
    """Put `part` in the place of `target`, on the disk before anything of it is said."""
    for ending in BESIDE:
        target.with_name(target.name + ending).unlink(missing_ok=True)
    for path in (part, part.parent):
        number = os.open(path, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    part.replace(target)


def _free(path: Path) -> None:
    """Raises StoreError where another process has the database at `path` open: only alone may one leave the WAL."""
    if not path.exists():
        return
    with contextlib.closing(sqlite3.connect(path, timeout=1)) as conn:
        try:
            conn.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as error:
            raise StoreError(f"{path}: is in use: stop watcher first ({error})") from error
        except sqlite3.DatabaseError:
            return  # damaged, which is why it is replaced


def _copy(path: Path, part: Path) -> None:
    """Copy a database in one step, so that it is as of one moment, into one file with nothing beside it."""
    try:
        with contextlib.closing(_opened(path)) as old, contextlib.closing(sqlite3.connect(part)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.Error as error:
        text = SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, "cannot be copied")
        raise StoreError(f"{path}: {text} ({error})") from error
