"""Politeness towards one host: how many requests at a time, how far apart, and not before its Retry-After."""

from __future__ import annotations

import asyncio
import email.utils
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from watcher.core import Failure

PATIENCE = 10.0
"""Seconds of a host's Retry-After that a fetch sits out; a longer one fails it at once."""
MAX_RETRY_AFTER = timedelta(days=1)
_MAX_HOSTS = 10_000


@dataclass(slots=True)
class Host:
    """One host: its free connections, the seconds between two requests, the next free moment, and its Retry-After."""

    slots: asyncio.Semaphore
    gap: float
    free: float = 0.0
    closed: float = 0.0


class Pace:
    """Says of each request when it may go. `clock` counts seconds; `sleep` waits for that many."""

    def __init__(
        self,
        per_host: int,
        per_minute: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._per_host = per_host
        self._gap = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._hosts: dict[str, Host] = {}

    def host(self, name: str) -> Host:
        """What is known of the host called `name`."""
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= _MAX_HOSTS:
                del self._hosts[next(iter(self._hosts))]
            host = self._hosts[name] = Host(asyncio.Semaphore(self._per_host), self._gap)
        return host

    def slow(self, name: str, gap: float) -> None:
        """Keep at least `gap` seconds between two requests to this host."""
        host = self.host(name)
        host.gap = max(self._gap, gap)

    def close(self, name: str, seconds: float) -> None:
        """Send nothing to this host for so many seconds: it said Retry-After."""
        host = self.host(name)
        host.closed = max(host.closed, self._clock() + seconds)

    async def turn(self, host: Host, *, spaced: bool = True) -> float:
        """Wait until a request may go to `host`; returns 0, or the seconds for which it is closed if that is too long.

        `spaced` is false for robots.txt, which takes no turn of the pages'.
        """
        start = 0.0
        if spaced and host.gap:
            start = max(self._clock(), host.free)
            host.free = start + host.gap
        while start or host.closed:
            now = self._clock()
            if host.closed - now > PATIENCE:
                return host.closed - now
            wait = max(start, host.closed) - now
            if wait <= 0:
                break
            await self._sleep(wait)
        return 0.0


def retry_after(value: str, now: datetime) -> timedelta | None:
    """Read a Retry-After header, seconds or an HTTP date (RFC 9110, 10.2.3); at most a day, None if it says nothing."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(timedelta(seconds=int(value[:9])), MAX_RETRY_AFTER)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(at - now, timedelta()), MAX_RETRY_AFTER)


def closed(name: str, seconds: float) -> Failure:
    """The failure of a request that was not made because of Retry-After."""
    wait = timedelta(seconds=round(seconds) or 1)
    return Failure("status", f"{name} asked not to be called for another {wait} (Retry-After)", retry_after=wait)
