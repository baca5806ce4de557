"""A desk with a bot for each test: the app and the bot in a thread, Telegram and the watched site on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def built(tmp_path: Path, site: Site, store: Store, api: TelegramApi) -> Iterator[House]:
    """A house with this store, whose fetches wait for nothing and whose children are this process."""

    async def at_once(_: float) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TELEGRAM_TOKEN", TOKEN)
        patch.setattr("watcher.app.Fetcher", partial(Fetcher, sleep=at_once))
        patch.setattr("watcher.app.Pool", Inline)
        house = House(tmp_path, site, store, api)
        yield house
        house.close()


@pytest.fixture
def house(tmp_path: Path, site: Site, sqlite_store: Store, api: TelegramApi) -> Iterator[House]:
    with built(tmp_path, site, sqlite_store, api) as house:
        yield house


@pytest.fixture
def both(tmp_path: Path, site: Site, store: Store, api: TelegramApi) -> Iterator[House]:
    """One on each database."""
    with built(tmp_path, site, store, api) as house:
        yield house
