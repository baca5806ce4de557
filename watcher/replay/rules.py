"""Two sets of rules on the same history: who is told of a change under each, and what that makes of it. Pure."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from watcher.core import Change
from watcher.replay.asked import Asked
from watcher.route import Filter, Rule, matches
from watcher.subscriptions.index import Index

SAME, CHANGED, GAINED, LOST = "same", "changed", "gained", "lost"
SORTS = (SAME, CHANGED, GAINED, LOST)
SUBSCRIPTION = "subscription"
ESCALATION = "escalation:"
"""What a rule pages gets the change beside its channel, and so does each step of it, with whom it asks."""

LATE = timedelta(days=2)
"""The same fact told this much later or earlier is told otherwise; beyond it, one alert is lost and another gained."""

NOBODY = Asked({}, {}, {})

Subscribed = Index[tuple[str, str]]
"""The filters of chats, each under its chat and a name of its own."""


class Compared(NamedTuple):
    """One change for one recipient: as the new rules tell it, or the old where they do not; `was`: as it was told."""

    to: str
    route: str
    change: Change
    alert: str
    was: Change | None = None


class Side(NamedTuple):
    """One set of rules: the routes in order, what chats want to know, what an editor called no news, whom pages ask."""

    rules: Sequence[Rule]
    subscribed: Subscribed
    silences: Sequence[Filter] = ()
    asked: Asked = NOBODY

    def recipients(self, found: Sequence[Change]) -> list[dict[str, str]]:
        """Who is told of each change, with the rule that does so; a channel gets a change by the first that matches."""
        loud = [change for change in found if not any(matches(silence, change) for silence in self.silences)]
        told = {change.id: self._routed(change) for change in loud}
        for (chat, _), matched in self.subscribed.match(loud).items():
            for change in matched:
                told[change.id].setdefault(chat, SUBSCRIPTION)
        return [told.get(change.id, {}) for change in found]

    def _routed(self, change: Change) -> dict[str, str]:
        told: dict[str, str] = {}
        for rule in self.rules:
            if rule.to not in told and matches(rule, change):
                told[rule.to] = rule.name
                if rule.page:
                    page = f"{ESCALATION}{rule.page}"
                    for to in (page, *(f"{page}, {step}" for step in self.asked.steps(rule.page, change.at))):
                        told.setdefault(to, rule.name)
        return told


def of_same(found: Sequence[Change], old: Side, new: Side) -> Iterator[Compared]:
    """The same changes under both rules."""
    for change, was, now in zip(found, old.recipients(found), new.recipients(found), strict=True):
        for to in sorted(was | now):
            alert = SAME if to in was and to in now else GAINED if to in now else LOST
            yield Compared(to, now.get(to) or was[to], change, alert, change if to in was else None)


def of_read(found_old: Sequence[Change], found_new: Sequence[Change], old: Side, new: Side) -> list[Compared]:
    """The changes of one source as they were read, and as they are read now, under both rules; by time.

    Of one recipient, the same fact at the same capture is the same; at another capture within LATE, or another fact in
    the same place, it is a change that is told otherwise.
    """
    was, now = _by_recipient(found_old, old), _by_recipient(found_new, new)
    compared: list[Compared] = []
    for to in sorted(was | now):
        compared += _paired(to, was.get(to, []), now.get(to, []))
    return sorted(compared, key=lambda one: one.change.at)


_Told = list[tuple[str, Change]]


def _by_recipient(found: Sequence[Change], side: Side) -> dict[str, _Told]:
    told: defaultdict[str, _Told] = defaultdict(list)
    for change, recipients in zip(found, side.recipients(found), strict=True):
        for to, route in recipients.items():
            told[to].append((route, change))
    return dict(told)


def _paired(to: str, was: _Told, now: _Told) -> Iterator[Compared]:
    """What one recipient was told, beside what it is told now, paired as closely as may be."""
    was, now = sorted(was, key=_at), sorted(now, key=_at)
    for key in (_as_told, _fact, _place):
        waiting: defaultdict[bytes, deque[tuple[str, Change]]] = defaultdict(deque)
        for one in was:
            waiting[key(one[1])].append(one)
        lost: _Told = []
        left: _Told = []
        for route, change in now:
            there = waiting[key(change)]
            while there and change.at - _at(there[0]) > LATE:
                lost.append(there.popleft())
            if there and _at(there[0]) - change.at <= LATE:
                _, before = there.popleft()
                yield Compared(to, route, change, SAME if key is _as_told else CHANGED, before)
            else:
                left.append((route, change))
        was, now = sorted([*lost, *(one for rest in waiting.values() for one in rest)], key=_at), left
    yield from (Compared(to, route, change, LOST, change) for route, change in was)
    yield from (Compared(to, route, change, GAINED) for route, change in now)


def _at(told: tuple[str, Change]) -> datetime:
    return told[1].at


def _as_told(change: Change) -> bytes:
    return _key(change.snapshot, change.severity, _fact(change).decode())


def _fact(change: Change) -> bytes:
    return _key(change.kind, change.subject.id, change.path, change.old, change.new)


def _place(change: Change) -> bytes:
    """Where it stands; a row may be read as a record before, and as a jurisdiction now."""
    row = change.path[0] in {"records", "sections"}
    return _key(change.snapshot, change.path, None if row else change.subject.id)


def _key(*parts: Any) -> bytes:
    return msgspec.json.encode(parts)


class Counts:
    """How many alerts of each sort each recipient has, and the gravest few of those that differ."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.counts: defaultdict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(SORTS, 0))
        self._examples: defaultdict[tuple[str, str], list[Compared]] = defaultdict(list)

    def add(self, one: Compared) -> None:
        """Count one."""
        self.counts[one.to][one.alert] += 1
        if one.alert != SAME:
            examples = self._examples[one.to, one.alert]
            examples.append(one)
            if len(examples) >= 2 * self.most:
                del self._gravest(examples)[self.most :]

    def examples(self, to: str, alert: str) -> Sequence[Compared]:
        """The gravest of one sort, those of one severity by time."""
        return self._gravest(self._examples[to, alert])[: self.most]

    def _gravest(self, examples: list[Compared]) -> list[Compared]:
        examples.sort(key=lambda one: -one.change.severity)
        return examples

    def total(self, alert: str) -> int:
        """How many of one sort there are altogether."""
        return sum(counts[alert] for counts in self.counts.values())
