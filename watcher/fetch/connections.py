"""The connections of `fetch`: aiohttp's, each allowed by the guard at its connect, behind httpx's transport interface.

Also says, as a Failure, what went wrong on one of them.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextvars import ContextVar

from watcher.fetch.certificates import SystemStore, not_loaded

with not_loaded():
    import aiohttp
import httpx
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import LineTooLong
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from watcher import guard
from watcher.core import Failure

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the IP addresses of a host; raises OSError when there are none."""

_MAX_FIELD = 16 * 1024
_MAX_FIELDS = 256

_dialled: ContextVar[str] = ContextVar("dialled", default="")
"""The host that this task asks for: by it the socket factory judges where the host's name has led."""


class Connections:
    """Makes transports whose every connect is allowed by the guard, whether the host is a name or an address."""

    def __init__(self, allowed: guard.Allowed, resolve: Resolve | None, tls: ssl.SSLContext | None) -> None:
        self._allowed = allowed
        self._resolver = _Resolver(allowed, resolve or _look_up)
        self._tls = tls or SystemStore(ssl.PROTOCOL_TLS_CLIENT)

    def transport(self) -> _Transport:
        """A pool of connections of its own, opened by its first request."""
        # The context is not used, as the session brings its own; without it httpx would load a second set of CAs.
        return _Transport(client=self._session, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,  # the fetcher's slots are the limit
            resolver=self._resolver,
            socket_factory=self._socket,
            ssl=self._tls,
        )
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),  # a real one would carry cookies from source to source
            response_class=_Answer,
            auto_decompress=False,
            trust_env=False,
            max_line_size=_MAX_FIELD,
            max_field_size=_MAX_FIELD,
            max_headers=_MAX_FIELDS,
        )

    def _socket(self, info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, (address, port, *_) = info
        self._allowed.check(_dialled.get(), address, port)
        return socket.socket(family, kind, protocol)


class _Resolver(AbstractResolver):
    """Refuses a name as a whole when one of its addresses is refused: the others might be next to change."""

    def __init__(self, allowed: guard.Allowed, resolve: Resolve) -> None:
        self._allowed = allowed
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Find the addresses of `host`, all of them allowed. Raises guard.Refused and OSError."""
        addresses = await self._resolve(host, port)
        for address in addresses:
            self._allowed.check(host, address, port)
        if not addresses:
            raise OSError(None, "no address")
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


class _Transport(AiohttpTransport):
    """Adds to a response the peer's address, and its body as it comes."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        _dialled.set(request.url.raw_host.decode())
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, AiohttpResponseStream)
        answer = response.stream._aiohttp_response  # noqa: SLF001 - the base class has no other way to it
        assert isinstance(answer, _Answer)
        response.extensions["peer"] = answer.peer
        response.stream = _Body(answer)
        return response


class _Answer(aiohttp.ClientResponse):
    """aiohttp's response; notes whose it is while it still has the connection, which a short one soon gives back."""

    peer: str | None = None
    wire: ResponseHandler | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        self.wire = connection.protocol
        name = connection.transport.get_extra_info("peername") if connection.transport else None
        self.peer = name[0] if name else None
        return await super().start(connection)


class _Body(AiohttpResponseStream):
    """A body in the pieces that the network brought; where the connection's end ends it, an abrupt end is a cut."""

    def __init__(self, answer: _Answer) -> None:
        super().__init__(answer)
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.content.iter_any():
            yield piece
        headers = self._answer.headers
        if "content-length" in headers or "transfer-encoding" in headers or self._answer.wire is None:
            return
        if isinstance(self._answer.wire.exception(), aiohttp.ClientOSError):
            raise aiohttp.ClientPayloadError


async def _look_up(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(info[4][0]) for info in found))


_FAULTS: tuple[tuple[type[BaseException], str, str, bool], ...] = (
    (ssl.SSLCertVerificationError, "tls", "the certificate is not valid", False),
    (ssl.SSLError, "tls", "no secure connection could be agreed on", False),
    (aiohttp.ClientConnectorDNSError, "dns", "the name leads nowhere", True),
    (aiohttp.ClientConnectorError, "connect", "no connection could be made", True),
    (LineTooLong, "too-large", f"a header is larger than {_MAX_FIELD} bytes", False),
    (aiohttp.ClientPayloadError, "encoding", "the body is cut off", True),
    (aiohttp.ClientConnectionError, "protocol", "the connection was closed before there was an answer", True),
)


def blame(error: BaseException) -> tuple[Failure, bool]:
    """What went wrong, and whether it may be gone soon; in own words, as aiohttp's show addresses and what was sent."""
    causes = []
    cause: BaseException | None = error
    while cause and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__
    for cause in causes:
        if isinstance(cause, guard.Refused):
            return Failure("refused", str(cause), refused=True), False
    for kind, reason, text, again in _FAULTS:
        for cause in causes:
            if isinstance(cause, kind):
                more = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None)
                return Failure(reason, f"{text} ({more})" if more else text), again
    return Failure("protocol", "the answer is not valid HTTP"), False
