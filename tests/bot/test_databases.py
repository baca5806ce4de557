"""The bot on both databases: what is pressed and typed has its effect once, and what is refused has none."""

from __future__ import annotations

from tests.bot.house import ANA, BEN, House
from tests.rig import table, without
from watcher.people import Role
from watcher.store import subscriptions


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
