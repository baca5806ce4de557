"""What the bot called, in order: in memory, and if asked in a file of JSON lines, written before the client hears."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from tests.telegram_api.entities import Entity

Outcome = Literal["accepted", "hidden", "refused"]


@dataclass(frozen=True)
class Call:
    """One call but a poll.

    `outcome`: accepted; hidden is accepted too, but the client got no good answer; refused had no effect, and then
    `status` and `description` say what the client heard. `text` is the text or caption after parsing, or as it came in
    a refused call; `fields` are the parameters as they came. `at` is seconds on the clock of the imitation; `early`
    that a 429 had asked to wait longer.
    """

    number: int
    method: str
    outcome: Outcome
    at: float
    fields: dict[str, str] = field(repr=False)
    chat: int | None = None
    topic: int | None = None
    message_id: int | None = None
    text: str = ""
    entities: list[Entity] = field(default_factory=list)
    markup: dict[str, Any] | None = None
    reply: dict[str, Any] | None = None
    photo: bytes | None = field(default=None, repr=False)
    status: int = 200
    description: str = ""
    early: bool = False

    @property
    def took_effect(self) -> bool:
        """Whether people see what it did."""
        return self.outcome != "refused"

    @property
    def links(self) -> list[str]:
        """Where the links of its text lead."""
        return [entity["url"] for entity in self.entities if entity["type"] == "text_link"]


class Ledger:
    """All calls. `path` is appended to."""

    def __init__(self, path: Path | None) -> None:
        self.calls: list[Call] = []
        self._file = path.open("a", encoding="utf-8") if path else None

    def add(self, call: Call) -> None:
        self.calls.append(call)
        if self._file:
            photo = base64.b64encode(call.photo).decode() if call.photo is not None else None
            self._file.write(json.dumps(asdict(call) | {"photo": photo}) + "\n")
            self._file.flush()

    def close(self) -> None:
        if self._file:
            self._file.close()


def read_ledger(path: Path) -> list[Call]:
    """The calls in the file `path`, but a last line that is still being written."""
    calls = []
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if line.endswith("\n"):
            call = json.loads(line)
            photo = call.pop("photo")
            calls.append(Call(**call, photo=None if photo is None else base64.b64decode(photo)))
    return calls
