"""What buttons send back: a version, a verb, the update that the message answers, and words; at most 64 bytes.

Whoever sends it may have made it up: what it names is looked up anew, in the chat that it came from.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from watcher.core import Button, content_id

_DATA = re.compile(r"b1:([a-z]{1,10}):([0-9]{1,15}):([\w./-]{0,30})", re.ASCII)


class Sent(NamedTuple):
    """What a button sent: its verb, the update that its message answers, and its words."""

    verb: str
    root: int
    words: str


def button(text: str, verb: str, root: int, words: str = "") -> Button:
    """A button that sends these words back."""
    data = f"b1:{verb}:{root}:{words}"
    assert _DATA.fullmatch(data), data
    return Button(text, data)


def read(data: str) -> Sent | None:
    """What was sent; None for what is none of ours."""
    found = _DATA.fullmatch(data)
    return Sent(found[1], int(found[2]), found[3]) if found else None


def short(value: object) -> str:
    """Eight hex digits that stand for one of the choices of a message."""
    return content_id("choice", value)[:8]
