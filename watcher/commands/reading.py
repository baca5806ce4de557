"""`watcher sources`, `history`, `show` and `diff`: what is stored, for people and as JSON."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Sequence
from datetime import datetime

from watcher import series
from watcher.app import with_additions
from watcher.asking import Desk, Refused, compared, complain
from watcher.commands import spans
from watcher.commands.printing import change_line, emit, local, people, say
from watcher.core import Change, Document, NotReadable, Record, Snapshot, Source, SourceState, instant
from watcher.pipeline import stored_capture
from watcher.store import Connection, Store, changes, replays, snapshots
from watcher.store import sources as stored_sources


def sources(desk: Desk) -> None:
    """Print each source of the configuration and where it stands."""
    with desk.store() as store:
        states = store.read_sync(stored_sources.states)
        configured = with_additions(desk.config, store).sources
    watched = [source for source, _ in series.watched(configured, states).values()]
    rows = [(source, states.get(source.name) or SourceState(source.name)) for source in watched]
    if desk.json:
        for source, state in rows:
            emit(_source_json(source, state))
        return
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(
        Column("source", no_wrap=True),
        "kind",
        "state",
        "records",
        "last checked",
        "last changed",
        "next check",
        box=None,
    )
    zone = desk.config.timezone
    for source, state in rows:
        told = f"{state.state}: {state.error}" if state.error else state.state
        times = (state.last_checked, state.last_changed, state.next_check)
        table.add_row(source.name, source.kind, told, str(state.records or ""), *(local(at, zone) for at in times))
    Console(file=people(desk)).print(table)


def _source_json(source: Source, state: SourceState) -> dict[str, object]:
    return {
        "name": source.name,
        "kind": source.kind,
        "url": source.url,
        "state": state.state,
        "last_checked": _instant(state.last_checked),
        "last_changed": _instant(state.last_changed),
        "next_check": _instant(state.next_check),
        "records": state.records,
    }


def _instant(at: datetime | None) -> str | None:
    return instant(at) if at else None


def history(desk: Desk, name: str, *, since: datetime | None, until: datetime | None, kind: str, place: str) -> None:
    """Print the stored changes that match, oldest first."""
    names = [known(desk, name)] if name else None
    where = None
    if place:
        from watcher.places import resolve

        where = resolve(place).id
    with desk.store() as store:
        found = store.read_sync(
            lambda conn: list(
                changes.history(
                    conn, sources=names, since=since, until=until, kinds=(kind,) if kind else None, place=where
                )
            )
        )
        looked = store.read_sync(_spans, names[0]) if names and not desk.json else []
    if not found and not desk.json:
        say(desk, "no stored change matches")
    live = all(span.provenance == spans.LIVE for span in looked)
    every = [] if found and live else spans.marks(looked, desk.config.timezone, desk.clock())
    marks = deque(mark for mark in every if _touches(mark, since, until))
    for change in found:
        while marks and marks[0].at <= change.at:
            say(desk, marks.popleft().text)
        _print(desk, (change,))
    for mark in marks:
        say(desk, mark.text)


def _spans(conn: Connection, name: str) -> list[spans.Span]:
    state = stored_sources.states(conn).get(name)
    return spans.spans(replays.captured(conn, name), state.last_checked if state else None)


def _touches(mark: spans.Mark, since: datetime | None, until: datetime | None) -> bool:
    return (since is None or mark.until >= since) and (until is None or mark.at <= until)


def known(desk: Desk, name: str) -> str:
    """A source's name, or that of a source found by one ("index/document")."""
    return name if "/" in name and desk.source(name.split("/", 1)[0]) else desk.source(name).name


def _print(desk: Desk, found: Sequence[Change]) -> None:
    from watcher.wire import change_json

    for change in found:
        if desk.json:
            emit(change_json(change))
        else:
            say(desk, change_line(change, desk.config.timezone))


