"""What people do: each deed changes the World and becomes an update, which waits until a higher offset confirms it."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition
from typing import Any

from tests.telegram_api.entities import commands
from tests.telegram_api.methods import member
from tests.telegram_api.world import Chat, Json, Message, World

FIRST_UPDATE = 1001


class Feed:
    """The deeds, all callable from any thread; each returns what it made. Chats and people that are new come to be."""

    def __init__(self, world: World, arrived: Callable[[], None]) -> None:
        self.world = world
        self.lock = Condition()  # notified after each call of the bot's
        self.updates: list[Json] = []
        self._arrived = arrived
        self._next = FIRST_UPDATE
        self._queries = 0

    def user(self, user: int, name: str, *, username: str = "") -> None:
        """Name a person, before the first deed."""
        with self.lock:
            person = self.world.person(user)
            person.name, person.username = name, username

    def chat(self, chat: int, *, kind: str = "", title: str = "", bot: str = "", forum: bool = False) -> Chat:
        """Make a chat: above 0 private, from -10**12 down a supergroup, else a group, or what `kind` says.

        `bot` is the bot's status there; "never" is a person who never wrote to it.
        """
        with self.lock:
            return self.world.chat(chat, kind=kind, title=title, bot=bot, forum=forum)

    def say(
        self, user: int, chat: int, text: str, *, reply_to: Message | None = None, topic: int | None = None
    ) -> Message:
        """`user` writes `text`; in a private chat this starts the bot."""
        with self.lock:
            place, person = self.world.chat(chat), self.world.person(user)
            if place.kind == "private" and place.bot == "never":
                place.bot = "member"
            place.people.setdefault(user, "member")
            entities = commands(text)
            message = self.world.post(place, person, text=text, entities=entities, topic=topic, reply_to=reply_to)
            self._add("message", message.json())
            return message

    def post(self, chat: int, text: str) -> Message:
        """A post in a channel."""
        with self.lock:
            message = self.world.post(self.world.chat(chat, kind="channel"), None, text=text, entities=commands(text))
            self._add("channel_post", message.json())
            return message

    def edit(self, message: Message, text: str) -> None:
        """The author of `message` changes it."""
        with self.lock:
            message.text, message.entities = text, commands(text)
            message.edits += 1
            self._add("edited_channel_post" if message.chat.kind == "channel" else "edited_message", message.json())

    def press(self, user: int, message: Message, data: str, *, old: bool = False) -> str:
        """`user` presses a button with `data`, be it there or forged; returns the id of the query.

        `old`: Telegram no longer tells what was in the message.
        """
        with self.lock:
            self._queries += 1
            query = f"{user}{self._queries:08}"
            self.world.queries.add(query)
            gone = {"message_id": message.id, "date": 0, "chat": message.chat.json()}
            self._add(
                "callback_query",
                {
                    "id": query,
                    "from": self.world.person(user).json(),
                    "chat_instance": str(message.chat.id),
                    "data": data,
                    "message": gone if old or message.deleted else message.json(),
                },
            )
            return query

    def tap(self, user: int, message: Message, label: str) -> str:
        """`user` presses the button that says `label`; an AssertionError if there is none such."""
        with self.lock:
            return self.press(user, message, message.button(label)["callback_data"])

    def expire(self, query: str) -> None:
        """The query can no longer be answered."""
        with self.lock:
            self.world.queries.discard(query)

    def answer(self, query: str) -> str | None:
        """What the bot answered to the press, or None as long as it has not."""
        with self.lock:
            return self.world.answers.get(query)

    def member(self, chat: int, status: str, *, by: int = 0) -> None:
        """The bot's status in `chat` changes: member, administrator, restricted, left, kicked.

        In a private chat "kicked" is being blocked. `by` is who did it; in a private chat its person.
        """
        with self.lock:
            place = self.world.chat(chat, bot="left")
            before, place.bot = place.bot, status
            change = {
                "chat": place.json(),
                "from": self.world.person(by or (chat if chat > 0 else 1)).json(),
                "date": max(int(self.world.clock()), 1),
                "old_chat_member": member(self.world.bot, "left" if before == "never" else before),
                "new_chat_member": member(self.world.bot, status),
            }
            self._add("my_chat_member", change)

    def seat(self, chat: int, user: int, status: str) -> None:
        """The status of a person in a chat, as getChatMember tells it; the bot gets no update of it."""
        with self.lock:
            self.world.person(user)
            self.world.chat(chat).people[user] = status

    def deactivate(self, user: int) -> None:
        """The account of `user` is gone."""
        with self.lock:
            self.world.person(user).deactivated = True

    def migrate(self, chat: int, new: int) -> None:
        """The group becomes the supergroup `new`: both tell of it, and calls to the old one are refused."""
        with self.lock:
            old = self.world.chat(chat)
            there = self.world.chat(new, kind="supergroup", title=old.title, bot=old.bot)
            there.people |= old.people
            author = self.world.person(1)
            self._add("message", self.world.post(old, author, service={"migrate_to_chat_id": new}).json())
            self._add("message", self.world.post(there, author, service={"migrate_from_chat_id": chat}).json())
            old.moved_to = new

    def topic(self, chat: int, name: str = "Topic", *, topic: int | None = None) -> int:
        """A new topic in a forum; its id is that of the message that tells of it, or the one given."""
        with self.lock:
            place = self.world.chat(chat, forum=True)
            place.forum = True
            number = topic or place.last + 1
            place.topics[number] = True
            service = {"forum_topic_created": {"name": name, "icon_color": 0x6FB9F0}}
            message = self.world.post(place, self.world.person(1), topic=number, service=service)
            self._add("message", message.json())
            return number

    def close_topic(self, chat: int, topic: int) -> None:
        """Nobody but administrators may write in the topic."""
        self._topic(chat, topic, "forum_topic_closed")

    def reopen_topic(self, chat: int, topic: int) -> None:
        """The topic is as before."""
        self._topic(chat, topic, "forum_topic_reopened")

    def delete_topic(self, chat: int, topic: int) -> None:
        """The topic and all in it are gone; Telegram tells no bot."""
        with self.lock:
            place = self.world.chat(chat)
            del place.topics[topic]
            for message in place.visible(topic):
                message.deleted = True

    def pending(self, offset: int, limit: int, allowed: set[str]) -> list[Json]:
        """The next updates from `offset` on. Those below it are confirmed, and those not `allowed` dropped."""
        with self.lock:
            if offset < 0:
                offset = self._next + offset
            self.updates = [
                update
                for update in self.updates
                if update["update_id"] >= offset and (not allowed or allowed & update.keys())
            ]
            return self.updates[:limit]

    def _topic(self, chat: int, topic: int, deed: str) -> None:
        with self.lock:
            place = self.world.chat(chat)
            place.topics[topic] = deed == "forum_topic_reopened"
            self._add("message", self.world.post(place, self.world.person(1), topic=topic, service={deed: {}}).json())

    def _add(self, kind: str, content: Any) -> None:
        self.updates.append({"update_id": self._next, kind: content})
        self._next += 1
        self._arrived()
