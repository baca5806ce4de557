"""The service: checks what is due, sends what waits, and does its chores, until it is told to stop.

Above app, whose parts it drives, each in a task of its own, so that nothing slow holds up the rest.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from watcher import pipeline
from watcher.app import App, Tell
from watcher.chores import Chores
from watcher.core import Source
from watcher.delivery import Flying
from watcher.folding import HOLD
from watcher.sender import Sender
from watcher.store import StoreError

log = logging.getLogger(__name__)

TICK = 1.0
"""Seconds between two looks at what is due."""
TROUBLE = 30.0
"""Seconds that a task waits where the store could not be written."""
GRACE = 10.0
"""Seconds that what is under way gets to end when the service is told to stop."""


Beside = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Something else that runs as long as the service, until the event is set."""


async def serve(app: App, stop: asyncio.Event, tell: Tell, beside: Sequence[Beside] = ()) -> None:
    """Run until `stop`; then let what is under way end. `beside` are others that run as long, such as the bot."""
    app.dispatch.hold = HOLD
    passed = app.passed
    passed |= {"fetch": None, "store": None}
    chores = Chores(app)
    flying: Flying = {}
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_check(app, stop, tell, passed)),
            group.create_task(_again(stop, TICK, lambda: _write(app, passed, flying))),
            *(group.create_task(_again(stop, chore.every, chore.work)) for chore in chores.all()),
            *(group.create_task(other(stop)) for other in beside),
        ]
        if app.sender is not None:
            tasks.append(group.create_task(_send(app.sender, stop, passed)))
        await stop.wait()
        _, late = await asyncio.wait([*tasks, *flying.values()], timeout=GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*flying.values(), return_exceptions=True)
    with contextlib.suppress(StoreError):
        await _write(app, passed, None)


async def _check(app: App, stop: asyncio.Event, tell: Tell, passed: dict[str, float | None]) -> None:
    """Start each check when it is due, as many at a time as config allows."""
    under_way: dict[str, asyncio.Task[None]] = {}

    async def one(source: Source) -> None:
        try:
            tell(source, await app.check_one(source))
        finally:
            under_way.pop(source.name, None)

    async with asyncio.TaskGroup() as group:
        while not stop.is_set():
            room = app.config.fetch.concurrency - len(under_way)
            passed["fetch"] = time.monotonic()
            for source in [due for due in app.due(app.parts.now()) if due.name not in under_way][:room]:
                under_way[source.name] = group.create_task(one(source))
            await either(stop, TICK)


async def _write(app: App, passed: dict[str, float | None], flying: Flying | None) -> None:
    """Store the checks that wait, and send what is due to channels of one recipient, each beside the others."""
    await pipeline.flush(app.parts)
    passed["store"] = time.monotonic()
    await app.deliver_channels(flying)


async def _send(sender: Sender, stop: asyncio.Event, passed: dict[str, float | None]) -> None:
    """Send what waits for chats, whenever rows were written or are due."""

    def passing() -> None:
        passed["sender"] = time.monotonic()

    sender.passing = passing
    try:
        while not stop.is_set():
            await _guarded(lambda: sender.drain(stop))
            woken = asyncio.create_task(sender.woken.wait())
            await either(stop, TICK, woken)
            woken.cancel()
    finally:
        await _guarded(sender.let_go)


async def _again(stop: asyncio.Event, every: float, work: Callable[[], Awaitable[object]]) -> None:
    while not stop.is_set():
        await either(stop, every if await _guarded(work) else TROUBLE)


async def _guarded(work: Callable[[], Awaitable[object]]) -> bool:
    """Do it; whether the store could keep it. What it could not keep waits, and is done later."""
    could = True
    try:
        await work()
    except* StoreError as group:
        log.warning("%s", group.exceptions[0])
        could = False
    return could


async def either(stop: asyncio.Event, seconds: float, other: asyncio.Task[object] | None = None) -> None:
    """Wait for `stop`, or for what is `other`, at most so many seconds."""
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([waiting, *([other] if other else [])], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
