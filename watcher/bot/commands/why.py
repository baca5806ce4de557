"""/why, as an answer to a message: which rule let it through, which captures it rests on, how it was delivered."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, tzinfo

from watcher.bot.desk import Answer, Command, Refusal, Talk, line, strong
from watcher.core import Alert, Change, Line, Run
from watcher.dispatch import rules
from watcher.people import Role
from watcher.readers import ROUTE as SUBSCRIPTION
from watcher.route import matches
from watcher.store import (
    Connection,
    NotStored,
    alerts,
    audit,
    changes,
    members,
    outbox,
    pages,
    snapshots,
    subscriptions,
)
from watcher.subscriptions import describe
from watcher.summary import shorten, shown

MOST = 5
"""Captures, pages and deeds that are told of one message."""
LONGEST = 160
_REF = re.compile(r"\bref ([0-9a-f]{16})\b")
_PAGE = re.compile(r"\bpage ([0-9a-f]{8})\b")
WHICH = "Of which message? Answer it with /why, or write /why and its ref."


def why(conn: Connection, talk: Talk) -> Answer:
    """Why this chat got a message, or why people are asked."""
    if not talk.words and (page := _page(conn, talk)):
        return page
    alert = alerts.alert(conn, _wanted(talk))
    mine = alert is not None and alert.channel.partition("/")[0] == talk.ask.chat
    if alert is None or not (mine or (talk.asker.role or Role.READER) >= Role.EDITOR):
        raise Refusal("There is no such message in this chat.")
    zone = talk.zone(conn)
    found = changes.changes_by_id(conn, alert.changes)
    told = (
        *_because(conn, talk, alert, found),
        *_rests_on(conn, found, zone),
        *_delivered(conn, alert, zone),
        *_acknowledged(conn, alert.changes, zone),
    )
    return Answer((line(strong(f"ref {alert.id}"), f" of {_moment(alert.at, zone)}"), *told), about=alert.id)


def _page(conn: Connection, talk: Talk) -> Answer | None:
    """Of the page that is answered, if it is one: what it is about, and who did what."""
    named = _PAGE.findall(talk.ask.answered)
    page = pages.called(conn, named[-1]) if named else None
    if page is None:
        return None
    if (talk.asker.role or Role.READER) < Role.REPORTER:
        raise Refusal("That is for people on call.")
    zone = talk.zone(conn)
    found = changes.changes_by_id(conn, page.changes)
    head = line(strong(f"page {page.short}"), f" of {_moment(page.opened, zone)}, by the escalation {page.escalation}")
    asked = [
        line(f"Step {one.step + 1}, {one.target}: {one.state} {_moment(one.fired, zone)} {one.reason}".rstrip())
        for one in pages.steps(conn, page.id)
        if one.fired
    ]
    told = (*_rests_on(conn, found, zone), *asked[-MOST:], *_acknowledged(conn, page.changes, zone))
    return Answer((head, *told), about=page.id)


def _wanted(talk: Talk) -> str:
    """The reference that is written, or stands last in the message that is answered. Raises Refusal."""
    typed = talk.words.lower().removeprefix("ref").strip()
    if re.fullmatch(r"[0-9a-f]{16}", typed):
        return typed
    found = _REF.findall(talk.ask.answered)
    if not found:
        raise Refusal(WHICH)
    return str(found[-1])


def _because(conn: Connection, talk: Talk, alert: Alert, found: Sequence[Change]) -> list[Line]:
    """The rule of config.toml, or the subscriptions of the chat that let it through."""
    if alert.route != SUBSCRIPTION:
        rule = next((one for one in rules(talk.desk.config) if one.name == alert.route), None)
        what = f" {describe(rule)}" if rule else ""
        return [line("Because of: ", strong(f"{alert.route}{' of config.toml' if rule else ''}"), what)]
    mine = [
        one
        for one in subscriptions.of_chat(conn, alert.channel)
        if any(matches(one.filter, change) for change in found)
    ]
    if not mine:
        return [line("Because of a subscription that this chat has no more.")]
    return [line("Because of the subscription: ", strong(describe(one.filter))) for one in mine[:MOST]]


def _rests_on(conn: Connection, found: Sequence[Change], zone: tzinfo) -> list[Line]:
    """The captures before and after, with their digests."""
    told = []
    for source, before, after in list(dict.fromkeys((one.source, one.before, one.snapshot) for one in found))[:MOST]:
        for name, snapshot in (("before", before), ("after", after)):
            if snapshot is not None:
                told.append(line(f"{shown(source)}, {name}: {_capture(conn, snapshot, zone)}"))
    return told


def _capture(conn: Connection, snapshot_id: str, zone: tzinfo) -> str:
    try:
        one = snapshots.snapshot(conn, snapshot_id)
    except NotStored:
        return f"{snapshot_id}, not stored any more"
    return f"{one.id} of {_moment(one.at, zone)}, SHA-256 {one.sha256}"


def _delivered(conn: Connection, alert: Alert, zone: tzinfo) -> list[Line]:
    told = []
    for one in outbox.deliveries(conn, alert.id)[:MOST]:
        part = f"Part {one.part} of {one.parts}" if one.parts > 1 else "Delivery"
        at = f" {_moment(one.sent_at, zone)}" if one.sent_at else ""
        tries = f", {one.attempts} tries" if one.attempts > 1 else ""
        reason = f": {shorten(shown(one.reason), LONGEST)}" if one.reason else ""
        repeat = ", marked as a repeat" if one.repeat else ""
        told.append(line(Run(f"{part}: {one.state}{at}{tries}{repeat}{reason}")))
    return told


def _acknowledged(conn: Connection, ids: Sequence[str], zone: tzinfo) -> list[Line]:
    """What people did to the pages about these changes."""
    about = [one for one in pages.latest(conn, 200) if not set(one.changes).isdisjoint(ids)]
    told = []
    for page in about[:MOST]:
        told.append(line(f"Page {page.short} ({shown(page.escalation)}): {page.state}"))
        deeds = [one for one in audit.latest(conn, 20, about=page.id) if (one.detail or {}).get("moved")]
        told += [line(f"{one.action} by {_name(conn, one.who)}, {_moment(one.at, zone)}") for one in deeds[:MOST]]
    return told


def _name(conn: Connection, who: int | None) -> str:
    known = members.member(conn, who) if who else None
    return known.name if known else f"user {who}"


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}"


COMMANDS = (Command("why", why, "As an answer to a message: why this chat got it.", "[REF]"),)
