"""What every command needs first: the configuration, the clock, names and times as people write them, the log.

Stands between cli and app; what is wrong with the words of a command ends here, as `Refused`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Self

from watcher import series
from watcher.app import ClockError, opened, real_clock, with_additions
from watcher.config import Config, ConfigError, load, parse_duration
from watcher.core import Pair, Reading, Snapshot, Source, parse_instant
from watcher.pipeline import stored_capture
from watcher.pool import Pool
from watcher.store import Store, StoreError
from watcher.store.sources import states


class Refused(Exception):  # noqa: N818 - an answer to a person, not a fault
    """A command that cannot be done as asked; its text says where, what was expected and what was found."""

    def __init__(self, text: str, code: int = 2) -> None:
        super().__init__(text)
        self.code = code


def complain(text: str) -> None:
    """Say on standard error what is wrong."""
    sys.stderr.write("".join(f"watcher: {line}\n" for line in text.splitlines()))


@dataclass(frozen=True, slots=True)
class Desk:
    """A command's configuration and clock. `given` is the time of --now, if it was given."""

    config: Config
    given: datetime | None
    json: bool

    @classmethod
    def begin(cls, path: Path, *, now: str = "", json: bool = False, log_level: str = "warning") -> Self:
        """Load the configuration and read --now. Raises Refused."""
        _log(log_level)
        try:
            config = load(path)
        except ConfigError as error:
            raise Refused(str(error)) from error
        desk = cls(config, None, json)
        return cls(config, desk.time(now), json) if now else desk

    def clock(self) -> datetime:
        """The time, in UTC: what --now says, else now."""
        return self.given or real_clock()

    def time(self, text: str) -> datetime | None:
        """A T as people write it: RFC 3339, a date in the desk's zone, an age like 3d; None for "". Raises Refused."""
        if not text:
            return None
        try:
            if len(text) == len("2017-03-20"):
                return datetime.combine(date.fromisoformat(text), time(), self.config.timezone).astimezone(UTC)
            return parse_instant(text) if "T" in text else self.clock() - parse_duration(text)
        except (ValueError, OverflowError):
            raise Refused(f"expected a time like 2017-03-20T16:00:00Z, 2017-03-20 or 3d, found {text!r:.60}") from None

    def source(self, name: str) -> Source:
        """The source called `name`. Raises Refused for an unknown one."""
        known = {source.name: source for source in self.config.sources}
        if name not in known and (self.config.telegram or any(name.startswith(f"{one}/") for one in known)):
            with self.store() as store:
                sources = with_additions(self.config, store).sources
                known = {one.name: one for one, _ in series.watched(sources, store.read_sync(states)).values()}
        if name not in known:
            raise Refused(f"no source is called {name!r:.80} in {self.config.path.name}; there are {', '.join(known)}")
        return known[name]

    @contextmanager
    def store(self, *, writing: bool = False) -> Iterator[Store]:
        """The open store. Raises Refused where it cannot be opened, or --now may not write to it."""
        try:
            with opened(self.config, now=self.given, writing=writing) as store:
                yield store
        except ClockError as error:
            raise Refused(str(error)) from error
        except StoreError as error:
            raise Refused(str(error), code=1) from error


async def compared(store: Store, pool: Pool, source: Source, before: Snapshot, after: Snapshot) -> Reading:
    """What differs between two stored captures of a source."""
    _, old = await store.read(stored_capture, source, before.id)
    _, new = await store.read(stored_capture, source, after.id)
    return await pool.compare(Pair(source, new, old, before.choices, before.at, guarded=False))


def complete_source(incomplete: str) -> list[str]:
    """The names of sources that begin so, for the shell."""
    try:
        config = load(os.environ.get("WATCHER_CONFIG", "config.toml"))
    except ConfigError:
        return []
    return [source.name for source in config.sources if source.name.startswith(incomplete)]


def _log(level: str) -> None:
    """Log to standard error; the libraries' own chatter, which may hold addresses with secrets, only as warnings."""
    import logging

    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for name in ("httpx", "httpcore", "aiohttp", "asyncio", "telegram", "apprise"):
        logging.getLogger(name).setLevel(logging.WARNING)
