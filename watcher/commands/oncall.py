"""`watcher oncall`: who is on call now and in the next weeks, and the exchanges that people agree on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Concatenate

from watcher import duty
from watcher.asking import Desk, Refused
from watcher.commands.printing import emit, local, people, say
from watcher.core import instant
from watcher.duty import NotPossible, Turn

AHEAD = timedelta(weeks=4)
BY = "the command line"


def show(desk: Desk, rota: str, at: datetime | None) -> None:
    """Print who is on call at a time, and in the four weeks after it."""
    start = at or desk.clock()
    names = [_known(desk, rota)] if rota else [one.name for one in desk.config.rotas]
    if not names:
        raise Refused(f"{desk.config.path.name} has no [[rota]]: write one to say who is on call")
    with desk.store(writing=True) as store:
        store.run_sync(duty.sync, desk.config, desk.clock())
        turns = [turn for name in names for turn in store.read_sync(duty.turns, name, start, start + AHEAD, {})]
    _print(desk, turns, start)


def _print(desk: Desk, turns: Sequence[Turn], at: datetime) -> None:
    if desk.json:
        for turn in turns:
            emit(_json(turn))
        return
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("rota", no_wrap=True), "person", "from", "until", "override", "", box=None)
    zone = desk.config.timezone
    for turn in turns:
        now = "now" if turn.start <= at < turn.until else ""
        person = turn.person or "nobody"
        table.add_row(turn.rota, person, local(turn.start, zone), local(turn.until, zone), turn.override, now)
    Console(file=people(desk), markup=False, highlight=False).print(table)


def _json(turn: Turn) -> dict[str, Any]:
    return {
        "rota": turn.rota,
        "person": turn.person or None,
        "from": instant(turn.start),
        "until": instant(turn.until),
        "override": turn.override or None,
    }


def take(desk: Desk, person: str, rota: str, start: str, until: str) -> None:
    """Somebody takes over whatever falls between two times; without them, what is left of the shift that runs."""
    _person(desk, person)
    _edit(desk, duty.take, _one(desk, rota), person, desk.time(start), desk.time(until))


def swap(desk: Desk, person: str, other: str, rota: str) -> None:
    """Two people exchange their next shifts."""
    for name in (person, other):
        _person(desk, name)
    _edit(desk, duty.swap, _one(desk, rota), person, other)


def override(desk: Desk, person: str, rota: str, start: str, until: str, instead: str) -> None:
    """Somebody is on call between two times, in place of whoever is, or of one person alone."""
    for name in filter(None, (person, instead)):
        _person(desk, name)
    _edit(desk, duty.override, _one(desk, rota), person, desk.time(start), desk.time(until), instead)


def cancel(desk: Desk, override_id: str, rota: str) -> None:
    """An exchange holds no more."""
    _edit(desk, duty.cancel, _one(desk, rota), override_id)


def _edit(desk: Desk, change: Callable[Concatenate[Any, ...], str], *words: Any) -> None:
    with desk.store(writing=True) as store:
        store.run_sync(duty.sync, desk.config, desk.clock())
        try:
            said: str = store.run_sync(change, *words, by=BY, now=desk.clock())
        except NotPossible as error:
            raise Refused(str(error)) from error
    say(desk, said)


def _one(desk: Desk, rota: str) -> str:
    """The rota that is named, or the only one."""
    names: list[str] = [one.name for one in desk.config.rotas]
    if not rota and len(names) == 1:
        return names[0]
    if not rota:
        raise Refused(f"say which rota, with --rota NAME: there are {', '.join(names) or 'none'}")
    return _known(desk, rota)


def _known(desk: Desk, rota: str) -> str:
    names = [one.name for one in desk.config.rotas]
    if rota not in names:
        there = ", ".join(names) or "none"
        raise Refused(f"no rota is called {rota!r:.80} in {desk.config.path.name}; there are {there}")
    return rota


def _person(desk: Desk, name: str) -> None:
    names = [one.name for one in desk.config.people]
    if name not in names:
        there = ", ".join(names) or "none"
        raise Refused(f"no person is called {name!r:.80} in {desk.config.path.name}; there are {there}")
