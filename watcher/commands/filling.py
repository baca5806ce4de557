"""`watcher backfill`: old captures from a folder, a tar archive or a web archive into the history."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from watcher import backfill as filling
from watcher.app import App, running
from watcher.asking import Desk, Refused
from watcher.backfill import Backfilled
from watcher.captures import CaptureError, Old, opened
from watcher.commands.printing import emit, local, progress, say
from watcher.core import Source, instant
from watcher.wayback import Gap, Wayback

WAYBACK = "wayback"


async def backfill(
    desk: Desk, source: Source, start: str, *, since: datetime | None = None, until: datetime | None = None
) -> None:
    """Take the captures in that `start` has between the two times. Raises Refused where they cannot be had."""
    try:
        if start == WAYBACK:
            await _from_wayback(desk, source, since, until)
            return
        with opened(Path(start)) as captures, desk.store(writing=True) as store:
            async with running(desk.config, store, clock=desk.clock, given=desk.given is not None) as app:
                done = await _filled(desk, app, source, captures.within(since, until))
    except CaptureError as error:
        raise Refused(str(error), code=1 if start == WAYBACK else 2) from error
    _tell(desk, source, done)


async def _from_wayback(desk: Desk, source: Source, since: datetime | None, until: datetime | None) -> None:
    with desk.store(writing=True) as store:
        async with running(desk.config, store, clock=desk.clock, given=desk.given is not None) as app:
            archive = Wayback(app.parts.fetch, source, desk.config.backfill.wayback.rstrip("/"))
            await archive.search(since, until)
            done = await _filled(desk, app, source, archive)
    gaps = archive.gaps()
    told = [{"from": instant(gap.since), "until": instant(gap.until)} for gap in gaps]
    _tell(desk, source, done, failed=archive.failed, unusable=archive.unusable, gaps=told)
    if not desk.json and (archive.failed or archive.unusable):
        say(desk, f"  {archive.failed:,} were not brought, {archive.unusable:,} are errors and block pages")
    if not desk.json and gaps:
        say(desk, f"  nobody saw the page {'; '.join(_span(desk, gap) for gap in gaps)}")


async def _filled(desk: Desk, app: App, source: Source, captures: Old) -> Backfilled:
    with progress(desk, "captures", len(captures)) as step:
        return await filling.backfill(app.parts, source, app.state(source), captures, progress=step)


def _tell(desk: Desk, source: Source, done: Backfilled, **more: Any) -> None:
    if desk.json:
        emit({"source": source.name, **done._asdict(), **more})
    else:
        say(
            desk,
            f"{source.name}: {done.captures:,} captures, {done.stored:,} stored, {done.suspect:,} of them suspect; "
            f"{done.changes:,} changes found (watcher history {source.name})",
        )


def _span(desk: Desk, gap: Gap) -> str:
    zone = desk.config.timezone
    return f"from {local(gap.since, zone)} to {local(gap.until, zone)}"
