"""Longer runs, left out of `make test`: killed at any moment, watcher loses nothing and repeats nothing unmarked."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.rig import desk_config, route, source
from tests.site import Reply, Site
from tests.telegram_api import TOKEN, Call, TelegramApi
from watcher.config import load
from watcher.core import instant
from watcher.people import Chat
from watcher.route import Filter
from watcher.store import Connection, Store, changes, chats, outbox, snapshots, subscriptions
from watcher.store.subscriptions import Subscription

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
STEP = timedelta(minutes=30)
READER, ROUTED = "telegram:7", "telegram:8"
KILLS = 1_000
"""Of `make soak`; `make soak-short` has time for some dozens."""


def table(rows: int) -> Reply:
    lines = "".join(f"<tr><td>row {number}</td><td>{number * 7}</td></tr>" for number in range(rows))
    page = f"<title>Rows</title><table><tr><th>Name</th><th>Figure</th></tr>{lines}</table>"
    return Reply(page, headers={"content-type": "text/html"})


def subscribe(conn: Connection) -> None:
    chats.put(conn, Chat(READER, "private", "Ana", START))
    subscriptions.put(conn, Subscription("all", READER, Filter(), "instant", 7, START))


class Desk:
    """A desk that tells two chats: one by a route, one by its subscription."""

    def __init__(self, folder: Path, site: Site, api: TelegramApi) -> None:
        self.site, self.rows, self.now = site, 10, START
        telegram = f'token_env = "TELEGRAM_TOKEN"\nbase_url = "{api.base_url}"'
        fixed = '[[channel]]\nname = "desk"\nkind = "telegram"\nchat = 8\n'
        self.path = folder / "config.toml"
        tables = (source(site), fixed, route("desk"))
        self.path.write_text(desk_config(site, *tables, telegram=telegram), encoding="utf-8")
        self.environment = {**os.environ, "TELEGRAM_TOKEN": TOKEN}
        for user in (7, 8):
            api.say(user, user, "/start")
        self.more(0)
        self.check()
        with self.store() as store:
            store.run_sync(subscribe)

    def store(self) -> Store:
        return Store.open(load(self.path, self.environment).database_url)

    def more(self, rows: int = 1) -> None:
        """The page has so many rows more."""
        self.rows += rows
        self.site.pages["/list"] = table(self.rows)

    def check(self, seconds: float = 60.0) -> bool:
        """Half an hour later, check and deliver; whether it was killed before it ended."""
        self.now += STEP
        command = [sys.executable, "-m", "watcher", "check", "--all", "--json", "--now", instant(self.now)]
        command += ["--config", str(self.path)]
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, stdout=quiet, stderr=quiet, env=self.environment) as process:
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                return True
        return False


@pytest.mark.soak
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, site: Site) -> None:
    seed = int(os.environ.get("WATCHER_SEED", str(time.time_ns() % 1_000_000)))
    until = time.monotonic() + float(os.environ.get("WATCHER_SOAK_SECONDS", "60")) / 2
    chance, kills = random.Random(seed), 0
    with TelegramApi() as api:
        desk = Desk(tmp_path, site, api)
        while kills < KILLS and time.monotonic() < until:
            desk.more()
            kills += desk.check(chance.uniform(0.3, 4.0))
        desk.check()
        desk.check()
        told = {chat: api.sent(chat) for chat in (7, 8)}
    with desk.store() as store:
        found = store.read_sync(lambda conn: list(changes.history(conn, kinds=("record.*",))))
        assert Counter(change.subject.name for change in found) == Counter(f"row {n}" for n in range(10, desk.rows)), (
            seed
        )
        assert store.read_sync(snapshots.first_bad, "list") is None
        states = {state for _, state in store.read_sync(outbox.counts)}
    assert states <= {"sent", "folded"}, seed
    repeats = sum(assert_told(calls, desk.rows) for calls in told.values())
    assert repeats <= kills, seed
    sys.stdout.write(f"{kills} kills, {desk.rows - 10} changes, {repeats} marked repeats, seed {seed}\n")


def assert_told(calls: list[Call], rows: int) -> int:
    """Every row was told to this chat, and nothing twice without the mark; how many repeats there were."""
    text = "\n".join(call.text for call in calls)
    assert [number for number in range(10, rows) if f"row {number}\n" not in f"{text}\n".replace(";", "\n")] == []
    marked = [call.text for call in calls if call.text.startswith("Repeat of ")]
    refs = Counter((call.method, call.text.rpartition("ref ")[2]) for call in calls if call.text not in marked)
    assert max(refs.values()) == 1
    return len(marked)
