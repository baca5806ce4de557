"""[retention]: bytes that are old, or too many, are let go a few at a time; called once a day by the service."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from watcher.people import Deed
from watcher.store import Connection, Store, audit, retention
from watcher.store.retention import Old

TOGETHER = 32
"""Captures let go in one transaction, so that no check waits long for its turn."""
YOUNGEST = timedelta(days=7)
"""Bytes that are younger stay, however many there are: an alert may still be about to cite them."""
DAYS = {"d": 1, "w": 7, "y": 365.25}
UNITS = {"MiB": 1 << 20, "GiB": 1 << 30}


class Keep(NamedTuple):
    """What is kept: bytes up to an age, or so many of them, packed."""

    age: timedelta | None = None
    size: int | None = None


def keep(bodies: str) -> Keep:
    """Read `[retention] bodies`, as the configuration checks it: "", "2y", "90d" or "20 GiB"."""
    if found := re.fullmatch(r"(\d+)([dwy])", bodies):
        return Keep(age=timedelta(days=int(found[1]) * DAYS[found[2]]))
    if found := re.fullmatch(r"(\d+) (MiB|GiB)", bodies):
        return Keep(size=int(found[1]) * UNITS[found[2]])
    return Keep()


async def retention_tick(store: Store, bodies: str, now: datetime) -> int:
    """Let go of what `bodies` does not keep; returns of how many captures. Raises StoreError.

    What an alert cites, what sources are compared with, and the last capture of each chain always stay.
    """
    wanted = keep(bodies)
    if wanted == Keep():
        return 0
    before = now - max(wanted.age or YOUNGEST, YOUNGEST)
    staying = await store.read(retention.cited)
    gone, last = 0, None
    held: int | None = None
    while True:
        if wanted.size is not None:
            size = await store.read(retention.size)
            if size <= wanted.size or (held is not None and size >= held):
                return gone
        found = await store.read(retention.old, before, last, TOGETHER)
        if not found:
            return gone
        last = found[-1]
        let_go = await store.run(_thin, [one for one in found if one.id not in staying], now)
        gone += let_go
        held = size if wanted.size is not None and let_go else None


def _thin(conn: Connection, going: Sequence[Old], now: datetime) -> int:
    """Let go, and write down that it was this: bytes that are gone without it were taken."""
    if gone := retention.thin(conn, going):
        audit.put(conn, Deed(now, None, "", retention.THINNING, "", {"captures": gone}))
    return gone
