"""Each way to fail: what the client hears of it, and whether the message is there all the same."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest
from telegram import Bot
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from tests.telegram_api import Fault, TelegramApi, faults
from tests.telegram_api.clients import run


def heard(api: TelegramApi) -> TelegramError:
    """What the client raises for one message to chat 7."""
    api.chat(7)

    async def story(bot: Bot) -> None:
        await bot.send_message(7, "x")

    with pytest.raises(TelegramError) as caught:
        run(api.base_url, story)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "error", "cause", "arrives"),
    [
        (faults.HANG, TimedOut, httpx.ReadTimeout, True),
        (faults.RESET, NetworkError, httpx.ReadError, True),
        (faults.GARBAGE, TelegramError, None, True),
        (faults.BAD_GATEWAY, NetworkError, None, True),
        (faults.SERVER_ERROR, NetworkError, None, True),
        (faults.HANG_UNHEARD, TimedOut, httpx.ReadTimeout, False),
        (faults.RESET_UNHEARD, NetworkError, httpx.ReadError, False),
        (faults.BAD_GATEWAY_UNHEARD, NetworkError, None, False),
    ],
)
def test_an_unclear_answer_hides_what_became_of_the_call(
    api: TelegramApi, fault: Fault, error: type[TelegramError], cause: type[Exception] | None, *, arrives: bool
) -> None:
    api.fail(fault)
    caught = heard(api)
    assert isinstance(caught, error)
    if cause:
        assert isinstance(caught.__cause__, cause)
    assert [call.outcome for call in api.calls] == ["hidden" if arrives else "refused"]
    assert len(api.messages(7)) == len(api.accepted) == arrives


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (RetryAfter, [faults.flood(30)]),
        (ChatMigrated, [faults.migrated(-1_000_000_000_002)]),
        (Forbidden, [faults.BLOCKED, faults.DEACTIVATED, faults.KICKED, faults.NOT_A_MEMBER, faults.NEVER_STARTED]),
        (
            BadRequest,
            [faults.CANNOT_PARSE, faults.NOT_MODIFIED, faults.TOO_LONG, faults.CAPTION_TOO_LONG, faults.EMPTY],
        ),
        (BadRequest, [faults.EDIT_NOT_FOUND, faults.DELETE_NOT_FOUND, faults.REPLY_NOT_FOUND, faults.CHAT_NOT_FOUND]),
        (BadRequest, [faults.NO_RIGHTS, faults.TOPIC_CLOSED, faults.TOPIC_NOT_FOUND, faults.QUERY_TOO_OLD]),
        (BadRequest, [faults.bad("something new")]),
        (InvalidToken, [faults.UNAUTHORIZED, faults.NOT_FOUND]),
        (Conflict, [faults.CONFLICT]),
    ],
)
def test_a_refusal_on_demand_is_the_clients_own_error(
    api: TelegramApi, error: type[TelegramError], named: list[Fault]
) -> None:
    api.fail(*named)
    for fault in named:
        assert type(heard(api)) is error
        call = api.calls[-1]
        assert (call.outcome, call.status, call.description, call.text) == (
            "refused", fault.status, fault.description, "x",
        )  # fmt: skip
    assert api.messages(7) == []


def test_a_closed_port_is_no_connection_and_opens_again(api: TelegramApi) -> None:
    api.chat(7)

    async def story(bot: Bot) -> None:
        await bot.send_message(7, "one")
        with api.closed():
            for _ in range(2):
                with pytest.raises(NetworkError) as caught:
                    await bot.send_message(7, "lost")
                assert isinstance(caught.value.__cause__, httpx.ConnectError)
        await bot.send_message(7, "two")
        api.fail(faults.PORT_CLOSES, nth=2)
        await bot.send_message(7, "three")
        await bot.send_message(7, "four")
        with pytest.raises(NetworkError) as caught:
            await bot.send_message(7, "lost")
        assert isinstance(caught.value.__cause__, httpx.ConnectError)
        api.open_port()
        await bot.send_message(7, "five")

    run(api.base_url, story)
    assert [call.text for call in api.calls] == ["one", "two", "three", "four", "five"]


def test_the_script_is_met_in_order_by_chat_method_and_number(api: TelegramApi) -> None:
    api.chat(7)
    api.chat(8)
    api.fail(faults.BLOCKED, faults.flood(1), chat=7)
    api.fail(faults.NO_RIGHTS, chat=8, nth=2, times=None)

    async def outcomes(bot: Bot) -> list[str]:
        said = []
        for chat in (7, 8, 7, 8, 7, 8):
            try:
                await bot.send_message(chat, "x")
                said.append("sent")
            except TelegramError as error:
                said.append(type(error).__name__)
        api.mend()
        await bot.send_message(8, "x")
        return said

    assert run(api.base_url, outcomes) == ["Forbidden", "sent", "RetryAfter", "BadRequest", "sent", "BadRequest"]


def test_polls_fail_only_where_they_are_named(api: TelegramApi) -> None:
    api.fail(faults.UNAUTHORIZED, times=None)
    api.fail(faults.CONFLICT, method="getUpdates")

    async def story(bot: Bot) -> None:
        with pytest.raises(Conflict):
            await bot.get_updates()
        assert await bot.get_updates() == ()

    run(api.base_url, story)


def test_a_call_before_the_wait_is_over_is_early() -> None:
    now = [0.0]

    async def story(bot: Bot) -> None:
        for later in (0, 29, 30):
            now[0] = later
            with contextlib.suppress(RetryAfter):
                await bot.send_message(7, "x")

    with TelegramApi(clock=lambda: now[0]) as api:
        api.chat(7)
        api.fail(faults.flood(30), chat=7)
        run(api.base_url, story)
        assert [call.early for call in api.calls] == [False, True, False]
        assert api.floods == 1


def test_what_hangs_is_let_go(api: TelegramApi) -> None:
    api.chat(7)
    api.fail(faults.HANG, times=2)

    async def story(bot: Bot) -> None:
        for _ in range(2):
            api.calls.clear()
            sending = asyncio.create_task(bot.send_message(7, "x", read_timeout=60))
            await asyncio.to_thread(api.until, lambda: len(api.calls) == 1)
            await asyncio.to_thread(api.release)
            with pytest.raises(NetworkError) as caught:
                await sending
            assert isinstance(caught.value.__cause__, httpx.RemoteProtocolError)

    run(api.base_url, story)
    assert len(api.messages(7)) == 2
