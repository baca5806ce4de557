"""Rotas in the store: versions, exchanges, who is asked because of them, handing over, and hours that nobody has."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.room import Room, letter
from watcher import duty
from watcher.config import Config, load
from watcher.duty import Exchange, NotPossible
from watcher.oncall.pages import Ask
from watcher.oncall.rota import Event
from watcher.paging import Paging
from watcher.store import Connection, Store, audit

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""The first handoff after the tests' noon: from Ana to Ben."""
PEOPLE = '[[person]]\nname = "Ana"\ntelegram = 11\n[[person]]\nname = "Ben"\ntelegram = 22\n[[person]]\nname = "Ed"\n'
ROTA = '[[rota]]\nname = "desk"\npeople = ["Ana", "Ben"]\nstart = 2026-02-23\nhandoff = "monday 09:00"\n'
ESCALATION = '[[escalation]]\nname = "immigration"\nsteps = [{ ping = "rota:desk" }, { ping = "channel:desk" }]\n'
CHANNEL = '[[channel]]\nname = "desk"\nkind = "console"\n'


class Desk:
    """A store with the rota of a configuration."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.path = store, folder / "config.toml"
        self.now = MONDAY - DAY
        self.write(ROTA)

    def write(self, *tables: str) -> list[str]:
        text = '[watcher]\ntimezone = "UTC"\n' + "".join((PEOPLE, *tables, ESCALATION, CHANNEL))
        self.path.write_text(text if "rota" in "".join(tables) else text.replace("rota:desk", "person:Ana"))
        return self.store.run_sync(duty.sync, self.config, self.now)

    @property
    def config(self) -> Config:
        return load(self.path)

    def on(self, at: datetime) -> str:
        return self.store.read_sync(duty.on_duty, "desk", at, {})

    def change(self, what: Callable[[Exchange], str]) -> str:
        def change(conn: Connection) -> str:
            return what(Exchange(conn, "desk", "Ana", self.now))

        return self.store.run_sync(change)

    def room(self) -> Room:
        """The same desk with pages."""
        steps = (Ask("rota:desk", timedelta(minutes=5)), Ask("channel:desk", timedelta(hours=3)))
        return Room(self.store, steps=steps, now=self.now, more={"rotas": ("desk",)})


@pytest.fixture
def desk(sqlite_store: Store, tmp_path: Path) -> Desk:
    return Desk(sqlite_store, tmp_path)


@pytest.fixture
def both(store: Store, tmp_path: Path) -> Desk:
    return Desk(store, tmp_path)


# ---------------------------------------------------------------- versions


def test_a_rota_that_differs_is_a_new_version_and_the_past_stays(both: Desk) -> None:
    assert both.on(both.now) == "Ana"
    assert both.store.run_sync(duty.sync, both.config, both.now) == []
    both.now += 2 * DAY
    assert both.on(both.now) == "Ben"
    assert both.write(ROTA.replace('"Ana", "Ben"', '"Ed", "Ana"')) == ["desk"]
    assert both.on(both.now - HOUR) == "Ben"
    assert both.on(both.now) == "Ana"
    assert both.on(both.now + 7 * DAY) == "Ed"


def test_before_a_rota_begins_and_without_one_nobody_is_on(desk: Desk) -> None:
    assert desk.on(desk.now - HOUR) == "Ana"  # the first version holds for the time before anybody asked, too
    assert desk.on(desk.now - 3650 * DAY) == ""
    assert desk.store.read_sync(duty.on_duty, "other", desk.now, {}) == ""


def test_events_of_a_calendar_say_who_is_on(desk: Desk) -> None:
    desk.write(ROTA + 'calendar = "desk.ics"\n')
    content = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20260301T000000Z\r\n"
        "SUMMARY:Ed\r\nDTSTART:20260302T090000Z\r\nDTEND:20260302T170000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    found = duty.calendar(desk.config, "desk", content.encode(), desk.now).events
    assert found == (Event("Ed", MONDAY, MONDAY + 8 * HOUR),)
    assert desk.store.read_sync(duty.on_duty, "desk", MONDAY, {"desk": found}) == "Ed"
    assert desk.store.read_sync(duty.on_duty, "desk", MONDAY - HOUR, {"desk": found}) == ""


# ---------------------------------------------------------------- exchanges


def test_taking_over_lasts_as_long_as_the_shift(both: Desk) -> None:
    assert both.change(lambda one: one.take("Ed")).startswith(
        "Ed is on call in desk from Sun Mar 01, 09:00 UTC until Mon"
    )
    assert [both.on(at) for at in (both.now, MONDAY - HOUR, MONDAY)] == ["Ed", "Ed", "Ben"]
    (deed,) = both.store.read_sync(audit.latest, 1)
    assert (deed.action, deed.about) == ("override", "desk")


def test_a_swap_exchanges_the_next_shifts(both: Desk) -> None:
    both.change(lambda one: one.swap("Ben", "Ana"))
    assert [both.on(at) for at in (both.now, MONDAY, MONDAY + 7 * DAY)] == ["Ben", "Ana", "Ana"]


def test_an_override_holds_between_its_times_or_only_in_place_of_one(both: Desk) -> None:
    both.change(lambda one: one.override("Ed", MONDAY - HOUR, MONDAY + HOUR, instead="Ben"))
    assert [both.on(at) for at in (MONDAY - HOUR, MONDAY, MONDAY + HOUR)] == ["Ana", "Ed", "Ben"]
    both.change(lambda one: one.override("Ana", MONDAY + DAY, MONDAY + 2 * DAY))
    assert both.on(MONDAY + DAY) == "Ana"


def test_what_collides_is_refused_and_stores_nothing(both: Desk) -> None:
    both.change(lambda one: one.override("Ed", MONDAY, MONDAY + DAY))
    with pytest.raises(NotPossible, match="has taken over then already"):
        both.change(lambda one: one.override("Ana", MONDAY + HOUR, MONDAY + 3 * DAY))
    with pytest.raises(NotPossible, match="is not on call then"):
        both.change(lambda one: one.override("Ed", MONDAY + 2 * DAY, MONDAY + 3 * DAY, instead="Ana"))
    assert both.on(MONDAY + 2 * DAY) == "Ben"


def test_cancelling_gives_back_what_is_left(both: Desk) -> None:
    said = both.change(lambda one: one.take("Ed"))
    made = said.rpartition("(")[2].removesuffix(").")
    both.now += HOUR
    assert both.change(lambda one: one.cancel(made)) == f"Ed does not take over in desk any more ({made})."
    assert [both.on(both.now - HOUR), both.on(both.now)] == ["Ed", "Ana"]
    with pytest.raises(NotPossible, match="there is no exchange"):
        both.change(lambda one: one.cancel(made))


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one.override("Ed", MONDAY - 9 * DAY, MONDAY - 8 * DAY),
        lambda one: one.override("Ed", MONDAY, MONDAY),
        lambda one: one.override("Ed", MONDAY, MONDAY + 1000 * DAY),
        lambda one: one.swap("Ana", "Ed"),
        lambda one: one.swap("Ana", "Ana"),
        lambda one: one.cancel("% OR 1=1"),
        lambda one: one.take("Ana"),
    ],
)
def test_what_makes_no_sense_is_refused(desk: Desk, change: Callable[[Exchange], str]) -> None:
    with pytest.raises(NotPossible):
        desk.change(change)


def test_what_has_passed_is_not_changed(desk: Desk) -> None:
    desk.now += HOUR
    desk.change(lambda one: one.override("Ed", desk.now - HOUR, desk.now + HOUR))
    assert [desk.on(desk.now - HOUR), desk.on(desk.now)] == ["Ana", "Ed"]


def test_a_rota_that_is_not_there_cannot_be_changed(desk: Desk) -> None:
    with pytest.raises(NotPossible, match="there is no rota night"):
        desk.store.run_sync(lambda conn: Exchange(conn, "night", "Ana", desk.now).take("Ed"))


# ---------------------------------------------------------------- pages


def test_a_page_asks_whoever_is_on_when_the_step_is_taken(both: Desk) -> None:
    both.now = MONDAY - timedelta(minutes=3)
    room = both.room()
    room.loops = 2
    room.steps = (*room.steps[:1], room.steps[0])
    room.news(1)
    room.tick(minutes=5)
    assert room.asked() == ["telegram:11", "telegram:22"]


def test_nobody_on_call_asks_the_next_at_once(desk: Desk) -> None:
    room = desk.room()
    room.now = desk.now - 3650 * DAY
    room.news(1)
    assert room.asked() == ["desk"]
    assert room.steps_of("skipped")[0].reason == "nobody is on call in desk"


def test_both_are_told_of_a_handoff_while_pages_stand_each_once(both: Desk) -> None:
    both.now = MONDAY - HOUR
    room = both.room()
    room.news(1)
    room.press(11, "ack")
    room.tick(minutes=44)
    room.told()
    for _ in range(40):
        room.tick(minutes=1)
    told = [(channel, text.splitlines()[0]) for channel, text in room.told()]
    when = "Rota desk: Ana hands over to Ben Mon Mar 02, 09:00 UTC"
    expected = [(chat, f"{when}{end}") for end in (".", ": now.") for chat in ("telegram:11", "telegram:22")]
    assert sorted(told) == sorted(expected)


def test_without_pages_nobody_is_told_of_a_handoff(desk: Desk) -> None:
    desk.now = MONDAY - HOUR
    room = desk.room()
    room.news(1)
    room.press(11, "close")
    room.send()
    room.told()
    for _ in range(90):
        room.tick(minutes=1)
    assert room.told() == []


def test_gaps_are_reported_each_week_and_after_an_edit(both: Desk) -> None:
    both.write(ROTA.replace("2026-02-23", "2026-03-16"))
    room = both.room()

    def report() -> int:
        found = both.store.run_sync(room.paging.report_gaps, both.now)
        room.send()
        return found

    assert report() == report() == 1
    ((channel, text),) = room.told()
    assert channel == "console"
    assert "from Sun Mar 01, 09:00 UTC to Mon Mar 16, 09:00 UTC" in text
    room.now = both.now = both.now + 7 * DAY
    report()
    assert len(room.told()) == 1
    both.change(lambda one: one.override("Ed", both.now, both.now + DAY))
    report()
    assert "from Mon Mar 09, 09:00 UTC" in room.told()[0][1]
    room.now = both.now = both.now + 8 * DAY
    assert report() == 0


def test_paging_of_a_configuration_knows_its_rotas_and_calendars_that_come_later(desk: Desk) -> None:
    calendars: dict[str, tuple[Event, ...]] = {}
    paging = Paging.of(desk.config, letter, {}, calendars)
    calendars["desk"] = (Event("Ed", MONDAY, MONDAY + HOUR),)
    assert paging.rotas == ("desk",)
    assert paging.calendars["desk"]
