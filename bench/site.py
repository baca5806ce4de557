"""A site on loopback that costs next to nothing: pages /p/0 … /p/999, each about 100 KB around a table of 300 rows.

Runs as a process of its own, so that its time is nobody's: it prints its port, then reads one word a line from standard
input and answers "ok". `tokens` gives every page new state tokens and leaves the tables alone; `changed` gives each
tenth page one changed and one added row. Between two such words all bytes stay the same.
"""

from __future__ import annotations

import asyncio
import base64
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROWS = 300
PAGES = 1000
CHANGES_ONE_IN = 10

OFFICES = ["Records", "Policy", "Field Operations", "Enforcement and Removal", "Legal Adviser", "Health", "Logistics"]
WORDS = [
    "notice", "request", "detention", "release", "transfer", "agreement", "custody", "county", "sheriff", "record",
    "summary", "report", "order", "review", "authority", "warrant", "interview", "transport", "medical", "property",
    "visitor", "complaint", "appeal", "hearing", "bond", "status", "officer", "facility", "schedule",
]  # fmt: skip


HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Forms and notices, list {number}</title>
<link rel="stylesheet" href="/static/site.css?v=2193">
<script nonce="{nonce}">window.site = {{"section": "forms", "list": {number}, "tools": ["search"]}};</script>
</head>
<body class="page forms">
<form method="post" action="/p/{number}">
<input type="hidden" name="__VIEWSTATE" value="{state}">
<input type="hidden" name="__EVENTVALIDATION" value="{event}">
</form>
<header><nav><ul class="menu">
{menu}
</ul></nav></header>
<main><h1>Forms and notices, list {number}</h1>
<p>Offices use the edition named here. Older editions are used up first where the list says so.</p>
<table class="views-table sticky-enabled" id="forms">
<thead><tr><th>Number</th><th>Title</th><th>Edition</th><th>Controlled</th><th>Office</th></tr></thead>
<tbody>
"""

FOOT = """</tbody>
</table></main>
<footer>
{menu}
<script nonce="{nonce}" src="/static/site.js?v=2193" defer></script>
<script nonce="{nonce}">
{script}
</script>
</footer></body></html>
"""

MENU = "\n".join(
    f'<li class="menu-item"><a href="/about/{word}" title="About: {word}">{word}</a></li>' for word in WORDS
)
SCRIPT = "\n".join(f'site.on("{word}", (event) => site.track("{word}", event.target.dataset));' for word in WORDS)


def row(number: int, revision: int = 0) -> str:
    """One row of the table; another revision has another edition and is else the same."""
    chance = random.Random(number)
    title = " ".join(chance.choices(WORDS, k=4)).capitalize()
    edition = f"{chance.randint(1, 12)}/{chance.randint(1, 28)}/{2000 + number % 20 + revision}"
    return (
        f'<tr class="views-row {"odd" if number % 2 else "even"}">'
        f'<td class="views-field views-field-number"><a href="/forms/f{number}.pdf" target="_blank">F-{number}</a></td>'
        f'<td class="views-field views-field-title">{title}</td>'
        f'<td class="views-field">{edition}</td>'
        f'<td class="views-field">{"Yes" if number % 3 else "No"}</td>'
        f'<td class="views-field">{OFFICES[number % len(OFFICES)]}</td></tr>\n'
    )


def table(number: int, revision: int, rows: list[str]) -> str:
    """The rows of page `number`: each revision changes one row more and adds one at the end."""
    first = number * 7 % (len(rows) - ROWS)
    shown = rows[first : first + ROWS]
    for step in range(1, revision + 1):
        place = step * 37 % ROWS
        shown[place] = row(first + place, step)
        shown.append(row(100_000 + step))
    return "".join(shown)


def page(number: int, revision: int, tokens: int, rows: list[str]) -> bytes:
    """The bytes of page `number` with its `revision`-th table and its `tokens`-th state tokens."""
    chance = random.Random(number * 1_000_003 + tokens)
    nonce, state, event = (base64.b64encode(chance.randbytes(size)).decode() for size in (16, 192, 48))
    head = HEAD.format(number=number, nonce=nonce, state=state, event=event, menu=MENU)
    return (head + table(number, revision, rows) + FOOT.format(nonce=nonce, menu=MENU, script=SCRIPT)).encode()


class Pages:
    """Every answer of the site, ready to be sent."""

    def __init__(self, count: int = PAGES) -> None:
        self.rows = [row(number) for number in range(3 * ROWS)]
        self.revisions = [0] * count
        self.tokens = [0] * count
        self.answers: dict[bytes, bytes] = {}
        self._build(range(count))

    def turn(self, word: str) -> None:
        """Go on to the next version: `tokens` or `changed`."""
        count = len(self.revisions)
        numbers, counted = {
            "tokens": (range(count), self.tokens),
            "changed": (range(0, count, CHANGES_ONE_IN), self.revisions),
        }[word]
        for number in numbers:
            counted[number] += 1
        self._build(numbers)

    def _build(self, numbers: range) -> None:
        for number in numbers:
            body = page(number, self.revisions[number], self.tokens[number], self.rows)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
            self.answers[b"/p/%d" % number] = head.encode() + body


class Answering(asyncio.Protocol):
    """One connection: reads requests without a body, answers each at once, and stays open."""

    MISSING = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nnot found\n"

    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        *requests, self.waiting = (self.waiting + data).split(b"\r\n\r\n")
        for request in requests:
            self.transport.write(self.pages.answers.get(request.split(b" ", 2)[1], self.MISSING))


async def serve(words: IO[str]) -> None:
    """Serve until `words` ends."""
    pages, loop = Pages(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(pages), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    while word := await loop.run_in_executor(None, words.readline):
        pages.turn(word.strip())
        print("ok", flush=True)


class Site:
    """The running site, as the measuring scripts see it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.address = f"127.0.0.1:{self._line()}"

    def url(self, number: int) -> str:
        """The address of page `number`."""
        return f"http://{self.address}/p/{number}"

    def turn(self, word: str) -> None:
        """Let the site go on to its next version, and wait until it has."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        assert self._line() == "ok"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def running() -> Iterator[Site]:
    """The site in a process of its own."""
    command = [sys.executable, str(Path(__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Site(process)
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve(sys.stdin))
