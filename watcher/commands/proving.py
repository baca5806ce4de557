"""`watcher verify`: does the stored history hold, and who has stamped it?"""

from __future__ import annotations

from collections.abc import Iterator

from watcher.asking import Desk, Refused
from watcher.commands.printing import emit, local, progress, say
from watcher.core import instant
from watcher.evidence import proof
from watcher.evidence.proof import Proof, Stamped
from watcher.store import Store, anchors
from watcher.store.anchors import Anchor


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
    lengths = proof.lengths(store)
    if name:
        lengths = {name: lengths.get(name) or lengths.get(desk.source(name).name, 0)}
    anchored = _first_lost(store)
    proofs = []
    with progress(desk, "records", sum(lengths.values())) as step:
        for source in lengths:
            found = proof.prove(store, source, step)
            proofs.append(found._replace(first_bad=found.first_bad or anchored.get(source)))
            _tell(desk, proofs[-1])
    broken = [one for one in proofs if one.first_bad]
    last = store.read_sync(anchors.last)
    if "" in anchored:
        say(desk, f"BAD  anchor {anchored['']} was changed, or one before it is missing")
    _conclude(desk, proofs, broken, last)
    return len(broken) + ("" in anchored)


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
        say(desk, f"BAD  {one.source}: snapshot {one.first_bad} does not hold; {one.snapshots:,} before it do{thinned}")
    else:
        say(desk, f"ok   {one.source}: {one.snapshots:,} snapshots hold{thinned}")


def _conclude(desk: Desk, proofs: list[Proof], broken: list[Proof], last: Anchor | None) -> None:
    if desk.json:
        return
    upto = f"; anchored up to {local(last.at, desk.config.timezone)}" if last else "; no anchors"
    if broken:
        first = broken[0]
        say(
            desk,
            f"{len(broken):,} of {len(proofs):,} chains do not hold: {first.source} from {first.first_bad} on{upto}",
        )
    else:
        held = sum(one.snapshots for one in proofs)
        say(desk, f"all is as it was stored: {len(proofs):,} chains, {held:,} snapshots{upto}")


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
