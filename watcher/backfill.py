"""Old captures into the history: each becomes a snapshot with its own time, and nothing is alerted.

Stands beside pipeline, with the same parts. Captures are placed among those already stored by their time; the changes
among them and at the joins are computed, and what is stored already is never rewritten.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from watcher import suspect
from watcher.captures import Captures, Found
from watcher.core import (
    Capture,
    Change,
    Fetched,
    Glance,
    NotReadable,
    Pair,
    Snapshot,
    Source,
    SourceState,
    Verdict,
    capture_of,
)
from watcher.pipeline import Parts, commit, mark_returned, stored_capture
from watcher.plugins import build
from watcher.store import changes, snapshots

AHEAD = 8
"""Captures that are read ahead of the comparison, so that all children of the pool have work."""
TOGETHER = 32
"""Captures stored in one transaction."""


class Backfilled(NamedTuple):
    """What a back-fill brought: captures seen, stored anew, doubted, and changes found."""

    captures: int
    stored: int
    suspect: int
    changes: int


class Arrival(NamedTuple):
    """A capture as it was found on disk: its time, what a server would have answered, the digest of its bytes."""

    at: datetime
    fetched: Fetched
    sha256: str


class Known(NamedTuple):
    """A capture of the timeline: its record, and its bytes as the adapter reads them."""

    snapshot: Snapshot
    capture: Capture


async def backfill(
    parts: Parts,
    source: Source,
    state: SourceState,
    captures: Captures,
    *,
    progress: Callable[[int], None] | None = None,
) -> Backfilled:
    """Take `captures` in, oldest first; those already taken in are passed over, so that twice is once."""
    imported = await parts.store.read(snapshots.imported, source.name)
    stored = await parts.store.read(snapshots.snapshots, source.name, verdicts=("ok",))
    one = Backfill(parts, source, state, deque(stored))
    total = kept = 0
    async for arrival, glance in _looked(parts, source, captures, imported):
        total += 1
        if progress:
            progress(1)
        if glance is not None:
            kept += 1
            await one.pass_stored(until=arrival.at)
            await one.take(arrival, glance)
            if len(one.rows) >= TOGETHER:
                await one.store()
    await one.pass_stored(until=None)
    await one.store()
    return Backfilled(total, kept, one.doubts, one.changes)


async def _looked(
    parts: Parts, source: Source, captures: Captures, imported: set[tuple[datetime, str]]
) -> AsyncIterator[tuple[Arrival, Glance | None]]:
    """Each capture with a first look at it, in order, several looks under way at once. None: it is stored already."""

    async def look(one: Found) -> tuple[Arrival, Glance | None]:
        fetched = Fetched(source.url, 200, (("content-type", one.content_type),), captures.body(one))
        arrival = Arrival(one.at, fetched, hashlib.sha256(fetched.body).hexdigest())
        if (one.at, arrival.sha256) in imported:
            return arrival, None
        try:
            return arrival, await parts.pool.look(source, fetched, one.at)
        except NotReadable as error:
            return arrival, Glance(Verdict("unreadable", str(error)), "")

    under_way: deque[asyncio.Task[tuple[Arrival, Glance | None]]] = deque()
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


@dataclass(slots=True)
class Backfill:
    """One back-fill under way: the stored captures still ahead, the last believed one, and what waits to be stored."""

    parts: Parts
    source: Source
    state: SourceState
    ahead: deque[Snapshot]
    before: Known | None = None
    last_seen: datetime | None = None
    gone: str = ""
    doubt: Known | None = None
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
            known = Known(*await self.parts.store.read(stored_capture, self.source, there.id))
            if not self.joined:
                await self._differences(known)
            self.before, self.last_seen, self.joined = known, there.at, True
            self.doubt, self.mark, self.gone = None, "", ""
            self.told = await self._told(there)

    async def take(self, arrival: Arrival, glance: Glance) -> None:
        """Place one new capture: believed, with what changed in it, or doubted until the next one agrees."""
        here = self._link(arrival, glance)
        verdict = glance.verdict
        self.joined = False
        if verdict.ok:
            verdict, here = await self._differences(here)
        if verdict.ok:
            self._believe(here)
            return
        mark = suspect.mark(verdict, glance.fingerprint)
        agrees = self.doubt is not None and self.mark == mark and verdict.confirmable
        if agrees and not self.gone:
            await self._believe_doubt(verdict)
        elif not agrees:
            self.doubt, self.mark = here, mark
            self.doubts += 1
        self._keep(here, verdict)

    async def store(self) -> None:
        """Write what waits, in one transaction, with where the source now stands."""
        found = await mark_returned(self.parts.store, self.source.name, tuple(self.found))
        self.changes += len(found)
        await self.parts.store.run(commit, self.state, rows=self.rows, settled=self.settled, found=found)
        self.rows.clear()
        self.settled.clear()
        self.found.clear()

    def _believe(self, here: Known) -> None:
        """`here` is the page from its time on."""
        if self.gone:
            self.found.append(self._about("page.back", self.gone, None, here))
        self.before, self.last_seen = here, here.capture.at
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
                last_seen=here.capture.at,
                records=self.records,
            )

    async def _believe_doubt(self, verdict: Verdict) -> None:
        """The capture before said the same: the page was gone, or had lost its rows, from then on."""
        assert self.doubt is not None
        if verdict.kind == "gone":
            self.gone = verdict.reason
            if self.before is not None:
                self.found.append(self._about("page.gone", None, verdict.reason, self.doubt))
            return
        _, believed = await self._differences(self.doubt, guarded=False)
        self.settled.append(believed.snapshot)
        self.before, self.last_seen = believed, believed.capture.at

    async def _differences(self, here: Known, *, guarded: bool = True) -> tuple[Verdict, Known]:
        """Find what changed from the last believed capture to `here`; says if it may be believed, and its choices."""
        before = self.before
        if before is not None and _reads_alike(before.snapshot, here.snapshot):
            return suspect.OK, _with_choices(here, before.snapshot.choices)
        choices = before.snapshot.choices if before else {}
        pair = Pair(self.source, here.capture, before and before.capture, choices, self.last_seen, guarded)
        try:
            reading = await self.parts.pool.compare(pair)
        except NotReadable as error:
            return Verdict("unreadable", str(error)), here
        if reading.verdict.ok:
            self.found += [change for change in reading.changes if _fact(change) not in self.told]
            self.records = reading.records
        return reading.verdict, _with_choices(here, reading.choices)

    async def _told(self, there: Snapshot) -> set[bytes]:
        """What is stored of the step to the next stored capture: it is not told a second time by captures between."""
        if not self.ahead:
            return set()
        stored = await self.parts.store.read(changes.between, self.source.name, there.id, self.ahead[0].id)
        return {_fact(change) for change in stored}

    def _link(self, arrival: Arrival, glance: Glance) -> Known:
        snapshot = snapshots.link(
            source=self.source.name,
            seq=self.state.seq + 1,
            at=arrival.at,
            fetched=arrival.fetched,
            sha256=arrival.sha256,
            provenance="import",
            clock="capture",
            previous=self.state.head,
        )
        self.state = replace(self.state, seq=snapshot.seq, head=snapshot.record_hash)
        version = build(self.source).version
        return Known(
            replace(snapshot, fingerprint=glance.fingerprint, version=version),
            capture_of(self.source, arrival.fetched, arrival.at, snapshot.id),
        )

    def _keep(self, here: Known, verdict: Verdict) -> None:
        self.rows.append((replace(here.snapshot, verdict=verdict.kind, reason=verdict.reason), here.capture.body))

    def _about(self, kind: str, old: str | None, new: str | None, here: Known) -> Change:
        from watcher.diff import about, change

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


def _with_choices(here: Known, choices: Mapping[str, Any]) -> Known:
    return here._replace(snapshot=replace(here.snapshot, choices=choices))


def _fact(change: Change) -> bytes:
    """A change but for its place in time."""
    return msgspec.json.encode([change.kind, change.subject.id, change.path, change.old, change.new])
