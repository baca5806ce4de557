"""The tables of people: chats, subscriptions, what came in, who is on call. Loaded only where a bot or a rota is used.

They are part of the metadata in tables.py, and of the same migrations.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Table, Text

from watcher.store.tables import NAME, NUMBER, Hex, Instant, Json, Words, metadata

member = Table(
    "member",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Words, nullable=False),
    Column("role", Integer, nullable=False),
    Column("joined", Instant, nullable=False),
    Column("by", BigInteger),
)

invite = Table(
    "invite",
    metadata,
    Column("digest", Hex, primary_key=True),
    Column("role", Integer, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("ends", Instant, nullable=False),
    Column("by", BigInteger),
    Column("made", Instant, nullable=False),
)

chat = Table(
    "chat",
    metadata,
    Column("id", NAME, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Words, nullable=False),
    Column("joined", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", Words, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("muted_until", Instant),
    Column("muted_by", BigInteger),
)

subscription = Table(
    "subscription",
    metadata,
    Column("chat", NAME, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("filter", Json(dict[str, Any]), nullable=False),
    Column("mode", Text, nullable=False),
    Column("by", BigInteger),
    Column("made", Instant, nullable=False),
)

held = Table(
    "held",
    metadata,
    Column("chat", NAME, primary_key=True),
    Column("change", Text, primary_key=True),
    Column("why", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
"""Changes that wait for a chat's digest; `why` is digest, muted, quiet or folded."""

inbox = Table(
    "inbox",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("received", Instant, nullable=False),
    Column("body", Json(dict[str, Any]), nullable=False),
    Column("handled", Instant),
)
"""The updates of the Bot API, by its own number. What is handled is deleted after a while."""

audit = Table(
    "audit",
    metadata,
    Column("n", NUMBER, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("who", BigInteger),
    Column("chat", NAME, nullable=False),
    Column("action", Text, nullable=False),
    Column("about", Words, nullable=False),
    Column("detail", Json, nullable=False),
)

addition = Table(
    "addition",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("name", NAME, primary_key=True),
    Column("body", Json(dict[str, Any]), nullable=False),
    Column("by", BigInteger),
    Column("made", Instant, nullable=False),
    Column("undone", Instant),
    Column("undone_by", BigInteger),
)
"""What people add beside config.toml. Of kind source: a source, as its [[source]] table would be. Of kind silence: a
filter for what an editor calls no news; changes that match are stored and told nobody, until it is undone."""

rota = Table(
    "rota",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("body", Json(dict[str, Any]), nullable=False),
    Column("start", Instant, nullable=False),
    Column("end", Instant),
    Column("by", Words, nullable=False),
    Column("made", Instant, nullable=False),
    Column("cancelled", Instant),
)
"""The versions of each rota, as it stood in config.toml from `start` on (kind version), and its overrides."""

page = Table(
    "page",
    metadata,
    Column("id", Text, primary_key=True),
    Column("escalation", NAME, nullable=False),
    Column("policy", Json(dict[str, Any]), nullable=False),
    Column("source", NAME, nullable=False),
    Column("changes", Json(tuple[str, ...]), nullable=False),
    Column("severity", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("opened", Instant, nullable=False),
    Column("acked", Instant),
    Column("acked_by", Words, nullable=False),
    Column("note", Words, nullable=False),
    Column("until", Instant),
    Column("closed", Instant),
    Column("closed_by", Words, nullable=False),
)
"""An alert that must be acknowledged. `policy` is its escalation as it was when the page opened; `until` is when a
snooze or an acknowledgement ends; `level` rises with each turn of the state, so that an old button is known as old."""

step = Table(
    "step",
    metadata,
    Column("page", Text, ForeignKey("page.id", name="step_page"), primary_key=True),
    Column("turn", Integer, primary_key=True, autoincrement=False),
    Column("loop", Integer, primary_key=True, autoincrement=False),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("due", Instant, nullable=False),
    Column("state", Text, nullable=False),
    Column("target", NAME, nullable=False),
    Column("person", NAME, nullable=False),
    Column("channel", NAME, nullable=False),
    Column("fired", Instant),
    Column("reason", Words, nullable=False),
    Column("alert", Text, nullable=False),
)
"""One step of one page: waiting, fired or cancelled. A page that starts anew begins another turn."""

lease = Table(
    "lease",
    metadata,
    Column("name", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Instant, nullable=False),
)
"""What one process at a time may do: polling for updates."""
