"""The only place that opens a page connection: one polite, bounded, guarded GET (or a webhook's POST), as a value.

httpx's requests and responses travel over aiohttp's connections. Nothing here raises for what a site does.
"""
# ruff: noqa: E402 - httpx's command line has to be switched off before httpx is imported

from __future__ import annotations

import asyncio
import logging
import ssl
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache, partial
from typing import NamedTuple, Self

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type] # else httpx loads click, rich and pygments
import httpx

from watcher import __version__, coding, guard
from watcher.core import Clock, Failure, Fetched, Hop, Source, Validators
from watcher.fetch.connections import Connections, Resolve, blame
from watcher.pace import PATIENCE, Pace, retry_after
from watcher.robots import AGENT, Robots

MAX_HEADERS = 64 * 1024
"""Bytes of all headers of one answer together."""
ATTEMPTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}
_NOT_MODIFIED, _ERROR, _SERVER_ERROR = 304, 400, 500
_NONE = Validators()


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
        self._connections = Connections(guard.Allowed.read(settings.allow_private), resolver, tls)
        self._transport = self._connections.transport()
        self._public = Connections(guard.Allowed(), resolver, tls).transport()
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._pace = Pace(settings.per_host, settings.per_host_per_minute, clock, sleep)
        self._robots = Robots(self.beside, clock)
        agent = f"{AGENT}/{__version__}" + (f" (+{settings.contact})" if _is_plain(settings.contact) else "")
        self._headers = {"User-Agent": agent, "Accept": "*/*", "Accept-Encoding": "gzip"}
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
        await self._public.aclose()

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

    async def beside(self, url: str, *, public: bool = False) -> Fetched | Failure:
        """Bring what belongs to a page: it takes no turn of the pages', and robots.txt is not asked.

        `public`: whatever `allow_private` names, only from the open internet.
        """
        transport = self._public if public else self._transport
        return await self._follow(_Trip(transport, self._seconds, robots=False), url, _NONE, spaced=False)

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
            why = "robots.txt does not allow this page; ignore_robots = true on the source overrides it"
            return Failure("robots", f"{place.host}: {why}", refused=True)
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
        name = request.url.raw_host.decode()
        host = self._pace.host(name)
        async with host.slots:
            if closed := await self._pace.turn(host, spaced=spaced):
                rest = timedelta(seconds=round(closed))
                why = f"{name}: asked not to be called for another {rest} (Retry-After)"
                return _Attempt(Failure("status", why, retry_after=rest))
            async with self._slots:
                tried = await self._timed(trip, request)
        if isinstance(tried.answer, Failure) or tried.answer.status < _ERROR:
            return tried
        wait = retry_after(tried.answer.header("retry-after"), self._now())
        if wait:
            self._pace.close(name, wait.total_seconds())
        soon = wait is None or wait.total_seconds() <= PATIENCE
        return _Attempt(tried.answer, again=soon and tried.answer.status >= _SERVER_ERROR)

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
            tried = _Attempt(*blame(error))
        finally:
            trip.left -= clock() - started
        if isinstance(tried.answer, Failure) and not tried.answer.refused:
            detail = f"{request.url.raw_host.decode()}: {tried.answer.detail}"
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
            body = await self._read(response, answer)
            return body if isinstance(body, Failure) else replace(answer, body=body)
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response, answer: Fetched) -> bytes | Failure:
        limit = self._settings.max_wire_bytes
        too_large = Failure("too-large", f"the body is larger than {limit} bytes on the wire")
        length = _joined(answer, "content-length")
        if length.isdigit() and int(length) > limit:
            return too_large
        pieces: list[bytes] = []
        assert isinstance(response.stream, httpx.AsyncByteStream)
        async for piece in response.stream:
            limit -= len(piece)
            if limit < 0:
                return too_large
            pieces.append(piece)
        if (_joined(answer, "transfer-encoding") or "chunked").lower() != "chunked":
            return Failure("encoding", "the body came in a transfer coding that was not asked for")
        return coding.decode(b"".join(pieces), _joined(answer, "content-encoding"), self._settings.max_bytes)


def _conditions(validators: Validators) -> Iterator[tuple[str, str]]:
    """The headers that make a GET conditional; a validator that is no plain text is left out."""
    for name, value in ("If-None-Match", validators.etag), ("If-Modified-Since", validators.last_modified):
        if _is_plain(value):
            yield name, value


def _is_plain(value: str) -> bool:
    """Whether this can be sent as a header."""
    return value != "" and value.isascii() and value.isprintable()


@lru_cache(maxsize=4096)
def _place(url: str) -> tuple[guard.Target, httpx.URL]:
    """Read `url` as the guard does and as httpx does; both must mean the same place. Raises guard.Refused."""
    place = guard.target(url)
    try:
        address = httpx.URL(place.url)
    except (httpx.InvalidURL, UnicodeEncodeError):
        raise guard.Refused("the address cannot be read") from None
    if (address.scheme, address.raw_host.decode()) != (place.scheme, place.host) or address.port not in {
        None,
        place.port,
    }:
        raise guard.Refused("the address can be read in two ways")
    return place, address


def _joined(answer: Fetched, name: str) -> str:
    """All headers called `name` as one, as they are meant (RFC 9110, 5.3); an empty string for none."""
    return ", ".join(value for key, value in answer.headers if key == name)


def _text(raw: bytes) -> str:
    """A header as text: UTF-8, as browsers take it, or else Latin-1, which reads everything."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
