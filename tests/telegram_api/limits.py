"""Telegram's limits of what a bot may send, on the clock that the imitation is given."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

ROUNDING = 1e-6  # clocks add up fractions of seconds


@dataclass(frozen=True)
class Limits:
    """Calls in any second overall, calls at once to a private chat beyond one a second, calls in any minute to a group.

    Telegram calls its limits flexible; these are the ones it documents, with a small burst.
    """

    per_second: int = 30
    burst: int = 3
    per_minute: int = 20


class Pace:
    """What was taken lately. `wait` takes a call, or says how many whole seconds it has to wait."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._all: deque[float] = deque()
        self._groups: dict[int, deque[float]] = {}
        self._private: dict[int, tuple[float, float]] = {}

    def wait(self, chat: int | None, now: float) -> int:
        """Zero if the call at `now` is taken; a chat above zero is a private one, None is no chat."""
        wait = _full(self._all, self.limits.per_second, now, 1)
        tokens = float("inf")
        if chat is not None and chat > 0:
            left, last = self._private.get(chat, (1.0 + self.limits.burst, now))
            tokens = min(left + now - last, 1.0 + self.limits.burst)
            wait = max(wait, 0 if tokens >= 1 - ROUNDING else 1 - tokens)
        elif chat is not None:
            wait = max(wait, _full(self._groups.setdefault(chat, deque()), self.limits.per_minute, now, 60))
        if wait > 0:
            return max(math.ceil(wait - ROUNDING), 1)
        self._all.append(now)
        if chat is not None and chat > 0:
            self._private[chat] = (tokens - 1, now)
        elif chat is not None:
            self._groups[chat].append(now)
        return 0


def _full(taken: deque[float], most: int, now: float, seconds: float) -> float:
    while taken and taken[0] <= now - seconds + ROUNDING:
        taken.popleft()
    return taken[0] + seconds - now if len(taken) >= most else 0
