"""A press that was polled is never lost: the process is killed between the inbox and its handling, again and again."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.house import ADMIN, ANA
from tests.rig import desk_config
from tests.site import Site
from tests.store.made import changed
from tests.telegram_api import TOKEN, TelegramApi
from watcher.app import real_clock
from watcher.config import load
from watcher.core import Severity, Tools
from watcher.dispatch import Channels, Dispatch
from watcher.paging import Paging
from watcher.store import Connection, Store, audit, changes, inbox, outbox, pages

ROOT = Path(__file__).parent.parent.parent


def page(store: Store, path: Path, number: int) -> str:
    """A page opens, and Ana is asked; its id."""
    config = load(path)
    tools = Tools(post=None, now=real_clock, out=io.StringIO())  # type: ignore[arg-type]  # nothing is posted
    paging = Paging.of(config, Dispatch(config, Channels(config, tools), real_clock).letter, {})
    found = [changed(number, severity=Severity.MAJOR, source=f"list {number}")]

    def work(conn: Connection) -> str:
        changes.put_changes(conn, found)
        made = paging.open_page(conn, "desk", f"list {number}", found, real_clock())
        assert made is not None
        return made.id

    return store.run_sync(work)


def acks(store: Store, page_id: str) -> int:
    """How often an acknowledgement took effect."""
    deeds = store.read_sync(audit.latest, 100, page_id)
    return sum(deed.action == "ack" and bool((deed.detail or {})["moved"]) for deed in deeds)


class Desk:
    """The desk's folder, its store as the test sees it, and the process that dies."""

    def __init__(self, folder: Path, site: Site, api: TelegramApi, store: Store) -> None:
        bots = f'[telegram]\ntoken_env = "TELEGRAM_TOKEN"\nbase_url = "{api.base_url}"\nadmins = [{ADMIN}]\n'
        ana = f'[[person]]\nname = "Ana"\ntelegram = {ANA}\n'
        steps = '[[escalation]]\nname = "desk"\nsteps = [ { ping = "person:Ana", wait = "1d" } ]\n'
        self.path, self.api, self.store = folder / "config.toml", api, store
        self.path.write_text(desk_config(site, bots, ana, steps), encoding="utf-8")
        api.chat(ANA)
        self.process = self.begin()

    def begin(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-m", "tests.bot.victim", str(self.path)], cwd=ROOT)

    def is_quiet(self) -> bool:
        """Whether every message is known to be sent: a process that dies while sending is another test's."""
        return not {state for _, state in self.store.read_sync(outbox.counts)} & {"pending", "sending", "wait"}

    def kill(self, number: int) -> None:
        """Somebody acknowledges, and the process dies before it has handled that; the next one does."""
        asked = page(self.store, self.path, number)
        shown = f"page {asked[:8]}"
        self.api.until(lambda: any(shown in one.text for one in self.api.messages(ANA)) and self.is_quiet(), 20)
        message = next(one for one in self.api.messages(ANA) if shown in one.text)
        self.path.with_name("armed").touch()
        self.api.tap(ANA, message, "Ack")
        assert self.process.wait(20) == -signal.SIGKILL
        assert len(self.store.read_sync(inbox.unhandled, 5)) == 1
        assert acks(self.store, asked) == 0
        self.process = self.begin()
        self.api.until(lambda: acks(self.store, asked) > 0, 20)
        found = self.store.read_sync(pages.page, asked)
        assert found is not None
        assert (acks(self.store, asked), found.state, found.acked_by) == (1, "acked", "Ana")

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture
def desk(
    tmp_path: Path, site: Site, api: TelegramApi, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)
    desk = Desk(tmp_path, site, api, sqlite_store)
    yield desk
    desk.end()


def test_no_press_is_lost(desk: Desk) -> None:
    for number in range(3):
        desk.kill(number)


@pytest.mark.soak
def test_no_press_is_lost_a_thousand_times(desk: Desk) -> None:
    for number in range(1000):
        desk.kill(number)
