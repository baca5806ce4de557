"""Replaying the stored history: as it was told, faster, to a channel, and under another configuration."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from typer.testing import CliRunner

from bench.replay import EACH, expected, fill
from tests.rig import COUNTIES, NOON, Hook, Rig, route, source, table, webhook, without
from tests.site import Reply
from watcher import duty
from watcher.app import App
from watcher.asking import Desk, Refused
from watcher.backfill import backfill
from watcher.captures import opened
from watcher.cli import app
from watcher.commands import replaying
from watcher.config import load
from watcher.core import Delivery, Line, Message, Outcome, Retry, Run, Sent
from watcher.demo import story as tour
from watcher.people import Chat
from watcher.render import as_text
from watcher.replay.messages import Once, Pace, kept, marked, moment, send
from watcher.replay.trial import Chosen
from watcher.route import Filter
from watcher.store import Connection, additions, chats, replays, retention, subscriptions
from watcher.store.additions import Addition
from watcher.store.replays import Told
from watcher.store.subscriptions import Subscription
from watcher.subscriptions import filter_json
from watcher.wire import change_json

BASE = table()
HOUR = timedelta(hours=1)
SHAPE = ["at", "source", "change", "to", "route", "part", "text", "alert"]


class Ran(NamedTuple):
    """How a replay ended, and what it printed."""

    code: int
    out: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in self.out.splitlines()]


Replay = Callable[..., Ran]


@pytest.fixture
def replay(rig: Rig, capsysbinary: pytest.CaptureFixture[bytes]) -> Replay:
    """Replay the history of `rig`."""

    def ran(name: str = "", *, json: bool = True, **words: Any) -> Ran:
        capsysbinary.readouterr()
        code = asyncio.run(replaying.run(Desk.begin(rig.path, json=json), name, **words))
        return Ran(code, capsysbinary.readouterr().out.decode())

    return ran


def story(rig: Rig) -> str:
    """A live history in four captures, an hour apart; gives what the console was told."""
    for hour, body in enumerate((BASE, table(without("Cook")), table(without("Clark")), figures("99"))):
        rig.now = NOON + hour * HOUR
        rig.site.pages["/list"] = body
        rig.check()
    return rig.told()


def figures(number: str) -> str:
    return table([(name, state, number) for name, state, _ in without("Clark")])


def old(rig: Rig, bodies: dict[datetime, str]) -> None:
    """Take old captures in."""
    folder = rig.folder / "old"
    folder.mkdir(exist_ok=True)
    for at, body in bodies.items():
        (folder / f"{at:%Y-%m-%dT%H-%M-%SZ}.html").write_text(body)

    async def work(app: Any) -> None:
        wanted = app.sources[0]
        with opened(folder) as captures:
            await backfill(app.parts, wanted, app.state(wanted), captures)

    rig.run(work)


def other(rig: Rig, *tables: str) -> Path:
    """Another configuration, beside the desk's own."""
    own = rig.path.read_text()
    rig.watch(*tables)
    path = rig.folder / "new.toml"
    path.write_text(rig.path.read_text())
    rig.path.write_text(own)
    return path


def sorts(ran: Ran) -> list[tuple[str, str, str]]:
    return [(line["alert"], line["to"], line["change"]["subject"]["name"]) for line in ran.lines]


# ---------------------------------------------------------------- as it was told


def test_each_change_with_the_very_text_that_was_sent(rig: Rig, replay: Replay) -> None:
    hook = Hook()
    rig.site.pages["/hook"] = hook
    rig.watch(source(rig.site), webhook(rig.site), route("console"), route("hook", 'severity = "major"'))
    told = story(rig)
    ran = replay()
    assert all(list(line) == SHAPE for line in ran.lines)
    assert [line["change"] for line in ran.lines if line["to"] == "console"] == [
        change_json(change) for change in rig.changes()
    ]
    console = dict.fromkeys(line["text"] for line in ran.lines if line["to"] == "console")
    assert "".join(f"{text}\n\n" for text in console) == told
    assert list(dict.fromkeys(line["text"] for line in ran.lines if line["to"] == "hook")) == [
        got["text"] for got in hook.got
    ]
    assert {(line["to"], line["route"], line["part"]) for line in ran.lines} == {
        ("console", "route[0]", 1),
        ("hook", "route[1]", 1),
    }
    assert {line["alert"] for line in ran.lines} == {"sent"}
    assert replay() == ran


