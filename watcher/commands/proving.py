"""`watcher verify`, `export` and `import`: does the stored history hold, and how is it carried elsewhere?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from watcher.app import running
from watcher.asking import Desk, Refused
from watcher.backfill import backfill
from watcher.captures import CaptureError
from watcher.commands.printing import emit, local, progress, say
from watcher.core import Source, instant
from watcher.evidence import exporting, importing, proof
from watcher.evidence.proof import Proof, Stamped
from watcher.store import Store, anchors, snapshots
from watcher.store.anchors import Anchor

MISSING = "{} is not installed: pip install 'watcher[evidence]'"


def verify(desk: Desk, name: str, *, stamped: bool, head: str) -> int:
    """Follow all chains, or one; returns the exit code: 1 where one does not hold, or a stamp is bad."""
    with desk.store() as store:
        bad = _verified(desk, store, name)
        if stamped:
            bad += _stamps(desk, store)
        if head and not store.read_sync(anchors.has, _digest(head)):
            say(desk, f"BAD  the head {head} is not among the anchors: they were cut or rewritten")
            bad += 1
    return int(bad > 0)


def _digest(text: str) -> str:
    try:
        return bytes.fromhex(text).hex()
    except ValueError:
        raise Refused(f"--head: expected the 64 hex digits of a head, found {text!r:.80}") from None


def _verified(desk: Desk, store: Store, name: str) -> int:
    """Say of each chain whether it holds; returns how many do not."""
    anchored = _first_lost(store)
    lengths = dict.fromkeys(sorted(anchored.keys() - {""}), 0) | proof.lengths(store)
    if name:
        lengths = {name: lengths[name] if name in lengths else _unstored(desk, name)}
    proofs = []
    with progress(desk, "records", sum(lengths.values())) as step:
        for source in lengths:
            found = proof.prove(store, source, step)
            if found.thinned:
                found = proof.unlawful(store, found, desk.clock(), ever=bool(desk.config.retention.bodies))
            proofs.append(found._replace(first_bad=found.first_bad or anchored.get(source)))
            _tell(desk, proofs[-1])
    broken = [one for one in proofs if one.first_bad]
    last = store.read_sync(anchors.last)
    if "" in anchored:
        say(desk, f"BAD  anchor {anchored['']} was changed, or one before it is missing")
    _conclude(desk, proofs, broken, last)
    return len(broken) + ("" in anchored)


def _unstored(desk: Desk, name: str) -> int:
    """The records of a source that has none. Raises Refused for a name that nothing has."""
    desk.source(name)
    return 0


def _first_lost(store: Store) -> dict[str, str]:
    """What the anchors miss first of each chain; under "" the number of the first anchor that does not hold."""
    found: dict[str, str] = {}
    for one in proof.lost(store):
        found.setdefault(one.source, one.snapshot or str(one.anchor))
    return found


def _tell(desk: Desk, one: Proof) -> None:
    if desk.json:
        told = {"source": one.source, "snapshots": one.snapshots, "ok": not one.first_bad, "first_bad": one.first_bad}
        emit(told | ({"thinned": one.thinned} if one.thinned else {}))
        return
    thinned = f", {one.thinned:,} of them without their bytes" if one.thinned else ""
    if one.first_bad:
        say(
            desk,
            f"BAD  {one.source}: snapshot {one.first_bad} does not hold; sound before it: {one.snapshots:,}{thinned}",
        )
    else:
        say(desk, f"ok   {one.source}: {_count(one.snapshots, 'snapshot')}{thinned}")


def _conclude(desk: Desk, proofs: list[Proof], broken: list[Proof], last: Anchor | None) -> None:
    if desk.json:
        return
    upto = f"; anchored up to {local(last.at, desk.config.timezone)}" if last else "; no anchors"
    if broken:
        first, whole = broken[0], _count(len(proofs), "chain")
        say(desk, f"damaged: {len(broken):,} of {whole}: {first.source} from {first.first_bad} on{upto}")
    else:
        held = _count(sum(one.snapshots for one in proofs), "snapshot")
        say(desk, f"all is as it was stored: {_count(len(proofs), 'chain')}, {held}{upto}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _stamps(desk: Desk, store: Store) -> int:
    """Say of each stamp what it proves; returns how many are bad."""
    bad = 0
    for one in _judged(desk, store):
        bad += one.state == "bad"
        if desk.json:
            emit(
                {
                    "anchor": one.anchor.n,
                    "at": instant(one.anchor.at),
                    "head": one.anchor.digest,
                    "authority": one.url,
                    "state": one.state,
                    "said": one.said,
                }
            )
        else:
            when = local(one.anchor.at, desk.config.timezone)
            say(desk, f"{one.state:8} anchor {one.anchor.n} of {when}, {one.url}: {one.said}")
    return bad


def _judged(desk: Desk, store: Store) -> Iterator[Stamped]:
    try:
        yield from proof.stamped(store, desk.config.evidence.timestamp_roots, desk.clock())
    except (OSError, ValueError) as error:
        raise Refused(f"evidence.timestamp_roots: expected a PEM file of certificates: {error}") from error
    except ModuleNotFoundError as error:
        raise Refused(MISSING.format(error.name)) from error


def export(desk: Desk, source: str, path: Path) -> None:
    """Write what is stored of `source` to a file. Raises Refused where that cannot be."""
    if exporting.ending(path) is None:
        known = ", ".join(exporting.FORMS)
        raise Refused(f"--to: expected a file whose name ends in one of {known}; found {path.name!r:.80}")
    with desk.store() as store:
        lengths = proof.lengths(store)
        with progress(desk, "records", lengths[source] if source in lengths else _unstored(desk, source)) as step:
            try:
                done = exporting.export(store, source, path, step)
            except OSError as error:
                raise Refused(f"{path}: cannot be written: {error.strerror}") from error
            except ModuleNotFoundError as error:
                raise Refused(MISSING.format(error.name)) from error
    if desk.json:
        emit({"source": source, "file": str(path), "records": done.records, "bytes": done.size})
    else:
        say(desk, f"{path}: {done.records:,} records of {source}, {done.size:,} bytes")


async def take_in(desk: Desk, source: Source, path: Path) -> None:
    """Take the captures of a WARC file or a bundle into the history. Raises Refused where they cannot be had."""
    with desk.store(writing=True) as store:
        known = {(one.at, one.sha256) for one in store.read_sync(snapshots.snapshots, source.name)}
        try:
            with importing.opened(path, source, known) as arrivals:
                async with running(desk.config, store, clock=desk.clock, given=desk.given is not None) as app:
                    with progress(desk, "captures", len(arrivals)) as step:
                        done = await backfill(app.parts, source, app.state(source), arrivals, progress=step)
        except CaptureError as error:
            raise Refused(str(error)) from error
        except ModuleNotFoundError as error:
            raise Refused(MISSING.format(error.name)) from error
    more = f"; {arrivals.thinned:,} without their bytes were left out" if arrivals.thinned else ""
    if desk.json:
        emit({"source": source.name, **done._asdict()})
    else:
        told = f"{done.captures:,} captures, {done.stored:,} stored, {done.suspect:,} of them suspect"
        say(desk, f"{source.name}: {told}; {done.changes:,} changes found{more}")
