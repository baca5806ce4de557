"""The kinds of value that config.toml uses: durations, sizes, addresses, time zones, secrets.

`decode` is the hook by which msgspec reads them; every refusal is a ValueError that says what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import Meta

from watcher.guard import Allowed

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
LONGEST = timedelta(days=3650)
LONGEST_URL = 2048
SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"

Count = Annotated[int, Meta(ge=1, le=1_000_000_000, description="a whole number, at least 1")]
CountOrNone = Annotated[int, Meta(ge=0, le=1_000_000, description="a whole number, 0 or more")]
Rate = Annotated[float, Meta(ge=0, le=1_000_000, description="a number, 0 or more")]
Weight = Annotated[float, Meta(gt=0, le=1_000_000, description="a number above 0")]
UserId = Annotated[int, Meta(ge=1, le=1 << 52, description="a Telegram user id, a whole number")]


def _text(pattern: str, description: str) -> Any:
    """Annotate a text that must match `pattern` as a whole; `description` is what the refusal says was expected."""
    return Annotated[str, Meta(pattern=rf"^(?:{pattern})\Z", description=description)]


Text = _text(r"(?s:.*\S.*)", "a text that is not empty")
Name = _text(r"\w[\w .'-]{0,63}", "a name: letters and digits, with space . ' - between them, at most 64 in all")
NameOrNone = _text(r"(\w[\w .'-]{0,63})?", "a name")
Contact = _text(r"[!-~]([ -~]{0,198}[!-~])?", 'an address to reach you at, like "desk@example.org"')
State = _text(r"[A-Z]{2}", 'a postal code like "CA"')
Expect = _text(rf"|daily|weekly on ({DAYS})|monthly", 'a rhythm like "weekly on monday", or "daily" or "monthly"')
Quiet = _text(rf"|{CLOCK}-{CLOCK}", 'hours like "22:00-07:00"')
Handoff = _text(rf"(({DAYS}) )?{CLOCK}", 'a day and a time like "monday 09:00"')
Ping = _text(r"(rota|person|channel):\w[\w .'-]{0,63}", '"rota:NAME", "person:NAME" or "channel:NAME"')
Listen = _text(r"([\w.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]):[0-9]{1,5}", 'an address and a port like "127.0.0.1:8300"')
Keep = _text(r"|[0-9]{1,4}(y|w|d)|[0-9]{1,6} (MiB|GiB)", 'an age like "2y" or a size like "20 GiB"')


class Duration(timedelta):
    """A span of time written like "15m"; "0s" is one."""


class Interval(Duration):
    """A span of time longer than nothing."""


class Size(int):
    """A number of bytes written like "15 MiB"."""


class Url(str):
    """An http or https address. Whether it is one that may be fetched is for the fetcher to say."""

    __slots__ = ()


class UrlOrNone(Url):
    """An http or https address, or "" for none."""

    __slots__ = ()


class Private(str):
    """A host, a host:port or a block of addresses that may be private."""

    __slots__ = ()


class Secret:
    """A value that must not be seen: `reveal` reads it anew from where it lives; printed, it is ***.

    Raises OSError from `reveal` when a secret's file, present when the configuration was read, has gone since.
    """

    __slots__ = ("_read",)

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read

    def reveal(self) -> str:
        """The secret itself."""
        return self._read()

    def __repr__(self) -> str:
        return "***"


class Database(Secret):
    """A database address, a secret for the password in it; it alone may stand in the file as it is."""

    __slots__ = ()


def parse_duration(text: str) -> timedelta:
    """Read "30s", "5m", "6h", "3d" or "1w". Raises ValueError for anything else, and beyond ten years."""
    found = re.fullmatch(r"([0-9]{1,9})([smhdw])", text)
    if found is None:
        raise ValueError('expected a duration like "15m"')
    seconds = int(found[1]) * UNITS[found[2]]
    if seconds > LONGEST.total_seconds():
        raise ValueError("expected a duration of at most ten years")
    return timedelta(seconds=seconds)


def duration_text(span: timedelta) -> str:
    """Write `span` (whole seconds) in the largest unit that divides it: 90 minutes are "90m", two hours "2h"."""
    seconds = int(span.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS.items() if seconds % size == 0 and (seconds or size == 1))
    return f"{seconds // size}{unit}"


def _duration(raw: object) -> Duration:
    if not isinstance(raw, str):
        raise ValueError('expected a duration like "15m"')  # noqa: TRY004 - msgspec turns ValueError into its own
    return Duration(seconds=parse_duration(raw).total_seconds())


def _interval(raw: object) -> Interval:
    span = _duration(raw)
    if not span:
        raise ValueError('expected a duration longer than nothing, like "15m"')
    return Interval(seconds=span.total_seconds())


def _size(raw: object) -> Size:
    found = re.fullmatch(r"([0-9]{1,9}) ?(B|KiB|MiB|GiB)", raw) if isinstance(raw, str) else None
    if found is None or not int(found[1]):
        raise ValueError('expected a size like "15 MiB"')
    return Size(int(found[1]) * SIZES[found[2]])


def _url(raw: object) -> Url:
    wanted = 'expected an address like "https://www.example.org/page"'
    if not isinstance(raw, str) or len(raw) > LONGEST_URL or re.search(r"[\s\\\x00-\x1f\x7f]", raw):
        raise ValueError(wanted)
    try:
        parts = urlsplit(raw)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError(wanted)
    return Url(raw)


def _url_or_none(raw: object) -> UrlOrNone:
    return UrlOrNone(_url(raw) if raw else "")


def _private(raw: object) -> Private:
    try:
        Allowed.read([str(raw)])
    except ValueError:
        raise ValueError('expected "host", "host:port" or a block like "10.0.0.0/8"') from None
    return Private(raw)


def _zone(raw: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(raw))
    except (ValueError, OSError, KeyError):
        raise ValueError('expected a time zone like "America/Los_Angeles"') from None


def _secret(raw: object) -> Secret:
    if isinstance(raw, Secret):
        return raw
    raise ValueError("a secret never stands in this file; an environment variable (*_env) or a file (*_file) holds it")


def _database(raw: object) -> Database:
    read = raw.reveal if isinstance(raw, Secret) else lambda: str(raw)
    if not re.match(r"(postgresql|postgres|sqlite)(\+\w+)?://", read()):
        raise ValueError('expected an address like "postgresql://host/name"')
    return Database(read)


READERS: Mapping[type, Callable[[object], Any]] = {
    Duration: _duration,
    Interval: _interval,
    Size: _size,
    Url: _url,
    UrlOrNone: _url_or_none,
    Private: _private,
    ZoneInfo: _zone,
    Secret: _secret,
    Database: _database,
}


def decode(kind: type, raw: object) -> Any:
    """Read `raw` as one of the kinds above; msgspec's `dec_hook`. Raises ValueError saying what was expected."""
    if kind not in READERS:
        raise ValueError("wants a type of value that config.toml does not have")
    return READERS[kind](raw)
