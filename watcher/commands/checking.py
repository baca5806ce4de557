"""`watcher check` and `watcher run`: look at pages, deliver what results, say how it went."""

from __future__ import annotations

import asyncio
import sys
import time

from watcher.app import App, Tell, running
from watcher.asking import Desk, Refused
from watcher.commands.printing import MARKS, emit, local, progress, say
from watcher.config import Telegram
from watcher.core import Source
from watcher.pipeline import Checked
from watcher.store import Store, StoreError


async def check(desk: Desk, names: list[str], *, everything: bool) -> int:
    """Check once; returns the exit code."""
    wanted = [desk.source(name) for name in dict.fromkeys(names)]
    with desk.store(writing=True) as store:
        try:
            return await _check(desk, store, wanted, everything=everything)
        except* StoreError as group:
            raise Refused(str(group.exceptions[0]), code=1) from None


async def _check(desk: Desk, store: Store, wanted: list[Source], *, everything: bool) -> int:
    out = sys.stderr if desk.json else sys.stdout
    async with running(desk.config, store, clock=desk.clock, given=desk.given is not None, out=out) as app:
        wanted = wanted or (app.sources if everything else app.due(desk.clock()))
        if not wanted:
            _nothing_due(desk, app)
        failed = 0
        with progress(desk, "checking", len(wanted)) as step:

            def tell(source: Source, checked: Checked) -> None:
                nonlocal failed
                failed += checked.outcome in {"failed", "refused"}
                step(1)
                _tell(desk, source, checked)

            await app.check(wanted, tell)
        delivered = await app.deliver()
    if delivered.waiting or delivered.dead:
        say(desk, f"{delivered.waiting + delivered.dead} message(s) could not be delivered: see `watcher doctor`")
    return int(failed > 0 or delivered.waiting > 0 or delivered.dead > 0)


def _tell(desk: Desk, source: Source, checked: Checked) -> None:
    if desk.json:
        from watcher.wire import change_json

        emit(
            {
                "source": source.name,
                "outcome": checked.outcome,
                "snapshot": checked.snapshot,
                "changes": [change_json(change) for change in checked.changes],
                "error": checked.error or None,
            }
        )
        return
    what = f"{MARKS[checked.outcome]} {source.name}: {checked.outcome}"
    if checked.outcome == "first":
        what += f", {checked.state.records} records" if checked.state.records else ", baseline taken"
    if checked.changes:
        what += f", {len(checked.changes)} change{'s' if len(checked.changes) != 1 else ''}"
    say(desk, what + (f" ({checked.error})" if checked.error else ""))


def _nothing_due(desk: Desk, app: App) -> None:
    if not desk.config.sources:
        say(desk, f"{desk.config.path.name} watches nothing yet: add a [[source]]")
        return
    due = min((when, source.name) for source in app.sources if (when := app.state(source).next_check))
    say(desk, f"nothing is due; {due[1]} is next, at {local(due[0], desk.config.timezone)} (--all checks now)")


async def serve(desk: Desk, stop: asyncio.Event) -> None:
    """The service, until `stop`."""
    import structlog

    from watcher import service

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    log = structlog.get_logger()
    if desk.config.contact.endswith("@example.org"):
        log.warning("set [watcher].contact to an address of yours, so that a site can reach you")

    def tell(source: Source, checked: Checked) -> None:
        log.info(
            "checked", source=source.name, outcome=checked.outcome, changes=len(checked.changes), error=checked.error
        )

    with desk.store(writing=True) as store:
        async with running(desk.config, store, clock=desk.clock) as app:
            log.info("watching", sources=len(desk.config.sources), state=str(desk.config.state))
            telegram = app.config.telegram
            if telegram is None:
                await service.serve(app, stop, tell)
            else:
                await _with_bot(app, telegram, stop, tell)
            log.info("stopped")


async def _with_bot(app: App, telegram: Telegram, stop: asyncio.Event, tell: Tell) -> None:
    """The service with the bot beside it. Raises Refused where the bot cannot go on."""
    from watcher import service
    from watcher.bot import serving
    from watcher.bot.telegram import BotStopped

    app.passed["poller"] = None

    def polled() -> None:
        app.passed["poller"] = time.monotonic()

    try:
        await service.serve(app, stop, tell, [lambda ended: serving.run(app, telegram, ended, polled)])
    except* BotStopped as group:
        raise Refused(str(group.exceptions[0]), code=1) from None
