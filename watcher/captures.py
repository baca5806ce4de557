"""Old captures, and those on disk: a folder or tar archive of files named by their time, read in order, bounded.

Stands before backfill in the flow. Nothing of an archive is ever unpacked to the place it names.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import re
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import IO, Any, NamedTuple, Protocol, Self

from watcher.core import Fetched, Source

MOST_BYTES = 15 * 2**20
"""Of one capture; the same as a page may have."""
MOST_ALTOGETHER = 8 * 2**30
MOST_FILES = 200_000
MOST_HEADER = 2**20
"""Bytes of a long name or an extended header, which are read at one go."""

_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})-(\d{2})Z\.([A-Za-z0-9]{1,8})")

CONTENT_TYPES = {
    "html": "text/html",
    "htm": "text/html",
    "json": "application/json",
    "csv": "text/csv",
    "xml": "application/xml",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class CaptureError(Exception):
    """A folder or archive that cannot be taken in; the text names the file and says what was expected."""


class Arrival(NamedTuple):
    """An old capture: its time, what the server answered then, the digest of the bytes."""

    at: datetime
    fetched: Fetched
    sha256: str


Stored = Mapping[datetime, AbstractSet[str]]
"""The captures of one provenance that are stored: the digests of each time."""


class Old(Protocol):
    """Where old captures come from: it gives them, oldest first, as whatever `arrival` makes a capture of.

    `provenance` is what is stored of where they are from; `together` how many are stored in one transaction. `until`
    says when the bytes of a capture were seen last before others were, where they were seen more than once.
    """

    provenance: str
    together: int

    @property
    def until(self) -> Mapping[datetime, datetime]:
        """The time of each capture to the last at which its bytes were seen."""
        ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]: ...

    async def arrival(self, one: Any, source: Source, stored: Stored) -> Arrival | None:
        """Bring one capture of `source`; None where it is `stored` already, or cannot be had. Raises CaptureError."""
        ...


class _Header(tarfile.TarInfo):
    """A header that is refused where tarfile would take a damaged one for the end, or read a huge one whole."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # the orderly end
            raise tarfile.ExtractError(f"a cut or damaged header ({error})") from error
        if not header.isfile() and header.size > MOST_HEADER:
            raise tarfile.ExtractError(f"a header of {header.size:,} bytes")
        return header


class Found(NamedTuple):
    """One capture: where it was found, its time in UTC, its content type, and how to read its bytes."""

    name: str
    at: datetime
    content_type: str
    offset: int
    size: int


class Captures:
    """What was found, oldest first. `body` reads one."""

    provenance = "import"
    together = 32
    until: Mapping[datetime, datetime] = MappingProxyType({})

    def __init__(self, found: list[Found], store: IO[bytes] | None, folder: Path | None) -> None:
        self.found = sorted(found, key=lambda one: (one.at, one.name))
        self._store, self._folder = store, folder

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Found]:
        return iter(self.found)

    def within(self, since: datetime | None, until: datetime | None) -> Self:
        """Leave out what is older or newer than wanted; both ends are included."""
        self.found = [
            one for one in self.found if (since is None or since <= one.at) and (until is None or one.at <= until)
        ]
        return self

    async def arrival(self, one: Found, source: Source, stored: Stored) -> Arrival | None:
        """One capture as a server would have answered it; None where it is `stored`. Raises CaptureError."""
        body = self.body(one)
        sha256 = hashlib.sha256(body).hexdigest()
        if sha256 in stored.get(one.at, ()):
            return None
        return Arrival(one.at, Fetched(source.url, 200, (("content-type", one.content_type),), body), sha256)

    def body(self, one: Found) -> bytes:
        """The bytes of one capture. Raises CaptureError where the file went or grew meanwhile."""
        if self._folder is not None:
            try:
                with (self._folder / one.name).open("rb") as file:
                    body = file.read(MOST_BYTES + 1)
            except OSError as error:
                raise CaptureError(f"{self._folder / one.name}: {error.strerror}") from error
        else:
            assert self._store is not None
            self._store.seek(one.offset)
            body = self._store.read(one.size)
        if len(body) > MOST_BYTES:
            raise CaptureError(f"{one.name}: expected at most {MOST_BYTES >> 20} MiB, found more")
        return body


