"""Who is on call by the rotas that are stored: kept up to date, exchanged, handed over, and reported where they end.

For paging and the command line. The rules of rotas are those of oncall; here its values are brought from the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Any, NamedTuple

from watcher import pings
from watcher.config import Config
from watcher.core import Line, content_id, instant
from watcher.oncall.pages import Page
from watcher.people import Deed
from watcher.store import Connection, alerts, audit, rotas
from watcher.store.rotas import OVERRIDE, VERSION, Kept

AHEAD = timedelta(minutes=15)
"""How long before the end of a shift both people are told, where pages stand."""
HORIZON = timedelta(days=30)
"""How far ahead gaps are looked for."""
LONGEST = timedelta(days=366)
SECOND = timedelta(seconds=1)
HANDOFF, GAPS = "handoff", "rota-gaps"
"""Routes of the messages to people who hand over, and to the operator where nobody is on."""

Calendars = Mapping[str, Any]
"""The calendars of those rotas that have one, as oncall.calendar reads them, by the rota's name."""
Write = Callable[[str, str, str, Sequence[Line]], None]
"""Writes a message: to a channel, of which route, with which key (the same is written once), and its lines."""


class NotPossible(Exception):  # noqa: N818 - an answer to a person, not a fault
    """An exchange that cannot be made; its text says why, and what can be done."""


class Turn(NamedTuple):
    """Who is on call from `start` until `until` ("" for nobody); `override` is the id of the exchange that says so."""

    rota: str
    person: str
    start: datetime
    until: datetime
    override: str = ""


# ---------------------------------------------------------------- as config.toml says


def sync(conn: Connection, config: Config, now: datetime) -> list[str]:
    """Keep the rotas as config.toml has them: one that differs is a new version from now on. Returns their names."""
    changed = []
    for one in config.rotas:
        body = {
            "people": list(one.people),
            "start": one.start.isoformat(),
            "handoff": one.handoff,
            "every": int(one.every.total_seconds()),
            "timezone": (one.timezone or config.timezone).key,
            "calendar": one.calendar,
        }
        versions = rotas.kept(conn, VERSION, one.name, changing=True)
        if not versions or dict(versions[-1].body) != body:
            version = f"{len(versions):06}"
            rotas.put(conn, Kept(one.name, version, VERSION, body, now, None, config.path.name, now))
            changed.append(one.name)
    return changed


# ---------------------------------------------------------------- who is on


def on_duty(conn: Connection, rota: str, now: datetime, calendars: Calendars) -> str:
    """Return the name of the person on call, "" for nobody."""
    return _turn_at(_roster(conn, rota, calendars), now).person


def turns(conn: Connection, rota: str, start: datetime, until: datetime, calendars: Calendars) -> list[Turn]:
    """Return who is on call from `start` to `until`, in order; times that nobody is on are turns without a person."""
    return _turns(_roster(conn, rota, calendars), start, until)


# ---------------------------------------------------------------- exchanges


def take(
    conn: Connection,
    rota: str,
    person: str,
    start: datetime | None,
    until: datetime | None,
    *,
    by: str,
    now: datetime,
    who: int | None = None,
    calendars: Calendars | None = None,
) -> str:
    """Somebody takes over whatever falls between two times; without them, what is left of the shift that runs.

    Returns what to say. Raises NotPossible.
    """
    start = start or now
    if until is None:
        running = _turn_at(_roster(conn, rota, calendars or {}), start)
        if not running.person:
            raise NotPossible(f"nobody is on call in {rota} then: say until when {person} takes over")
        if running.person == person:
            raise NotPossible(f"{person} is on call in {rota} already")
        until = running.until
    return override(conn, rota, person, start, until, by=by, now=now, who=who)


def swap(
    conn: Connection,
    rota: str,
    person: str,
    other: str,
    *,
    by: str,
    now: datetime,
    who: int | None = None,
    calendars: Calendars | None = None,
) -> str:
    """Two people exchange their next shifts, or what is left of one that runs. Returns what to say; or NotPossible."""
    ahead = _turns(_roster(conn, rota, calendars or {}), now, now + LONGEST)
    first = {name: next((turn for turn in ahead if turn.person == name), None) for name in (person, other)}
    for name, turn in first.items():
        if turn is None:
            raise NotPossible(f"{name} has no shift in {rota} within a year")
    if person == other:
        raise NotPossible("two people exchange shifts: name another one")
    said = []
    for name, instead in ((other, person), (person, other)):
        turn = first[instead]
        assert turn is not None
        said.append(override(conn, rota, name, turn.start, turn.until, instead, by=by, now=now, who=who))
    return " ".join(said)


