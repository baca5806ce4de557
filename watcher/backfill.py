"""Old captures into the history: each becomes a snapshot with its own time, and nothing is alerted.

Stands beside pipeline, with the same parts. Captures are placed among those already stored by their time; the changes
among them and at the joins are computed, and what is stored already is never rewritten.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from watcher import suspect
from watcher.captures import Arrival, Old, Stored
from watcher.core import (
    Capture,
    Change,
    Glance,
    NotReadable,
    Pair,
    Snapshot,
    Source,
    SourceState,
    Verdict,
    capture_of,
)
from watcher.pipeline import Parts, commit, stored_capture
from watcher.plugins import build
from watcher.pool import Pool
from watcher.store import Connection, changes, snapshots

AHEAD = 8
"""Captures that are read ahead of the comparison, so that all children of the pool have work."""


class Backfilled(NamedTuple):
    """What a back-fill brought: captures seen, stored anew, doubted, and changes found."""

    captures: int
    stored: int
    suspect: int
    changes: int


class Placed(NamedTuple):
    """A capture of the timeline: its record, and its bytes as the adapter reads them."""

    snapshot: Snapshot
    capture: Capture


async def backfill(
    parts: Parts,
    source: Source,
    state: SourceState,
    captures: Old,
    *,
    progress: Callable[[int], None] | None = None,
) -> Backfilled:
    """Take `captures` in, oldest first; those already taken in are passed over, so that twice is once."""
    timeline = await parts.store.read(snapshots.snapshots, source.name)
    stored: dict[datetime, set[str]] = {}
    for snapshot in timeline:
        if snapshot.provenance == captures.provenance:
            stored.setdefault(snapshot.at, set()).add(snapshot.sha256)
    thinned = await parts.store.read(snapshots.thinned, source.name)  # with which nothing can be compared
    timeline = [snapshot for snapshot in timeline if snapshot.seq not in thinned]
    one = Backfill(
        parts,
        source,
        state,
        captures.provenance,
        captures.until,
        ahead=deque(snapshot for snapshot in timeline if snapshot.verdict == "ok"),
        doubted=deque(snapshot for snapshot in timeline if snapshot.verdict != "ok" and snapshot.provenance != "live"),
        gone_at=await parts.store.read(_gone_at, source.name),
    )
    total = kept = 0
    async for seen in looked(parts.pool, source, captures, stored):
        total += 1
        if progress:
            progress(1)
        if seen is not None:
            kept += 1
            await one.pass_stored(until=seen[0].at)
            await one.take(*seen)
            if len(one.rows) >= captures.together:
                await one.store()
    await one.pass_stored(until=None)
    await one.store()
    return Backfilled(total, kept, one.doubts, one.changes)


def _gone_at(conn: Connection, source: str) -> set[str | None]:
    """The captures from which on the page is known to have been gone."""
    return {change.snapshot for change in changes.history(conn, sources=[source], kinds=["page.gone"])}


async def looked(
    pool: Pool, source: Source, captures: Old, stored: Stored, known: Callable[[], str] = str
) -> AsyncIterator[tuple[Arrival, Glance] | None]:
    """Each capture with a first look at it, in order, several looks under way at once. None: it is not to be stored.

    `known` gives the fingerprint that the next is likely to have.
    """

    async def look(one: Any) -> tuple[Arrival, Glance] | None:
        arrival = await captures.arrival(one, source, stored)
        if arrival is None:
            return None
        try:
            return arrival, await pool.look(source, arrival.fetched, arrival.at, known())
        except NotReadable as error:
            return arrival, Glance(Verdict("unreadable", str(error)), "")

    under_way: deque[asyncio.Task[tuple[Arrival, Glance] | None]] = deque()
    waiting = iter(captures)
    try:
        while True:
            while len(under_way) < AHEAD and (one := next(waiting, None)) is not None:
                under_way.append(asyncio.create_task(look(one)))
            if not under_way:
                return
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)  # what they say is that the first has failed, too


@dataclass(slots=True)
class Backfill:
    """One back-fill under way: the stored captures still ahead, the last believed one, and what waits to be stored.

    `until` is when captures were seen last, by when they were first. `doubted` are those of earlier back-fills that
    were not believed, `gone_at` those since which the page is known to have been gone: what they began goes on.
    """

    parts: Parts
    source: Source
    state: SourceState
    provenance: str
    until: Mapping[datetime, datetime]
    ahead: deque[Snapshot]
    doubted: deque[Snapshot]
    gone_at: Collection[str | None]
    before: Placed | None = None
    last_seen: datetime | None = None
    gone: str = ""
    doubt: Placed | None = None
    mark: str = ""
    joined: bool = True
    told: set[bytes] = field(default_factory=set)
    rows: list[tuple[Snapshot, bytes]] = field(default_factory=list)
    settled: list[Snapshot] = field(default_factory=list)
    found: list[Change] = field(default_factory=list)
    records: int = 0
    doubts: int = 0
    changes: int = 0

    async def pass_stored(self, *, until: datetime | None) -> None:
        """Go on to the last stored capture before `until` (None: to the end); where new ones came before it, join."""
        while self.ahead and (until is None or self.ahead[0].at <= until):
            there = self.ahead.popleft()
            await self._doubt_again(until=there.at)
            placed = await self._placed(there)
            if not self.joined:
                await self._differences(placed)
            self.before, self.last_seen, self.joined = placed, self._until(there), True
            self.doubt, self.mark, self.gone = None, "", ""
            self.told = await self._told(there)
        await self._doubt_again(until=until)

    async def take(self, arrival: Arrival, glance: Glance) -> None:
        """Place one new capture: believed, with what changed in it, or doubted until the next one agrees."""
        await self.place(self._link(arrival, glance), glance)

    async def place(self, here: Placed, glance: Glance) -> None:
        """Place one capture that has its record."""
        verdict = glance.verdict
        self.joined = False
        if verdict.ok:
            verdict, here = await self._differences(here)
        if verdict.ok:
            self._believe(here)
            return
        mark = suspect.mark(verdict, glance.fingerprint)
        again = self.doubt is not None and self.mark == mark
        if not again:
            self.doubt, self.mark = here, mark
            self.doubts += 1
        self._keep(here, verdict)
        again = again or self._until(here.snapshot) > here.snapshot.at
        if verdict.confirmable and again and not self.gone:
            await self._believe_doubt(verdict)

    async def store(self) -> None:
        """Write what waits, in one transaction, with where the source now stands."""
        self.changes += len(self.found)
        found = tuple(self.found)
        await self.parts.store.run(commit, self.state, rows=self.rows, settled=self.settled, found=found)
        self.rows.clear()
        self.settled.clear()
        self.found.clear()

    def _believe(self, here: Placed) -> None:
        """`here` is the page from its time on."""
        if self.gone:
            self.found.append(self._about("page.back", self.gone, None, here))
        self.before, self.last_seen = here, self._until(here.snapshot)
        self.doubt, self.mark, self.gone = None, "", ""
        self._keep(here, suspect.OK)
        if not self.ahead and self.state.last_checked is None:
            self.state = replace(
                self.state,
                url=here.snapshot.url,
                snapshot=here.snapshot.id,
                fingerprint=here.snapshot.fingerprint,
                version=here.snapshot.version,
                choices=here.snapshot.choices,
                last_seen=self.last_seen,
                records=self.records,
            )

    async def _believe_doubt(self, verdict: Verdict) -> None:
        """It was seen twice: the page was gone, or had lost its rows, from the first time on."""
        assert self.doubt is not None
        if verdict.kind == "gone":
            self.gone = verdict.reason
            if self.before is not None:
                self.found.append(self._about("page.gone", None, verdict.reason, self.doubt))
            return
        _, believed = await self._differences(self.doubt, guarded=False)
        self.settled.append(believed.snapshot)
        self.before, self.last_seen = believed, self._until(believed.snapshot)

    async def _differences(self, here: Placed, *, guarded: bool = True) -> tuple[Verdict, Placed]:
        """Find what changed from the last believed capture to `here`; says if it may be believed, and its choices."""
        before = self.before
        if before is not None and _reads_alike(before.snapshot, here.snapshot):
            return suspect.OK, _with_choices(here, before.snapshot.choices)
        choices = before.snapshot.choices if before else {}
        last_seen = min(self.last_seen, here.capture.at) if self.last_seen else None
        pair = Pair(self.source, here.capture, before and before.capture, choices, last_seen, guarded)
        try:
            reading = await self.parts.pool.compare(pair)
        except NotReadable as error:
            return Verdict("unreadable", str(error)), here
        if reading.verdict.ok:
            self.found += [change for change in reading.changes if _fact(change) not in self.told]
            self.records = reading.records
        return reading.verdict, _with_choices(here, reading.choices)

    async def _doubt_again(self, *, until: datetime | None) -> None:
        """Go on where an earlier back-fill ended: what it doubted still waits, what was gone still is."""
        while self.doubted and (until is None or self.doubted[0].at <= until):
            there = self.doubted.popleft()
            mark = suspect.mark(Verdict(there.verdict, there.reason), there.fingerprint)
            if self.doubt is None or self.mark != mark:
                self.doubt, self.mark = await self._placed(there), mark
            if there.id in self.gone_at:
                self.gone = there.reason

    async def _placed(self, there: Snapshot) -> Placed:
        return Placed(*await self.parts.store.read(stored_capture, self.source, there.id))

    async def _told(self, there: Snapshot) -> set[bytes]:
        """What is stored of the step to the next stored capture: it is not told a second time by captures between."""
        if not self.ahead:
            return set()
        stored = await self.parts.store.read(changes.between, self.source.name, there.id, self.ahead[0].id)
        return {_fact(change) for change in stored}

    def _link(self, arrival: Arrival, glance: Glance) -> Placed:
        snapshot = snapshots.link(
            source=self.source.name,
            seq=self.state.seq + 1,
            at=arrival.at,
            fetched=arrival.fetched,
            sha256=arrival.sha256,
            provenance=self.provenance,
            clock="capture",
            previous=self.state.head,
        )
        self.state = replace(self.state, seq=snapshot.seq, head=snapshot.record_hash)
        version = build(self.source).version
        return Placed(
            replace(snapshot, fingerprint=glance.fingerprint, version=version),
            capture_of(self.source, arrival.fetched, arrival.at, snapshot.id),
        )

    def _until(self, there: Snapshot) -> datetime:
        """When the bytes of a capture were seen last."""
        return self.until.get(there.at, there.at) if there.provenance == self.provenance else there.at

    def _keep(self, here: Placed, verdict: Verdict) -> None:
        self.rows.append((replace(here.snapshot, verdict=verdict.kind, reason=verdict.reason), here.capture.body))

    def _about(self, kind: str, old: str | None, new: str | None, here: Placed) -> Change:
        from watcher.drafts import about, change

        return change(
            about(self.source.name, kind, old=old, new=new),
            self.source.name,
            at=here.capture.at,
            last_seen=self.last_seen,
            snapshot=here.snapshot.id,
            before=self.before.snapshot.id if self.before else None,
        )


def _reads_alike(one: Snapshot, other: Snapshot) -> bool:
    return one.fingerprint == other.fingerprint and one.version == other.version


def _with_choices(here: Placed, choices: Mapping[str, Any]) -> Placed:
    return here._replace(snapshot=replace(here.snapshot, choices=choices))


def _fact(change: Change) -> bytes:
    """A change but for its place in time."""
    return msgspec.json.encode([change.kind, change.subject.id, change.path, change.old, change.new])
