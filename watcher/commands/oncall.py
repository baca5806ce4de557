"""`watcher oncall`: who is on call now and in the next weeks, and the exchanges that people agree on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from watcher import duty
from watcher.asking import Desk, Refused, complain
from watcher.commands.printing import emit, local, people, say
from watcher.core import instant
from watcher.duty import Exchange, NotPossible
from watcher.oncall.calendar import CalendarError
from watcher.oncall.rota import Shift
from watcher.store import Connection, Store

AHEAD = timedelta(weeks=4)
BY = "the command line"


def show(desk: Desk, rota: str, at: datetime | None) -> None:
    """Print who is on call at a time, and in the four weeks after it."""
    start = at or desk.clock()
    names = [_known(desk, rota)] if rota else [one.name for one in desk.config.rotas]
    if not names:
        raise Refused(f"{desk.config.path.name} has no [[rota]]: write one to say who is on call")
    calendars = _calendars(desk)
    with _synced(desk) as store:
        found = [
            (name, one) for name in names for one in store.read_sync(duty.shifts, name, start, start + AHEAD, calendars)
        ]
    if desk.json:
        for name, shift in found:
            emit(_json(name, shift))
        return
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(Column("rota", no_wrap=True), "person", "from", "until", "override", "", box=None)
    zone = desk.config.timezone
    for name, shift in found:
        now = "now" if shift.start <= start < shift.end else ""
        times = local(shift.start, zone), local(shift.end, zone)
        table.add_row(name, shift.person or "nobody", *times, shift.override, now)
    Console(file=people(desk), markup=False, highlight=False).print(table)


def _json(rota: str, shift: Shift) -> dict[str, str | None]:
    return {
        "rota": rota,
        "person": shift.person or None,
        "from": instant(shift.start),
        "until": instant(shift.end),
        "override": shift.override or None,
    }


def take(desk: Desk, person: str, rota: str, start: str, end: str) -> None:
    """Somebody takes over all between two times; without them, what is left of the shift that runs."""
    _edit(desk, rota, (person,), lambda one: one.take(person, desk.time(start), desk.time(end)))


def swap(desk: Desk, person: str, other: str, rota: str) -> None:
    """Two people exchange their next shifts."""
    _edit(desk, rota, (person, other), lambda one: one.swap(person, other))


def override(desk: Desk, person: str, rota: str, start: str, end: str, instead: str) -> None:
    """Somebody is on call between two times, in place of whoever is, or of one person alone."""
    begin, until = desk.time(start) or desk.clock(), desk.time(end) or desk.clock()
    _edit(desk, rota, (person, instead), lambda one: one.override(person, begin, until, instead))


def cancel(desk: Desk, exchange: str, rota: str) -> None:
    """An exchange holds no more."""
    _edit(desk, rota, (), lambda one: one.cancel(exchange))


def _edit(desk: Desk, rota: str, who: Sequence[str], change: Callable[[Exchange], str]) -> None:
    """Change the rota that is named, or the only one, and say what was done."""
    name = _one(desk, rota)
    for person in filter(None, who):
        _person(desk, person)
    calendars = _calendars(desk)

    def edit(conn: Connection) -> str:
        return change(Exchange(conn, name, BY, desk.clock(), calendars))

    with _synced(desk) as store:
        try:
            say(desk, store.run_sync(edit))
        except NotPossible as error:
            raise Refused(str(error)) from error


def _calendars(desk: Desk) -> duty.Calendars:
    """The calendars that are files beside config.toml; what stands at an address is fetched by the service alone."""
    found = {}
    for one in desk.config.rotas:
        if one.calendar.startswith(("http://", "https://")):
            complain(f"rota {one.name}: the service reads its calendar, this command does not")
        elif one.calendar:
            try:
                content = (desk.config.path.parent / one.calendar).read_bytes()
                read = duty.calendar(desk.config, one.name, content, desk.clock())
            except (OSError, CalendarError) as error:
                raise Refused(f"rota {one.name}: {one.calendar}: {error}") from error
            if read.unknown:
                complain(f"rota {one.name}: events of its calendar that name nobody: {', '.join(read.unknown)}")
            found[one.name] = read.events
    return found


@contextmanager
def _synced(desk: Desk) -> Iterator[Store]:
    """The store, with the rotas as config.toml has them now."""
    with desk.store(writing=True) as store:
        store.run_sync(duty.sync, desk.config, desk.clock())
        yield store


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
