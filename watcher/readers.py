"""Who of the readers is told of a change, now or later: subscriptions, digests, mutes, quiet hours, retractions.

Beside the pipeline: these run in the transaction that stores the changes, or in one of their own each minute.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from watcher.core import Alert, Change, Delivery, Extras, Lane, Line, Run, content_id, instant
from watcher.digest import Seen, slot, told
from watcher.outbox import Letter
from watcher.people import Chat
from watcher.render import ref_line
from watcher.store import Connection, alerts, changes, chats, held, outbox, subscriptions
from watcher.store.held import Held
from watcher.subscriptions.index import Index

ROUTE = "subscription"
DIGEST = alerts.DIGEST
RETRACTION = "retraction"

Quiet = Callable[[str, datetime], bool]
"""Whether whoever has this chat has quiet hours then."""


class Wanted(NamedTuple):
    """What the subscriptions of one chat let through: to be told now, and with its digest."""

    now: tuple[Change, ...]
    later: tuple[Change, ...]


@dataclass(slots=True)
class Readers:
    """All subscriptions, looked up in one pass; read again from the store when they differ."""

    index: Index[tuple[str, str]] = field(default_factory=Index)
    modes: dict[tuple[str, str], str] = field(default_factory=dict)
    stamp: subscriptions.Stamp = field(default_factory=subscriptions.Stamp)

    def refresh(self, conn: Connection) -> None:
        """Know the subscriptions as they are stored now."""
        stamp = subscriptions.stamp(conn)
        if stamp == self.stamp:
            return
        everything = subscriptions.everything(conn)
        self.index = Index(((one.chat, one.id), one.filter) for one in everything)
        self.modes = {(one.chat, one.id): one.mode for one in everything}
        self.stamp = stamp

    def wanted(self, found: Sequence[Change]) -> dict[str, Wanted]:
        """By chat, which of `found` its subscriptions let through; each change once, and at once rather than later."""
        at_once: defaultdict[str, set[str]] = defaultdict(set)
        later: defaultdict[str, set[str]] = defaultdict(set)
        for key, matched in self.index.match(found).items():
            (later if self.modes[key] == DIGEST else at_once)[key[0]].update(change.id for change in matched)
        return {
            chat: Wanted(
                tuple(change for change in found if change.id in at_once[chat]),
                tuple(change for change in found if change.id in later[chat] - at_once[chat]),
            )
            for chat in dict.fromkeys((*at_once, *later))
        }


def share_out(
    conn: Connection, wanted: Mapping[str, Wanted], now: datetime, quiet: Quiet
) -> dict[str, tuple[Chat, tuple[Change, ...]]]:
    """Hold what is for later, and return what each chat is to be told now. What is disabled gets neither."""
    known = chats.some(conn, list(wanted))
    at_once: dict[str, tuple[Chat, tuple[Change, ...]]] = {}
    waiting: list[Held] = []
    for chat_id, (now_told, later) in wanted.items():
        chat = known.get(chat_id)
        if chat is None or chat.state != "active":
            continue
        why = _held_for(chat, now, quiet)
        if now_told and not why:
            at_once[chat_id] = chat, now_told
        waiting += [Held(chat_id, change.id, why, now) for change in now_told if why]
        waiting += [Held(chat_id, change.id, "digest", now) for change in later]
    held.put(conn, waiting)
    return at_once


def _held_for(chat: Chat, now: datetime, quiet: Quiet) -> str:
    if chat.muted_until is not None and chat.muted_until > now:
        return "muted"
    return "quiet" if quiet(chat.id, now) else ""


def copies(planned: Sequence[Delivery], made: Iterable[str], like: Alert) -> list[tuple[Alert, Sequence[Delivery]]]:
    """One planned message for each of many chats: an alert of its own, with its own reference in each part."""
    copied: list[tuple[Alert, Sequence[Delivery]]] = []
    for chat in made:
        alert = replace(like, id=content_id(ROUTE, chat, like.changes), channel=chat)
        rows = [
            replace(
                one,
                id=content_id(alert.id, chat, one.part),
                alert=alert.id,
                channel=chat,
                lines=(*one.lines[:-1], ref_line(alert.id, *(() if one.extras.picture else (one.part, one.parts)))),
            )
            for one in planned
        ]
        copied.append((alert, rows))
    return copied


def corrected(conn: Connection, found: Sequence[Change]) -> dict[str, str]:
    """By channel, the alert that carried what `found` now says otherwise, so that the new one answers it."""
    answers: dict[str, str] = {}
    for source in dict.fromkeys(change.source for change in found):
        earlier = changes.carrying(conn, [change for change in found if change.source == source])
        if earlier:
            answers |= {alert.channel: alert.id for alert in alerts.about(conn, source, earlier)}
    return answers


# ---------------------------------------------------------------- later


class Desk(NamedTuple):
    """What telling later needs to know: the desk's zone, who has quiet hours, how letters are made, what was seen."""

    zone: tzinfo
    quiet: Quiet
    letter: Letter
    seen: Seen


