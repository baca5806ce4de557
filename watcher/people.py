"""The people and chats that watcher talks with: frozen types, above core only.

Chats are named as channels are: "telegram:<chat id>", or "telegram:<chat id>/<topic id>" in a forum.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

TELEGRAM = "telegram:"
"""What the names of chats begin with; names in config.toml hold no colon."""


class Role(enum.IntEnum):
    """What somebody may do; each role may do what those before it may.

    A reader subscribes. A reporter is on call and acknowledges. An editor adds sources and says what is no news. An
    admin says who is what.
    """

    READER = 0
    REPORTER = 1
    EDITOR = 2
    ADMIN = 3

    @property
    def label(self) -> str:
        """The word in commands and JSON."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who has joined. `id` is the Telegram user id; `by` is whose invitation it was, None where it is open."""

    id: int
    name: str
    role: Role
    joined: datetime
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat, or a topic of one. `kind` is private, group, supergroup or channel.

    `state` is active, or disabled with its `reason`: nothing is sent there. `timezone` is an IANA name ("" for the
    desk's), `digest` when it gets its digests ("daily 08:00", in that zone; "" where it wants none). Until
    `muted_until`, set by the member `muted_by`, changes are stored and counted, not told.
    """

    id: str
    kind: str
    title: str
    joined: datetime
    state: str = "active"
    reason: str = ""
    timezone: str = ""
    digest: str = ""
    muted_until: datetime | None = None
    muted_by: int | None = None


@dataclass(frozen=True, slots=True)
class Invite:
    """A code that makes whoever knows it a member; only its SHA-256 is kept. `uses` are those left."""

    digest: str
    role: Role
    uses: int
    ends: datetime
    by: int | None
    made: datetime


@dataclass(frozen=True, slots=True)
class Update:
    """One update of the Bot API, as it came. `handled` once its effect is stored."""

    id: int
    received: datetime
    body: Mapping[str, Any]
    handled: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """One row of the audit: who did what, in which chat, about what. `who` is None for what watcher did by itself."""

    at: datetime
    who: int | None
    chat: str
    action: str
    about: str = ""
    detail: Mapping[str, Any] | None = None
