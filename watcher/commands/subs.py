"""`watcher subs`: who has joined, with which role, what chats are told, invitations, all that is kept of one person."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from watcher.asking import Desk, Refused
from watcher.commands.printing import emit, local, people, say
from watcher.config import parse_duration
from watcher.core import instant
from watcher.people import TELEGRAM, Chat, Deed, Invite, Member, Role
from watcher.store import Connection, audit, chats, members, persons, subscriptions
from watcher.store.subscriptions import Subscription
from watcher.subscriptions import describe, filter_json

ROLES = {role.label: role for role in Role}
CODE_BYTES = 15
USUAL = timedelta(days=1)
LONGEST = timedelta(days=366)
MOST_USES = 100_000


def show(desk: Desk) -> None:
    """Print who has joined, the chats with their subscriptions, and the invitations that hold."""
    with desk.store() as store:
        joined, known, wanted = store.read_sync(_everything)
        open_ones = store.read_sync(members.invites, desk.clock())
    if desk.json:
        for row in (*map(_member, joined), *(_chat(one, wanted) for one in known), *map(_invite, open_ones)):
            emit(row)
        return
    from rich.console import Console
    from rich.table import Table

    zone, console = desk.config.timezone, Console(file=people(desk), markup=False, highlight=False)
    table = Table("person", "id", "role", "joined", box=None)
    for one in joined:
        table.add_row(one.name, str(one.id), one.role.label, local(one.joined, zone))
    console.print(table)
    table = Table("chat", "title", "state", "is told", box=None)
    for chat in known:
        told = [f"{describe(one.filter)} ({one.mode})" for one in wanted if one.chat == chat.id]
        table.add_row(chat.id, chat.title, _state(chat), "\n".join(told) or "nothing")
    console.print(table)
    for invite in open_ones:
        ends = local(invite.ends, zone)
        say(desk, f"invitation {invite.digest[:8]}: {invite.role.label}, {invite.uses} use(s) left, until {ends}")


def _everything(conn: Connection) -> tuple[list[Member], list[Chat], list[Subscription]]:
    return members.everybody(conn), chats.everything(conn), subscriptions.everything(conn)


def _state(chat: Chat) -> str:
    return f"{chat.state}: {chat.reason}" if chat.reason else chat.state


def _member(one: Member) -> dict[str, Any]:
    return {"type": "person", "id": one.id, "name": one.name, "role": one.role.label, "joined": instant(one.joined)}


def _chat(one: Chat, wanted: Sequence[Subscription]) -> dict[str, Any]:
    mine = [
        {"id": each.id, "mode": each.mode, "filter": filter_json(each.filter)} for each in wanted if each.chat == one.id
    ]
    return {"type": "chat", "id": one.id, "title": one.title, "state": one.state, "subscriptions": mine}


def _invite(one: Invite) -> dict[str, Any]:
    role, ends = one.role.label, instant(one.ends)
    return {"type": "invitation", "id": one.digest[:8], "role": role, "uses": one.uses, "until": ends}


def invite(desk: Desk, role: str, uses: int, until: str) -> None:
    """Make an invitation, and print its code, which is stored nowhere."""
    if role not in ROLES:
        raise Refused(f"--role: expected {', '.join(ROLES)}, found {role!r:.40}")
    if not 1 <= uses <= MOST_USES:
        raise Refused(f"--uses: expected a number from 1 to {MOST_USES}, found {uses}")
    now, code = desk.clock(), secrets.token_urlsafe(CODE_BYTES)
    ends = _ends(desk, until, now)
    made = Invite(members.digest(code), ROLES[role], uses, ends, None, now)

    def put(conn: Connection) -> None:
        members.put_invite(conn, made)
        audit.put(conn, Deed(now, None, "", "invite", role, {"invite": made.digest[:8], "uses": uses}))

    with desk.store(writing=True) as store:
        store.run_sync(put)
    if desk.json:
        emit({**_invite(made), "code": code})
        return
    say(desk, f"Send the bot: /start {code}")
    times = "once" if uses == 1 else f"{uses} times"
    say(desk, f"It makes a {role}, {times}, until {local(ends, desk.config.timezone)} ({made.digest[:8]}).")


def role(desk: Desk, person: str, wanted: str) -> None:
    """Make somebody who has joined a reader, reporter, editor or admin. Raises Refused."""
    if wanted not in ROLES:
        raise Refused(f"ROLE: expected {', '.join(ROLES)}, found {wanted!r:.40}")

    def give(conn: Connection) -> Member:
        user = _id(desk, conn, person)
        found = members.member(conn, user)
        if found is None:
            raise Refused(f"{person!r:.80} has not joined: `watcher subs invite --role {wanted}` makes an invitation")
        members.put(conn, replace(found, role=ROLES[wanted]))
        audit.put(conn, Deed(desk.clock(), None, f"{TELEGRAM}{user}", "role", wanted, {"before": found.role.label}))
        return found

    with desk.store(writing=True) as store:
        before = store.run_sync(give)
    say(desk, f"{before.name} ({before.id}): {before.role.label} before, {wanted} now.{_beyond(desk, before.id)}")


def _beyond(desk: Desk, user: int) -> str:
    """What config.toml says of somebody beside their role."""
    if desk.config.telegram and user in desk.config.telegram.admins:
        return " As long as [telegram].admins names them, they are an admin all the same."
    if any(one.telegram == user for one in desk.config.people):
        return " As a [[person]] of config.toml they are at least a reporter."
    return ""


def _ends(desk: Desk, until: str, now: datetime) -> datetime:
    """When an invitation ends: so long from now, or at a T. Raises Refused."""
    try:
        ends = now + parse_duration(until) if until else now + USUAL
    except ValueError:
        ends = desk.time(until) or now
    if not now < ends <= now + LONGEST:
        raise Refused(f"--until: expected a duration like 2d, or a time to come within a year, found {until!r:.40}")
    return ends


def revoke(desk: Desk, invitation: str) -> None:
    """Take back an invitation."""
    with desk.store(writing=True) as store:
        gone = store.run_sync(members.revoke, invitation) if len(invitation) >= 4 else 0  # noqa: PLR2004 - hex digits
    if not gone:
        raise Refused(f"there is no invitation {invitation!r:.40}: `watcher subs list` shows those that hold")
    say(desk, f"The invitation {invitation} does not hold any more.")


def export(desk: Desk, person: str) -> None:
    """Print all that is kept of somebody, as one JSON object."""
    with desk.store() as store:
        found = store.read_sync(lambda conn: persons.known(conn, _id(desk, conn, person)))
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def delete(desk: Desk, person: str) -> None:
    """Delete somebody, and all that is kept of them."""

    def erase(conn: Connection) -> int:
        user = _id(desk, conn, person)
        gone = persons.erase(conn, user)
        audit.put(conn, Deed(desk.clock(), None, "", "erased", "", {"rows": gone}))
        return gone

    with desk.store(writing=True) as store:
        gone = store.run_sync(erase)
    say(desk, f"{person} is deleted: {gone} row(s). What they did stays, without who it was.")


def _id(desk: Desk, conn: Connection, person: str) -> int:
    """The Telegram user id of somebody, by it or by name. Raises Refused."""
    if person.isascii() and person.isdigit():
        return int(person)
    named = {one.id for one in members.everybody(conn) if one.name.casefold() == person.casefold()}
    named |= {one.telegram for one in desk.config.people if one.telegram and one.name.casefold() == person.casefold()}
    if len(named) != 1:
        known = "nobody" if not named else f"{len(named)} people"
        raise Refused(f"{known} called {person!r:.80}: give the Telegram user id, as `watcher subs list` shows it")
    return named.pop()
