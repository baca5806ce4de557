"""Who is told, and what they read: from the changes of one check to rows of the outbox, by routes and channels.

Below app, which builds it, and beside the pipeline, which calls it and knows neither rules nor channels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from watcher import plugins
from watcher.config import Config
from watcher.core import Alert, Change, Clock, Delivery, Notifier, Tools, instant
from watcher.folding import HELD
from watcher.people import TELEGRAM
from watcher.pipeline import Telling
from watcher.store import Connection, outbox

if TYPE_CHECKING:
    from watcher.paging import Paging
    from watcher.readers import Readers
    from watcher.route import Filter, Rule


@dataclass(slots=True)
class Channels:
    """The channels of config.toml by name, each built when it is needed first."""

    config: Config
    tools: Tools
    built: dict[str, Notifier] = field(default_factory=dict)

    def __call__(self, name: str) -> Notifier:
        """Raises LookupError for a channel that is not in config.toml (any more)."""
        if name not in self.built:
            made = self._chat(name) if name.startswith(TELEGRAM) else self._channel(name)
            self.built.setdefault(name, made)  # the store's thread and the event loop both ask
        return self.built[name]

    def _channel(self, name: str) -> Notifier:
        found = next((channel for channel in self.config.channels if channel.name == name), None)
        if found is None:
            raise LookupError(f"there is no channel {name!r} in config.toml")
        return plugins.build_notifier(found.kind, found.revealed(), self.tools)

    def _chat(self, name: str) -> Notifier:
        """The notifier of a chat that has joined."""
        from watcher.notify.telegram import Telegram

        bot = self.config.telegram
        if bot is None:
            raise LookupError("there is no [telegram] in config.toml any more")
        try:
            return Telegram.to(name, bot.token.reveal(), bot.base_url, self.tools)
        except ValueError:
            raise LookupError(f"{name!r:.80} names no chat of Telegram") from None

    async def close(self) -> None:
        """Release their connections."""
        for notifier in self.built.values():
            await notifier.close()


@dataclass(slots=True)
class Dispatch:
    """Changes to outbox rows: the routes of config.toml, each alert rendered to its channel's limit."""

    config: Config
    channels: Channels
    now: Clock
    rules: tuple[Rule, ...] | None = None
    urls: dict[str, str] = field(default_factory=dict)
    series: dict[str, str] = field(default_factory=dict)
    hold: timedelta = timedelta()
    silences: Sequence[Filter] = ()
    readers: Readers | None = None
    paging: Paging | None = None
    wake: Callable[[], None] = lambda: None

    def __call__(self, found: Sequence[Change], related: Sequence[Change] = ()) -> Telling:
        """What tells of `found`, in the transaction that stores it: the alerts with their deliveries.

        Each leads to those `related` changes that name its places.
        """
        loud = [change for change in found if not self._is_silenced(change)]
        made = self._routed(loud, related)

        def tell(conn: Connection) -> None:
            answers = self._answers(conn, loud)
            for alert, deliveries in made:
                outbox.put_alert(conn, alert, answering(deliveries, answers.get(alert.channel, "")))
            if self.config.telegram is not None and loud:
                self._tell_readers(conn, loud, related, answers)
            if self.paging is not None and loud:
                self.paging.open_pages(conn, self.rules or (), loud, self.now())

        return tell

    def _is_silenced(self, change: Change) -> bool:
        """Whether an editor has called such changes no news; faults are the operator's, and never silenced."""
        from watcher.route import matches

        return any(matches(silence, change) for silence in self.silences)

    def quiet(self, chat: str, now: datetime) -> bool:
        """Whether whoever has this chat has quiet hours then, by their own clock."""
        person = next((one for one in self.config.people if f"{TELEGRAM}{one.telegram}" == chat), None)
        if person is None or not person.quiet:
            return False
        from watcher.oncall.quiet import is_quiet

        return is_quiet(person.quiet, now, person.timezone or self.config.timezone)

    def _answers(self, conn: Connection, found: Sequence[Change]) -> Mapping[str, str]:
        """By channel, the alert that carried a figure that is another now; only chats can show what answers what."""
        if self.config.telegram is None or not found:
            return {}
        from watcher.readers import corrected

        return corrected(conn, found)

    def _tell_readers(
        self, conn: Connection, found: Sequence[Change], related: Sequence[Change], answers: Mapping[str, str]
    ) -> None:
        """Write what the subscriptions of chats let through: one message rendered for all who read the same."""
        from watcher import readers
        from watcher.store import alerts

        self.readers = self.readers or readers.Readers()
        self.readers.refresh(conn)
        wanted = self.readers.wanted(found)
        if not wanted:
            return
        now = self.now()
        told = readers.share_out(conn, wanted, now, self.quiet)
        groups: dict[tuple[tuple[str, ...], str], tuple[tuple[Change, ...], list[str]]] = {}
        for chat, changes in told.values():
            same = tuple(change.id for change in changes), chat.timezone
            groups.setdefault(same, (changes, []))[1].append(chat.id)
        for (_, zone), (changes, chats) in groups.items():
            first, ids = changes[0], tuple(sorted(change.id for change in changes))
            like = Alert("", readers.ROUTE, chats[0], first.source, first.snapshot, now, ids)
            planned = self.plan(like, changes, related=_naming_same(related, changes), hold=self.hold, zone=zone)
            made = readers.copies(planned, chats, like)
            alerts.put_all(conn, [(one, answering(rows, answers.get(one.channel, ""))) for one, rows in made])

    def _routed(self, found: Sequence[Change], related: Sequence[Change]) -> list[tuple[Alert, Sequence[Delivery]]]:
        from watcher.route import route

        if self.rules is None:
            self.rules = rules(self.config)
        alerts = route(found, self.rules, at=self.now())
        return [
            (alert, self.plan(alert, changes, related=_naming_same(related, changes), hold=self.hold))
            for alert, changes in alerts
        ]

    @property
    def chats(self) -> list[str]:
        """The channels of config.toml that are chats."""
        return [channel.name for channel in self.config.channels if channel.kind == "telegram"]

    def is_chat(self, channel: str) -> bool:
        """Whether the sender of chats serves this channel."""
        return channel.startswith(TELEGRAM) or channel in self.chats

    def letter(self, channel: str, *about: Any, **more: Any) -> tuple[Alert, Sequence[Delivery]]:
        """A message that no route made (outbox.letter), within the limits of its channel."""
        from watcher.outbox import letter

        notifier = self.channels(channel)
        return letter(channel, *about, limit=notifier.limit, measure=notifier.measure, **more)

    def plan(
        self,
        alert: Alert,
        found: Sequence[Change],
        *,
        related: Sequence[Change] = (),
        hold: timedelta = timedelta(0),
        zone: str = "",
    ) -> Sequence[Delivery]:
        """The message of an alert, cut to what its channel takes; one that may be a site's waits for `hold`.

        `zone` is the IANA name of the chat's, where it has one of its own.
        """
        from watcher.outbox import plan

        notifier, now = self.channels(alert.channel), self.now()
        names = dict.fromkeys(change.source for change in found)
        return plan(
            alert,
            found,
            pages={name: self.urls[name] for name in names if name in self.urls},
            related=[(change, self.urls.get(change.source, "")) for change in related],
            stored=self._stored(alert.source, found),
            series=self.series.get(alert.source, ""),
            zone=ZoneInfo(zone) if zone else self.config.timezone,
            limit=notifier.limit,
            measure=notifier.measure,
            now=now,
            drawn=getattr(notifier, "draws", False),
            due=now + hold if all(change.kind in HELD for change in found) else now,
        )

    def _stored(self, source: str, changes: Sequence[Change]) -> str:
        """Where the stored copy is read: the web page if there is one, else the command that shows it."""
        if self.config.public_url:
            return f"{self.config.public_url.rstrip('/')}/change/{changes[0].id}"
        return f"watcher show {source} --at {instant(max(change.at for change in changes))}"


