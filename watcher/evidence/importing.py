"""Captures out of a WARC file or an evidence bundle, for the back-fill: all of it is checked before any is taken in.

Both are hostile input: read in pieces, bounded, and never unpacked to a place that they name.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import IO, NamedTuple
from urllib.parse import urlsplit

from watcher.captures import MOST_ALTOGETHER, MOST_BYTES, MOST_FILES, Arrival, CaptureError, Stored
from watcher.core import Fetched, Snapshot, Source, instant

MOST_TOLD = 256 << 20
"""Characters of all addresses and headers together, which are held in memory."""


EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""There were no pages before."""
SKEW = timedelta(minutes=5)
"""How far two clocks may differ."""


class Found(NamedTuple):
    """One capture of a file: its time, what the server answered (the body apart), its digest, where its bytes are."""

    at: datetime
    fetched: Fetched
    sha256: str
    offset: int
    size: int


class Arrivals:
    """The captures of one file, oldest first; what `known` holds already is passed over."""

    provenance = "import"
    together = 32
    until: Mapping[datetime, datetime] = MappingProxyType({})

    def __init__(self, store: IO[bytes], known: Collection[tuple[datetime, str]] = ()) -> None:
        self.found: list[Found] = []
        self.thinned = 0
        self.page = ""
        """The address that was asked for the last capture that has a record."""
        self._store = store
        self._known = known
        self._told = 0

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Found]:
        return iter(sorted(self.found, key=lambda one: (one.at, one.offset)))

    def take(self, at: datetime, fetched: Fetched, place: str) -> str:
        """Keep one capture aside, and return the digest of its bytes. Raises CaptureError beyond the bounds."""
        body = fetched.body
        if len(body) > MOST_BYTES:
            raise CaptureError(f"{place}: expected at most {MOST_BYTES >> 20} MiB, found more")
        offset = self._store.seek(0, 2)
        self._told += len(fetched.url) + sum(len(name) + len(value) for name, value in fetched.headers)
        if offset + len(body) > MOST_ALTOGETHER or len(self.found) >= MOST_FILES or self._told > MOST_TOLD:
            raise CaptureError(f"{place}: expected at most {MOST_FILES:,} captures, {MOST_ALTOGETHER >> 30} GiB in all")
        self._store.write(body)
        sha256 = hashlib.sha256(body).hexdigest()
        self.found.append(Found(at, replace(fetched, body=b""), sha256, offset, len(body)))
        return sha256

    def settle(self, one: Snapshot) -> None:
        """The capture that was taken last is `one`, as it was recorded."""
        recorded = Fetched(one.url, one.status, one.headers, b"", one.redirects, one.peer)
        self.page = one.redirects[0].url if one.redirects else one.url
        self.found[-1] = self.found[-1]._replace(at=one.at, fetched=recorded)

    async def arrival(self, one: Found, source: Source, stored: Stored) -> Arrival | None:  # noqa: ARG002 - as Old asks
        """One capture with its bytes; None where it is stored already, by whatever way it came."""
        if one.sha256 in stored.get(one.at, ()) or (one.at, one.sha256) in self._known:
            return None
        self._store.seek(one.offset)
        return Arrival(one.at, replace(one.fetched, body=self._store.read(one.size)), one.sha256)


@contextmanager
def opened(
    path: Path,
    source: Source,
    known: Collection[tuple[datetime, str]] = (),
    *,
    now: datetime | None = None,
    force: bool = False,
) -> Iterator[Arrivals]:
    """Read a file as far as it is about `source`; records of another page only with `force`, none from after `now`.

    Raises CaptureError for such a file, and for one that is damaged, cut or no such file.
    """
    from watcher.evidence import unbundling, unwarcing

    read = {".zip": unbundling.read, ".warc.gz": unwarcing.read, ".warc": unwarcing.read}
    form = next((form for ending, form in read.items() if path.name.lower().endswith(ending)), None)
    if form is None:
        raise CaptureError(f"{path}: expected a file whose name ends in .warc.gz, .warc or .zip")
    if not path.is_file():
        raise CaptureError(f"{path}: expected a file, found nothing there")
    with tempfile.TemporaryFile() as store:
        arrivals = Arrivals(store, known)
        form(path, source, arrivals)
        if not arrivals.found:
            raise CaptureError(f"{path}: expected captures of {source.url}, found none")
        _in_time(path, arrivals, now or datetime.now(UTC))
        if arrivals.page and not force and not _of(arrivals.page, source):
            raise CaptureError(
                f"{path}: expected captures of {source.url}, found those of {arrivals.page:.200}: take them by --force"
            )
        yield arrivals


def _in_time(path: Path, arrivals: Arrivals, now: datetime) -> None:
    for one in arrivals.found:
        if not EARLIEST <= one.at <= now + SKEW:
            raise CaptureError(
                f"{path}: expected captures from {EARLIEST.year} up to now, found one of {instant(one.at)}"
            )


def _of(url: str, source: Source) -> bool:
    """Whether an address is that of the source's page; of the Federal Register, an API of the host is asked."""
    one, other = page(url), page(source.url)
    return one[0] == other[0] and (one[1] == other[1] or source.kind == "federal_register")


def page(url: str) -> tuple[str, str, str]:
    """Host, path and query of an address, however it was written."""
    parts = urlsplit(url)
    return (parts.hostname or "").removeprefix("www."), parts.path.rstrip("/"), parts.query
