"""The imitation as a process of its own, for tests that kill its client, and for a try by hand.

It prints its port, then reads commands, a line of JSON each, and prints what each made; it ends with its input:

    {"do": "say", "user": 7, "chat": 7, "text": "/start"}      {"chat": 7, "message_id": 1}
    {"do": "tap", "user": 7, "message": [7, 2], "label": "Acknowledge"}     "700000001"
    {"do": "fail", "fault": "RESET", "chat": 7, "times": 3}     null

`do` is a method of TelegramApi that takes plain values; a message is given by its chat and id. `--serve` reads no
commands and stays until it is stopped.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

from tests.telegram_api import faults
from tests.telegram_api.faults import Fault
from tests.telegram_api.limits import Limits
from tests.telegram_api.server import TOKEN, TelegramApi
from tests.telegram_api.world import Message

DEEDS = {
    "user", "chat", "say", "post", "edit", "press", "tap", "expire", "answer", "member", "seat", "deactivate",
    "migrate", "topic", "close_topic", "reopen_topic", "delete_topic", "transcript", "fail", "mend", "release",
    "close_port", "open_port",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.telegram_api", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path, help="append each call to this file")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--chat", type=int, action="append", default=[], help="a chat that is there from the start")
    parser.add_argument("--limits", action="store_true", help="answer 429 beyond Telegram's limits, on the real clock")
    parser.add_argument("--serve", action="store_true", help="read no commands")
    given = parser.parse_args()
    limits = Limits() if given.limits else None
    with TelegramApi(token=given.token, port=given.port, ledger=given.ledger, limits=limits) as api:
        for chat in given.chat:
            api.chat(chat)
        say(api.port)
        if given.serve:
            signal.pause()
        for line in sys.stdin:
            say(done(api, json.loads(line)))


def done(api: TelegramApi, command: dict[str, Any]) -> Any:
    """What the command made, as JSON has it."""
    deed = command.pop("do")
    if deed not in DEEDS:
        return {"error": f"unknown command {deed!r}; there are {', '.join(sorted(DEEDS))}"}
    for name in ("message", "reply_to"):
        if name in command:
            chat, message = command[name]
            command[name] = api.world.chats[chat].messages[message]
    scripted = [_fault(command.pop("fault"))] if "fault" in command else []
    made = getattr(api, deed)(*scripted, **command)
    if isinstance(made, Message):
        return {"chat": made.chat.id, "message_id": made.id}
    return made if isinstance(made, str | int) else None


def _fault(text: str) -> Fault:
    """A fault by its name, or "flood 30" or "migrated -1002"."""
    if found := re.fullmatch(r"(flood|migrated) (-?\d+)", text):
        fault: Fault = getattr(faults, found[1])(int(found[2]))
        return fault
    named: Fault = getattr(faults, text)
    return named


def say(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
