"""The limits of a chat service as laws: whatever is asked for, no sliding window ever holds too many."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watcher.pacing import CHAT_GAP, FLOODED_CHATS, GROUP, MINUTE, OVERALL, Pacing

CHATS = st.sampled_from(["1", "2", "3", "-4", "-5"])
EPSILON = 1e-6
Call = tuple[float, str]


def assert_within_limits(earlier: list[Call], call: Call) -> None:
    at, chat = call
    mine = [then for then, name in earlier if name == chat]
    assert sum(1 for then, _ in earlier if then > at - 1 + EPSILON) < OVERALL
    assert all(then <= at - CHAT_GAP + EPSILON for then in mine)
    if chat.startswith("-"):
        assert sum(1 for then in mine if then > at - MINUTE + EPSILON) < GROUP


@given(
    st.lists(st.tuples(CHATS, st.floats(0, 5)), max_size=120),
    st.lists(st.tuples(st.floats(900, 1000), CHATS), max_size=60),
)
def test_no_window_ever_holds_too_many(asked: list[tuple[str, float]], before: list[Call]) -> None:
    pacing, calls, now = Pacing(), sorted(before), 1000.0
    for at, chat in calls:  # by others, or before a restart
        pacing.book(chat, at)
    for chat, later in asked:
        now += later
        now += pacing.wait(chat, now)
        assert pacing.wait(chat, now) <= EPSILON
        now += EPSILON
        assert pacing.room(now) > 0
        assert_within_limits(calls, (now, chat))
        pacing.book(chat, now)
        calls.append((now, chat))


@given(st.integers(1, 200))
def test_many_chats_are_written_to_as_fast_as_is_allowed(count: int) -> None:
    pacing, now, waited = Pacing(), 1000.0, 0.0
    for number in range(count):
        wait = pacing.wait(str(number), now)
        waited, now = waited + wait, now + wait
        pacing.book(str(number), now)
    assert waited <= (count - 1) // OVERALL + EPSILON


def test_there_is_room_for_what_the_last_second_left() -> None:
    pacing = Pacing()
    assert pacing.room(10.0) == OVERALL
    for number in range(OVERALL - 2):
        pacing.book(str(number), 10.0)
    pacing.book("", 10.5)
    assert pacing.room(10.9) == 1
    assert pacing.room(11.2) == OVERALL - 1
    assert pacing.wait("", 10.9) == 0.0


def test_a_chat_that_is_asked_to_wait_waits_alone() -> None:
    pacing = Pacing()
    pacing.halt("1", 100.0, 30.5)
    assert pacing.wait("1", 110.0) == 20.5
    assert pacing.wait("2", 110.0) == 0.0
    assert pacing.wait("1", 130.5) == 0.0


def test_many_chats_that_are_asked_to_wait_within_seconds_stop_all() -> None:
    pacing = Pacing()
    for number in range(FLOODED_CHATS):
        assert pacing.wait("other", 100.0 + number) == 0.0
        pacing.halt(str(number), 100.0 + number, 10.0 * (number + 1))
    assert pacing.wait("other", 110.0) == 22.0
    assert pacing.room(110.0) == 0
    assert pacing.room(132.0) == OVERALL


def test_one_chat_again_and_again_or_many_far_apart_stop_nobody_else() -> None:
    pacing = Pacing()
    for number in range(10):
        pacing.halt("1", 100.0 + number, 60.0)
        pacing.halt(f"slow {number // 9}", 100.0 + 6 * number, 60.0)
    assert pacing.wait("other", 160.0) == 0.0


def test_what_stops_all_is_the_later_of_two() -> None:
    pacing = Pacing()
    pacing.stop(50.0)
    pacing.stop(20.0)
    assert pacing.wait("1", 10.0) == 40.0