async def show(desk: Desk, source: Source, *, at: datetime | None, output: str) -> int:
    """Print the document of `source` as of `at`; returns the exit code: 1 before the first snapshot."""
    with desk.store() as store:
        snapshot = store.read_sync(snapshots.snapshot_at, source.name, at or desk.clock())
        if snapshot is None:
            complain(f"{source.name}: nothing was stored by {local(at or desk.clock(), desk.config.timezone)}")
            return 1
        _, capture = store.read_sync(stored_capture, source, snapshot.id)
    if output == "raw":
        sys.stdout.buffer.write(capture.body)
        return 0
    from watcher.pool import Pool

    try:
        async with Pool(size=1) as pool:
            document = await pool.read(source, capture, snapshot.choices)
    except NotReadable as error:
        complain(f"{source.name}: {error}")
        return 1
    if output == "json":
        from watcher.wire import document_json

        emit(document_json(document))
    else:
        _print_document(desk, document)
    return 0


def _print_document(desk: Desk, document: Document) -> None:
    say(desk, f"{document.source} as of {local(document.at, desk.config.timezone)}: {document.url}")
    for name, value in document.meta.items():
        say(desk, f"{name}: {value}")
    for block in document.blocks:
        mark = {"heading": "# ", "list-item": "- ", "note": "Note: "}.get(block.type, "")
        say(desk, f"\n{mark}{block.text}")
    for name, rows in _tables(document).items():
        _print_rows(rows, f"section {name}" if name else None)


def _tables(document: Document) -> dict[str, list[Record]]:
    """The records by section, where sections have columns of their own; else all as one table."""
    sections: dict[str, list[Record]] = {}
    for record in document.records.values():
        sections.setdefault(record.section or "", []).append(record)
    if len({tuple(rows[0].fields) for rows in sections.values()}) > 1:
        return sections
    return {"": list(document.records.values())} if sections else {}


def _print_rows(rows: Sequence[Record], title: str | None) -> None:
    from rich.console import Console
    from rich.table import Table

    columns = list(dict.fromkeys(field for one in rows for field in one.fields))
    table = Table(*columns, box=None, title=title, title_justify="left")
    for record in rows:
        table.add_row(*("" if record.fields.get(name) is None else str(record.fields[name]) for name in columns))
    Console(file=sys.stdout, markup=False, highlight=False).print(table)


async def diff(desk: Desk, source: Source, start: str, end: str) -> int:
    """Print what differs between two stored captures; returns the exit code: 1 where there are no two."""
    from watcher.pool import Pool

    with desk.store() as store:
        stored = store.read_sync(snapshots.snapshots, source.name, verdicts=("ok",))
        after = _chosen(desk, store, source, stored, end) if end else (stored[-1] if stored else None)
        earlier = [snapshot for snapshot in stored if after and (snapshot.at, snapshot.seq) < (after.at, after.seq)]
        before = _chosen(desk, store, source, stored, start) if start else (earlier[-1] if earlier else None)
        if before is None or after is None:
            complain(f"{source.name}: there are no two captures to compare")
            return 1
        async with Pool() as pool:
            reading = await compared(store, pool, source, before, after)
    if desk.json:
        _print(desk, reading.changes)
        return 0
    _print_diff(desk, source, before, after, reading.changes)
    return 0


def _chosen(desk: Desk, store: Store, source: Source, stored: Sequence[Snapshot], text: str) -> Snapshot | None:
    """The capture that FROM or TO means: by id, or the last one at that time. Raises Refused."""
    by_id = next((snapshot for snapshot in stored if snapshot.id == text), None)
    if by_id is not None:
        return by_id
    found = store.read_sync(snapshots.snapshot_at, source.name, desk.time(text) or desk.clock())
    if found is None:
        raise Refused(f"{source.name}: nothing was stored by {text}", code=1)
    return found


def _print_diff(desk: Desk, source: Source, before: Snapshot, after: Snapshot, found: Sequence[Change]) -> None:
    from watcher.notify.console import draw, takes_colour
    from watcher.render import as_text, body

    zone = desk.config.timezone
    say(desk, f"{source.name}: {local(before.at, zone)} ({before.id}) → {local(after.at, zone)} ({after.id})")
    if not found:
        say(desk, "nothing differs in what is read")
        return
    lines, out = tuple(told.line for told in body(found)), people(desk)
    if takes_colour(out):
        draw(lines, out)
    else:
        out.write(as_text(lines) + "\n")
