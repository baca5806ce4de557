"""`watcher verify`, `export` and `import`: does the stored history hold, and how is it carried elsewhere?"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from watcher.app import running
from watcher.asking import Desk, Refused
from watcher.backfill import backfill
from watcher.captures import CaptureError
from watcher.commands.printing import emit, local, progress, say
from watcher.core import Source, instant
from watcher.evidence import exporting, importing, proof, stamps
from watcher.evidence.proof import Proof
from watcher.store import Store, anchors, snapshots

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

PATIENCE = timedelta(days=1)
"""How old an anchor without any stamp may be."""
MISSING = "{} is not installed: pip install 'watcher[evidence]'"


def verify(desk: Desk, name: str, *, stamped: bool, head: str) -> int:
    """Follow all chains, or one; returns the exit code: 1 where one does not hold, or what vouches for it."""
    digest = _digest(head)
    with desk.store() as store:
        anchored = _first_lost(store)
        proofs = _proofs(desk, store, name, anchored)
        bad = _anchors(desk, anchored.get(""))
        if stamped:
            bad += _stamps(desk, store)
        if digest and not store.read_sync(anchors.has, digest):
            say(desk, f"BAD  the head {digest} is not among the anchors: they were cut or rewritten")
            if desk.json:
                emit({"head": digest, "ok": False})
            bad += 1
        if not desk.json:
            _conclude(desk, proofs, bad, _upto(desk, store))
    return int(bad > 0 or any(one.first_bad for one in proofs))


def _digest(text: str) -> str:
    if text and not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise Refused(f"--head: expected the 64 hex digits of a head, found {text!r:.80}")
    return text.lower()


def _proofs(desk: Desk, store: Store, name: str, anchored: dict[str, str]) -> list[Proof]:
    """Say of each chain whether it holds, itself and as far as the anchors know of it."""
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
    return proofs


def _anchors(desk: Desk, first: str | None) -> int:
    """Say which anchor is the first that does not hold, if one is; returns how many are said."""
    if first is None:
        return 0
    say(desk, f"BAD  anchor {first} was changed or damaged, or one before it is missing")
    if desk.json:
        emit({"anchor": int(first), "ok": False, "first_bad": first})
    return 1


def _upto(desk: Desk, store: Store) -> str:
    """How far the anchors reach: only one that a stamp proves says anything to others."""
    count = store.read_sync(anchors.count)
    if not count:
        return "no anchors"
    try:
        last = proof.anchored(store, lambda: stamps.trusted(desk.config.evidence.timestamp_roots), desk.clock())
    except (OSError, ValueError, ModuleNotFoundError):  # `--anchors` says so
        last = None
    if last is None:
        return f"{_count(count, 'anchor')}, none checked yet"
    return f"anchored up to {local(last.at, desk.config.timezone)}"


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


def _conclude(desk: Desk, proofs: list[Proof], bad: int, upto: str) -> None:
    """Sum up; `bad` is how much of what vouches for the chains is."""
    whole, held = _count(len(proofs), "chain"), _count(sum(one.snapshots for one in proofs), "snapshot")
    if broken := [one for one in proofs if one.first_bad]:
        first = broken[0]
        say(desk, f"damaged: {len(broken):,} of {whole}: {first.source} from {first.first_bad} on; {upto}")
    elif bad:
        say(desk, f"the chains hold, and what vouches for them does not: {whole}, {held}; {upto}")
    else:
        say(desk, f"all is as it was stored: {whole}, {held}; {upto}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _stamps(desk: Desk, store: Store) -> int:
    """Say of each stamp what it proves; returns how many are bad."""
    bad = 0
    config, now = desk.config.evidence, desk.clock()
    for one in proof.stamped(store, _roots(desk), now, asked=bool(config.timestamp_urls)):
        bad += one.state == "bad" or (one.state == "no stamp" and now - one.anchor.at > PATIENCE)
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
            by = f", {one.url}" if one.url else ""
            say(desk, f"{one.state:8} anchor {one.anchor.n} of {when}{by}: {one.said}")
    return bad


def _roots(desk: Desk) -> list[Certificate]:
    try:
        return stamps.trusted(desk.config.evidence.timestamp_roots)
    except (OSError, ValueError) as error:
        raise Refused(f"evidence.timestamp_roots: expected a PEM file of certificates: {error}") from error
    except ModuleNotFoundError as error:
        raise Refused(MISSING.format(error.name)) from error


def export(desk: Desk, source: str, path: Path, *, force: bool = False) -> None:
    """Write what is stored of `source` to a file; Refused where that cannot be, or one is there, unless `force`."""
    if exporting.ending(path) is None:
        known = ", ".join(exporting.FORMS)
        raise Refused(f"--to: expected a file whose name ends in one of {known}; found {path.name!r:.80}")
    if path.exists() and not force:
        raise Refused(f"{path}: is there already: name another path, or overwrite it with --force")
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
        what = "records" if exporting.ending(path) in exporting.CAPTURES else "changes"
        say(desk, f"{path}: {done.records:,} {what} of {source}, {done.size:,} bytes")


async def take_in(desk: Desk, source: Source, path: Path, *, force: bool = False) -> None:
    """Take the captures of a WARC file or a bundle into the history; of another page with `force`. Raises Refused."""
    with desk.store(writing=True) as store:
        known = {(one.at, one.sha256) for one in store.read_sync(snapshots.snapshots, source.name)}
        try:
            with importing.opened(path, source, known, now=desk.clock(), force=force) as arrivals:
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