def test_people_read_each_message_once(rig: Rig, replay: Replay) -> None:
    told = story(rig)
    ran = replay(json=False)
    assert [line for line in ran.out.splitlines() if "  to console by route[0]:" not in line] == told.splitlines()
    assert ran.out.count("  to console by route[0]:") == told.count("ref ") == 3


def test_what_nobody_was_told_of_is_replayed_too(rig: Rig, replay: Replay) -> None:
    rig.watch(source(rig.site), route("console", 'places = ["Cook County, IL"]'))
    story(rig)
    old(rig, {NOON - HOUR: table(without("Nassau"))})
    lines = replay().lines
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    (first, *_) = lines
    assert first["change"]["subject"]["name"] == "Nassau County, N.Y."
    assert [first[key] for key in ("to", "route", "part", "text", "alert")] == [None, None, None, None, "none"]
    assert [line["alert"] for line in lines].count("sent") == 3
    assert replay(json=False).out.count("(nobody was told)") == [line["alert"] for line in lines].count("none")


def test_a_message_that_never_arrived_was_told_to_nobody(rig: Rig, replay: Replay) -> None:
    rig.site.pages["/hook"] = Hook(404)
    rig.watch(source(rig.site), webhook(rig.site), route("hook"))
    story(rig)
    assert {row.state for row in rig.deliveries()} == {"dead"}
    assert {line["alert"] for line in replay().lines} == {"none"}


def test_a_span_of_time_and_a_source(rig: Rig, replay: Replay) -> None:
    rig.watch(source(rig.site), source(rig.site, "other"))
    rig.site.pages["/other"] = BASE
    story(rig)
    whole = replay().lines
    assert replay(since=NOON + 2 * HOUR).lines == [line for line in whole if line["at"] >= "2026-03-01T14:00:00Z"]
    assert replay("list", until=NOON + HOUR).lines == [line for line in whole if line["at"] <= "2026-03-01T13:00:00Z"]
    assert replay("other").lines == []


def test_a_repeat_is_replayed_as_the_repeat_that_it_was() -> None:
    lines: tuple[Line, ...] = ((Run("Dropped: Cook County"),), (Run("ref abc", "dim"),))
    row = Delivery("d", "abc", "console", "list", 1, 1, lines, ("c",), NOON, NOON, "sent", repeat=True)
    from watcher.replay.messages import text_of

    assert text_of(row) == "Repeat of abc\nDropped: Cook County\nref abc"
    assert text_of(replace(row, id="e", repeat=False)) == as_text(lines)


def test_on_both_databases(both: Rig) -> None:
    story(both)
    told = both.store.read_sync(whole)
    assert [one.change for one in told] == both.changes()
    assert [one.sent for one in told] == [
        row for change in both.changes() for row in both.deliveries() if change.id in row.changes
    ]
    assert {one.route for one in told} == {"route[0]"}
    assert both.store.read_sync(counted) == len(told)
    assert both.store.read_sync(replays.versions) == {"list": {2}}


def whole(conn: Connection) -> list[Told]:
    return list(replays.replayed(conn, replaying._query(Chosen())))


def counted(conn: Connection) -> int:
    return replays.count(conn, replaying._query(Chosen()))


@pytest.mark.parametrize("words", [{}, {"speed": 1e9}, {"to": "console"}])
def test_where_nothing_matches_that_is_said(rig: Rig, replay: Replay, words: dict[str, Any]) -> None:
    story(rig)
    assert replay(json=False, since=NOON + 2000 * HOUR, **words) == Ran(0, "no stored change matches\n")
    assert replay(since=NOON + 2000 * HOUR, **words) == Ran(0, "")