def override(
    conn: Connection,
    rota: str,
    person: str,
    start: datetime | None,
    until: datetime | None,
    instead: str = "",
    *,
    by: str,
    now: datetime,
    who: int | None = None,
) -> str:
    """Somebody is on call between two times, in place of whoever is, or of `instead` alone while they are.

    Returns what to say. Raises NotPossible, for what has passed too: the past never changes.
    """
    start = max(start or now, now)
    if until is None or until <= start:
        raise NotPossible("say until when, later than it starts and later than now")
    if until - start > LONGEST:
        raise NotPossible("an exchange lasts a year at most")
    if not rotas.kept(conn, VERSION, rota, changing=True):
        raise NotPossible(f"there is no rota {rota}")
    for one in rotas.kept(conn, OVERRIDE, rota):
        if one.end is not None and one.start < until and start < one.end:
            raise NotPossible(f"{one.body['person']} has taken over part of that ({one.id}): cancel it first")
    kept = content_id(rota, person, instead, instant(start), instant(until), instant(now))[:8]
    body = {"person": person, "instead": instead}
    rotas.put(conn, Kept(rota, kept, OVERRIDE, body, start, until, by, now))
    audit.put(conn, Deed(now, who, "", "override", rota, {"id": kept, "by": by, **body}))
    return f"{person} is on call in {rota} from {instant(start)} until {instant(until)} ({kept})."


def cancel(conn: Connection, rota: str, override_id: str, *, by: str, now: datetime, who: int | None = None) -> str:
    """An exchange holds no more. Returns what to say. Raises NotPossible."""
    running = next((one for one in rotas.kept(conn, OVERRIDE, rota, changing=True) if one.id == override_id), None)
    if running is None or not rotas.cancel(conn, rota, override_id, now):
        raise NotPossible(f"there is no exchange {override_id!r:.40} in {rota}: `watcher oncall` lists them")
    audit.put(conn, Deed(now, who, "", "override-cancelled", rota, {"id": override_id, "by": by}))
    return f"{running.body['person']} does not take over in {rota} any more ({override_id})."


# ---------------------------------------------------------------- messages


def hand_over(
    conn: Connection,
    write: Write,
    chats: Mapping[str, str],
    standing: Sequence[Page],
    now: datetime,
    zone: tzinfo,
    calendars: Calendars,
) -> None:
    """Tell both people of the end of a shift, before and when it ends, each once, while pages stand that ask its rota.

    `chats` are the chats of people by name.
    """
    pings_of = {ask.ping for page in standing for ask in page.policy.steps}
    for rota in sorted(ping.removeprefix("rota:") for ping in pings_of if ping.startswith("rota:")):
        mine = [page for page in standing if any(ask.ping == f"rota:{rota}" for ask in page.policy.steps)]
        near = turns(conn, rota, now - AHEAD - SECOND, now + AHEAD + SECOND, calendars)
        for before, after in pairwise(near):
            if before.person == after.person or not now - AHEAD <= after.start <= now + AHEAD:
                continue
            ahead = after.start > now
            lines = pings.handoff(rota, before.person, after.person, after.start, mine, zone, ahead=ahead)
            key = f"{rota} {instant(after.start)} {'ahead' if ahead else 'now'}"
            for chat in (chats[one.person] for one in (before, after) if one.person in chats):
                if not alerts.made(conn, [content_id(HANDOFF, chat, key)]):
                    write(chat, HANDOFF, key, lines)


def report_gaps(
    conn: Connection,
    write: Write,
    operator: str,
    names: Iterable[str],
    now: datetime,
    zone: tzinfo,
    calendars: Calendars,
) -> int:
    """Tell the operator of the hours of the next 30 days that nobody is on call, once a week and after each edit.

    Returns how many of these rotas have such hours.
    """
    found = 0
    for rota in names:
        gaps = [(one.start, one.until) for one in turns(conn, rota, now, now + HORIZON, calendars) if not one.person]
        if gaps:
            found += 1
            year, week, _ = now.astimezone(zone).isocalendar()
            key = f"{rota} {year}-{week} {rotas.edits(conn, rota)}"
            if not alerts.made(conn, [content_id(GAPS, operator, key)]):
                write(operator, GAPS, key, pings.gaps(rota, gaps, zone))
    return found


# ---------------------------------------------------------------- as oncall knows them


def _roster(conn: Connection, rota: str, calendars: Calendars) -> Any:
    del conn, rota, calendars


def _turns(roster: Any, start: datetime, until: datetime) -> list[Turn]:
    del roster
    return [Turn("", "", start, until)]


def _turn_at(roster: Any, at: datetime) -> Turn:
    """Who is on call at an instant, and until when."""
    return next(
        (one for one in _turns(roster, at - LONGEST, at + LONGEST) if one.start <= at < one.until), Turn("", "", at, at)
    )
