"""The only place that opens a page connection: one polite, bounded, guarded GET (or a webhook's POST), as a value.

httpx's requests and responses travel over aiohttp's connections. Nothing here raises for what a site does.
"""
# ruff: noqa: E402 - httpx's command line has to be switched off before httpx is imported

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache, partial
from typing import NamedTuple, Self

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # else httpx loads click, rich and pygments
import aiohttp
import httpx
from aiohappyeyeballs import AddrInfoType
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_exceptions import LineTooLong
from httpx_aiohttp import AiohttpTransport
from httpx_aiohttp.transport import AiohttpResponseStream

from watcher import __version__, coding, guard
from watcher.core import Clock, Failure, Fetched, Hop, Source, Validators
from watcher.pace import PATIENCE, Pace, retry_after
from watcher.robots import AGENT, Robots

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the IP addresses of a host; raises OSError when there are none."""

MAX_HEADERS = 64 * 1024
"""Bytes of all headers of one answer together."""
ATTEMPTS = 3
_MAX_FIELD = 16 * 1024
_MAX_FIELDS = 256
_KEEP_ALIVE = 15.0
_REDIRECTS = {301, 302, 303, 307, 308}
_NOT_MODIFIED, _ERROR, _SERVER_ERROR = 304, 400, 500
_NONE = Validators()

_dialled: ContextVar[str] = ContextVar("dialled", default="")
"""The host that this task asks for: by it the socket factory judges where the host's name has led."""


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """[fetch] of config.toml, and the contact that the User-Agent names. A `per_host_per_minute` of 0 is no limit."""

    contact: str = ""
    timeout: timedelta = timedelta(seconds=60)
    max_bytes: int = 15 << 20
    max_wire_bytes: int = 10 << 20
    concurrency: int = 50
    per_host: int = 2
    per_host_per_minute: float = 12
    allow_private: tuple[str, ...] = ()


@dataclass(slots=True)
class _Trip:
    """One fetch under way: its connections, the seconds of network time that are left to it, and what it obeys."""

    transport: httpx.AsyncBaseTransport
    left: float
    robots: bool


class _Attempt(NamedTuple):
    """What one request brought, and whether the same request may soon bring something better."""

    answer: Fetched | Failure
    again: bool = False


