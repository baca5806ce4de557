"""The composition root: builds the parts from config, runs checks and deliveries, and shuts down cleanly.

Below the command line, above the pipeline. Nothing else knows which store, which channels and which network are used.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

import msgspec

from watcher import pipeline, schedule, series
from watcher.config import Config, ConfigError
from watcher.config import source as config_source
from watcher.core import Clock, Fetch, Source, SourceState, Tools
from watcher.delivery import Delivered, Flying, deliver, fold
from watcher.dispatch import Channels, Dispatch
from watcher.fetch import Fetcher, FetchSettings
from watcher.pipeline import Checked, Parts
from watcher.pool import Pool
from watcher.store import Store, StoreError, snapshots, sources

if TYPE_CHECKING:
    from watcher.paging import Paging
    from watcher.sender import Sender

log = logging.getLogger(__name__)

Tell = Callable[[Source, Checked], None]
"""Called with each check's end as it comes."""
NEW = SourceState("")


class ClockError(Exception):
    """--now was given for a state that real time has written to, or the other way round."""


def real_clock() -> datetime:
    """The time, in UTC, to the second: the precision of everything stored."""
    return datetime.now(UTC).replace(microsecond=0)


@contextmanager
def opened(config: Config, *, now: datetime | None = None, writing: bool = False) -> Iterator[Store]:
    """The store of `config`. Raises ClockError where `now` is given and the store has snapshots of the real clock."""
    store = Store.open(config.database_url)
    try:
        if now is not None and writing and "real" in store.read_sync(snapshots.clocks):
            raise ClockError(
                "--now would write given times among real ones: expected a state of its own for trying things out "
                "(set [watcher].state to another folder)"
            )
        yield store
    finally:
        store.close()


def with_additions(config: Config, store: Store) -> Config:
    """`config` with the sources that people added since; what config.toml names stands above them."""
    if config.telegram is None:
        return config
    from watcher.store import additions

    known = {one.name for one in config.sources}
    added = []
    for one in store.read_sync(additions.standing, additions.SOURCE):
        try:
            added.append(config_source(one.body))
        except ConfigError as error:
            log.warning("the source %s, which was added from a chat, is left out: %s", one.name, error)
    return msgspec.structs.replace(config, sources=(*config.sources, *(one for one in added if one.name not in known)))


@dataclass(slots=True)
class App:
    """What is running: the parts of a check, where every source stands, and the channels."""

    config: Config
    parts: Parts
    states: dict[str, SourceState]
    channels: Channels
    dispatch: Dispatch
    watched: dict[str, tuple[Source, Source | None]]
    sender: Sender | None = None
    paging: Paging | None = None
    calendars: dict[str, Any] = field(default_factory=dict)
    passed: dict[str, float | None] = field(default_factory=dict)
    found: list[Source] = field(default_factory=list)
    hosts: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Know where the pages are."""
        self._watch(self.watched)
        if self.sender is not None:
            self.sender.fold = self._fold_chats

    def _watch(self, watched: dict[str, tuple[Source, Source | None]]) -> None:
        self.watched = watched
        self.dispatch.urls |= {name: source.url for name, (source, _) in watched.items()}
        self.dispatch.series |= {name: series.called(source) for name, (source, _) in watched.items()}
        self.hosts = {name: urlsplit(url).netloc for name, url in self.dispatch.urls.items()}

    @property
    def sources(self) -> list[Source]:
        """All that is watched: the sources of config.toml, and the documents that they list."""
        return [source for source, _ in self.watched.values()]

    async def check(self, wanted: Sequence[Source], tell: Tell) -> None:
        """Check these sources, as many at a time as config allows, and tell each end as it comes.

        Documents that a list names for the first time are checked at once, too.
        """
        waiting = deque(wanted)

        async def work() -> None:
            while waiting:
                source = waiting.popleft()
                tell(source, await self.check_one(source))
                waiting.extend(self.found)
                self.found.clear()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.config.fetch.concurrency, len(wanted))):
                group.create_task(work())
        await pipeline.flush(self.parts)

    async def check_one(self, source: Source) -> Checked:
        """Check one source, and remember where it stands. Where the store cannot keep it, the source waits its turn."""
        _, index = self.watched.get(source.name, (source, None))
        issue = series.issue(index, source, self.states) if index else None
        gone = self._gone(source) if source.kind == series.INDEX else ()
        try:
            checked = await pipeline.check(self.parts, source, self.state(source), issue, gone)
        except StoreError as error:
            later = schedule.back_off(source, 1, self.parts.now())
            checked = Checked("failed", replace(self.state(source), next_check=later), error=str(error))
        self.states[source.name] = checked.state
        if source.kind == series.INDEX:
            before = self.watched
            self._watch(series.watched(self.config.sources, self.states))
            self.found += [one for name, (one, _) in self.watched.items() if name not in before]
        return checked

    def _gone(self, index: Source) -> set[str]:
        """The documents of a list that are known to be gone, by file stem."""
        names = [name for name, (_, of) in self.watched.items() if of and of.name == index.name]
        return {name.removeprefix(f"{index.name}/") for name in names if self.states.get(name, NEW).state == "gone"}

    def take_up(self, source: Source) -> None:
        """Watch one source more from now on."""
        self.config = msgspec.structs.replace(self.config, sources=(*self.config.sources, source))
        self._watch(series.watched(self.config.sources, self.states))

    def state(self, source: Source) -> SourceState:
        """Where `source` stands; new, where it was never checked."""
        return self.states.get(source.name) or SourceState(source.name, source.kind, source.url)

    def due(self, now: datetime) -> list[Source]:
        """The sources whose time has come, longest overdue first."""
        waiting = [
            (self.state(source).next_check or datetime.min.replace(tzinfo=UTC), source) for source in self.sources
        ]
        return [source for due, source in sorted(waiting, key=lambda pair: pair[0]) if due <= now]

    async def deliver(self) -> Delivered:
        """Send what is due in the outbox."""
        if self.sender is None:
            return await self.deliver_channels()
        one, other = await asyncio.gather(self.deliver_channels(), self.sender.drain())
        return Delivered(*map(sum, zip(one, other, strict=True)))

    async def deliver_channels(self, flying: Flying | None = None) -> Delivered:
        """Send what is due for channels of one recipient; chats are the sender's. `flying`: wait for none of them."""
        dispatch, parts = self.dispatch, self.parts
        is_others = dispatch.is_chat if self.sender is not None else lambda _: False
        return await deliver(parts.store, self.channels, parts.now, dispatch.plan, self.hosts, is_others, flying)

    async def _fold_chats(self) -> None:
        dispatch, parts = self.dispatch, self.parts
        await fold(parts.store, self.channels, parts.now, dispatch.plan, self.hosts, dispatch.is_chat)


