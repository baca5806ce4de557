"""An imitation of the Telegram Bot API on loopback: it keeps a ledger, is strict, and fails on demand."""

from __future__ import annotations

import json
import re
import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
ALLOWED = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre", "a"}
ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")


class ParseError(Exception):
    """The HTML is not what Telegram takes."""


class StrictHTML(HTMLParser):
    """Reads Telegram's HTML: allowed tags only, never nested, each closed, every & < > in text escaped."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.text: list[str] = []
        self.links: list[str] = []
        self.entities = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ALLOWED:
            raise ParseError(f'Unsupported start tag "{tag}"')
        if self.open:
            raise ParseError(f"tag {tag} inside {self.open[-1]}")
        names = [name for name, _ in attrs]
        if names != (["href"] if tag == "a" else []):
            raise ParseError(f"attributes {names} of {tag}")
        if tag == "a":
            self.links.append(attrs[0][1] or "")
        self.open.append(tag)
        self.entities += 1

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            raise ParseError(f'Unexpected end tag "{tag}"')

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        raise ParseError(f"self-closing tag {tag} {attrs}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise ParseError(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        raise ParseError(f"declaration {decl}")

    def unknown_decl(self, data: str) -> None:
        raise ParseError(f"declaration {data}")

    def handle_pi(self, data: str) -> None:
        raise ParseError(f"instruction {data}")


TAG = re.compile(r"</?[a-z]+(?: href=\"[^\"<>]*\")?>")


def parse_html(text: str) -> StrictHTML:
    """Read `text` as Telegram would. Raises ParseError."""
    bare = ENTITY.sub("", TAG.sub("", text))
    for char in "<>&":
        if char in bare:
            raise ParseError(f"unescaped {char!r} near {bare[max(bare.index(char) - 20, 0) :][:40]!r}")
    parser = StrictHTML()
    parser.feed(text)
    parser.close()
    if parser.open:
        raise ParseError(f'Can\'t find end tag corresponding to start tag "{parser.open[-1]}"')
    return parser


@dataclass(frozen=True)
class Call:
    """One accepted or refused sendMessage: its fields as they came, and the text that people would see."""

    fields: dict[str, str]
    visible: str = ""
    entities: int = 0
    links: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.fields["text"]


@dataclass(frozen=True)
class Answer:
    """What to answer instead of 200. `accept`: keep the message all the same. `how`: reply, hang, cut or garbage."""

    status: int = 200
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    accept: bool = False
    how: str = "reply"


class BotApi:
    """The server: `accepted` is the ledger of messages that people see, `refused` of the others, in order."""

    def __init__(self) -> None:
        self.accepted: list[Call] = []
        self.refused: list[tuple[Call, str]] = []
        self.script: deque[Answer] = deque()
        self.released = threading.Event()
        api = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                api.serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}/bot"

    @property
    def calls(self) -> int:
        return len(self.accepted) + len(self.refused)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def will(self, *answers: Answer) -> None:
        """Answer the next calls so; after that, as Telegram does."""
        self.script.extend(answers)

    def serve(self, door: BaseHTTPRequestHandler) -> None:
        body = door.rfile.read(int(door.headers.get("content-length", "0")))
        answer = self.script.popleft() if self.script else None
        try:
            call = self._check(door.path, body)
        except ParseError as error:
            fields = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
            self.refused.append((Call(fields), str(error)))
            status = 404 if "Not Found" in str(error) else 400
            reply(door, status, description=f"{'Bad Request: ' * (status == 400)}{error}")
            return
        if answer is None or answer.accept or (answer.status == 200 and answer.how == "reply"):
            self.accepted.append(call)
        else:
            self.refused.append((call, answer.description))
        self._answer(door, call, answer or Answer())

    def _check(self, path: str, body: bytes) -> Call:
        if unquote(path) != f"/bot{TOKEN}/sendMessage":
            raise ParseError("Not Found")
        try:
            fields = {name: values[0] for name, values in parse_qs(body.decode("ascii"), errors="strict").items()}
        except UnicodeError as error:
            raise ParseError("strings must be encoded in UTF-8") from error
        text = fields.get("text", "")
        call = Call(fields, text)
        if fields.get("parse_mode") == "HTML":
            try:
                read = parse_html(text)
            except ParseError as error:
                raise ParseError(f"can't parse entities: {error}") from error
            call = Call(fields, "".join(read.text), read.entities, tuple(read.links))
        if "\0" in text:
            raise ParseError("text must not hold NUL")
        if not call.visible.strip():
            raise ParseError("message text is empty")
        if len(call.visible.encode("utf-16-le")) // 2 > 4096:
            raise ParseError("message is too long")
        return call

    def _answer(self, door: BaseHTTPRequestHandler, call: Call, answer: Answer) -> None:
        if answer.how == "hang":
            self.released.wait()
            door.close_connection = True
        elif answer.how == "cut":
            door.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            door.close_connection = True
            door.rfile.close()
            door.connection.close()
        elif answer.how == "garbage":
            send(door, answer.status, b"<html>not JSON")
        elif answer.status != 200:
            reply(door, answer.status, description=answer.description, parameters=answer.parameters)
        else:
            chat = {"id": int(call.fields["chat_id"]), "type": "private"}
            message = {"message_id": len(self.accepted), "date": 1490043600, "chat": chat, "text": call.visible}
            send(door, 200, json.dumps({"ok": True, "result": message}).encode())


def reply(
    door: BaseHTTPRequestHandler, status: int, *, description: str, parameters: dict[str, Any] | None = None
) -> None:
    told = {"ok": False, "error_code": status, "description": description}
    send(door, status, json.dumps(told | ({"parameters": parameters} if parameters else {})).encode())


def send(door: BaseHTTPRequestHandler, status: int, body: bytes) -> None:
    door.send_response(status)
    door.send_header("Content-Type", "application/json")
    door.send_header("Content-Length", str(len(body)))
    door.end_headers()
    door.wfile.write(body)
