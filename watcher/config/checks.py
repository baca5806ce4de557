"""What no table of config.toml can know alone: names given twice, names that nothing has, promises nobody can keep."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from watcher.config.problems import closest, shown
from watcher.config.sections import Channel, Fetch, Person, Rota, Web
from watcher.config.values import duration_text
from watcher.core import Source

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

Table = dict[str, Any]
Placed = Iterable[tuple[str, Table]]
"""Tables as they stand in the file, each with its path."""


def duplicates(tables: Placed) -> Iterator[str]:
    """Names that two tables of one array have."""
    seen: dict[str, str] = {}
    for path, table in tables:
        name = table.get("name")
        if isinstance(name, str):
            first = seen.setdefault(name, path)
            if first != path:
                yield f"{path}.name: is the name of {first.partition(' ')[0]} already"


def unknown(name: str, known: AbstractSet[str], path: str, what: str) -> Iterator[str]:
    """A name that no `what` has."""
    if name not in known:
        yield f"{path}: unknown {what} {shown(name)}; {closest(name, known)}"


def references(tables: Mapping[str, Placed], known: Mapping[str, set[str]]) -> Iterator[str]:
    """Routes, rotas and escalations that name what is not there; `known` are the names of each kind of table."""
    named = [
        *(one for path, table in tables["route"] for one in _in_route(path, table)),
        *((f"{path}.people", "person", name) for path, table in tables["rota"] for name in _texts(table.get("people"))),
        *(one for path, table in tables["escalation"] for one in _in_escalation(path, table)),
    ]
    for path, what, name in named:
        yield from unknown(name, known.get(what, {name}), path, what)


def _in_route(path: str, route: Table) -> Iterator[tuple[str, str, str]]:
    yield from ((f"{path}.to", "channel", name) for name in _texts(route.get("to")))
    yield from ((f"{path}.page", "escalation", name) for name in _texts(route.get("page")))
    match = route.get("match")
    names = _texts(match.get("sources")) if isinstance(match, dict) else []
    yield from ((f"{path}.match.sources", "source", name) for name in names if not set(name) & set("*?["))


def _in_escalation(path: str, escalation: Table) -> Iterator[tuple[str, str, str]]:
    steps = escalation.get("steps")
    for index, step in enumerate(steps if isinstance(steps, list) else ()):
        for ping in _texts(step.get("ping")) if isinstance(step, dict) else ():
            what, _, name = ping.partition(":")
            yield f"{path}.steps[{index}].ping", what, name


def _texts(value: object) -> list[str]:
    """The names in a value that should be one or a list of them; what is no text has been refused elsewhere."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and one]


def promises(sources: Sequence[tuple[str, Source]], fetch: Fetch) -> Iterator[str]:
    """What the sources ask for and the budgets do not give."""
    for path, source in sources:
        if source.at_most_every > source.at_least_every:
            most, least = duration_text(source.at_most_every), duration_text(source.at_least_every)
            yield f"{path}.at_most_every: expected at most {least}, which is its at_least_every, found {most}"
    needed = sum(DAY / source.at_least_every for _, source in sources)
    if needed > fetch.requests_per_day:
        yield (
            f"fetch.requests_per_day: the promises (at_least_every) of {_count(sources)} need {_number(needed)}"
            f" requests a day, the budget is {fetch.requests_per_day:,}: raise it, or lengthen at_least_every"
        )
    if fetch.per_host_per_minute:
        yield from _hosts(sources, fetch.per_host_per_minute)


def _hosts(sources: Sequence[tuple[str, Source]], limit: float) -> Iterator[str]:
    hosts: dict[str, list[tuple[str, Source]]] = defaultdict(list)
    for path, source in sources:
        hosts[urlsplit(source.url).hostname or ""].append((path, source))
    for host, ours in hosts.items():
        needed = sum(MINUTE / source.at_least_every for _, source in ours)
        if needed > limit:
            yield (
                f"fetch.per_host_per_minute: the promises (at_least_every) of {_count(ours)} on {host} need"
                f" {_number(needed)} requests a minute, the limit is {_number(limit)}: raise it, or lengthen"
                " at_least_every"
            )


def rotas(tables: Iterable[tuple[str, Rota]]) -> Iterator[str]:
    """Rotas that could not be reckoned: turns below an hour, or a start that no calendar on a wall has."""
    for path, rota in tables:
        if rota.every < timedelta(hours=1) or rota.every % timedelta(minutes=1):
            yield f"{path}.every: expected at least an hour, in whole minutes, found {duration_text(rota.every)}"
        if not 1970 <= rota.start.year < 3000:  # noqa: PLR2004 - the years that are reckoned with
            yield f"{path}.start: expected a day from 1970 to 2999, found {rota.start}"


def quiet(tables: Iterable[tuple[str, Person]]) -> Iterator[str]:
    """Quiet hours without a length, which may mean none or all."""
    for path, person in tables:
        begin, _, end = person.quiet.partition("-")
        if begin and begin == end:
            yield f'{path}.quiet: expected hours that end at another time than they begin, found "{person.quiet}"'


def exposure(web: Web) -> Iterator[str]:
    """A page that anybody on the network could open."""
    host = web.listen.rpartition(":")[0]
    if web.token is None and host not in ("localhost", "[::1]") and not host.startswith("127."):
        yield f"web.listen: expected 127.0.0.1, or token_env or token_file beside it, found {shown(web.listen)}"


def console(channels: Iterable[tuple[str, Channel]]) -> Iterator[str]:
    """Another kind of channel that took the console's name."""
    for path, channel in channels:
        if channel.name == "console" != channel.kind:
            yield f'{path}.name: "console" is always the console itself; choose another name'


def _count(sources: Sequence[object]) -> str:
    return f"{len(sources):,} source{'s' if len(sources) > 1 else ''}"


def _number(value: float) -> str:
    """`value` to one decimal, upwards, so that what is above a limit is never shown as equal to it."""
    return f"{math.ceil(value * 10) / 10:,.1f}".removesuffix(".0")
