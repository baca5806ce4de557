"""Webhook: each message as signed JSON to an address of the reader's own.

The signature is HMAC-SHA256, keyed with the secret, over the time of sending in seconds since 1970, a full stop and
the body. `X-Watcher-Signature: t=<time>,v1=<hex>` carries it, `X-Watcher-Timestamp` the time alone.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import ClassVar

import msgspec

from watcher.core import Dead, Failure, Fetched, Line, Message, Outcome, Retry, Sent, Tools
from watcher.notify.attempt import attempt
from watcher.pace import retry_after
from watcher.render import as_text
from watcher.wire import change_json

BUSY = 429
BUSY_WAIT = timedelta(minutes=1)
NEVER_SENT = {"connect", "dns", "tls"}
"""Failures of a POST before its body has left: these repeat unmarked."""


class WebhookOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`url`: where to POST. `secret`: the key of the signature, known to both ends."""

    url: str
    secret: str

    def __repr__(self) -> str:
        return "WebhookOptions(url=***, secret=***)"


class Webhook:
    """Posts to one address. 2xx is delivered; 429, 5xx and faults come again; other answers are final."""

    kind: ClassVar[str] = "webhook"
    Options: ClassVar[type] = WebhookOptions
    limit: int = 200_000
    sleep = staticmethod(asyncio.sleep)

    def __init__(self, options: WebhookOptions, tools: Tools) -> None:
        self.options = options
        self.tools = tools

    def measure(self, lines: tuple[Line, ...]) -> int:
        """Characters of the text."""
        return len(as_text(lines))

    async def send(self, message: Message) -> Outcome:
        """Deliver one part; never raises for what the network or the far side does."""
        body = payload(message)
        return await attempt(lambda: self._send(body), self.sleep)

    async def close(self) -> None:
        """Nothing is held open."""

    async def _send(self, body: bytes) -> Outcome:
        now = self.tools.now()
        headers = {"Content-Type": "application/json", **signature(self.options.secret, body, now)}
        return verdict(await self.tools.post(self.options.url, body, headers), now)


def payload(message: Message) -> bytes:
    """The body: what people read as `text`, and every change of the alert as data."""
    return msgspec.json.encode(
        {
            "ref": message.ref,
            "source": message.source,
            "part": message.part,
            "parts": message.parts,
            "text": as_text(message.lines),
            "changes": [change_json(change) for change in message.changes],
            "repeat": message.repeat,
        }
    )


def signature(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that prove that `body` was sent `now` by someone who knows `secret`."""
    stamp = str(int(now.timestamp()))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Watcher-Timestamp": stamp, "X-Watcher-Signature": f"t={stamp},v1={digest}"}


def verdict(answer: Fetched | Failure, now: datetime) -> Outcome:
    """What an answer means for the message; the address, which may hold a key, is never told."""
    if isinstance(answer, Failure):
        if answer.refused:
            return Dead(f"refused by rule ({answer.reason}): check this channel's url, and [fetch] allow_private")
        return Retry(
            f"no answer from the webhook ({answer.reason})", answer.retry_after, answer.reason not in NEVER_SENT
        )
    status = answer.status
    if 200 <= status < 300:  # noqa: PLR2004 - the class of HTTP success
        return Sent()
    said = f"the webhook answered {status}"
    if status == BUSY:
        return Retry(said, retry_after(answer.header("retry-after"), now) or BUSY_WAIT)
    if status >= 500:  # noqa: PLR2004 - the class of HTTP server errors
        return Retry(said, retry_after(answer.header("retry-after"), now), unknown=True)
    return Dead(f"{said}: check this channel's url and secret")