def answering(deliveries: Sequence[Delivery], earlier: str) -> Sequence[Delivery]:
    """The parts of a message, the first of which answers the alert `earlier`, if there is one."""
    if not earlier or not deliveries:
        return deliveries
    first = replace(deliveries[0], extras=replace(deliveries[0].extras, reply_to=earlier))
    return [first, *deliveries[1:]]


def _naming_same(related: Sequence[Change], changes: Sequence[Change]) -> list[Change]:
    places = {change.subject.id for change in changes}
    return [change for change in related if change.subject.id in places]


def rules(config: Config) -> tuple[Rule, ...]:
    """The routes of config.toml as rules, places resolved, and one more that takes faults to the operator."""
    from watcher.route import Rule

    made = [
        Rule(
            to=route.to,
            name=f"route[{number}]",
            sources=route.match.sources or ("*",),
            kinds=route.match.kinds or ("*",),
            states=route.match.states,
            places=_ids(route.match.places),
            words=route.match.words,
            severity=route.match.at_least,
            page=route.page,
        )
        for number, route in enumerate(config.routes)
    ]
    return (*made, Rule(to=config.operator, name="operator", kinds=("source.*",)))


def _ids(places: Sequence[str]) -> tuple[str, ...]:
    """Places as written in config.toml to the ids that changes carry; the place table is loaded only where used."""
    if not places:
        return ()
    from watcher.places import resolve

    return tuple(resolve(place).id for place in places)
