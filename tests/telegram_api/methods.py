"""The methods of the Bot API, checked as Telegram checks them, on the World."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from tests.telegram_api import faults
from tests.telegram_api.entities import Entity, ParseError, parse_html, trimmed, utf16
from tests.telegram_api.faults import Refusal, bad
from tests.telegram_api.keyboards import read_markup
from tests.telegram_api.world import Chat, Json, Message, Person, World

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
LONGEST_ANSWER = 200
MOST_ENTITIES = 100
LARGEST_PHOTO = 10 * 1024 * 1024


@dataclass(frozen=True)
class Given:
    """What came with a call: its parameters, and its files by name."""

    fields: Mapping[str, str]
    files: Mapping[str, bytes]

    def number(self, name: str) -> int | None:
        """A whole number, or None. Raises Refusal."""
        value = self.fields.get(name, "")
        if not value:
            return None
        try:
            return int(value)
        except ValueError:
            # "@name" of a public chat, for one, which the imitation has none of
            raise Refusal(faults.CHAT_NOT_FOUND if name == "chat_id" else bad(f"{name} is no number")) from None

    def json(self, name: str) -> Any:
        """A JSON value, or None. Raises Refusal."""
        value = self.fields.get(name)
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise Refusal(bad(f"can't parse {name} JSON object")) from None


class Done(NamedTuple):
    """What the client is told, and the message that it made or changed."""

    result: Any
    message: Message | None = None


def send_message(world: World, given: Given) -> Done:
    chat = world.writable(given.number("chat_id"))
    text, entities = _text(given, "text", LONGEST_TEXT)
    if not text:
        raise Refusal(faults.EMPTY)
    return _sent(world, given, chat, text=text, entities=entities)


def send_photo(world: World, given: Given) -> Done:
    chat = world.writable(given.number("chat_id"))
    text, entities = _text(given, "caption", LONGEST_CAPTION)
    photo = given.files.get("photo") or world.photos.get(given.fields.get("photo", ""))
    if not photo:
        raise Refusal(bad("there is no photo in the request"))
    _check_photo(photo)
    done = _sent(world, given, chat, text=text, entities=entities, photo=photo)
    world.photos[done.result["photo"][0]["file_id"]] = photo
    return done


def edit_message_text(world: World, given: Given) -> Done:
    message = _own_message(world, given, faults.EDIT_NOT_FOUND)
    if message.photo is not None:
        raise Refusal(bad("there is no text in the message to edit"))
    text, entities = _text(given, "text", LONGEST_TEXT)
    if not text:
        raise Refusal(faults.EMPTY)
    return _edited(message, text, entities, read_markup(given.json("reply_markup"), inline=True))


def edit_message_caption(world: World, given: Given) -> Done:
    message = _own_message(world, given, faults.EDIT_NOT_FOUND)
    if message.photo is None:
        raise Refusal(bad("there is no caption in the message to edit"))
    text, entities = _text(given, "caption", LONGEST_CAPTION)
    return _edited(message, text, entities, read_markup(given.json("reply_markup"), inline=True))


def edit_message_reply_markup(world: World, given: Given) -> Done:
    message = _own_message(world, given, faults.EDIT_NOT_FOUND)
    return _edited(message, message.text, message.entities, read_markup(given.json("reply_markup"), inline=True))


def delete_message(world: World, given: Given) -> Done:
    message = _own_message(world, given, faults.DELETE_NOT_FOUND)
    message.deleted = True
    return Done(True, message)


def answer_callback_query(world: World, given: Given) -> Done:
    query = given.fields.get("callback_query_id", "")
    if query not in world.queries:
        raise Refusal(faults.QUERY_TOO_OLD)
    text = given.fields.get("text", "")
    if utf16(text) > LONGEST_ANSWER:
        raise Refusal(bad("MESSAGE_TOO_LONG"))
    world.queries.remove(query)
    world.answers[query] = text
    return Done(True)


def get_chat(world: World, given: Given) -> Done:
    chat = world.readable(given.number("chat_id"))
    gifts = dict.fromkeys(
        ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels"), False
    )
    return Done(chat.json() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts})


def get_chat_member(world: World, given: Given) -> Done:
    chat = _inside(world, given)
    user = given.number("user_id")
    if user == world.bot.id:
        return Done(member(world.bot, chat.bot))
    if user not in world.people or (chat.kind == "private" and user != chat.id):
        raise Refusal(bad("PARTICIPANT_ID_INVALID"))
    usual = "member" if chat.kind == "private" else "left"
    return Done(member(world.people[user], chat.people.get(user, usual)))


def get_chat_administrators(world: World, given: Given) -> Done:
    chat = _inside(world, given)
    if chat.kind == "private":
        raise Refusal(bad("there are no administrators in the private chat"))
    heads = [member(world.person(user), status) for user, status in chat.people.items()]
    if chat.bot == "administrator":
        heads.append(member(world.bot, chat.bot))
    return Done([one for one in heads if one["status"] in {"creator", "administrator"}])


def leave_chat(world: World, given: Given) -> Done:
    """Whether the bot is there to leave; the server lets it go, since that is an update too."""
    chat = _inside(world, given)
    if chat.kind == "private":
        raise Refusal(bad("chat is not a group or a channel"))
    return Done(True)


def set_my_commands(world: World, given: Given) -> Done:
    told = given.json("commands") or []
    names = [str(command.get("command", "")) for command in told]
    plain = all(0 < len(name) <= 32 and name.replace("_", "a").isalnum() and name == name.lower() for name in names)
    described = all(0 < len(command.get("description", "")) <= 256 for command in told)
    if not (plain and described and all(map(str.isascii, names)) and len(names) <= 100):
        raise Refusal(bad("BOT_COMMAND_INVALID"))
    scope = given.json("scope") or {"type": "default"}
    key = scope["type"] + (f" {scope['chat_id']}" if "chat_id" in scope else "")
    world.commands[key] = told
    return Done(True)


def set_webhook(world: World, given: Given) -> Done:
    url = given.fields.get("url", "")
    if url and not url.startswith("https://"):
        raise Refusal(bad("bad webhook: An HTTPS URL must be provided for webhook"))
    world.webhook = url
    return Done(True)


def delete_webhook(world: World, _: Given) -> Done:
    world.webhook = ""
    return Done(True)


def get_me(world: World, _: Given) -> Done:
    rights = {"can_join_groups": True, "can_read_all_group_messages": False, "supports_inline_queries": False}
    return Done(world.bot.json() | rights)


METHODS: dict[str, Callable[[World, Given], Done]] = {
    "getMe": get_me,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "setMyCommands": set_my_commands,
    "sendMessage": send_message,
    "sendPhoto": send_photo,
    "editMessageText": edit_message_text,
    "editMessageCaption": edit_message_caption,
    "editMessageReplyMarkup": edit_message_reply_markup,
    "deleteMessage": delete_message,
    "answerCallbackQuery": answer_callback_query,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "leaveChat": leave_chat,
}
LIMITED = {name for name in METHODS if name.startswith(("send", "edit", "delete", "answer"))} - {"deleteWebhook"}


def member(person: Person, status: str) -> Json:
    """A ChatMember, with the rights that its status brings."""
    told: Json = {"user": person.json(), "status": status}
    if status in {"creator", "administrator"}:
        told["is_anonymous"] = False
    if status == "administrator":
        deeds = "manage_chat delete_messages manage_video_chats restrict_members promote_members change_info"
        deeds += " invite_users post_stories edit_stories delete_stories be_edited post_messages"
        told |= {f"can_{deed}": True for deed in deeds.split()}
    if status == "restricted":
        deeds = "change_info invite_users pin_messages send_messages send_polls send_other_messages"
        deeds += " add_web_page_previews manage_topics send_audios send_documents send_photos send_videos"
        deeds += " send_video_notes send_voice_notes edit_tag"
        told |= {"is_member": True, **{f"can_{deed}": False for deed in deeds.split()}}
    return told | ({"until_date": 0} if status in {"restricted", "kicked"} else {})


def _text(given: Given, name: str, longest: int) -> tuple[str, list[Entity]]:
    """The text that people see, and the first hundred entities; the rest is ignored. Raises Refusal."""
    source, mode = given.fields.get(name, ""), given.fields.get("parse_mode", "")
    if mode.upper() not in {"", "HTML"}:
        raise Refusal(bad("unsupported parse_mode; the imitation reads HTML and plain text"))
    if any(char == "\0" or "\ud800" <= char <= "\udfff" for char in source):
        raise Refusal(bad("strings must be encoded in UTF-8"))
    try:
        told = given.json("caption_entities" if name == "caption" else "entities") or []
        text, entities = parse_html(source) if mode else trimmed(source, told)
    except ParseError as error:
        raise Refusal(bad(f"can't parse entities: {error}")) from error
    if utf16(text) > longest:
        raise Refusal(faults.TOO_LONG if name == "text" else faults.CAPTION_TOO_LONG)
    return text, entities[:MOST_ENTITIES]


def _sent(world: World, given: Given, chat: Chat, **content: Any) -> Done:
    topic = given.number("message_thread_id")
    if topic is not None and topic not in chat.topics:
        raise Refusal(faults.TOPIC_NOT_FOUND)
    if topic is not None and not chat.topics[topic]:
        raise Refusal(faults.TOPIC_CLOSED)
    markup = read_markup(given.json("reply_markup"), inline=False)
    reply_to = _replied(chat, given.json("reply_parameters"))
    message = world.post(chat, world.bot, topic=topic, markup=markup, reply_to=reply_to, **content)
    return Done(message.json(), message)


def _replied(chat: Chat, reply: Json | None) -> Message | None:
    if not reply:
        return None
    message = chat.messages.get(reply["message_id"])
    if (message is None or message.deleted) and not reply.get("allow_sending_without_reply"):
        raise Refusal(faults.REPLY_NOT_FOUND)
    return message


def _own_message(world: World, given: Given, missing: faults.Fault) -> Message:
    chat = world.writable(given.number("chat_id"))
    message = chat.messages.get(given.number("message_id") or 0)
    if message is None or message.deleted:
        raise Refusal(missing)
    if message.author is not world.bot:
        raise Refusal(
            bad("message can't be edited" if missing is faults.EDIT_NOT_FOUND else "message can't be deleted")
        )
    return message


def _edited(message: Message, text: str, entities: list[Entity], markup: Json | None) -> Done:
    """An edit without a keyboard takes the keyboard away, as Telegram does."""
    if (text, entities, markup or {}) == (message.text, message.entities, message.markup or {}):
        raise Refusal(faults.NOT_MODIFIED)
    message.edits += (text, entities) != (message.text, message.entities)
    message.text, message.entities, message.markup = text, entities, markup
    return Done(message.json(), message)


def _inside(world: World, given: Given) -> Chat:
    chat = world.readable(given.number("chat_id"))
    if chat.kind != "private" and chat.bot in {"left", "kicked"}:
        return world.writable(chat.id)  # which says why not
    return chat


def _check_photo(photo: bytes) -> None:
    from PIL import Image, UnidentifiedImageError

    if len(photo) > LARGEST_PHOTO:
        raise Refusal(bad("file must be less than 10 MB in size"))
    try:
        with Image.open(io.BytesIO(photo)) as image:
            width, height = image.size
    except UnidentifiedImageError:
        raise Refusal(bad("IMAGE_PROCESS_FAILED")) from None
    if width + height > 10_000 or max(width, height) > 20 * min(width, height):
        raise Refusal(bad("PHOTO_INVALID_DIMENSIONS"))
