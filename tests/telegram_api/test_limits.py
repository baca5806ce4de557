"""Telegram's limits, to the second, on a clock of the test's own; and the speed without them."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Bot
from telegram.error import RetryAfter

from tests.telegram_api import Limits, TelegramApi
from tests.telegram_api.clients import run
from tests.telegram_api.limits import Pace


def waits(limits: Limits, *calls: tuple[float, int | None]) -> list[int]:
    pace = Pace(limits)
    return [pace.wait(chat, now) for now, chat in calls]


def test_a_private_chat_takes_one_a_second_after_its_burst() -> None:
    assert waits(Limits(burst=0), (0, 7), (0.9, 7), (0.9, 8), (1, 7), (1.5, 7), (2, 7)) == [0, 1, 0, 0, 1, 0]
    assert waits(Limits(burst=2), *[(0, 7)] * 4, (1, 7), (1, 7), (9, 7), (9, 7), (9, 7), (9, 7)) == [
        0, 0, 0, 1, 0, 1, 0, 0, 0, 1,
    ]  # fmt: skip


def test_a_group_takes_twenty_in_any_minute() -> None:
    calls = [(float(second), -5) for second in range(20)]
    assert waits(Limits(), *calls, (20, -5), (20, -6), (59.9, -5), (60, -5), (60, -5), (61, -5)) == [
        *[0] * 20, 40, 0, 1, 0, 1, 0,
    ]  # fmt: skip


def test_all_chats_together_take_thirty_a_second() -> None:
    calls = [(0.5, chat) for chat in range(1, 31)]
    assert waits(Limits(), *calls, (0.5, 99), (1.4, None), (1.5, 99)) == [*[0] * 30, 1, 1, 0]


@given(st.lists(st.tuples(st.floats(0, 2), st.sampled_from([7, 8, -5, -6, None])), max_size=300))
def test_no_window_ever_holds_more_than_its_limit(steps: list[tuple[float, int | None]]) -> None:
    pace, now, taken = Pace(Limits(per_second=5, burst=0, per_minute=10)), 0.0, []
    for step, chat in steps:
        now += step
        if not pace.wait(chat, now):
            taken.append((now, chat))
    for at, chat in taken:
        here = [then for then, where in taken if where == chat]
        assert sum(at - 1 + 1e-5 < then <= at for then, _ in taken) <= 5
        if chat == 7:
            assert sum(at - 1 + 1e-5 < then <= at for then in here) == 1
        if chat == -5:
            assert sum(at - 60 + 1e-5 < then <= at for then in here) <= 10


def test_the_client_hears_how_long_to_wait_and_edits_count() -> None:
    now = [100.0]

    async def story(bot: Bot) -> None:
        sent = await bot.send_message(7, "one")
        with pytest.raises(RetryAfter, match="Retry in"):
            await sent.edit_text("two")
        now[0] += 1
        await sent.edit_text("two")
        await bot.get_chat(7)

    with TelegramApi(clock=lambda: now[0], limits=Limits(burst=0)) as api:
        api.chat(7)
        run(api.base_url, story)
        assert (api.floods, [call.at for call in api.accepted]) == (1, [100, 101, 101])
        assert api.refused[0].description == "Too Many Requests: retry after 1"


def test_the_imitation_takes_less_time_than_its_client(api: TelegramApi) -> None:
    api.chat(7)

    async def spent() -> float:
        return time.thread_time()

    async def story(bot: Bot) -> None:
        for _ in range(300):
            await bot.send_message(7, "<b>x</b> &amp; y", "HTML")

    ran = time.thread_time()
    run(api.base_url, story)
    client = time.thread_time() - ran
    assert len(api.messages(7)) == 300
    assert asyncio.run_coroutine_threadsafe(spent(), api._loop).result() < client
