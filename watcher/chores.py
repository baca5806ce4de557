"""What the service does beside checking and delivering, each in its own rhythm: pages, digests, calendars, heartbeat.

Above app, whose parts they use; the service runs them.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from watcher.app import App
from watcher.config import Rota
from watcher.core import Failure, Source, SourceState
from watcher.digest import Seen

if TYPE_CHECKING:
    from watcher.evidence.archiving import Archiving

log = logging.getLogger(__name__)

WATCHDOG = 1.0
"""Seconds between two looks at the steps of pages."""
SILENCES = 5.0
DIGESTS = 20.0
HEARTBEAT = 60.0
GAPS = 3600.0
CALENDARS = 60.0
"""Seconds between two looks at which calendars are to be read: those whose last good reading is older than FRESH."""
FRESH = timedelta(hours=1)
FIRST_READING = 10.0
"""Seconds that rotas wait at the start for their calendars to be known."""
ANCHORS = 60.0
ARCHIVE = 60.0
RETENTION = 86_400.0


class Chore(NamedTuple):
    """Something to be done again and again, so many seconds apart; it may raise StoreError."""

    name: str
    every: float
    work: Callable[[], Awaitable[object]]


class Chores:
    """The chores of a running app."""

    def __init__(self, app: App) -> None:
        self.config, self.dispatch, self.states = app.config, app.dispatch, app.states
        self.store, self.fetch, self.now = app.parts.store, app.parts.fetch, app.parts.now
        self.paging, self.calendars, self.passed = app.paging, app.calendars, app.passed
        self.post = app.channels.tools.post
        self.read: dict[str, datetime] = {}
        self.calendars_known = asyncio.Event()
        if not any(rota.calendar for rota in self.config.rotas):
            self.calendars_known.set()
        self.watched: Callable[[], list[Source]] = lambda: app.sources
        self.archiving: Archiving | None = None
        if any(source.archive for source in app.config.sources):
            from watcher.evidence.archiving import Archiving

            parts, dispatch = app.parts, app.dispatch
            base = str(app.config.backfill.wayback)
            self.archiving = Archiving(parts.store, parts.fetch, base, dispatch.letter, parts.now, dispatch.chats)
        if app.sender is not None:
            self.passed["sender"] = None
        if app.paging is not None:
            self.passed["watchdog"] = None

    def all(self) -> Iterator[Chore]:
        """What this configuration gives the service to do."""
        if self.config.telegram is not None:
            yield Chore("digests", DIGESTS, self.tell_later)
        if self.paging is not None:
            yield Chore("watchdog", WATCHDOG, self.watch)
            yield Chore("silences", SILENCES, self.silence)
            yield Chore("gaps", GAPS, self.report_gaps)
            if any(rota.calendar for rota in self.config.rotas):
                yield Chore("calendars", CALENDARS, self.read_calendars)
        if self.config.evidence.timestamp_urls or self.config.evidence.head_to:
            yield Chore("anchors", ANCHORS, self.anchor)
        if self.archiving is not None:
            yield Chore("archive", ARCHIVE, self.archive)
        if self.config.retention.bodies:
            yield Chore("retention", RETENTION, self.thin)
        if self.config.heartbeat_url:
            yield Chore("heartbeat", HEARTBEAT, self.beat)

    async def tell_later(self) -> None:
        """Write the digests that are due, and what waited for a mute or quiet hours to end."""
        from watcher import readers

        now = self.now()
        desk = readers.Desk(self.config.timezone, self.dispatch.quiet, self.dispatch.letter, seen(self.states, now))
        if await self.store.run(readers.tell_later, desk, now):
            self.dispatch.wake()

    async def watch(self) -> None:
        """Take the steps of pages that are due."""
        assert self.paging is not None
        await self._first_reading()
        ticked = await self.store.run(self.paging.tick, self.now())
        if ticked.late:
            log.warning("steps of pages that were late, and are taken now: %d", ticked.late)
        self.passed["watchdog"] = time.monotonic()
        if ticked.standing:
            self.dispatch.wake()

    async def silence(self) -> None:
        """Know what editors call no news."""
        from watcher.silences import silences

        self.dispatch.silences = await self.store.read(silences)

    async def report_gaps(self) -> None:
        """Tell the operator where nobody is on call."""
        assert self.paging is not None
        await self._first_reading()
        await self.store.run(self.paging.report_gaps, self.now())

    async def _first_reading(self) -> None:
        """Who is on call by a calendar is not known before it was read; what never answers holds up nobody for long."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.calendars_known.wait(), FIRST_READING)
        self.calendars_known.set()

    async def read_calendars(self) -> None:
        """Read the calendars of rotas that were not read lately; one that cannot be read keeps what it said before."""
        now, mine = self.now(), [rota for rota in self.config.rotas if rota.calendar]
        for rota in mine:
            if rota.name not in self.calendars and self._kept(rota).exists():
                await self._read(rota, self._kept(rota).read_bytes)
        if all(rota.name in self.calendars for rota in mine):
            self.calendars_known.set()
        for rota in mine:
            read = self.read.get(rota.name)
            if (read is None or not read <= now < read + FRESH) and await self._read(rota):
                self.read[rota.name] = now
        self.calendars_known.set()

    async def _read(self, rota: Rota, kept: Callable[[], bytes] | None = None) -> bool:
        """Know a calendar as it is, or as it was `kept` when it was read last; False where it cannot be read."""
        from watcher import duty
        from watcher.oncall.calendar import CalendarError

        try:
            content = kept() if kept else await self._calendar(rota)
            read = await asyncio.to_thread(duty.calendar, self.config, rota.name, content, self.now())
            self.calendars[rota.name] = read.events
            if read.unknown:
                log.warning("events of the calendar of %s name nobody: %s", rota.name, ", ".join(read.unknown))
            if not kept:
                await asyncio.to_thread(_keep, self._kept(rota), content)
        except (OSError, CalendarError) as error:
            log.warning("the calendar of the rota %s cannot be read: %s", rota.name, error)
            return False
        return True

    def _kept(self, rota: Rota) -> Path:
        return self.config.state / f"calendar-{rota.name}.ics"

    async def _calendar(self, rota: Rota) -> bytes:
        if not rota.calendar.startswith(("http://", "https://")):
            return await asyncio.to_thread((self.config.path.parent / rota.calendar).read_bytes)
        got = await self._get(f"calendar of {rota.name}", rota.calendar)
        if isinstance(got, Failure):
            raise OSError(got.detail)
        return got

    async def _get(self, name: str, url: str) -> bytes | Failure:
        got = await self.fetch(Source(name, "page", url, ignore_robots=True), url)
        if isinstance(got, Failure) or got.status < 400:  # noqa: PLR2004 - the HTTP error classes
            return got if isinstance(got, Failure) else got.body
        return Failure("status", f"HTTP {got.status}")

    async def anchor(self) -> None:
        """Have the heads of all chains stamped, and told where config wants it."""
        from watcher.evidence.anchoring import anchor_tick

        if await anchor_tick(self.store, self.post, self.config.evidence, self.now, self.dispatch.letter):
            self.dispatch.wake()

    async def archive(self) -> None:
        """Ask the web archive to keep a page that has changed."""
        if self.archiving is not None and await self.archiving.tick(self.watched()):
            self.dispatch.wake()

    async def thin(self) -> None:
        """Let go of bytes that are older, or more, than config keeps."""
        from watcher.evidence.retention import retention_tick

        if gone := await retention_tick(self.store, self.config.retention.bodies, self.now()):
            log.info("bytes of %d captures were let go; their records stay", gone)

    async def beat(self) -> None:
        """Tell the outside that all is well, and nothing where it is not."""
        from watcher.heartbeat import ailing

        if found := ailing(self.passed, time.monotonic()):
            log.warning("no heartbeat: what did not run lately: %s", ", ".join(found))
            return
        got = await self._get("heartbeat", self.config.heartbeat_url)
        if isinstance(got, Failure):
            log.warning("the heartbeat was not taken: %s", got.detail)


def _keep(path: Path, content: bytes) -> None:
    """Keep what was read, for a start at which it cannot be; a kill in between leaves what was kept before."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def seen(states: Mapping[str, SourceState], now: datetime) -> Seen:
    """How many pages were seen as they should be: their last check went well, and the next is not overdue."""
    fine = [one for one in states.values() if one.state == "ok" and (one.next_check is None or one.next_check >= now)]
    return Seen(len(fine), len(states))
