"""What another configuration would have told of the stored history: routed anew, and read again where reading differs.

Nothing is fetched, stored or sent. Both sides are rules: what the old ones say of the stored changes, back-filled ones
too, which nobody was told of then, beside what the new ones say.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from types import MappingProxyType
from typing import Any, NamedTuple

from watcher import duty, series
from watcher.backfill import Backfill, Placed, looked
from watcher.captures import Arrival, Stored
from watcher.config import Config
from watcher.core import Change, Failure, Fetched, Severity, Snapshot, Source, SourceState, capture_of
from watcher.dispatch import rules
from watcher.folding import SITE
from watcher.pipeline import Parts
from watcher.plugins import build
from watcher.pool import Pool
from watcher.replay.asked import Asked
from watcher.replay.rules import Compared, Side, Subscribed, of_read, of_same
from watcher.silences import silences
from watcher.store import Connection, NotStored, Store, changes, snapshots, sources, subscriptions
from watcher.store.replays import versions

TOGETHER = 500
"""Changes that are routed at a time."""
STATE = ("state",)
"""The path of what a check says of a page as a whole (gone, back, late): no reading of its bytes can say that."""

AGAIN = "again"
"""The provenance of captures while they are read again."""

Take = Callable[[Compared], None]


class Setting(NamedTuple):
    """A configuration as far as it bears on who is told of what: its sources by name, and its rules."""

    sources: Mapping[str, Source]
    side: Side


class Chosen(NamedTuple):
    """Which part of the history is tried: of which source with its documents ("" for all), from and up to when."""

    name: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def of(self, name: str) -> bool:
        """Whether a source is among them."""
        return not self.name or name == self.name or name.startswith(f"{self.name}/")


@dataclass(frozen=True, slots=True)
class Trial:
    """Two configurations on one history. `again`: the captures to be read again, by source."""

    store: Store
    chosen: Chosen
    old: Setting
    new: Setting
    again: Mapping[str, Sequence[Snapshot]]

    @classmethod
    def begin(cls, store: Store, chosen: Chosen, old: Config, new: Config) -> Trial:
        """Find out which sources read otherwise under the new configuration, or with this version's extractors."""

        def look(conn: Connection) -> Trial:
            states = sources.states(conn)
            subscribed = Subscribed(((one.chat, one.id), one.filter) for one in subscriptions.everything(conn))
            side = Side((), subscribed, silences(conn))
            before, after = (_setting(conn, config, states, side) for config in (old, new))
            again = {
                name: snapshots.snapshots(conn, name, until=chosen.until)
                for name, read_by in sorted(versions(conn).items())
                if chosen.of(name) and name in after.sources and _differs(name, before, after, read_by)
            }
            return cls(store, chosen, before, after, again)

        return store.read_sync(look)

    @property
    def captures(self) -> int:
        """How many captures are read again."""
        return sum(map(len, self.again.values()))

    async def run(self, pool: Pool, take: Take, step: Callable[[int], None]) -> int:
        """Give each change with each recipient that it has under one rule or the other.

        What is not read again comes first, by time, then each source that is; `step` counts its captures. Returns how
        many captures could not be read again, since their bytes are not kept any more.
        """
        missing = 0
        await self.store.read(self._routed, take)
        for name, captures in self.again.items():
            stored = await self.store.read(self._stored, name)
            found, without = await reread(self.store, pool, self.new.sources[name], captures, stored, step)
            missing += without
            found = [change for change in found if self.chosen.since is None or change.at >= self.chosen.since]
            for one in of_read(stored, found, self.old.side, self.new.side):
                take(one)
        return missing

    def _routed(self, conn: Connection, take: Take) -> None:
        """The changes of sources that read as ever, under both rules; of a source that is left out, nobody is told."""
        nobody = Side((), Subscribed())
        dropped = self.old.sources.keys() - self.new.sources.keys()
        stream = (change for change in self._history(conn) if change.source not in self.again)
        while together := list(islice(stream, TOGETHER)):
            for out, group in groupby(together, lambda change: change.source in dropped):
                for one in of_same(list(group), self.old.side, nobody if out else self.new.side):
                    take(one)

    def _stored(self, conn: Connection, name: str) -> list[Change]:
        return [change for change in self._history(conn, name) if change.source == name]

    def _history(self, conn: Connection, name: str = "") -> Iterator[Change]:
        names = [name or self.chosen.name] if name or self.chosen.name else None
        return changes.history(conn, sources=names, since=self.chosen.since, until=self.chosen.until)


def _setting(conn: Connection, config: Config, states: Mapping[str, SourceState], stored: Side) -> Setting:
    """What a configuration says, beside what is `stored` and bears on both alike."""
    watched = series.watched(config.sources, states)
    exchanges = {one.name: duty.roster(conn, one.name, {}).overrides for one in config.rotas}
    side = stored._replace(rules=rules(config), asked=Asked.of(config, exchanges))
    return Setting({name: source for name, (source, _) in watched.items()}, side)


def _differs(name: str, old: Setting, new: Setting, read_by: set[int]) -> bool:
    """Whether the bytes of a source read otherwise now than they did when its changes were stored."""
    now, was = new.sources[name], old.sources.get(name, new.sources[name])
    return (now.kind, now.options) != (was.kind, was.options) or read_by != {build(now).version}


