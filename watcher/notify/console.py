"""Console: messages on the terminal, struck red and added green; plain text where there are no colours to be had."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TextIO

import msgspec

from watcher.core import Line, Message, Outcome, Retry, Sent, Tools
from watcher.render import as_text, repeat_line
from watcher.render.formats import clean

if TYPE_CHECKING:
    from rich.text import Text

STYLES = {"strong": "bold", "old": "strike red", "new": "underline green", "dim": "dim"}

INDENT = 2
"""Columns by which the further rows of a wrapped line stand in, so that one sees where the next line starts."""


class ConsoleOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A terminal needs none."""


class Console:
    """Writes to the terminal that it was given."""

    kind: ClassVar[str] = "console"
    Options: ClassVar[type] = ConsoleOptions
    limit: int = 1_000_000

    def __init__(self, options: ConsoleOptions, tools: Tools) -> None:
        self.options = options
        self.tools = tools

    def measure(self, lines: tuple[Line, ...]) -> int:
        """Characters of the text."""
        return len(as_text(lines))

    async def send(self, message: Message) -> Outcome:
        """Write one part and an empty line."""
        lines = (repeat_line(message.ref), *message.lines) if message.repeat else message.lines
        out = self.tools.out
        try:
            if takes_colour(out):
                draw(lines, out)
            else:
                encoding = out.encoding or "utf-8"
                out.write(f"{as_text(lines)}\n\n".encode(encoding, "replace").decode(encoding))
            out.flush()
        except (OSError, ValueError) as error:
            return Retry(f"the terminal took nothing: {error}")
        return Sent()

    async def close(self) -> None:
        """The terminal is not ours to close."""


def takes_colour(out: TextIO) -> bool:
    """Whether `out` is a terminal that shows colours and all letters, and nobody asked for none (no-color.org)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return out.isatty() and not plain and "utf" in (out.encoding or "utf-8").lower()


def draw(lines: Sequence[Line], out: TextIO) -> None:
    """Write `lines` in colour, wrapped at words to the terminal's width; addresses stay whole, so that they open."""
    from rich.console import Console as Terminal

    terminal = Terminal(file=out, force_terminal=True, highlight=False, markup=False, emoji=False)
    for line in lines:
        text = _text(line)
        if any(run.mark == "link" for run in line):
            terminal.print(text, soft_wrap=True)
        else:
            first, *rest = text.wrap(terminal, max(terminal.width - INDENT, 1))
            terminal.print(first)
            for further in rest:
                terminal.print(" " * INDENT, further, sep="")
    terminal.print()


def _text(line: Line) -> Text:
    from rich.text import Text

    text = Text()
    for run in line:
        text.append(clean(run.text), STYLES.get(run.mark, ""))
        if run.mark == "link" and run.url != run.text:
            text.append(f" {clean(run.url)}", "cyan")
    return text
