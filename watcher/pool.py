"""A small pool of killable child processes for the heavy pure work, so that the event loop never waits on a page.

Stands beside fetch: the pipeline awaits `look`, `compare` and `read`. A child that takes too long, too much memory or
too much processor time is killed and replaced, and its job ends as `Unread` with the reason.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
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
PIPE_BYTES = 2**20
PATIENCE = 2
"""Jobs that wait before another child is worth its start."""
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**27), "MALLOC_MMAP_THRESHOLD_": str(2**27)}
"""A child's whole environment: its C library keeps the memory of one page for the next."""
MOST_ANSWER = 256 * 1024 * 1024


class Unread(NotReadable):
    """The child could not finish: killed at a limit, or it failed; the text says which."""


class Pool:
    """Children are started when there is work: one, and more, up to one a processor, when work piles up before it."""

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
        for child in self._free:
            await child.end()
        self._free.clear()

    async def _run(self, job: Job, result: type[T]) -> T:
        body = msgspec.msgpack.encode(job)
        child = await self._take(self._looked.pop(job.pair.source.name, None) if isinstance(job, Compare) else None)
        alive = False
        try:
            async with asyncio.timeout(self.wall_seconds):
                answer = await child.ask(body)
            alive = True
        except TimeoutError:
            raise Unread(f"reading the page took longer than {self.wall_seconds:g} s and was ended") from None
        except (asyncio.IncompleteReadError, ConnectionError):
            raise Unread("reading the page met the limit of processor time or memory and was ended") from None
        finally:
            if not alive:
                await child.kill()
            self._give(child if alive else None)
        if answer.error:
            raise (NotReadable if answer.unreadable else Unread)(answer.error)
        if isinstance(job, Look):
            self._looked[job.source.name] = child
        return msgspec.msgpack.decode(answer.result, type=result)

    async def _take(self, wanted: _Child | None) -> _Child:
        """A child with nothing to do: a free one, a new one, or the next that gets free."""
        while self._free:
            child = self._free.pop(self._free.index(wanted) if wanted in self._free else -1)
            if child.process.returncode is None:
                return child
            self._alive -= 1  # ended from outside while it had nothing to do
        if self._alive == 0 or (self._alive < self.size and len(self._waiting) >= PATIENCE):
            self._alive += 1
            return await self._begin()
        waiter = _Waiter(asyncio.get_running_loop().create_future(), wanted)
        self._waiting.append(waiter)
        try:
            handed = await waiter.child
        except asyncio.CancelledError:
            if waiter.child.done() and not waiter.child.cancelled():
                self._give(waiter.child.result())
            raise
        return handed or await self._begin()

    async def _begin(self) -> _Child:
        """A new child in a place that is taken; the place is given back where none can be started."""
        try:
            return await _Child.begin(self.start)
        except BaseException:
            self._give(None)
            raise

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
    """One process and its two pipes."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process, self.inward, self.outward = process, process.stdin, process.stdout

    @classmethod
    async def begin(cls, start: Start) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-m", "watcher.child",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env=KEEP_MEMORY, limit=2**20, start_new_session=True,
        )  # fmt: skip
        child = cls(process)
        child._widen()
        child._send(msgspec.msgpack.encode(start))
        return child

    def _widen(self) -> None:
        """Let a page go through the pipe at one go, where the system can: by default it takes 64 KiB at a time."""
        pipe = self.inward.transport.get_extra_info("pipe")
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)

    def _send(self, body: bytes) -> None:
        self.inward.write(struct.pack(">I", len(body)))
        self.inward.write(body)

    async def ask(self, body: bytes) -> Answer:
        self._send(body)
        await self.inward.drain()
        length = struct.unpack(">I", await self.outward.readexactly(4))[0]
        if length > MOST_ANSWER:
            raise ConnectionError("an answer beyond all measure")
        return msgspec.msgpack.decode(await self.outward.readexactly(length), type=Answer)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()
        self.inward.close()

    async def end(self) -> None:
        self.inward.close()
        try:
            async with asyncio.timeout(2):
                await self.process.wait()
        except TimeoutError:
            await self.kill()
