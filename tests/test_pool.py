"""The pool: jobs that misbehave end within their limits, children are replaced, and strangers' adapters work there."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from watcher.child import Start
from watcher.core import Capture, Document, Fetched, NotReadable, Pair, Source, Verdict
from watcher.plugins import build
from watcher.pool import Pool, Unread

T = TypeVar("T")
AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
URL = "https://agency.example/list"
PAGE = "<table><tr><th>County<th>Held<tr><td>Clark<td>{}<tr><td>Cook<td>2</table>"

STRANGER = """
import os, sys, time
import msgspec
from watcher.core import Document, NotReadable

class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    do: str = ""
    path: str = ""

class Odd:
    kind = "odd"
    version = 1
    Options = Options

    def __init__(self, options):
        self.options = options

    def fingerprint(self, capture, known=""):
        return "f"

    def extract(self, capture, choices):
        meta = getattr(self, self.options.do)() or {}
        return Document(capture.source, capture.kind, capture.snapshot, capture.at, capture.url, meta=meta)

    def pid(self):
        return {"pid": os.getpid()}

    def surroundings(self):
        return {"environment": " ".join(os.environ), "secret": "TELEGRAM_TOKEN" in os.environ, "session": os.getsid(0)}

    def loop(self):
        while True:
            pass

    def sleep(self):
        time.sleep(60)

    def eat(self):
        kept = []
        while True:
            kept.append(bytearray(2**22))

    def recurse(self):
        return self.recurse()

    def leave(self):
        os._exit(3)

    def abort(self):
        os.abort()

    def chatter(self):
        print("hello" * 10_000, flush=True)
        os.write(1, b"\\xff" * 9)
        sys.stderr.write("noise")
        return {"read": sys.stdin.read(), "raw": os.read(0, 9).decode()}

    def refuse(self):
        raise NotReadable("expected a list of dreams, found none")

    def mistake(self):
        raise KeyError("x" * 10_000)

    def unwritable(self):
        return {"odd": object()}

    def wait(self):
        with open(self.options.path, "w") as fifo:  # opens once the test reads
            fifo.write(str(os.getpid()))
        time.sleep(60)
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stranger's distribution, laid out as an installer leaves it, on the path of this process."""
    metadata = tmp_path / "stranger-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[watcher.sources]\nodd = odd_adapter:Odd\n")
    (tmp_path / "odd_adapter.py").write_text(STRANGER)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def run(story: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(story, 60))


def source(kind: str = "table", **options: Any) -> Source:
    return Source("list", kind, URL, options=options)


def capture(body: str, snapshot: str = "s1", kind: str = "table") -> Capture:
    return Capture("list", kind, snapshot, AT, URL, 200, "text/html", body.encode())


def odd(pool: Pool, do: str, **options: str) -> Coroutine[Any, Any, Document]:
    return pool.read(source("odd", do=do, **options), capture("", kind="odd"), {})


async def serves(pool: Pool) -> bool:
    return len((await pool.read(source(), capture(PAGE.format(1)), {})).records) == 2


# ---------------------------------------------------------------- work


def test_the_three_jobs_give_what_they_give_here() -> None:
    one, other = capture(PAGE.format(1)), capture(PAGE.format(3), "s2")

    async def story() -> None:
        async with Pool() as pool:
            document = await pool.read(source(), one, {})
            assert document == build(source()).extract(one, {})
            fetched = Fetched(URL, 200, (("content-type", "text/html"),), one.body)
            glance = await pool.look(source(), fetched, AT)
            assert (glance.verdict, glance.fingerprint) == (Verdict(), build(source()).fingerprint(one))
            assert (await pool.look(source(), fetched, AT, glance.fingerprint)).fingerprint == glance.fingerprint
            reading = await pool.compare(Pair(source(), other, one, document.choices))
            assert [(change.kind, change.old, change.new) for change in reading.changes] == [
                ("record.changed", "1", "3")
            ]
            assert reading.changes[0].last_seen == AT
            blocked = await pool.look(source(), Fetched(URL, 403, (), b"no"), AT)
            assert blocked.verdict == Verdict("blocked", "HTTP 403")
            with pytest.raises(NotReadable, match="expected a page with a table, found none") as caught:
                await pool.read(source(), capture("<p>x"), {})
            assert not isinstance(caught.value, Unread)

    run(story())


