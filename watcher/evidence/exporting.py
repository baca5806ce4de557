"""A source's history into a file, in the form that its name ends in; whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO, NamedTuple

from watcher.evidence import bundle, listing, proof, warc
from watcher.store import Store, StoreError

Step = Callable[[int], None]
Write = Callable[[Store, str, int, IO[bytes], Step], None]
FORMS: dict[str, Write] = {
    ".warc.gz": warc.write,
    ".zip": bundle.write,
    ".jsonl": lambda store, source, _, out, step: listing.lines(store, source, out, step),
    ".csv": lambda store, source, _, out, step: listing.table(store, source, out, step),
}
"""By ending: those in CAPTURES hold the captures, the others the changes."""
CAPTURES = (".warc.gz", ".zip")


class Exported(NamedTuple):
    """How many captures or changes an export holds, and how large it is in bytes."""

    records: int
    size: int


def ending(path: Path) -> str | None:
    """The ending of `path` that is known, if one is."""
    return next((one for one in FORMS if path.name.lower().endswith(one)), None)


def export(store: Store, source: str, path: Path, step: Step = lambda _: None) -> Exported:
    """Write what is stored of `source` to `path`, which is replaced. Raises OSError, and StoreError as reading does.

    What is damaged is not exported: Corrupt names the first snapshot that does not hold.
    """
    form = ending(path)
    assert form is not None
    count = proof.lengths(store).get(source, 0)
    if not count:
        raise StoreError(f"{source}: nothing is stored yet")
    records = 0

    def count_up(done: int) -> None:
        nonlocal records
        records += done
        step(done)

    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as out:
            FORMS[form](store, source, count, out, count_up)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Exported(records, path.stat().st_size)
