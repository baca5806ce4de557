"""All that is kept of one person, to be handed out to them or deleted."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, delete, or_, select, update

from watcher.people import TELEGRAM
from watcher.store.people_tables import addition, audit, chat, held, inbox, invite, member, subscription
from watcher.store.tables import alert, delivery

OWN = ((subscription, "chat"), (held, "chat"), (chat, "id"))
"""What belongs to a private chat, by the column that names it."""
DEEDS = (
    (subscription, "by"),
    (addition, "by"),
    (addition, "undone_by"),
    (invite, "by"),
    (member, "by"),
    (chat, "muted_by"),
)
"""Where it is written who did something."""


def known(conn: Connection, user: int) -> dict[str, list[dict[str, Any]]]:
    """Return every row that is about somebody or was written by them, by its table."""
    asked = {
        "member": _rows(conn, member, member.c.id == user),
        **{table.name: _rows(conn, table, _here(table.c[column], user)) for table, column in OWN},
        "alert": _rows(conn, alert, _here(alert.c.channel, user)),
        "delivery": _rows(conn, delivery, _here(delivery.c.channel, user)),
        "audit": _rows(conn, audit, or_(audit.c.who == user, _here(audit.c.chat, user))),
        "inbox": [row for row in _rows(conn, inbox, None) if _is_from(row["body"], user)],
    }
    for table, column in DEEDS:
        asked[table.name] = asked.get(table.name, []) + [
            row for row in _rows(conn, table, table.c[column] == user) if row not in asked.get(table.name, [])
        ]
    return {name: rows for name, rows in asked.items() if rows}


def erase(conn: Connection, user: int) -> int:
    """Delete somebody with their private chat and all that was said there; what they did stays, without who it was.

    Returns how many rows were deleted or changed.
    """
    inner = [row["id"] for row in _rows(conn, inbox, None) if _is_from(row["body"], user)]
    done = [
        *(delete(table).where(_here(table.c[column], user)) for table, column in OWN),
        delete(delivery).where(_here(delivery.c.channel, user)),
        delete(alert).where(_here(alert.c.channel, user)),
        delete(inbox).where(inbox.c.id.in_(inner)),
        delete(member).where(member.c.id == user),
        update(audit).where(_here(audit.c.chat, user)).values(chat=""),
        update(audit).where(audit.c.who == user).values(who=None),
        *(update(table).where(table.c[column] == user).values({column: None}) for table, column in DEEDS),
    ]
    return sum(conn.execute(one).rowcount for one in done)


def _here(column: ColumnElement[str], user: int) -> ColumnElement[bool]:
    """The private chat of somebody, or a topic of it."""
    name = f"{TELEGRAM}{user}"
    return (column == name) | column.startswith(f"{name}/", autoescape=True)


def _rows(conn: Connection, table: Table, where: ColumnElement[bool] | None) -> list[dict[str, Any]]:
    query = select(table) if where is None else select(table).where(where)
    return [dict(row) for row in conn.execute(query).mappings()]


def _is_from(body: Any, user: int) -> bool:
    """Whether an update names somebody as its author, or came from their chat."""
    if isinstance(body, dict):
        return any(_names(key, value, user) or _is_from(value, user) for key, value in body.items())
    return isinstance(body, list) and any(_is_from(one, user) for one in body)


def _names(key: str, value: Any, user: int) -> bool:
    return key in {"from", "chat", "user"} and isinstance(value, dict) and value.get("id") == user
