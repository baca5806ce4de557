"""The tables of config.toml, each a frozen struct whose fields are the keys, with their types and defaults."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from watcher.config.values import (
    Contact,
    Count,
    CountOrNone,
    Database,
    Duration,
    Expect,
    Handoff,
    Interval,
    Keep,
    Listen,
    Name,
    NameOrNone,
    Ping,
    Private,
    Quiet,
    Rate,
    Secret,
    Size,
    State,
    Text,
    Url,
    UrlOrNone,
    UserId,
    Weight,
)
from watcher.core import Severity, Source

SeverityWord = Literal["cosmetic", "minor", "major", "urgent"]


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all tables share: frozen, and no key but the known ones."""


class Watcher(Table, frozen=True):
    """[watcher]: the desk itself."""

    timezone: ZoneInfo
    state: Text = "state"
    database: Database | None = None
    contact: Contact = "desk@example.org"
    operator: Name = "console"
    public_url: UrlOrNone = UrlOrNone()
    heartbeat_url: UrlOrNone = UrlOrNone()
    keep: Literal["changed", "all"] = "changed"


class Fetch(Table, frozen=True):
    """[fetch]: politeness and bounds. `max_bytes` counts decoded bytes; `per_host_per_minute` 0 is no limit."""

    requests_per_day: Count = 20_000
    per_host_per_minute: Rate = 12
    per_host: Count = 2
    concurrency: Count = 50
    max_bytes: Size = Size(15 << 20)
    timeout: Interval = Interval(seconds=60)
    allow_private: tuple[Private, ...] = ()


class Suspect(Table, frozen=True):
    """[suspect]: when a page that looks blocked or gutted is believed."""

    confirm_after: Duration = Duration(minutes=10)
    confirmations: Count = 2


class Backfill(Table, frozen=True):
    """[backfill]: the web archive that `watcher backfill --from wayback` asks, and that keeps what has `archive`."""

    wayback: Url = Url("https://web.archive.org")


class Match(Table, frozen=True):
    """What a route lets through: all that is given must hold. `places` are as written, resolved elsewhere."""

    sources: tuple[Text, ...] = ()
    kinds: tuple[Text, ...] = ()
    states: tuple[State, ...] = ()
    places: tuple[Text, ...] = ()
    words: tuple[Text, ...] = ()
    severity: SeverityWord = "minor"

    @property
    def at_least(self) -> Severity:
        """The least severity that is let through."""
        return Severity[self.severity.upper()]


class Route(Table, frozen=True):
    """[[route]]: changes that match go to the channel `to`; `page` also starts that escalation."""

    to: Name
    match: Match = Match()
    page: NameOrNone = ""


class Telegram(Table, frozen=True):
    """[telegram]: the bot. With `webhook`, Telegram's updates come to that address, which leads to `listen`."""

    token: Secret
    base_url: Url = Url("https://api.telegram.org/bot")
    admins: tuple[UserId, ...] = ()
    open: bool = True
    webhook: UrlOrNone = UrlOrNone()
    listen: Listen = "127.0.0.1:8301"


class Person(Table, frozen=True):
    """[[person]]: somebody who can be on call. Without a time zone, the desk's."""

    name: Name
    telegram: UserId | None = None
    timezone: ZoneInfo | None = None
    quiet: Quiet = ""


class Rota(Table, frozen=True):
    """[[rota]]: people[0] is on from the first handoff on or after `start`, then each in turn."""

    name: Name
    people: tuple[Name, ...]
    start: dt.date
    handoff: Handoff
    every: Interval = Interval(weeks=1)
    timezone: ZoneInfo | None = None
    calendar: str = ""


class Step(Table, frozen=True):
    """One step of an escalation: whom to ping, and how long to wait for an answer."""

    ping: Ping
    wait: Duration = Duration(minutes=5)


class Escalation(Table, frozen=True):
    """[[escalation]]: the steps, gone through `repeat` times."""

    name: Name
    steps: tuple[Step, ...]
    repeat: CountOrNone = 3


class Web(Table, frozen=True):
    """[web]: where the page listens; beyond loopback only with a token."""

    listen: Listen = "127.0.0.1:8300"
    token: Secret | None = None


class Retention(Table, frozen=True):
    """[retention]: nothing is thinned unless `bodies` says so."""

    bodies: Keep = ""


class Evidence(Table, frozen=True):
    """[evidence]: RFC 3161 time-stamping authorities, and a channel that is told each hourly head.

    `timestamp_roots` is a PEM file of the roots that authorities are trusted by; else those of the system.
    """

    timestamp_urls: tuple[Url, ...] = ()
    timestamp_roots: str = ""
    head_to: NameOrNone = ""

    def beside(self, folder: Path) -> Evidence:
        """The same, with a file of roots that is named from `folder` on as an absolute path."""
        roots = str(folder / self.timestamp_roots) if self.timestamp_roots else ""
        return msgspec.structs.replace(self, timestamp_roots=roots)


class SourceKeys(Table, frozen=True):
    """The keys that every [[source]] may have; beside them stand the options of its kind."""

    name: Name
    kind: Text
    url: Url
    at_most_every: Duration = Duration(minutes=10)
    at_least_every: Interval = Interval(hours=6)
    weight: Weight = 1.0
    ignore_robots: bool = False
    expect: Expect = ""
    render: Literal["", "browser"] = ""
    archive: bool = False


class ChannelKeys(Table, frozen=True):
    """The keys that every [[channel]] may have; without a kind, its address is one that Apprise understands."""

    name: Name
    kind: Text = "apprise"


class Channel(msgspec.Struct, frozen=True):
    """One channel: its name, its kind, and the options of its kind, secret ones as `Secret`."""

    name: str
    kind: str
    options: Mapping[str, Any] = {}

    def revealed(self) -> dict[str, Any]:
        """The options with the secrets in the clear, for building the notifier and for nothing else."""
        return {key: value.reveal() if isinstance(value, Secret) else value for key, value in self.options.items()}


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All of config.toml, checked. `path` and `state` are absolute; dates and times of day are meant in `timezone`."""

    path: Path
    state: Path
    database: Secret | None
    timezone: ZoneInfo
    contact: str
    operator: str
    public_url: str
    heartbeat_url: str
    keep: Literal["changed", "all"]
    fetch: Fetch
    suspect: Suspect
    backfill: Backfill
    sources: tuple[Source, ...]
    routes: tuple[Route, ...]
    channels: tuple[Channel, ...]
    telegram: Telegram | None
    people: tuple[Person, ...]
    rotas: tuple[Rota, ...]
    escalations: tuple[Escalation, ...]
    web: Web
    retention: Retention
    evidence: Evidence

    @property
    def database_url(self) -> str:
        """Where the store is: the address that was given, else a SQLite file in the state folder. Holds a password."""
        return self.database.reveal() if self.database else f"sqlite:///{self.state / 'watcher.db'}"
