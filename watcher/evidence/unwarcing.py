"""The captures of one page in a WARC file: those with a record of watcher's own, or answers for the page's address.

warcio reads it; the bounds around it stand here, because warcio itself has none.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, NamedTuple

from watcher import coding
from watcher.captures import MOST_ALTOGETHER, MOST_BYTES, CaptureError
from watcher.core import Failure, Fetched, Source, parse_instant
from watcher.evidence.chain import LONGEST, Chain
from watcher.evidence.importing import Arrivals, page

MOST_HEADERS = 256 << 10
"""Bytes of all headers of one record."""
REDIRECTS = range(300, 400)
ODD = (AttributeError, TypeError, AssertionError)
"""What warcio may raise for records that are none."""


class Waiting(NamedTuple):
    """An answer that was read, until it is known whether a record of watcher's stands behind it."""

    id: str
    at: datetime
    fetched: Fetched
    place: str


def read(path: Path, source: Source, arrivals: Arrivals) -> None:
    """Take the captures of the file at `path` that are of `source`. Raises CaptureError."""
    from warcio.exceptions import ArchiveLoadFailed

    damaged = (ArchiveLoadFailed, EOFError, OSError, ValueError, OverflowError, zlib.error, *ODD)
    noise = io.StringIO()
    try:
        with _plain(path) as stream, contextlib.redirect_stderr(noise):
            _captures(path, _records(path, stream), source, arrivals)
    except damaged as error:
        raise CaptureError(f"{path}: expected a sound WARC file: {' '.join(str(error).split())[:200]}") from error


@contextlib.contextmanager
def _plain(path: Path) -> Iterator[IO[bytes]]:
    """The file unpacked by gzip, which looks at all checksums and sees a cut; bounded."""
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        with gzip.open(file) if packed else contextlib.nullcontext(file) as stream:
            bounded = _Bounded(path, stream)
            if bounded.peek() != b"WARC/":
                raise CaptureError(f"{path}: expected a WARC file, found something else")
            yield bounded  # type: ignore[misc]  # it reads, which is all that is asked of it


class _Bounded:
    """A stream of which not more than any honest archive holds is read."""

    def __init__(self, path: Path, stream: Any) -> None:
        self.path = path
        self.stream = stream
        self.left = MOST_ALTOGETHER
        self.head = b""

    def peek(self) -> bytes:
        """How it begins."""
        self.head = self.stream.read(5)
        return self.head

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        found, self.head = self.head or self.stream.read(size), b""
        self.left -= len(found)
        if self.left < 0:
            raise CaptureError(f"{self.path}: expected at most {MOST_ALTOGETHER >> 30} GiB, found more")
        return found


def _records(path: Path, stream: IO[bytes]) -> Iterator[tuple[str, Any]]:
    """Each record of the file with its place, seen to be whole once the next is asked for."""
    from warcio.archiveiterator import WARCIterator

    records = WARCIterator(stream, check_digests="raise")
    lines = _Lines(records.reader.readline)
    records.reader.readline = lines  # the headers of a record are read by lines, and by nothing else
    for number, record in enumerate(records, start=1):
        place = f"{path}: record {number}"
        if record.length is None or str(record.length) != record.rec_headers.get_header("Content-Length", "").strip():
            raise ValueError(f"record {number} has no sound length")
        yield place, record
        while record.raw_stream.read(1 << 16):
            pass
        if record.raw_stream.limit:
            raise ValueError(f"record {number} is cut")
        lines.left = MOST_HEADERS
    if records.err_count:
        raise ValueError("something stands between its records")


class _Lines:
    """Reads lines, of one record not more than all its headers may have."""

    def __init__(self, readline: Any) -> None:
        self.readline = readline
        self.left = MOST_HEADERS

    def __call__(self, length: int | None = None) -> bytes:
        line: bytes = self.readline(min(length or MOST_HEADERS, MOST_HEADERS))
        self.left -= len(line)
        if self.left <= 0:
            raise ValueError(f"a record has more than {MOST_HEADERS >> 10} KiB of headers")
        return line


def _captures(path: Path, records: Iterator[tuple[str, Any]], source: Source, arrivals: Arrivals) -> None:
    """Go through the records: an answer is taken once what stands behind it says whose it is."""
    chain, waiting, due = Chain(), None, None
    for place, record in records:
        if record.rec_type == "warcinfo":
            due = _due(record.raw_stream.read(LONGEST)) or due
        elif record.rec_type == "response":
            _take(waiting, source, arrivals)
            waiting = _waiting(place, record)
        elif record.rec_type == "metadata" and record.content_type == "application/json":
            one, thinned = chain.follow(record.raw_stream.read(LONGEST + 1), place)
            arrivals.thinned += thinned
            if thinned:
                continue
            if waiting is None or waiting.id != record.rec_headers.get_header("WARC-Concurrent-To"):
                raise CaptureError(f"{place}: the answer that it is about is missing")
            if arrivals.take(waiting.at, waiting.fetched, place) != one.sha256:
                raise CaptureError(f"{place}: the bytes do not have the digest of their record")
            arrivals.settle(one)
            waiting = None
    _take(waiting, source, arrivals)
    if due is not None and due != chain.seq:
        raise CaptureError(f"{path}: expected {due:,} records, found {chain.seq:,}: the file was cut")


def _due(text: bytes) -> int | None:
    """How many records of a chain the file says that it has."""
    for line in text.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        if name == b"watcher-records" and value.isdigit():
            return int(value[:12])
    return None


def _take(waiting: Waiting | None, source: Source, arrivals: Arrivals) -> None:
    """Take an answer that another program has archived, if it is the page's."""
    if waiting and page(waiting.fetched.url) == page(source.url) and waiting.fetched.status not in REDIRECTS:
        arrivals.take(waiting.at, waiting.fetched, waiting.place)


def _waiting(place: str, record: Any) -> Waiting | None:
    """An answer with its body as the server meant it; None for what is no answer of a web server."""
    told, http = record.rec_headers, record.http_headers
    if http is None:
        return None
    raw = record.raw_stream.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise CaptureError(f"{place}: expected at most {MOST_BYTES >> 20} MiB, found more")
    headers = tuple((name.lower(), value) for name, value in http.headers)
    url = told.get_header("WARC-Target-URI")
    answer = Fetched(url, int(http.get_statuscode()), headers, _decoded(place, http, raw), (), None)
    at = parse_instant(told.get_header("WARC-Date")).astimezone(UTC).replace(microsecond=0)
    return Waiting(told.get_header("WARC-Record-ID"), at, answer, place)


def _decoded(place: str, http: Any, raw: bytes) -> bytes:
    """The bytes without the codings that they travelled in."""
    from warcio.bufferedreaders import ChunkedDataReader

    if (http.get_header("transfer-encoding") or "").lower() == "chunked":
        raw = ChunkedDataReader(io.BytesIO(raw)).read(MOST_BYTES + 1)
    name = http.get_header("content-encoding") or ""
    body = coding.decode(raw, name, MOST_BYTES)
    if isinstance(body, Failure):
        raise CaptureError(f"{place}: {body.detail}")
    return body
