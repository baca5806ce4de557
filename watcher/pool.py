"""A small pool of killable child processes for the heavy pure work, so that the event loop never waits on a page.

Stands beside fetch: the pipeline awaits `look`, `compare` and `read`. A child that takes too long, too much memory or
too much processor time is killed and replaced, and its job ends as `Unread` with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self, TypeVar

import msgspec

from watcher import plugins
from watcher.child import Answer, Compare, Job, Look, Read, Start
from watcher.core import Capture, Document, Fetched, Glance, NotReadable, Pair, Reading, Source

T = TypeVar("T")

MOST_CHILDREN = 4
WALL_SECONDS = 30.0
ROOM = 2**20
"""Bytes that a connection to a child takes at one go: most pages."""
ENDED = (asyncio.IncompleteReadError, ConnectionError)
PATIENCE = 2
"""Jobs that wait before another child is worth its start."""
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**27), "MALLOC_MMAP_THRESHOLD_": str(2**27)}
"""A child's whole environment: its C library keeps the memory of one page for the next."""
MOST_ANSWER = 256 * 1024 * 1024


class Unread(NotReadable):
    """The child could not finish: killed at a limit, or it failed; the text says which."""


class Pool:
    """Children are started when there is work, one a processor; one that ended is replaced when work piles up."""

    def __init__(self, *, size: int = 0, wall_seconds: float = WALL_SECONDS, start: Start | None = None) -> None:
        self.size = size or min(os.cpu_count() or 1, MOST_CHILDREN)
        self.wall_seconds = wall_seconds
        self.start = start or Start(path=[entry for entry in sys.path if entry], kinds=plugins.found())
        self._alive = 0
        self._free: list[_Child] = []
        self._waiting: list[_Waiter] = []
        self._looked: dict[str, _Child] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def look(self, source: Source, fetched: Fetched, at: datetime, known: str = "") -> Glance:
        """Judge one answer and digest what is read of it, which may be as `known`. Raises Unread."""
        return await self._run(Look(source, fetched, at, known), Glance)

    async def compare(self, pair: Pair) -> Reading:
        """Compare two captures, in the child that has looked at the page if it may be had. Raises Unread."""
        return await self._run(Compare(pair), Reading)

    async def read(self, source: Source, capture: Capture, choices: Mapping[str, Any]) -> Document:
        """Extract one document. Raises NotReadable, or Unread where a limit was met."""
        return await self._run(Read(source, capture, dict(choices)), Document)

    async def close(self) -> None:
        """End all children."""
        await asyncio.gather(*(child.end() for child in self._free))
        self._free.clear()

    async def _run(self, job: Job, result: type[T]) -> T:
        source = job.pair.source if isinstance(job, Compare) else job.source
        cpu_seconds, wall_seconds = (0, 0.0) if isinstance(job, Look) else plugins.patience(source.kind)
        body = msgspec.msgpack.encode(msgspec.structs.replace(job, cpu_seconds=cpu_seconds))
        wall_seconds = max(wall_seconds, self.wall_seconds)
        child = await self._take(self._looked.pop(source.name, None) if isinstance(job, Compare) else None)
        alive = False
        try:
            async with asyncio.timeout(wall_seconds):
                answer = await child.ask(body)
            alive = True
        except TimeoutError:
            raise Unread(f"reading the page took longer than {wall_seconds:g} s and was ended") from None
        except ENDED:
            raise Unread("reading the page met the limit of processor time or memory and was ended") from None
        finally:
            if not alive:
                await child.kill()
            self._give(child if alive else None)
        if answer.error:
            raise (NotReadable if answer.unreadable else Unread)(answer.error)
        if isinstance(job, Look):
            self._looked[source.name] = child
        return msgspec.msgpack.decode(answer.result, type=result)

    async def _take(self, wanted: _Child | None) -> _Child:
        """A child with nothing to do: a free one, a new one, or the next that gets free."""
        while self._free:
            child = self._free.pop(self._free.index(wanted) if wanted in self._free else -1)
            if not child.reader.at_eof():
                return child
            await child.kill()
            self._alive -= 1  # ended from outside while it had nothing to do
        if self._alive == 0 or (self._alive < self.size and len(self._waiting) >= PATIENCE):
            count = 1 if self._alive else self.size
            self._alive += count
            return await self._begin(count)
        waiter = _Waiter(asyncio.get_running_loop().create_future(), wanted)
        self._waiting.append(waiter)
        try:
            handed = await waiter.child
        except asyncio.CancelledError:
            if waiter.child.done() and not waiter.child.cancelled():
                self._give(waiter.child.result())
            raise
        return handed or await self._begin()

    async def _begin(self, count: int = 1) -> _Child:
        """New children in places that are taken, one for the caller; given back where none can be started."""
        try:
            child, *others = await _Child.begin(self.start, count)
        except BaseException:
            for _ in range(count):
                self._give(None)
            raise
        for other in others:
            self._give(other)
        return child

    def _give(self, child: _Child | None) -> None:
        """Hand a child on to who wants it, or waits longest; None is the place of one that died, to be filled anew."""
        self._waiting = [waiter for waiter in self._waiting if not waiter.child.done()]
        if self._waiting:
            first = next((waiter for waiter in self._waiting if waiter.wanted is child), self._waiting[0])
            self._waiting.remove(first)
            first.child.set_result(child)
        elif child is None:
            self._alive -= 1
        else:
            self._free.append(child)


