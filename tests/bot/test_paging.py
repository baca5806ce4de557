"""Acknowledging a page in Telegram: by its button, by /ack, twice, forged, and by a stranger."""

from __future__ import annotations

from datetime import timedelta

from tests.bot.house import ANA, BEN, STRANGER, House
from tests.store.made import changed
from watcher.core import Severity
from watcher.oncall.pages import Page
from watcher.people import Role
from watcher.store import Connection, changes, pages

PEOPLE = f"""
[[person]]
name = "Ana"
telegram = {ANA}

[[escalation]]
name = "desk"
steps = [ {{ ping = "person:Ana", wait = "5m" }} ]
"""


def paged(house: House) -> Page:
    """A page opens, and Ana is asked."""
    found = [changed(1, severity=Severity.MAJOR)]

    def store(conn: Connection) -> Page | None:
        changes.put_changes(conn, found)
        return house.paging.open_page(conn, "desk", "list", found, house.now)

    page = house.store.run_sync(store)
    assert page is not None
    house.app.dispatch.wake()
    house.wait()
    return page


def now(house: House, page: Page) -> Page:
    found = house.store.read_sync(pages.page, page.id)
    assert found is not None
    return found


def test_the_button_acknowledges_and_the_message_says_so(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    assert house.tap("Ack") == "Acknowledged: you have it."
    assert now(house, page).acked_by == "Ana"
    assert "Acknowledged by Ana" in house.last()
    assert len(house.api.messages(ANA)) == 1


def test_a_second_tap_says_who_has_it(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA).joined(BEN, Role.REPORTER)
    page = paged(house)
    (message,) = house.api.messages(ANA)
    data = message.button("Ack")["callback_data"]
    assert house.press(BEN, message, data) == "Acknowledged: you have it."
    assert house.press(ANA, message, data) == f"Already acknowledged by User {BEN}."
    assert now(house, page).acked_by == f"User {BEN}"


def test_ack_with_a_note(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    assert "Acknowledged: you have it. Noted." in house.say("/ack calling the county")
    assert now(house, page).note == "Ana: calling the county"
    assert "No page waits" in house.say("/ack")


def test_a_note_after_the_button(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    house.tap("Ack")
    assert "Already acknowledged by you. Noted." in house.say(f"/ack {page.short} calling the county")
    assert now(house, page).note == "Ana: calling the county"
    assert house.say(f"/ack {page.short} me too", user=STRANGER).count("people on call") <= 1


def test_ack_by_id_and_as_an_answer(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    assert "There is no page 12345678." in house.say("/ack 12345678")
    assert f"Page {page.short}." in house.say("/ack", reply_to=house.api.messages(ANA)[0])
    assert "Already acknowledged by Ana" in house.say(f"/ack {page.short}") or now(house, page).acked_by == "Ana"


def test_snooze_for_as_long_as_is_said(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    assert "For how long?" in house.say("/snooze a while")
    assert "from 15 minutes to 24 hours" in house.say("/snooze 5m")
    assert f"Snoozed for 480 minutes; then all are asked anew. Page {page.short}." in house.say(
        f"/snooze {page.short} 8h"
    )
    assert now(house, page).until == house.now + timedelta(hours=8)
    assert "No page waits" in house.say("/snooze")
    house.tap("Ack")
    assert "Snoozed for 60 minutes" in house.say("/snooze", reply_to=house.api.messages(ANA)[0])
    assert "people on call" in house.joined(BEN).say(f"/snooze {page.short} 15m", user=BEN)


def test_why_of_a_page(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    house.tap("Ack")
    said = house.say("/why", reply_to=house.api.messages(ANA)[0])
    assert f"page {page.short} of " in said
    assert "by the escalation desk" in said
    assert "Step 1, person:Ana: fired" in said
    assert f"ack by User {ANA}" in said
    house.joined(BEN)
    house.say("/start", user=BEN)
    assert "for people on call" in house.say("/why", user=BEN, reply_to=house.api.messages(ANA)[0])


def test_a_stranger_changes_nothing(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    (message,) = house.api.messages(ANA)
    said = house.press(STRANGER, message, message.button("Ack")["callback_data"])
    assert said is not None
    assert "people on call" in said
    assert now(house, page).state == "open"
    assert [deed.who for deed in house.deeds() if deed.action == "ack"] == [STRANGER]


def test_forged_data_changes_nothing(house: House) -> None:
    house.configure(PEOPLE)
    house.open().joined(ANA)
    page = paged(house)
    (message,) = house.api.messages(ANA)
    for data in (
        "p1:0000000000000000:ack:0",
        f"p1:{page.id}:ack:999999",
        f"p2:{page.id}:ack:1",
        "b1:sub:1:x",
        "b1:evil:1:",
    ):
        house.press(ANA, message, data)
    assert now(house, page).state == "open"
