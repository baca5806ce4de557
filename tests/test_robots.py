"""What a robots.txt allows, what its absence allows, and that a hostile one costs little."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Failure, Fetched
from watcher.robots import MAX_DELAY, UNREACHABLE, Rules, judge

LINES = [
    *(
        b"User-agent: *",
        b"user agent watcher",
        b"Disallow: /*?$",
        b"Allow: %zz*",
        b"Crawl-delay: nan",
        b"Crawl-delay: 1e9",
    ),
    *(
        b"Request-rate: 1/0",
        b"Visit-time: 99-x",
        b"Disallow: //[",
        b"Allow: http://[::1",
        b"Sitemap: x",
        b"\xff\xfe",
        b":",
    ),
]
PAGE = "https://example.org/reports/a?b=c"


def rules(text: str) -> Rules:
    judged = judge(Fetched("https://example.org/robots.txt", 200, body=text.encode()))
    assert isinstance(judged, Rules)
    return judged


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("<html>not a robots.txt</html>", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow:", True),
        ("User-agent: *\nDisallow: /reports/", False),
        ("User-agent: *\nDisallow: /*?b=", False),
        ("User-agent: *\nDisallow: /*.pdf$", True),
        ("User-agent: *\nDisallow: /\nAllow: /reports/", True),
        ("User-agent: other\nDisallow: /", True),
        ("User-agent: watcher\nDisallow: /", False),
        ("User-agent: Watcher\nDisallow: /\n\nUser-agent: *\nAllow: /", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: watcher\nAllow: /", True),
        ("user agent : watcher # us\nDisallow: /", False),
        ("user   agent watcher\nDisallow: /", False),
        ("User-agent: other\nUser-agent: *\nDisallow: /", False),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("User-agent: watchers\nDisallow: /", True),
        ("User-agent: **\nDisallow: /", False),
    ],
)
def test_a_file_is_obeyed(text: str, *, allowed: bool) -> None:
    assert rules(text).allows(PAGE) is allowed


def test_crawl_delay_is_honoured_within_reason() -> None:
    assert rules("User-agent: *\nCrawl-delay: 7").delay == 7
    assert rules("User-agent: *\nCrawl-delay: 1e300").delay == MAX_DELAY
    assert rules("User-agent: other\nCrawl-delay: 7").delay == 0
    assert rules("User-agent: *\nCrawl-delay: -7").delay == 0


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 429])
def test_an_absent_file_allows_all(status: int) -> None:
    judged = judge(Fetched("https://example.org/robots.txt", status, body=b"User-agent: *\nDisallow: /"))
    assert isinstance(judged, Rules)
    assert judged.allows(PAGE)


@pytest.mark.parametrize("status", [500, 503, 599])
def test_a_server_in_trouble_allows_nothing_for_a_while(status: int) -> None:
    judged = judge(Fetched("https://example.org/robots.txt", status))
    assert isinstance(judged, Failure)
    assert (judged.reason, judged.retry_after, judged.refused) == ("robots", UNREACHABLE, False)
    assert "ignore_robots" in judged.detail


@pytest.mark.parametrize("reason", ["protocol", "timeout", "encoding", "too-large"])
def test_a_file_that_cannot_be_read_allows_nothing_for_a_while(reason: str) -> None:
    judged = judge(Failure(reason, "why"))
    assert judged == Failure("robots", "robots.txt could not be read: why", retry_after=UNREACHABLE)


@pytest.mark.parametrize("reason", ["connect", "dns", "tls", "refused", "status"])
def test_a_host_that_cannot_be_reached_is_told_as_that(reason: str) -> None:
    failure = Failure(reason, "why", refused=reason == "refused")
    assert judge(failure) is failure


def test_a_file_behind_too_many_redirects_is_absent() -> None:
    judged = judge(Failure("redirect", "example.org: more than 5 redirects"))
    assert isinstance(judged, Rules)


@given(st.binary(max_size=200) | st.lists(st.sampled_from(LINES)).map(b"\n".join), st.text(max_size=20))
def test_no_file_and_no_page_make_it_raise(body: bytes, path: str) -> None:
    judged = judge(Fetched("https://example.org/robots.txt", 200, body=body))
    assert isinstance(judged, Rules)
    assert judged.allows(f"https://example.org/{path}") in (True, False)
    assert 0 <= judged.delay <= MAX_DELAY


@pytest.mark.parametrize(
    "agent",
    [
        "User-agent: robot{0}",
        "User-agent robot{0}",
        "user agent: *{0}",
        "User-agent: a{0} # watcher",
        "User-agent: watcher{0}",
    ],
)
def test_a_hostile_file_costs_little(agent: str) -> None:
    text = "\n".join(
        [*(agent.format(number) for number in range(12_000)), *(f"Disallow: /x{number}*y" for number in range(12_000))]
    )
    started = time.process_time()
    assert rules(text).allows(PAGE)
    assert time.process_time() - started < 2
