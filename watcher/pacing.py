"""How fast a chat service may be written to: sliding windows over all, each chat and each group. Pure.

Times are seconds of any clock that does not go back. Telegram's own limits (30 a second over all, 1 a second in a chat,
20 a minute in a group; Bot FAQ, "My bot is hitting limits") are "flexible", so ours stay below them.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field

OVERALL = 25
CHAT_GAP = 1.0
GROUP = 18
MINUTE = 60.0
FLOOD_WINDOW = 5.0
FLOODED_CHATS = 3
"""So many chats that are asked to wait within seconds mean all of them."""


@dataclass(slots=True)
class Pacing:
    """What was sent lately, and who asked to wait."""

    overall: deque[float] = field(default_factory=deque)
    last: dict[str, float] = field(default_factory=dict)
    groups: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    halts: dict[str, float] = field(default_factory=dict)
    floods: deque[tuple[float, str]] = field(default_factory=deque)
    halted: float = 0.0

    def wait(self, chat: str, now: float) -> float:
        """Seconds until a message to `chat` may go; 0.0 for now. A group's name begins with "-"."""
        ready = max(self.ready(now), self.halts.get(chat, 0.0), self.last.get(chat, -MINUTE) + CHAT_GAP)
        if chat.startswith("-"):
            sent = self.groups[chat]
            _drop(sent, now - MINUTE)
            if len(sent) >= GROUP:
                ready = max(ready, sent[-GROUP] + MINUTE)
        return max(ready - now, 0.0)

    def room(self, now: float) -> int:
        """How many messages may go at this moment, to different chats."""
        _drop(self.overall, now - 1.0)
        return max(OVERALL - len(self.overall), 0) if self.halted <= now else 0

    def ready(self, now: float) -> float:
        """When the next message may go at all."""
        _drop(self.overall, now - 1.0)
        ready = self.overall[-OVERALL] + 1.0 if len(self.overall) >= OVERALL else now
        return max(ready, self.halted)

    def book(self, chat: str, now: float) -> None:
        """A message or an edit goes to `chat` now, or went then; "" for a call that belongs to no chat."""
        self.overall.append(now)
        if not chat:
            return
        self.last[chat] = max(now, self.last.get(chat, now))
        if chat.startswith("-"):
            self.groups[chat].append(now)

    def halt(self, chat: str, now: float, seconds: float) -> None:
        """The service has asked to wait; where it asks several chats, none is written to."""
        self.halts[chat] = max(self.halts.get(chat, 0.0), now + seconds)
        self.floods.append((now, chat))
        while self.floods[0][0] < now - FLOOD_WINDOW:
            self.floods.popleft()
        if len({flooded for _, flooded in self.floods}) >= FLOODED_CHATS:
            self.halted = max(self.halted, *(self.halts[flooded] for _, flooded in self.floods))

    def stop(self, until: float) -> None:
        """Nothing goes until then."""
        self.halted = max(self.halted, until)


def _drop(sent: deque[float], before: float) -> None:
    while sent and sent[0] <= before:
        sent.popleft()
