"""Handles what came in: each update once, in order within a chat, its effect and its answer in one transaction.

Between polling, which fills the inbox, and the outbox, which the answers go to.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from watcher.bot import asks, data, registry, who
from watcher.bot.asks import PRESS, Ask
from watcher.bot.desk import REPLY, Answer, Asker, Command, Desk, Refusal, Talk, say
from watcher.core import PLAIN, Extras, content_id
from watcher.duty import NotPossible
from watcher.oncall import pages
from watcher.people import Deed, Member, Role, Update
from watcher.store import Connection, StoreError, audit, chats, inbox, outbox

log = logging.getLogger(__name__)

KEPT = timedelta(days=7)
"""How long an update is kept once it is handled: buttons find in it what they were about."""
FORGET_EVERY = timedelta(hours=1)
AT_ONCE = 8
"""Chats that are answered at the same time, in each line."""
MOST = 200
"""Updates that are read at a time."""
ON_CALL, PRESSES, TEXTS = range(3)
"""The lines that a chat's updates stand in: pages wait for nothing else, and buttons for no slow command."""
PROMPT = {"ack", "snooze"}
"""Commands about pages."""
TICK = 1.0
TROUBLE = 5.0
"""Seconds between two tries where the store could not be read or written."""
PREPARING = 90.0
"""Seconds that a command may read and fetch."""
REFUSED, LIMITED, FAULT = "refused", "limited", "fault"
"""What the audit calls a command that was not done, beside its own name."""
LONGEST_TOAST = 190
"""Characters of what a press is answered with; Telegram takes 200."""
NOBODY = Asker(Member(0, "", Role.READER, datetime.min.replace(tzinfo=UTC)), None, decides=False)


