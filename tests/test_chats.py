"""Chats of Telegram in the whole app: beside other channels, one bot for all, folded before they are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.rig import NOON, Rig, minutes, route, source, table, without
from tests.telegram_api import TOKEN, Limits, TelegramApi, faults
from watcher.core import Run
from watcher.delivery import Delivered
from watcher.outbox import letter
from watcher.people import Chat
from watcher.render import as_text
from watcher.route import Filter
from watcher.store import Connection, chats, outbox, subscriptions
from watcher.store.subscriptions import Subscription

READER, DESK = 7, 8
BEGUN = NOON - timedelta(days=1)
FIXED = '[[channel]]\nname = "desk"\nkind = "telegram"\nchat = 8\ntoken_env = "TELEGRAM_TOKEN"\nbase_url = "{}"\n'


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[TelegramApi]:
    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)
    with TelegramApi(limits=Limits()) as api:
        for user in (READER, DESK):
            api.user(user, f"user {user}")
            api.chat(user)
        yield api


def watch(rig: Rig, api: TelegramApi, *names: str) -> None:
    """Watch pages; a chat subscribes to everything, the fixed channel and the console get everything."""
    telegram = f'token_env = "TELEGRAM_TOKEN"\nbase_url = "{api.base_url}"'
    sources = [source(rig.site, name) for name in names or ("list",)]
    rig.watch(*sources, FIXED.format(api.base_url), route("desk"), route("console"), telegram=telegram)
    for name in names or ("list",):
        rig.site.pages[f"/{name}"] = table()
    rig.store.run_sync(subscribe)
    rig.check_all()
    for name in names or ("list",):
        rig.site.pages[f"/{name}"] = table(without("Cook"))
    rig.now += minutes(30)


def subscribe(conn: Connection) -> None:
    chats.put(conn, Chat(f"telegram:{READER}", "private", "Ana", BEGUN))
    subscriptions.put(conn, Subscription("all", f"telegram:{READER}", Filter(), "instant", READER, BEGUN))


def test_one_change_reaches_the_subscriber_the_fixed_chat_and_the_console(both: Rig, api: TelegramApi) -> None:
    watch(both, api)
    both.check()
    for chat in (READER, DESK):
        (call,) = api.sent(chat)
        assert "Cook County" in call.text
    assert "Cook County" in both.told()
    assert set(both.counts()) == {("desk", "sent"), ("console", "sent"), (f"telegram:{READER}", "sent")}
    assert both.deliver(after=minutes(30)) == Delivered()


def test_telegram_out_of_reach_holds_up_no_other_channel_and_is_told_later(rig: Rig, api: TelegramApi) -> None:
    watch(rig, api)
    with api.closed():
        rig.check()
    assert "Cook County" in rig.told()
    assert api.calls == []
    assert rig.deliver(after=timedelta(seconds=5)) == Delivered(sent=2)
    assert not [call for call in api.calls if "Repeat" in call.text]


def test_what_two_pages_say_alike_is_told_a_chat_once(both: Rig, api: TelegramApi) -> None:
    watch(both, api, "a", "b")
    both.check_all()
    assert len(api.sent(READER)) == len(api.sent(DESK)) == 1
    assert {state for (channel, state) in both.counts() if channel != "console"} == {"sent", "folded"}


def test_without_a_bot_what_waits_for_chats_dies_with_the_reason(both: Rig, api: TelegramApi) -> None:
    watch(both, api)
    with api.closed():
        both.check()
    both.watch(source(both.site))
    both.deliver(after=minutes(1))
    dead = {row.channel: row.reason for row in both.deliveries() if row.state == "dead"}
    assert dead == {
        "desk": "there is no channel 'desk' in config.toml",
        f"telegram:{READER}": "there is no [telegram] in config.toml any more",
    }
    assert api.calls == []


def test_a_name_that_names_no_chat_is_dead(rig: Rig, api: TelegramApi) -> None:
    watch(rig, api)
    alert, rows = letter(
        "telegram:nobody/x", "test", "1", [(Run("news"),)],
        now=rig.now, limit=4000, measure=lambda lines: len(as_text(lines)), lane=2,
    )  # fmt: skip
    rig.store.run_sync(outbox.put_alert, alert, rows)
    rig.deliver()
    assert [row.reason for row in rig.deliveries() if row.state == "dead"] == [
        "'telegram:nobody/x' names no chat of Telegram"
    ]


def test_the_operator_hears_of_a_fixed_chat_that_is_closed(rig: Rig, api: TelegramApi) -> None:
    watch(rig, api)
    api.fail(faults.KICKED, chat=DESK, times=None)
    rig.check()
    rig.deliver(after=minutes(1))
    assert "Telegram: desk: not sent: Forbidden: bot was kicked" in rig.told()
    assert [call.outcome for call in api.calls if call.chat == DESK] == ["refused"]


def test_a_token_that_telegram_rejects_is_said_by_doctor(rig: Rig, api: TelegramApi) -> None:
    watch(rig, api)
    api.fail(faults.UNAUTHORIZED, times=None)
    rig.check()
    troubles = rig.store.read_sync(outbox.troubles, rig.now)
    assert [(state, reason) for state, reason, _ in troubles] == [
        ("wait", "Telegram rejects the bot's token: check what token_env names")
    ]
    api.mend()
    assert rig.deliver() == Delivered(sent=2)
    assert rig.store.read_sync(outbox.troubles, rig.now) == []