def tell_later(conn: Connection, desk: Desk, now: datetime) -> int:
    """Write the messages whose time has come: digests, and what waited for a mute or quiet hours to end; how many."""
    waiting = held.waiting(conn)
    written = 0
    for chat in chats.everything(conn):
        mine = waiting.get(chat.id, [])
        if chat.state != "active":
            held.drop(conn, chat.id, [one.change for one in mine])
            continue
        for why, key in _due(conn, chat, mine, desk, now):
            batch = [one.change for one in mine if why in (one.why, DIGEST)]
            lines = told(why, changes.changes_by_id(conn, batch), desk.seen)
            alert, rows = desk.letter(chat.id, DIGEST, key, lines, now=now, lane=Lane.DIGEST, changes=batch)
            outbox.put_alert(conn, alert, rows)
            held.drop(conn, chat.id, batch)
            mine = [one for one in mine if one.change not in batch]
            written += 1
    return written


def _due(conn: Connection, chat: Chat, mine: Sequence[Held], desk: Desk, now: datetime) -> list[tuple[str, str]]:
    """Why messages are due to a chat now, each with the key that makes it one message however often it is asked."""
    if _held_for(chat, now, desk.quiet):
        return []
    due = []
    if chat.digest:
        key = _digest_key(chat, desk.zone, now)
        if not _is_made(conn, chat.id, key):
            return [(DIGEST, key)]
    for why in ("muted", "quiet", "folded"):
        held_so = [one for one in mine if one.why == why]
        if held_so:
            due.append((why, f"{why} {held_so[0].change} {held_so[-1].at.isoformat()}"))
    if not chat.digest and (left := [one for one in mine if one.why == DIGEST]):
        due.append((DIGEST, f"last {left[-1].change} {left[-1].at.isoformat()}"))  # it wants no digest any more
    return due


def _is_made(conn: Connection, chat: str, key: str) -> bool:
    """Whether this digest was written, under the name that the chat has now or under the one before it moved."""
    if alerts.made(conn, [content_id(DIGEST, chat, key)]):
        return True
    before = alerts.formerly(conn, chat)
    return bool(before and alerts.made(conn, [content_id(DIGEST, before, key)]))


def _digest_key(chat: Chat, zone: tzinfo, now: datetime) -> str:
    here = ZoneInfo(chat.timezone) if chat.timezone else zone
    return f"daily {slot(chat.digest, now, here).isoformat()}"


def begin_digest(conn: Connection, chat: Chat, zone: tzinfo, now: datetime) -> None:
    """A chat has asked for a digest: its first comes at the next time, not for the one that has passed today."""
    key = _digest_key(chat, zone, now)
    outbox.put_alert(conn, Alert(content_id(DIGEST, chat.id, key), DIGEST, chat.id, "", None, now, ()), [])


# ---------------------------------------------------------------- what was not so


def retract(conn: Connection, letter: Letter, source: str, ids: Sequence[str], why: str, now: datetime) -> int:
    """Answer every message that told of these changes with a retraction; how many. Twice at one time is once."""
    found = alerts.about(conn, source, ids)
    lines: tuple[Line, ...] = ((Run("Retracted. ", "strong"), Run(why)),)
    for one in found:
        extras, key = Extras(reply_to=one.id), _retraction(one, now)
        alert, rows = letter(
            one.channel, RETRACTION, key, lines, now=now, lane=Lane.ALERT, extras=extras, source=source
        )
        outbox.put_alert(conn, alert, rows)
    return len(found)


def retracted(conn: Connection, source: str, ids: Sequence[str], at: datetime) -> list[tuple[Alert, str]]:
    """Return the alerts that told of these changes and were retracted then, each with the key of its retraction."""
    found = [(one, _retraction(one, at)) for one in alerts.about(conn, source, ids)]
    made = alerts.made(conn, [content_id(RETRACTION, one.channel, key) for one, key in found])
    return [(one, key) for one, key in found if content_id(RETRACTION, one.channel, key) in made]


def _retraction(told_before: Alert, at: datetime) -> str:
    return f"{told_before.id} {instant(at)}"
