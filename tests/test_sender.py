"""The sender of chats: what a message is, who goes first, and how fast."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.messenger import ANA, BEN, GROUP_CHAT, Desk, Hurried, at_work
from tests.rig import deliveries
from tests.store.made import changed
from tests.telegram_api import faults
from watcher.core import Button, Extras
from watcher.delivery import Delivered
from watcher.pacing import GROUP, MINUTE, OVERALL
from watcher.sender import MINE, SENDER
from watcher.store import Store, changes, leases
from watcher.store.leases import Lease


@pytest.fixture
def desk(sqlite_store: Store) -> Iterator[Desk]:
    with at_work(sqlite_store) as desk:
        yield desk


# ---------------------------------------------------------------- what is sent


def test_messages_of_a_chat_come_in_order_and_no_faster_than_a_second_apart(desk: Desk) -> None:
    for number in range(4):
        desk.write(ANA, f"message {number}", lane=2)
    assert desk.send() == Delivered(sent=4)
    assert desk.texts(7) == [f"message {number}" for number in range(4)]
    assert desk.api.floods == 0


def test_a_message_has_buttons_answers_another_and_stands_in_its_place(desk: Desk) -> None:
    buttons = ((Button("Acknowledge", "p1:x:ack:0"), Button("Open", url="https://example.org/")),)
    first = desk.write(ANA, "ping", lane=0, extras=Extras(buttons))
    desk.send()
    desk.write(ANA, "answer", lane=2, extras=Extras(reply_to=first))
    desk.write(ANA, "edited", lane=2, extras=Extras(edit=first))
    desk.send(after=2)
    shown, answer = desk.api.messages(7)
    assert (shown.text, shown.labels, shown.edits) == ("edited", [], 1)
    assert (answer.text, answer.reply_to) == ("answer", shown)


def test_an_edit_of_what_is_gone_is_a_new_message(desk: Desk) -> None:
    first = desk.write(ANA, "ping")
    desk.send()
    desk.api.fail(faults.EDIT_NOT_FOUND, method="editMessageText")
    desk.write(ANA, "edited", extras=Extras(edit=first))
    assert desk.send(after=2) == Delivered(sent=1)
    assert desk.texts(7)[-1] == "edited"


def test_a_topic_is_written_to_as_a_topic(desk: Desk) -> None:
    desk.write(GROUP_CHAT, "news")
    desk.send()
    assert [message.text for message in desk.api.messages(-100, 3)] == ["news"]


def test_pictures_and_edits_go_as_they_can(desk: Desk) -> None:
    told = [changed(number) for number in range(6)]
    desk.store.run_sync(changes.put_changes, told)
    ids, picture = [one.id for one in told], Extras(picture=True)
    desk.write(ANA, "drawn", changes=ids, extras=picture)
    desk.write(ANA, "too long for a caption", "word " * 300, changes=ids, extras=picture, lane=2)
    desk.write(ANA, "nothing to draw", extras=picture, lane=4)
    desk.send()
    assert [call.method for call in desk.api.accepted] == ["sendMessage", "sendPhoto", "sendMessage"]
    assert desk.api.refused == []


def test_a_chat_that_takes_no_pictures_gets_the_words(desk: Desk) -> None:
    told = [changed(number) for number in range(6)]
    desk.store.run_sync(changes.put_changes, told)
    desk.api.fail(faults.bad("not enough rights to send photos to the chat"), method="sendPhoto")
    desk.write(ANA, "drawn", changes=[one.id for one in told], extras=Extras(picture=True))
    assert desk.send() == Delivered(sent=1)
    assert desk.texts(7) == ["drawn"]


def test_a_picture_is_not_edited_into_words_but_followed_by_them(desk: Desk) -> None:
    told = [changed(number) for number in range(6)]
    desk.store.run_sync(changes.put_changes, told)
    first = desk.write(ANA, "drawn", changes=[one.id for one in told], extras=Extras(picture=True))
    desk.send()
    desk.write(ANA, "edited", extras=Extras(edit=first))
    assert desk.send(after=2) == Delivered(sent=1)
    assert [message.text for message in desk.api.messages(7)] == ["drawn", "edited"]


def test_what_answers_a_message_that_is_not_sent_yet_stands_alone(desk: Desk) -> None:
    desk.write(ANA, "answer", lane=0, extras=Extras(reply_to=desk.write(ANA, "first")))
    desk.send()
    (answer, first) = desk.api.messages(7)
    assert (answer.text, answer.reply_to, first.text) == ("answer", None, "first")


def test_messages_about_no_change_are_never_folded(desk: Desk) -> None:
    told = [changed(number) for number in range(7)]
    desk.store.run_sync(changes.put_changes, told)
    for one in told:
        desk.write(ANA, one.id, changes=[one.id])
    desk.write(ANA, "retracted")
    desk.send()
    assert sorted(desk.texts(7)) == ["Many changes at once: 7 changes.", "retracted"]


def test_all_parts_of_what_is_folded_are(desk: Desk) -> None:
    told = [changed(number) for number in range(6)]
    desk.store.run_sync(changes.put_changes, told)
    for one in told:
        desk.write(ANA, one.id, "word " * 1500, changes=[one.id])
    assert desk.send() == Delivered(sent=1)
    assert Counter(row.state for row in desk.store.read_sync(deliveries)) == {"folded": 12, "sent": 1}


def test_whoever_is_on_call_goes_beside_those_that_hang(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("watcher.sender.FLYING", 4)
    monkeypatch.setattr(Hurried, "read_timeout", 30.0)
    for chat in range(1001, 1005):
        desk.api.chat(chat)
        desk.write(f"telegram:{chat}", "slow")
    desk.api.fail(faults.HANG, method="sendMessage", times=4)
    while_hanging: list[str] = []

    def ring() -> None:
        desk.api.until(lambda: len(desk.api.calls) == 4)
        desk.write(BEN, "alert")
        desk.write(ANA, "ping", lane=0)
        desk.api.until(lambda: len(desk.api.calls) > 4)
        while_hanging.extend(call.text for call in desk.api.calls)
        desk.api.release()

    ringing = threading.Thread(target=ring)
    ringing.start()
    desk.send()
    ringing.join()
    assert while_hanging == [*["slow"] * 4, "ping"]
    assert desk.texts(8) == ["alert"]


def test_told_to_stop_it_ends_what_flies_and_leaves_the_rest(desk: Desk) -> None:
    for chat in range(1001, 1101):
        desk.api.chat(chat)
        desk.write(f"telegram:{chat}", "news")
    first = desk.serve(until=lambda: desk.clock.seconds >= 1001)
    assert 0 < first.sent < 100
    assert Counter(row.state for row in desk.store.read_sync(deliveries)) == {
        "sent": first.sent,
        "pending": 100 - first.sent,
    }
    desk.send()
    assert [call.text for call in desk.api.accepted] == ["news"] * 100


def test_one_process_sends_and_the_others_leave_it_to_that_one(desk: Desk) -> None:
    other = Lease("elsewhere/1/a", desk.clock.now() + MINE)
    desk.store.run_sync(leases.take, SENDER, other)
    desk.write(ANA, "news")
    assert desk.send() == Delivered()
    assert desk.store.read_sync(leases.held, SENDER) == other
    assert [row.state for row in desk.store.read_sync(deliveries)] == ["pending"]
    assert desk.send(after=MINE.total_seconds()) == Delivered(sent=1)
    assert desk.store.read_sync(leases.held, SENDER) is None


def test_the_lease_of_a_process_that_was_killed_is_nobodys(desk: Desk) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    other = Lease(f"{socket.gethostname()}/{ended.pid}/a", desk.clock.now() + MINE)
    desk.store.run_sync(leases.take, SENDER, other)
    desk.write(ANA, "news")
    assert desk.send() == Delivered(sent=1)


def test_who_sends_says_so_as_long_as_it_lasts_and_leaves_the_rest_once_another_does(desk: Desk) -> None:
    for number in range(30):
        desk.write(ANA, f"message {number}", lane=2)
    left: list[timedelta] = []

    def look() -> None:
        held = desk.store.read_sync(leases.held, SENDER)
        if held and not held.holder.startswith("elsewhere"):
            left.append(held.until - desk.clock.now())
            if desk.clock.seconds > 1020:
                desk.store.run_sync(leases.take, SENDER, Lease("elsewhere/1/a", desk.clock.now() + MINE), held)

    desk.clock.then = look
    first = desk.send()
    assert min(left) > timedelta(seconds=5)
    assert 15 < first.sent < 30
    assert desk.send(after=15) == Delivered(sent=30 - first.sent)


# ---------------------------------------------------------------- lanes and limits


def test_who_waits_for_an_answer_goes_first(desk: Desk) -> None:
    for lane in (4, 3, 2, 1, 0):
        desk.write(ANA, f"lane {lane}", lane=lane)
    desk.send()
    assert desk.texts(7) == [f"lane {lane}" for lane in range(5)]


def test_more_alerts_than_a_chat_wants_at_once_become_one_message(desk: Desk) -> None:
    told = [changed(number) for number in range(6)]
    desk.store.run_sync(changes.put_changes, told)
    for one in told:
        desk.write(ANA, one.id, changes=[one.id])
    desk.write(BEN, "another")
    assert desk.send() == Delivered(sent=2)
    assert desk.texts(7) == ["Many changes at once: 6 changes."]
    assert desk.texts(8) == ["another"]
    assert Counter(row.state for row in desk.store.read_sync(deliveries)) == {"folded": 6, "sent": 2}


def test_pings_are_never_folded(desk: Desk) -> None:
    for number in range(7):
        desk.write(ANA, f"ping {number}", lane=1)
    desk.send()
    assert desk.texts(7) == [f"ping {number}" for number in range(7)]


def test_a_group_gets_eighteen_a_minute_and_what_was_sent_before_a_restart_counts(desk: Desk) -> None:
    for number in range(GROUP + 2):
        desk.write(GROUP_CHAT, f"message {number}", lane=2)
    desk.send()
    times = [call.at for call in desk.api.accepted]
    assert len(times) == GROUP + 2
    assert all(later - first >= MINUTE for first, later in zip(times, times[GROUP:], strict=False))
    desk.write(GROUP_CHAT, "after a restart", lane=2)
    desk.send()
    assert desk.api.floods == 0


def fan_out(desk: Desk, count: int) -> dict[str, float]:
    """One change told to many chats, and a ping that comes when half of it is told; gives the figures."""
    for chat in range(1, count + 1):
        desk.api.chat(1000 + chat if chat % 50 else -1000 - chat)
        desk.write(f"telegram:{1000 + chat if chat % 50 else -1000 - chat}", f"alert {chat}")
    half = count / 2 / OVERALL
    asked: list[float] = []

    def ring() -> None:
        if not asked and desk.clock.seconds >= 1000 + half:
            asked.append(desk.clock.seconds)
            desk.write(ANA, "ping", lane=0)

    desk.clock.then = ring
    desk.send()
    accepted = desk.api.accepted
    ping = next(call for call in accepted if call.text == "ping")
    seconds = Counter(int(call.at) for call in accepted)
    return {
        "sent": len(accepted),
        "seconds": max(call.at for call in accepted) - 1000,
        "most in a second": max(seconds.values()),
        "ping after": ping.at - asked[0],
        "floods": desk.api.floods,
    }


def test_one_change_goes_to_many_chats_within_the_limits_and_a_ping_overtakes(desk: Desk) -> None:
    found = fan_out(desk, 400)
    assert found["sent"] == 401
    assert found["floods"] == 0
    assert found["seconds"] <= 400 / OVERALL * 1.1
    assert found["most in a second"] <= OVERALL + 1
    assert found["ping after"] <= 2


@pytest.mark.soak
def test_one_change_goes_to_ten_thousand_chats(desk: Desk) -> None:
    found = fan_out(desk, 10_000)
    print(found)  # noqa: T201 - the figures are what the run is for
    assert found["sent"] == 10_001
    assert found["floods"] == 0
    assert found["seconds"] <= 420
    assert found["ping after"] <= 2
