"""The ways in which Telegram and the road to it fail, and the script that says which call meets which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class How(Enum):
    """What becomes of the answer."""

    ANSWER = "answer"
    HANG = "hang"
    RESET = "reset"
    GARBAGE = "garbage"


@dataclass(frozen=True)
class Fault:
    """`accept`: the call takes effect although the client never hears of it. `closes`: then nobody listens any more."""

    status: int = 200
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    accept: bool = False
    how: How = How.ANSWER
    closes: bool = False


def flood(seconds: int) -> Fault:
    """429 with retry_after `seconds`."""
    return Fault(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})


def migrated(chat: int) -> Fault:
    """The group is the supergroup `chat` now."""
    return Fault(400, "Bad Request: group chat was upgraded to a supergroup chat", {"migrate_to_chat_id": chat})


def bad(description: str) -> Fault:
    """400 with these words."""
    return Fault(400, f"Bad Request: {description}")


HANG = Fault(accept=True, how=How.HANG)
RESET = Fault(accept=True, how=How.RESET)
GARBAGE = Fault(accept=True, how=How.GARBAGE)
BAD_GATEWAY = Fault(502, "Bad Gateway", accept=True)
SERVER_ERROR = Fault(500, "Internal Server Error", accept=True)
HANG_UNHEARD = Fault(how=How.HANG)
RESET_UNHEARD = Fault(how=How.RESET)
BAD_GATEWAY_UNHEARD = Fault(502, "Bad Gateway")
PORT_CLOSES = Fault(accept=True, closes=True)  # this call is answered well, and the next finds no port

BLOCKED = Fault(403, "Forbidden: bot was blocked by the user")
DEACTIVATED = Fault(403, "Forbidden: user is deactivated")
KICKED = Fault(403, "Forbidden: bot was kicked from the supergroup chat")
NOT_A_MEMBER = Fault(403, "Forbidden: bot is not a member of the supergroup chat")
NEVER_STARTED = Fault(403, "Forbidden: bot can't initiate conversation with a user")
CANNOT_PARSE = bad('can\'t parse entities: Unsupported start tag "x" at byte offset 0')
NOT_MODIFIED = bad(
    "message is not modified: specified new message content and reply markup are exactly the same"
    " as a current content and reply markup of the message"
)
EDIT_NOT_FOUND = bad("message to edit not found")
DELETE_NOT_FOUND = bad("message to delete not found")
REPLY_NOT_FOUND = bad("message to be replied not found")
CHAT_NOT_FOUND = bad("chat not found")
NO_RIGHTS = bad("not enough rights to send text messages to the chat")
TOPIC_CLOSED = bad("TOPIC_CLOSED")
TOPIC_NOT_FOUND = bad("message thread not found")
TOO_LONG = bad("message is too long")
CAPTION_TOO_LONG = bad("message caption is too long")
EMPTY = bad("message text is empty")
QUERY_TOO_OLD = bad("query is too old and response timeout expired or query ID is invalid")
UNAUTHORIZED = Fault(401, "Unauthorized")
NOT_FOUND = Fault(404, "Not Found")
CONFLICT = Fault(
    409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
)


class Refusal(Exception):  # noqa: N818 - it is an answer of Telegram's, and no error of the imitation
    """The call is not taken; `fault` is what the client hears."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.description)
        self.fault = fault


@dataclass
class Rule:
    """One entry of the script: from the `nth` call that matches on, for as many `times`; None is for ever."""

    fault: Fault
    chat: int | None
    method: str | None
    nth: int
    times: int | None
    seen: int = 0

    def matches(self, method: str, chat: int | None) -> bool:
        """Whether the call is one of those. Polls are meant only where they are named."""
        wanted = method != "getUpdates" if self.method is None else method == self.method
        return wanted and self.chat in {None, chat}


class Script:
    """The rules, oldest first. A call meets the first that is due, and counts for all that match."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def take(self, method: str, chat: int | None) -> Fault | None:
        """The fault that this call meets."""
        matching = [rule for rule in self.rules if rule.matches(method, chat)]
        for rule in matching:
            rule.seen += 1
        due = next((rule for rule in matching if rule.seen >= rule.nth), None)
        if due is None:
            return None
        if due.times is not None:
            due.times -= 1
            if not due.times:
                self.rules.remove(due)
        return due.fault
