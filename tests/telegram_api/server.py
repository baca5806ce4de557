"""The server: reads calls from the wire, lets each meet the limits, the script and its method, and answers or fails."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

from tests.site import Request, read, reset_on_close
from tests.telegram_api import faults
from tests.telegram_api.faults import Fault, How, Refusal, Rule, Script
from tests.telegram_api.feed import Feed
from tests.telegram_api.ledger import Call, Ledger, Outcome
from tests.telegram_api.limits import Limits, Pace
from tests.telegram_api.methods import LIMITED, METHODS, Done, Given
from tests.telegram_api.wire import given, http
from tests.telegram_api.world import Message, Person, World

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
WELL_FORMED = re.compile(r"\d{1,20}:[\w-]{35}")
WEBHOOK_ACTIVE = Fault(
    409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)
OK = Fault()


class TelegramApi(Feed):
    """The imitation; use it as a context manager. What people do is in Feed; here are the server and the ledger."""

    def __init__(
        self,
        *,
        token: str = TOKEN,
        port: int = 0,
        clock: Callable[[], float] = time.time,
        limits: Limits | None = None,
        ledger: Path | None = None,
        longest_poll: float = 1.0,
    ) -> None:
        bot = Person(int(token.partition(":")[0]), "Watcher", "watcher_test_bot", is_bot=True)
        super().__init__(World(bot, clock), self._wake)
        self.token = token
        self.polls = 0
        self._ledger = Ledger(ledger)
        self._script = Script()
        self._pace = Pace(limits) if limits else None
        self._asked: dict[int | None, float] = {}
        self._longest_poll = longest_poll
        self._allowed: set[str] = set()
        self._poller = 0
        self._loop = asyncio.new_event_loop()
        self._poke = asyncio.Event()
        self._released = asyncio.Event()
        self._writers: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self._listener: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="telegram", daemon=True)
        self.host, self.port = "127.0.0.1", port

    def __enter__(self) -> Self:
        self._thread.start()
        self.open_port()
        return self

    def __exit__(self, *_: object) -> None:
        self.close_port()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._ledger.close()

    @property
    def base_url(self) -> str:
        """What python-telegram-bot and config.toml call base_url."""
        return f"http://{self.host}:{self.port}/bot"

    @property
    def calls(self) -> list[Call]:
        """All calls but polls, in order."""
        return self._ledger.calls

    @property
    def accepted(self) -> list[Call]:
        """The calls that took effect, heard of or not."""
        return [call for call in self.calls if call.took_effect]

    @property
    def refused(self) -> list[Call]:
        """The calls without effect."""
        return [call for call in self.calls if not call.took_effect]

    @property
    def floods(self) -> int:
        """How many calls were answered with 429."""
        return sum(call.status == 429 for call in self.calls)

    def sent(self, chat: int) -> list[Call]:
        """The sendMessage and sendPhoto calls to `chat` that took effect, copies and all."""
        return [call for call in self.accepted if call.chat == chat and call.method.startswith("send")]

    def messages(self, chat: int, topic: int | None = None) -> list[Message]:
        """The bot's messages as they stand in the chat now."""
        with self.lock:
            here = self.world.chat(chat).visible(topic)
            return [message for message in here if message.author is self.world.bot]

    def transcript(self, chat: int, topic: int | None = None) -> str:
        """The chat as a person reads it, in plain text: who said what, and the buttons in brackets."""
        with self.lock:
            here = [message for message in self.world.chat(chat).visible(topic) if not message.service]
            return "\n".join(line for message in here for line in message.lines())

    def until(self, true: Callable[[], bool], seconds: float = 10.0) -> None:
        """Block until something is `true`, looked at after each call of the bot's; an AssertionError if it never is."""
        with self.lock:
            assert self.lock.wait_for(true, seconds), (
                f"still not so after {seconds} s; the last calls: {self.calls[-3:]}"
            )

    def fail(
        self, *scripted: Fault, chat: int | None = None, method: str | None = None, nth: int = 1, times: int | None = 1
    ) -> None:
        """Let calls meet these faults, one after the other, from the `nth` call that matches on, each `times` times.

        Polls are meant only by method="getUpdates". `times=None` is for ever, or until `mend`.
        """
        with self.lock:
            self._script.rules += [Rule(fault, chat, method, nth, times) for fault in scripted]

    def mend(self) -> None:
        """Forget what is left of the script."""
        with self.lock:
            self._script.rules.clear()

    def release(self) -> None:
        """Hang up on all calls that hang."""
        self._loop.call_soon_threadsafe(self._hang_up)

    def close_port(self) -> None:
        """Nobody listens any more, and open connections are cut."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()

    def open_port(self) -> None:
        """Listen, on the same port as before."""
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """The port is closed within the block."""
        self.close_port()
        try:
            yield
        finally:
            self.open_port()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._poke.set)

    def _hang_up(self) -> None:
        self._released.set()
        self._released.clear()

    async def _open(self) -> None:
        if self._listener is None:
            self._listener = await asyncio.start_server(
                self._serve, self.host, self.port, backlog=1024, family=socket.AF_INET
            )
            self.port = int(self._listener.sockets[0].getsockname()[1])

    async def _close(self, besides: asyncio.StreamWriter | None = None) -> None:
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        tasks = []
        for writer, task in self._writers.items():
            if writer is not besides and task:
                task.cancel()
                tasks.append(task)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers[writer] = asyncio.current_task()
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(await read(reader), writer):
                    pass
        finally:
            del self._writers[writer]
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; returns whether the connection stays open."""
        token, _, method = unquote(request.path).removeprefix("/bot").partition("/")
        if token != self.token:
            writer.write(_refusal(faults.UNAUTHORIZED if WELL_FORMED.fullmatch(token) else faults.NOT_FOUND))
            return True
        if method == "getUpdates":
            fault, body = await self._poll(given(request))
        else:
            with self.lock:
                fault, body = self._call(method, given(request))
                self.lock.notify_all()
        if fault.how is How.HANG:
            await self._released.wait()
        elif fault.how is How.RESET:
            reset_on_close(writer)
        elif fault.how is How.GARBAGE:
            writer.write(http(fault.status, b"<html>not JSON"))
        else:
            writer.write(body)
        await writer.drain()
        if fault.closes:
            await self._close(besides=writer)
        return fault.how is How.ANSWER and not fault.closes

    def _call(self, method: str, call: Given) -> tuple[Fault, bytes]:
        """Do what a call asks, and enter it in the ledger; returns what becomes of the answer, and the answer."""
        now = self.world.clock()
        chat = _whole(call.fields.get("chat_id", ""))
        early = now < self._asked.get(chat, float("-inf"))
        fault = self._script.take(method, chat) or OK
        try:
            done = self._do(method, call, fault, chat, now)
        except Refusal as refusal:
            told = refusal.fault
            if "retry_after" in told.parameters:
                self._asked[chat] = now + told.parameters["retry_after"]
            self._ledger.add(self._entry(method, call, now, "refused", told, None, early=early))
            return (told if told is fault else OK), _refusal(told)
        plain = fault.how is How.ANSWER and fault.status == 200
        self._ledger.add(self._entry(method, call, now, "accepted" if plain else "hidden", fault, done, early=early))
        return fault, _good(done.result) if plain else _refusal(fault)

    def _do(self, method: str, call: Given, fault: Fault, chat: int | None, now: float) -> Done:
        if fault is not OK and not fault.accept:
            raise Refusal(fault)
        if method not in METHODS:
            raise Refusal(Fault(404, "Not Found: method not found"))
        if self._pace and method in LIMITED and (seconds := self._pace.wait(chat, now)):
            raise Refusal(faults.flood(seconds))
        done = METHODS[method](self.world, call)
        if "Webhook" in method and call.fields.get("drop_pending_updates") == "true":
            self.updates.clear()
        if method == "leaveChat" and chat is not None:
            self.member(chat, "left", by=self.world.bot.id)
        return done

    def _entry(
        self, method: str, call: Given, now: float, outcome: Outcome, told: Fault, done: Done | None, *, early: bool
    ) -> Call:
        message = done.message if done else None
        fields = call.fields
        return Call(
            number=len(self.calls) + 1,
            method=method,
            outcome=outcome,
            at=now,
            fields=dict(fields),
            chat=_whole(fields.get("chat_id", "")),
            topic=_whole(fields.get("message_thread_id", "")),
            message_id=message.id if message else _whole(fields.get("message_id", "")),
            text=message.text if message else fields.get("text", fields.get("caption", "")),
            entities=message.entities if message else [],
            markup=message.markup if message else _json(fields.get("reply_markup")),
            reply=_json(fields.get("reply_parameters")),
            photo=call.files.get("photo"),
            status=told.status,
            description=told.description,
            early=early,
        )

    async def _poll(self, call: Given) -> tuple[Fault, bytes]:
        """Wait for updates, unless another poller comes; then this one hears of the conflict."""
        with self.lock:
            self.polls += 1
            self.lock.notify_all()
            fault = self._script.take("getUpdates", None) or (WEBHOOK_ACTIVE if self.world.webhook else OK)
        if fault is not OK:
            return fault, _refusal(fault)
        if (allowed := _json(call.fields.get("allowed_updates"))) is not None:
            self._allowed = set(allowed)
        self._poller += 1
        me = self._poller
        self._poke.set()
        until = self._loop.time() + min(float(call.fields.get("timeout", "0")), self._longest_poll)
        offset, limit = int(call.fields.get("offset", "0")), int(call.fields.get("limit", "100"))
        while me == self._poller:
            self._poke.clear()
            updates = self.pending(offset, limit, self._allowed)
            if updates or self._loop.time() >= until:
                return OK, _good(updates)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await self._poke.wait()
        return OK, _refusal(faults.CONFLICT)


def _good(result: Any) -> bytes:
    return http(200, json.dumps({"ok": True, "result": result}).encode())


def _refusal(fault: Fault) -> bytes:
    told = {"ok": False, "error_code": fault.status, "description": fault.description}
    if fault.parameters:
        told["parameters"] = dict(fault.parameters)
    return http(fault.status, json.dumps(told).encode())


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"-?\d{1,18}", text) else None


def _json(text: str | None) -> Any:
    """The value, or None if there is none or it cannot be read: the ledger takes what comes."""
    with contextlib.suppress(ValueError):
        return json.loads(text) if text else None
    return None
