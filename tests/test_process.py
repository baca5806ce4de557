"""`watcher` as a process of its own: killed at any moment, told to stop, out of disk, given a broken configuration."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

from tests.rig import COUNTIES, Hook, Rig, at, minutes, route, source, table, webhook, without
from tests.site import Reply, Request
from watcher.core import Change
from watcher.store import snapshots

COMMAND = (sys.executable, "-m", "watcher")
LIMITED = """
import os, resource, sys
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
os.execv(sys.argv[2], sys.argv[2:])
"""


def run(rig: Rig, *words: str, limit: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with files of at most `limit` bytes."""
    prefix = () if limit is None else (sys.executable, "-c", LIMITED, str(limit))
    command = [*prefix, *COMMAND, *words, "--config", str(rig.path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


# ---------------------------------------------------------------- killed


class Killer:
    """Kills a process when the site is asked for a path, before it answers or some seconds later."""

    def __init__(self, path: str, seconds: float) -> None:
        self.path, self.seconds = path, seconds
        self.process: subprocess.Popen[bytes] | None = None
        self.killed = threading.Event()

    def asked(self, path: str) -> None:
        if path != self.path or self.killed.is_set():
            return
        if self.seconds:
            threading.Timer(self.seconds, self.kill).start()
        else:
            self.kill()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.killed.set()


def figure(number: int) -> str:
    """The list after `number` changes: one row more each time."""
    return table([*COUNTIES, *((f"County {one}", "Nev.", str(one)) for one in range(number))])


def test_a_process_killed_at_any_moment_loses_nothing(rig: Rig) -> None:
    seed = int(os.environ.get("WATCHER_SEED", time.time_ns() % 1_000_000))
    print(f"WATCHER_SEED={seed}")  # noqa: T201 - pytest shows it where the test fails
    chance = random.Random(seed)
    hook = Hook()
    killer = Killer("", 0)

    def watched(path: str, answer: Callable[[Request], Reply]) -> Callable[[Request], Reply]:
        def page(request: Request) -> Reply:
            reply = answer(request)
            killer.asked(path)
            return reply

        return page

    rig.watch(source(rig.site), webhook(rig.site), route("hook"))
    rig.site.pages["/hook"] = watched("/hook", hook)
    rig.site.pages["/list"] = watched("/list", lambda _: Reply(figure(served)))
    served = 0
    rig.check()
    points = [("/list", 0.0), *(("/list", chance.uniform(0.001, 0.5)) for _ in range(4)), ("/hook", 0.0)]
    points += [("/hook", chance.uniform(0.001, 0.02)) for _ in range(2)]
    for path, seconds in points:
        served, killer = served + 1, Killer(path, seconds)
        rig.now += minutes(30)
        command = [*COMMAND, "check", "--all", "--config", str(rig.path), "--now", at(rig.now)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as killer.process:
            killer.process.wait(timeout=60)
        assert killer.killed.wait(timeout=10)
        rig.check(after=minutes(10))
    found = rig.changes()
    assert [change.new["County"] for change in found] == [f"County {number}" for number in range(len(points))]
    assert rig.store.read_sync(snapshots.first_bad, "list") is None
    assert len(rig.snapshots()) == len(points) + 1
    assert_told_once(hook, found)
    assert rig.counts() == {("hook", "sent"): len(points)}


def assert_told_once(hook: Hook, found: list[Change]) -> None:
    """Every change in one alert, and no second copy of one without the mark."""
    told = {posted["ref"]: [change["id"] for change in posted["changes"]] for posted in hook.got}
    assert sorted(told.values()) == sorted([change.id] for change in found)
    unmarked = Counter(posted["ref"] for posted in hook.got if not posted["repeat"])
    assert max(unmarked.values()) == 1


# ---------------------------------------------------------------- told to stop


def test_the_service_stops_when_told(rig: Rig) -> None:
    asked = threading.Event()

    def page(_: Request) -> Reply:
        asked.set()
        return Reply(table())

    rig.site.pages["/list"] = page
    command = [*COMMAND, "run", "--config", str(rig.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert asked.wait(timeout=30)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (0, "")
    assert "set [watcher].contact" in err
    assert "stopped" in err
    assert "Traceback" not in err
    assert rig.state().state == "ok"
    assert [one.clock for one in rig.snapshots()] == ["real"]


# ---------------------------------------------------------------- out of disk


def noise(seed: int) -> str:
    """Two megabytes that no compression makes small, above a list of counties."""
    return table(without("Cook"), more=f"<!-- {random.Random(seed).randbytes(1_000_000).hex()} -->")


def full(rig: Rig) -> int:
    """The size of a file beyond which the disk is full: a little more than the database has."""
    return (rig.folder / "watcher.db").stat().st_size + 50_000


def test_a_full_disk_ends_a_check_with_its_reason_and_changes_nothing(rig: Rig) -> None:
    rig.site.pages["/list"] = table()
    rig.check()
    before = rig.state(), rig.snapshots()
    rig.site.pages["/list"] = noise(1)
    rig.now += minutes(30)
    ran = run(rig, "check", "--all", "--now", at(rig.now), limit=full(rig))
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "watcher.db" in ran.stdout + ran.stderr
    assert "full" in ran.stdout + ran.stderr
    assert (rig.state(), rig.snapshots(), rig.changes(), rig.deliveries()) == (*before, [], [])
    assert rig.store.read_sync(snapshots.first_bad, "list") is None
    assert rig.check().outcome == "changed"
    assert rig.kinds() == ["jurisdiction.delisted"]


def test_a_full_disk_ends_a_backfill_with_its_reason_and_changes_nothing(rig: Rig) -> None:
    rig.site.pages["/list"] = table()
    rig.check()
    before = rig.state(), rig.snapshots()
    folder = rig.folder / "old"
    folder.mkdir()
    for number in range(3):
        (folder / f"2017-03-2{number}T16-00-00Z.html").write_text(noise(number))
    ran = run(rig, "backfill", "list", "--from", str(folder), "--now", at(rig.now), limit=full(rig))
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert ran.stderr.startswith("watcher: ")
    assert "full" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert (rig.state(), rig.snapshots(), rig.changes()) == (*before, [])
    assert rig.store.read_sync(snapshots.first_bad, "list") is None


# ---------------------------------------------------------------- a broken configuration


def test_three_mistakes_are_said_at_once(rig: Rig) -> None:
    broken = f'[watcher]\ntimezone = "Mars/Olympus"\n{source(rig.site, kind="tabel")}\n{route("slack")}'
    rig.path.write_text(broken, encoding="utf-8")
    ran = run(rig, "check")
    assert (ran.returncode, ran.stdout) == (2, "")
    lines = ran.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("watcher: config.toml: ") for line in lines)
    assert all(any(word in line for line in lines) for word in ("timezone", "tabel", "slack"))
