"""Console: what a terminal is sent, in colour and without, at three widths."""

from __future__ import annotations

import asyncio
import io
import re
from datetime import UTC, datetime

import pytest

from watcher.core import Failure, Fetched, Line, Message, Notifier, Outcome, Retry, Run, Sent, Tools
from watcher.notify.console import Console, ConsoleOptions

URL = "https://www.example.org/" + "a-long-path/" * 12
LINES: tuple[Line, ...] = (
    (Run("Title: ", "strong"), Run("the "), Run("old", "old"), Run(" "), Run("new", "new"), Run(" word " * 30)),
    (Run("Live page", "link", URL),),
    (Run("ref 0123456789abcdef", "dim"),),
)
ESCAPE = re.compile("\x1b\\[[0-9;]*m")


class Terminal(io.StringIO):
    """A recorded terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


async def no_post(*_: object) -> Fetched | Failure:
    raise AssertionError("a terminal is not on the network")


def send(out: io.StringIO | io.TextIOWrapper, *lines: Line, repeat: bool = False) -> Outcome:
    console: Notifier = Console(ConsoleOptions(), Tools(no_post, lambda: datetime(2017, 3, 20, tzinfo=UTC), out))
    assert isinstance(console, Notifier)
    return asyncio.run(console.send(Message("0123456789abcdef", "ice", lines or LINES, repeat=repeat)))


@pytest.fixture(autouse=True)
def colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_words_wrap_to_the_width_and_addresses_stay_whole(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = Terminal()
    assert send(out) == Sent()
    rows = ESCAPE.sub("", out.getvalue()).split("\n")
    assert f"Live page {URL}" in rows
    prose = [row for row in rows if URL not in row]
    assert max(len(row) for row in prose) <= width
    assert rows[0].startswith("Title: the old new word")
    assert rows[1].startswith("  word")
    assert rows[-3:] == ["ref 0123456789abcdef", "", ""]
    assert " ".join(" ".join(prose).split()).count("word") == 30


def test_struck_words_are_red_and_added_ones_green_and_underlined() -> None:
    out = Terminal()
    send(out)
    assert re.search("\x1b\\[9;31mold", out.getvalue())
    assert re.search("\x1b\\[4;32mnew", out.getvalue())
    assert re.search("\x1b\\[1mTitle: ", out.getvalue())


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_none_is_wanted(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    out = Terminal()
    send(out)
    assert "\x1b" not in out.getvalue()
    assert "the [-old-] {+new+}" in out.getvalue()


def test_a_file_gets_plain_unwrapped_text() -> None:
    out = io.StringIO()
    send(out, repeat=True)
    rows = out.getvalue().split("\n")
    assert rows[0] == "Repeat of 0123456789abcdef"
    assert rows[1].startswith("Title: the [-old-] {+new+} word  word")
    assert rows[2] == f"Live page <{URL}>"
    assert rows[-2:] == ["", ""]


def test_letters_that_the_terminal_lacks_become_question_marks() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    assert send(out, (Run("5 → 0"),)) == Sent()
    assert raw.getvalue() == b"5 ? 0\n\n"


@pytest.mark.parametrize("out", [Terminal(), io.StringIO()])
def test_no_page_can_steer_the_terminal(out: io.StringIO) -> None:
    send(out, (Run("\x1b]0;owned\x07\x1b[2J\x9b31m\u202e[bold]:smile:"),))
    shown = ESCAPE.sub("", out.getvalue())
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "\u202e" not in shown
    assert "⟨U+001B⟩" in shown
    assert "[bold]:smile:" in shown


def test_a_closed_terminal_is_a_retry() -> None:
    out = io.StringIO()
    out.close()
    assert isinstance(send(out), Retry)
