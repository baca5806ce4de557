"""What the service does beside checking and delivering, each in its own rhythm: digests, pages, gaps in a rota.

Below app, which runs them while the service runs, and beside dispatch.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from watcher.config import Config
from watcher.core import Clock, SourceState
from watcher.digest import Seen
from watcher.dispatch import Dispatch
from watcher.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

DIGESTS = 20.0
"""Seconds between two looks at what chats are told later."""


class Chore(NamedTuple):
    """Something to be done again and again, so many seconds apart; it may raise StoreError."""

    name: str
    every: float
    work: Callable[[], Awaitable[object]]


def chores(
    config: Config, store: Store, dispatch: Dispatch, states: Mapping[str, SourceState], now: Clock
) -> Iterator[Chore]:
    """What this configuration gives the service to do. `states` are where the sources stand, kept up to date."""
    if config.telegram is None:
        return
    from watcher import readers

    async def tell_later() -> None:
        desk = readers.Desk(config.timezone, dispatch.quiet, dispatch.letter, seen(states, now()))
        if await store.run(readers.tell_later, desk, now()):
            dispatch.wake()

    yield Chore("digests", DIGESTS, tell_later)


def seen(states: Mapping[str, SourceState], now: datetime) -> Seen:
    """How many pages were seen as they should be: their last check went well, and the next is not overdue by long."""
    fine = [one for one in states.values() if one.state == "ok" and (one.next_check is None or one.next_check >= now)]
    return Seen(len(fine), len(states))
