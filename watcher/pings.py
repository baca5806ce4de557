"""What people on call read: a page and where it stands, its buttons, a handoff, a gap in a rota. Pure; for paging."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from watcher.core import Button, Change, Line, Run
from watcher.oncall.pages import ACKED, ASKED, CLOSED, DONE, OPEN, SNOOZED, Page, data
from watcher.people import TELEGRAM
from watcher.summary import shorten, shown

MOST_TOLD = 8
"""Changes that one ping tells; the rest is counted."""
LONGEST = 160
BUTTONS = {
    OPEN: (("Ack", "ack"), ("Snooze 1 h", "snooze"), ("Escalate", "escalate"), ("Not news", "close")),
    ACKED: (("Done", "done"), ("Snooze 1 h", "snooze"), ("Not news", "close")),
    ASKED: (("Still on it", "still"), ("Done", "done"), ("Snooze 1 h", "snooze"), ("Not news", "close")),
    SNOOZED: (("Ack", "ack"), ("Not news", "close")),
    CLOSED: (("Reopen", "reopen"), ("Keep such out", "silence")),
    DONE: (("Reopen", "reopen"),),
}
"""What can be done to a page in each state, as people read it and as `pages.act` knows it."""


def buttons(page: Page, *, silenced: bool = False) -> tuple[tuple[Button, ...], ...]:
    """The buttons under a page as it stands, two in a row; `silenced`: such news is kept out from now on."""
    offered = (*BUTTONS[CLOSED][:1], ("Let such in again", "unsilence")) if silenced else BUTTONS[page.state]
    row = [Button(text, data(page, action)) for text, action in offered]
    return tuple(tuple(row[first : first + 2]) for first in range(0, len(row), 2))


def ping(page: Page, changes: Sequence[Change], url: str, channel: str, zone: tzinfo) -> tuple[Line, ...]:
    """A page as it stands, `url` where it is read. A channel without buttons reads the command that acknowledges it."""
    head: Line = (Run(f"Page: {page.escalation}", "strong"), Run(f" · {shown(page.source)} · {page.severity.label}"))
    gravest = sorted(changes, key=lambda change: -change.severity)
    told: list[Line] = [(Run(shorten(shown(change.summary), LONGEST)),) for change in gravest[:MOST_TOLD]]
    if left := len(page.changes) - len(told):
        told.append((Run(f"… and {left} more", "dim"),))
    notes: list[Line] = [(Run(f"Note by {line}"),) for line in page.note.splitlines()]
    where: list[Line] = [(Run("Live page", "link", url),)] if url else []
    return (head, *told, *where, *notes, *stands(page, channel, zone))


def stands(page: Page, channel: str, zone: tzinfo) -> tuple[Line, ...]:
    """Who has it, or how to take it."""
    line = {
        OPEN: "Nobody has it yet.",
        ACKED: f"Acknowledged by {page.acked_by}{_at(page.acked, zone)}.",
        ASKED: f"Acknowledged by {page.acked_by}{_at(page.acked, zone)}. Asked again: still on it?",
        SNOOZED: f"Snoozed by {page.acked_by} until{_at(page.until, zone)}.",
        CLOSED: f"Closed by {page.closed_by}{_at(page.closed, zone)}: not news.",
        DONE: f"Closed by {page.closed_by}{_at(page.closed, zone)}: done.",
    }[page.state]
    if page.state == OPEN and not channel.startswith(TELEGRAM):
        line += f" To acknowledge, send the bot: /ack {page.short}"
    return ((Run(line, "strong"),), (Run(f"page {page.short}", "dim"),))


def reminder(page: Page) -> tuple[Line, ...]:
    """Asks whoever acknowledged a page whether that still holds."""
    return (
        (Run(f"Still on it? {page.escalation}", "strong"), Run(f" · {shown(page.source)}")),
        (Run("Without an answer in 15 minutes, everybody is asked again."),),
        (Run(f"page {page.short}", "dim"),),
    )


def handoff(
    rota: str, before: str, after: str, at: datetime, standing: Sequence[Page], zone: tzinfo, *, ahead: bool
) -> tuple[Line, ...]:
    """What both people read when a shift ends while pages stand."""
    said = f"{before or 'Nobody'} hands over to {after or 'nobody'}{_at(at, zone)}"
    head: Line = (Run(f"Rota {rota}: ", "strong"), Run(f"{said}." if ahead else f"{said}: now."))
    listed: list[Line] = [
        (Run(f"{shown(page.source)}: {page.state}{f' by {page.acked_by}' if page.acked_by else ''} · {page.short}"),)
        for page in standing[:MOST_TOLD]
    ]
    more: list[Line] = [(Run(f"… and {len(standing) - MOST_TOLD} more"),)] if len(standing) > MOST_TOLD else []
    return (head, *listed, *more)


def late(page: Page, by: str) -> tuple[Line, ...]:
    """What the operator reads where a step was not taken in time."""
    head: Line = (Run("On-call fault: ", "strong"), Run(f"a step of page {page.short} ({page.escalation}) {by}."))
    return (head, (Run("It was taken now. Was watcher stopped, or is the machine overloaded?"),))


def gaps(rota: str, spans: Sequence[tuple[datetime, datetime]], zone: tzinfo) -> tuple[Line, ...]:
    """What the operator reads where a rota has hours that nobody is on."""
    head: Line = (Run(f"Rota {rota}: nobody is on call", "strong"), Run(" for part of the next 30 days"))
    listed: list[Line] = [(Run(f"from{_at(start, zone)} to{_at(end, zone)}"),) for start, end in spans[:MOST_TOLD]]
    more: list[Line] = [(Run(f"… and {len(spans) - MOST_TOLD} more"),)] if len(spans) > MOST_TOLD else []
    return (head, *listed, *more)


def offer(described: str) -> Line:
    """What an editor may keep out once a page was no news."""
    return (Run("Keep such out? ", "strong"), Run(described))


def _at(at: datetime | None, zone: tzinfo) -> str:
    return at.astimezone(zone).strftime(" %a %b %d, %H:%M %Z") if at else ""