class _Waiter(NamedTuple):
    """A job that waits for a child, and which one would do it best."""

    child: asyncio.Future[_Child | None]
    wanted: _Child | None


class _Child:
    """One process that serves, and the connection to it; `process` is the one that was started, if it is this one."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.pid = 0
        self.process: asyncio.subprocess.Process | None = None

    @classmethod
    async def begin(cls, start: Start, count: int) -> list[Self]:
        """Start one process that is `count` children: it loads what they need, and forks the others.

        Raises OSError where it cannot be started, Unread where it ends at once.
        """
        pairs = [socket.socketpair() for _ in range(count)]
        theirs = [there.fileno() for _, there in pairs]
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-I", "-m", "watcher.child", *map(str, theirs), pass_fds=theirs,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
                env=KEEP_MEMORY, start_new_session=True,
            )  # fmt: skip
        except BaseException:
            for here, _ in pairs:
                here.close()
            raise
        finally:
            for _, there in pairs:
                there.close()
        children = [await cls._connected(here) for here, _ in pairs]
        children[0].process = process
        children[0].send(msgspec.msgpack.encode(start))
        try:
            for child in children:
                child.pid = msgspec.msgpack.decode(await child.receive(), type=int)
        except BaseException as error:
            for child in children:
                await child.kill()
            if isinstance(error, ENDED):
                raise Unread("reading the page could not begin: its process ended at once") from None
            raise
        return children

    @classmethod
    async def _connected(cls, connection: socket.socket) -> Self:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ROOM)
        return cls(*await asyncio.open_connection(sock=connection, limit=ROOM))

    def send(self, body: bytes) -> None:
        self.writer.write(struct.pack(">I", len(body)))
        self.writer.write(body)

    async def receive(self) -> bytes:
        length = struct.unpack(">I", await self.reader.readexactly(4))[0]
        if length > MOST_ANSWER:
            raise ConnectionError("an answer beyond all measure")
        return await self.reader.readexactly(length)

    async def ask(self, body: bytes) -> Answer:
        self.send(body)
        await self.writer.drain()
        return msgspec.msgpack.decode(await self.receive(), type=Answer)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            if self.process is not None:
                self.process.kill()
            elif self.pid and not self.reader.at_eof():  # with its end of the connection it has gone itself
                os.kill(self.pid, signal.SIGKILL)
        await self._gone()

    async def end(self) -> None:
        self.writer.write_eof()
        try:
            async with asyncio.timeout(2):
                await self.reader.read()
        except TimeoutError:
            await self.kill()
        else:
            await self._gone()

    async def _gone(self) -> None:
        self.writer.close()
        if self.process is not None:
            await self.process.wait()
