"""config.toml as frozen values, checked to the last key before anything else starts; the first step of every command.

`load` says every mistake at once, each with the path of its key, what was expected and what was found.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from watcher.config import checks
from watcher.config.problems import ConfigError
from watcher.config.reader import Reader
from watcher.config.sections import (
    Backfill,
    Channel,
    Config,
    Escalation,
    Evidence,
    Fetch,
    Match,
    Person,
    Retention,
    Rota,
    Route,
    Suspect,
    Telegram,
    Watcher,
    Web,
)
from watcher.config.values import Secret, duration_text, parse_duration
from watcher.core import Source

__all__ = [
    "Channel",
    "Config",
    "ConfigError",
    "Escalation",
    "Fetch",
    "Match",
    "Person",
    "Rota",
    "Route",
    "Secret",
    "Suspect",
    "Telegram",
    "Web",
    "duration_text",
    "load",
    "parse_duration",
    "source",
]

T = TypeVar("T")

LONGEST = 8 << 20
"""Bytes of a config.toml that is still read."""
TIMEZONE = "America/Los_Angeles"
CONSOLE = Channel("console", "console")
"""The channel that is always there."""
ARRAYS = ("source", "route", "channel", "person", "rota", "escalation")
TABLES = ("watcher", "fetch", "suspect", "backfill", "telegram", "web", "retention", "evidence")


def load(path: str | Path, env: Mapping[str, str] = os.environ) -> Config:
    """Read and check the configuration at `path`; `env` is where `*_env` secrets are looked up.

    Raises ConfigError with every mistake there is, and nothing else.
    """
    path = Path(path).absolute()
    reader = Reader(_parsed(path), path.parent, env)
    reader.shape(TABLES, ARRAYS)
    config = _read(reader, path)
    if reader.problems:
        raise ConfigError(f"{path.name}: {problem}" for problem in reader.problems)
    return config


def source(table: Mapping[str, Any]) -> Source:
    """One [[source]] table that stands elsewhere than in config.toml. Raises ConfigError, as `load` does."""
    reader = Reader({"source": [dict(table)]}, Path(), {})
    found = reader.sources()
    if reader.problems:
        raise ConfigError(reader.problems)
    return found[0][1]


def _read(reader: Reader, path: Path) -> Config:
    """Read all tables; where one has problems, defaults stand in for it, so that the others can still be checked."""
    desk = reader.table(Watcher, "watcher", {"timezone": TIMEZONE})
    fetch = reader.table(Fetch, "fetch")
    telegram = reader.table(Telegram, "telegram") if "telegram" in reader.data else None
    sources = reader.sources()
    channels = reader.channels(telegram)
    web = reader.table(Web, "web") or Web()
    evidence = reader.table(Evidence, "evidence") or Evidence()
    people, rotas = reader.tables(Person, "person"), reader.tables(Rota, "rota")
    known = {key: reader.names(key) for key in ARRAYS}
    known["channel"].add(CONSOLE.name)
    desk = desk or Watcher(timezone=ZoneInfo("UTC"))
    reader.problems += [
        *(problem for key in ARRAYS for problem in checks.duplicates(reader.raw(key))),
        *checks.references({key: reader.raw(key) for key in ARRAYS}, known),
        *checks.unknown(desk.operator, known["channel"], "watcher.operator", "channel"),
        *checks.unknown(evidence.head_to or CONSOLE.name, known["channel"], "evidence.head_to", "channel"),
        *(checks.promises(sources, fetch) if fetch else ()),
        *checks.rotas(rotas),
        *checks.quiet(people),
        *checks.exposure(web),
        *checks.console(channels),
    ]
    return Config(
        path=path,
        state=path.parent / desk.state,
        database=desk.database,
        timezone=desk.timezone,
        contact=desk.contact,
        operator=desk.operator,
        public_url=desk.public_url,
        heartbeat_url=desk.heartbeat_url,
        keep=desk.keep,
        fetch=fetch or Fetch(),
        suspect=reader.table(Suspect, "suspect") or Suspect(),
        backfill=reader.table(Backfill, "backfill") or Backfill(),
        sources=_values(sources),
        routes=_values(reader.tables(Route, "route")) or (Route(to=CONSOLE.name),),
        channels=_with_console(_values(channels)),
        telegram=telegram,
        people=_values(people),
        rotas=_values(rotas),
        escalations=_values(reader.tables(Escalation, "escalation")),
        web=web,
        retention=reader.table(Retention, "retention") or Retention(),
        evidence=evidence.beside(path.parent),
    )


def _values(placed: Iterable[tuple[str, T]]) -> tuple[T, ...]:
    return tuple(value for _, value in placed)


def _with_console(channels: tuple[Channel, ...]) -> tuple[Channel, ...]:
    return channels if any(channel.name == CONSOLE.name for channel in channels) else (*channels, CONSOLE)


def _parsed(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(LONGEST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError([f"{path}: cannot be read: {reason.lower()}"]) from None
    if len(raw) > LONGEST:
        raise ConfigError([f"{path.name}: is larger than {LONGEST >> 20} MiB"])
    try:
        return tomllib.loads(raw.decode())
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path.name}: line {line}: is not written in UTF-8"]) from None
    except RecursionError:
        raise ConfigError([f"{path.name}: is nested too deeply"]) from None
    except ValueError as error:
        raise ConfigError([f"{path.name}: {_placed(str(error))}"]) from None


def _placed(error: str) -> str:
    """A TOML error with its place in front: "line 3, column 9: invalid value"."""
    found = re.fullmatch(r"(.*) \(at (line \d+, column \d+|end of document)\)", error, re.DOTALL)
    text, place = (found[1], found[2]) if found else (error, "not valid TOML")
    return f"{place}: {text[:1].lower()}{text[1:200]}"
