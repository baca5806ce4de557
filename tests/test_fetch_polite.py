"""A fetch is a good guest: robots.txt, few requests at a time and not too close, Retry-After, few and late retries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from tests.fetching import START, Names, Time, bad, good, run, source
from tests.site import Page, Raw, Reply, Request, Site
from watcher.core import Failure, Fetched
from watcher.fetch import Fetcher

NOTHING = "User-agent: *\nDisallow: /"


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.pages["/"] = "words"
        yield site


@pytest.fixture
def time() -> Time:
    return Time()


async def ask(fetcher: Fetcher, url: str, *, robots: bool = True) -> Fetched | Failure:
    return await fetcher(source(ignore_robots=not robots), url)


async def ask_each(fetcher: Fetcher, *urls: str) -> list[Fetched | Failure]:
    return [await ask(fetcher, url) for url in urls]


# ---------------------------------------------------------------- robots.txt


def test_robots_txt_is_asked_for_once_an_hour(site: Site, time: Time) -> None:
    async def work(fetcher: Fetcher) -> list[int]:
        seen = []
        for wait in (0, 0, 3599, 2, 0):
            time.seconds += wait
            good(await ask(fetcher, site.url()))
            seen.append(site.hits("/robots.txt"))
        return seen

    assert run(work, time) == [1, 1, 1, 2, 2]


def test_many_pages_at_once_wait_for_one_robots_txt(site: Site) -> None:
    site.pages["/robots.txt"] = Reply(NOTHING, delay=0.05)

    async def work(fetcher: Fetcher) -> list[Fetched | Failure]:
        return await asyncio.gather(*(ask(fetcher, site.url(f"/{number}")) for number in range(20)))

    for answer in run(work):
        failure = bad(answer, "robots")
        assert failure.refused
        assert "ignore_robots" in failure.detail
    assert [request.path for request in site.requests] == ["/robots.txt"]


def test_one_page_that_gives_up_does_not_take_the_robots_txt_of_the_others_along(site: Site) -> None:
    site.pages["/robots.txt"] = Reply("", delay=0.1)

    async def work(fetcher: Fetcher) -> Fetched | Failure:
        hasty = asyncio.create_task(ask(fetcher, site.url()))
        patient = asyncio.create_task(ask(fetcher, site.url()))
        await asyncio.sleep(0.02)
        hasty.cancel()
        return await patient

    assert good(run(work)).body == b"words"
    assert site.hits("/robots.txt") == 1


def test_a_source_may_ignore_robots_txt(site: Site) -> None:
    site.pages["/robots.txt"] = NOTHING
    assert good(run(lambda fetcher: ask(fetcher, site.url(), robots=False))).body == b"words"
    assert site.hits("/robots.txt") == 0


def test_each_origin_has_its_own(site: Site) -> None:
    with Site() as other:
        other.pages["/robots.txt"] = NOTHING
        site.pages["/away"] = Reply(status=302, headers={"Location": other.url("/page")})
        failure = bad(run(lambda fetcher: ask(fetcher, site.url("/away"))), "robots")
        assert failure.refused
        assert [request.path for request in other.requests] == ["/robots.txt"]


def test_a_robots_txt_may_be_somewhere_else(site: Site) -> None:
    site.pages["/robots.txt"] = Reply(status=301, headers={"Location": "/other.txt"})
    site.pages["/other.txt"] = NOTHING
    bad(run(lambda fetcher: ask(fetcher, site.url())), "robots")
    assert [request.path for request in site.requests] == ["/robots.txt", "/other.txt"]


@pytest.mark.parametrize(
    ("robots", "hits"),
    [
        (Reply("", status=503), 3 + 1),
        (Raw([]), 3 * 2 + 1),  # aiohttp asks once more by itself when a connection closes without an answer
        (Reply("x", headers={"Content-Encoding": "br"}), 1 + 1),
    ],
)
def test_no_robots_txt_to_be_had_means_no_pages_for_ten_minutes(
    site: Site, time: Time, robots: Page, hits: int
) -> None:
    site.pages["/robots.txt"] = robots

    async def work(fetcher: Fetcher) -> list[Fetched | Failure]:
        answers = [await ask(fetcher, site.url()), await ask(fetcher, site.url())]
        site.pages["/robots.txt"] = Reply("", status=404)
        answers.append(await ask(fetcher, site.url()))
        time.seconds += 601
        return [*answers, await ask(fetcher, site.url())]

    *failures, last = run(work, time)
    for answer in failures:
        failure = bad(answer, "robots")
        assert (failure.refused, failure.retry_after) == (False, timedelta(minutes=10))
        assert "robots.txt" in failure.detail
    assert good(last).body == b"words"
    assert site.hits("/robots.txt") == hits


def test_a_host_that_is_not_there_is_told_as_that_and_not_remembered() -> None:
    names = Names()
    for answer in run(lambda fetcher: ask_each(fetcher, *["http://nowhere.example/"] * 2), parts={"resolver": names}):
        bad(answer, "dns")
    assert len(names.asked) == 6


def test_crawl_delay_spaces_the_pages(site: Site, time: Time) -> None:
    site.pages["/robots.txt"] = "User-agent: *\nCrawl-delay: 9"
    answers = run(lambda fetcher: ask_each(fetcher, *[site.url()] * 3), time)
    assert [good(answer).status for answer in answers] == [200] * 3
    assert time.slept == [9, 9]


# ---------------------------------------------------------------- how many, how close


def test_pages_of_one_host_are_spaced(site: Site, time: Time) -> None:
    run(lambda fetcher: ask_each(fetcher, *[site.url()] * 3), time, per_host_per_minute=12)
    assert time.slept == [5, 5]
    assert site.hits("/") == 3


def test_redirects_take_turns_too(site: Site, time: Time) -> None:
    site.pages["/old"] = Reply(status=301, headers={"Location": "/"})
    good(run(lambda fetcher: ask(fetcher, site.url("/old")), time, per_host_per_minute=12))
    assert time.slept == [5]


def test_waiting_for_a_turn_is_not_counted_as_time_of_the_fetch(site: Site, time: Time) -> None:
    given = {"per_host_per_minute": 0.1, "timeout": timedelta(seconds=30)}
    answers = run(lambda fetcher: ask_each(fetcher, *[site.url()] * 2), time, **given)
    assert time.slept == [600]
    assert good(answers[1]).body == b"words"


@pytest.mark.parametrize(("given", "peak"), [({"per_host": 3}, 3), ({"concurrency": 4}, 4), ({}, 12)])
def test_so_many_at_a_time_and_no_more(site: Site, given: dict[str, int], peak: int) -> None:
    site.pages["/slow"] = Reply("words", delay=0.05)

    async def work(fetcher: Fetcher) -> None:
        await asyncio.gather(*(ask(fetcher, site.url("/slow"), robots=False) for _ in range(12)))

    run(work, **given)
    assert site.peak == peak
    assert site.hits("/slow") == 12


# ---------------------------------------------------------------- Retry-After


@pytest.mark.parametrize("status", [429, 503, 403])
@pytest.mark.parametrize("value", ["120", "Thu, 01 Jan 2026 00:02:00 GMT"])
def test_a_host_that_says_retry_after_is_left_alone_until_then(site: Site, time: Time, status: int, value: str) -> None:
    site.pages["/busy"] = Reply("slow down", status=status, headers={"Retry-After": value})
    assert time.now() == START

    async def work(fetcher: Fetcher) -> list[Fetched | Failure]:
        answers = [await ask(fetcher, site.url(path), robots=False) for path in ("/busy", "/", "/busy")]
        time.seconds += 121
        return [*answers, await ask(fetcher, site.url(), robots=False)]

    first, second, third, fourth = run(work, time)
    assert (good(first).status, good(first).body) == (status, b"slow down")
    for answer in (second, third):
        failure = bad(answer, "status")
        assert failure.retry_after == timedelta(minutes=2)
        assert "Retry-After" in failure.detail
    assert good(fourth).body == b"words"
    assert [request.path for request in site.requests] == ["/busy", "/"]


def test_retry_after_closes_one_host_only(site: Site, time: Time) -> None:
    site.pages["/busy"] = Reply(status=429, headers={"Retry-After": "120"})
    urls = [site.url("/busy"), site.url("/", host="127.0.0.1"), site.url("/", host="localhost")]

    async def work(fetcher: Fetcher) -> list[Fetched | Failure]:
        return [await ask(fetcher, url, robots=False) for url in urls]

    busy, same, other = run(work, time, allow_private=("127.0.0.1", "localhost"))
    assert good(busy).status == 429
    bad(same, "status")
    assert good(other).body == b"words"


# ---------------------------------------------------------------- retries


def flaky(*pages: Page) -> Callable[[Request], Page]:
    coming = iter(pages)
    return lambda _request: next(coming)


@pytest.mark.parametrize(
    "hiccup",
    [
        Reply(status=500),
        Reply(status=503),
        Reply("words", length=9, cut=3),
        Reply(reset=True, cut=0, length=5),
    ],
)
def test_a_hiccup_is_tried_again(site: Site, time: Time, hiccup: Page) -> None:
    site.pages["/"] = flaky(hiccup, hiccup, "words")
    assert good(run(lambda fetcher: ask(fetcher, site.url(), robots=False), time)).body == b"words"
    first, second = time.slept
    assert 1 <= first <= 2 <= second <= 3


def test_a_connection_that_closes_without_an_answer_is_tried_again(site: Site, time: Time) -> None:
    site.pages["/"] = flaky(*[Raw([])] * 4, "words")
    assert good(run(lambda fetcher: ask(fetcher, site.url(), robots=False), time)).body == b"words"
    assert len(time.slept) == 2


def test_three_tries_are_all(site: Site, time: Time) -> None:
    site.pages["/"] = Reply("trouble", status=502)
    page = good(run(lambda fetcher: ask(fetcher, site.url(), robots=False), time))
    assert (page.status, page.body) == (502, b"trouble")
    assert site.hits("/") == 3


@pytest.mark.parametrize(
    "page",
    [
        Reply(status=404),
        Reply(status=429),
        Reply("x", headers={"Content-Encoding": "br"}),
        Reply("x", length=1 << 30),
        Reply(status=302, headers={"Location": "ftp://x/"}),
        Reply(status=503, headers={"Retry-After": "11"}),
    ],
)
def test_what_will_not_change_is_not_tried_again(site: Site, time: Time, page: Page) -> None:
    site.pages["/"] = page
    run(lambda fetcher: ask(fetcher, site.url(), robots=False), time)
    assert site.hits("/") == 1
    assert time.slept == []


def test_a_retry_waits_as_long_as_the_host_wants(site: Site, time: Time) -> None:
    site.pages["/"] = flaky(Reply(status=503, headers={"Retry-After": "8"}), "words")
    assert good(run(lambda fetcher: ask(fetcher, site.url(), robots=False), time)).body == b"words"
    assert sum(time.slept) == pytest.approx(8)
    assert site.hits("/") == 2
