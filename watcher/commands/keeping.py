"""`watcher db backup`, `restore` and `check`: the store copied, put back, and looked through."""

from __future__ import annotations

from pathlib import Path

from watcher.asking import Desk, Refused
from watcher.commands.printing import say
from watcher.commands.proving import verify
from watcher.store import StoreError, backups


def backup(desk: Desk, target: Path, *, force: bool) -> None:
    """Copy the store to `target`, in use or not. Raises Refused."""
    try:
        size = backups.backup(backups.file_of(desk.config.database_url), target, force=force)
    except StoreError as error:
        raise Refused(str(error), code=1) from error
    say(desk, f"{target}: {size:,} bytes, sound")


def restore(desk: Desk, source: Path, *, force: bool) -> None:
    """Put a copy in the place of the store. Raises Refused."""
    try:
        path = backups.file_of(desk.config.database_url)
        backups.restore(path, source, force=force)
    except StoreError as error:
        raise Refused(str(error), code=1) from error
    say(desk, f"{path}: restored from {source}; `watcher db check` looks through all that it holds")


def check(desk: Desk) -> int:
    """Look through the database, then follow all chains; returns the exit code."""
    try:
        found = backups.problems(backups.file_of(desk.config.database_url))
    except StoreError:
        found = []  # PostgreSQL looks after its own pages
    for one in found:
        say(desk, f"BAD  {one}")
    return max(int(bool(found)), verify(desk, "", stamped=False, head=""))
