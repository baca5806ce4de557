"""What is stored, read in chat: sources, status, changes, places, why a message came, a replay."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Row, select

from tests.bot.house import ANA, GROUP, House, NoPacing
from tests.rig import table, without
from watcher.people import Role
from watcher.store import Connection
from watcher.store.tables import delivery


class Halted(NoPacing):
    """Sends nothing."""

    def wait(self, chat: str, now: float) -> float:
        del chat, now
        return 3600.0


def waiting(conn: Connection) -> Sequence[Row[Any]]:
    return conn.execute(
        select(delivery).where(delivery.c.state == "pending", delivery.c.channel == f"telegram:{ANA}")
    ).all()


@pytest.fixture
def told(house: House) -> House:
    """A desk that has seen Clark County dropped, and told Ana."""
    house.site.pages["/list"] = table()
    house.open().joined()
    house.say("/subscribe dropped")
    house.check_now()
    house.site.pages["/list"] = table(without("Clark"))
    house.later(minutes=10)
    house.check_now()
    return house


def test_sources_and_status(told: House) -> None:
    assert "list · table · page" in told.say("/sources")
    said = told.say("/status")
    assert "1 of 1 sources were seen as they should be." in said
    told.later(days=2)
    assert "late by" in told.say("/status")


def test_latest_history_and_diff(told: House) -> None:
    assert "Dropped: Clark County, Nev." in told.say("/latest")
    assert "Dropped: Clark County, Nev." in told.say("/history list")
    assert "Clark County, Nev." in told.say("/diff LIST")
    assert "Did you mean list?" in told.say("/history lists")
    assert "Of which source?" in told.say("/history")


def test_nothing_yet(house: House) -> None:
    house.open().joined()
    assert "Nothing has changed yet." in house.say("/latest")
    assert "no two captures" in house.say("/diff list")
    assert "1 of 1" not in house.say("/status")


def test_a_place_and_one_of_several(told: House) -> None:
    assert "Dropped: Clark County, Nev." in told.say('/place "Clark County, Nev."')
    assert "Which do you mean?" in told.say("/place Clark County")
    told.tap("Clark County, Nev.")
    assert "Dropped: Clark County, Nev." in told.last()
    assert "Nothing stored names Cook County, Ill." in told.say("/place Cook County, IL")


def test_why_as_an_answer(told: House) -> None:
    alert = next(one for one in told.api.messages(ANA) if "1 jurisdiction dropped" in one.text)
    said = told.say("/why", reply_to=alert)
    assert "Because of the subscription: dropped" in said
    assert len(re.findall(r"SHA-256 [0-9a-f]{64}", said)) == 2
    assert "Delivery: sent" in said
    assert "Of which message?" in told.say("/why")
    ref = re.search(r"ref ([0-9a-f]{16})", alert.text)
    assert ref
    assert "no such message" in told.joined(8).say(f"/why {ref[1]}", user=8)
    assert "Because of" in told.joined(9, Role.EDITOR).say(f"/why {ref[1]}", user=9)


def test_a_replay_is_marked_and_bounded(told: House) -> None:
    for number in range(25):
        told.site.pages["/list"] = table() if number % 2 == 0 else table(without("Clark"))
        told.later(minutes=10)
        told.check_now()
    before = len(told.api.messages(ANA))
    told.say("/replay list 30d")
    said = [one.text for one in told.api.messages(ANA)[before:]]
    assert len(said) == 21
    assert "There are 6 more" in said[0]
    assert all(text.startswith("Replay of ") for text in said)
    assert "Since when?" in told.say("/replay list yesterday")
    assert "Write /replay" in told.say("/replay list")


def test_one_replay_at_a_time_and_alerts_before_it(told: House) -> None:
    with told.api.lock:
        told.api.say(ANA, ANA, "/replay list 30d")
        told.api.say(ANA, ANA, "/replay list 30d")
        assert told.app.sender is not None
        told.app.sender.pacing = Halted()
    told.api.until(lambda: len([one for one in told.deeds() if one.action == "replay"]) == 2)
    assert [("refused" in (one.detail or {})) for one in told.deeds()[-2:]] == [False, True]
    assert {row.lane for row in told.store.read_sync(waiting)} == {2, 4}


def test_a_replay_in_a_group_is_for_its_administrators(told: House) -> None:
    told.api.member(GROUP, "member", by=ANA)
    told.wait()
    assert "Only an administrator" in told.say("/replay list 30d", chat=GROUP)
