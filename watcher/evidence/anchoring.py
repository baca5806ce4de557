"""The hourly anchor: the ends of all chains fixed by one digest, stamped by authorities and told to a channel.

Called each minute by the service. What fails waits in the store and is tried again: the chains go on meanwhile.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from watcher.config.sections import Evidence
from watcher.core import Clock, Extras, Failure, Lane, Line, Post, Run, instant
from watcher.evidence import stamps
from watcher.outbox import Letter
from watcher.store import Connection, Store, StoreError, anchors, outbox
from watcher.store.anchors import Anchor, Heads, Stamp

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

EVERY = timedelta(hours=1)
WAITS = (1, 5, 15, 60, 360)
"""Minutes before the second, third … attempt to get a stamp; the last one again and again."""
AT_ONCE = 8
ROUTE = "evidence"
OK = 200


async def anchor_tick(store: Store, post: Post, settings: Evidence, now: Clock, letter: Letter | None = None) -> bool:
    """Anchor what went on since the last hour, and ask for the stamps that are due; whether a channel is to be told.

    `letter` makes the message for [evidence] head_to. Without authorities and such a channel nothing is done.
    Raises StoreError, also where the file of roots cannot be read, or the extra `evidence` is not installed.
    """
    if not settings.timestamp_urls and not settings.head_to:
        return False
    told = await _anchor(store, settings, now(), letter)
    due = await store.read(anchors.due, now(), settings.timestamp_urls, AT_ONCE)
    if due:
        roots = await asyncio.to_thread(_trusted, settings.timestamp_roots)
        await asyncio.gather(*(_ask(store, post, stamp, anchor, roots, now) for stamp, anchor in due))
    return told


def _trusted(path: str) -> list[Certificate]:
    try:
        return stamps.trusted(path)
    except (OSError, ValueError) as error:
        raise StoreError(f"evidence.timestamp_roots: expected a PEM file of certificates: {error}") from error
    except ModuleNotFoundError as error:
        raise StoreError(f"{error.name} is not installed: pip install 'watcher[evidence]'") from error


async def _anchor(store: Store, settings: Evidence, now: datetime, letter: Letter | None) -> bool:
    last = await store.read(anchors.last)
    if last is not None and now - last.at < EVERY:
        return False
    heads = await store.read(anchors.moved)
    if not heads:
        return False
    tell = letter if settings.head_to else None
    await store.run(_put, heads, settings, now, tell)
    return tell is not None


def _put(conn: Connection, heads: Heads, settings: Evidence, now: datetime, letter: Letter | None) -> None:
    last = anchors.last(conn)
    anchor = anchors.made(last.n + 1, now, heads, last.digest) if last else anchors.made(1, now, heads, "")
    anchors.put(conn, anchor, settings.timestamp_urls)
    if letter is not None:
        silent = Extras(silent=True)
        message = letter(
            settings.head_to, ROUTE, anchor.digest, _told(anchor), now=now, lane=Lane.DIGEST, extras=silent
        )
        outbox.put_alert(conn, *message)


def _told(anchor: Anchor) -> tuple[Line, ...]:
    """What a channel keeps of an anchor, beyond the reach of whoever can write to the store."""
    return (
        (Run("Evidence head "), Run(anchor.digest, "strong")),
        (Run(f"All that was stored by {instant(anchor.at)}. It must be found: watcher verify --head {anchor.digest}"),),
    )


async def _ask(store: Store, post: Post, stamp: Stamp, anchor: Anchor, roots: list[Certificate], now: Clock) -> None:
    """Ask one authority once, and store its answer if it proves the anchor, else why not and when to ask again."""
    query, nonce = stamps.request(anchor)
    answer = await post(stamp.url, query, stamps.QUERY)
    got = replace(stamp, due=None, attempts=stamp.attempts + 1, nonce=nonce, reason="", token=b"")
    if isinstance(answer, Failure):
        got = replace(got, reason=answer.detail)
    elif answer.status != OK:
        got = replace(got, reason=f"it answered with status {answer.status}")
    else:
        got = _checked(replace(got, token=answer.body), anchor, roots, now())
    if got.reason:
        wait = timedelta(minutes=WAITS[min(stamp.attempts, len(WAITS) - 1)])
        got = replace(got, due=now() + wait, nonce="", token=b"")
    await store.run(anchors.settle, got)


def _checked(stamp: Stamp, anchor: Anchor, roots: list[Certificate], now: datetime) -> Stamp:
    try:
        stamps.check(stamp, anchor, roots, now)
    except stamps.BadStamp as why:
        return replace(stamp, reason=str(why))
    return stamp
