"""The captures of an evidence bundle, its chain and its bytes checked; nothing is unpacked by name."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from watcher.captures import MOST_ALTOGETHER, MOST_BYTES, MOST_FILES, CaptureError
from watcher.core import Fetched, Source
from watcher.evidence.chain import LONGEST, Chain
from watcher.evidence.importing import Arrivals

MOST_INDEX = 64 << 20
"""Bytes of a ZIP file's list of members, which is read at one go."""
DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError)
"""What zipfile raises for damaged, encrypted and strange archives."""
END = struct.Struct("<4s8xLLH")
END64 = struct.Struct("<4s36xQQ")
LOCATOR = struct.Struct("<20s")
"""The three ends that a ZIP file may have: in the first two, the size of the list of members stands first."""
COMMENT = 1 << 16


class About(msgspec.Struct, frozen=True):
    """What source.json says."""

    source: str
    records: int


def read(path: Path, source: Source, arrivals: Arrivals) -> None:  # noqa: ARG001 - a bundle is of one source
    """Take the captures of the bundle at `path`. Raises CaptureError."""
    try:
        _bound(path)
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("/") or ".." in name.split("/"):
                    raise CaptureError(f"{path}: member {name!r:.120} leads out of the archive")
            _captures(path, archive, arrivals)
    except DAMAGED as error:
        raise CaptureError(f"{path}: expected a sound evidence bundle: {error}") from error
    except KeyError as error:
        raise CaptureError(f"{path}: expected an evidence bundle: {error.args[0]}") from error


def _bound(path: Path) -> None:
    """Refuse a list of members that is longer than any honest one, before it is read as a whole."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - END.size - LOCATOR.size - END64.size - COMMENT))
        tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or len(tail) - place < END.size:
        raise CaptureError(f"{path}: expected a ZIP file, found something else, or one that is cut")
    length = END.unpack_from(tail, place)[1]
    large = place - LOCATOR.size - END64.size
    if tail[place - LOCATOR.size : place].startswith(b"PK\x06\x07"):
        length = END64.unpack_from(tail, large)[1] if large >= 0 else MOST_INDEX + 1
    if length > MOST_INDEX:
        raise CaptureError(f"{path}: expected at most {MOST_FILES:,} members, found more")


def _captures(path: Path, archive: zipfile.ZipFile, arrivals: Arrivals) -> None:
    chain, total = Chain(), 0
    for place, line in _lines(path, archive):
        one, thinned = chain.follow(line, place)
        if thinned:
            arrivals.thinned += 1
            continue
        member = _member(archive, f"bodies/{one.sha256}")
        total += member.file_size
        if member.file_size > MOST_BYTES or total > MOST_ALTOGETHER:
            raise CaptureError(f"{place}: expected at most {MOST_BYTES >> 20} MiB, found {member.file_size:,} bytes")
        if arrivals.take(one.at, Fetched(one.url, one.status, body=archive.read(member)), place) != one.sha256:
            raise CaptureError(f"{place}: the bytes do not have the digest of their record")
        arrivals.settle(one)
    with archive.open(_member(archive, "source.json")) as file:
        about = msgspec.json.decode(file.read(LONGEST), type=About)
    if about.records != chain.seq:
        raise CaptureError(f"{path}: expected {about.records:,} records, found {chain.seq:,}")


def _lines(path: Path, archive: zipfile.ZipFile) -> Iterator[tuple[str, bytes]]:
    """The records, each with its place, none read further than one may be long."""
    with archive.open(_member(archive, "chain.jsonl")) as file:
        number = 0
        while line := file.readline(LONGEST + 1):
            number += 1
            yield f"{path}: chain.jsonl, line {number}", line


def _member(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo:
    """A member that is packed as bundles are: other ways give more at a time than was asked for."""
    member = archive.getinfo(name)
    if member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise ValueError(f"{name} is packed in a way that bundles do not have")
    return member
