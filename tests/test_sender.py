"""The sender of chats, on the imitation and a virtual clock: lanes, limits, and what each answer means for a chat."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.rig import deliveries
from tests.store.made import changed
from tests.telegram_api import TOKEN, Fault, Limits, TelegramApi, faults
from watcher.core import Button, Delivery, Extras, Failure, Fetched, Notifier, Run, Tools
from watcher.delivery import Delivered
from watcher.notify.telegram import Telegram
from watcher.outbox import letter
from watcher.pacing import GROUP, MINUTE, OVERALL
from watcher.people import Chat
from watcher.render import as_text
from watcher.route import Filter
from watcher.sender import Sender
from watcher.store import Store, changes, chats, held, outbox, subscriptions
from watcher.store.held import Held
from watcher.store.subscriptions import Subscription

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANA, BEN, GROUP_CHAT = "telegram:7", "telegram:8", "telegram:-100/3"
LETTER = partial(letter, limit=4000, measure=lambda lines: len(as_text(lines)))


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds
        await asyncio.sleep(0)

    def now(self) -> datetime:
        return (START + timedelta(seconds=self.seconds - 1000)).replace(microsecond=0)


class Hurried(Telegram):
    """Impatient, so that a server that hangs does not hold up the tests."""

    read_timeout = 0.5

    @staticmethod
    async def sleep(delay: float) -> None:
        del delay


class Desk:
    def __init__(self, store: Store, api: TelegramApi, clock: Clock) -> None:
        self.store, self.api, self.clock = store, api, clock

    def write(self, channel: str, key: str, words: str = "", **more: object) -> str:
        """A letter for a chat; gives its alert."""
        more = {"lane": 3, "now": self.clock.now(), **more}
        alert, rows = LETTER(channel, "test", key, [(Run(words or key),)], **more)  # type: ignore[arg-type]
        self.store.run_sync(outbox.put_alert, alert, rows)
        return alert.id

    def send(self, after: float = 0.0) -> Delivered:
        """Some seconds later, a process sends what is due."""
        self.clock.seconds += after
        return asyncio.run(self._send())

    async def _send(self) -> Delivered:
        async def post(*_: object) -> Fetched | Failure:
            raise AssertionError("nothing is posted")

        tools = Tools(post, self.clock.now, io.StringIO())
        built: dict[str, Notifier] = {}

        def channels(name: str) -> Notifier:
            if not name.startswith("telegram:"):
                raise LookupError(f"there is no channel {name!r}")
            return built.setdefault(name, Hurried.to(name, TOKEN, self.api.base_url, tools))

        sender = Sender(self.store, channels, self.clock.now, LETTER, (), self.clock, self.clock.sleep)
        try:
            return await sender.drain()
        finally:
            for notifier in built.values():
                await notifier.close()

    def rows(self) -> dict[str, Delivery]:
        """The rows of the outbox by their words."""
        return {as_text(row.lines[:1]): row for row in self.store.read_sync(deliveries)}

    def texts(self, chat: int) -> list[str]:
        return [call.text.partition("\n")[0] for call in self.api.sent(chat)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(sqlite_store: Store, clock: Clock) -> Iterator[Desk]:
    limits = Limits(burst=0)
    with TelegramApi(clock=clock, limits=limits) as api:
        for user in (7, 8):
            api.user(user, f"user {user}")
            api.chat(user)
        api.chat(-100, kind="supergroup", title="Desk", forum=True)
        api.topic(-100, "News", topic=3)
        yield Desk(sqlite_store, api, clock)


def join(store: Store, chat: str) -> None:
    store.run_sync(chats.put, Chat(chat, "private", chat, START))
    store.run_sync(subscriptions.put, Subscription(f"s-{chat}", chat, Filter(), "instant", 7, START))


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
    sleep = desk.clock.sleep

    async def ring(seconds: float) -> None:
        await sleep(seconds)
        if not asked and desk.clock.seconds >= 1000 + half:
            asked.append(desk.clock.seconds)
            await asyncio.to_thread(desk.write, ANA, "ping", lane=0)

    desk.clock.sleep = ring  # type: ignore[method-assign]
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


# ---------------------------------------------------------------- what answers mean


def test_a_chat_that_is_asked_to_wait_waits_and_the_others_do_not(desk: Desk) -> None:
    desk.api.fail(faults.flood(30), chat=7)
    desk.write(ANA, "slow")
    desk.write(BEN, "quick")
    assert desk.send() == Delivered(sent=1, waiting=1)
    assert desk.rows()["slow"].attempts == 0
    assert desk.send(after=20) == Delivered()
    assert desk.send(after=12) == Delivered(sent=1)
    assert [call.early for call in desk.api.calls] == [False] * 3


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
def test_a_group_that_moved_keeps_its_subscriptions_and_what_waits(desk: Desk, known: bool) -> None:  # noqa: FBT001 - a case
    old, new = "telegram:-200", "telegram:-1000000000200"
    desk.api.chat(-200, kind="group")
    join(desk.store, old)
    if known:
        join(desk.store, new)
    desk.store.run_sync(held.put, [Held(old, "c", "muted", START)])
    desk.api.migrate(-200, -1000000000200)
    for number in range(2):
        desk.write(old, f"message {number}")
    assert desk.send().sent == 2
    assert desk.texts(-1000000000200) == ["message 0", "message 1"]
    assert [one.id for one in desk.store.read_sync(chats.everything)] == [new]
    assert {one.chat for one in desk.store.read_sync(subscriptions.everything)} == {new}
    assert list(desk.store.read_sync(held.waiting)) == [new]


@pytest.mark.parametrize("fault", [faults.HANG, faults.RESET, faults.BAD_GATEWAY, faults.GARBAGE])
def test_what_may_have_arrived_is_repeated_once_with_the_mark(desk: Desk, fault: Fault) -> None:
    desk.api.fail(fault, method="sendMessage")
    alert = desk.write(ANA, "news")
    assert desk.send() == Delivered(waiting=1)
    assert desk.send(after=60) == Delivered(sent=1)
    assert desk.texts(7) == ["news", f"Repeat of {alert}"]


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


def test_a_bot_that_is_unknown_stops_everything_and_keeps_it(desk: Desk) -> None:
    desk.api.fail(faults.UNAUTHORIZED, times=None)
    for chat in (ANA, BEN):
        desk.write(chat, f"to {chat}")
    desk.send()
    assert {row.state for row in desk.rows().values()} <= {"wait", "pending"}
    desk.api.mend()
    assert desk.send(after=16 * 60).sent == 2


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
