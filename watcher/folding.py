"""One alert for one fact: alerts that say the same of several pages of a site become one. Pure; in the outbox.

Of the alerts that wait for a channel, and those it got in the last minutes, an edit that stands in several pages of one
host is told once, with the pages; what is a page's own stays its own alert.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from watcher.core import Alert, Change, Subject, content_id

WITHIN = timedelta(minutes=10)
"""Changes of a host so close together may be one."""
HOLD = timedelta(seconds=30)
"""How long the service lets an alert wait for others of its host that say the same."""
REDESIGN = 5
"""Pages that change alike, and at least half of a host's, from which it is the site that was laid out anew."""
DESIGN = {"page.text", "page.links", "article.text", "article.byline"}
TOGETHER = {"page.gone", "page.back"}
"""Kinds that are the same fact on all pages of a host."""
HELD = DESIGN | TOGETHER | {"article.note", "page.redesigned"}
"""Kinds that can wait a moment, for they may be a site's rather than a page's."""
SITE = ("site",)
"""The path of a change that stands for all pages of a host."""
ONE_BY_ONE = ("report.", "source.")
"""Kinds that are about one thing each, and are told of each."""

Edit = tuple[str, str, str, str, str]


class Told(NamedTuple):
    """An alert with its changes."""

    alert: Alert
    changes: tuple[Change, ...]


class Folded(NamedTuple):
    """What becomes of the alerts that wait.

    `made`: alerts to send. `replaced`: ids of alerts that are not sent, each with the id of the one that says the same.
    `new`: changes that stand for many, to be stored.
    """

    made: tuple[Told, ...] = ()
    replaced: Mapping[str, str] = {}
    new: tuple[Change, ...] = ()


def fold(waiting: Sequence[Told], recent: Sequence[Told], hosts: Mapping[str, str]) -> Folded:
    """Fold the alerts of one channel; `recent` were sent just now, `hosts` are those of all sources by name."""
    by_name = sorted(waiting, key=lambda told: told.alert.source)
    folded = [
        _fold_host(host, hosts, [told for told in by_name if hosts.get(told.alert.source) == host], recent)
        for host in sorted({hosts[told.alert.source] for told in by_name if told.alert.source in hosts})
    ]
    return Folded(
        tuple(told for one in folded for told in one.made),
        {old: new for one in folded for old, new in one.replaced.items()},
        tuple(change for one in folded for change in one.new),
    )


def _fold_host(host: str, hosts: Mapping[str, str], waiting: Sequence[Told], recent: Sequence[Told]) -> Folded:
    pages: defaultdict[Edit, set[str]] = defaultdict(set)
    told_by: dict[Edit, str] = {}
    for told in recent:
        if hosts.get(told.alert.source) == host:
            told_by |= {edit_of(one): told.alert.id for one in told.changes}
            _count(told, pages)
    for told in waiting:
        _count(told, pages)
    shared = {edit for edit, names in pages.items() if len(names) > 1 and not edit[0].startswith(ONE_BY_ONE)}
    watched = sum(1 for other in hosts.values() if other == host)
    groups: defaultdict[tuple[str, ...], list[Told]] = defaultdict(list)
    left: list[tuple[Told, tuple[Change, ...]]] = []
    for told in waiting:
        for one in told.changes:
            edit = edit_of(one)
            if edit in shared and edit not in told_by:
                names = () if _is_design(edit, len(pages[edit]), watched) else tuple(sorted(pages[edit]))
                groups[names].append(Told(told.alert, (one,)))
        own = tuple(one for one in told.changes if edit_of(one) not in shared)
        if own != told.changes:
            left.append((told, own))
    new = [_redesigned(host, groups[()])] if () in groups else []
    made = [
        _alert(pieces[0].alert, (*(new if not names else ()), *(one for piece in pieces for one in piece.changes)))
        for names, pieces in groups.items()
    ]
    told_by |= {edit_of(one): told.alert.id for told in made for one in told.changes}
    rest = [_alert(told.alert, own) for told, own in left if own]
    told_by |= {edit_of(one): told.alert.id for told in rest for one in told.changes}
    replaced = {
        told.alert.id: told_by[edit_of(max(told.changes, key=lambda one: edit_of(one) not in shared))]
        for told, _ in left
    }
    return Folded((*made, *rest), replaced, tuple(new))


def edit_of(change: Change) -> Edit:
    """What a change says, wherever it stands: two pages of a host with the same are told as one."""
    subject = "" if change.subject.id.startswith("source:") else change.subject.id
    if change.kind in TOGETHER:
        return (change.kind, "", "", "", "")
    return (change.kind, subject, change.path[-1], repr(change.old), repr(change.new))


def once(changes: Sequence[Change]) -> Sequence[Change]:
    """The changes of one alert as they are told: of what several pages say, one; of a new design, only that."""
    if len({change.source for change in changes}) < 2:  # noqa: PLR2004 - one page repeats nothing
        return changes
    design = [change for change in changes if change.path == SITE]
    return design or list({edit_of(change): change for change in reversed(changes)}.values())[::-1]


def _count(told: Told, pages: Mapping[Edit, set[str]]) -> None:
    for one in told.changes:
        pages[edit_of(one)].add(one.source)


def _is_design(edit: Edit, pages: int, watched: int) -> bool:
    """Whether an edit is so common to a site that it is its template's."""
    return edit[0] in DESIGN and pages >= REDESIGN and pages * 2 >= watched


def _redesigned(host: str, pieces: Sequence[Told]) -> Change:
    from watcher.drafts import Draft, change

    first = pieces[0].changes[0]
    names = {one.source for piece in pieces for one in piece.changes}
    draft = Draft(
        "page.redesigned", Subject(f"source:{first.source}", f"{len(names)} pages of {host}"), SITE, None, None
    )
    return change(
        draft, first.source, at=first.at, last_seen=first.last_seen, snapshot=first.snapshot, before=first.before
    )


def _alert(like: Alert, changes: tuple[Change, ...]) -> Told:
    """An alert for the channel of another, by the same route, about `changes`."""
    ids = tuple(sorted({change.id for change in changes}))
    return Told(replace(like, id=content_id(like.route, like.channel, ids), changes=ids), changes)
