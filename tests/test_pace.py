"""When a request to a host may go: how many at a time, how far apart, and not before its Retry-After."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.fetching import START, Time
from watcher.pace import MAX_RETRY_AFTER, Pace, retry_after


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("86401", 86400),
        ("9" * 5000, 86400),
        ("Thu, 01 Jan 2026 00:02:00 GMT", 120),
        ("Thursday, 01-Jan-26 00:02:00 GMT", 120),
        ("Thu Jan  1 00:02:00 2026", 120),
        ("Thu, 01 Jan 2026 00:02:00 -0000", 120),
        ("Wed, 31 Dec 2025 00:00:00 GMT", 0),
        ("Fri, 01 Jan 2027 00:00:00 GMT", 86400),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after(value, START) == timedelta(seconds=seconds)
    assert timedelta(seconds=seconds) <= MAX_RETRY_AFTER


@pytest.mark.parametrize(
    "value", ["", "soon", "-1", "1.5", "²", "Thu, 99 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 99999 00:00 GMT"]
)
def test_and_anything_else_says_nothing(value: str) -> None:
    assert retry_after(value, START) is None


def turns(pace: Pace, *hosts: str, spaced: bool = True) -> list[float]:
    async def main() -> list[float]:
        return [await pace.turn(pace.host(host), spaced=spaced) for host in hosts]

    return asyncio.run(main())


def paced(time: Time, per_minute: float = 12) -> Pace:
    return Pace(2, per_minute, time.clock, time.sleep)


def test_requests_to_one_host_are_spaced_and_others_do_not_wait() -> None:
    time = Time()
    assert turns(paced(time), "a", "a", "b", "a") == [0, 0, 0, 0]
    assert time.slept == [5, 5]


def test_requests_that_come_together_take_turns() -> None:
    time = Time()
    pace = paced(time)
    went: list[float] = []

    async def one() -> None:
        await pace.turn(pace.host("a"))
        went.append(time.seconds)

    async def main() -> None:
        await asyncio.gather(*(one() for _ in range(4)))

    asyncio.run(main())
    assert len(went) == 4
    assert pace.host("a").free == 1000 + 4 * 5


def test_no_limit_is_no_wait() -> None:
    time = Time()
    assert turns(paced(time, 0), *"aaaa") == [0, 0, 0, 0]
    assert time.slept == []


def test_a_host_may_ask_for_more_time_but_not_for_less() -> None:
    time = Time()
    pace = paced(time)
    pace.slow("a", 20)
    pace.slow("b", 1)
    turns(pace, "a", "a", "b", "b")
    assert time.slept == [20, 5]


def test_robots_txt_takes_no_turn_of_the_pages() -> None:
    time = Time()
    pace = paced(time)
    turns(pace, "a", spaced=False)
    turns(pace, "a")
    assert time.slept == []


def test_a_short_retry_after_is_sat_out_and_a_long_one_is_not() -> None:
    time = Time()
    pace = paced(time, 0)
    pace.close("a", 7)
    assert turns(pace, "a", "b") == [0, 0]
    assert time.slept == [7]
    pace.close("a", 3600)
    pace.close("a", 1)  # does not open it earlier
    assert turns(pace, "a", spaced=False) == [3600]
    time.seconds += 3595
    assert turns(pace, "a") == [0]
    assert time.slept == [7, 5]


def test_a_host_that_closes_while_a_request_waits_is_obeyed() -> None:
    time = Time()
    pace = paced(time)

    async def main() -> float:
        await pace.turn(pace.host("a"))
        waiting = asyncio.create_task(pace.turn(pace.host("a")))
        await asyncio.sleep(0)
        pace.close("a", 600)
        return await waiting

    assert asyncio.run(main()) == 600


def test_the_memory_of_hosts_is_bounded() -> None:
    pace = paced(Time())
    for number in range(10_050):
        pace.host(str(number))
    assert len(pace._hosts) == 10_000
    assert "10049" in pace._hosts