# ---------------------------------------------------------------- reading again


async def reread(
    store: Store,
    pool: Pool,
    source: Source,
    captures: Sequence[Snapshot],
    stored: Sequence[Change],
    step: Callable[[int], None],
) -> tuple[list[Change], int]:
    """Return what changed from capture to capture (all those of `source`, by time) as `source` reads them.

    They are doubted and believed as in a back-fill. Of the `stored` changes those stay that no two captures give: what
    a check said of the page as a whole, how an issue of a report differs from the one before it, and what lies beside
    captures without bytes: nothing is compared across one. The second result says how many those are.
    """
    walk = _walk(store, pool, source, captures, stored)
    known = {change.id: change for change in stored}
    found: list[Change] = []
    count, missing = 0, list[int]()
    version, records = build(source).version, enumerate(captures)
    async for seen in looked(pool, source, _Kept(store, captures), {}, lambda: _fingerprint(walk)):
        number, snapshot = next(records)
        step(1)
        if seen is None:
            count += 1
            if snapshot.verdict == "ok":
                missing.append(number)
                _begin_anew(walk)
            continue
        arrival, glance = seen
        here = replace(snapshot, provenance=AGAIN, fingerprint=glance.fingerprint, version=version)
        await walk.place(Placed(here, capture_of(source, arrival.fetched, snapshot.at, snapshot.id)), glance)
        found += [_as_stored(change, known) for change in walk.found if change.path != STATE]
        for waiting in (walk.found, walk.rows, walk.settled):
            waiting.clear()
    staying = _staying(stored, found, captures, missing)
    return sorted([*staying, *found], key=lambda change: change.at), count


def _walk(store: Store, pool: Pool, source: Source, captures: Sequence[Snapshot], stored: Sequence[Change]) -> Backfill:
    """The judge of the captures, with nothing before them. Live ones that were believed once need no second witness."""
    gone = {change.snapshot for change in stored if change.kind == "page.gone"}
    believed = [one for one in captures if one.provenance == "live" and (one.verdict == "ok" or one.id in gone)]
    return Backfill(
        parts=Parts(store, _nothing, pool, lambda: datetime.now(UTC), lambda _found, _related: lambda _conn: None),
        source=source,
        state=SourceState(source.name),
        provenance=AGAIN,
        until={one.at: one.at + timedelta(seconds=1) for one in believed},
        ahead=deque(),
        doubted=deque(),
        gone_at=(),
    )


def _begin_anew(walk: Backfill) -> None:
    """Nothing is known of the page as it was now, and nothing after is compared with what was before."""
    walk.before = walk.last_seen = walk.doubt = None
    walk.mark = walk.gone = ""


def _fingerprint(walk: Backfill) -> str:
    """That of the last capture that was believed: most are as the one before."""
    return walk.before.snapshot.fingerprint if walk.before else ""


async def _nothing(source: Source, url: str, **_: Any) -> Failure:
    return Failure("refused", f"{source.name}: a replay fetches nothing, not even {url}", refused=True)


def _as_stored(change: Change, known: Mapping[str, Change]) -> Change:
    """The stored change, where it is the same: it knows what only the history tells, as that a row was there before."""
    stored = known.get(change.id)
    return stored if stored is not None and stored.severity == change.severity else change


def _staying(
    stored: Sequence[Change], found: Sequence[Change], captures: Sequence[Snapshot], missing: Sequence[int]
) -> Iterator[Change]:
    """The stored changes that no reading gives; that an issue was corrected only where something in it still is.

    `missing` are the places, in order, of the captures that were believed and have no bytes: what was found beside or
    across one stays.
    """
    places = {snapshot.id: number for number, snapshot in enumerate(captures)}
    corrected = {change.snapshot for change in found if change.severity > Severity.COSMETIC}
    for change in stored:
        start, end = places.get(change.before or ""), places.get(change.snapshot or "")
        if end is not None:
            first = bisect_left(missing, end if start is None else start)
            if first < len(missing) and missing[first] <= end:
                yield change
                continue
        if change.kind == "report.corrected" and change.path == STATE and change.snapshot not in corrected:
            continue
        if change.path in (STATE, SITE) or start is None:
            yield change


class _Kept:
    """The stored captures of a source, as old captures come."""

    provenance = AGAIN
    together = 1
    until: Mapping[datetime, datetime] = MappingProxyType({})

    def __init__(self, store: Store, captures: Sequence[Snapshot]) -> None:
        self.store, self.captures = store, captures

    def __len__(self) -> int:
        return len(self.captures)

    def __iter__(self) -> Iterator[Snapshot]:
        return iter(self.captures)

    async def arrival(self, one: Snapshot, source: Source, stored: Stored) -> Arrival | None:  # noqa: ARG002 - as all
        """Read the bytes of one; None where they are not kept any more."""
        try:
            body = await self.store.read(snapshots.body, one.id)
        except NotStored:
            return None
        return Arrival(one.at, Fetched(one.url, one.status, one.headers, body), one.sha256)
