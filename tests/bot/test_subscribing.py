"""Joining and subscribing, as people in Telegram see it."""

from __future__ import annotations

from tests.bot.house import ANA, GROUP, House
from tests.rig import table, without
from watcher.store import chats, subscriptions


def kept(house: House, channel: str = f"telegram:{ANA}") -> list[subscriptions.Subscription]:
    return house.store.read_sync(subscriptions.of_chat, channel)


def test_start_then_subscribe_then_list(house: House) -> None:
    house.open()
    house.api.user(7, "Ana")
    assert "Welcome, Ana. You are a reader." in house.say("/start")
    assert "This chat is told at once: Clark County, Nev." in house.say("/subscribe Clark County, NV")
    assert "1. Clark County, Nev. · at once" in house.say("/list")


def test_what_is_subscribed_arrives(house: House) -> None:
    house.site.pages["/list"] = table()
    house.open().joined()
    house.check_now()
    house.say("/subscribe Clark County, NV")
    house.site.pages["/list"] = table(without("Clark"))
    house.check_now()
    assert "Clark County" in house.last()
    house.say("/unsubscribe all")
    house.site.pages["/list"] = table()
    before = len(house.api.messages(ANA))
    house.check_now()
    assert len(house.api.messages(ANA)) == before


def test_plain_words_are_offered_and_a_button_subscribes(house: House) -> None:
    house.open().joined()
    assert "Tell this chat of: California?" in house.say("California")
    assert kept(house) == []
    assert house.tap("Subscribe") == "California"
    assert [one.filter.states for one in kept(house)] == [("CA",)]
    assert "This chat is told at once: California" in house.last()
    assert len(house.api.messages(ANA)) == 1  # the question became the answer


def test_an_ambiguous_name_is_asked_about(house: House) -> None:
    house.open().joined()
    assert "Which do you mean?" in house.say("/subscribe Clark County")
    assert house.tap("Clark County, Ind.") == "Clark County, Ind."
    assert [one.filter.places for one in kept(house)] == [("us-county:18019",)]


def test_the_same_twice_is_once(house: House) -> None:
    house.open().joined()
    house.say("/subscribe dropped")
    assert "told already" in house.say("/subscribe delisted")
    assert len(kept(house)) == 1


def test_into_the_digest_and_back(house: House) -> None:
    house.open().joined()
    house.say("/subscribe dropped")
    house.tap("Rather in a daily digest")
    assert [one.mode for one in kept(house)] == ["digest"]
    assert "in the digest (daily 08:00): dropped" in house.last()
    house.tap("Rather at once")
    assert [one.mode for one in kept(house)] == ["instant"]


def test_unsubscribe_by_number_button_and_words(house: House) -> None:
    house.open().joined()
    for what in ("dropped", "California", "word:detainer", "Cook County, IL"):
        house.say(f"/subscribe {what}")
    assert "Not told any more: dropped" in house.say("/unsubscribe 1")
    assert "Not told any more: California" in house.say("/unsubscribe California")
    house.say("/list")
    assert house.tap("✕ 1") == "Unsubscribed"
    assert [one.filter.places for one in kept(house)] == [("us-county:17031",)]
    assert "no such subscription" in house.say("/unsubscribe 7")


def test_fifty_are_the_most(house: House) -> None:
    house.open().joined()
    from tests.store.made import NOON
    from watcher.route import Filter
    from watcher.store.subscriptions import Subscription, put

    for number in range(50):
        one = Subscription(f"{number:08}", f"telegram:{ANA}", Filter(words=(f"w{number}",)), "instant", ANA, NOON)
        house.store.run_sync(put, one)
    assert "that is the most" in house.say("/subscribe dropped")
    assert len(kept(house)) == 50


def test_nonsense_is_answered_with_what_to_write(house: House) -> None:
    house.open().joined()
    assert "Say what you want to hear of" in house.say("/subscribe")
    assert "/help lists" in house.say("/frobnicate")
    assert kept(house) == []


def test_a_choice_of_another_chat_is_refused(house: House) -> None:
    house.open().joined().joined(8)
    house.say("/subscribe Clark County")
    (message,) = house.api.messages(ANA)
    data = message.button("Clark County, Ind.")["callback_data"]
    house.say("/list", user=8)
    (other,) = house.api.messages(8)
    assert house.press(8, other, data) == "That message is too old: ask again."
    assert kept(house, "telegram:8") == []


def test_mute_digest_and_timezone(house: House) -> None:
    house.open().joined()
    assert "Muted until" in house.say("/mute 2h")
    chat = house.store.read_sync(chats.chat, f"telegram:{ANA}")
    assert chat is not None
    assert chat.muted_by == ANA
    assert "Not muted any more" in house.say("/mute off")
    assert "30 days at most" in house.say("/mute 5w")
    assert "Say for how long" in house.say("/mute soon")
    house.say("/mute")
    assert "Muted until" in (house.tap("8h") or "")
    assert "The digest comes daily 09:30 (America/Los_Angeles)" in house.say("/digest daily 9:30")
    assert "No digest any more" in house.say("/digest off")
    assert "Say when" in house.say("/digest weekly")
    assert "Times are those of America/New_York" in house.say("/timezone america/new york")
    assert "no such time zone" in house.say("/timezone Mars/Olympus")
    assert "daily 08:00 (America/New_York)" in house.say("/digest 08:00")


def test_a_group_in_a_topic(house: House) -> None:
    house.open().joined()
    topic = house.api.topic(GROUP, "ICE")
    house.api.member(GROUP, "member", by=ANA)
    house.wait()
    house.api.seat(GROUP, ANA, "administrator")
    house.api.say(ANA, GROUP, "/subscribe California", topic=topic)
    house.wait()
    assert "This chat is told at once: California" in house.api.transcript(GROUP, topic)
    assert len(kept(house, f"telegram:{GROUP}/{topic}")) == 1
