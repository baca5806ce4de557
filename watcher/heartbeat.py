"""Whether all that must run has run lately: only then is the outside told that all is well. Pure; for the service."""

from __future__ import annotations

from collections.abc import Mapping

AT_MOST: Mapping[str, float] = {
    "watchdog": 60.0,
    "sender": 60.0,
    "fetch": 60.0,
    "store": 120.0,
    "poller": 180.0,
}
"""Seconds, on a clock that is never set, within which each part must have passed once: the watchdog of pages, the loop
that sends, the loop that checks, a write to the store, and the poller of updates."""


def ailing(passed: Mapping[str, float | None], now: float) -> tuple[str, ...]:
    """The parts that did not pass lately; none: all is well.

    `passed` has each part that this installation runs, with when it last did; None for one that never has.
    Raises KeyError for a part that is not known here.
    """
    return tuple(part for part, at in passed.items() if at is None or now - at > AT_MOST[part])