@pytest.mark.parametrize("speed", ["nan", "inf", "0", "-1"])
def test_a_speed_that_is_none_is_refused(rig: Rig, speed: str) -> None:
    story(rig)
    result = CliRunner().invoke(app, ["replay", "--config", str(rig.path), "--speed", speed])
    assert isinstance(result.exception, Refused)
    assert str(result.exception) == f"--speed: expected a number above 0, as in --speed 3600, found {speed}"


# ---------------------------------------------------------------- its pace


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_an_hour_a_second(rig: Rig) -> None:
    story(rig)
    clock = Clock()

    async def played() -> list[Told]:
        return [told async for told in Pace(3600, clock, clock.sleep).timed(rig.store.read_sync(whole))]

    def write(put: Callable[[Told], None]) -> None:
        for told in rig.store.read_sync(whole):
            put(told)

    with kept(write) as spooled:
        assert asyncio.run(played()) == list(spooled)
    assert clock.slept == [1.0, 1.0]


def test_what_takes_long_is_made_up_for(rig: Rig) -> None:
    story(rig)
    clock = Clock()

    async def played() -> None:
        async for _ in Pace(3600, clock, clock.sleep).timed(rig.store.read_sync(whole)):
            clock.now += 0.25

    asyncio.run(played())
    assert sum(clock.slept) < 2
    assert all(0 < slept <= 1 for slept in clock.slept)


def test_paced_or_not_the_same_is_printed(rig: Rig, replay: Replay) -> None:
    story(rig)
    assert replay(speed=1e9) == replay()
    assert replay(speed=1e9, json=False) == replay(json=False)


def test_once_forgets_what_has_come_whole(rig: Rig) -> None:
    story(rig)
    once = Once()
    assert [once(told) for told in rig.store.read_sync(whole)].count(True) == 3
    assert once._left == {}


# ---------------------------------------------------------------- to a channel


def test_to_a_channel_each_message_is_marked(rig: Rig, replay: Replay) -> None:
    hook = Hook()
    rig.site.pages["/hook"] = hook
    rig.watch(source(rig.site), webhook(rig.site), route("console"), watcher='timezone = "America/Los_Angeles"')
    told = story(rig)
    before = rig.deliveries(), rig.counts()
    ran = replay(to="hook")
    assert ran.code == 0
    assert len(ran.lines) == len(rig.changes())
    assert [got["text"].splitlines()[0] for got in hook.got] == [
        f"Replay of 1 March 2026, {hour}:00 AM" for hour in (5, 6, 7)
    ]
    assert "\n\n".join(got["text"].split("\n", 1)[1] for got in hook.got) + "\n\n" == told
    assert {got["ref"] for got in hook.got}.isdisjoint(row.alert for row in rig.deliveries())
    assert all(got["changes"] == [] for got in hook.got)
    assert (rig.deliveries(), rig.counts()) == before


def test_a_channel_that_takes_nothing(rig: Rig, replay: Replay) -> None:
    rig.site.pages["/hook"] = Reply("", status=404)
    rig.watch(source(rig.site), webhook(rig.site), route("console"))
    story(rig)
    ran = replay(to="hook", json=False)
    assert ran.code == 1
    assert "3 message(s) of the replay could not be sent to hook" in ran.out


class Narrow:
    """A channel with little room, that asks for patience first."""

    limit = 120

    def __init__(self, *ends: Outcome) -> None:
        self.ends = list(ends)
        self.got: list[Message] = []

    def measure(self, lines: tuple[Line, ...]) -> int:
        return len(as_text(lines))

    async def send(self, message: Message) -> Outcome:
        self.got.append(message)
        return self.ends.pop(0) if self.ends else Sent()


def test_every_part_is_marked_and_fits(rig: Rig) -> None:
    story(rig)
    channel = Narrow()
    for told in rig.store.read_sync(whole):
        messages = marked(told, channel, UTC)  # type: ignore[arg-type]  # all that is asked of it
        assert [message.part for message in messages] == list(range(1, len(messages) + 1))
        assert all(
            message.lines[0] == ((Run(f"Replay of {moment(told.change.at, UTC)}", "strong"),)) for message in messages
        )
        assert all(channel.measure(message.lines) <= channel.limit for message in messages)
        assert {message.parts for message in messages} == {len(messages)}


