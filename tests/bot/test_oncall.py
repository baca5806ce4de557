"""Who is on call, and exchanges, in chat."""

from __future__ import annotations

from tests.bot.house import ANA, BEN, House

DESK = f"""
[[person]]
name = "Ana"
telegram = {ANA}

[[person]]
name = "Ben"
telegram = {BEN}

[[rota]]
name = "immigration"
people = ["Ana", "Ben"]
start = 2026-01-05
handoff = "monday 09:00"
"""


def desk(house: House) -> House:
    house.configure(DESK)
    return house.open().joined(ANA).joined(BEN)


def test_who_is_on_call(house: House) -> None:
    said = desk(house).say("/oncall")
    assert "immigration: Ana, until" in said or "immigration: Ben, until" in said
    assert "then " in said
    assert "Which rota? There are immigration." in house.say("/oncall sports")


def test_taking_over_is_told_to_both(house: House) -> None:
    desk(house)
    on = ANA if "immigration: Ana" in house.say("/oncall") else BEN
    other = BEN if on == ANA else ANA
    name = {ANA: "Ana", BEN: "Ben"}[other]
    assert f"{name} is on call in immigration" in house.say("/take 3h", user=other)
    assert f"{name} is on call in immigration" in house.last(on)
    assert f"immigration: {name}, until" in house.say("/oncall")
    assert "already" in house.say("/take immigration", user=other)


def test_a_swap(house: House) -> None:
    said = desk(house).say("/swap Ben")
    assert said.count("is on call in immigration") == 2
    assert "is on call in immigration" in house.last(BEN)
    assert "With whom?" in house.say("/swap Zoe")


def test_only_those_of_the_config_take(house: House) -> None:
    from watcher.people import Role

    desk(house).joined(9, Role.REPORTER)
    assert "no [[person]] with your Telegram id" in house.say("/take", user=9)
