"""Answers that are endless, cut, false, packed or slow are failures, soon and cheaply, and hold nobody else up."""

from __future__ import annotations

import asyncio
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, repeat

import pytest

from tests.fetching import bad, fetch, good, run, source
from tests.site import Page, Raw, Reply, Site
from watcher.core import Failure, Fetched
from watcher.fetch import Fetcher

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP = {"Content-Encoding": "gzip"}
BLOCK = b"x" * (1 << 16)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


def bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(50)) + packer.flush()


def packed(times: int) -> bytes:
    body = b"words"
    for _ in range(times):
        body = gzip.compress(body)
    return body


BOMB = bomb()
HOSTILE: dict[str, tuple[Callable[[], Page], str]] = {
    # too much
    "a body without end": (lambda: Raw(chain([OK + b"\r\n"], repeat(BLOCK))), "too-large"),
    "chunks without end": (lambda: Raw(chain([CHUNKED], repeat(b"10000\r\n" + BLOCK + b"\r\n"))), "too-large"),
    "a claim of a gigabyte": (lambda: Reply("x", length=1 << 30), "too-large"),
    "one byte too many": (lambda: b"x" * ((10 << 20) + 1), "too-large"),
    "a gzip bomb": (lambda: Reply(BOMB, headers=GZIP), "too-large"),
    "a header without end": (lambda: Raw(chain([OK + b"X: "], repeat(BLOCK))), "too-large"),
    "headers without end": (lambda: Raw(chain([OK], repeat(b"X: " + b"x" * 1000 + b"\r\n"))), "protocol"),
    "five long headers": (lambda: Raw([OK, (b"X: " + b"x" * 15_000 + b"\r\n") * 5, b"\r\n"]), "too-large"),
    "a status without end": (lambda: Raw(chain([b"HTTP/1.1 200 "], repeat(BLOCK))), "too-large"),
    # codings
    "ten gzips, said ten times": (
        lambda: Reply(packed(10), headers={"Content-Encoding": "gzip, " * 9 + "gzip"}),
        "encoding",
    ),
    "two gzips, said in two headers": (
        lambda: Raw([OK + b"Content-Encoding: gzip\r\n" * 2 + b"\r\n" + packed(2)]),
        "encoding",
    ),
    "brotli": (lambda: Reply(b"\x0b\x02\x80words\x03", headers={"Content-Encoding": "br"}), "encoding"),
    "zstd": (lambda: Reply(b"\x28\xb5\x2f\xfd", headers={"Content-Encoding": "zstd"}), "encoding"),
    "a corrupt gzip": (lambda: Reply(b"\x1f\x8bwords", headers=GZIP), "encoding"),
    "a cut gzip": (lambda: Reply(packed(1)[:-1], headers=GZIP), "encoding"),
    "gzip as a transfer coding": (
        lambda: Raw([OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nwords\r\n0\r\n\r\n"]),
        "encoding",
    ),
    # cut
    "less than was claimed": (lambda: Reply("words", length=100, cut=5), "encoding"),
    "a cut chunk": (lambda: Raw([CHUNKED + b"10\r\nwords"]), "encoding"),
    "no last chunk": (lambda: Raw([CHUNKED + b"5\r\nwords\r\n"]), "encoding"),
    "a reset in the middle": (lambda: Reply("words", length=100, cut=5, reset=True), "encoding"),
    "a reset where the end is the end": (lambda: Raw([OK + b"\r\n", b"words"], pause=0.02, reset=True), "encoding"),
    # not HTTP
    "more than was claimed": (lambda: Reply("words and more", length=5), "protocol"),
    "nothing": (lambda: Raw([]), "protocol"),
    "mail": (lambda: Raw([b"220 smtp.example.org ESMTP\r\n"]), "protocol"),
    "half a status": (lambda: Raw([b"HTTP/1.1 20"]), "protocol"),
    "half the headers": (lambda: Raw([OK + b"Content-Le"]), "protocol"),
    "two lengths": (lambda: Raw([OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nwords!"]), "protocol"),
    "a length that is none": (lambda: Raw([OK + b"Content-Length: -5\r\n\r\nwords"]), "protocol"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_answer_is_a_failure_that_costs_little(site: Site, case: str) -> None:
    page, reason = HOSTILE[case]
    site.pages["/"] = lambda _request: page()
    started = time.monotonic()
    tracemalloc.start()
    answer = fetch(site.url())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    bad(answer, reason)
    assert peak < 64 << 20
    assert time.monotonic() - started < 2


def test_a_broken_chunk_costs_no_more_than_the_timeout(site: Site) -> None:
    site.pages["/"] = Raw([CHUNKED, b"zz\r\nwords\r\n0\r\n\r\n"])
    assert isinstance(fetch(site.url(), timeout=timedelta(seconds=0.2)), Failure)


def test_the_limits_are_settings(site: Site) -> None:
    site.pages["/"] = b"x" * 1001
    site.pages["/gzip"] = Reply(gzip.compress(b"x" * 1001), headers=GZIP)
    bad(fetch(site.url(), max_wire_bytes=1000), "too-large")
    bad(fetch(site.url(), max_bytes=1000), "too-large")
    bad(fetch(site.url("/gzip"), max_bytes=1000), "too-large")
    good(fetch(site.url("/gzip"), max_wire_bytes=1000, max_bytes=1001))


def slow(start: bytes, then: bytes = b"x") -> Raw:
    return Raw(chain([start], repeat(then)), pause=0.01)


SLOW: dict[str, Callable[[], Page]] = {
    "no answer": lambda: Reply("late", delay=60),
    "status": lambda: slow(b"HTTP/1.1 200 "),
    "header": lambda: slow(OK + b"X: "),
    "body": lambda: slow(OK + b"\r\n"),
    "chunks": lambda: slow(CHUNKED, b"1\r\nx\r\n"),
    "continue": lambda: slow(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("case", SLOW)
def test_a_slow_site_has_until_the_timeout(site: Site, case: str) -> None:
    site.pages["/"] = lambda _request: SLOW[case]()
    started = time.monotonic()
    failure = bad(fetch(site.url(), timeout=timedelta(seconds=0.2)), "timeout")
    assert "0.2 seconds" in failure.detail
    assert time.monotonic() - started < 2
    assert len(site.requests) == 1


def test_the_timeout_is_for_all_redirects_together(site: Site) -> None:
    for step in range(5):
        site.pages[f"/{step}"] = Reply(status=302, headers={"Location": f"/{step + 1}"}, delay=0.15)
    bad(fetch(site.url("/0"), timeout=timedelta(seconds=0.4)), "timeout")
    assert len(site.requests) < 5


def test_slots_are_free_again_after_slow_fetches(site: Site) -> None:
    site.pages["/slow"] = lambda _request: SLOW["body"]()
    site.pages["/"] = "words"

    async def work(fetcher: Fetcher) -> list[Fetched | Failure]:
        urls = [site.url("/slow")] * 6 + [site.url()]
        return await asyncio.gather(*(fetcher(source(), url) for url in urls))

    *late, last = run(work, per_host=2, concurrency=2, timeout=timedelta(seconds=0.1))
    for answer in late:
        bad(answer, "timeout")
    assert good(last).body == b"words"


def test_being_cancelled_is_the_only_thing_that_is_raised(site: Site) -> None:
    site.pages["/"] = lambda _request: SLOW["body"]()

    async def work(fetcher: Fetcher) -> None:
        async with asyncio.timeout(0.1):
            await fetcher(source(), site.url())

    with pytest.raises(TimeoutError):
        run(work)
