"""The child's side of the pool: reads jobs from a socket, does the pure work under limits, writes answers.

Frames are a four-byte length and MessagePack, both ways. The child has no network, no database and an empty
environment; whatever a hostile page does to it ends here.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
import struct
import sys
from datetime import datetime
from typing import Any, BinaryIO

import msgspec

from watcher import plugins
from watcher.core import Capture, Document, Fetched, NotReadable, Pair, Source

CPU_SECONDS = 10
MEMORY_BYTES = 768 * 1024 * 1024


class Start(msgspec.Struct, frozen=True):
    """The first frame: where the parent's modules are, and which kinds it found in them, strangers' too."""

    path: list[str]
    kinds: plugins.Kinds = {}
    cpu_seconds: int = CPU_SECONDS
    memory_bytes: int = MEMORY_BYTES


class Limited(msgspec.Struct, frozen=True, kw_only=True):
    """What all jobs have: how much processor time this one may take, where that is more than others may."""

    cpu_seconds: int = 0


class Look(Limited, frozen=True, tag="look"):
    """Judge one answer and digest what is read of it: gives a Glance."""

    source: Source
    fetched: Fetched
    at: datetime
    known: str


class Compare(Limited, frozen=True, tag="compare"):
    """Compare two captures: gives a Reading."""

    pair: Pair


class Read(Limited, frozen=True, tag="read"):
    """Extract one document: gives a Document, or raises NotReadable in the parent."""

    source: Source
    capture: Capture
    choices: dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    """One frame back: the result, still encoded, or what went wrong and whether it was the page's fault."""

    result: msgspec.Raw = msgspec.Raw(b"\xc0")  # nil: even no result is a value in the frame
    error: str = ""
    unreadable: bool = False


Job = Look | Compare | Read


def main() -> None:
    """Serve on the socket that the first argument names, and in a child of this process on each further one."""
    first, *others = (socket.socket(fileno=int(number)) for number in sys.argv[1:])
    body = frame(first.makefile("rb"))
    if body is None:
        return
    start = msgspec.msgpack.decode(body, type=Start)
    sys.path[:] = start.path
    plugins.tell(start.kinds)
    resource.setrlimit(resource.RLIMIT_AS, (start.memory_bytes, start.memory_bytes))  # a library reserves what it gets
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.setrecursionlimit(5_000)
    gc.set_threshold(100_000, 20, 20)  # a page makes many values, and next to no cycles
    if others:
        warm()
    with own(first, others) as connection:
        serve(connection, start)
    while connection is first and others:
        os.wait()  # their processor time is then this one's
        others.pop()
    os._exit(0)  # the parent waits for the end, and taking all modules down in order takes longer than a page


def warm() -> None:
    """Import what nearly every job needs, for all children at once."""
    import deepdiff  # noqa: F401 - for its loading alone

    from watcher import reading  # noqa: F401 - as above


def own(first: socket.socket, others: list[socket.socket]) -> socket.socket:
    """Start the children; gives in each process its own socket, with all those of the others closed."""
    for mine in others:
        if os.fork() == 0:
            for socket_ in (first, *others):
                if socket_ is not mine:
                    socket_.close()
            return mine
    for theirs in others:
        theirs.close()
    return first


def serve(connection: socket.socket, start: Start) -> None:
    """Say who this is, and do one job after another until the connection ends."""
    decode = msgspec.msgpack.Decoder(Job).decode
    send(connection, os.getpid())
    with connection.makefile("rb") as inward:
        while (body := frame(inward)) is not None:
            job = decode(body)
            limit_cpu(max(start.cpu_seconds, job.cpu_seconds))
            send(connection, answer_to(job))


def send(connection: socket.socket, value: Any) -> None:
    """Write one frame."""
    body = msgspec.msgpack.encode(value)
    connection.sendall(struct.pack(">I", len(body)) + body)


def frame(stream: BinaryIO) -> bytes | None:
    """The next frame, or None at the end."""
    head = stream.read(4)
    return stream.read(struct.unpack(">I", head)[0]) if len(head) == 4 else None  # noqa: PLR2004 - the length's size


def limit_cpu(seconds: int) -> None:
    """Let the next job use `seconds` of processor time, and no more: the kernel ends the process then."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    used = int(usage.ru_utime + usage.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds, resource.RLIM_INFINITY))


def answer_to(job: Job) -> Answer:
    """Do one job; everything that goes wrong in it becomes an answer."""
    try:
        return Answer(msgspec.Raw(msgspec.msgpack.encode(work(job))))
    except NotReadable as error:
        return Answer(error=str(error), unreadable=True)
    except MemoryError:
        return Answer(error="reading the page needs more memory than allowed", unreadable=True)
    except RecursionError:
        return Answer(error="the page is nested too deep to be read", unreadable=True)
    except Exception as error:  # noqa: BLE001 - an adapter's mistake must not end the service: it is told instead
        return Answer(error=f"{type(error).__name__}: {error}"[:500])


def work(job: Job) -> Any:
    """Do one job."""
    from watcher import reading

    if isinstance(job, Look):
        return reading.glance(job.source, job.fetched, job.at, job.known)
    if isinstance(job, Compare):
        return reading.compare(job.pair)
    document: Document = reading.read(job.source, job.capture, job.choices)
    return document


if __name__ == "__main__":
    main()
