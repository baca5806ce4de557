"""`watcher backfill`: old captures from a folder or archive into the history."""

from __future__ import annotations

from pathlib import Path

from watcher import backfill as filling
from watcher.app import running
from watcher.asking import Desk, Refused
from watcher.captures import CaptureError, opened
from watcher.commands.printing import emit, progress, say
from watcher.core import Source


async def backfill(desk: Desk, source: Source, start: Path) -> None:
    """Take the captures at `start` in. Raises Refused where one of them cannot be."""
    try:
        with opened(start) as captures, desk.store(writing=True) as store:
            async with running(desk.config, store, clock=desk.clock, given=desk.given is not None) as app:
                with progress(desk, "captures", len(captures)) as step:
                    done = await filling.backfill(app.parts, source, app.state(source), captures, progress=step)
    except CaptureError as error:
        raise Refused(str(error)) from error
    if desk.json:
        emit({"source": source.name, **done._asdict()})
    else:
        say(
            desk,
            f"{source.name}: {done.captures:,} captures, {done.stored:,} stored, {done.suspect:,} of them suspect; "
            f"{done.changes:,} changes found (watcher history {source.name})",
        )
