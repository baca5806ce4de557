"""The story of a check, from fetch to outbox. With delivery, which goes on from there, all that knows the order.

Everything that one check found is written in one transaction: snapshot, changes, deliveries and the next check.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, NamedTuple

from watcher import series, standing
from watcher.core import (
    Adapter,
    Capture,
    Change,
    Clock,
    Failure,
    Fetch,
    Fetched,
    Glance,
    NotReadable,
    Pair,
    Reading,
    Severity,
    Snapshot,
    Source,
    SourceState,
    Verdict,
    capture_of,
    instant,
)
from watcher.pace import retry_after
from watcher.periods import ap
from watcher.plugins import build
from watcher.pool import Pool
from watcher.series import Issue
from watcher.store import Connection, Store, changes, screenshots, snapshots, sources

BATCH = 64
"""Unchanged checks written in one transaction."""

NOT_MODIFIED = 304
BELIEVED = {"first", "unchanged", "changed"}
"""Outcomes of a check that has seen the page as it is."""
RELATED = timedelta(days=7)
"""How long an article and a report that name the same place are news of each other."""
ADDED, REMOVED = {"record.added", "jurisdiction.listed"}, {"record.removed", "jurisdiction.delisted"}

Telling = Callable[[Connection], None]
"""Writes what people are to be told of changes, in the transaction that stores them."""

Dispatch = Callable[[Sequence[Change], Sequence[Change]], Telling]
"""The changes of one check, and others that are related, to what tells of them: routes, rendering and channels, put
together by app."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a check needs, built once by app. `clock` is "real", or "given" where --now set the time."""

    store: Store
    fetch: Fetch
    pool: Pool
    now: Clock
    dispatch: Dispatch
    clock: str = "real"
    confirm_after: timedelta = timedelta(minutes=10)
    confirmations: int = 2
    keep_all: bool = False
    price: float = 0.0
    zone: tzinfo = UTC
    batch: list[SourceState] = field(default_factory=list)


class Checked(NamedTuple):
    """How one check ended: first, unchanged, changed, suspect, gone, failed or refused."""

    outcome: str
    state: SourceState
    snapshot: str | None = None
    changes: tuple[Change, ...] = ()
    error: str = ""


async def check(
    parts: Parts, source: Source, state: SourceState, issue: Issue | None = None, gone: Container[str] = ()
) -> Checked:
    """Look at `source` once. What was found is stored, and its deliveries wait in the outbox.

    `issue`: what it is in the series of a list; `gone`: the documents of this list that are known to be gone.
    """
    adapter = build(source)
    fetched = await adapter.snapshot(source, parts.fetch, state.validators, fresh=state.suspect is not None)
    one = Check(parts, source, adapter, state, parts.now(), issue, gone)
    checked = await _taken(one, fetched)
    return await one.punctual(checked) if source.expect and checked.outcome in BELIEVED else checked


async def _taken(one: Check, fetched: Fetched | Failure) -> Checked:
    """What an answer means, as far as its bytes alone say."""
    state = one.state
    if isinstance(fetched, Failure):
        return await one.failed(fetched)
    if fetched.status == NOT_MODIFIED:
        return await one.same(fetched, state.sha256)
    sha256 = hashlib.sha256(fetched.body).hexdigest()
    if sha256 == state.sha256 and fetched.status == 200:  # noqa: PLR2004 - HTTP OK
        return await one.same(fetched, sha256)
    return await one.look(fetched, sha256)


