"""A web site on loopback that tests own completely: what it answers, how badly, and what it was asked.

    with Site() as site:
        site.pages["/list"] = "<p>Clark County</p>"                      # text or bytes: a 200
        site.pages["/gone"] = Reply("no more", status=410)
        site.pages["/new"] = lambda request: Reply(request.headers["user-agent"])
        site.pages["/cut"] = Reply(b"x" * 1000, cut=10)                  # hangs up after 10 bytes of the body
        site.pages["/drip"] = Raw([b"HTTP/1.1 200 OK\r\n"] + [b"x"] * 100, pause=1)
        ...fetch site.url("/list")...
        assert site.hits("/list") == 1 and site.connections == 1 and site.peak == 1

It runs in a thread with a loop of its own, so that tests may be sync or async. Pages can be changed at any time. A path
that is not there is a 404, so that there is no robots.txt until a test puts one there.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import NamedTuple, Self


class Request(NamedTuple):
    """One entry of the ledger. Header names are in lower case; `path` includes the query; `at` is monotonic seconds."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float


@dataclass(frozen=True)
class Reply:
    """A well-formed answer, except for what is asked for here.

    `length` is the Content-Length to claim; `cut` hangs up after so many bytes of the body, `reset` with a TCP reset.
    `delay` seconds pass before the answer. If the request repeats the reply's ETag or Last-Modified, 304 is answered.
    """

    body: bytes | str = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    cut: int | None = None
    reset: bool = False
    delay: float = 0.0


@dataclass(frozen=True)
class Raw:
    """Exactly these bytes, piece by piece with `pause` seconds in between, and then the connection is closed.

    `pieces` may be endless; it is left off when the other side hangs up. `reset` closes with a TCP reset.
    """

    pieces: Iterable[bytes]
    pause: float = 0.0
    reset: bool = False


Page = bytes | str | Reply | Raw
Route = Page | Callable[[Request], Page]


class Site:
    """The server; `tls` makes it an https site. Use it as a context manager.

    `connections` counts TCP connects, `requests` is the ledger, `peak` the most requests that were open at one time.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.pages: dict[str, Route] = {}
        self.requests: list[Request] = []
        self.connections = 0
        self.peak = 0
        self._busy = 0
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=512)
        self.host, self.port = host, int(self._listener.getsockname()[1])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="site", daemon=True)
        self._tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def address(self) -> str:
        """ "host:port", as `allow_private` takes it."""
        return f"{self.host}:{self.port}"

    def url(self, path: str = "/", *, host: str = "") -> str:
        """The address of `path`, under another `host` name if one is given."""
        return f"{'https' if self._tls else 'http'}://{host or self.host}:{self.port}{path}"

    def hits(self, path: str) -> int:
        """How often `path` was asked for."""
        return sum(request.path == path for request in self.requests)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, sock=self._listener, ssl=self._tls)

    async def _stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(await read(reader), writer):
                    pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Write one answer; returns whether the connection stays open."""
        if not request.method:
            return await _write_raw(Raw([b"HTTP/1.1 400 Bad Request\r\n\r\n"]), writer)
        self.requests.append(request)
        self._busy += 1
        self.peak = max(self.peak, self._busy)
        try:
            route = self.pages.get(request.path, Reply("not found", status=404))
            page = route(request) if callable(route) else route
            if isinstance(page, Raw):
                return await _write_raw(page, writer)
            return await _write_reply(page if isinstance(page, Reply) else Reply(page), request, writer)
        finally:
            self._busy -= 1


async def read(reader: asyncio.StreamReader) -> Request:
    start = await reader.readexactly(1)
    if not start.isalpha():  # TLS, for one, which would go on without the end of a line
        return Request("", "", {}, b"", time.monotonic())
    head = (start + await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    method, path, _ = first.split(" ")
    return Request(method, path, headers, body, time.monotonic())


async def _write_raw(raw: Raw, writer: asyncio.StreamWriter) -> bool:
    for piece in raw.pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(raw.pause)
    if raw.reset:
        reset_on_close(writer)
    return False


async def _write_reply(reply: Reply, request: Request, writer: asyncio.StreamWriter) -> bool:
    if reply.delay:
        await asyncio.sleep(reply.delay)
    writer.write(_bytes(reply, request))
    await writer.drain()
    if reply.reset:
        reset_on_close(writer)
    return reply.cut is None and not reply.reset


def reset_on_close(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _bytes(reply: Reply, request: Request) -> bytes:
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    headers = {name.lower(): value for name, value in reply.headers.items()}
    status = 304 if reply.status == HTTPStatus.OK and _same(headers, request.headers) else reply.status
    if status == HTTPStatus.NOT_MODIFIED:
        body = b""
    elif "transfer-encoding" not in headers:
        headers["content-length"] = str(len(body) if reply.length is None else reply.length)
    lines = [f"HTTP/1.1 {status} {_phrase(status)}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body[: reply.cut]


def _same(headers: Mapping[str, str], asked: Mapping[str, str]) -> bool:
    """Whether the request already has this version; its ETag decides before its date (RFC 9110, 13.2.2)."""
    if "if-none-match" in asked:
        return asked["if-none-match"] == headers.get("etag")
    return "if-modified-since" in asked and asked["if-modified-since"] == headers.get("last-modified")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
