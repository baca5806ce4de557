"""What each event makes of a page, without any store: laws that hold for every sequence of events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Severity
from watcher.oncall import pages
from watcher.oncall.pages import ACKED, ASKED, ENDED, FALLBACK, OPEN, SNOOZED, Ask, Ladder, Page, Policy, Touch

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ACTIONS = ["ack", "still", "note", "snooze", "escalate", "done", "close", "reopen", "silence", "nonsense"]

policies = st.builds(
    Policy,
    st.lists(
        st.builds(Ask, st.sampled_from(["person:Ana", "rota:r"]), st.integers(0, 60).map(lambda m: m * MINUTE)),
        min_size=1,
        max_size=4,
    ).map(tuple),
    st.integers(1, 5),
)


def opened(policy: Policy | None = None, severity: Severity = Severity.MAJOR) -> Page:
    policy = policy or Policy((Ask("person:Ana", 5 * MINUTE), Ask("person:Ben", 10 * MINUTE)), 2)
    return pages.opened("desk", policy, "list", ["a"], severity, NOON)


@given(policies)
def test_all_steps_come_in_order_then_the_fallback(policy: Policy) -> None:
    page = opened(policy)
    step, seen, now = pages.begin(page, 0, NOON), [], NOON
    for _ in range(policy.loops * len(policy.steps) + 3):
        seen.append(pages.target(page, step))
        after = pages.following(page, step, now)
        assert after.due >= now
        now, step = after.due, after
    assert seen == [one.ping for one in policy.steps] * policy.loops + [FALLBACK] * 3
    assert step.due - now == timedelta(0)
    took = sum((one.wait for one in policy.steps), timedelta(0)) * policy.loops
    assert now - NOON == took + 3 * pages.AGAIN


@given(policies, st.integers(-100_000, 100_000))
def test_no_step_is_out_of_reach_of_a_clock_that_jumped(policy: Policy, minutes: int) -> None:
    page = opened(policy)
    step = pages.following(page, pages.begin(page, 0, NOON), NOON)
    now = NOON + minutes * MINUTE
    near = pages.within_reach(page, step, now)
    assert near.due <= min(step.due, now + policy.steps[0].wait)
    assert replace(near, due=step.due) == step


touches = st.builds(
    Touch,
    st.sampled_from(ACTIONS),
    st.sampled_from(["Ana", "Ben"]),
    st.integers(0, 3000).map(lambda minutes: NOON + minutes * MINUTE),
    st.none() | st.integers(-1, 12),
    st.sampled_from(["", "30", "2000", "a note"]),
)
news = st.tuples(st.frozensets(st.sampled_from("abcd"), min_size=1), st.sampled_from(list(Severity)))
clock = st.integers(0, 3000).map(lambda minutes: NOON + minutes * MINUTE)


@given(st.lists(st.one_of(touches, news, clock), max_size=30), st.sampled_from([Severity.MINOR, Severity.URGENT]))
def test_laws_of_every_sequence(
    events: list[Touch | tuple[frozenset[str], Severity] | datetime], first: Severity
) -> None:
    page = opened(severity=first)
    for event in events:
        if isinstance(event, Touch):
            move = pages.act(page, event)
            assert move.said
        elif isinstance(event, datetime):
            move = pages.expired(page, event)
        elif page.state not in ENDED:
            move = pages.joined(page, sorted(event[0]), event[1])
        else:
            continue
        after = move.page
        if after == page:
            assert move.ladder is Ladder.KEEP
            continue
        assert after.level > page.level or after == replace(page, until=after.until)
        assert (after.acked is not None) == (after.state in (ACKED, ASKED)) or after.state in ENDED
        assert bool(after.closed_by) == (after.state in ENDED)
        assert (after.until is not None) >= (after.state in (ACKED, ASKED, SNOOZED))
        assert set(after.changes) >= set(page.changes)
        assert after.severity >= page.severity
        if page.state in (ACKED, ASKED) and after.state in (ACKED, ASKED):
            assert after.acked_by == page.acked_by  # exactly one has it
        if after.state == OPEN and page.state != OPEN:
            assert move.ladder is Ladder.START
        if after.state != OPEN and page.state == OPEN:
            assert move.ladder is Ladder.STOP
        page = after


@given(st.text(max_size=80))
def test_what_is_no_button_of_ours_is_none(sent: str) -> None:
    assert pages.pressed(sent) is None


@pytest.mark.parametrize(
    "sent",
    ["p1:ID:ack:", "p1:0:ack:1", "p2:ID:ack:1", "p1:ID:ack:1\n", "p1:ID:ack:-1", "p1:ID:ack:٣", "p1:GID:ack:1"],
)
def test_what_is_almost_a_button_is_none(sent: str) -> None:
    assert pages.pressed(sent.replace("ID", "0" * 16)) is None


@given(st.sampled_from(pages.ACTIONS), st.integers(0, 999_999))
def test_a_button_is_read_as_it_was_written_and_fits(action: str, level: int) -> None:
    page = replace(opened(), level=level)
    sent = pages.data(page, action)
    assert pages.pressed(sent) == (page.id, action, level)
    assert len(sent.encode()) <= 64
