"""The order in which the inbox is worked through: nobody waits for the slow commands or the flood of others."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.bot.house import ANA, House
from tests.bot.test_paging import PEOPLE, now, paged
from watcher.bot import registry
from watcher.bot.desk import Refusal, Talk
from watcher.bot.inbox import AT_ONCE, MOST, Inbox
from watcher.store import inbox

OTHERS = range(100, 100 + AT_ONCE)


@pytest.fixture
def slow(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A desk on which /diff takes until the test is over."""
    over = asyncio.Event()

    async def prepare(_: Talk) -> None:
        await over.wait()
        raise Refusal("It is over.")

    async def end() -> None:
        over.set()

    monkeypatch.setitem(registry.COMMANDS, "diff", replace(registry.COMMANDS["diff"], prepare=prepare))
    house.configure(PEOPLE)
    house.open().joined(ANA)
    for user in OTHERS:
        house.joined(user)
    yield house
    house.call(end)


def test_slow_commands_hold_up_no_acknowledgement(slow: House) -> None:
    first = paged(slow)
    for user in OTHERS:
        slow.api.say(user, user, "/diff list")
    slow.api.say(ANA, ANA, "/diff list")
    slow.api.say(ANA, ANA, f"/ack {first.short}")
    slow.api.until(lambda: now(slow, first).state == "acked")


def test_a_flood_in_one_chat_hides_nobody(slow: House) -> None:
    page = paged(slow)
    (message,) = slow.api.messages(ANA)
    for _ in range(MOST + 1):
        slow.api.say(OTHERS[0], OTHERS[0], "/diff list")
    slow.api.tap(ANA, message, "Ack")
    slow.api.until(lambda: now(slow, page).state == "acked")


def test_a_bot_that_handles_nothing_more_ends(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: Inbox) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Inbox, "_begin", broken)
    house.open()
    house.api.until(lambda: house.ended is not None)
    assert isinstance(house.ended, ZeroDivisionError)


def test_what_asks_nothing_is_not_kept(house: House) -> None:
    house.open().joined()
    picture = {"message": {"chat": {"id": ANA, "type": "private"}, "caption": "/start secret"}}
    house.store.run_sync(inbox.put, 5, picture, house.now)
    house.say("/list")
    house.wait()
    kept = house.store.read_sync(inbox.update_of, 5)
    assert kept is not None
    assert (dict(kept.body), kept.handled) == ({}, house.now)
