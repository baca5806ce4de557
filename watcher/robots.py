"""What robots.txt allows us (RFC 9309): each origin's file, asked for once, judged, and remembered for a while."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from watcher.core import Failure, Fetched

AGENT = "watcher"
"""The product token that a robots.txt may name."""
KEPT = timedelta(hours=1)
"""How long a robots.txt, or its absence, is believed."""
UNREACHABLE = timedelta(minutes=10)
"""How long nothing is fetched after a robots.txt could not be had."""
MAX_DELAY = 60.0
"""Seconds of Crawl-delay that are honoured."""
_MAX_BYTES = 500 * 1024  # what RFC 9309 asks a crawler to read at least
_MAX_ORIGINS = 10_000
_SERVER_ERROR = 500
_OK = range(200, 300)
_AGENT_LINE = re.compile(r"user(?:-|\s*)agent\s*[:\s]\s*(.*)", re.IGNORECASE)
_WHOLE_HOST = {"connect", "dns", "tls", "refused", "status"}
"""Reasons for which no page of this host would have come either: they are told as they are, and not remembered."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What one origin allows: which URLs, and the seconds that it wants between two requests."""

    allows: Callable[[str], bool]
    delay: float = 0.0


class Robots:
    """The rules of all origins. `ask` brings the file at a URL; `clock` counts seconds."""

    def __init__(self, ask: Callable[[str], Awaitable[Fetched | Failure]], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._known: dict[str, tuple[float, Rules | Failure]] = {}
        self._asking: dict[str, asyncio.Task[Rules | Failure]] = {}

    async def rules(self, origin: str) -> Rules | Failure:
        """The rules of `origin` ("https://example.org"), or the failure that stands for its pages."""
        until, rules = self._known.get(origin, (0.0, _ALL))
        if self._clock() < until:
            return rules
        task = self._asking.get(origin)
        if task is None:
            task = self._asking[origin] = asyncio.create_task(self._read(origin))
            task.add_done_callback(lambda _: self._asking.pop(origin))
        return await asyncio.shield(task)  # others wait for the same file

    def close(self) -> None:
        """Stop waiting for files."""
        for task in self._asking.values():
            task.cancel()

    async def _read(self, origin: str) -> Rules | Failure:
        rules = await asyncio.to_thread(judge, await self._ask(f"{origin}/robots.txt"))  # a large file takes a while
        kept = rules.retry_after if isinstance(rules, Failure) else KEPT
        if kept and getattr(rules, "reason", "robots") == "robots":
            if len(self._known) >= _MAX_ORIGINS:
                del self._known[next(iter(self._known))]
            self._known[origin] = self._clock() + kept.total_seconds(), rules
        return rules


def judge(answer: Fetched | Failure) -> Rules | Failure:
    """Read what came for robots.txt: a file is obeyed, an absent one allows all, an unreachable one forbids all."""
    if isinstance(answer, Failure):
        if answer.reason == "redirect":  # RFC 9309, 2.3.1.2: too many redirects are as good as no file
            return _ALL
        if answer.reason in _WHOLE_HOST:
            return answer
        return Failure("robots", f"robots.txt could not be read: {answer.detail}", retry_after=UNREACHABLE)
    if answer.status >= _SERVER_ERROR:
        detail = f"robots.txt answered {answer.status}, so nothing is fetched there until it can be read"
        return Failure("robots", f"{detail}; ignore_robots = true on the source overrides this", False, UNREACHABLE)
    return _parse(answer.body) if answer.status in _OK else _ALL


def _parse(body: bytes) -> Rules:
    from protego import Protego

    lines = body[:_MAX_BYTES].decode("utf-8-sig", "replace").splitlines()
    rules = Protego.parse("\n".join(map(_ours, lines)))
    allows = lru_cache(maxsize=4096)(lambda url: rules.can_fetch(url, AGENT))
    return Rules(allows, min(rules.crawl_delay(AGENT) or 0.0, MAX_DELAY))


def _ours(line: str) -> str:
    """Give all other robots one name: a file that names thousands would make the parser's work grow with its square."""
    named = _AGENT_LINE.match(line.split("#", 1)[0].strip())
    if not named:
        return line
    name = named[1].replace("*", "").strip().lower()
    return f"user-agent: {name if name == AGENT else 'other' if name else '*'}"


_ALL = Rules(lambda _url: True)
