"""`watcher doctor` and `watcher db upgrade`: is everything there that a check needs?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from watcher.asking import Desk, Refused, complain
from watcher.commands.printing import say
from watcher.core import NotReadable, Source
from watcher.store import outbox, queue, sources

LATELY = timedelta(days=1)
SAID = {"wait": "to be tried again", "dead": "dead"}
MOST = {0: 10.0, 1: 10.0}
"""By lane, the seconds that a message may wait."""


class Finding(NamedTuple):
    """One thing looked at: what, whether it is well, and what was found."""

    what: str
    well: bool
    found: str


def doctor(path: Path) -> int:
    """Look at everything and print what was found; returns the exit code."""
    try:
        desk = Desk.begin(path)
    except Refused as refused:
        complain(str(refused))
        return refused.code
    findings = list(_findings(desk))
    for finding in findings:
        say(desk, f"{'ok  ' if finding.well else 'BAD '} {finding.what}: {finding.found}")
    return int(not all(finding.well for finding in findings))


def _findings(desk: Desk) -> Iterator[Finding]:
    config = desk.config
    yield Finding(
        "configuration", True, f"{config.path.name}, {len(config.sources)} sources, {len(config.channels)} channels"
    )
    reachable = not config.contact.endswith("@example.org")
    yield Finding(
        "contact", reachable, config.contact + ("" if reachable else " is the example: set [watcher].contact")
    )
    yield from _store(desk)
    yield _tried("child processes", _children)
    if any(source.render for source in config.sources):
        yield _tried("browser", _browser)
    for channel in config.channels:
        yield _tried(f"channel {channel.name}", partial(_notifier, channel.kind))


def _store(desk: Desk) -> Iterator[Finding]:
    try:
        with desk.store() as store:
            yield Finding("store", True, store.name)
            for warning in store.warnings:
                yield Finding("store", False, warning)
            now = desk.clock()
            states = store.read_sync(sources.states).values()
            troubles = store.read_sync(outbox.troubles, now - LATELY)
            standing = store.read_sync(queue.standing, now, now - LATELY) if desk.config.telegram else None
    except Refused as refused:
        yield Finding("store", False, str(refused))
        return
    troubled = [f"{state.name} ({state.state}: {state.error})" for state in states if state.error]
    yield Finding("sources", not troubled, "; ".join(troubled) or f"{len(states)} checked so far, none in trouble")
    said = "; ".join(f"{count} {SAID[state]}: {reason}" for state, reason, count in troubles)
    yield Finding("outbox", not troubles, said or "nothing waits for another attempt, and nothing died in the last day")
    if standing is not None:
        yield _chats(standing, now)


def _chats(standing: queue.Standing, now: datetime) -> Finding:
    """Whether chats are written to in time; pings of who is on call may not wait."""
    waits = {lane: (now - oldest).total_seconds() for lane, oldest in standing.lanes.items()}
    late = any(seconds > MOST[lane] for lane, seconds in waits.items() if lane in MOST)
    lanes = "".join(f", lane {lane} waits for {seconds:.0f} s" for lane, seconds in waits.items())
    return Finding(
        "chats", not late, f"{standing.disabled} disabled, {standing.repeats} repeats in the last day{lanes}"
    )


def _tried(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except (LookupError, NotReadable, OSError) as error:
        return Finding(what, False, str(error))


def _children() -> str:
    """Read a small page in a child of the pool."""
    from datetime import UTC, datetime

    from watcher.core import Capture
    from watcher.pool import Pool

    body = b"<title>a page</title><p>that can be read</p>"
    source = Source("doctor", "page", "https://example.org/")
    capture = Capture("doctor", "page", "", datetime.now(UTC), source.url, 200, "text/html", body)

    async def read() -> int:
        async with Pool(size=1) as pool:
            return len((await pool.read(source, capture, {})).blocks)

    return f"read a page of {asyncio.run(read())} block"


def _browser() -> str:
    """Start the browser that pages with `render` are shown in."""
    from watcher.fetch.chromium import version

    return asyncio.run(version())


def _notifier(kind: str) -> str:
    from watcher import plugins

    plugins.notifier(kind)
    return f"{kind} is installed"


def upgrade(desk: Desk) -> None:
    """Open the store, which upgrades it, and say what it is now."""
    with desk.store() as store:
        say(desk, store.name)
