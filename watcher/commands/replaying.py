"""`watcher replay`: the stored history as it was told, or what another configuration would have told of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

from watcher.app import running, with_additions
from watcher.asking import Desk, Refused
from watcher.commands.printing import change_line, emit, local, people, progress, say
from watcher.commands.reading import known
from watcher.config import Config, ConfigError, load
from watcher.core import Notifier, Sent, Severity
from watcher.pool import Pool
from watcher.replay.messages import Once, Pace, kept, marked, send, text_of, told_json
from watcher.replay.report import compared_json, page
from watcher.replay.rules import LOST, SAME, SORTS, Compared, Counts
from watcher.replay.trial import Chosen, Trial
from watcher.store import Connection, Store, changes, replays
from watcher.store.replays import Told

EXAMPLES = 5
"""Of each sort, for each recipient, in the table."""
EXAMPLES_REPORTED = 100
SEVERITIES = {severity.label: severity for severity in Severity}


async def run(
    desk: Desk,
    name: str,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    to: str = "",
    speed: float | None = None,
    new: Path | None = None,
    only_lost: str = "",
    report: Path | None = None,
) -> int:
    """Do what the words of the command ask for; returns the exit code. Raises Refused where they do not agree."""
    if new is None and (only_lost or report):
        raise Refused("--only-lost and --report compare two configurations: name the other with --config-new FILE")
    if speed is not None and not 0 < speed < math.inf:
        raise Refused(f"--speed: expected a number above 0, as in --speed 3600, found {speed:g}")
    if new is not None and (to or speed):
        raise Refused("--config-new compares and tells nobody: expected neither --to nor --speed with it")
    chosen = Chosen(known(desk, name) if name else "", since, until)
    if new is not None:
        return await trial(desk, chosen, new, only_lost=only_lost, report=report)
    return await replay(desk, chosen, to=to, pace=Pace(speed) if speed else None)


async def replay(desk: Desk, chosen: Chosen, *, to: str = "", pace: Pace | None = None) -> int:
    """Print what was told, in order; with `to`, send it there, too. Returns the exit code: 1 where a send failed."""
    known = [channel.name for channel in desk.config.channels]
    if to and to not in known:
        raise Refused(f"no channel is called {to!r:.80} in {desk.config.path.name}; there are {', '.join(known)}")
    with desk.store() as store:
        count = store.read_sync(_count, chosen)
        if not count:
            say(desk, "no stored change matches")
            return 0
        if to or pace:
            return await _played(desk, store, chosen, to, pace or Pace())
        once = Once()
        with _bar(desk, "changes", count, printing=True) as step:

            def take(told: Told) -> None:
                _print(desk, told, first=once(told))
                step(1)

            store.read_sync(_each, chosen, take)
    return 0


def _query(chosen: Chosen) -> Any:
    names = [chosen.name] if chosen.name else None
    return changes.chosen(sources=names, since=chosen.since, until=chosen.until)


def _each(conn: Connection, chosen: Chosen, take: Callable[[Told], object]) -> None:
    for told in replays.replayed(conn, _query(chosen)):
        take(told)


def _count(conn: Connection, chosen: Chosen) -> int:
    return replays.count(conn, _query(chosen))


def _bar(desk: Desk, what: str, total: int, *, printing: bool) -> AbstractContextManager[Callable[[int], None]]:
    """A bar, unless what is printed meanwhile runs over the same terminal."""
    if printing and sys.stdout.isatty():
        return nullcontext(lambda _: None)
    return progress(desk, what, total)


async def _played(desk: Desk, store: Store, chosen: Chosen, to: str, pace: Pace) -> int:
    """At its pace, and to a channel, if one is named."""
    with kept(lambda put: store.read_sync(_each, chosen, put)) as played:
        if not to:
            await _paced(desk, played, None, pace)
            return 0
        async with running(desk.config, store, clock=desk.clock, out=people(desk)) as app:
            failed = await _paced(desk, played, app.channels(to), pace)
    if failed:
        say(desk, f"{failed:,} message(s) of the replay could not be sent to {to}")
    return int(failed > 0)


async def _paced(desk: Desk, played: Iterable[Told], notifier: Notifier | None, pace: Pace) -> int:
    """Print each, and send each message once; returns how many could not be sent."""
    once, failed = Once(), 0
    async for told in pace.timed(played):
        first = once(told)
        if notifier is None or desk.json or told.sent is None:
            _print(desk, told, first=first)
        if notifier is None or told.sent is None or not first:
            continue
        for message in marked(told, notifier, desk.config.timezone):
            failed += not isinstance(await send(notifier, message, pace), Sent)
    return failed


def _print(desk: Desk, told: Told, *, first: bool) -> None:
    """As JSON each part of a message stands with all its changes; people read it once."""
    if desk.json:
        emit(told_json(told))
    elif told.sent is None:
        say(desk, f"{change_line(told.change, desk.config.timezone)} (nobody was told)\n")
    elif first:
        at, sent = local(told.sent.sent_at, desk.config.timezone), told.sent
        part = f", part {sent.part} of {sent.parts}" if sent.parts > 1 else ""
        say(desk, f"{at}  to {sent.channel} by {told.route}{part}:\n{text_of(sent)}\n")


# ---------------------------------------------------------------- another configuration


async def trial(desk: Desk, chosen: Chosen, path: Path, *, only_lost: str = "", report: Path | None = None) -> int:
    """Compare what both configurations tell; returns the exit code: 1 where `only_lost` finds an alert that is lost."""
    if only_lost and only_lost not in SEVERITIES:
        raise Refused(f"--only-lost: expected {', '.join(SEVERITIES)}, found {only_lost!r:.40}")
    new = _loaded(path)
    counts = Counts(EXAMPLES_REPORTED if report else EXAMPLES)

    def take(one: Compared) -> None:
        if only_lost and not (one.alert == LOST and one.change.severity >= SEVERITIES[only_lost]):
            return
        counts.add(one)
        if desk.json:
            emit(compared_json(one))

    with desk.store() as store:
        old, new = with_additions(desk.config, store), with_additions(new, store)
        begun = Trial.begin(store, chosen, old, new)
        async with Pool() as pool:
            with _bar(desk, "captures", begun.captures, printing=desk.json) as step:
                missing = await begun.run(pool, take, step)
    sorts = (LOST,) if only_lost else SORTS
    count = f"{missing:,} capture{'' if missing == 1 else 's'} without bytes"
    note = f"{count}: what was found beside such a one stays as it is stored" if missing else ""
    if report:
        _write(report, page(counts, sorts, path.name, desk.config.timezone, note))
    elif not desk.json:
        _print_table(desk, counts, sorts)
    if note:
        say(desk, note)
    return int(bool(only_lost) and counts.total(LOST) > 0)


def _loaded(path: Path) -> Config:
    try:
        return load(path)
    except ConfigError as error:
        raise Refused(str(error)) from error


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise Refused(f"--report: {path} cannot be written: {error.strerror}") from None


def _print_table(desk: Desk, counts: Counts, sorts: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not counts.counts:
        say(desk, "no alert is lost" if sorts == (LOST,) else "nobody is told of anything under either configuration")
        return
    table = Table("recipient", *sorts, box=None)
    for to in sorted(counts.counts):
        table.add_row(to, *(f"{counts.counts[to][sort]:,}" for sort in sorts))
    Console(file=people(desk), markup=False, highlight=False).print(table)
    for to in sorted(counts.counts):
        for sort in (sort for sort in sorts if sort != SAME):
            _print_examples(desk, counts, to, sort)


def _print_examples(desk: Desk, counts: Counts, to: str, sort: str) -> None:
    examples = counts.examples(to, sort)
    if not examples:
        return
    say(desk, f"\n{sort} for {to}:")
    for one in examples:
        say(desk, f"  {change_line(one.change, desk.config.timezone)} ({one.route})")
    if left := counts.counts[to][sort] - len(examples):
        say(desk, f"  … and {left:,} more (--json lists them all)")