class Fetcher:
    """The door that adapters get (calling it is `core.Fetch`), and webhooks. Use it as an async context manager.

    `now` reads Retry-After dates; `resolver`, `tls`, `clock` (seconds) and `sleep` are there to be replaced in tests.
    The time limit is on the network: waiting for a turn does not count.
    """

    def __init__(
        self,
        settings: FetchSettings,
        *,
        now: Clock,
        resolver: Resolve | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Raises ValueError for an entry of `allow_private` that cannot be read."""
        self._settings = settings
        self._seconds = settings.timeout.total_seconds()
        self._now = now
        self._sleep = sleep
        self._connections = _Connections(guard.Allowed.read(settings.allow_private), resolver or _look_up, tls)
        self._transport = self._connections.transport()
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._pace = Pace(settings.per_host, settings.per_host_per_minute, clock, sleep)
        self._robots = Robots(self._ask_robots, clock)
        contact = f" (+{settings.contact})" if settings.contact else ""
        self._headers = {
            "User-Agent": f"{AGENT}/{__version__}{contact}",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
        }
        for name in ("httpx", "httpcore"):  # at INFO they log whole addresses, and a token may be part of one
            logging.getLogger(name).setLevel(logging.WARNING)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        self._robots.close()
        await self._transport.aclose()

    async def __call__(
        self, source: Source, url: str, *, validators: Validators = _NONE, fresh: bool = False
    ) -> Fetched | Failure:
        """Bring one page. Any status is Fetched, with its body decoded; a Failure says why there is no answer.

        `validators` go only to `url` itself, because what it redirects to is another resource.
        """
        transport = self._connections.transport() if fresh else self._transport
        try:
            trip = _Trip(transport, self._seconds, robots=not source.ignore_robots)
            return await self._follow(trip, url, validators)
        finally:
            if fresh:
                await transport.aclose()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Fetched | Failure:
        """Send a webhook: the same guard, TLS and limits, but no redirects, no robots.txt, no second try, no turns.

        Only the reasons refused, dns, connect and tls say for sure that nothing was sent.
        """
        try:
            _, address = _place(url)
            request = httpx.Request("POST", address, headers={**self._headers, **headers}, content=body)
        except (guard.Refused, UnicodeEncodeError) as why:
            return Failure("refused", str(why), refused=True)
        return (await self._timed(_Trip(self._transport, self._seconds, robots=False), request)).answer

    async def _ask_robots(self, url: str) -> Fetched | Failure:
        return await self._follow(_Trip(self._transport, self._seconds, robots=False), url, _NONE, spaced=False)

    async def _follow(self, trip: _Trip, url: str, validators: Validators, *, spaced: bool = True) -> Fetched | Failure:
        hops: tuple[Hop, ...] = ()
        conditions = dict(_conditions(validators))
        while True:
            try:
                place, address = _place(url)
            except guard.Refused as why:
                return Failure("refused", str(why), refused=True)
            if trip.robots and (forbidden := await self._forbidden(place)):
                return forbidden
            request = httpx.Request("GET", address, headers=self._headers | conditions)
            answer = await self._persist(partial(self._attempt, trip, request, spaced=spaced))
            if isinstance(answer, Failure):
                return answer
            if answer.status == _NOT_MODIFIED and not conditions:
                return Failure("protocol", f"{place.host}: answered 304 (not modified), though nothing was compared")
            location = answer.header("location") if answer.status in _REDIRECTS else ""
            if not location:
                return replace(answer, redirects=hops) if hops else answer
            hops = (*hops, Hop(answer.url, answer.status))
            onward = guard.onward(place, location, hops)
            if isinstance(onward, Failure):
                return onward
            url, conditions = onward.url, {}

    async def _forbidden(self, place: guard.Target) -> Failure | None:
        rules = await self._robots.rules(place.origin)
        if isinstance(rules, Failure):
            return rules
        if not rules.allows(place.url):
            why = (
                f"robots.txt of {place.host} does not allow this page; ignore_robots = true on the source overrides it"
            )
            return Failure("robots", why, refused=True)
        if rules.delay:
            self._pace.slow(place.host, rules.delay)
        return None

    async def _persist(self, attempt: Callable[[], Awaitable[_Attempt]]) -> Fetched | Failure:
        """Try again, at most twice, what may have been a hiccup."""
        first = await attempt()
        if not first.again:
            return first.answer
        from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, wait_exponential_jitter

        seen = [first]

        async def once() -> _Attempt:
            return seen.pop() if seen else await attempt()

        retrying = AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(max=4),
            retry=retry_if_result(lambda tried: tried.again),
            sleep=self._sleep,
            retry_error_callback=lambda state: state.outcome.result(),  # type: ignore[union-attr]
        )
        tried: _Attempt = await retrying(once)
        return tried.answer

    async def _attempt(self, trip: _Trip, request: httpx.Request, *, spaced: bool) -> _Attempt:
        name = request.url.host
        host = self._pace.host(name)
        async with host.slots:
            if closed := await self._pace.turn(host, spaced=spaced):
                wait = timedelta(seconds=round(closed))
                why = f"{name}: asked not to be called for another {wait} (Retry-After)"
                return _Attempt(Failure("status", why, retry_after=wait))
            async with self._slots:
                tried = await self._timed(trip, request)
        if isinstance(tried.answer, Failure) or tried.answer.status < _ERROR:
            return tried
        wait = retry_after(tried.answer.header("retry-after"), self._now()) or timedelta()
        self._pace.close(name, wait.total_seconds())
        return _Attempt(tried.answer, tried.answer.status >= _SERVER_ERROR and wait.total_seconds() <= PATIENCE)

    async def _timed(self, trip: _Trip, request: httpx.Request) -> _Attempt:
        """One request and its answer, in the time that is left; whatever goes wrong becomes a Failure here."""
        clock = asyncio.get_running_loop().time
        started = clock()
        try:
            async with asyncio.timeout(trip.left):
                tried = _Attempt(await self._exchange(trip.transport, request))
        except TimeoutError:
            tried = _Attempt(Failure("timeout", f"no whole answer within {self._seconds:g} seconds"))
        except Exception as error:  # noqa: BLE001 - a hostile answer must not raise, whatever it provokes
            tried = _blame(error)
        finally:
            trip.left -= clock() - started
        if isinstance(tried.answer, Failure) and not tried.answer.refused:
            detail = f"{request.url.host}: {tried.answer.detail}"
            return _Attempt(replace(tried.answer, detail=detail), tried.again)
        return tried

    async def _exchange(self, transport: httpx.AsyncBaseTransport, request: httpx.Request) -> Fetched | Failure:
        response = await transport.handle_async_request(request)
        try:
            headers = tuple((_text(name).lower(), _text(value)) for name, value in response.headers.raw)
            if sum(len(name) + len(value) for name, value in headers) > MAX_HEADERS:
                return Failure("too-large", f"the headers are larger than {MAX_HEADERS} bytes")
            answer = Fetched(str(request.url), response.status_code, headers, peer=response.extensions["peer"])
            if response.status_code in _REDIRECTS and answer.header("location"):
                return answer
            body = await self._read(response)
            return body if isinstance(body, Failure) else replace(answer, body=body)
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response) -> bytes | Failure:
        limit = self._settings.max_wire_bytes
        too_large = Failure("too-large", f"the body is larger than {limit} bytes on the wire")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > limit:
            return too_large
        pieces: list[bytes] = []
        async for piece in response.aiter_raw():
            limit -= len(piece)
            if limit < 0:
                return too_large
            pieces.append(piece)
        if response.headers.get("transfer-encoding", "chunked").lower() != "chunked":
            return Failure("encoding", "the body came in a transfer coding that was not asked for")
        return coding.decode(b"".join(pieces), response.headers.get("content-encoding", ""), self._settings.max_bytes)


def _conditions(validators: Validators) -> Iterator[tuple[str, str]]:
    """The headers that make a GET conditional; a validator that is no plain text is left out."""
    for name, value in ("If-None-Match", validators.etag), ("If-Modified-Since", validators.last_modified):
        if value and value.isascii() and value.isprintable():
            yield name, value


@lru_cache(maxsize=4096)
def _place(url: str) -> tuple[guard.Target, httpx.URL]:
    """Read `url` as the guard does and as httpx does; both must mean the same place. Raises guard.Refused."""
    place = guard.target(url)
    try:
        address = httpx.URL(place.url)
    except httpx.InvalidURL as error:
        raise guard.Refused("the address cannot be read") from error
    if (address.scheme, address.host) != (place.scheme, place.host) or address.port not in {None, place.port}:
        raise guard.Refused("the address can be read in two ways")
    return place, address


def _text(raw: bytes) -> str:
    """A header as text: UTF-8, as browsers take it, or else Latin-1, which reads everything."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


# ---------------------------------------------------------------- what can go wrong, from the closest cause outwards

_FAULTS: tuple[tuple[type[BaseException], str, str, bool], ...] = (
    (ssl.SSLCertVerificationError, "tls", "the certificate is not valid", False),
    (ssl.SSLError, "tls", "no secure connection could be agreed on", False),
    (aiohttp.ClientConnectorDNSError, "dns", "the name leads nowhere", True),
    (aiohttp.ClientConnectorError, "connect", "no connection could be made", True),
    (LineTooLong, "too-large", f"a header is larger than {_MAX_FIELD} bytes", False),
    (aiohttp.ClientPayloadError, "encoding", "the body is cut off", True),
    (aiohttp.ClientConnectionError, "protocol", "the connection was closed before there was an answer", True),
)


def _blame(error: BaseException) -> _Attempt:
    """Say what went wrong, in own words: aiohttp's texts show whole addresses and what the site sent."""
    causes = []
    cause: BaseException | None = error
    while cause and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__
    for cause in causes:
        if isinstance(cause, guard.Refused):
            return _Attempt(Failure("refused", str(cause), refused=True))
    for kind, reason, text, again in _FAULTS:
        for cause in causes:
            if isinstance(cause, kind):
                more = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None)
                return _Attempt(Failure(reason, f"{text} ({more})" if more else text), again)
    return _Attempt(Failure("protocol", "the answer is not valid HTTP"))


# ---------------------------------------------------------------- connections that keep to the guard


class _Connections:
    """Makes transports whose every connect is allowed by the guard, whether the host is a name or an address."""

    def __init__(self, allowed: guard.Allowed, resolve: Resolve, tls: ssl.SSLContext | None) -> None:
        self._allowed = allowed
        self._resolver = _Resolver(allowed, resolve)
        self._tls = tls

    def transport(self) -> _Transport:
        """A pool of connections of its own, opened by its first request."""
        # The context is not used, as the session brings its own; without it httpx would load a second set of CAs.
        return _Transport(client=self._session, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))

    def _session(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(
            limit=0,  # the fetcher's slots are the limit
            keepalive_timeout=_KEEP_ALIVE,
            resolver=self._resolver,
            socket_factory=self._socket,
            ssl=self._tls or True,  # True: the system's CAs or SSL_CERT_FILE, loaded once, always verified
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
        _dialled.set(request.url.host)
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
