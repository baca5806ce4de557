"""The bot on both databases: what is pressed and typed has its effect once, and what is refused has none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.bot.house import ANA, BEN, House
from tests.rig import Inline, table, without
from tests.site import Site
from tests.telegram_api import TOKEN, TelegramApi
from watcher.fetch import Fetcher
from watcher.people import Role
from watcher.store import Store, subscriptions


@pytest.fixture
def both(
    tmp_path: Path, site: Site, store: Store, api: TelegramApi, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    async def at_once(_: float) -> None:
        return None

    monkeypatch.setenv("TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setattr("watcher.app.Fetcher", partial(Fetcher, sleep=at_once))
    monkeypatch.setattr("watcher.app.Pool", Inline)
    house = House(tmp_path, site, store, api)
    yield house
    house.close()


def test_from_start_to_an_alert_and_why(both: House) -> None:
    both.site.pages["/list"] = table()
    both.open()
    both.say("/start")
    both.check_now()
    both.say("/subscribe Clark County")
    both.tap("Clark County, Nev.")
    assert "Which rota?" in both.joined(BEN, Role.REPORTER).say("/take", user=BEN)
    both.site.pages["/list"] = table(without("Clark"))
    both.later(minutes=10)
    both.check_now()
    alert = both.api.messages(ANA)[-1]
    assert "Clark County" in alert.text
    assert "Because of the subscription: Clark County, Nev." in both.say("/why", reply_to=alert)
    assert "Replay of list: 1 message" in both.say("/replay list 30d")
    assert "Dropped" in both.say("/place Clark County, Nev.")
    both.say("/list")
    both.tap("✕ 1")
    assert both.store.read_sync(subscriptions.of_chat, f"telegram:{ANA}") == []