def test_many_jobs_at_once_get_each_its_own_answer() -> None:
    async def story() -> None:
        async with Pool(size=2) as pool:
            jobs = [pool.read(source(), capture(PAGE.format(n)), {}) for n in range(60)]
            documents = await asyncio.gather(*jobs)
            assert [document.records["Clark"].fields["Held"] for document in documents] == [str(n) for n in range(60)]
            assert pool._alive <= 2

    run(story())


def test_closing_ends_the_children() -> None:
    async def story() -> list[int]:
        async with Pool(size=3) as pool:
            await serves(pool)
            children = list(pool._free)
        assert [child.process and child.process.returncode for child in children].count(0) == 1
        return [child.pid for child in children]

    pids = run(story())
    assert len(set(pids)) == 3
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


# ---------------------------------------------------------------- strangers


def test_a_strangers_adapter_works_in_the_child_without_our_surroundings(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "123:secret")

    async def story() -> None:
        async with Pool(size=1) as pool:
            meta = (await odd(pool, "surroundings")).meta
        assert meta["secret"] is False
        assert set(str(meta["environment"]).split()) <= {"MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "LC_CTYPE"}
        assert meta["session"] != os.getsid(0)

    assert str(site) in sys.path
    run(story())


@pytest.mark.usefixtures("site")
def test_what_an_adapter_prints_or_reads_does_not_touch_the_frames() -> None:
    async def story() -> None:
        async with Pool(size=1) as pool:
            assert (await odd(pool, "chatter")).meta == {"read": "", "raw": ""}
            pid = (await odd(pool, "pid")).meta["pid"]
            assert (await odd(pool, "chatter")).meta == {"read": "", "raw": ""}
            assert (await odd(pool, "pid")).meta["pid"] == pid

    run(story())


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("do", "unread", "said"),
    [
        ("refuse", False, "expected a list of dreams, found none"),
        ("recurse", False, "the page is nested too deep to be read"),
        ("mistake", True, "KeyError: 'xxxx"),
        ("unwritable", True, "TypeError: Encoding objects of type object is unsupported"),
        ("no_such_thing", True, "AttributeError: "),
    ],
)
def test_what_goes_wrong_in_a_job_is_told_and_the_child_goes_on(do: str, said: str, *, unread: bool) -> None:
    async def story() -> None:
        async with Pool(size=1) as pool:
            pid = (await odd(pool, "pid")).meta["pid"]
            with pytest.raises(NotReadable) as caught:
                await odd(pool, do)
            assert isinstance(caught.value, Unread) == unread
            assert str(caught.value).startswith(said)
            assert len(str(caught.value)) <= 500
            assert (await odd(pool, "pid")).meta["pid"] == pid

    run(story())


# ---------------------------------------------------------------- limits


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize(
    ("do", "said"),
    [
        ("loop", "met the limit of processor time or memory and was ended"),
        ("sleep", "took longer than 1 s and was ended"),
        ("eat", "needs more memory than allowed"),
        ("leave", "was ended"),
        ("abort", "was ended"),
    ],
)
def test_a_job_that_runs_away_is_ended_and_the_pool_goes_on(do: str, said: str) -> None:
    async def story() -> None:
        limits = Start(path=[entry for entry in sys.path if entry], cpu_seconds=1, memory_bytes=400 * 2**20)
        async with Pool(size=1, start=limits) as pool:
            assert await serves(pool)
            pool.wall_seconds = 1 if do == "sleep" else 30
            with pytest.raises(NotReadable) as caught:
                await odd(pool, do)
            assert str(caught.value).startswith("reading the page ")
            assert str(caught.value).endswith(said)
            pool.wall_seconds = 30
            assert await serves(pool)
            assert pool._alive == 1

    run(story())