@asynccontextmanager
async def running(
    config: Config, store: Store, *, clock: Clock = real_clock, given: bool = False, out: TextIO = sys.stdout
) -> AsyncIterator[App]:
    """Build what checks and deliveries need, and take it down again. `given`: `clock` is not the real one."""
    config = with_additions(config, store)
    states = await store.read(sources.states)
    watched = series.watched(config.sources, states)
    fetch = config.fetch
    settings = FetchSettings(
        contact=config.contact,
        timeout=fetch.timeout,
        max_bytes=fetch.max_bytes,
        concurrency=fetch.concurrency,
        per_host=fetch.per_host,
        per_host_per_minute=fetch.per_host_per_minute,
        allow_private=fetch.allow_private,
    )
    async with Fetcher(settings, now=clock) as fetcher, _door(config, fetcher, settings) as door, Pool() as pool:
        channels = Channels(config, Tools(post=fetcher.post, now=clock, out=out))
        dispatch = Dispatch(config, channels, clock)
        parts = Parts(
            store=store,
            fetch=door,
            pool=pool,
            now=clock,
            dispatch=dispatch,
            clock="given" if given else "real",
            confirm_after=config.suspect.confirm_after,
            confirmations=config.suspect.confirmations,
            keep_all=config.keep == "all",
            price=schedule.price([one for one, _ in watched.values()], states, fetch.requests_per_day),
            zone=config.timezone,
        )
        try:
            sender = _sender(config, store, channels, dispatch, clock)
            calendars: dict[str, Any] = {}
            dispatch.paging = paging = await _paging(config, store, dispatch, clock, calendars)
            yield App(config, parts, states, channels, dispatch, watched, sender, paging, calendars)
        finally:
            await channels.close()


def _door(config: Config, fetcher: Fetcher, settings: FetchSettings) -> AbstractAsyncContextManager[Fetch]:
    """Where pages come from: the network, or also a browser, which costs its import, where a source wants one."""
    if not any(source.render for source in config.sources):
        return contextlib.nullcontext(fetcher)
    from watcher.fetch.browser import Browser

    return Browser(fetcher, settings)


def _sender(config: Config, store: Store, channels: Channels, dispatch: Dispatch, clock: Clock) -> Sender | None:
    """What sends to chats, where there are any: it costs its import."""
    named = dispatch.chats
    if not named and config.telegram is None:
        return None
    from watcher.sender import Sender

    sender = Sender(store, channels, clock, dispatch.letter, named, operator=config.operator)
    dispatch.wake = sender.wake
    return sender


async def _paging(
    config: Config, store: Store, dispatch: Dispatch, clock: Clock, calendars: dict[str, Any]
) -> Paging | None:
    """What asks people, where anybody can be asked; the rotas are kept as config.toml has them now."""
    if not config.escalations and not config.rotas and config.telegram is None:
        return None
    from watcher import duty
    from watcher.paging import Paging
    from watcher.silences import silences

    await store.run(duty.sync, config, clock())
    dispatch.silences = await store.read(silences)
    return Paging.of(config, dispatch.letter, dispatch.urls, calendars)