@dataclass(frozen=True, slots=True)
class Check:
    """One check under way: what its steps share. Each step ends in what was stored."""

    parts: Parts
    source: Source
    adapter: Adapter
    state: SourceState
    now: datetime
    issue: Issue | None = None
    gone_before: Container[str] = ()

    async def failed(self, failure: Failure) -> Checked:
        """Nothing came: say why, and come back later."""
        state, _ = await self._store(standing.failed(self.state, self.source, failure, self.now))
        return Checked("refused" if failure.refused else "failed", state, error=failure.detail)

    async def same(self, fetched: Fetched, sha256: str) -> Checked:
        """What is read is as it was; from a doubted, failing or gone page that is news, else one row in a batch."""
        state = standing.unchanged(self.state, self.source, fetched, sha256, self.now, price=self.parts.price)
        if self.state.state == "gone":
            back = self._about("page.back", self.state.error, None)
            state, found = await self._store(replace(state, last_changed=self.now), found=(back,))
            return Checked("changed", state, state.snapshot, found)
        if self.state.suspect or self.state.failures >= standing.NOTE_AFTER:
            state, _ = await self._store(state)
        else:
            self.parts.batch.append(state)
            if len(self.parts.batch) >= BATCH:
                await flush(self.parts)
        return Checked("unchanged", state, state.snapshot)

    async def look(self, fetched: Fetched, sha256: str) -> Checked:
        """Bytes differ: is this the page at all, and does what its adapter reads differ?"""
        known = self.state.fingerprint if self.state.snapshot and self.adapter.version == self.state.version else ""
        try:
            glance = await self.parts.pool.look(self.source, replace(fetched, screenshot=b""), self.now, known)
        except NotReadable as error:
            glance = Glance(Verdict("unreadable", str(error)), "")
        if known and glance.fingerprint == known and not (self.parts.keep_all and self.state.state == "ok"):
            return await self.same(fetched, sha256)
        snapshot = replace(self._link(fetched, sha256), fingerprint=glance.fingerprint, version=self.adapter.version)
        if not glance.verdict.ok:
            return await self.doubt(fetched, snapshot, glance.verdict)
        return await self.compare(fetched, snapshot, capture_of(self.source, fetched, self.now, snapshot.id))

    async def compare(self, fetched: Fetched, snapshot: Snapshot, capture: Capture) -> Checked:
        """What is read differs: extract both, and believe what the guard lets pass."""
        before = await self._stored(self.state.snapshot) if self.state.snapshot else None
        pair = Pair(self.source, capture, before and before[1], self.state.choices, self.state.last_seen)
        if before is None and self.issue and self.issue.before and not self.issue.baseline:
            last = self.issue.before
            assert last.snapshot is not None
            _, one = await self.parts.store.read(stored_capture, replace(self.source, name=last.name), last.snapshot)
            pair = Pair(self.source, capture, one, last.choices, last.last_seen, guarded=False, issues=True)
        try:
            reading = await self.parts.pool.compare(pair)
            if self.state.suspect and self._confirmed(reading.verdict, snapshot.fingerprint):
                snapshot, capture = await self._stored(self.state.suspect)
                reading = await self.parts.pool.compare(replace(pair, after=capture, guarded=False))
                return await self.believe(fetched, snapshot, reading, settled=True)
        except NotReadable as error:
            reading = Reading(Verdict("unreadable", str(error)))
        if not reading.verdict.ok:
            return await self.doubt(fetched, snapshot, reading.verdict)
        return await self.believe(fetched, snapshot, reading, before=before and (before[0], before[1].body))

    async def believe(
        self,
        fetched: Fetched,
        snapshot: Snapshot,
        reading: Reading,
        *,
        before: tuple[Snapshot, bytes] | None = None,
        settled: bool = False,
    ) -> Checked:
        """`snapshot` is the page from now on: store what changed since `before`, the last one believed, and its bytes.

        `settled`: it is the first of the captures that agreed, and is stored already.
        """
        if self.state.state == "gone":
            back = self._about("page.back", self.state.error, None, snapshot=snapshot.id)
            reading = replace(reading, changes=(back, *reading.changes))
        if self.issue is not None:
            reading = replace(reading, changes=await self._of_issue(self.issue, snapshot.id, reading.changes))
        state = standing.believed(self.state, self.source, fetched, snapshot, reading, self.now, price=self.parts.price)
        stored = replace(snapshot, verdict="ok", choices=reading.choices)
        capture = None if settled else fetched
        state, found = await self._store(state, stored, capture, before=before, found=reading.changes)
        seen = any(change.severity > Severity.COSMETIC for change in found)
        first = self.state.snapshot is None
        outcome = "first" if first else "changed" if seen else "unchanged"
        return Checked(outcome, state, snapshot.id, found, reading.note)

    async def doubt(self, fetched: Fetched, snapshot: Snapshot, verdict: Verdict) -> Checked:
        """Stored and shown to the operator, and not believed before a later fetch agrees, if ever."""
        from watcher import suspect

        unheard = self.state.snapshot is None and verdict.kind in {"gone", "unreadable"}
        if unheard or verdict.kind == "failing":
            wait = retry_after(fetched.header("retry-after"), self.now)
            return await self.failed(Failure("status", verdict.reason, retry_after=wait))
        if verdict.kind == "gone" and (self.state.state == "gone" or self._confirmed(verdict, "")):
            return await self.gone(verdict)
        mark = suspect.mark(verdict, snapshot.fingerprint)
        new = self.state.suspect_fingerprint != mark
        state = standing.doubted(
            self.state, self.source, verdict, mark, snapshot.id, self.now, wait=self.parts.confirm_after
        )
        doubted = replace(snapshot, verdict=verdict.kind, reason=verdict.reason)
        state, _ = await (self._store(state, doubted, fetched) if new else self._store(state))
        return Checked("suspect", state, state.suspect, error=verdict.reason)

    async def gone(self, verdict: Verdict) -> Checked:
        """Confirmed: the page is gone, from the first capture on that said so."""
        state = standing.gone(self.state, self.source, verdict.reason, self.now, price=self.parts.price)
        found: tuple[Change, ...] = ()
        if self.state.state != "gone":
            at = self.state.suspect_since or self.now
            kind = "report.withdrawn" if self.issue else "page.gone"
            found = (self._about(kind, None, verdict.reason, snapshot=self.state.suspect, at=at),)
            if self.issue and not self.issue.listed:
                found = ()  # told when its link went
        state, found = await self._store(state, found=found)
        return Checked("gone", state, state.snapshot, found)

    # ------------------------------------------------------------ series

    async def punctual(self, checked: Checked) -> Checked:
        """Say once that what was expected by now has not come."""
        state = checked.state
        last = series.newest(state) or state.last_changed or await self._first_seen(state)
        due = series.late(self.source.expect, last, self.now, self.parts.zone)
        if due is None:
            return checked
        told = await self.parts.store.read(changes.latest, self.source.name, ("report.late",))
        if told is not None and told > last:
            return checked
        over = series.over(due, self.now, self.parts.zone)
        late = self._about("report.late", None, f"expected {ap(due)}, {over}", snapshot=state.snapshot)
        state, found = await self._store(state, found=(late,))
        return checked._replace(outcome="changed", state=state, changes=(*checked.changes, *found))

    def _tell(self, conn: Connection, found: Sequence[Change]) -> None:
        """Tell of what was found; each place leads to what articles said of it, or reports, within a week."""
        mentions = {change.subject.id for change in found if change.kind == "article.mentions"}
        places = {change.subject.id for change in found if change.kind.startswith("jurisdiction.")}
        elsewhere: list[Change] = []
        for named, kind in ((mentions, "jurisdiction.*"), (places, "article.mentions")):
            if named:
                elsewhere += changes.naming(conn, named, (kind,), self.now - RELATED, but=self.source.name)
        self.parts.dispatch(found, elsewhere)(conn)

    async def _first_seen(self, state: SourceState) -> datetime:
        assert state.snapshot is not None
        return (await self.parts.store.read(snapshots.snapshot, state.snapshot)).at

    async def _of_issue(self, issue: Issue, snapshot: str, found: tuple[Change, ...]) -> tuple[Change, ...]:
        """What was found in a document of a series, led by what it means: a new issue, or one that was corrected."""
        kinds = {change.kind for change in found}
        if self.state.snapshot is not None:
            seen = any(change.severity > Severity.COSMETIC for change in found if change.kind != "page.back")
            if not seen or "report.corrected" in kinds:
                return found
            return (self._about("report.corrected", None, None, snapshot=snapshot), *found)
        if issue.baseline:
            return ()
        found = tuple(replace(change, last_seen=None) for change in found)  # what was seen was another issue
        last = issue.before and series.title_of(issue.before.name, issue.index)
        lead = [self._about("report.published", last, issue.title or issue.stem, snapshot=snapshot)]
        if "report.published" in kinds:  # by the report itself, which knows more of it
            lead, found = [found[0]], found[1:]
        late = await self.parts.store.read(changes.latest, issue.index, ("report.late",))
        resumed = await self.parts.store.read(changes.latest, issue.index, ("report.resumed",))
        if late and (resumed is None or resumed < late):
            lead.append(self._about("report.resumed", f"late since {ap(late.date())}", None, snapshot=snapshot))
        return (*lead, *found)

    # ------------------------------------------------------------ what the steps are made of

    def _confirmed(self, verdict: Verdict, fingerprint: str) -> bool:
        from watcher import suspect  # what it judges by takes longer to load than a page to be checked

        return suspect.confirmed(
            self.state,
            verdict,
            fingerprint,
            self.now,
            after=self.parts.confirm_after,
            captures=self.parts.confirmations,
        )

    def _link(self, fetched: Fetched, sha256: str) -> Snapshot:
        return snapshots.link(
            source=self.source.name,
            seq=self.state.seq + 1,
            at=self.now,
            fetched=fetched,
            sha256=sha256,
            provenance="live",
            clock=self.parts.clock,
            previous=self.state.head,
        )

    def _about(
        self, kind: str, old: Any, new: Any, *, snapshot: str | None = None, at: datetime | None = None
    ) -> Change:
        from watcher.drafts import about, change

        draft = about(self.source.name, kind, old=old, new=new)
        return change(
            draft._replace(subject=self.issue.subject) if self.issue and kind.startswith("report.") else draft,
            self.source.name,
            at=at or self.now,
            last_seen=self.state.last_seen,
            snapshot=snapshot or self.state.snapshot,
            before=self.state.snapshot,
        )

    def _fault(self, state: SourceState) -> tuple[Change, ...]:
        """Told to the operator once: when the third check in a row fails, and when the first does not any more."""
        was, now = self.state.failures, state.failures
        if was < standing.NOTE_AFTER <= now:
            kind = "source.blocked" if state.state == "blocked" else "source.failing"
            return (self._about(kind, None, f"{state.error} (since {instant(self.now)})"),)
        if was >= standing.NOTE_AFTER and now == 0:
            return (self._about("source.recovered", self.state.error, f"since {instant(self.now)}"),)
        return ()

    async def _stored(self, snapshot: str) -> tuple[Snapshot, Capture]:
        return await self.parts.store.read(stored_capture, self.source, snapshot)

    async def _store(
        self,
        state: SourceState,
        snapshot: Snapshot | None = None,
        fetched: Fetched | None = None,
        *,
        before: tuple[Snapshot, bytes] | None = None,
        found: tuple[Change, ...] = (),
    ) -> tuple[SourceState, tuple[Change, ...]]:
        """One transaction for all that this check found; returns state and changes as stored.

        `snapshot` is new where it comes with what was `fetched`, else it was stored before and is now believed.
        """
        found = tuple(one for one in found if one.kind != "report.withdrawn" or one.path[-1] not in self.gone_before)
        # What changed between imported captures and the first live one is history, and news to nobody.
        joined = self.state.snapshot is not None and self.state.last_checked is None
        rows, settled, picture = [], [], b""
        if snapshot is not None and fetched is not None:
            rows, picture = [(snapshot, fetched.body)], fetched.screenshot
            state = replace(state, seq=snapshot.seq, head=snapshot.record_hash)
        elif snapshot is not None:
            settled = [snapshot]
        found = await self.parts.store.run(
            commit,
            state,
            rows=rows,
            picture=picture,
            before=before,
            settled=settled,
            found=found + self._fault(state),
            tell=None if joined else self._tell,
        )
        return state, found


