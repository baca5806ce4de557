"""Joining and subscribing, as people in Telegram see it."""

from __future__ import annotations

from tests.bot.house import House


def test_start_then_subscribe_then_list(house: House) -> None:
    house.open()
    house.api.user(7, "Ana")
    assert "Welcome, Ana. You are a reader." in house.say("/start")
    assert "This chat is told at once: Clark County, Nev." in house.say("/subscribe Clark County, NV")
    assert "1. Clark County, Nev. · at once" in house.say("/list")
