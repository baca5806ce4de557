"""/subscribe, /unsubscribe and /list, their buttons, and what somebody just writes in a private chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from watcher.bot import asks
from watcher.bot.commands.watching import waits_for_name
from watcher.bot.data import button, short
from watcher.bot.desk import Answer, Buttons, Command, Refusal, Talk, line, say, strong
from watcher.core import Button, content_id
from watcher.readers import begin_digest
from watcher.route import Filter
from watcher.store import Connection, changes, chats, inbox, subscriptions
from watcher.store.subscriptions import Subscription
from watcher.subscriptions import Choices, Refused, describe, filter_json, read

MOST = 50
"""Subscriptions of one chat."""
MOST_BUTTONS = 24
EVERY_MORNING = "daily 08:00"
"""When a chat gets its digest that has not said when."""
INSTANT, DIGEST = "instant", "digest"
MODES = {INSTANT: "at once", DIGEST: "in the digest"}
TOO_OLD = "That message is too old: ask again."


async def places_seen(talk: Talk) -> set[str]:
    """The places in stored changes, which a name means first."""
    return await talk.desk.store.read(changes.places)


def meant(talk: Talk, text: str) -> Filter | Choices | Refused:
    """What a text asks for."""
    return read(text, sources=talk.desk.sources, seen=talk.found or ())


def subscribe(conn: Connection, talk: Talk) -> Answer:
    """Tell this chat what it asks for from now on."""
    found = meant(talk, talk.words)
    if isinstance(found, Refused):
        raise Refusal(found.why)
    if isinstance(found, Choices):
        return _which(talk, found)
    return _put(conn, talk, found)


def free(conn: Connection, talk: Talk) -> Answer:
    """Somebody writes without a command: the name of what they add, or what they want to hear of."""
    if (answer := waits_for_name(conn, talk)) is not None:
        return answer
    found = meant(talk, talk.words)
    if isinstance(found, Refused):
        raise Refusal(f"{found.why} /help shows what else I can do.")
    if isinstance(found, Choices):
        return _which(talk, found)
    offer = button("Subscribe", "sub", talk.root, short(filter_json(found)))
    return say(f"Tell this chat of: {describe(found)}?", buttons=((offer,),))


def _which(talk: Talk, choices: Choices) -> Answer:
    """Buttons for what a text may mean."""
    rows = [(button(one.label[:60], "sub", talk.root, short(filter_json(one.filter))),) for one in choices.options]
    more = f" There are {choices.more} more: write it with its state." if choices.more else ""
    return say(f"Which do you mean?{more}", buttons=tuple(rows))


def chosen(conn: Connection, talk: Talk) -> Answer:
    """One of the things that a text may mean was pressed: the text is read again, and must mean it still."""
    update = inbox.update_of(conn, talk.root)
    ask = asks.read(update) if update else None
    if ask is None or ask.channel != talk.channel:
        raise Refusal(TOO_OLD)
    given = ask.command(talk.desk.api.username)
    found = meant(talk, given[1] if given else ask.text)
    options = [one.filter for one in found.options] if isinstance(found, Choices) else [found]
    wanted = next((one for one in options if isinstance(one, Filter) and short(filter_json(one)) == talk.words), None)
    if wanted is None:
        raise Refusal(TOO_OLD)
    return _put(conn, talk, wanted)


def _put(conn: Connection, talk: Talk, wanted: Filter, mode: str = INSTANT) -> Answer:
    mine = subscriptions.of_chat(conn, talk.channel)
    key = _key(wanted)
    known = next((one for one in mine if one.id == key), None)
    if known is None and len(mine) >= MOST:
        raise Refusal(f"This chat has {MOST} subscriptions, and that is the most: /unsubscribe from some first.")
    chats.put(conn, talk.chat(conn))
    if known is None:
        subscriptions.put(conn, Subscription(key, talk.channel, wanted, mode, talk.ask.user, talk.now))
        talk.desk.subscriptions_changed()
    said = "This chat is told" if known is None else "This chat is told already"
    told = MODES[mode if known is None else known.mode]
    return Answer(
        (line(f"{said} {told}: ", strong(describe(wanted))),),
        _offers(talk, key, known.mode if known else mode),
        toast=describe(wanted),
        edits=True,
        about=key,
        detail={"filter": filter_json(wanted)},
    )


def _key(wanted: Filter) -> str:
    return content_id("subscription", filter_json(wanted))[:8]


def _offers(talk: Talk, key: str, mode: str) -> Buttons:
    other = DIGEST if mode == INSTANT else INSTANT
    texts = {DIGEST: "Rather in a daily digest", INSTANT: "Rather at once"}
    return ((button(texts[other], other, talk.root, key), button("Unsubscribe", "unsub", talk.root, key)),)


def at_once(conn: Connection, talk: Talk) -> Answer:
    """This one is told at once."""
    return _turn(conn, talk, INSTANT)


def in_digest(conn: Connection, talk: Talk) -> Answer:
    """This one is told once a day; a chat without a digest gets one."""
    chat = talk.chat(conn)
    if not chat.digest:
        chat = replace(chat, digest=EVERY_MORNING)
        chats.put(conn, chat)
        begin_digest(conn, chat, talk.zone(conn), talk.now)
    return _turn(conn, talk, DIGEST)


def _turn(conn: Connection, talk: Talk, mode: str) -> Answer:
    known = _mine(conn, talk)
    subscriptions.remove(conn, talk.channel, [known.id])
    subscriptions.put(conn, known._replace(mode=mode))
    talk.desk.subscriptions_changed()
    told = MODES[mode] + (f" ({talk.chat(conn).digest})" if mode == DIGEST else "")
    said = line(f"This chat is told {told}: ", strong(describe(known.filter)))
    return Answer((said,), _offers(talk, known.id, mode), toast=f"Told {told}", edits=True, about=known.id)


def _mine(conn: Connection, talk: Talk) -> Subscription:
    """The subscription of this chat that a button names. Raises Refusal."""
    found = next((one for one in subscriptions.of_chat(conn, talk.channel) if one.id == talk.words), None)
    if found is None:
        raise Refusal("This chat has no such subscription any more.")
    return found


# ---------------------------------------------------------------- what there is


def unsubscribe(conn: Connection, talk: Talk) -> Answer:
    """Forget subscriptions: by their number in /list, by their words, or all."""
    mine = subscriptions.of_chat(conn, talk.channel)
    words = talk.words.lower().removeprefix("#")
    if not words:
        return _listed(conn, talk, mine)
    if words == "all":
        gone = mine
    elif words.isascii() and words.isdigit():
        gone = mine[int(words) - 1 : int(words)] if 0 < int(words[:9]) <= len(mine) else []
    else:
        found = meant(talk, talk.words)
        gone = [one for one in mine if isinstance(found, Filter) and one.id == _key(found)]
    if not gone:
        raise Refusal("This chat has no such subscription: /list shows those that it has, by number.")
    return _forget(conn, talk, gone)


def pressed_unsubscribe(conn: Connection, talk: Talk) -> Answer:
    """The button under a subscription."""
    gone = _forget(conn, talk, [_mine(conn, talk)])
    left = _listed(conn, talk, subscriptions.of_chat(conn, talk.channel))
    return replace(gone, lines=(*gone.lines, *left.lines), buttons=left.buttons)


def _forget(conn: Connection, talk: Talk, gone: Sequence[Subscription]) -> Answer:
    subscriptions.remove(conn, talk.channel, [one.id for one in gone])
    talk.desk.subscriptions_changed()
    said = [line("Not told any more: ", strong(describe(one.filter))) for one in gone]
    return Answer(tuple(said), toast="Unsubscribed", edits=True, about=" ".join(one.id for one in gone))


def list_(conn: Connection, talk: Talk) -> Answer:
    """What this chat is told, and how."""
    return _listed(conn, talk, subscriptions.of_chat(conn, talk.channel))


def _listed(conn: Connection, talk: Talk, mine: Sequence[Subscription]) -> Answer:
    if not mine:
        return say("This chat is told nothing yet. Write /subscribe and what you want to hear of.", *_how(conn, talk))
    told = [
        line(f"{number}. ", strong(describe(one.filter)), f" · {MODES[one.mode]}")
        for number, one in enumerate(mine, start=1)
    ]
    keys = [button(f"✕ {number}", "unsub", talk.root, one.id) for number, one in enumerate(mine, start=1)]
    return Answer((*told, *(line(one) for one in _how(conn, talk))), _rows(keys[:MOST_BUTTONS]))


def _how(conn: Connection, talk: Talk) -> list[str]:
    """How this chat wants to be told."""
    chat, zone = talk.chat(conn), talk.zone(conn)
    how = []
    if chat.muted_until and chat.muted_until > talk.now:
        how.append(f"Muted until {chat.muted_until.astimezone(zone):%b %d, %H:%M %Z}: /mute off ends it.")
    if chat.digest:
        how.append(f"Digest {chat.digest} ({zone}): /digest off ends it.")
    return how


def _rows(keys: Sequence[Button], wide: int = 6) -> Buttons:
    return tuple(tuple(keys[first : first + wide]) for first in range(0, len(keys), wide))


COMMANDS = (
    Command(
        "subscribe",
        subscribe,
        "Tell this chat of a place, a state, a kind of change, a word, or everything.",
        "WHAT",
        prepare=places_seen,
        settles=True,
    ),
    Command(
        "unsubscribe",
        unsubscribe,
        "Stop one: by its number in /list, or all.",
        "[NUMBER|all]",
        prepare=places_seen,
        settles=True,
    ),
    Command("list", list_, "What this chat is told, and how."),
)
FREE = Command("text", free, prepare=places_seen, settles=True)
PRESSES = (
    Command("sub", chosen, prepare=places_seen, settles=True),
    Command("unsub", pressed_unsubscribe, settles=True),
    Command(INSTANT, at_once, settles=True),
    Command(DIGEST, in_digest, settles=True),
)
