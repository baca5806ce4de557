"""Whom the escalations of a configuration ask: by its own rotas, at any time of the history. For rules; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from watcher.config import Config
from watcher.oncall.rota import EARLIEST, Override, Roster, Version, shift_at
from watcher.people import TELEGRAM


@dataclass(frozen=True, slots=True)
class Asked:
    """The pings of each escalation in order, the rotas (None for one that follows a calendar), and people's chats."""

    pings: Mapping[str, Sequence[str]]
    rotas: Mapping[str, Roster | None]
    chats: Mapping[str, str]

    @classmethod
    def of(cls, config: Config, overrides: Mapping[str, tuple[Override, ...]]) -> Asked:
        """What a configuration says, as if it had always held, and the exchanges that people made."""
        versions = {
            one.name: Version(
                one.people, one.start, one.handoff, one.every, one.timezone or config.timezone, valid_from=EARLIEST
            )
            for one in config.rotas
            if not one.calendar
        }
        return cls(
            pings={one.name: [step.ping for step in one.steps] for one in config.escalations},
            rotas={
                one.name: Roster((versions[one.name],), overrides.get(one.name, ())) if one.name in versions else None
                for one in config.rotas
            },
            chats={one.name: f"{TELEGRAM}{one.telegram}" for one in config.people if one.telegram},
        )

    def steps(self, escalation: str, at: datetime) -> Iterator[str]:
        """Each step of a page that opens then, in words: its number, and whom it means at that time."""
        for number, ping in enumerate(self.pings.get(escalation, ()), start=1):
            yield f"step {number}: {self._meant(ping, at)}"

    def _meant(self, ping: str, at: datetime) -> str:
        kind, _, name = ping.partition(":")
        if kind == "channel":
            return ping
        if kind == "rota":
            roster = self.rotas[name]
            if roster is None:
                return f"whoever the calendar of {name} says"
            rota, name = name, shift_at(roster, at).person
            if not name:
                return f"nobody is on call in {rota}"
        return f"{name} ({self.chats.get(name, 'no Telegram id')})"
