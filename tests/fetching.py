"""What the tests of fetching share: one fetch from start to end, names that lead anywhere, a clock of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from watcher.core import Failure, Fetched, Source, Validators
from watcher.fetch import Fetcher, FetchSettings

T = TypeVar("T")
NONE = Validators()
START = datetime(2026, 1, 1, tzinfo=UTC)


class Time:
    """A clock that only stands still or is slept on; `slept` lists how long each time."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds - 1000)

    def clock(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds
        await asyncio.sleep(0)


class Names:
    """A resolver: each name's answers in turn, the last one for ever; `asked` lists the names it was asked for."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(answer) for name, answer in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        assert port
        self.asked.append(host)
        if host not in self.answers:
            raise OSError(-2, "Name or service not known")
        answers = self.answers[host]
        return answers.pop(0) if len(answers) > 1 else answers[0]


def settings(**given: Any) -> FetchSettings:
    """Settings that allow loopback and never make a test wait."""
    return FetchSettings(**{"allow_private": ("127.0.0.0/8",), "per_host": 50, "per_host_per_minute": 0, **given})


def door(time: Time | None = None, parts: dict[str, Any] | None = None, **given: Any) -> Fetcher:
    """A fetcher that lives on `time`, with the settings `given`; `parts` replace its resolver or TLS context."""
    time = time or Time()
    return Fetcher(settings(**given), now=time.now, clock=time.clock, sleep=time.sleep, **(parts or {}))


def source(*, ignore_robots: bool = True) -> Source:
    return Source("s", "page", "http://example.org/", ignore_robots=ignore_robots)


def run(work: Callable[[Fetcher], Awaitable[T]], *args: Any, **given: Any) -> T:
    """Do `work` with a `door`, in a loop of its own."""

    async def main() -> T:
        async with door(*args, **given) as fetcher:
            return await work(fetcher)

    return asyncio.run(main())


def fetch(url: str, *, validators: Validators = NONE, fresh: bool = False, **given: Any) -> Fetched | Failure:
    """One page, robots.txt ignored."""
    return run(lambda fetcher: fetcher(source(), url, validators=validators, fresh=fresh), **given)


def good(answer: Fetched | Failure) -> Fetched:
    assert isinstance(answer, Fetched), answer
    return answer


def bad(answer: Fetched | Failure, reason: str) -> Failure:
    assert isinstance(answer, Failure), answer
    assert answer.reason == reason, answer
    return answer
