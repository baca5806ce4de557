"""How commands print: JSON lines on standard output, or words for people; progress only on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, tzinfo
from typing import Any, TextIO

import msgspec

from watcher.asking import Desk
from watcher.core import Change, Severity

MARKS = {"first": "+", "unchanged": "=", "changed": "*", "suspect": "?", "gone": "-", "failed": "!", "refused": "!"}


def emit(value: Any) -> None:
    """Print one JSON object as one line."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def people(desk: Desk) -> TextIO:
    """Where words for people go: standard output, or standard error where that carries JSON."""
    return sys.stderr if desk.json else sys.stdout


def say(desk: Desk, text: str) -> None:
    """Print a line for people."""
    people(desk).write(text + "\n")


def local(at: datetime | None, zone: tzinfo) -> str:
    """A time as people of the desk read it: "2017-03-20 09:00 PDT"; "never" for None."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M %Z") if at else "never"


def change_line(change: Change, zone: tzinfo) -> str:
    """One stored change in one line."""
    note = " (cosmetic)" if change.severity is Severity.COSMETIC else ""
    return f"{local(change.at, zone)}  {change.source}  {change.kind}  {change.summary}{note}"


@contextmanager
def progress(desk: Desk, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error that one calls with the number of steps done; silent where that is no terminal.

    It shows itself only once the work has lasted two seconds.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    import time

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(file=sys.stderr), transient=True)
    task, started, shown = bar.add_task(what, total=total), time.monotonic(), False

    def step(done: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - started > 2:  # noqa: PLR2004 - seconds
            bar.start()
            shown = True
        bar.advance(task, done)

    try:
        yield step
    finally:
        if shown:
            bar.stop()
    del desk
