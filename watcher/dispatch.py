"""Who is told, and what they read: from the changes of one check to rows of the outbox, by routes and channels.

Below app, which builds it, and beside the pipeline, which calls it and knows neither rules nor channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from watcher import plugins
from watcher.config import Config
from watcher.core import Alert, Change, Clock, Delivery, Notifier, Tools, instant
from watcher.folding import HELD
from watcher.pipeline import Telling
from watcher.store import Connection, outbox

if TYPE_CHECKING:
    from watcher.route import Rule


@dataclass(slots=True)
class Channels:
    """The channels of config.toml by name, each built when it is needed first."""

    config: Config
    tools: Tools
    built: dict[str, Notifier] = field(default_factory=dict)

    def __call__(self, name: str) -> Notifier:
        """Raises LookupError for a channel that is not in config.toml (any more)."""
        if name not in self.built:
            found = next((channel for channel in self.config.channels if channel.name == name), None)
            if found is None:
                raise LookupError(f"there is no channel {name!r} in config.toml")
            self.built[name] = plugins.build_notifier(found.kind, found.revealed(), self.tools)
        return self.built[name]

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

    def __call__(self, found: Sequence[Change], related: Sequence[Change] = ()) -> Telling:
        """What tells of `found`, in the transaction that stores it: the alerts with their deliveries.

        Each leads to those `related` changes that name its places.
        """
        made = self._routed(found, related)

        def tell(conn: Connection) -> None:
            for alert, deliveries in made:
                outbox.put_alert(conn, alert, deliveries)

        return tell

    def _routed(self, found: Sequence[Change], related: Sequence[Change]) -> list[tuple[Alert, Sequence[Delivery]]]:
        from watcher.route import route

        if self.rules is None:
            self.rules = rules(self.config)
        alerts = route(found, self.rules, at=self.now())
        return [
            (alert, self.plan(alert, changes, related=_naming_same(related, changes), hold=self.hold))
            for alert, changes in alerts
        ]

    def plan(
        self, alert: Alert, found: Sequence[Change], *, related: Sequence[Change] = (), hold: timedelta = timedelta(0)
    ) -> Sequence[Delivery]:
        """The message of an alert, cut to what its channel takes; one that may be a site's waits for `hold`."""
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
            zone=self.config.timezone,
            limit=notifier.limit,
            measure=notifier.measure,
            now=now,
            due=now + hold if all(change.kind in HELD for change in found) else now,
        )

    def _stored(self, source: str, changes: Sequence[Change]) -> str:
        """Where the stored copy is read: the web page if there is one, else the command that shows it."""
        if self.config.public_url:
            return f"{self.config.public_url.rstrip('/')}/change/{changes[0].id}"
        return f"watcher show {source} --at {instant(max(change.at for change in changes))}"


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