def test_patience_is_bounded() -> None:
    message, clock = Message("r", "list", ((Run("x"),),)), Clock()
    pace = Pace(0, clock, clock.sleep)
    patient = Narrow(Retry("busy", timedelta(seconds=9)), Retry("busy"))
    assert asyncio.run(send(patient, message, pace)) == Sent()  # type: ignore[arg-type]  # as above
    assert clock.slept == [9, 5]
    never = Narrow(*[Retry("busy")] * 50)
    assert asyncio.run(send(never, message, pace)) == Retry("busy")  # type: ignore[arg-type]  # as above
    assert len(never.got) == 5


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("2017-03-21T01:50:00+00:00", "21 March 2017, 1:50 AM"),
        ("2017-03-20T12:00:00+00:00", "20 March 2017, 12:00 PM"),
        ("2017-03-20T00:05:00+00:00", "20 March 2017, 12:05 AM"),
        ("2017-03-20T21:50:00+00:00", "20 March 2017, 9:50 PM"),
    ],
)
def test_a_moment_in_words(at: str, words: str) -> None:
    assert moment(datetime.fromisoformat(at), UTC) == words


# ---------------------------------------------------------------- a long history


@pytest.mark.parametrize("checks", [400, pytest.param(10_000, marks=pytest.mark.soak)])
def test_every_text_that_was_sent_is_replayed_to_the_byte(
    rig: Rig, replay: Replay, monkeypatch: pytest.MonkeyPatch, checks: int
) -> None:
    """Five changes a check; every tenth check told nobody."""
    monkeypatch.setattr("bench.replay.CHECKS", checks)
    sent = rig.store.run_sync(fill)
    assert len(sent) == checks * 9 // 10
    ran = replay(json=False)
    shown = ran.out.encode()
    place = 0
    for text in sent:
        block = f":\n{text}\n\n".encode()
        place = shown.index(block, place) + len(block)
    assert shown.count(b"  to console by route[0]:\n") == len(sent)
    assert shown.count(b" (nobody was told)\n") == checks // 10 * EACH
    assert replay(json=False) == ran
    machine = replay()
    assert list(dict.fromkeys(line["text"] for line in machine.lines if line["text"])) == sent
    assert [line["change"]["id"] for line in machine.lines] == [change.id for change in rig.changes("forms")]
    assert replay() == machine


# ---------------------------------------------------------------- another configuration


def test_the_same_configuration_tells_the_same(rig: Rig, replay: Replay) -> None:
    story(rig)
    ran = replay(new=rig.path)
    assert [list(line) for line in ran.lines] == [SHAPE] * len(rig.changes())
    assert {line["alert"] for line in ran.lines} == {"same"}
    assert [line["change"] for line in ran.lines] == [change_json(change) for change in rig.changes()]
    assert all(line["text"] and line["part"] == 1 for line in ran.lines)


