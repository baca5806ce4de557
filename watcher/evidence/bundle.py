"""A source's history as an evidence bundle: bytes, records, anchors and changes, and how to check them without watcher.

A ZIP file of plain files, so that anybody can look into it; the same history gives the same file.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from watcher.core import instant
from watcher.evidence import chain, listing
from watcher.store import Store, anchors
from watcher.store.anchors import Anchor

SCRIPT = Path(__file__).with_name("verify.py")
EPOCH = (1980, 1, 1, 0, 0, 0)
README = """\
Evidence bundle of {source}

What a page said at {count} times, as it was fetched, in the order of storing.

  source.json     which page this is, and how many records there are
  chain.jsonl     one record a line: address, time, status, headers, and the hashes
  bodies/         the bytes of each record, each file named by the SHA-256 of its content
  anchors.jsonl   hourly digests that speak for records of this chain
  tokens/         RFC 3161 time stamps of those digests, as the authorities gave them
  changes.jsonl   what changed from record to record, as watcher read it; not part of the proof
  verify.py       checks all of this with Python's standard library alone

To check it:  python3 -I verify.py     (in the unpacked folder; or with the path of the ZIP file behind it)

What it checks, and what you can check by hand:

1. A record's hash is SHA-256 over three parts one after the other: the hash of the record before it (32 bytes; none
   for the first), the JSON of its "record" with sorted keys and no spaces in UTF-8, and the SHA-256 of its bytes (32
   bytes). So no record can be changed, taken out or put in without all later hashes differing.
2. The file bodies/X has the SHA-256 X. Where a record says "thinned", its bytes were let go to save space; their digest
   still stands.
3. An anchor's digest is SHA-256 over the JSON of its n, at, heads and previous, written as above. Each of its "heads"
   is SHA-256 over the JSON list [source, seq, hash] of one chain's end; this chain's is given as "seq" and "head".
4. A time stamp is checked with OpenSSL and the certificates of the authority that gave it:
   openssl ts -verify -digest DIGEST -in tokens/FILE -CAfile ROOTS.pem
   It proves that the anchor, and so every record up to its "seq", was there at the time it names.

A chain alone shows that nothing within it was changed. That it was not made anew as a whole, or cut at its end, is
shown only by time stamps, or by heads that somebody else kept: compare "digest" in anchors.jsonl with them.
"""


def write(store: Store, source: str, count: int, out: IO[bytes], step: Callable[[int], None]) -> None:
    """Write the first `count` records of a chain to `out`. Raises Corrupt where one does not hold."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, tempfile.TemporaryFile() as lines:
        _put(archive, "README.txt", README.format(source=source, count=count).encode())
        _put(archive, "verify.py", SCRIPT.read_bytes())
        _put(archive, "source.json", msgspec.json.encode({"source": source, "records": count}))
        there: set[str] = set()
        for one, body in chain.history(store, source, count):
            lines.write(chain.written(one, thinned=body is None) + b"\n")
            if body is not None and one.sha256 not in there:
                there.add(one.sha256)
                _put(archive, f"bodies/{one.sha256}", body)
            step(1)
        _copy(archive, "chain.jsonl", lines)
        _put(archive, "anchors.jsonl", b"".join(_anchors(archive, store, source, count)))
        with tempfile.TemporaryFile() as found:
            listing.lines(store, source, found, lambda _: None)
            _copy(archive, "changes.jsonl", found)


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(_member(name), content)


def _copy(archive: zipfile.ZipFile, name: str, file: IO[bytes]) -> None:
    file.seek(0)
    with archive.open(_member(name), "w", force_zip64=True) as member:
        while piece := file.read(io.DEFAULT_BUFFER_SIZE):
            member.write(piece)


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _anchors(archive: zipfile.ZipFile, store: Store, source: str, count: int) -> Iterator[bytes]:
    """The anchors that speak for `source`, each a line; the ends of other chains only as digests."""
    n = 0
    while batch := store.read_sync(anchors.after, n):
        for anchor in batch:
            n = anchor.n
            if anchor.heads.get(source, (count + 1,))[0] <= count:
                yield msgspec.json.encode(_anchor(archive, store, source, anchor)) + b"\n"


def _anchor(archive: zipfile.ZipFile, store: Store, source: str, anchor: Anchor) -> dict[str, Any]:
    stamps = []
    for number, stamp in enumerate(store.read_sync(anchors.stamps_of, anchor.n), start=1):
        if stamp.due is None:
            name = f"tokens/{anchor.n:06}-{number}.tsr"
            _put(archive, name, stamp.token)
            stamps.append({"authority": stamp.url, "file": name})
    seq, head = anchor.heads[source]
    return {
        "n": anchor.n,
        "at": instant(anchor.at),
        "heads": sorted(anchors.leaf(name, *end) for name, end in anchor.heads.items()),
        "previous": anchor.previous,
        "digest": anchor.digest,
        "seq": seq,
        "head": head,
        "stamps": stamps,
    }
