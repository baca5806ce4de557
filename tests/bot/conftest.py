"""A desk with a bot for each test: the app and the bot in a thread, Telegram and the watched site on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.bot.house import House
from tests.rig import Inline
from tests.site import Site
from tests.telegram_api import TOKEN, TelegramApi
from watcher.fetch import Fetcher
from watcher.store import Store


@pytest.fixture
def api() -> Iterator[TelegramApi]:
    with TelegramApi(longest_poll=0.2) as api:
        yield api


@pytest.fixture
def house(
    tmp_path: Path, site: Site, sqlite_store: Store, api: TelegramApi, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    async def at_once(_: float) -> None:
        return None

    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setattr("watcher.app.Fetcher", partial(Fetcher, sleep=at_once))
    monkeypatch.setattr("watcher.app.Pool", Inline)
    house = House(tmp_path, site, sqlite_store, api)
    yield house
    house.close()