@dataclass(slots=True)
class Inbox:
    """What works through the inbox. `woken` is set when updates were stored."""

    desk: Desk
    seats: who.Seats
    pace: who.Pace = field(default_factory=who.Pace)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: dict[tuple[str, int], asyncio.Task[None]] = field(default_factory=dict)
    _waiting: dict[int, tuple[str, int]] = field(default_factory=dict)
    _forgot: datetime | None = None

    async def work(self, stop: asyncio.Event) -> None:
        """Handle what comes until `stop`; what is under way then ends."""
        try:
            while not stop.is_set():
                self.woken.clear()
                try:
                    await self._begin()
                except StoreError as error:
                    log.warning("the bot waits: %s", error)
                    await self._wait(stop, TROUBLE)
                else:
                    await self._wait(stop, TICK)
        finally:
            if self._busy:
                await asyncio.wait(self._busy.values())

    async def _begin(self) -> None:
        """Start on the first update of each chat and line, however many of other chats came before it."""
        now, store = self.desk.now(), self.desk.store
        if self._forgot is None or now - self._forgot >= FORGET_EVERY:
            await store.run(inbox.forget, now - KEPT)
            self._forgot = now
        while new := await store.read(inbox.unhandled, MOST, self._waiting.keys()):
            self._waiting |= {one.id: self._line(asks.read(one)) for one in new}
        still = await store.read(inbox.waiting)
        self._waiting = {one: self._waiting[one] for one in still if one in self._waiting}
        for number, key in self._waiting.items():
            if key in self._busy or sum(line == key[1] for _, line in self._busy) >= AT_ONCE:
                continue
            update = await store.read(inbox.update_of, number)
            if update and update.handled is None:
                self._busy[key] = task = asyncio.create_task(self._guarded(update, asks.read(update)))
                task.add_done_callback(partial(self._done, key))

    def _line(self, ask: Ask | None) -> tuple[str, int]:
        """The chat, and the line in it: within one, what came first is handled first."""
        if ask is None:
            return "", TEXTS
        name, _ = ask.command(self.desk.api.username) or ("", "")
        if name in PROMPT or (ask.kind == PRESS and pages.pressed(ask.text)):
            return ask.chat, ON_CALL
        return ask.chat, PRESSES if ask.kind == PRESS else TEXTS

    def _done(self, key: tuple[str, int], _: asyncio.Task[None]) -> None:
        del self._busy[key]
        self.woken.set()

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        waiting = [asyncio.create_task(stop.wait()), asyncio.create_task(self.woken.wait())]
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for one in waiting:
            one.cancel()

    async def _guarded(self, update: Update, ask: Ask | None) -> None:
        """Handle one update; where the store could not keep it, it is handled later."""
        try:
            await self.handle(update, ask)
        except StoreError as error:
            log.warning("update %d waits: %s", update.id, error)
            await asyncio.sleep(TROUBLE)
        except Exception:
            log.exception("update %d was handled, but not what should follow", update.id)

    async def handle(self, update: Update, ask: Ask | None) -> None:
        """Handle one update. Whatever goes wrong in it, whoever asked is told so, and those behind it are not held up.

        Raises StoreError, with nothing stored.
        """
        if ask is None:
            await self.desk.store.run(_set_aside, update.id, self.desk.now())
            return
        try:
            answer = await self._answer(ask)
        except StoreError:
            raise
        except Exception:
            reference = content_id("fault", ask.update)[:8]
            log.exception("update %d could not be handled (reference %s)", ask.update, reference)
            answer = await self._failed(ask, reference)
        self.desk.app.dispatch.wake()
        if ask.query:
            await self.desk.api.answer(ask.query, answer.toast[:LONGEST_TOAST])
        if answer.then and inspect.isawaitable(after := answer.then()):
            await after

    async def _failed(self, ask: Ask, reference: str) -> Answer:
        """Something of ours is wrong: say so, and go on."""
        said = f"That did not work. It is written down for whoever runs this bot, as {reference}."
        try:
            return await self._store(ask, say(said, toast=said, about=reference), FAULT)
        except StoreError:
            raise
        except Exception:
            log.exception("update %d cannot be answered either", ask.update)
            await self.desk.store.run(self._mark, ask)
            return Answer()

    async def _answer(self, ask: Ask) -> Answer:
        """Find out what is asked and whether they may, then do it."""
        command, words, root = registry.find(ask, self.desk.api.username)
        if command is None:
            return await self._store(ask, Answer())
        talk = Talk(self.desk, ask, NOBODY, words, root, self.desk.now())
        if command.counted and (beyond := self.pace.beyond(ask)):
            said = say(who.TOO_MANY, toast=who.TOO_MANY) if beyond == 1 else Answer()
            return await self._store(ask, replace(said, about=command.name), LIMITED)
        try:
            talk = replace(talk, asker=await who.asker(self.desk, self.seats, ask, command))
            if why := who.refused(self.desk.config, command, talk.asker, ask):
                return await self._refuse(talk, why)
            async with asyncio.timeout(PREPARING):
                talk = await command.prepared(talk)
        except Refusal as refusal:
            return await self._store(ask, _no(str(refusal), ask), command.name)
        except TimeoutError:
            return await self._store(ask, _no("That took too long. Try again later.", ask), command.name)
        return await self._store(ask, partial(_run, command=command, talk=talk), command.name)

    async def _refuse(self, talk: Talk, why: str) -> Answer:
        """Say no. A stranger is told once a day."""
        last = await self.desk.store.read(audit.last, talk.ask.user or 0, talk.channel)
        told = last is not None and (last.action in (REFUSED, LIMITED) or REFUSED in (last.detail or {}))
        again = told and last is not None and talk.now - last.at < timedelta(days=1)
        stranger = talk.asker.role is None
        refusal = Answer(toast=why) if stranger and again else _no(why, talk.ask)
        return await self._store(talk.ask, refusal, REFUSED)

    async def _store(self, ask: Ask, said: Answer | Callable[[Connection], Answer], action: str = "") -> Answer:
        """Handle it: what is said, or what comes of doing it, and under `action` its row of the audit, all at once."""

        def apply(conn: Connection) -> Answer:
            if not self._mark(conn, ask):
                return Answer()
            told = said if isinstance(said, Answer) else said(conn)
            if action and not told.kept:
                detail = {**told.detail, "update": ask.update}
                audit.put(conn, Deed(self.desk.now(), ask.user, ask.channel, action, told.about, detail))
            self._write(conn, ask, told)
            return told

        return await self.desk.store.run(apply)

    def _mark(self, conn: Connection, ask: Ask) -> bool:
        """It is handled, and a code in it forgotten whatever becomes of it; False where it was handled before."""
        if ask.holds_code:
            inbox.blank(conn, ask.update)
        return inbox.handle(conn, ask.update, self.desk.now())

    def _write(self, conn: Connection, ask: Ask, answer: Answer) -> None:
        """Put what is said in the outbox."""
        root = data.read(ask.text) if answer.edits and ask.kind == PRESS else None
        edited = content_id(REPLY, ask.channel, f"{root.root} 0") if root else ""
        extras = Extras(buttons=answer.buttons, edit=edited, silent=bool(root))
        now, letter = self.desk.now(), self.desk.app.dispatch.letter
        notes = [(ask.channel, answer.lines, extras), *((one.channel, one.lines, PLAIN) for one in answer.more)]
        for number, (channel, lines, more) in enumerate(notes):
            if lines:
                key = f"{ask.update} {number}"
                alert, rows = letter(channel, answer.route, key, lines, now=now, lane=answer.lane, extras=more)
                outbox.put_alert(conn, alert, rows)


def _set_aside(conn: Connection, update_id: int, now: datetime) -> None:
    """What asks nothing of the bot is handled, and not kept."""
    inbox.blank(conn, update_id)
    inbox.handle(conn, update_id, now)


def _run(conn: Connection, command: Command, talk: Talk) -> Answer:
    """Do it; where it cannot be done, nothing of it is stored. A chat that speaks is one that can be written to."""
    chats.enable(conn, talk.ask.chat)
    try:
        with conn.begin_nested():
            return command.run(conn, talk)
    except (Refusal, NotPossible) as refusal:
        return _no(str(refusal), talk.ask)


def _no(why: str, ask: Ask) -> Answer:
    """A refusal; of a press it is shown to whoever pressed alone."""
    refusal = say(why, toast=why, detail={REFUSED: why})
    return replace(refusal, lines=()) if ask.kind == PRESS else refusal
