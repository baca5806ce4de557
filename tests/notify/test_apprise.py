"""Apprise: through its json:// service to a server on loopback, and what is said where it fails."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from watcher.core import Dead, Failure, Fetched, Line, Message, Notifier, Outcome, Retry, Run, Sent, Tools
from watcher.notify.apprise import Apprise, AppriseOptions

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

LINES: tuple[Line, ...] = ((Run("Listed: ", "strong"), Run("Clark *County*, <b>@everyone</b>")),)
MESSAGE = Message("0123456789abcdef", "ice", LINES)


async def no_post(*_: object) -> Fetched | Failure:
    raise AssertionError("Apprise brings its own")


class Service:
    """A json:// service that keeps what came."""

    def __init__(self) -> None:
        self.came: list[dict[str, Any]] = []
        self.status = 200
        self.hang = threading.Event()
        self.hang.set()
        service = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                service.came.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                service.hang.wait()
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Door)
        self.url = f"json://user:hidden@127.0.0.1:{self.server.server_address[1]}/"


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.hang.set()
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def apprise(url: str) -> Apprise:
    return Apprise(AppriseOptions(url), Tools(no_post, lambda: datetime(2017, 3, 20, tzinfo=UTC), io.StringIO()))


def send(url: str, message: Message = MESSAGE) -> Outcome:
    return asyncio.run(apprise(url).send(message))


def test_it_is_a_notifier() -> None:
    notifier: Notifier = apprise("json://127.0.0.1")
    assert isinstance(notifier, Notifier)


def test_a_service_that_shows_markdown_gets_it_escaped(service: Service) -> None:
    assert send(service.url) == Sent()
    (came,) = service.came
    assert came["title"] == "watcher: ice"
    assert came["message"] == "**Listed\\:** Clark \\*County\\*, \\<b\\>@\u200beveryone\\</b\\>"


def test_a_repeat_says_so(service: Service) -> None:
    send(service.url, Message(MESSAGE.ref, "ice", LINES, repeat=True))
    assert service.came[0]["message"].startswith(f"Repeat of {MESSAGE.ref}  \n")


def test_other_services_get_plain_text_that_pings_nobody() -> None:
    mail = apprise("mailto://user:hidden@example.org")
    assert mail._body(LINES) == "Listed: Clark *County*, <b>@\u200beveryone</b>"


def test_a_refusal_may_have_arrived_and_the_address_is_not_told(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    service.status = 500
    outcome = send(service.url)
    assert outcome == Retry("JSON did not take the message", unknown=True)
    assert "hidden" not in caplog.text


def test_no_connection_is_a_retry() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert send(f"json://127.0.0.1:{port}/") == Retry("JSON did not take the message", unknown=True)


def test_a_service_that_hangs_is_left_after_a_while(service: Service) -> None:
    service.hang.clear()

    class Hurried(Apprise):
        timeout = timedelta(seconds=0.2)

    async def story() -> Outcome:
        hurried = Hurried(AppriseOptions(service.url), apprise(service.url).tools)
        outcome = await hurried.send(MESSAGE)
        service.hang.set()
        return outcome

    assert asyncio.run(story()) == Retry("JSON took longer than 0.2 s", unknown=True)


def test_an_address_that_fits_nothing_is_dead_and_not_told() -> None:
    outcome = send("nonsense://hidden")
    assert isinstance(outcome, Dead)
    assert "hidden" not in outcome.reason
    assert apprise("nonsense://hidden").limit >= 100


@pytest.mark.parametrize(
    ("url", "longest"),
    [("json://127.0.0.1", 32768), ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", 2000), ("nonsense://", 80)],
)
def test_the_limit_is_the_services_own_with_room_for_title_and_mark(url: str, longest: int) -> None:
    limit = apprise(url).limit
    assert limit == max(longest - 80 - 27, 100)


def test_the_options_never_show_the_address() -> None:
    assert "hidden" not in repr(AppriseOptions("json://hidden"))
