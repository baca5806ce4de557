"""When to look at a source next: the learned interval at a fixed request budget. Pure; `now` is an argument.

Each source's changes are taken for a Poisson process whose rate is learned from the gaps between checks (a Gamma
estimate that forgets with a half-life of 28 days). At a price of `c` hours of delay that one request must save, the
best interval at rate r and weight w is sqrt(2c / (w r)): Olston and Pandey, WWW 2008, for a delay that grows with time.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from watcher.core import Source, SourceState

PRIOR_COUNT = 0.4
PRIOR_HOURS = 40.0
HALF_LIFE_HOURS = 28 * 24.0
JITTER = 0.05
"""Share of the interval by which a check is moved, so that polls of many sources do not fall together."""


def learn(state: SourceState, now: datetime, *, changed: bool) -> SourceState:
    """Take one check into the estimate: the gap since the last one, and whether something had changed in it."""
    if state.last_checked is None:
        return replace(state, rate_count=PRIOR_COUNT, rate_hours=PRIOR_HOURS)
    gap = max((now - state.last_checked).total_seconds() / 3600, 0.0)
    keep = 0.5 ** (gap / HALF_LIFE_HOURS)
    expected = rate(state) * gap
    seen = expected / -math.expm1(-expected) if changed and expected > 0 else float(changed)
    return replace(state, rate_count=state.rate_count * keep + seen, rate_hours=state.rate_hours * keep + gap)


def rate(state: SourceState) -> float:
    """Expected changes an hour."""
    return state.rate_count / state.rate_hours if state.rate_hours > 0 else PRIOR_COUNT / PRIOR_HOURS


def price(sources: Iterable[Source], states: Mapping[str, SourceState], requests_per_day: int) -> float:
    """The hours of delay that one request must save so that all sources together stay within the budget."""
    pull = sum(math.sqrt(source.weight * rate(states.get(source.name, SourceState(source.name)))) for source in sources)
    return (pull * 24 / requests_per_day) ** 2 / 2


def next_check(source: Source, state: SourceState, now: datetime, *, price: float) -> datetime:
    """When `source` is due again: by its rate, within at_most_every and at_least_every, jittered by its name."""
    hours = math.sqrt(2 * price / max(source.weight * rate(state), 1e-9))
    wanted = timedelta(hours=min(hours, 24 * 365)) * (1 + JITTER * _spread(source.name, now))
    wait: timedelta = min(max(wanted, source.at_most_every), source.at_least_every)
    return now + wait


def back_off(source: Source, failures: int, now: datetime, *, at_least: timedelta | None = None) -> datetime:
    """When to try a failing source again: twice as late each time, never before `at_least` (its Retry-After)."""
    times: int = 2 ** min(max(failures - 1, 0), 16)
    wait = min(source.at_most_every * times, source.at_least_every)
    return now + max(wait, at_least or timedelta())


def _spread(name: str, now: datetime) -> float:
    """A number from -1 to 1 that looks random and is always the same for a source and a time."""
    digest = hashlib.blake2b(f"{name} {now.timestamp():.0f}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**31 - 1
