"""`archive = true`: a web archive is asked to save a page that changed, and its copy is linked where the alert went.

Called each minute by the service, which runs alongside; an archive is slow, often overloaded, and nobody waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from watcher.core import Alert, Change, Clock, Extras, Failure, Fetch, Fetched, Lane, Run, Severity, Source
from watcher.outbox import Letter
from watcher.people import TELEGRAM
from watcher.store import Connection, Store, alerts, changes, outbox

WITHIN = timedelta(days=1)
"""How long after a change the archive is still asked: what it saves later may be another page."""
WAITS = tuple(timedelta(minutes=minutes) for minutes in (2, 5, 15, 30, 60, 120, 240, 240, 240))
GONE = ("source.", "page.gone", "report.withdrawn", "report.late")
"""Kinds of change after which there is no page to be saved."""
ROUTE = "archive"
_SAVED = re.compile(r"/web/([0-9]{14})[a-z_]{0,4}/")


class Wanted(NamedTuple):
    """A page that is to be saved: its source, the capture in which it had changed and when, and what had."""

    source: Source
    snapshot: str
    at: datetime
    changes: tuple[str, ...]

    @property
    def mark(self) -> Alert:
        """What is stored once it was saved, so that it is done once."""
        return Alert(f"{ROUTE}-{self.snapshot}", ROUTE, "", self.source.name, self.snapshot, _EPOCH, ())


_EPOCH = datetime.fromisoformat("2000-01-01T00:00:00+00:00")


@dataclass(slots=True)
class Archiving:
    """The asking of one archive at `base`; `chats` are channels of config.toml that are Telegram chats, too."""

    store: Store
    fetch: Fetch
    base: str
    letter: Letter
    now: Clock
    chats: Collection[str] = ()
    tried: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    async def tick(self, sources: Sequence[Source]) -> bool:
        """Ask for one page of those `sources` that want it; whether somebody is to be told. Raises StoreError."""
        kept = {one.name: one for one in sources if one.archive}
        if not kept:
            return False
        now = self.now()
        wanted = await self.store.read(_wanted, kept, now - WITHIN)
        self.tried = {one.snapshot: self.tried[one.snapshot] for one in wanted if one.snapshot in self.tried}
        for one in wanted:
            attempts, due = self.tried.get(one.snapshot, (0, now))
            if due <= now:
                return await self._ask(one, attempts, now)
        return False

    async def _ask(self, one: Wanted, attempts: int, now: datetime) -> bool:
        wait = WAITS[attempts] if attempts < len(WAITS) else WITHIN
        self.tried[one.snapshot] = attempts + 1, now + wait
        address = f"{self.base.rstrip('/')}/save/{one.source.url}"
        answer = await self.fetch(Source(ROUTE, "page", address, ignore_robots=True), address)
        stamp = _stamp(answer)
        if stamp is None or stamp < f"{one.at:%Y%m%d%H%M%S}":  # a copy that it had already is not of what changed
            return False
        return await self.store.run(self._link, one, f"{self.base.rstrip('/')}/web/{stamp}/{one.source.url}")

    def _link(self, conn: Connection, one: Wanted, copy: str) -> bool:
        """Answer each alert that told of it in a chat with where the copy is."""
        outbox.put_alert(conn, one.mark, ())
        told = [alert for alert in alerts.about(conn, one.source.name, one.changes) if self._is_chat(alert.channel)]
        for alert in told:
            line = (Run("Saved by the web archive: "), Run("the page as it was then", "link", copy))
            extras = Extras(reply_to=alert.id, silent=True)
            message = self.letter(
                alert.channel, ROUTE, alert.id, (line,), now=self.now(), lane=Lane.DIGEST, extras=extras
            )
            outbox.put_alert(conn, *message)
        return bool(told)

    def _is_chat(self, channel: str) -> bool:
        return channel.startswith(TELEGRAM) or channel in self.chats


def _wanted(conn: Connection, sources: dict[str, Source], since: datetime) -> list[Wanted]:
    """What changed since then in `sources` so that it matters, and was not saved yet, oldest first."""
    found: dict[tuple[str, str], list[Change]] = {}
    for change in changes.history(conn, sources=list(sources), since=since):
        if change.source in sources and change.snapshot and _matters(change):
            found.setdefault((change.source, change.snapshot), []).append(change)
    wanted = [
        Wanted(sources[source], snapshot, max(one.at for one in told), tuple(one.id for one in told))
        for (source, snapshot), told in found.items()
    ]
    done = alerts.made(conn, [one.mark.id for one in wanted])
    return [one for one in wanted if one.mark.id not in done]


def _matters(change: Change) -> bool:
    return change.severity >= Severity.MAJOR and not change.kind.startswith(GONE)


def _stamp(answer: Fetched | Failure) -> str | None:
    """The time of the copy that the archive says it made, None where it made none (yet)."""
    if isinstance(answer, Failure) or answer.status >= 400:  # noqa: PLR2004 - an error
        return None
    for text in (answer.header("content-location"), answer.url, *(hop.url for hop in answer.redirects)):
        if found := _SAVED.search(text):
            return found[1]
    return None
