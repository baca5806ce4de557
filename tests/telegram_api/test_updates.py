"""What people do comes to the bot, in order, again and again until it is confirmed."""

from __future__ import annotations

import asyncio

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, Update
from telegram.error import BadRequest, Conflict
from telegram.ext import Application, MessageHandler

from tests.telegram_api import TelegramApi
from tests.telegram_api.clients import bot_for, run


def updates(api: TelegramApi) -> list[Update]:
    async def story(bot: Bot) -> list[Update]:
        return list(await bot.get_updates())

    return run(api.base_url, story)


def test_updates_wait_until_a_higher_offset_confirms_them(api: TelegramApi) -> None:
    for text in ("one", "two", "three"):
        api.say(7, 7, text)
    first = updates(api)
    assert [update.effective_message and update.effective_message.text for update in first] == ["one", "two", "three"]
    assert updates(api) == first

    async def story(bot: Bot) -> None:
        assert await bot.get_updates(offset=first[1].update_id, limit=1) == (first[1],)
        assert await bot.get_updates(offset=-1) == (first[2],)
        assert await bot.get_updates() == (first[2],)
        assert await bot.get_updates(offset=first[2].update_id + 1) == ()
        assert await bot.get_updates() == ()

    run(api.base_url, story)


def test_a_command_is_marked_as_one(api: TelegramApi) -> None:
    api.say(7, -5, "😀 /watch@watcher_test_bot x/y /help", topic=3)
    (update,) = updates(api)
    message = update.message
    assert message
    assert [message.parse_entity(entity) for entity in message.entities] == ["/watch@watcher_test_bot", "/help"]
    assert (message.message_thread_id, message.is_topic_message, message.chat.type) == (3, True, "group")


def test_a_long_poll_hears_at_once() -> None:
    async def story(bot: Bot) -> None:
        poll = asyncio.create_task(bot.get_updates(timeout=50))
        await asyncio.to_thread(api.until, lambda: api.polls == 1)
        api.say(7, 7, "now")
        assert len(await poll) == 1

    with TelegramApi(longest_poll=50) as api:
        run(api.base_url, story)


def test_the_second_poller_stops_the_first() -> None:
    async def story(bot: Bot) -> None:
        first = asyncio.create_task(bot.get_updates(timeout=50))
        await asyncio.to_thread(api.until, lambda: api.polls == 1)
        async with bot_for(api.base_url) as other:
            assert await other.get_updates() == ()
        with pytest.raises(Conflict, match="terminated by other getUpdates"):
            await first

    with TelegramApi(longest_poll=50) as api:
        run(api.base_url, story)


def test_a_webhook_stops_polls(api: TelegramApi) -> None:
    api.say(7, 7, "x")

    async def story(bot: Bot) -> None:
        await bot.set_webhook("https://example.org/hook")
        with pytest.raises(Conflict, match="webhook is active"):
            await bot.get_updates()
        await bot.delete_webhook()
        assert len(await bot.get_updates()) == 1
        await bot.delete_webhook(drop_pending_updates=True)
        assert await bot.get_updates() == ()

    run(api.base_url, story)


def test_a_press_is_answered_once(api: TelegramApi) -> None:
    api.chat(7)

    async def story(bot: Bot) -> None:
        await bot.send_message(
            7, "x", reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="g")]])
        )
        (message,) = api.messages(7)
        queries = [api.tap(7, message, "Go"), api.press(8, message, "forged", old=True)]
        with pytest.raises(AssertionError, match="no button 'Stop'"):
            api.tap(7, message, "Stop")
        first, second = [update.callback_query for update in await bot.get_updates()]
        assert first
        assert second
        assert (first.from_user.id, first.data, first.message and first.message.is_accessible) == (7, "g", True)
        assert (second.from_user.id, second.data, second.message and second.message.is_accessible) == (
            8,
            "forged",
            False,
        )
        assert api.answer(queries[0]) is None
        await first.answer("done")
        assert api.answer(queries[0]) == "done"
        api.expire(queries[1])
        for query in (first, second):
            with pytest.raises(BadRequest, match=r"(?i)query is too old"):
                await query.answer()

    run(api.base_url, story)


def test_every_kind_of_update_is_one_for_the_client(api: TelegramApi) -> None:
    api.edit(api.say(7, 7, "one"), "two")
    api.edit(api.post(-6, "three"), "four")
    api.member(-5, "administrator", by=7)
    api.member(7, "kicked")
    api.migrate(-5, -1_000_000_000_005)
    api.close_topic(-9, api.topic(-9, "Desk"))
    told = updates(api)
    kinds = [next(key for key in update.to_dict() if key != "update_id") for update in told]
    assert kinds == [
        "message", "edited_message", "channel_post", "edited_channel_post", "my_chat_member", "my_chat_member",
        "message", "message", "message", "message",
    ]  # fmt: skip
    assert [update.effective_message.text for update in told[:4] if update.effective_message] == [
        "one", "two", "three", "four",
    ]  # fmt: skip
    invited, blocked = told[4].my_chat_member, told[5].my_chat_member
    assert invited
    assert blocked
    assert (invited.old_chat_member.status, invited.new_chat_member.status) == ("left", "administrator")
    assert (blocked.from_user.id, blocked.new_chat_member.status) == (7, "kicked")
    moved, came, opened, closed = (update.message for update in told[6:])
    assert moved
    assert came
    assert (moved.migrate_to_chat_id, came.migrate_from_chat_id) == (-1_000_000_000_005, -5)
    assert opened
    assert closed
    assert opened.forum_topic_created
    assert closed.forum_topic_closed


def test_only_what_the_bot_asks_for_comes(api: TelegramApi) -> None:
    api.say(7, 7, "one")
    api.member(7, "kicked")

    async def story(bot: Bot) -> None:
        (update,) = await bot.get_updates(allowed_updates=["my_chat_member"])
        assert update.my_chat_member
        assert await bot.get_updates() == (update,)

    run(api.base_url, story)


def test_a_whole_application_runs_on_it() -> None:
    async def echo(update: Update, _: object) -> None:
        assert update.message
        await update.message.reply_text(f"You said {update.message.text}")

    async def story() -> None:
        async with bot_for(api.base_url) as bot:
            application = Application.builder().bot(bot).build()
            application.add_handler(MessageHandler(None, echo))
            async with application:
                assert application.updater
                await application.updater.start_polling()
                await application.start()
                api.say(7, 7, "hello")
                await asyncio.to_thread(api.until, lambda: bool(api.sent(7)))
                await application.updater.stop()
                await application.stop()

    with TelegramApi(longest_poll=0.1) as api:
        asyncio.run(story())
        assert api.transcript(7) == "User 7: hello\nWatcher: You said hello"
        assert api.pending(0, 100, set()) == []
