"""Who may: joining freely and by code, strangers, roles, groups and their administrators, limits."""

from __future__ import annotations

import re

import pytest

from tests.bot.house import ADMIN, ANA, BEN, GROUP, STRANGER, House
from watcher.people import Role
from watcher.store import chats, members, subscriptions


def role(house: House, user: int) -> Role | None:
    found = house.store.read_sync(members.member, user)
    return found.role if found else None


def told_code(house: House) -> str:
    """The code that the bot told the admin."""
    found = re.compile(r"/start (\S{20})\n")
    house.api.until(lambda: found.search(house.api.transcript(ADMIN)) is not None)
    return found.findall(house.api.transcript(ADMIN))[-1]  # type: ignore[no-any-return]  # of one group


def test_a_closed_bot_refuses_a_stranger_once(house: House) -> None:
    house.configure(telegram="open = false")
    house.open()
    assert "for those who were invited" in house.say("/start", user=STRANGER)
    assert house.say("/list", user=STRANGER) == ""
    assert house.say("California", user=STRANGER) == ""
    assert role(house, STRANGER) is None
    assert {deed.action for deed in house.deeds()} == {"start", "refused"}


def test_an_open_bot_asks_for_start_first(house: House) -> None:
    house.open()
    assert "Write /start first." in house.say("/list", user=STRANGER)
    house.say("/start", user=STRANGER)
    assert role(house, STRANGER) is Role.READER


def test_a_code_makes_a_reporter_once(house: House) -> None:
    house.configure(telegram="open = false")
    house.open()
    said = house.say("/code reporter 1 2d", user=ADMIN)
    assert "for a reporter, once" in said
    code = told_code(house)
    assert "You are a reporter." in house.say(f"/start {code}", user=ANA)
    assert code not in str(house.everything_stored())
    assert "does not hold" in house.say(f"/start {code}", user=BEN)
    assert (role(house, ANA), role(house, BEN)) == (Role.REPORTER, None)


def test_a_code_is_forgotten_whatever_becomes_of_it(house: House) -> None:
    house.configure(telegram="open = false")
    house.open().joined(BEN)
    house.api.member(GROUP, "member", by=BEN)
    house.wait()
    house.say("/start ended0secret", user=ANA)
    house.say("/START@watcher_test_bot group0secret", user=BEN, chat=GROUP)
    for _ in range(20):
        house.api.say(BEN, BEN, "/list")
    house.wait()
    house.say("/start paced0secret", user=BEN)
    house.say("/start silent0secret", user=BEN)
    assert "0secret" not in str(house.everything_stored())


def test_a_code_ends(house: House) -> None:
    house.configure(telegram="open = false")
    house.open()
    house.say("/code reader 5 1h", user=ADMIN)
    code = told_code(house)
    house.later(hours=2)
    assert "does not hold" in house.say(f"/start {code}", user=ANA)


def test_a_code_never_lowers_a_role(house: House) -> None:
    house.open().joined(ANA, Role.EDITOR)
    house.say("/code reader", user=ADMIN)
    code = told_code(house)
    house.say(f"/start {code}")
    assert role(house, ANA) is Role.EDITOR


def test_what_a_reader_may_not(house: House) -> None:
    house.open().joined()
    assert "for those who are admins" in house.say("/code")
    assert "for those who are editors" in house.say("/watch https://example.org/")
    assert "for those who are reporters" in house.say("/take")
    assert "/code" not in house.say("/help")
    assert "/code" in house.say("/help", user=ADMIN)


def test_twenty_commands_a_minute(house: House) -> None:
    house.open().joined()
    for _ in range(20):
        house.api.say(ANA, ANA, "/list")
    house.wait()
    assert "more than 20 commands" in house.say("/list")
    assert house.say("/list") == ""
    assert len([deed for deed in house.deeds() if deed.action == "list"]) == 20
    assert [(deed.who, deed.about) for deed in house.deeds() if deed.action == "limited"] == [(ANA, "list")] * 2


def test_twenty_posts_of_a_channel_a_minute(house: House) -> None:
    house.open()
    channel = -1009999
    house.api.chat(channel, kind="channel", title="Wire")
    house.api.member(channel, "administrator", by=ANA)
    house.wait()
    for _ in range(22):
        house.api.post(channel, "/list")
    house.wait()
    assert house.api.transcript(channel).count("more than 20 commands") == 1
    assert len([deed for deed in house.deeds() if deed.action == "limited"]) == 2


