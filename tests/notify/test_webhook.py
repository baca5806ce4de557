"""Webhook: a real server on loopback checks the signature by itself; every answer has its verdict."""

from __future__ import annotations

import asyncio
import dataclasses
import hmac
import io
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from watcher.core import (
    Change,
    Dead,
    Failure,
    Message,
    Notifier,
    Outcome,
    Retry,
    Run,
    Sent,
    Severity,
    Subject,
    Tools,
)
from watcher.fetch import Fetcher, FetchSettings
from watcher.notify.webhook import Webhook, WebhookOptions, verdict
from watcher.pace import retry_after

NOW = datetime(2017, 3, 20, 16, 0, tzinfo=UTC)
SECRET = "correct horse"
CHANGE = Change(
    id="c1",
    source="ice",
    at=NOW,
    last_seen=None,
    kind="jurisdiction.listed",
    severity=Severity.MAJOR,
    subject=Subject("us-county:32003", "Clark County, Nev.", "NV"),
    path=("records", "Clark"),
    old=None,
    new={"Jurisdiction": "Clark"},
    summary="Listed: Clark County, Nev.",
    snapshot="s2",
    before="s1",
)
MESSAGE = Message("0123456789abcdef", "ice", ((Run("Listed: ", "strong"), Run("Clark")),), (CHANGE,))


class Receiver:
    """Keeps what came; `status` and `headers` are its next answers."""

    def __init__(self) -> None:
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.came.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(receiver.status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Door)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?key=hidden"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


class Hurried(Webhook):
    """Waits between tries on a recorded clock."""

    waits: ClassVar[list[float]] = []

    @staticmethod
    async def sleep(delay: float) -> None:
        Hurried.waits.append(delay)


def send(url: str, message: Message = MESSAGE) -> Outcome:
    """Send through the one door that the app has."""

    async def story() -> Outcome:
        async with Fetcher(FetchSettings(allow_private=("127.0.0.1",)), now=lambda: NOW) as fetcher:
            tools = Tools(fetcher.post, lambda: NOW, io.StringIO())
            notifier: Notifier = Hurried(WebhookOptions(url, SECRET), tools)
            assert isinstance(notifier, Notifier)
            return await notifier.send(message)

    Hurried.waits.clear()
    return asyncio.run(story())


def test_a_message_comes_signed_with_its_changes(receiver: Receiver) -> None:
    assert send(receiver.url) == Sent()
    headers, body = receiver.came[0]
    stamp = headers["x-watcher-timestamp"]
    assert stamp == str(int(NOW.timestamp()))
    expected = hmac.digest(SECRET.encode(), stamp.encode() + b"." + body, "sha256").hex()
    assert headers["x-watcher-signature"] == f"t={stamp},v1={expected}"
    assert headers["content-type"] == "application/json"
    told: dict[str, Any] = json.loads(body)
    assert list(told) == ["ref", "source", "part", "parts", "text", "changes", "repeat"]
    assert (told["ref"], told["part"], told["parts"], told["repeat"]) == (MESSAGE.ref, 1, 1, False)
    assert told["text"] == "Listed: Clark"
    assert told["changes"][0]["subject"] == {"id": "us-county:32003", "name": "Clark County, Nev.", "state": "NV"}


def test_a_repeat_says_so_in_the_data(receiver: Receiver) -> None:
    send(receiver.url, dataclasses.replace(MESSAGE, repeat=True))
    assert json.loads(receiver.came[0][1])["repeat"] is True


def test_a_changed_body_no_longer_fits_its_signature(receiver: Receiver) -> None:
    send(receiver.url)
    headers, body = receiver.came[0]
    forged = hmac.digest(SECRET.encode(), headers["x-watcher-timestamp"].encode() + b"." + body + b" ", "sha256")
    assert forged.hex() not in headers["x-watcher-signature"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_success_is_delivered(receiver: Receiver, status: int) -> None:
    receiver.status = status
    assert send(receiver.url) == Sent()


def test_too_many_requests_wait_what_is_asked(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "120"}
    assert send(receiver.url) == Retry("the webhook answered 429", timedelta(minutes=2))


def test_a_server_error_may_have_arrived(receiver: Receiver) -> None:
    receiver.status = 503
    assert send(receiver.url) == Retry("the webhook answered 503", unknown=True)
    assert len(receiver.came) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410])
def test_another_answer_is_final_and_the_address_is_not_told(receiver: Receiver, status: int) -> None:
    receiver.status = status
    outcome = send(receiver.url)
    assert isinstance(outcome, Dead)
    assert str(status) in outcome.reason
    assert "hidden" not in outcome.reason


def test_no_connection_is_tried_thrice_and_surely_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert send(f"http://127.0.0.1:{port}/") == Retry("no answer from the webhook (connect)")
    assert len(Hurried.waits) == 2


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure("timeout", "x"), Retry("no answer from the webhook (timeout)", unknown=True)),
        (Failure("protocol", "x"), Retry("no answer from the webhook (protocol)", unknown=True)),
        (Failure("dns", "x"), Retry("no answer from the webhook (dns)")),
        (
            Failure("status", "x", retry_after=timedelta(seconds=9)),
            Retry("no answer from the webhook (status)", timedelta(seconds=9), unknown=True),
        ),
    ],
)
def test_each_failure_has_its_verdict(failure: Failure, expected: Outcome) -> None:
    assert verdict(failure, NOW) == expected


def test_an_address_that_is_refused_by_rule_is_dead() -> None:
    outcome = send("http://192.168.0.1/?key=hidden")
    assert isinstance(outcome, Dead)
    assert "allow_private" in outcome.reason
    assert "hidden" not in outcome.reason


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("30", timedelta(seconds=30)),
        ("Mon, 20 Mar 2017 16:05:00 GMT", timedelta(minutes=5)),
        ("Mon, 20 Mar 2017 15:00:00 GMT", timedelta(0)),
        ("99999999999999999999", timedelta(days=1)),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("\u0663", None),
    ],
)
def test_retry_after_is_read_in_both_forms(value: str, wait: timedelta | None) -> None:
    assert retry_after(value, NOW) == wait


def test_the_options_never_show_the_secret() -> None:
    shown = repr(WebhookOptions("https://example.org/?key=hidden", SECRET))
    assert "hidden" not in shown
    assert SECRET not in shown
