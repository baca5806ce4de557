"""The store as the rest of the program sees it: `run` a function that writes, `read` with one that does not.

All writing happens in one thread, and what waits there is committed together; reading in a few others, on connections
that cannot write.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

import msgspec
from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from watcher.store import engines, schema
from watcher.store.errors import StoreError, explained

READERS = 4
MOST_TOGETHER = 64
"""Calls in one write transaction: a commit waits for the disk, and many can share the wait."""

P = ParamSpec("P")
T = TypeVar("T")


class Store:
    """An open database. `name` is its path, or its address without the password; `warnings` are for the operator.

    The functions that are run take a Connection first. They raise what they raise, with nothing stored; what the
    database itself cannot do becomes a StoreError, and the store is usable afterwards.
    """

    def __init__(self, name: str, engine: Callable[..., Engine], warnings: tuple[str, ...] = ()) -> None:
        self.name = name
        self.warnings = warnings
        self._writing = engine(write=True, connections=1)
        self._reading = engine(write=False, connections=READERS)
        self._waiting: deque[tuple[Callable[[Connection], Any], Future[Any]]] = deque()
        self._writer = ThreadPoolExecutor(1, "store-writer")
        self._readers = ThreadPoolExecutor(READERS, "store-reader")

    @classmethod
    def open(cls, url_or_path: str | Path, *, migrate: bool = True) -> Self:
        """Open a SQLite file by its path, or a database by its URL (postgresql:// or sqlite:///).

        `migrate` makes the tables of a new database, and changes those of an older one. Raises StoreError for a
        database that cannot be opened, is damaged, newer than this program, or not ours.
        """
        place = located(url_or_path)
        if isinstance(place, Path):
            store = cls(str(place), partial(engines.sqlite, place), engines.warnings())
        else:
            name = place.set(query={}).render_as_string(hide_password=True)
            store = cls(name, partial(engines.postgresql, place))
        try:
            if isinstance(place, Path) and not place.is_file():
                store._create(place, migrate=migrate)
            with store._explaining():
                schema.prepare(store._reading, store._writing, store.name, migrate=migrate)
        except BaseException:
            store.close()
            raise
        return store

    async def run(self, fn: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `fn(connection, ...)` in a write transaction: committed where it returns, rolled back where it raises.

        The transaction may be shared with others that wait; where one of them raises, each is called anew in its own,
        so that `fn` may be called twice. A caller that is cancelled does not stop a transaction that has begun.
        """
        return await asyncio.wrap_future(self._write(lambda conn: fn(conn, *args, **kwargs)))

    async def read(self, fn: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call `fn(connection, ...)`, which sees the store as of one moment and cannot write to it."""
        return await asyncio.wrap_future(self._read(lambda conn: fn(conn, *args, **kwargs)))

    def run_sync(self, fn: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`, for callers that are not asynchronous."""
        return self._write(lambda conn: fn(conn, *args, **kwargs)).result()

    def read_sync(self, fn: Callable[Concatenate[Connection, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """As `read`, for callers that are not asynchronous."""
        return self._read(lambda conn: fn(conn, *args, **kwargs)).result()

    def close(self) -> None:
        """Let what was begun end, and close all connections; the writing one last, so that it empties the WAL."""
        self._readers.shutdown()
        self._writer.shutdown()
        self._reading.dispose()
        self._writing.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, call: Callable[[Connection], T]) -> Future[T]:
        future: Future[T] = Future()
        self._waiting.append((call, future))
        self._writer.submit(self._write_waiting)
        return future

    def _write_waiting(self) -> None:
        """Run the calls that wait: in one transaction, or each in its own where one of them fails."""
        taken = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
        taken = [(call, future) for call, future in taken if future.set_running_or_notify_cancel()]
        if not taken:
            return  # done with those before
        try:
            results = self._transact(self._writing, lambda conn: [_whole(call(conn)) for call, _ in taken])
        except BaseException as error:  # noqa: BLE001 - it is the caller's, who waits for it
            if len(taken) == 1:
                taken[0][1].set_exception(error)
                return
            for call, future in taken:
                _settle(future, partial(self._transact, self._writing, call))
        else:
            for (_, future), result in zip(taken, results, strict=True):
                future.set_result(result)

    def _read(self, call: Callable[[Connection], T]) -> Future[T]:
        return self._readers.submit(self._transact, self._reading, call)

    def _transact(self, engine: Engine, call: Callable[[Connection], T]) -> T:
        with self._explaining(), engine.begin() as conn:
            return _whole(call(conn))

    @contextmanager
    def _explaining(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise explained(error, self.name) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(f"{self.name}: the database is damaged: restore a backup ({error})") from error

    def _create(self, path: Path, *, migrate: bool) -> None:
        if path.is_dir():
            raise StoreError(f"{path}: is a folder: name a file in it")
        if not migrate:
            raise StoreError(f"{path}: no database here yet: `watcher check` or `watcher db upgrade` makes it")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path}: its folder cannot be made: {error}") from error
        self.run_sync(lambda _: None)


def _whole(result: T) -> T:
    """What a call returned; a generator would read on after the transaction has ended."""
    return cast("T", iter(list(result))) if isinstance(result, Generator) else result


def _settle(future: Future[T], call: Callable[[], T]) -> None:
    try:
        future.set_result(call())
    except BaseException as error:  # noqa: BLE001 - it is the caller's, who waits for it
        future.set_exception(error)


def located(url_or_path: str | Path) -> Path | URL:
    """Where the database is: a file, or a PostgreSQL address."""
    text = str(url_or_path)
    if "://" not in text:
        return Path(url_or_path)
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise StoreError("database: this address cannot be read: expected postgresql://user@host/name") from None
    kind = url.drivername.partition("+")[0]
    if kind == "sqlite" and url.database:
        return Path(url.database)
    if kind in {"postgresql", "postgres"}:
        return url
    raise StoreError(f"database: {kind}:// is not known: expected postgresql://user@host/name or sqlite:///path")
