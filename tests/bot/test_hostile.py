"""What people may send: long, bidirectional, HTML, forged, unfinished. Nothing of it breaks an answer or the inbox."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bot.house import ANA, House
from tests.store.made import NOON
from watcher.bot import asks, data
from watcher.people import Update
from watcher.store import inbox

TEXTS = [
    "/subscribe " + "A" * 4000,
    "/subscribe <b>bold</b> & <a href='tg://user?id=1'>x</a>",
    "/history <script>alert(1)</script>",
    "/place \u202eevil\u202c & <i>",
    "/place " + "Clark, " * 500,
    "/mute -5h",
    "/mute 99999999999999h",
    "/digest daily 25:61",
    "/timezone ../../etc/passwd",
    "/unsubscribe 99999999999999999999",
    "/unsubscribe ²",
    "/diff ../../etc/passwd",
    "/replay list 0000-00-00",
    "/replay list " + "9" * 9 + "w",
    "/why ref zzzz",
    "/ack " + "é" * 3000,
    "/start " + "x" * 500,
    "/frob\u202egnicate",
    "\ud83d\ude00 & <b>",
    "/",
    "//",
]


def test_every_text_is_answered_or_left_alone_and_none_is_a_fault(house: House) -> None:
    house.open().joined()
    for text in TEXTS:
        house.later(seconds=10)
        said = house.say(text)
        assert "That did not work" not in said, text
        assert "\u202e" not in said
    assert house.api.refused == []
    assert "told nothing yet" in house.say("/list") or "1." in house.say("/list")


def test_what_should_follow_and_fails_holds_nobody_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    from watcher.bot import registry
    from watcher.bot.desk import Answer

    def after() -> None:
        raise ZeroDivisionError

    def broken(conn: object, talk: object) -> Answer:
        del conn, talk
        return Answer(then=after)

    monkeypatch.setitem(registry.COMMANDS, "latest", replace(registry.COMMANDS["latest"], run=broken))
    house.open().joined()
    assert house.say("/latest") == ""
    assert "told nothing yet" in house.say("/list")


def test_an_answer_that_cannot_be_written_is_left_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.open().joined()

    def broken(*given: object, **more: object) -> None:
        raise ZeroDivisionError(str((given, more))[:0])

    with monkeypatch.context() as patched:
        patched.setattr(type(house.app.dispatch), "letter", broken)
        assert house.say("/list") == ""
    assert "told nothing yet" in house.say("/list")


DATA = [
    "", "b1", "b1:sub", "b1:sub:1:", "b1:sub:999999999999999:00000000", "b1:unsub:1:../../x", "b1:kind:1:table",
    "b1:named:1:table", "b1:mute:1:9w", "b1:place:1:x", "b1:digest:1:nothere", "b2:sub:1:x", "p1::ack:", "p1:0:ack:-1",
    "x" * 64, "b1:sub:1:\u202e", "<b>", "b1:__class__:1:x",
]  # fmt: skip


def test_forged_buttons_are_refused_and_none_is_a_fault(house: House) -> None:
    house.open().joined()
    house.say("/subscribe dropped")
    (message,) = house.api.messages(ANA)
    for sent in DATA:
        house.later(seconds=10)
        answer = house.press(ANA, message, sent)
        assert "did not work" not in (answer or ""), sent
    assert house.store.read_sync(inbox.unhandled, 1) == []
    assert house.api.refused == []


def test_an_old_press_without_its_message_still_works(house: House) -> None:
    house.open().joined()
    house.say("/subscribe dropped")
    (message,) = house.api.messages(ANA)
    query = house.api.press(ANA, message, message.button("Unsubscribe")["callback_data"], old=True)
    house.wait()
    house.api.until(lambda: house.api.answer(query) is not None)
    assert "told nothing yet" in house.say("/list")


def test_a_press_that_is_too_old_to_answer_has_its_effect(house: House) -> None:
    house.open().joined()
    house.say("/subscribe dropped")
    (message,) = house.api.messages(ANA)
    from tests.telegram_api import faults

    house.api.fail(faults.QUERY_TOO_OLD, method="answerCallbackQuery")
    house.api.tap(ANA, message, "Unsubscribe")
    house.wait()
    assert "told nothing yet" in house.say("/list")


def test_a_fault_is_told_with_a_reference_and_holds_nobody_up(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dataclasses import replace

    from watcher.bot import registry

    def broken(conn: object, talk: object) -> object:
        raise ZeroDivisionError(f"{conn} {talk}"[:0])

    monkeypatch.setitem(registry.COMMANDS, "latest", replace(registry.COMMANDS["latest"], run=broken))
    house.open().joined()
    said = house.say("/latest")
    assert "That did not work. It is written down for whoever runs this bot, as " in said
    reference = said.rsplit(" ", 1)[1].strip(".")
    assert reference in caplog.text
    assert [(deed.who, deed.about) for deed in house.deeds() if deed.action == "fault"] == [(ANA, reference)]
    assert "told nothing yet" in house.say("/list")


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["message", "chat", "from", "text", "date", "id", "type", "callback_query", "data"]),
        inner, max_size=4,
    ),
    max_leaves=20,
))  # fmt: skip
def test_no_update_is_too_strange_to_be_read(body: object) -> None:
    update = Update(1, NOON, body if isinstance(body, dict) else {"message": body})
    assert asks.read(update) is None or isinstance(asks.read(update), asks.Ask)


@given(st.text(max_size=80))
def test_data_is_read_or_refused(sent: str) -> None:
    found = data.read(sent)
    assert found is None or data.button("x", *found).data == sent


@given(
    st.sampled_from(["sub", "unsub", "kind"]),
    st.integers(0, 10**15 - 1),
    st.from_regex(r"[a-z0-9.-]{0,30}", fullmatch=True),
)
def test_every_button_fits_and_comes_back(verb: str, root: int, words: str) -> None:
    made = data.button("x", verb, root, words)
    assert len(made.data.encode()) <= 64
    assert data.read(made.data) == (verb, root, words)


def test_the_caption_of_a_picture_is_what_is_answered() -> None:
    chat = {"id": ANA, "type": "private"}
    picture = {"message_id": 4, "chat": chat, "caption": "Dropped. ref 0123456789abcdef"}
    said = {"message_id": 5, "chat": chat, "text": "/why", "reply_to_message": picture}
    ask = asks.read(Update(1, NOON, {"message": said}))
    assert ask is not None
    assert (ask.answered, ask.message) == ("Dropped. ref 0123456789abcdef", 4)
