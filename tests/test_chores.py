"""Chores of the service: which ones a configuration gives, calendars of rotas, quiet hours, and the heartbeat."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest

from tests.rig import NOON, Rig, source
from tests.site import Reply, Request
from watcher.app import App
from watcher.chores import Chores, seen
from watcher.core import SourceState
from watcher.render import as_text

ANA = '[[person]]\nname = "Ana"\ntelegram = 7\nquiet = "22:00-07:00"\ntimezone = "UTC"\n'
ROTA = '[[rota]]\nname = "desk"\npeople = ["Ana"]\nstart = 2026-01-05\nhandoff = "monday 09:00"\n'
CALENDAR = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//tests//\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Ana\r\n"
    "DTSTART:20260301T000000Z\r\nDTEND:20260303T000000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


def names(app: App) -> set[str]:
    return {chore.name for chore in Chores(app).all()}


@pytest.mark.parametrize(
    ("settings", "tables", "wanted"),
    [
        ({}, (), set()),
        ({}, (ANA, ROTA), {"watchdog", "silences", "gaps"}),
        ({}, (ANA, ROTA + 'calendar = "desk.ics"\n'), {"watchdog", "silences", "gaps", "calendars"}),
        ({"watcher": 'heartbeat_url = "https://example.org/beat"'}, (), {"heartbeat"}),
        ({"retention": 'bodies = "2y"'}, (), {"retention"}),
        ({"evidence": 'head_to = "console"'}, (), {"anchors"}),
    ],
)
def test_only_what_is_configured_is_done(
    rig: Rig, settings: dict[str, str], tables: tuple[str, ...], wanted: set[str]
) -> None:
    rig.watch(source(rig.site), *tables, **settings)

    async def look(app: App) -> set[str]:
        return names(app)

    assert rig.run(look) == wanted


@pytest.mark.parametrize("place", ["file", "address"])
def test_a_calendar_says_who_is_on_call(rig: Rig, place: str) -> None:
    (rig.path.parent / "desk.ics").write_text(CALENDAR, encoding="utf-8", newline="")
    rig.site.pages["/desk.ics"] = Reply(CALENDAR, headers={"content-type": "text/calendar"})
    where = "desk.ics" if place == "file" else rig.site.url("/desk.ics")
    rig.watch(source(rig.site), ANA, ROTA + f'calendar = "{where}"\n')

    async def read(app: App) -> list[str]:
        await Chores(app).read_calendars()
        return [event.person for event in app.calendars["desk"]]

    assert rig.run(read) == ["Ana"]


def test_a_calendar_that_cannot_be_read_keeps_what_it_said(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.watch(source(rig.site), ANA, ROTA + 'calendar = "desk.ics"\n')
    (rig.path.parent / "desk.ics").write_text(CALENDAR, encoding="utf-8", newline="")

    async def read(app: App) -> int:
        chores = Chores(app)
        await chores.read_calendars()
        rig.now += timedelta(hours=1)
        (rig.path.parent / "desk.ics").write_text("no calendar", encoding="utf-8")
        await chores.read_calendars()
        return len(app.calendars["desk"])

    assert rig.run(read) == 1
    assert "the calendar of the rota desk cannot be read" in caplog.text


def test_a_calendar_is_read_again_after_an_hour_and_at_the_next_look_where_it_failed(rig: Rig) -> None:
    asked: list[str] = []

    def answer(request: Request) -> Reply:
        asked.append(request.path)
        return Reply(CALENDAR) if len(asked) > 1 else Reply("", status=404)

    rig.site.pages["/desk.ics"] = answer
    rig.watch(source(rig.site), ANA, ROTA + f'calendar = "{rig.site.url("/desk.ics")}"\n')

    async def look(app: App) -> list[int]:
        chores, counts = Chores(app), []
        for minutes in (0, 1, 59, 1):
            rig.now += timedelta(minutes=minutes)
            await chores.read_calendars()
            counts.append(len(asked))
        return counts

    assert rig.run(look) == [1, 2, 2, 3]


def test_a_calendar_is_known_from_before_where_it_cannot_be_read_at_the_start(rig: Rig) -> None:
    rig.watch(source(rig.site), ANA, ROTA + 'calendar = "desk.ics"\n')
    file = rig.path.parent / "desk.ics"
    file.write_text(CALENDAR, encoding="utf-8", newline="")

    async def read(app: App) -> list[str]:
        await Chores(app).read_calendars()
        return [event.person for event in app.calendars.get("desk", ())]

    assert rig.run(read) == ["Ana"]
    file.unlink()
    assert rig.run(read) == ["Ana"]


def test_gaps_are_reported_once_the_calendar_is_read(rig: Rig) -> None:
    rig.watch(source(rig.site), ANA, ROTA + 'calendar = "desk.ics"\n')

    async def look(app: App) -> None:
        chores = Chores(app)
        reporting = asyncio.create_task(chores.report_gaps())
        await asyncio.sleep(0)
        assert not reporting.done()  # it waits for the first reading
        await chores.read_calendars()
        await reporting
        assert not rig.deliveries()
        (rig.path.parent / "desk.ics").write_text(CALENDAR, encoding="utf-8", newline="")
        await chores.read_calendars()
        await chores.report_gaps()

    rig.run(look)
    (row,) = rig.deliveries()
    assert "nobody is on call" in as_text(row.lines)


def test_the_outside_hears_a_beat_only_while_all_is_well(rig: Rig) -> None:
    beats: list[str] = []

    def beat(request: Request) -> Reply:
        beats.append(request.path)
        return Reply("ok")

    rig.site.pages["/beat"] = beat
    rig.watch(source(rig.site), watcher=f'heartbeat_url = "{rig.site.url("/beat")}"')

    async def twice(app: App) -> None:
        chores = Chores(app)
        app.passed |= {"fetch": time.monotonic(), "store": time.monotonic()}
        await chores.beat()
        app.passed["store"] = time.monotonic() - 3600
        await chores.beat()

    rig.run(twice)
    assert beats == ["/beat"]


def test_quiet_hours_are_those_of_the_person_with_the_chat(rig: Rig) -> None:
    rig.watch(source(rig.site), ANA)

    async def ask(app: App) -> list[bool]:
        await asyncio.sleep(0)
        return [
            app.dispatch.quiet(chat, NOON + timedelta(hours=hour))
            for chat in ("telegram:7", "telegram:8")
            for hour in (0, 11)
        ]

    assert rig.run(ask) == [False, True, False, False]


def test_pages_that_are_overdue_or_in_trouble_were_not_seen() -> None:
    later, before = NOON + timedelta(hours=1), NOON - timedelta(hours=1)
    states = {
        "fine": SourceState("fine", state="ok", next_check=later),
        "late": SourceState("late", state="ok", next_check=before),
        "gone": SourceState("gone", state="gone", next_check=later),
    }
    assert str(seen(states, NOON)) == "1 of 3 pages seen"
