"""An imitation of Telegram's Bot API for tests: a real server on loopback, strict, with a ledger, failing on demand.

    with TelegramApi() as api:                         # in a thread of its own, for sync and async tests
        bot = telegram.Bot(TOKEN, base_url=api.base_url)
        api.user(7, "Ana")
        said = api.say(7, 7, "/start")                 # user 7 in chat 7; an update for getUpdates
        api.say(7, -5, "hello", reply_to=said, topic=3)
        ...the bot answers...
        (answer,) = api.messages(7)                    # the bot's messages as they stand now, edits applied
        query = api.tap(7, answer, "Acknowledge")      # the button by its label
        query = api.press(8, answer, "forged")         # any data; old=True: Telegram forgot what the message was
        assert api.answer(query) == "Not yours"        # None until the bot answers; api.expire(query) makes it too old
        assert api.transcript(7) == "Ana: /start\\nWatcher: Hello\\n  [Acknowledge] [Open]"

Chats. The id tells the kind: above 0 private, from -10**12 down a supergroup, else a group. A call to an unknown chat
is refused ("chat not found"), so make it: `chat(id, kind=, title=, bot=, forum=)`, or let somebody `say` or `post`
there. `bot="never"` is a person who never wrote. Then what happens there: `member(chat, status, by=)`
(my_chat_member; "kicked" in a private chat is blocked, "restricted" may not write), `seat(chat, user, status)` for
other people, `deactivate(user)`, `migrate(chat, new)`, `topic(chat, name, topic=)`, `close_topic`, `reopen_topic`,
`delete_topic`, `edit(message, text)`, `post(channel, text)`. Updates wait until a higher offset confirms them, so a
bot that was killed gets them again. Polls wait `longest_poll` real seconds at most. When a second poller comes the
first gets a 409.

Ledger. `calls` holds every call but polls, as Call values: method, chat, topic, text after parsing, entities, links,
markup, reply, photo, message_id, fields as they came, `at` on the clock, and the outcome: "accepted", "hidden" (it
took effect, but the client got no good answer) or "refused". `accepted` (with the hidden ones), `refused`,
`sent(chat)` and `floods` (how many 429) read it; `early` marks a call before the wait that a 429 asked for was over.
With `ledger=path` each call is a line of JSON too, written before the client hears; `read_ledger(path)` gives the
calls back. `polls` counts polls. `until(lambda: len(api.calls) == 3)` blocks until it is so; async tests: `await
asyncio.to_thread(api.until, ...)`.

Strictness. HTML may only hold Telegram's tags, with every other & < > escaped; the real one mends some of that.
4096 UTF-16 units after parsing, 1024 of a caption, 100 entities, 1-64 bytes of callback data, pictures that are some.

Limits. `TelegramApi(clock=clock, limits=Limits())` answers 429 to more than 30 calls in a second, one in a second to a
private chat (after a `burst`, 3 unless told, 0 for none), and 20 in a minute to a group; seconds are those of `clock`.
Edits and deletions count, answers to taps only in the 30. Without `limits` nothing is counted.

Faults. `fail(faults.HANG, ..., chat=, method=, nth=, times=)`: the calls that match meet them one after the other, from
the `nth` one on, `times` times each (None: until `mend()`). Polls only with method="getUpdates". There are in `faults`:

- took effect, but the client does not hear of it: HANG, RESET, GARBAGE (no JSON), BAD_GATEWAY, SERVER_ERROR
- without effect: HANG_UNHEARD, RESET_UNHEARD, BAD_GATEWAY_UNHEARD
- refused: flood(seconds), migrated(chat), BLOCKED, DEACTIVATED, KICKED, NOT_A_MEMBER, NEVER_STARTED, CANNOT_PARSE,
  NOT_MODIFIED, EDIT_NOT_FOUND, DELETE_NOT_FOUND, REPLY_NOT_FOUND, CHAT_NOT_FOUND, NO_RIGHTS, TOPIC_CLOSED,
  TOPIC_NOT_FOUND, TOO_LONG, CAPTION_TOO_LONG, EMPTY, QUERY_TOO_OLD, UNAUTHORIZED, NOT_FOUND, CONFLICT, bad(words)
- no connection: `with api.closed():`, or close_port() and open_port(), or PORT_CLOSES: this call is answered well, and
  the next finds nobody

`release()` hangs up on what hangs.

As a process of its own: `python -m tests.telegram_api --port 0 --ledger FILE` prints its port; see there for commands.
"""

from __future__ import annotations

from tests.telegram_api import faults
from tests.telegram_api.entities import ParseError, parse_html, utf16
from tests.telegram_api.faults import Fault
from tests.telegram_api.ledger import Call, read_ledger
from tests.telegram_api.limits import Limits
from tests.telegram_api.server import TOKEN, TelegramApi
from tests.telegram_api.world import Chat, Message

__all__ = [
    "TOKEN",
    "Call",
    "Chat",
    "Fault",
    "Limits",
    "Message",
    "ParseError",
    "TelegramApi",
    "faults",
    "parse_html",
    "read_ledger",
    "utf16",
]
