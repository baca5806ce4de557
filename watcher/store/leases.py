"""What one process at a time may do, by a row that whoever does it renews."""

from __future__ import annotations

import os
import secrets
import socket
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, select

from watcher.store.people_tables import lease as table
from watcher.store.tables import insert


class Lease(NamedTuple):
    """Who holds it, and until when they said so."""

    holder: str
    until: datetime


def holder() -> str:
    """Return a name for what holds a lease in this process: its machine, its number, and which it is."""
    return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"


def runs(name: str) -> bool | None:
    """Whether the process that holds a lease still runs; None where it is one of another machine."""
    host, process, _ = name.split("/")
    if host != socket.gethostname():
        return None
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it runs, and is somebody else's
    return True


def held(conn: Connection, name: str, *, changing: bool = False) -> Lease | None:
    """Return who holds a lease; `changing`: no other transaction gets it so before this one ends."""
    query = select(table.c.holder, table.c.until).where(table.c.name == name)
    row = conn.execute(query.with_for_update() if changing else query).first()
    return Lease(row.holder, row.until) if row else None


def take(conn: Connection, name: str, mine: Lease, instead: Lease | None = None) -> Lease:
    """Take or renew a lease, in place of exactly that one of somebody else's. Returns who holds it then."""
    now = held(conn, name, changing=True)
    if now is not None and now.holder != mine.holder and now != instead:
        return now
    conn.execute(insert(conn.dialect.name, table, replacing=True), {"name": name, **mine._asdict()})
    return mine


def take_free(conn: Connection, name: str, mine: Lease, now: datetime) -> bool:
    """Take or renew a lease, unless another process holds it that still runs, for all we know; whether it is ours."""
    before = held(conn, name, changing=True)
    has_ended = before is not None and (before.until <= now or runs(before.holder) is False)
    return take(conn, name, mine, before if has_ended else None).holder == mine.holder


def give_back(conn: Connection, name: str, holder: str) -> None:
    """Whoever holds it does so no more."""
    conn.execute(delete(table).where(table.c.name == name, table.c.holder == holder))
