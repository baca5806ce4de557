"""What each answer of Telegram means for a message, its chat and the others, on the imitation and a virtual clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.messenger import ANA, BEN, START, Desk, at_work, join
from tests.rig import deliveries
from tests.store.made import changed
from tests.telegram_api import Fault, faults
from watcher.core import Extras
from watcher.delivery import Delivered
from watcher.notify.telegram import NO_SUCH_BOT
from watcher.pacing import OVERALL
from watcher.store import Store, changes, chats, held, outbox, pages, queue, subscriptions
from watcher.store.held import Held


@pytest.fixture
def desk(sqlite_store: Store) -> Iterator[Desk]:
    with at_work(sqlite_store) as desk:
        yield desk


@pytest.fixture
def both(store: Store) -> Iterator[Desk]:
    with at_work(store) as desk:
        yield desk


def many(desk: Desk, count: int) -> None:
    """One message for each of many chats."""
    for chat in range(1001, 1001 + count):
        desk.api.chat(chat)
        desk.write(f"telegram:{chat}", f"news for {chat}")


# ---------------------------------------------------------------- asked to wait


def test_a_chat_that_is_asked_to_wait_waits_and_the_others_do_not(desk: Desk) -> None:
    desk.api.fail(faults.flood(30), chat=7)
    desk.write(ANA, "slow")
    desk.write(BEN, "quick")
    assert desk.send() == Delivered(sent=1, waiting=1)
    assert desk.rows()["slow"].attempts == 0
    assert desk.send(after=20) == Delivered()
    assert desk.send(after=12) == Delivered(sent=1)
    assert [call.early for call in desk.api.calls] == [False] * 3


def test_many_chats_that_are_asked_to_wait_make_all_of_them_wait(desk: Desk) -> None:
    many(desk, 60)
    for chat in range(1001, 1004):
        desk.api.fail(faults.flood(30), chat=chat)
    assert desk.send() == Delivered(sent=60, waiting=3)
    assert not [call for call in desk.api.calls if call.early]
    times = sorted(call.at for call in desk.api.accepted)
    assert times[OVERALL] - times[0] >= 30  # what flew already has landed; then nothing for half a minute


def test_others_are_told_in_time_while_one_waits(desk: Desk) -> None:
    many(desk, 60)
    desk.api.fail(faults.flood(600), chat=1001)
    assert desk.send() == Delivered(sent=59, waiting=1)
    assert max(call.at for call in desk.api.accepted) - 1000 <= 60 / OVERALL + 2
    assert desk.send(after=590) == Delivered()
    assert desk.send(after=12) == Delivered(sent=1)
    assert not [call for call in desk.api.calls if call.early]


# ---------------------------------------------------------------- never again


@pytest.mark.parametrize("fault", [faults.BLOCKED, faults.DEACTIVATED, faults.KICKED, faults.CHAT_NOT_FOUND])
def test_a_chat_that_is_closed_is_asked_once_and_never_again(desk: Desk, fault: Fault) -> None:
    join(desk.store, ANA)
    desk.api.fail(fault, chat=7, times=None)
    for number in range(3):
        desk.write(ANA, f"message {number}")
    desk.send()
    desk.send(after=60)
    assert len(desk.api.calls) == 1
    chat = desk.store.read_sync(chats.chat, ANA)
    assert chat is not None
    assert (chat.state, bool(chat.reason)) == ("disabled", True)
    assert {row.state for row in desk.rows().values()} == {"dead"}


@pytest.mark.parametrize("known", [False, True])
def test_a_group_that_moved_keeps_its_subscriptions_and_what_waits(both: Desk, known: bool) -> None:  # noqa: FBT001 - a case
    old, new = "telegram:-200", "telegram:-1000000000200"
    both.api.chat(-200, kind="group")
    join(both.store, old)
    if known:
        join(both.store, new)
    both.store.run_sync(held.put, [Held(old, "c", "muted", START)])
    both.write(f"{old}/3", "in a topic", lane=2)
    both.api.migrate(-200, -1000000000200)
    for number in range(2):
        both.write(old, f"message {number}")
    assert both.send().sent == 3
    assert both.texts(-1000000000200) == ["in a topic", "message 0", "message 1"]
    assert [one.id for one in both.store.read_sync(chats.everything)] == [new]
    assert {one.chat for one in both.store.read_sync(subscriptions.everything)} == {new}
    assert list(both.store.read_sync(held.waiting)) == [new]


def test_a_forum_that_is_closed_is_closed_with_all_its_topics(desk: Desk) -> None:
    for topic in ("", "/3", "/4"):
        join(desk.store, f"telegram:-100{topic}")
        desk.write(f"telegram:-100{topic}", f"news {topic}")
    desk.api.fail(faults.KICKED, chat=-100, times=None)
    desk.send()
    assert len(desk.api.calls) == 1
    assert {row.state for row in desk.rows().values()} == {"dead"}
    assert {chat.state for chat in desk.store.read_sync(chats.everything)} == {"disabled"}


def test_a_closed_topic_gives_way_to_the_chat_and_the_operator_hears_once(desk: Desk) -> None:
    desk.operator = BEN
    desk.api.close_topic(-100, 3)
    desk.write("telegram:-100/3", "news")
    desk.write("telegram:-100/3", "more news")
    desk.send()
    assert [message.text for message in desk.api.messages(-100)] == ["news", "more news"]
    assert desk.texts(8) == [
        "Telegram: telegram:-100/3: topic 3 of chat -100 is closed or gone: sent to the chat itself"
    ]
    assert desk.rows()["news"].reason.startswith("topic 3 of chat -100 is closed")


def test_a_chat_whose_own_topic_is_closed_keeps_the_others(desk: Desk) -> None:
    desk.operator = BEN
    join(desk.store, "telegram:-100")
    desk.write("telegram:-100", "news")
    desk.api.fail(faults.TOPIC_CLOSED, chat=-100)
    desk.write("telegram:-100/3", "in a topic", lane=4)
    desk.send()
    assert {key: row.state for key, row in desk.rows().items() if "telegram:-100" in row.channel} == {
        "news": "dead",
        "in a topic": "sent",
    }
    assert [chat.state for chat in desk.store.read_sync(chats.everything)] == ["active"]
    assert desk.texts(8) == [
        "Telegram: telegram:-100: not sent: Topic_closed: check `chat` and `topic` of this channel"
    ]


def test_what_telegram_refuses_goes_in_short_and_the_operator_hears_of_it(desk: Desk) -> None:
    desk.operator = BEN
    alert = desk.write(ANA, "long", "word " * 500)
    desk.api.fail(faults.bad("something that nobody foresaw"), chat=7)
    desk.send()
    (short,) = desk.api.sent(7)
    assert short.text.startswith("word word")
    assert len(short.text) < 1100
    (told,) = desk.api.sent(8)
    assert "shortened, since Telegram refused the whole (something that nobody foresaw)" in told.text
    assert alert in told.text


def test_what_telegram_refuses_in_every_form_is_dead_and_holds_up_nothing(desk: Desk) -> None:
    desk.operator = BEN
    desk.write(ANA, "bad")
    desk.write(ANA, "good")
    desk.api.fail(faults.bad("something that nobody foresaw"), chat=7, times=2)
    assert desk.send() == Delivered(sent=2, dead=1)
    assert desk.texts(7) == ["good"]
    assert "not sent: Something that nobody foresaw" in desk.texts(8)[0]


def test_the_operator_hears_once_of_what_many_chats_refuse(desk: Desk) -> None:
    desk.operator = BEN
    many(desk, 9)
    for chat in range(1001, 1010):
        desk.api.fail(faults.bad("something that nobody foresaw"), chat=chat)
    assert desk.send() == Delivered(sent=10)
    assert len(desk.api.sent(8)) == 1


def test_the_operator_is_not_told_of_what_cannot_reach_the_operator(desk: Desk) -> None:
    desk.operator = BEN
    desk.write(BEN, "bad")
    desk.api.fail(faults.bad("something that nobody foresaw"), chat=8, times=None)
    assert desk.send() == Delivered(dead=1)
    assert len(desk.rows()) == 1


# ---------------------------------------------------------------- nobody knows


@pytest.mark.parametrize("fault", [faults.HANG, faults.RESET, faults.BAD_GATEWAY, faults.GARBAGE])
def test_what_may_have_arrived_is_repeated_once_with_the_mark(desk: Desk, fault: Fault) -> None:
    desk.api.fail(fault, method="sendMessage")
    alert = desk.write(ANA, "news")
    assert desk.send() == Delivered(waiting=1)
    assert desk.send(after=60) == Delivered(sent=1)
    assert desk.texts(7) == ["news", f"Repeat of {alert}"]


def test_later_alerts_wait_for_the_one_before_and_pings_for_nobody(desk: Desk) -> None:
    for lane, chat in ((3, 7), (0, 8)):
        desk.api.fail(faults.RESET, chat=chat)
        for number in range(2):
            desk.write(f"telegram:{chat}", f"{lane} {number}", lane=lane)
    assert desk.send() == Delivered(sent=1, waiting=2)
    assert desk.send(after=10) == Delivered(sent=3)
    told = {chat: ["repeat" if "Repeat" in text else text for text in desk.texts(chat)] for chat in (7, 8)}
    assert told == {7: ["3 0", "repeat", "3 1"], 8: ["0 0", "0 1", "repeat"]}


def test_an_edit_that_waits_holds_no_page_back_and_takes_no_later_edit_back(desk: Desk) -> None:
    first = desk.write(ANA, "ping", lane=0)
    desk.send()
    desk.api.fail(faults.RESET, method="editMessageText")
    desk.write(ANA, "snoozed", lane=1, extras=Extras(edit=first))
    desk.send(after=2)
    desk.write(ANA, "another page", lane=1)
    desk.write(ANA, "acknowledged", lane=1, extras=Extras(edit=first))
    assert desk.send(after=2) == Delivered(sent=2)
    assert desk.send(after=60) == Delivered()
    assert [message.text for message in desk.api.messages(7)] == ["acknowledged", "another page"]


def test_an_edit_waits_for_its_message_and_is_not_sent_in_its_place(both: Desk) -> None:
    both.api.fail(faults.RESET, method="sendMessage")
    first = both.write(ANA, "ping", lane=0)
    both.send()
    both.write(ANA, "acknowledged", lane=1, extras=Extras(edit=first))
    assert both.send(after=1) == Delivered()
    assert both.rows()["ping"].state == "wait"
    for _ in range(3):
        both.send(after=10)
    assert [(message.text, message.edits) for message in both.api.messages(7)] == [("ping", 0), ("acknowledged", 1)]


def test_an_edit_of_what_was_withheld_is_withheld(both: Desk) -> None:
    both.api.fail(faults.RESET, method="sendMessage")
    first = both.write(ANA, "ping", lane=0)
    both.send()
    both.store.run_sync(pages.withhold, [first], "acknowledged by Ana")
    both.write(ANA, "acknowledged", lane=1, extras=Extras(edit=first))
    for _ in range(3):
        both.send(after=10)
    assert [message.text for message in both.api.messages(7)] == ["ping"]
    assert both.rows()["acknowledged"].state == "folded"


def test_what_surely_was_not_sent_is_sent_unmarked(desk: Desk) -> None:
    desk.write(ANA, "news")
    with desk.api.closed():
        desk.send()
    assert desk.send(after=60) == Delivered(sent=1)
    assert desk.texts(7) == ["news"]


def test_a_repeat_that_is_a_day_old_goes_into_the_digest_but_a_ping_is_asked_again(desk: Desk) -> None:
    told = changed(1)
    desk.store.run_sync(changes.put_changes, [told])
    desk.api.fail(faults.HANG, method="sendMessage", times=2)
    desk.write(ANA, "news", changes=[told.id])
    desk.write(BEN, "ping", lane=0)
    desk.send()
    assert desk.send(after=25 * 3600) == Delivered(sent=1)
    assert [one.change for one in desk.store.read_sync(held.waiting)[ANA]] == [told.id]
    assert desk.texts(8)[-1].startswith("Repeat of")


def test_a_repeat_that_is_under_way_is_not_told_with_the_digest_too(desk: Desk) -> None:
    told = changed(1)
    desk.store.run_sync(changes.put_changes, [told])
    desk.api.fail(faults.HANG, method="sendMessage")
    desk.write(ANA, "news", changes=[told.id])
    desk.send()
    desk.clock.seconds += 25 * 3600
    desk.store.run_sync(queue.claim, [desk.rows()["news"].id], desk.clock.now(), timedelta(seconds=30))
    desk.send()
    assert desk.rows()["news"].state == "sending"
    assert desk.store.read_sync(held.waiting) == {}


def test_an_edit_that_may_have_arrived_is_made_again_without_a_mark(desk: Desk) -> None:
    first = desk.write(ANA, "ping")
    desk.send()
    desk.api.fail(faults.HANG, method="editMessageText")
    desk.write(ANA, "edited", extras=Extras(edit=first))
    assert desk.send(after=2) == Delivered(waiting=1)
    assert desk.send(after=10) == Delivered(sent=1)
    assert [message.text for message in desk.api.messages(7)] == ["edited"]


def test_what_nobody_knows_to_have_arrived_is_repeated_later_each_time(desk: Desk) -> None:
    desk.api.fail(faults.RESET, method="sendMessage", times=None)
    desk.write(ANA, "news")
    desk.send()
    waits = []
    for _ in range(5):
        (row,) = desk.rows().values()
        waits.append((row.due - desk.clock.now()).total_seconds())
        desk.send(after=waits[-1])
    assert waits == [5, 30, 120, 600, 600]


@pytest.mark.parametrize("fault", [faults.HANG_UNHEARD, faults.RESET_UNHEARD, faults.BAD_GATEWAY_UNHEARD])
def test_what_may_not_have_arrived_is_not_lost(desk: Desk, fault: Fault) -> None:
    desk.api.fail(fault, method="sendMessage")
    alert = desk.write(ANA, "news")
    desk.send()
    desk.send(after=10)
    assert desk.texts(7) == [f"Repeat of {alert}"]


def test_a_process_that_ended_while_sending_repeats_with_the_mark(desk: Desk) -> None:
    alert = desk.write(ANA, "news")
    desk.store.run_sync(outbox.claim, desk.clock.now(), limit=1, lease=timedelta(seconds=30))
    assert desk.send(after=10) == Delivered()
    assert desk.send(after=21) == Delivered(sent=1)
    assert desk.texts(7) == [f"Repeat of {alert}"]


def test_a_later_part_waits_for_the_one_before(desk: Desk) -> None:
    desk.write(ANA, "long", "word " * 1500)
    desk.api.fail(faults.flood(10), chat=7)
    assert desk.send() == Delivered(waiting=1)
    desk.send(after=15)
    numbers = [row.part for row in sorted(desk.rows().values(), key=lambda row: row.sent_at or START)]
    assert numbers == sorted(numbers)
    assert len(desk.api.sent(7)) == 2


# ---------------------------------------------------------------- nothing goes at all


@pytest.mark.parametrize("fault", [faults.UNAUTHORIZED, faults.NOT_FOUND])
def test_a_bot_that_is_unknown_stops_everything_and_keeps_it(desk: Desk, fault: Fault) -> None:
    many(desk, 60)
    desk.api.fail(fault, times=None)
    desk.send()
    assert len(desk.api.calls) <= OVERALL
    assert desk.health == [NO_SUCH_BOT]
    assert {row.state for row in desk.store.read_sync(deliveries)} == {"wait", "pending"}
    desk.api.mend()
    assert desk.send(after=5) == Delivered(sent=60)
    assert desk.health[-1] == ""


def test_a_service_out_of_reach_is_asked_by_one_message_at_a_time_and_who_is_on_call_comes_first(desk: Desk) -> None:
    outage(desk, 600)


@pytest.mark.soak
def test_a_service_that_was_out_of_reach_for_six_hours(desk: Desk) -> None:
    outage(desk, 6 * 3600)


def outage(desk: Desk, seconds: int) -> None:
    """Telegram cannot be reached for so long; meanwhile pings and alerts are written."""
    told = [changed(number) for number in range(6)]
    desk.store.run_sync(changes.put_changes, told)
    many(desk, 60)
    left = desk.clock.seconds + seconds

    def back() -> None:
        if left - 60 <= desk.clock.seconds and not desk.rows().get("ping"):
            for one in told:
                desk.write(ANA, one.id, changes=[one.id])
            desk.write(BEN, "ping", lane=0)
        if desk.clock.seconds >= left:
            desk.clock.then = lambda: None
            desk.api.open_port()

    desk.api.close_port()
    desk.clock.then = back
    assert desk.serve().sent == 62
    ping, *others = desk.api.accepted
    assert ping.text == "ping"
    assert ping.at - left <= 10
    assert all(call.at >= ping.at for call in others)
    assert desk.texts(7) == ["Many changes at once: 6 changes."]
    assert not [call for call in desk.api.accepted if "Repeat" in call.text]
    assert desk.api.floods == 0