@contextmanager
def opened(path: Path) -> Iterator[Captures]:
    """Look through a folder or a tar archive, all names checked before any capture is read.

    Raises CaptureError for a path that is neither, a name that is no time, a link or device, a path that leads out of
    the archive, and for more than the bounds allow.
    """
    if path.is_dir():
        found = [_checked(path, file) for file in sorted(path.iterdir()) if not file.name.startswith(".")]
        yield Captures(found, None, path)
        return
    if not path.is_file():
        raise CaptureError(f"{path}: expected a folder or a tar archive of captures, found nothing there")
    with tempfile.TemporaryFile() as store:
        try:
            with _plain(path) as stream, tarfile.open(fileobj=stream, mode="r|", tarinfo=_Header) as archive:
                found = list(_members(path, archive, store))
                if len(stream.read(MOST_BYTES + 1)) > MOST_BYTES:  # read to the end: only there stands the checksum
                    raise CaptureError(f"{path}: expected nothing after the end of the archive, found more")
        except _DAMAGED as error:
            raise CaptureError(f"{path}: expected a folder or a sound tar archive of captures: {error}") from error
        yield Captures(found, store, None)


_PACKED: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}
_DAMAGED = (EOFError, OSError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError)
"""What the standard library raises for archives that are none, cut or damaged; ValueError for damaged extensions."""


def _plain(path: Path) -> IO[bytes]:
    """The archive unpacked on the way; tarfile would do so itself, but without looking at the checksums."""
    with path.open("rb") as file:
        head = file.read(6)
    stream: IO[bytes] = next((opener for mark, opener in _PACKED.items() if head.startswith(mark)), _unpacked)(path)
    return stream


def _unpacked(path: Path) -> IO[bytes]:
    return path.open("rb")


def _checked(folder: Path, file: Path) -> Found:
    if file.is_symlink() or not file.is_file():
        raise CaptureError(
            f"{file}: expected a plain file, found {'a link' if file.is_symlink() else 'something else'}"
        )
    size = file.stat().st_size
    _bounded(str(file), size, 0, 0)
    return _named(str(folder), file.name, 0, size)


def _members(path: Path, archive: tarfile.TarFile, store: IO[bytes]) -> Iterator[Found]:
    """Each member is judged by its header before its bytes are read."""
    total = count = 0
    for member in archive:
        place = f"{path}: member {member.name!r:.120}"
        pure = PurePosixPath(member.name)
        if pure.is_absolute() or ".." in pure.parts:
            raise CaptureError(f"{place}: expected a path inside the archive, found one that leads out of it")
        total, count = total + member.size, count + 1
        _bounded(place, member.size, total, count)
        if member.isdir():
            continue
        if not member.isfile() or member.issparse():
            raise CaptureError(f"{place}: expected a plain file, found a link, a device or another special member")
        if pure.name.startswith("."):
            continue
        file = archive.extractfile(member)
        assert file is not None
        offset = store.tell()
        body = file.read()
        store.write(body)
        yield _named(str(path), pure.name, offset, len(body))


def _bounded(place: str, size: int, total: int, count: int) -> None:
    if size > MOST_BYTES:
        raise CaptureError(f"{place}: expected at most {MOST_BYTES >> 20} MiB, found {size:,} bytes")
    if total > MOST_ALTOGETHER or count > MOST_FILES:
        raise CaptureError(
            f"{place}: expected an archive of at most {MOST_ALTOGETHER >> 30} GiB and {MOST_FILES:,} files, found more"
        )


def _named(place: str, name: str, offset: int, size: int) -> Found:
    match = _NAME.fullmatch(name)
    at = _time(*match.groups()[:4]) if match else None
    if match is None or at is None:
        raise CaptureError(f"{place}: {name!r:.120}: expected a name like 2017-03-20T16-00-00Z.html (the time in UTC)")
    content_type = CONTENT_TYPES.get(match[5].lower(), "application/octet-stream")
    return Found(name, at, content_type, offset, size)


def _time(day: str, hour: str, minute: str, second: str) -> datetime | None:
    try:
        return datetime.fromisoformat(f"{day}T{hour}:{minute}:{second}").replace(tzinfo=UTC)
    except ValueError:
        return None
