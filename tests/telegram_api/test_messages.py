"""Messages, pictures, keyboards and edits: what is taken, what is refused, and what people then see."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, TelegramError

from tests.telegram_api import TelegramApi, read_ledger
from tests.telegram_api.clients import run


def keyboard(*data: str) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup([[InlineKeyboardButton(one.title(), callback_data=one) for one in data]])


def png(width: int = 20, height: int = 10) -> bytes:
    file = io.BytesIO()
    Image.new("1", (width, height)).save(file, "PNG")
    return file.getvalue()


def refusal(api: TelegramApi, method: str, **fields: object) -> TelegramError:
    async def story(bot: Bot) -> None:
        await getattr(bot, method)(**fields)

    with pytest.raises(TelegramError) as caught:
        run(api.base_url, story)
    assert api.refused[-1].description
    return caught.value


def test_a_message_is_kept_as_people_see_it(api: TelegramApi) -> None:
    asked = api.say(7, 7, "/start")

    async def story(bot: Bot) -> None:
        sent = await bot.send_message(
            7, "<b>Listed:</b> A &amp; B 😀 <i>x</i>", "HTML", reply_parameters=ReplyParameters(asked.id),
            reply_markup=keyboard("acknowledge", "mute"),
        )  # fmt: skip
        assert sent.text == "Listed: A & B 😀 x"
        assert [sent.parse_entity(entity) for entity in sent.entities] == ["Listed:", "x"]
        assert sent.reply_to_message
        assert sent.reply_to_message.text == "/start"

    run(api.base_url, story)
    (call,) = api.accepted
    assert (call.number, call.method, call.outcome, call.chat, call.message_id) == (1, "sendMessage", "accepted", 7, 2)
    assert (call.text, call.at) == ("Listed: A & B 😀 x", 1_490_043_600.0)
    assert call.entities[1] == {"type": "italic", "offset": 17, "length": 1}
    assert call.reply == {"message_id": 1}
    assert call.markup == keyboard("acknowledge", "mute").to_dict()
    assert api.transcript(7) == "User 7: /start\nWatcher: Listed: A & B 😀 x\n  [Acknowledge] [Mute]"


def test_edits_apply_and_an_edit_without_keyboard_takes_it_away(api: TelegramApi) -> None:
    api.chat(7)

    async def story(bot: Bot) -> None:
        sent = await bot.send_message(7, "one", reply_markup=keyboard("a"))
        await sent.edit_text("two", reply_markup=keyboard("a"))
        with pytest.raises(BadRequest, match="Message is not modified"):
            await sent.edit_text("two", reply_markup=keyboard("a"))
        await sent.edit_reply_markup(keyboard("b", "c"))
        assert api.messages(7)[0].labels == ["B", "C"]
        await sent.edit_text("three")
        (message,) = api.messages(7)
        assert (message.text, message.labels, message.edits) == ("three", [], 2)
        await sent.delete()
        assert api.messages(7) == []
        for gone in (sent.edit_text("four"), sent.delete()):
            with pytest.raises(BadRequest, match="not found"):
                await gone

    run(api.base_url, story)
    assert len(api.sent(7)) == 1


def test_a_picture_is_kept_byte_by_byte_and_its_caption_edited(api: TelegramApi) -> None:
    api.chat(-5)

    async def story(bot: Bot) -> None:
        sent = await bot.send_photo(-5, png(), caption="<b>before</b>", parse_mode="HTML")
        again = await bot.send_photo(-5, sent.photo[-1].file_id)
        assert again.photo
        await sent.edit_caption("after")
        with pytest.raises(BadRequest, match="There is no text"):
            await sent.edit_text("x")

    run(api.base_url, story)
    assert api.accepted[0].photo == png()
    assert api.messages(-5)[1].photo == png()
    assert api.transcript(-5) == "Watcher: [picture] after (edited)\nWatcher: [picture] "


@pytest.mark.parametrize(
    ("method", "fields", "words"),
    [
        ("send_message", {"chat_id": 8, "text": "x"}, "chat not found"),
        ("send_message", {"chat_id": 7, "text": " \n"}, "text is empty"),
        ("send_message", {"chat_id": 7, "text": "😀" * 2049}, "message is too long"),
        ("send_message", {"chat_id": 7, "text": "x\0"}, "UTF-8"),
        ("send_message", {"chat_id": 7, "text": "a < b", "parse_mode": "HTML"}, "can't parse entities"),
        ("send_message", {"chat_id": 7, "text": "*a*", "parse_mode": "MarkdownV2"}, "parse_mode"),
        ("send_message", {"chat_id": 7, "text": "x", "message_thread_id": 9}, "thread not found"),
        ("send_message", {"chat_id": 7, "text": "x", "reply_parameters": ReplyParameters(99)}, "replied not found"),
        ("send_message", {"chat_id": 7, "text": "x", "reply_markup": keyboard("é" * 33)}, "BUTTON_DATA_INVALID"),
        ("send_message", {"chat_id": 7, "text": "x", "reply_markup": keyboard(*["x"] * 101)}, "too long"),
        ("send_photo", {"chat_id": 7, "photo": b"no picture"}, "IMAGE_PROCESS_FAILED"),
        ("send_photo", {"chat_id": 7, "photo": png(2100, 100)}, "PHOTO_INVALID_DIMENSIONS"),
        ("send_photo", {"chat_id": 7, "photo": png(), "caption": "x" * 1025}, "caption is too long"),
        ("edit_message_text", {"text": "x", "chat_id": 7, "message_id": 99}, "message to edit not found"),
        ("edit_message_text", {"text": "x", "chat_id": 7, "message_id": 1}, "can't be edited"),
        ("answer_callback_query", {"callback_query_id": "1"}, "query is too old"),
        ("set_my_commands", {"commands": [BotCommand("Help me", "x")]}, "BOT_COMMAND_INVALID"),
        ("set_webhook", {"url": "http://example.org"}, "HTTPS"),
        ("leave_chat", {"chat_id": 7}, "not a group"),
    ],
)
def test_what_telegram_refuses_is_refused(api: TelegramApi, method: str, fields: dict[str, object], words: str) -> None:
    api.say(7, 7, "/start")
    error = refusal(api, method, **fields)
    assert isinstance(error, BadRequest)
    assert words.lower() in error.message.lower()
    assert (len(api.refused), api.accepted, api.messages(7)) == (1, [], [])


def test_the_longest_texts_and_data_are_taken_and_a_hundred_entities_count(api: TelegramApi) -> None:
    api.chat(7)

    async def story(bot: Bot) -> None:
        await bot.send_message(7, "<b>" + "😀" * 2048 + "</b>", "HTML", reply_markup=keyboard("x" * 64))
        await bot.send_photo(7, png(), caption="x" * 1024)
        await bot.send_message(7, "<b>x</b>" * 101, "HTML")

    run(api.base_url, story)
    assert [(len(call.text), len(call.entities)) for call in api.accepted] == [(2048, 1), (1024, 0), (101, 100)]


@pytest.mark.parametrize(
    ("status", "chat", "words"),
    [
        ("kicked", 7, "blocked by the user"),
        ("never", 7, "can't initiate"),
        ("kicked", -5, "kicked from the group chat"),
        ("left", -1_000_000_000_001, "not a member of the supergroup chat"),
    ],
)
def test_a_shut_chat_is_forbidden(api: TelegramApi, status: str, chat: int, words: str) -> None:
    api.chat(chat, bot=status)
    error = refusal(api, "send_message", chat_id=chat, text="x")
    assert isinstance(error, Forbidden)
    assert words.lower() in error.message.lower()


def test_a_deactivated_user_a_muted_bot_and_a_channel_refuse_too(api: TelegramApi) -> None:
    api.say(7, 7, "/start")
    api.deactivate(7)
    assert "user is deactivated" in refusal(api, "send_message", chat_id=7, text="x").message
    api.chat(-5)
    api.member(-5, "restricted")
    assert "Not enough rights" in refusal(api, "send_message", chat_id=-5, text="x").message
    api.chat(-6, kind="channel", bot="member")
    assert "Need administrator rights" in refusal(api, "send_message", chat_id=-6, text="x").message


def test_a_group_that_moved_says_where(api: TelegramApi) -> None:
    api.chat(-5)
    api.migrate(-5, -1_000_000_000_005)
    error = refusal(api, "send_message", chat_id=-5, text="x")
    assert isinstance(error, ChatMigrated)
    assert error.new_chat_id == -1_000_000_000_005


def test_topics_open_close_and_go(api: TelegramApi) -> None:
    forum = -1_000_000_000_009
    number = api.topic(forum, "Desk")

    async def story(bot: Bot) -> None:
        sent = await bot.send_message(forum, "x", message_thread_id=number)
        assert sent.message_thread_id == number
        await bot.send_message(forum, "general")
        assert [message.text for message in api.messages(forum, number)] == ["x"]
        api.close_topic(forum, number)
        with pytest.raises(BadRequest, match=r"(?i)topic_closed"):
            await bot.send_message(forum, "x", message_thread_id=number)
        api.reopen_topic(forum, number)
        await bot.send_message(forum, "y", message_thread_id=number)
        api.delete_topic(forum, number)
        with pytest.raises(BadRequest, match="thread not found"):
            await bot.send_message(forum, "x", message_thread_id=number)

    run(api.base_url, story)
    assert [call.topic for call in api.accepted] == [number, None, number]
    assert api.transcript(forum) == "Watcher: general"


@pytest.mark.parametrize("token", ["1:" + "x" * 35, "1:short"])
def test_a_wrong_token_is_not_let_in(api: TelegramApi, token: str) -> None:
    async def story(bot: Bot) -> None:
        await bot.get_me()

    with pytest.raises(InvalidToken):
        run(api.base_url, story, token)
    assert api.calls == []


def test_chats_and_members_are_told(api: TelegramApi) -> None:
    api.user(7, "Ana", username="ana")
    api.say(7, -5, "hello")
    api.say(8, -5, "hello")
    api.seat(-5, 7, "administrator")

    async def story(bot: Bot) -> None:
        assert (await bot.get_me()).id == bot.id
        assert (await bot.get_chat(-5)).title == "Group -5"
        assert [(await bot.get_chat_member(-5, user)).status for user in (7, 8, bot.id)] == [
            "administrator", "member", "member",
        ]  # fmt: skip
        assert [head.user.username for head in await bot.get_chat_administrators(-5)] == ["ana"]
        assert await bot.set_my_commands([BotCommand("help", "What I can do")])
        assert await bot.leave_chat(-5)
        left = (await bot.get_updates(offset=-1))[0].my_chat_member
        assert left
        assert (left.from_user.id, left.new_chat_member.status) == (bot.id, "left")
        with pytest.raises(Forbidden):
            await bot.get_chat_administrators(-5)

    run(api.base_url, story)
    assert api.world.commands == {"default": [{"command": "help", "description": "What I can do"}]}


def test_the_file_of_the_ledger_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with TelegramApi(ledger=path) as api:
        api.chat(7)

        async def story(bot: Bot) -> None:
            await bot.send_photo(7, png(), caption="a < b", reply_markup=keyboard("a"))
            with pytest.raises(BadRequest):
                await bot.send_message(8, "\U0001f600 lost")

        run(api.base_url, story)
        assert read_ledger(path) == api.calls
        assert [call.outcome for call in api.calls] == ["accepted", "refused"]
