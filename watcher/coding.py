"""Content codings of a body: plain or gzip, decoded with bounds, since a page is hostile until read."""

from __future__ import annotations

import zlib

from watcher.core import Failure

MAX_MEMBERS = 1_000
"""Gzip members in one body; more is an attack on whoever decodes it."""
_GZIP = 16 + zlib.MAX_WBITS
_SLICE = 1 << 16


def decode(raw: bytes, coding: str, limit: int) -> bytes | Failure:
    """Undo `coding` (a Content-Encoding header); at most `limit` bytes come out of it.

    All members of a gzip body count. A body that is cut, corrupt, or in a coding that was not asked for is a Failure.
    """
    coding = coding.strip().lower()
    if not raw:
        return raw
    if coding in {"", "identity"}:
        return raw if len(raw) <= limit else _too_large(limit)
    if coding not in {"gzip", "x-gzip"}:
        return Failure("encoding", f"the body came as {coding[:40]!r}, though only gzip was asked for")
    try:
        return _gunzip(memoryview(raw), limit)
    except zlib.error:
        return Failure("encoding", "the gzip body is corrupt")


def _gunzip(raw: memoryview, limit: int) -> bytes | Failure:
    """Decode member after member, fed in slices: the end of each member copies the rest of what it was fed."""
    pieces: list[bytes] = []
    size = at = 0
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(_GZIP)
        while not member.eof:
            fed = raw[at : at + _SLICE]
            if not fed:
                return Failure("encoding", "the gzip body is cut off")
            pieces.append(member.decompress(fed, limit - size + 1))
            at += len(fed) - len(member.unused_data)
            size += len(pieces[-1])
            if size > limit:
                return _too_large(limit)
        if at == len(raw):
            return b"".join(pieces)
    return Failure("encoding", f"the gzip body has more than {MAX_MEMBERS} members")


def _too_large(limit: int) -> Failure:
    return Failure("too-large", f"the body is larger than {limit} bytes; raise [fetch] max_bytes if it is meant to be")
