"""Who has joined, and the invitations by which people join."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from watcher.people import Invite, Member, Role
from watcher.store.people_tables import invite as invites_table
from watcher.store.people_tables import member as table
from watcher.store.tables import insert, row


def put(conn: Connection, one: Member) -> None:
    """Store somebody as they are now."""
    conn.execute(insert(conn.dialect.name, table, replacing=True), {**row(table, one), "role": int(one.role)})


def member(conn: Connection, user: int) -> Member | None:
    """Return whoever has this Telegram id, if they have joined."""
    found = conn.execute(select(table).where(table.c.id == user)).first()
    return Member(found.id, found.name, Role(found.role), found.joined, found.by) if found else None


def everybody(conn: Connection) -> list[Member]:
    """Return all who have joined, by role and name, the most trusted first."""
    query = select(table).order_by(table.c.role.desc(), table.c.name, table.c.id)
    return [Member(one.id, one.name, Role(one.role), one.joined, one.by) for one in conn.execute(query)]


def remove(conn: Connection, user: int) -> bool:
    """Forget somebody; whether they had joined."""
    return conn.execute(delete(table).where(table.c.id == user)).rowcount > 0


# ---------------------------------------------------------------- invitations


def digest(code: str) -> str:
    """What is kept of an invitation's code."""
    return hashlib.sha256(code.encode()).hexdigest()


def put_invite(conn: Connection, one: Invite) -> None:
    """Store an invitation."""
    conn.execute(insert(conn.dialect.name, invites_table), {**row(invites_table, one), "role": int(one.role)})


def invites(conn: Connection, now: datetime) -> list[Invite]:
    """Return the invitations that still hold, the newest first."""
    query = select(invites_table).where(invites_table.c.uses > 0, invites_table.c.ends > now)
    found = conn.execute(query.order_by(invites_table.c.made.desc(), invites_table.c.digest))
    return [Invite(one.digest, Role(one.role), one.uses, one.ends, one.by, one.made) for one in found]


def use(conn: Connection, code: str, now: datetime) -> Invite | None:
    """Use an invitation once; None where the code is none, used up, or has ended."""
    mine = invites_table.c.digest == digest(code)
    holds = mine & (invites_table.c.uses > 0) & (invites_table.c.ends > now)
    if not conn.execute(update(invites_table).where(holds).values(uses=invites_table.c.uses - 1)).rowcount:
        return None
    one = conn.execute(select(invites_table).where(mine)).one()
    return Invite(one.digest, Role(one.role), one.uses, one.ends, one.by, one.made)


def revoke(conn: Connection, start: str) -> int:
    """Take back the invitations whose digest begins so, as they are listed. Returns how many."""
    mine = [one for one in conn.execute(select(invites_table.c.digest)).scalars() if one.startswith(start)]
    return conn.execute(delete(invites_table).where(invites_table.c.digest.in_(mine))).rowcount