def test_only_administrators_decide_for_a_group(house: House) -> None:
    house.open().joined()
    house.api.member(GROUP, "member", by=ANA)
    house.wait()
    assert "Here I am" in house.last(GROUP)
    assert "Only an administrator" in house.say("/subscribe dropped", chat=GROUP)
    assert "told nothing yet" in house.say("/list", chat=GROUP)
    house.api.seat(GROUP, BEN, "administrator")
    assert "This chat is told at once" in house.say("/subscribe@watcher_test_bot dropped", user=BEN, chat=GROUP)
    assert [one.by for one in house.store.read_sync(subscriptions.of_chat, f"telegram:{GROUP}")] == [BEN]


def test_a_seat_is_known_for_five_minutes(house: House) -> None:
    house.open().joined()
    house.api.member(GROUP, "member", by=ANA)
    house.api.seat(GROUP, ANA, "administrator")
    house.wait()
    house.say("/subscribe dropped", chat=GROUP)
    house.api.seat(GROUP, ANA, "member")
    assert "at once" in house.say("/subscribe listed", chat=GROUP)
    house.later(minutes=6)
    assert "Only an administrator" in house.say("/subscribe gone", chat=GROUP)


def test_a_button_in_a_group_is_for_administrators(house: House) -> None:
    house.open().joined()
    house.api.member(GROUP, "member", by=ANA)
    house.api.seat(GROUP, ANA, "administrator")
    house.wait()
    house.say("/subscribe dropped", chat=GROUP)
    before = len(house.api.messages(GROUP))
    assert "Only an administrator" in (house.tap("Unsubscribe", user=STRANGER, chat=GROUP) or "")
    assert len(house.api.messages(GROUP)) == before
    assert len(house.store.read_sync(subscriptions.of_chat, f"telegram:{GROUP}")) == 1


def test_other_bots_commands_and_chatter_are_left_alone(house: House) -> None:
    house.open().joined()
    house.api.member(GROUP, "member", by=ANA)
    house.wait()
    assert house.say("/list@another_bot", chat=GROUP) == ""
    assert house.say("what a day", chat=GROUP) == ""
    assert house.say("/unheard", chat=GROUP) == ""


def test_a_closed_bot_in_a_strangers_group(house: House) -> None:
    house.configure(telegram="open = false")
    house.open()
    house.api.member(GROUP, "administrator", by=STRANGER)
    house.api.seat(GROUP, STRANGER, "creator")
    house.wait()
    house.say("/subscribe dropped", user=STRANGER, chat=GROUP)
    assert house.store.read_sync(subscriptions.of_chat, f"telegram:{GROUP}") == []
    assert house.store.read_sync(chats.chat, f"telegram:{GROUP}") is None


def test_a_channel_decides_for_itself(house: House) -> None:
    house.open()
    channel = -1009999
    house.api.chat(channel, kind="channel", title="Wire")
    house.api.member(channel, "administrator", by=ANA)
    house.wait()
    house.api.post(channel, "/subscribe dropped")
    house.wait()
    assert "This chat is told at once" in house.api.transcript(channel)


@pytest.mark.parametrize("status", ["kicked", "left"])
def test_a_chat_that_throws_the_bot_out_is_disabled_before_the_next_send(house: House, status: str) -> None:
    house.open().joined()
    house.say("/subscribe dropped")
    house.api.member(ANA, status)
    house.wait()
    chat = house.store.read_sync(chats.chat, f"telegram:{ANA}")
    assert chat is not None
    assert chat.state == "disabled"
    house.api.member(ANA, "member")
    house.say("/start")
    chat = house.store.read_sync(chats.chat, f"telegram:{ANA}")
    assert chat is not None
    assert chat.state == "active"


def test_a_group_that_moves_takes_its_subscriptions_along(house: House) -> None:
    house.open().joined()
    house.api.member(-5, "member", by=ANA)
    house.api.seat(-5, ANA, "creator")
    house.wait()
    house.say("/subscribe dropped", chat=-5)
    house.api.migrate(-5, GROUP)
    house.wait()
    assert len(house.store.read_sync(subscriptions.of_chat, f"telegram:{GROUP}")) == 1


def test_the_menus(house: House) -> None:
    house.open()
    commands = house.api.world.commands
    house.api.until(lambda: f"chat {ADMIN}" in commands)
    mine, private, groups = (
        {one["command"] for one in commands[scope]}
        for scope in (f"chat {ADMIN}", "all_private_chats", "all_group_chats")
    )
    assert groups < private < mine
    assert {"subscribe", "ack", "why", "replay"} <= private
    assert mine - private == {"code", "watch", "take", "swap"}