def test_routes_alone_read_nothing_again(rig: Rig, replay: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    story(rig)
    new = other(rig, source(rig.site), webhook(rig.site), route("hook", 'places = ["Cook County, IL"]'))
    monkeypatch.setattr("watcher.replay.trial.reread", None)
    found = sorts(replay(new=new))
    assert [one for one in found if one[0] == "gained"] == [("gained", "hook", "Cook County, Ill.")] * 3
    assert [one[1] for one in found if one[0] == "lost"] == ["console"] * len(rig.changes())


@pytest.fixture
def all_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this version read everything otherwise than the one that stored it."""

    def unknown(conn: Connection) -> dict[str, set[int]]:
        return {name: {-1} for name in replays.versions(conn)}

    monkeypatch.setattr("watcher.replay.trial.versions", unknown)


@pytest.mark.usefixtures("all_anew")
def test_read_again_the_same_is_told(rig: Rig, replay: Replay) -> None:
    story(rig)
    routed = [line["change"] for line in replay(new=rig.path).lines]
    assert routed == [change_json(change) for change in rig.changes()]
    assert any("returned" in change for change in routed)


@pytest.mark.usefixtures("all_anew")
def test_read_again_all_kinds_of_the_tour_tell_the_same(
    rig: Rig, replay: Replay, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert asyncio.run(tour.tell(pause=False)) == 0
    rig.path = tmp_path / "state" / "demo" / "config.toml"
    told, again = replay().lines, replay(new=rig.path).lines
    assert {line["alert"] for line in again} == {"same"}
    assert sorted(line["change"]["id"] for line in again) == sorted(
        line["change"]["id"] for line in told if line["alert"] == "sent"
    )


def test_an_ignored_column_loses_its_alerts_and_no_others(rig: Rig, replay: Replay) -> None:
    story(rig)
    new = other(rig, source(rig.site, more='ignore = ["Detainers"]'))
    before = rig.changes(), rig.snapshots(), rig.deliveries(), rig.state()
    ran = replay(new=new)
    lost = [line["change"] for line in ran.lines if line["alert"] == "lost"]
    assert lost == [change_json(change) for change in rig.changes() if change.path[2:] == ("Detainers",)]
    assert len(lost) == 4
    rest = [line for line in ran.lines if line["alert"] != "lost"]
    assert [(line["alert"], line["change"]["kind"]) for line in rest] == [
        ("changed", "jurisdiction.delisted"),
        ("changed", "jurisdiction.listed"),
        ("changed", "jurisdiction.delisted"),
    ]
    assert all("Detainers" not in (line["change"]["old"] or line["change"]["new"]) for line in rest)
    assert (rig.changes(), rig.snapshots(), rig.deliveries(), rig.state()) == before


def test_only_what_is_lost_and_its_exit_code(rig: Rig, replay: Replay) -> None:
    story(rig)
    new = other(rig, source(rig.site, more='ignore = ["Detainers"]'))
    ran = replay(new=new, only_lost="minor")
    assert (ran.code, {line["alert"] for line in ran.lines}, len(ran.lines)) == (1, {"lost"}, 4)
    assert replay(new=new, only_lost="urgent") == Ran(0, "")
    assert replay(new=rig.path, only_lost="minor") == Ran(0, "")
    assert replay(new=rig.path, only_lost="minor", json=False) == Ran(0, "no alert is lost\n")


@pytest.mark.parametrize("thinned", [(0, 1, 2), (1,), (0, 2), (2,)])
def test_what_has_no_bytes_any_more_stays_as_it_is(rig: Rig, replay: Replay, thinned: tuple[int, ...]) -> None:
    bodies = BASE, table(without("Cook")), BASE, table(without("Clark")), figures("99")
    old(rig, {NOON + number * HOUR - 9 * HOUR: body for number, body in enumerate(bodies)})
    rig.site.pages["/list"] = figures("99")
    rig.check()
    gone = [rig.snapshots()[number].id for number in thinned]

    def thin(conn: Connection) -> int:
        return retention.thin(conn, [one for one in retention.old(conn, NOON, None, 100) if one.id in gone])

    assert rig.store.run_sync(thin) == len(gone)
    new = other(rig, source(rig.site, more='ignore = ["Detainers"]'))
    stored = rig.changes()
    lines = replay(new=new).lines
    beside = {one.id for one in stored if {one.snapshot, one.before} & set(gone)}
    assert {line["change"]["id"] for line in lines if line["alert"] == "same"} == beside
    figured = [one for one in stored if one.path[2:] == ("Detainers",)]
    assert [line["change"]["id"] for line in lines if line["alert"] == "lost"] == [one.id for one in figured]
    assert "gained" not in {line["alert"] for line in lines}
    assert len(lines) == len(stored)
    replay(new=new, report=rig.folder / "report.html")
    words = f"{len(gone)} capture{'' if len(gone) == 1 else 's'} without bytes"
    assert words in (rig.folder / "report.html").read_text()
    assert words in replay(new=new, json=False).out


def test_history_that_nobody_was_told_of_is_tried_too(rig: Rig, replay: Replay) -> None:
    old(rig, {NOON - number * HOUR: body for number, body in enumerate((table(without("Cook")), BASE), start=1)})
    assert rig.deliveries() == []
    new = other(rig, source(rig.site), route("console", 'states = ["NV"]'))
    assert sorts(replay(new=new)) == [("lost", "console", "Cook County, Ill.")]


def test_a_confirmed_loss_is_confirmed_again(rig: Rig, replay: Replay) -> None:
    many = [
        (f"{name} County", "Calif.", "1") for name in ("Alameda", "Butte", "Kern", "Kings", "Lake", "Marin", "Napa")
    ]
    rig.site.pages["/list"] = table(many)
    rig.check()
    rig.site.pages["/list"] = table(many[:1])
    assert rig.check(after=HOUR).outcome == "suspect"
    assert rig.check(after=HOUR).outcome == "changed"
    assert len(rig.changes()) == 6
    new = other(rig, source(rig.site, more='key = "County"'))
    assert [line["alert"] for line in replay(new=new).lines] == ["same"] * 6


def test_a_loss_that_nobody_confirmed_is_not_believed_now(rig: Rig, replay: Replay) -> None:
    times = [NOON - number * HOUR for number in (3, 2, 1)]
    old(rig, dict(zip(times, (BASE, table(COUNTIES[:1]), BASE), strict=True)))
    new = other(rig, source(rig.site, more='key = "County"'))
    assert replay(new=new).lines == []


def test_a_page_that_was_gone_stays_gone(rig: Rig, replay: Replay) -> None:
    rig.site.pages["/list"] = BASE
    rig.check()
    rig.site.pages["/list"] = Reply("", status=404)
    rig.check(after=HOUR)
    rig.check(after=HOUR)
    rig.site.pages["/list"] = table(without("Cook"))
    rig.check(after=HOUR)
    new = other(rig, source(rig.site, more='key = "County"'))
    found = [(line["alert"], line["change"]["kind"]) for line in replay(new=new).lines]
    assert found == [("same", "page.gone"), ("same", "page.back"), ("same", "jurisdiction.delisted")]


def test_another_kind_reads_other_facts(rig: Rig, replay: Replay) -> None:
    noticed = table(more="<p>The list is suspended until further notice.</p>")
    old(rig, {NOON - 2 * HOUR: BASE, NOON - HOUR: noticed})
    assert rig.changes() == []
    ran = replay(new=other(rig, source(rig.site, kind="page")))
    assert [(line["alert"], line["change"]["kind"]) for line in ran.lines] == [("gained", "page.text")]
    assert "suspended" in ran.lines[0]["text"]


def test_a_source_that_is_left_out_loses_all(rig: Rig, replay: Replay) -> None:
    story(rig)
    rig.site.pages["/other"] = BASE
    found = sorts(replay(new=other(rig, source(rig.site, "other"))))
    assert [one[0] for one in found] == ["lost"] * len(rig.changes())


def test_chats_and_escalations_are_recipients(rig: Rig, replay: Replay) -> None:
    story(rig)
    wanted = Subscription("s", "telegram:7", Filter(places=("us-county:32003",)), "digest", None, NOON)
    rig.store.run_sync(chats.put, Chat("telegram:7", "private", "Ana", NOON))
    rig.store.run_sync(subscriptions.put, wanted)
    escalation = """[[person]]
name = "Ed"
telegram = 3

[[escalation]]
name = "desk"
steps = [{ ping = "person:Ed", wait = "5m" }]
"""
    page = '[[route]]\nto = "console"\nmatch = { severity = "major" }\npage = "desk"\n'
    token = {"telegram": 'token_env = "HOOK_SECRET"'}
    own = rig.path.read_text()
    rig.watch(source(rig.site), escalation, page, **token)
    new = rig.folder / "new.toml"
    new.write_text(rig.path.read_text())
    rig.path.write_text(own)
    found = {(line["alert"], line["to"], line["route"]) for line in replay(new=new).lines}
    assert ("same", "telegram:7", "subscription") in found
    assert ("gained", "escalation:desk", "route[0]") in found


DUTY = """[[person]]
name = "Ana"
telegram = {ana}

[[person]]
name = "Ben"
telegram = 8

[[rota]]
name = "weekly"
people = [{people}]
start = 2026-01-05
handoff = "monday 09:00"
{more}

[[escalation]]
name = "desk"
steps = [{steps}]

[[route]]
to = "console"
match = {{ severity = "major" }}
page = "desk"
"""
WEEKLY = {
    "ana": "7",
    "people": '"Ana", "Ben"',
    "more": "",
    "steps": '{ ping = "rota:weekly" }, { ping = "channel:console" }',
}


@pytest.mark.parametrize(
    ("words", "gained", "lost"),
    [
        ({}, [], []),
        ({"people": '"Ben", "Ana"'}, ["1: Ana (telegram:7)"], ["1: Ben (telegram:8)"]),
        ({"more": 'every = "2w"'}, [], []),
        ({"more": 'calendar = "weekly.ics"'}, ["1: whoever the calendar of weekly says"], ["1: Ben (telegram:8)"]),
        ({"people": '"Ana"', "ana": "9"}, ["1: Ana (telegram:9)"], ["1: Ben (telegram:8)"]),
        ({"steps": '{ ping = "rota:weekly" }'}, [], ["2: channel:console"]),
        (
            {"steps": '{ ping = "person:Ana" }, { ping = "rota:weekly" }'},
            ["1: Ana (telegram:7)", "2: Ben (telegram:8)"],
            ["1: Ben (telegram:8)", "2: channel:console"],
        ),
    ],
)
def test_who_is_asked_by_a_page_is_a_recipient(
    rig: Rig, replay: Replay, words: dict[str, str], gained: list[str], lost: list[str]
) -> None:
    token = {"telegram": 'token_env = "HOOK_SECRET"'}
    story(rig)
    rig.watch(source(rig.site), DUTY.format(**WEEKLY), **token)
    own = rig.path.read_text()
    rig.watch(source(rig.site), DUTY.format(**(WEEKLY | words)), **token)
    new = rig.folder / "new.toml"
    new.write_text(rig.path.read_text())
    rig.path.write_text(own)
    found = {(line["alert"], line["to"]) for line in replay(new=new).lines}
    assert ("same", "escalation:desk") in found
    step = "escalation:desk, step "
    assert sorted(to.removeprefix(step) for alert, to in found if alert == "gained") == gained
    assert sorted(to.removeprefix(step) for alert, to in found if alert == "lost") == lost


def test_an_exchange_holds_on_both_sides(rig: Rig, replay: Replay) -> None:
    story(rig)
    rig.watch(source(rig.site), DUTY.format(**WEEKLY), telegram='token_env = "HOOK_SECRET"')

    def exchange(conn: Connection) -> str:
        duty.sync(conn, load(rig.path), NOON)
        return duty.Exchange(conn, "weekly", "Ana", NOON).override("Ana", NOON, NOON + 9 * HOUR)

    rig.store.run_sync(exchange)
    found = {line["to"] for line in replay(new=rig.path).lines}
    assert "escalation:desk, step 1: Ana (telegram:7)" in found
    assert not any("Ben" in to for to in found)


def test_what_an_editor_keeps_out_is_lost_by_nobody(rig: Rig, replay: Replay) -> None:
    story(rig)
    silence = Addition("s", filter_json(Filter(kinds=("jurisdiction.changed",))), None, NOON)
    rig.store.run_sync(additions.put, additions.SILENCE, silence)
    new = other(rig, source(rig.site, more='ignore = ["Detainers"]'))
    assert [line["alert"] for line in replay(new=new).lines] == ["changed"] * 3


@pytest.mark.parametrize(
    ("words", "code", "lost"),
    [
        (["--only-lost"], 1, 4),
        (["--only-lost", "list"], 1, 4),
        (["list", "--only-lost", "minor"], 1, 4),
        (["--only-lost", "urgent"], 0, 0),
        (["--only-lost=urgent"], 0, 0),
        ([], 0, 4),
    ],
)
def test_the_severity_may_be_left_out(rig: Rig, words: list[str], code: int, lost: int) -> None:
    story(rig)
    new = other(rig, source(rig.site, more='ignore = ["Detainers"]'))
    result = CliRunner().invoke(app, ["replay", "--config", str(rig.path), "--config-new", str(new), "--json", *words])
    assert result.exit_code == code, result.output
    assert result.stdout.count('"alert":"lost"') == lost


def test_people_read_counts_and_examples(rig: Rig, replay: Replay) -> None:
    story(rig)
    new = other(rig, source(rig.site, more='ignore = ["Detainers"]'))
    out = replay(new=new, json=False).out
    assert out.splitlines()[0].split() == ["recipient", "same", "changed", "gained", "lost"]
    assert out.splitlines()[1].split() == ["console", "0", "3", "0", "4"]
    assert "lost for console:" in out
    assert "Cook County, Ill.: Detainers 12 → 99 (route[0])" in out


def test_a_report_is_escaped_and_stands_alone(rig: Rig, replay: Replay) -> None:
    rows = [("<script>alert(1)</script>", "Nev.", "1"), *COUNTIES]
    rig.site.pages["/list"] = BASE
    rig.check()
    rig.site.pages["/list"] = table([tuple(cell.replace("<", "&lt;") for cell in row) for row in rows])
    rig.check(after=HOUR)
    new = other(rig, source(rig.site), route("console", 'kinds = ["page.gone"]'))
    page = rig.folder / "report.html"
    assert replay(new=new, json=False, report=page) == Ran(0, "")
    text = page.read_text()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "lost for console" in text
    with pytest.raises(Refused, match="cannot be written"):
        replay(new=new, report=rig.folder / "no" / "report.html")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"speed": float("nan")}, "--speed: expected a number above 0"),
        ({"speed": float("inf")}, "--speed: expected a number above 0"),
        ({"speed": 0.0}, "--speed: expected a number above 0"),
        ({"speed": -1.0}, "--speed: expected a number above 0"),
        ({"to": "nobody"}, "no channel is called 'nobody'"),
        ({"only_lost": "minor"}, "--config-new"),
        ({"report": Path("x.html")}, "--config-new"),
        ({"new": Path("missing.toml")}, "cannot be read"),
        ({"new": Path("config.toml"), "to": "console"}, "--to"),
        ({"new": Path("config.toml"), "only_lost": "grave"}, "expected cosmetic, minor, major, urgent"),
        ({"name": "nothing"}, "no source is called 'nothing'"),
    ],
)
def test_what_does_not_fit_together(rig: Rig, replay: Replay, words: dict[str, Any], said: str) -> None:
    if words.get("new") == Path("config.toml"):
        words = words | {"new": rig.path}
    with pytest.raises(Refused, match=said):
        replay(**words)


# ---------------------------------------------------------------- four years of one page


@pytest.mark.skipif(not os.environ.get("WATCHER_REAL_DATA"), reason="WATCHER_REAL_DATA names no folder")
def test_a_column_of_four_years(rig: Rig, replay: Replay) -> None:
    """The lost alerts are those that a reader of its own counts, which shares no code with watcher."""
    archive = Path(os.environ["WATCHER_REAL_DATA"]) / "real" / "dod-forms-2000-2499.tar.xz"

    async def fill(app: App) -> None:
        wanted = app.sources[0]
        with opened(archive) as captures:
            await backfill(app.parts, wanted, app.state(wanted), captures)

    rig.run(fill)
    once = replay()
    assert len(once.lines) == len(rig.changes()) > 200
    assert replay() == once
    ran = replay(new=other(rig, source(rig.site, more='ignore = ["OPR"]')))
    lost = [line["change"] for line in ran.lines if line["alert"] == "lost"]
    assert {change["path"][2] for change in lost} == {"OPR"}
    counted, captures = expected(archive, "dd_table")
    assert captures == 1_463
    assert {(change["at"], change["path"][1]) for change in lost} == counted
    assert "gained" not in {line["alert"] for line in ran.lines}
