"""A source's history as a WARC file, which every web archive's tools read.

A capture is a response with the bytes as they were decoded, for one that watcher fetched itself the request, and a
metadata record with its link of the chain. What a server said of a body on the wire (its coding and length) stands
under `X-Crawl-`, as Common Crawl does it. Ids are hashes, so that the same history gives the same file.
"""

from __future__ import annotations

import base64
import hashlib
import io
import re
import uuid
from collections.abc import Callable
from http.client import responses
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

from watcher import __version__
from watcher.core import Snapshot, instant
from watcher.evidence import chain
from watcher.store import Store

if TYPE_CHECKING:
    from warcio.warcwriter import WARCWriter

WIRE = "x-crawl-"
ON_THE_WIRE = ("content-encoding", "content-length")
JSON = "application/json"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def write(store: Store, source: str, count: int, out: IO[bytes], step: Callable[[int], None]) -> None:
    """Write the first `count` records of a chain to `out`. Raises Corrupt where one does not hold."""
    from warcio.warcwriter import WARCWriter

    writer = WARCWriter(out, gzip=True, warc_version="1.1")
    for one, body in chain.history(store, source, count):
        if one.seq == 1:
            _put(writer, "warcinfo", one, _about(source, count), "application/warc-fields")
        if body is not None:
            _put(writer, "response", one, _response(one, body) + body, "application/http; msgtype=response", body)
            if one.provenance == "live":
                _put(writer, "request", one, _request(one), "application/http; msgtype=request", b"")
        link = chain.written(one, thinned=body is None)
        _put(writer, "metadata", one, link, JSON, link)
        step(1)


def _about(source: str, count: int) -> bytes:
    told = {
        "software": f"watcher/{__version__}",
        "format": "WARC File Format 1.1",
        "isPartOf": _CONTROL.sub(" ", source),
        "watcher-records": str(count),
    }
    return "".join(f"{name}: {value}\r\n" for name, value in told.items()).encode()


def _response(one: Snapshot, body: bytes) -> bytes:
    """The status line and headers, as far as they are stored."""
    phrase = responses.get(one.status, "")
    headers = [(WIRE + name if name in ON_THE_WIRE else name, value) for name, value in one.headers]
    lines = [f"HTTP/1.1 {one.status} {phrase}", *(f"{name}: {_plain(value)}" for name, value in headers)]
    return "".join(f"{line}\r\n" for line in (*lines, f"content-length: {len(body)}", "")).encode()


def _request(one: Snapshot) -> bytes:
    """What was asked, as far as the record tells: the page and its host."""
    parts = urlsplit(one.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"GET {_plain(path)} HTTP/1.1\r\nhost: {_plain(parts.netloc)}\r\n\r\n".encode()


def _put(
    writer: WARCWriter, kind: str, one: Snapshot, block: bytes, content_type: str, payload: bytes | None = None
) -> None:
    """Write one record with its digests; all but the warcinfo are bound to the response."""
    from warcio.recordloader import ArcWarcRecord
    from warcio.statusandheaders import StatusAndHeaders

    headers: list[tuple[str, str]] = [
        ("WARC-Type", kind),
        ("WARC-Record-ID", _id(kind, one)),
        ("WARC-Date", instant(one.at)),
        ("WARC-Block-Digest", _digest(block)),
    ]
    if kind != "warcinfo":
        headers.append(("WARC-Target-URI", _plain(one.url).replace(" ", "%20")))
    if kind in {"request", "metadata"}:
        headers.append(("WARC-Concurrent-To", _id("response", one)))
    if payload is not None:
        headers.append(("WARC-Payload-Digest", _digest(payload)))
    if kind == "response" and one.peer:
        headers.append(("WARC-IP-Address", _plain(one.peer)))
    told = StatusAndHeaders("", headers, protocol="WARC/1.1")
    record: Any = ArcWarcRecord("warc", kind, told, io.BytesIO(block), None, content_type, len(block))
    writer.write_record(record)


def _id(kind: str, one: Snapshot) -> str:
    return f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{kind}:{one.record_hash}')}>"


def _digest(content: bytes) -> str:
    return "sha256:" + base64.b32encode(hashlib.sha256(content).digest()).decode()


def _plain(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()
