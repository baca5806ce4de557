"""When to look next: the learned rate, the best interval, the budget, and the bounds that the config promises."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Source, SourceState
from watcher.schedule import (
    HALF_LIFE_HOURS,
    JITTER,
    PRIOR_COUNT,
    PRIOR_HOURS,
    back_off,
    learn,
    next_check,
    price,
    rate,
)

AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
RATES = st.floats(1e-4, 10)
PRICES = st.floats(1e-4, 100)
WEIGHTS = st.floats(0.1, 10)


def source(name: str = "list", *, weight: float = 1.0, least: float = 10, most: float = 360) -> Source:
    """A source polled between `least` and `most` minutes."""
    most_often, longest = timedelta(minutes=least), timedelta(minutes=most)
    return Source(
        name, "table", "https://agency.example", at_most_every=most_often, at_least_every=longest, weight=weight
    )


def known(changes_an_hour: float, name: str = "list") -> SourceState:
    return SourceState(name, rate_count=changes_an_hour * 100, rate_hours=100.0)


def hours(one: Source, state: SourceState, at: datetime = AT, *, cost: float) -> float:
    return (next_check(one, state, at, price=cost) - at).total_seconds() / 3600


# ---------------------------------------------------------------- the best interval


@given(RATES, WEIGHTS, PRICES)
def test_the_interval_is_the_closed_form(changes: float, weight: float, cost: float) -> None:
    free = source(weight=weight, least=0, most=60 * 24 * 365 * 2)
    best = min(math.sqrt(2 * cost / (weight * changes)), 24 * 365)
    assert hours(free, known(changes), cost=cost) == pytest.approx(best, rel=JITTER * 1.001, abs=1e-5)


@given(RATES, WEIGHTS, PRICES, st.floats(0.1, 600), st.floats(0.1, 600))
def test_the_promises_of_the_config_are_kept(
    changes: float, weight: float, cost: float, one: float, other: float
) -> None:
    least, most = sorted((one, other))
    wait = hours(source(weight=weight, least=least, most=most), known(changes), cost=cost) * 60
    assert least - 1e-6 <= wait <= most + 1e-6


def test_an_interval_may_be_one_bound_only() -> None:
    assert hours(source(least=10), known(1e9), cost=1e-6) == pytest.approx(1 / 6)
    assert hours(source(most=360), known(1e-9), cost=100) == 6
    assert hours(source(most=360), SourceState("list", rate_hours=1.0), cost=1) == 6, "nothing was ever seen to change"


@given(RATES, RATES, PRICES)
def test_what_changes_more_often_is_looked_at_no_later(one: float, other: float, cost: float) -> None:
    slow, fast = sorted((one, other))
    assert hours(source(), known(fast), cost=cost) <= hours(source(), known(slow), cost=cost) + 1e-6


@given(RATES, WEIGHTS, WEIGHTS, PRICES)
def test_what_weighs_more_is_looked_at_no_later(changes: float, one: float, other: float, cost: float) -> None:
    light, heavy = sorted((one, other))
    state = known(changes)
    assert hours(source(weight=heavy), state, cost=cost) <= hours(source(weight=light), state, cost=cost) + 1e-6


@given(RATES, PRICES, PRICES)
def test_a_dearer_request_is_made_no_sooner(changes: float, one: float, other: float) -> None:
    cheap, dear = sorted((one, other))
    assert hours(source(), known(changes), cost=cheap) <= hours(source(), known(changes), cost=dear) + 1e-6


# ---------------------------------------------------------------- jitter


@given(st.text(min_size=1, max_size=9), st.integers(0, 10**9))
def test_jitter_is_small_and_always_the_same(name: str, seconds: int) -> None:
    at = AT + timedelta(seconds=seconds)
    free = source(name, least=0, most=60 * 24 * 365)
    wait = hours(free, known(0.5, name), at, cost=1)
    assert 2 * (1 - JITTER) - 1e-6 <= wait <= 2 * (1 + JITTER) + 1e-6
    assert wait == hours(free, known(0.5, name), at, cost=1)


def test_sources_of_one_rate_do_not_stay_together() -> None:
    waits = [hours(source(f"list {n}", least=0), known(0.5), cost=1) for n in range(200)]
    assert len({round(wait, 3) for wait in waits}) > 60
    assert min(waits) < 1.91
    assert max(waits) > 2.09
    assert sum(waits) / len(waits) == pytest.approx(2, rel=0.01)


# ---------------------------------------------------------------- the budget


@given(st.lists(st.tuples(RATES, WEIGHTS), min_size=1, max_size=30), st.integers(10, 10**6))
def test_all_sources_together_keep_the_budget(known_as: list[tuple[float, float]], budget: int) -> None:
    sources = [source(f"list {n}", weight=weight) for n, (_, weight) in enumerate(known_as)]
    states = {one.name: known(changes) for one, (changes, _) in zip(sources, known_as, strict=True)}
    cost = price(sources, states, budget)
    intervals = (math.sqrt(2 * cost / (one.weight * rate(states[one.name]))) for one in sources)
    assert sum(24 / interval for interval in intervals) == pytest.approx(budget)


def test_a_source_never_seen_is_counted_at_the_prior() -> None:
    unseen = price([source("new")], {}, 100)
    assert unseen == price(
        [source("new")], {"new": SourceState("new", rate_count=PRIOR_COUNT, rate_hours=PRIOR_HOURS)}, 100
    )
    assert price([], {}, 100) == 0


# ---------------------------------------------------------------- learning


def test_the_first_check_teaches_the_prior() -> None:
    state = learn(SourceState("list"), AT, changed=True)
    assert (state.rate_count, state.rate_hours) == (PRIOR_COUNT, PRIOR_HOURS)
    assert rate(state) == rate(SourceState("list"))


@given(st.floats(0, 500), st.floats(0.01, 5))
def test_a_check_without_a_change_slows_and_one_with_a_change_hastens(gap: float, changes: float) -> None:
    state = replace(known(changes), last_checked=AT)
    now = AT + timedelta(hours=gap)
    quiet, busy = learn(state, now, changed=False), learn(state, now, changed=True)
    assert rate(quiet) <= rate(state) + 1e-9
    assert rate(busy) >= rate(quiet)
    assert rate(busy) * (1 + 1e-9) >= rate(state) * 0.5 ** (gap / HALF_LIFE_HOURS)


def test_a_change_counts_as_many_as_are_expected_where_one_is_seen() -> None:
    state = replace(known(2.0), last_checked=AT)
    seen = learn(state, AT + timedelta(hours=10), changed=True)
    kept = 200 * 0.5 ** (10 / HALF_LIFE_HOURS)
    assert seen.rate_count == pytest.approx(kept + 20 / (1 - math.exp(-20)))
    assert seen.rate_hours == pytest.approx(100 * 0.5 ** (10 / HALF_LIFE_HOURS) + 10)


def test_a_clock_that_goes_back_teaches_nothing() -> None:
    state = replace(known(0.5), last_checked=AT)
    assert learn(state, AT - timedelta(hours=5), changed=False) == state


def test_what_was_learned_is_forgotten_by_half_in_four_weeks() -> None:
    state = replace(known(0.5), last_checked=AT)
    later = learn(state, AT + timedelta(days=28), changed=False)
    assert later.rate_count == pytest.approx(state.rate_count / 2)


@pytest.mark.parametrize(("true_rate", "seed"), [(0.02, 1), (0.1, 2), (0.5, 3), (2.0, 4)])
def test_learning_finds_the_true_rate(true_rate: float, seed: int) -> None:
    chance = random.Random(seed)
    state, now, rates = learn(SourceState("list"), AT, changed=False), AT, []
    state = replace(state, last_checked=now)
    for _ in range(6_000):
        gap = chance.uniform(0.2, 1.2) / true_rate
        now += timedelta(hours=gap)
        state = replace(learn(state, now, changed=chance.random() < -math.expm1(-true_rate * gap)), last_checked=now)
        rates.append(rate(state))
    assert sum(rates[1_000:]) / 5_000 == pytest.approx(true_rate, rel=0.12)


def test_a_page_that_wakes_up_is_soon_looked_at_more_often() -> None:
    state = replace(known(0.001), last_checked=AT)
    one, now = source(most=24 * 60), AT
    asleep = hours(one, state, cost=0.5)
    for _ in range(6):
        now += timedelta(hours=asleep)
        state = replace(learn(state, now, changed=True), last_checked=now)
    assert hours(one, state, cost=0.5) < asleep / 3


# ---------------------------------------------------------------- failing


@given(st.integers(0, 10**6), st.floats(0, 1000))
def test_a_failing_source_is_tried_less_and_less(failures: int, retry_after: float) -> None:
    one = source(least=10, most=360)
    wait = back_off(one, failures, AT) - AT
    assert timedelta(minutes=10) <= wait <= timedelta(minutes=360)
    assert wait <= back_off(one, failures + 1, AT) - AT
    asked = timedelta(minutes=retry_after)
    assert back_off(one, failures, AT, at_least=asked) - AT == max(wait, asked)


def test_the_wait_doubles() -> None:
    waits = [(back_off(source(), failures, AT) - AT).total_seconds() / 60 for failures in range(8)]
    assert waits == [10, 10, 20, 40, 80, 160, 320, 360]