@pytest.mark.parametrize(
    "body",
    [
        "<div>" * 100_000,
        "<table><tr><td>" * 30_000,
        "<table>" + "<tr>" * 200_000,
        "<table><tr>" + "<td colspan=1000 rowspan=60000>x" * 100_000,
        "<table><tr><td " + "x" * 5_000_000 + ">1</table>",
        "<table><tr><td title='" + "<tr><td>" * 500_000,
        "<!--" * 200_000,
        "<script>" * 200_000,
        "\0" * 1_000_000,
    ],
    ids=lambda body: body[:16].strip("\0"),
)
def test_hostile_pages_are_read_or_refused_within_the_limits(body: str) -> None:
    async def story() -> None:
        async with Pool(size=1) as pool:
            answer = Fetched(URL, 200, (("content-type", "text/html"),), body.encode())
            for job in (pool.look(source(), answer, AT), pool.read(source(), capture(body), {})):
                (outcome,) = await asyncio.gather(job, return_exceptions=True)
                assert not isinstance(outcome, Unread), outcome
                assert not isinstance(outcome, Exception) or isinstance(outcome, NotReadable)
            assert await serves(pool)

    run(story())


# ---------------------------------------------------------------- children that end


@pytest.mark.usefixtures("site")
def test_one_that_ends_does_not_take_the_others_with_it() -> None:
    async def story() -> None:
        async with Pool(size=3) as pool:
            first = int(str((await odd(pool, "pid")).meta["pid"]))
            for child in pool._free:
                if child.process is not None or child.pid == first:
                    os.kill(child.pid, signal.SIGKILL)
                    await child.reader.read()
            assert await asyncio.gather(*(serves(pool) for _ in range(9))) == [True] * 9

    run(story())


@pytest.mark.usefixtures("site")
def test_a_child_killed_while_it_waits_is_replaced_unnoticed() -> None:
    async def story() -> None:
        async with Pool(size=1) as pool:
            pid = int(str((await odd(pool, "pid")).meta["pid"]))
            os.kill(pid, signal.SIGKILL)
            await pool._free[0].reader.read()
            assert (await odd(pool, "pid")).meta["pid"] != pid
            assert pool._alive == 1

    run(story())


def test_a_child_killed_at_work_is_replaced_and_its_job_told(site: Path) -> None:
    fifo = site / "fifo"
    os.mkfifo(fifo)

    async def story() -> None:
        async with Pool(size=1) as pool:
            job = asyncio.create_task(odd(pool, "wait", path=str(fifo)))
            waiting = [asyncio.create_task(serves(pool)) for _ in range(3)]
            os.kill(int(await asyncio.to_thread(fifo.read_text)), signal.SIGKILL)
            with pytest.raises(Unread, match="was ended"):
                await job
            assert await asyncio.gather(*waiting) == [True, True, True]
            assert pool._alive == 1

    run(story())


def test_a_job_given_up_ends_its_child_and_gives_its_place_on(site: Path) -> None:
    fifo = site / "fifo"
    os.mkfifo(fifo)

    async def story() -> None:
        async with Pool(size=1) as pool:
            job = asyncio.create_task(odd(pool, "wait", path=str(fifo)))
            given_up, waiting = asyncio.create_task(serves(pool)), asyncio.create_task(serves(pool))
            pid = int(await asyncio.to_thread(fifo.read_text))
            given_up.cancel()
            job.cancel()
            assert await waiting
            assert job.cancelled()
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
            assert pool._alive == 1

    run(story())


def test_where_no_child_can_be_started_the_next_job_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with Pool(size=1) as pool:
            with monkeypatch.context() as broken:
                broken.setattr(sys, "executable", "/no/such/python")
                outcomes = await asyncio.gather(*(serves(pool) for _ in range(3)), return_exceptions=True)
                assert [type(outcome) for outcome in outcomes] == [FileNotFoundError] * 3
            assert pool._alive == 0
            assert await serves(pool)

    run(story())
