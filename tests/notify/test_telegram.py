"""Telegram: python-telegram-bot itself against an imitation of the Bot API, through every row of the verdict table."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest
from telegram.error import NetworkError, RetryAfter, TimedOut

from tests.telegram_api import TOKEN, Fault, TelegramApi, faults
from watcher.core import Dead, Extras, Failure, Fetched, Line, Message, Notifier, Outcome, Retry, Run, Sent, Tools
from watcher.notify.telegram import MOST_FORMS, Telegram, TelegramOptions, verdict

REF = "0123456789abcdef"


class Hurried(Telegram):
    """Gives up reading sooner, and waits between tries on a recorded clock."""

    read_timeout = 0.3
    waits: ClassVar[list[float]] = []

    @staticmethod
    async def sleep(delay: float) -> None:
        Hurried.waits.append(delay)


async def no_post(*_: object) -> Fetched | Failure:
    raise AssertionError("Telegram does not use this door")


def tools() -> Tools:
    return Tools(no_post, lambda: datetime(2017, 3, 20, tzinfo=UTC), io.StringIO())


def message(*lines: Line, repeat: bool = False) -> Message:
    return Message(REF, "ice", lines or ((Run("Listed: ", "strong"), Run("Clark County, Nev.")),), repeat=repeat)


def deliver(base_url: str, *messages: Message, topic: int | None = None, token: str = TOKEN) -> list[Outcome]:
    async def story() -> list[Outcome]:
        notifier = Hurried(TelegramOptions(token, -1001, topic, base_url), tools())
        try:
            return [await notifier.send(one) for one in messages]
        finally:
            await notifier.close()

    return asyncio.run(story())


@pytest.fixture
def api() -> Iterator[TelegramApi]:
    with TelegramApi() as server:
        server.chat(-1001)
        server.chat(-1002)
        yield server


def test_it_is_a_notifier() -> None:
    assert isinstance(Telegram(TelegramOptions(TOKEN, 1), tools()), Notifier)


def test_a_message_goes_to_its_chat_and_topic_without_previews(api: TelegramApi) -> None:
    api.topic(-1001, topic=7)
    assert deliver(api.base_url, message(), topic=7) == [Sent("2")]
    (call,) = api.accepted
    assert call.fields["chat_id"] == "-1001"
    assert call.fields["message_thread_id"] == "7"
    assert call.fields["parse_mode"] == "HTML"
    assert '"is_disabled": true' in call.fields["link_preview_options"]
    assert call.text == "Listed: Clark County, Nev."
    assert call.fields["text"] == "<b>Listed: </b>Clark County, Nev."


def test_a_repeat_says_so(api: TelegramApi) -> None:
    deliver(api.base_url, message(repeat=True))
    assert api.accepted[0].text == f"Repeat of {REF}\nListed: Clark County, Nev."


def test_a_flood_answer_waits_what_it_asks_and_a_little(api: TelegramApi) -> None:
    api.fail(faults.flood(30))
    (outcome,) = deliver(api.base_url, message())
    assert outcome == Retry("Telegram asks to wait 30.5 s", timedelta(seconds=30.5), counts=False)
    assert len(api.calls) == 1


def test_a_chat_that_moved_is_followed_and_the_receipt_says_where(api: TelegramApi) -> None:
    api.fail(faults.migrated(-1002))
    first, second = deliver(api.base_url, message(), message())
    assert isinstance(first, Sent)
    assert first == Sent("1", "chat -1001 is now -1002: write that in config.toml")
    assert second == Sent("2")
    assert [call.fields["chat_id"] for call in api.accepted] == ["-1002", "-1002"]


def test_a_chat_that_moves_for_ever_is_given_up(api: TelegramApi) -> None:
    api.fail(*(faults.migrated(-number) for number in range(1, 9)))
    (outcome,) = deliver(api.base_url, message())
    assert isinstance(outcome, Dead)
    assert len(api.calls) == MOST_FORMS


def test_html_that_cannot_be_parsed_goes_once_as_plain_text(api: TelegramApi) -> None:
    api.fail(faults.CANNOT_PARSE)
    assert deliver(api.base_url, message()) == [Sent("1")]
    assert "parse_mode" not in api.accepted[0].fields
    assert api.accepted[0].text == "Listed: Clark County, Nev."


def test_what_is_refused_in_every_form_is_dead(api: TelegramApi) -> None:
    api.fail(faults.CANNOT_PARSE, times=None)
    (outcome,) = deliver(api.base_url, message())
    assert isinstance(outcome, Dead)
    assert not outcome.closed
    assert [call.fields.get("parse_mode", "") for call in api.calls] == ["HTML", "", ""]


def test_what_is_refused_for_a_reason_that_nobody_foresaw_goes_in_short(api: TelegramApi) -> None:
    api.fail(faults.bad("something that nobody foresaw"))
    (outcome,) = deliver(api.base_url, message())
    assert outcome == Sent("1", "shortened, since Telegram refused the whole (something that nobody foresaw)")
    assert api.accepted[0].text.startswith("Listed: Clark County, Nev.")


def test_a_closed_topic_gives_way_to_the_chat(api: TelegramApi) -> None:
    api.fail(faults.TOPIC_CLOSED)
    (outcome,) = deliver(api.base_url, message(), topic=7)
    assert outcome == Sent("1", "topic 7 of chat -1001 is closed or gone: sent to the chat itself")
    assert "message_thread_id" not in api.accepted[0].fields


@pytest.mark.parametrize(
    ("status", "description"),
    [
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: not enough rights to send text messages to the chat"),
        (400, "Bad Request: message thread not found"),
        (400, "Bad Request: TOPIC_CLOSED"),
    ],
)
def test_a_final_answer_kills_the_row_in_one_call(api: TelegramApi, status: int, description: str) -> None:
    api.fail(Fault(status, description))
    (outcome,) = deliver(api.base_url, message())
    assert isinstance(outcome, Dead)
    assert outcome.closed is not any(words in description for words in ("thread", "TOPIC"))
    assert description.split(": ")[1].lower() in outcome.reason.lower()
    assert len(api.calls) == 1


def test_a_wrong_token_waits_long_and_is_not_told(api: TelegramApi) -> None:
    wrong = "1:" + "x" * 35
    (outcome,) = deliver(api.base_url, message(), token=wrong)
    assert isinstance(outcome, Retry)
    assert outcome.after == timedelta(minutes=15)
    assert "token_env" in outcome.reason
    assert wrong not in outcome.reason
    assert not outcome.unknown


@pytest.mark.parametrize(
    "fault",
    [
        faults.BAD_GATEWAY,
        faults.SERVER_ERROR,
        faults.HANG,
        faults.RESET,
        faults.GARBAGE,
        replace(faults.GARBAGE, status=502),
    ],
    ids=lambda fault: f"{fault.status} {fault.how.value}",
)
def test_what_may_have_arrived_is_unknown_and_not_sent_again_here(api: TelegramApi, fault: Fault) -> None:
    api.fail(fault)
    (outcome,) = deliver(api.base_url, message())
    assert isinstance(outcome, Retry)
    assert outcome.unknown
    assert len(api.accepted) == 1


def test_no_connection_is_surely_not_sent_and_tried_thrice(api: TelegramApi) -> None:
    Hurried.waits.clear()
    with api.closed():
        (outcome,) = deliver(api.base_url, message())
    assert outcome == Retry("not sent: no connection to Telegram (ConnectError)", counts=False, stops=True)
    assert len(Hurried.waits) == 2


class Cause(Exception):  # noqa: N818 - stands for what httpx raises, which only fetch may import
    """Its name is all that is looked at."""


@pytest.mark.parametrize(
    ("cause", "unknown"),
    [
        *((name, False) for name in ("ConnectTimeout", "ConnectError", "PoolTimeout", "ProxyError")),
        *((name, True) for name in ("ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "RemoteProtocolError")),
    ],
)
@pytest.mark.parametrize("error", [NetworkError, TimedOut])
def test_whether_it_left_is_told_by_the_cause_alone(error: type[NetworkError], cause: str, *, unknown: bool) -> None:
    raised = error("the address, and the token in it")
    raised.__cause__ = type(cause, (Cause,), {})(TOKEN)
    outcome = verdict(raised)
    assert isinstance(outcome, Retry)
    assert (outcome.unknown, outcome.stops, outcome.counts) == (unknown, not unknown, unknown)
    assert cause in outcome.reason
    assert TOKEN not in outcome.reason


@pytest.mark.parametrize("wait", [7, timedelta(seconds=7)])
def test_a_wait_is_understood_in_both_of_the_library_s_forms(wait: int | timedelta) -> None:
    assert verdict(RetryAfter(wait)) == Retry("Telegram asks to wait 7.5 s", timedelta(seconds=7.5), counts=False)


def test_an_edit_that_changes_nothing_has_been_made(api: TelegramApi) -> None:
    api.fail(faults.NOT_MODIFIED, method="editMessageText")
    edit = replace(message(), extras=Extras(edit="5"))
    assert deliver(api.base_url, edit) == [Sent("5")]


def test_a_message_goes_without_the_one_that_it_answers(api: TelegramApi) -> None:
    deliver(api.base_url, replace(message(), extras=Extras(reply_to="99", silent=True)))
    (call,) = api.accepted
    assert '"allow_sending_without_reply": true' in call.fields["reply_parameters"].replace('":true', '": true')
    assert call.fields["disable_notification"] in {"true", "True"}


@pytest.mark.parametrize("base_url", ["nonsense", "ftp://127.0.0.1/bot", "http://127.0.0.1:port/bot"])
def test_an_impossible_address_is_surely_not_sent_and_never_told_with_the_token(base_url: str) -> None:
    (outcome,) = deliver(base_url, message())
    assert isinstance(outcome, Retry)
    assert not outcome.unknown
    assert TOKEN not in outcome.reason


def test_the_token_stands_in_no_log_and_no_repr(api: TelegramApi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    api.fail(faults.BAD_GATEWAY_UNHEARD, faults.GARBAGE, faults.KICKED)
    outcomes = deliver(api.base_url, *[message()] * 4)
    assert TOKEN not in caplog.text + repr(outcomes) + repr(TelegramOptions(TOKEN, 1))


def test_the_longest_message_and_its_repeat_mark_fit(api: TelegramApi) -> None:
    notifier = Telegram(TelegramOptions(TOKEN, 1), tools())
    line: Line = (Run("😀" * (notifier.limit // 2)),)
    assert notifier.measure((line,)) <= notifier.limit
    assert deliver(api.base_url, message(line, repeat=True)) == [Sent("1")]


def test_many_marked_runs_count_as_full() -> None:
    notifier = Telegram(TelegramOptions(TOKEN, 1), tools())
    runs = tuple(Run("x", "new") for _ in range(101))
    assert notifier.measure((runs[:100],)) <= notifier.limit < notifier.measure((runs,))