def commit(
    conn: Connection,
    state: SourceState,
    *,
    rows: Sequence[tuple[Snapshot, bytes]] = (),
    picture: bytes = b"",
    before: tuple[Snapshot, bytes] | None = None,
    settled: Sequence[Snapshot] = (),
    found: tuple[Change, ...] = (),
    tell: Callable[[Connection, Sequence[Change]], None] | None = None,
) -> tuple[Change, ...]:
    """All that was found, in one transaction: new captures, those now believed, changes, alerts, where it stands.

    `before`: the capture before the first of `rows`, where it is at hand; `picture`: what a browser showed of the last;
    `tell`: writes what people are to be told of the changes. Returns the changes as they are stored.
    """
    for snapshot, body in rows:
        snapshots.put_snapshot(conn, snapshot, body, before)
        before = snapshot, body
    if rows and picture:
        screenshots.put_screenshot(conn, rows[-1][0].id, picture)
    for snapshot in settled:
        snapshots.settle(conn, snapshot)
    found = _mark_returned(conn, state.name, found)
    changes.put_changes(conn, found)
    if found and tell is not None:
        tell(conn, found)
    sources.put_state(conn, state)
    return found


async def flush(parts: Parts) -> None:
    """Write the unchanged checks that wait in the batch."""
    if parts.batch:
        states, parts.batch[:] = list(parts.batch), []
        await parts.store.run(sources.put_checks, states)


def _mark_returned(conn: Connection, source: str, found: tuple[Change, ...]) -> tuple[Change, ...]:
    """Rows that come back after they were dropped, before or among `found` (oldest first), say so."""
    added = {change.subject.id for change in found if change.kind in ADDED}
    if not added:
        return found
    dropped = changes.removed_before(conn, source, added)
    marked: list[Change] = []
    for change in found:
        here = change.subject.id
        if change.kind in REMOVED:
            dropped[here] = min(change.at, dropped.get(here, change.at))
        if change.kind in ADDED and here in dropped and dropped[here] < change.at:
            marked.append(replace(change, returned=True, summary=f"{change.summary} (was there before)"))
        else:
            marked.append(change)
    return tuple(marked)


def stored_capture(conn: Connection, source: Source, snapshot_id: str) -> tuple[Snapshot, Capture]:
    """A stored snapshot, and its bytes as the adapter reads them. Raises Corrupt where they are not those stored."""
    snapshot, body = snapshots.with_body(conn, snapshot_id)
    stored = Fetched(snapshot.url, snapshot.status, snapshot.headers, body)
    return snapshot, capture_of(source, stored, snapshot.at, snapshot.id)
