"""Apprise: Slack, Discord, Matrix, Teams, e-mail, ntfy and a hundred more, each by one address."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from functools import cached_property
from typing import Any, ClassVar

import msgspec

from watcher.core import Dead, Line, Message, Outcome, Retry, Sent, Tools
from watcher.render import as_markdown, as_text, repeat_line
from watcher.render.formats import unpinged

LONGEST_TITLE = 80
LEAST = 100
"""The smallest limit worth splitting for, whatever a service says."""

REPEAT_MARK = len(as_text((repeat_line("0" * 16), ())))


class AppriseOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url`: an Apprise address, which holds the service's key."""

    url: str

    def __repr__(self) -> str:
        return "AppriseOptions(url=***)"


class Apprise:
    """Sends through one Apprise service. It says only whether that worked, so each failure may have arrived."""

    kind: ClassVar[str] = "apprise"
    requires: ClassVar[tuple[str, ...]] = ("apprise",)
    Options: ClassVar[type] = AppriseOptions
    timeout: ClassVar[timedelta] = timedelta(seconds=60)

    def __init__(self, options: AppriseOptions, tools: Tools) -> None:
        self.options = options
        self.tools = tools

    @cached_property
    def limit(self) -> int:
        """Characters of one message: the service's own limit, less a title and the mark of a repeat."""
        longest = self._service.body_maxlen if self._service else LONGEST_TITLE
        return max(int(longest) - LONGEST_TITLE - REPEAT_MARK, LEAST)

    def measure(self, lines: tuple[Line, ...]) -> int:
        """Characters as this service gets them."""
        return len(self._body(lines))

    async def send(self, message: Message) -> Outcome:
        """Deliver one part; never raises for what the network or the service does."""
        if self._service is None:
            return Dead("Apprise does not know this address: check what url_env names")
        lines = (repeat_line(message.ref), *message.lines) if message.repeat else message.lines
        name = str(self._service.service_name)
        try:
            async with asyncio.timeout(self.timeout.total_seconds()):
                sent = await asyncio.to_thread(
                    self._notify, self._body(lines), f"watcher: {message.source}"[:LONGEST_TITLE]
                )
        except TimeoutError:
            return Retry(f"{name} took longer than {self.timeout.total_seconds():g} s", unknown=True)
        except Exception as error:  # noqa: BLE001 - a hundred services raise what they like; the address may be in the text
            return Retry(f"{name} failed ({type(error).__name__})", unknown=True)
        return Sent() if sent else Retry(f"{name} did not take the message", unknown=True)

    async def close(self) -> None:
        """Nothing is held open."""

    def _notify(self, body: str, title: str) -> bool:
        from apprise import NotifyFormat

        form = NotifyFormat.MARKDOWN if self._markdown else NotifyFormat.TEXT
        return bool(self._service.notify(body=body, title=title, body_format=form))

    def _body(self, lines: tuple[Line, ...]) -> str:
        return as_markdown(lines) if self._markdown else unpinged(as_text(lines))

    @cached_property
    def _markdown(self) -> bool:
        """Whether the service shows Markdown by itself; where Apprise would have to convert it, text reads better."""
        from apprise import NotifyFormat

        return self._service is not None and NotifyFormat.MARKDOWN in self._service._formats()  # noqa: SLF001 - no other way

    @cached_property
    def _service(self) -> Any:
        """The plugin for the address; None where it fits none."""
        import apprise

        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its warnings may hold the address
        return apprise.Apprise.instantiate(self.options.url, suppress_exceptions=True)
