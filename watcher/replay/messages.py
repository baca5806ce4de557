"""What was told, replayed: the very text of each message, as fast as asked for, and to a channel as a marked copy."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import IO, Any

import msgspec

from watcher.core import Delivery, Line, Message, Notifier, Outcome, Retry, Run, content_id, instant
from watcher.render import as_text, repeat_line, split
from watcher.store.replays import Told
from watcher.wire import change_json

ATTEMPTS = 5
"""Sends of one message to a channel that asks for patience; then it is given up."""
PATIENCE = 5.0
"""Seconds before the next attempt where the channel does not say."""
LENGTH = 4
"""Bytes in which the length of a kept message is written."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast history goes: `speed` seconds of it in one of ours; 0: as fast as may be."""

    speed: float = 0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def timed(self, played: Iterable[Told]) -> AsyncIterator[Told]:
        """Give each change when its time has come, counted from the first."""
        began: tuple[datetime, float] | None = None
        for told in played:
            began = began or (told.change.at, self.clock())
            if self.speed:
                due = began[1] + (told.change.at - began[0]).total_seconds() / self.speed
                if (wait := due - self.clock()) > 0:
                    await self.sleep(wait)
            yield told


def text_of(sent: Delivery) -> str:
    """The text that was sent, as channels without marks of their own show it."""
    return _text(sent.id, sent.lines, sent.alert if sent.repeat else "")


@lru_cache(maxsize=64)  # a message stands with each of its changes, one after the other
def _text(_: str, lines: tuple[Line, ...], repeat_of: str) -> str:
    return as_text((repeat_line(repeat_of), *lines) if repeat_of else lines)


def told_json(told: Told) -> dict[str, Any]:
    """One change and one part of a message that carried it, for programs."""
    sent = told.sent
    return {
        "at": instant(told.change.at),
        "source": told.change.source,
        "change": change_json(told.change),
        "to": sent and sent.channel,
        "route": sent and told.route,
        "part": sent and sent.part,
        "text": sent and text_of(sent),
        "alert": "sent" if sent else "none",
    }


class Once:
    """Says of each part of a message whether it comes for the first time: it stands with all its changes."""

    def __init__(self) -> None:
        self._left: dict[str, int] = {}

    def __call__(self, told: Told) -> bool:
        """What nobody was told of comes once anyway. What has come with all its changes is forgotten again."""
        if told.sent is None:
            return True
        key = told.sent.id
        first = key not in self._left
        left = self._left.pop(key, len(told.sent.changes)) - 1
        if left:
            self._left[key] = left
        return first


@contextmanager
def kept(write: Callable[[Callable[[Told], None]], None]) -> Iterator[Iterable[Told]]:
    """What `write` gives, kept in a file meanwhile: a slow replay holds no transaction open, and no memory."""
    with tempfile.TemporaryFile(prefix="watcher-") as file:
        encode = msgspec.msgpack.Encoder().encode

        def put(told: Told) -> None:
            frame = encode(told)
            file.write(len(frame).to_bytes(LENGTH) + frame)

        write(put)
        file.seek(0)
        yield _frames(file)


def _frames(file: IO[bytes]) -> Iterator[Told]:
    decode = msgspec.msgpack.Decoder(Told).decode
    while head := file.read(LENGTH):
        yield decode(file.read(int.from_bytes(head)))


# ---------------------------------------------------------------- to a channel


def marked(told: Told, notifier: Notifier, zone: tzinfo) -> list[Message]:
    """What was sent, as messages that say that they are a replay, cut to the channel's limit.

    Each has a reference of its own, and its changes are words only, so that no program takes them for news.
    """
    assert told.sent is not None
    mark: Line = (Run(f"Replay of {moment(told.change.at, zone)}", "strong"),)
    cut = split(told.sent.lines, notifier.limit, lambda lines: notifier.measure((mark, *lines)))
    ref = content_id("replay", told.sent.id)
    return [
        Message(ref, told.change.source, (mark, *lines), part=number, parts=len(cut))
        for number, lines in enumerate(cut, start=1)
    ]


def moment(at: datetime, zone: tzinfo) -> str:
    """A time as readers know it: "20 March 2017, 9:50 PM"."""
    here = at.astimezone(zone)
    return f"{here.day} {here:%B} {here.year}, {here.hour % 12 or 12}:{here:%M} {'AM' if here.hour < 12 else 'PM'}"  # noqa: PLR2004 - noon


async def send(notifier: Notifier, message: Message, pace: Pace) -> Outcome:
    """Send one message; where the channel asks for patience, try again, a few times."""
    for _ in range(ATTEMPTS - 1):
        outcome = await notifier.send(message)
        if not isinstance(outcome, Retry):
            return outcome
        await pace.sleep(outcome.after.total_seconds() if outcome.after else PATIENCE)
    return await notifier.send(message)
