"""Who is on call by the rotas that are stored, and who hands over to whom. For paging and the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from watcher.oncall.pages import Page
from watcher.store import Connection

Calendars = Mapping[str, Any]


def on_duty(conn: Connection, rota: str, now: datetime, calendars: Calendars) -> str:
    """Return the person on call, "" for nobody."""
    del conn, rota, now, calendars
    return ""


def hand_over(conn: Connection, paging: object, standing: Sequence[Page], now: datetime) -> None:
    """Tell both people of a shift's end while pages stand."""
    del conn, paging, standing, now
