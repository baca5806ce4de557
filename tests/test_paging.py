"""Pages in the store: who is asked when, what stops it, what survives a restart, and what people press."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.rig import deliveries
from tests.room import ADMIN, ANA, BEN, STEPS, Room, button, letter, member
from tests.store.made import NOON, changed
from watcher.config import load
from watcher.core import Dead, Run, Sent, Severity
from watcher.oncall.pages import Ask, pressed
from watcher.paging import Paging
from watcher.people import Role
from watcher.render import as_text
from watcher.route import Rule, matches
from watcher.silences import silences
from watcher.store import Store, audit, changes, outbox, pages

MINUTE = timedelta(minutes=1)


@pytest.fixture
def room(sqlite_store: Store) -> Room:
    return Room(sqlite_store)


@pytest.fixture
def both(store: Store) -> Room:
    """On each database."""
    return Room(store)


def ladder(room: Room, minutes: int) -> None:
    """Let the service run for so long."""
    for _ in range(minutes):
        room.tick(minutes=1)


# ---------------------------------------------------------------- who is asked when


def test_the_first_is_asked_at_once_and_each_next_after_the_wait(both: Room) -> None:
    both.news(1)
    assert both.asked() == ["telegram:11"]
    both.tick(minutes=4, seconds=59)
    assert both.asked() == ["telegram:11"]
    both.tick(seconds=1)
    assert both.asked() == ["telegram:11", "telegram:22"]
    both.tick(minutes=10)
    assert both.asked() == ["telegram:11", "telegram:22", "desk"]


def test_a_ping_says_what_happened_and_has_buttons(room: Room) -> None:
    page = room.news(1)
    (row,) = room.sent
    assert row.lane == 0
    assert [one.text for line in row.extras.buttons for one in line] == ["Ack", "Snooze 1 h", "Escalate", "Not news"]
    press = pressed(button(row, "Ack").data)
    assert press == (page.id, "ack", page.level)
    assert all(len(one.data.encode()) <= 64 for line in row.extras.buttons for one in line)
    ((_, text),) = room.told()
    assert "Clark County, Nev. was listed" in text
    assert "immigration" in text


def test_a_channel_without_buttons_reads_the_command(room: Room) -> None:
    room.news(1)
    ladder(room, 15)
    texts = dict(room.told())
    assert f"/ack {room.page().short}" in texts["desk"]
    assert "/ack" not in texts["telegram:11"]


def test_after_all_loops_admins_and_operator_are_asked_every_half_hour(both: Room) -> None:
    both.loops = 2
    both.news(1)
    ladder(both, 50)
    assert both.asked()[:6] == ["telegram:11", "telegram:22", "desk"] * 2
    assert sorted(both.asked()[6:]) == ["console", "telegram:99"]
    ladder(both, 29)
    assert len(both.asked()) == 8
    ladder(both, 31)
    assert len(both.asked()) == 12
    assert len(set(both.fired())) == len(both.fired()) == 12


def test_who_is_meant_is_looked_up_when_the_step_is_taken(room: Room) -> None:
    room.news(1)
    room.chat("telegram:22", "disabled", "the user has blocked the bot")
    ladder(room, 5)
    assert room.asked() == ["telegram:11", "desk"]
    (skipped,) = room.steps_of("skipped")
    assert (skipped.person, skipped.reason) == ("Ben", "the chat is disabled: the user has blocked the bot")


@pytest.mark.parametrize("ping", ["person:Zoe", "channel:gone"])
def test_what_is_not_there_any_more_is_stepped_over(room: Room, ping: str) -> None:
    room.steps = (Ask(ping, 5 * MINUTE), *STEPS[1:])
    room.news(1)
    assert room.asked() == ["telegram:22"]
    assert room.steps_of("skipped")[0].reason


def test_a_policy_that_reaches_nobody_falls_back_at_once(room: Room) -> None:
    room.steps = (Ask("person:Zoe", 5 * MINUTE),)
    room.news(1)
    assert sorted(room.asked()) == ["console", "telegram:99"]
    assert len(room.steps_of("skipped")) == 3


def test_without_proof_of_sending_the_next_is_asked_after_half_a_minute(both: Room) -> None:
    both.works = False
    both.news(1)
    both.tick(seconds=29)
    assert both.fired() == [(0, 0, 0)]
    both.tick(seconds=1)
    assert both.fired() == [(0, 0, 0), (0, 0, 1)]
    assert both.steps_of()[0].reason == "no proof of sending in 30 seconds"


def test_a_ping_that_cannot_be_sent_asks_the_next_at_once(room: Room) -> None:
    room.works = False
    room.news(1)
    (row,) = room.store.run_sync(outbox.claim, room.now, limit=1, lease=MINUTE)
    room.store.run_sync(outbox.record, row, Dead("Forbidden: bot was blocked by the user"), room.now)
    room.works = True
    room.tick(seconds=2)
    assert room.asked() == ["telegram:22"]
    assert room.steps_of()[0].reason == "it could not be sent"


def test_a_fallback_that_nobody_gets_does_not_hurry(room: Room) -> None:
    room.works = False
    room.loops = 1
    room.news(1)
    ladder(room, 29)
    assert [step.channel for step in room.steps_of()][3:] == ["telegram:99", "console"]
    ladder(room, 4)
    assert len(room.steps_of()) == 7


def test_what_is_being_sent_at_the_ack_shows_it_afterwards(room: Room) -> None:
    room.works = False
    room.news(1)
    (row,) = room.store.run_sync(outbox.claim, room.now, limit=1, lease=MINUTE)
    room.press(BEN, "ack")
    room.store.run_sync(outbox.record, row, Sent("1"), room.now)
    (sent,) = room.store.read_sync(outbox.deliveries, row.alert)
    assert sent.state == "sent"
    room.works = True
    room.tick()
    assert [one.extras.edit for one in room.sent] == [row.alert]


def test_what_one_chat_did_not_get_yet_it_gets_once(room: Room) -> None:
    room.steps = STEPS[:1]
    room.works = False
    room.news(1)
    ladder(room, 3)
    room.works = True
    room.tick(seconds=1)
    assert room.asked().count("telegram:11") == 1


CONFIG = """
[watcher]
timezone = "America/Los_Angeles"
operator = "desk"
[telegram]
token_env = "TOKEN"
admins = [99]
[[person]]
name = "Ana"
telegram = 11
[[channel]]
name = "desk"
kind = "console"
[[escalation]]
name = "immigration"
steps = [{ ping = "person:Ana", wait = "90s" }, { ping = "channel:desk" }]
repeat = 1
[[escalation]]
name = "often"
steps = [{ ping = "person:Ana" }]
repeat = 99
[[escalation]]
name = "never"
steps = []
repeat = 0
"""


def test_policies_and_people_are_those_of_the_configuration(room: Room, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(CONFIG, encoding="utf-8")
    paging = Paging.of(load(tmp_path / "config.toml", {"TOKEN": "123:abc"}), letter, {"list": "https://example.gov/"})
    assert {name: policy.loops for name, policy in paging.policies.items()} == {
        "immigration": 1,
        "often": 5,
        "never": 0,
    }
    for escalation, wanted in (("immigration", ["telegram:11"]), ("never", ["telegram:99", "desk"])):
        room.store.run_sync(changes.put_changes, [changed(1)])
        room.store.run_sync(paging.open_page, escalation, "list", [changed(1)], room.now)
        room.send()
        assert [row.channel for row in room.sent] == wanted
        assert all("https://example.gov/" in text for _, text in room.told())
    room.now += 90 * timedelta(seconds=1)
    room.store.run_sync(paging.tick, room.now)
    room.send()
    assert [channel for channel, _ in room.told()] == ["desk"]
    page = room.store.run_sync(pages.standing_on, "immigration", "list")
    assert page is not None
    assert page.policy == paging.policies["immigration"]
    assert room.store.run_sync(paging.open_page, "gone", "list", [changed(1)], room.now) is None


# ---------------------------------------------------------------- restarts, and clocks that jump


def test_each_step_is_taken_once_however_often_it_restarts(tmp_path: Path) -> None:
    room = Room(Store.open(tmp_path / "watcher.db"), loops=2)
    room.news(1)
    for _ in range(50):
        room.store.close()
        room.store = Store.open(tmp_path / "watcher.db")
        room.tick(minutes=1)
        room.tick()
    assert room.fired() == [(0, loop, step) for loop in (0, 1) for step in range(3)] + [(0, 2, 0), (0, 2, 1)]
    assert len(room.asked()) == 8
    room.press(BEN, "ack")
    ladder(room, 40)
    assert len(room.asked()) == 8
    room.store.close()


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1), timedelta(days=30)], ids=str)
def test_a_clock_that_jumps_takes_each_step_once_and_none_late(room: Room, jump: timedelta) -> None:
    room.news(1)
    ladder(room, 2)
    room.now += jump
    ladder(room, 6)
    assert room.fired()[:2] == [(0, 0, 0), (0, 0, 1)]
    ladder(room, 45)
    assert len(room.fired()) == len(set(room.fired()))
    assert len(room.fired()) >= 6


def test_a_snooze_and_an_ack_outlive_no_clock_that_was_set_back(room: Room) -> None:
    room.news(1)
    room.press(ANA, "snooze", note="15")
    room.now -= timedelta(days=3)
    room.tick()
    room.now += timedelta(hours=24)
    room.tick()
    assert room.page().state == "open"


def test_a_step_that_is_overdue_is_taken_and_the_operator_told_once(room: Room) -> None:
    room.news(1)
    room.told()
    assert room.tick(minutes=8).late == 1
    assert room.tick().late == 0
    told = room.told()
    assert sorted(channel for channel, _ in told) == ["console", "telegram:22"]
    assert "was 3 minutes late" in dict(told)["console"]
    assert room.store.read_sync(audit.latest, 1)[0].action == "watchdog"


def test_a_page_that_lost_its_step_is_asked_about_anew(room: Room) -> None:
    from dataclasses import replace

    room.news(1)
    (waiting,) = room.steps_of("waiting")
    room.store.run_sync(pages.settle, replace(waiting, state="cancelled"))
    assert room.tick().late == 1
    assert room.fired() == [(0, 0, 0), (1, 0, 0)]


# ---------------------------------------------------------------- what people press


def test_the_first_ack_wins_and_stops_what_is_queued(both: Room) -> None:
    both.news(1)
    both.works = False
    both.tick(minutes=5)
    assert both.press(BEN, "ack") == "Acknowledged: you have it."
    assert both.press(ANA, "ack") == "Already acknowledged by Ben."
    assert both.press(BEN, "ack") == "Already acknowledged by you."
    both.works = True
    both.told()
    ladder(both, 120)
    assert [channel for channel, _ in both.told()] == ["telegram:11"]  # its message shows who has it
    (folded,) = (
        row
        for step in both.steps_of()
        for row in both.store.read_sync(outbox.deliveries, step.alert)
        if row.state == "folded"
    )
    assert (folded.channel, folded.reason) == ("telegram:22", "acknowledged by Ben")


def test_others_see_who_has_it_in_their_message(room: Room) -> None:
    room.news(1)
    ping = room.sent[0].alert
    room.press(BEN, "ack")
    room.send()
    edit = room.sent[-1]
    assert edit.extras.edit == ping
    assert edit.extras.silent
    assert "Acknowledged by Ben" in room.told()[-1][1]
    assert [one.text for line in edit.extras.buttons for one in line] == ["Done", "Snooze 1 h", "Not news"]


def test_escalating_needs_the_level_that_was_seen(room: Room) -> None:
    room.news(1)
    level = room.page().level
    assert room.press(ANA, "escalate", level) == "The next one is asked now."
    assert room.press(ANA, "escalate", level).startswith("It has gone on")
    room.tick(seconds=1)
    room.tick(seconds=1)
    assert room.asked() == ["telegram:11", "telegram:22"]
    assert room.press(ANA, "escalate", level).startswith("It has gone on")


@pytest.mark.parametrize(("level", "action"), [(999, "ack"), (-1, "ack"), (0, "drop table page"), (0, "")])
def test_forged_buttons_do_nothing_and_are_written_down(room: Room, level: int, action: str) -> None:
    room.news(1)
    before = room.page()
    assert room.press(ANA, action, level) == "This button is not one of ours."
    assert room.page() == before
    (deed,) = room.store.read_sync(audit.latest, 1)
    assert (deed.who, deed.action) == (ANA, action)
    assert not (deed.detail or {})["moved"]


def test_a_button_of_a_page_that_is_not_there(room: Room) -> None:
    assert room.press(ANA, "ack", 0, page="f" * 16) == "There is no such page."
    assert room.store.read_sync(audit.latest, 1)[0].about == "f" * 16


@pytest.mark.parametrize(("user", "role", "may"), [(7, Role.READER, False), (7, Role.REPORTER, True)])
@pytest.mark.parametrize("action", ["ack", "close", "escalate", "snooze"])
def test_strangers_may_not(room: Room, user: int, role: Role, action: str, *, may: bool) -> None:
    room.news(1)
    before = room.page()
    act = room.paging.act
    said = room.store.run_sync(act, before.id, action, member(user, role), before.level, room.now)
    assert (room.page() != before) is may
    assert said.startswith("This is for people on call") is not may
    assert room.store.read_sync(audit.latest, 1)[0].who == user


def test_admins_and_people_of_the_config_may_whatever_their_role(room: Room) -> None:
    for user in (ANA, ADMIN):
        page = room.news(user)
        act = room.paging.act
        said = room.store.run_sync(act, page.id, "ack", member(user, Role.READER), page.level, room.now)
        assert said == "Acknowledged: you have it."
        room.press(user, "close")


def test_a_note_is_shown_and_bounded(room: Room) -> None:
    room.news(1)
    assert room.press(BEN, "note", note="calling\nthe sheriff") == "Noted."
    room.send()
    assert "Note by Ben: calling the sheriff" in room.told()[-1][1]
    assert "does not fit" in room.press(BEN, "note", note="x" * 600)
    assert room.press(BEN, "note", note=" ").startswith("Say what to note")


@pytest.mark.parametrize("minutes", ["14", "1441", "-20", "x", "9" * 50, "٣٠"])
def test_a_snooze_has_bounds(room: Room, minutes: str) -> None:
    room.news(1)
    assert room.press(ANA, "snooze", note=minutes) == "A snooze lasts from 15 minutes to 24 hours."
    assert room.page().state == "open"


def test_a_snoozed_page_begins_anew(room: Room) -> None:
    room.news(1)
    ladder(room, 5)
    assert "Snoozed for 30 minutes" in room.press(ANA, "snooze", note="30")
    ladder(room, 29)
    assert room.asked() == ["telegram:11", "telegram:22"]
    ladder(room, 1)
    assert room.asked() == ["telegram:11", "telegram:22", "telegram:11"]
    assert room.fired()[-1] == (1, 0, 0)


def test_somebody_elses_ack_cannot_be_snoozed_away(room: Room) -> None:
    room.news(1)
    room.press(BEN, "ack")
    assert room.press(ANA, "snooze") == "Already acknowledged by Ben."
    assert room.press(BEN, "snooze").startswith("Snoozed")


def test_closing_ends_it_and_ten_minutes_undo_it(room: Room) -> None:
    room.news(1)
    assert room.press(ANA, "close").startswith("Closed")
    assert room.press(BEN, "ack") == "Closed by Ana already."
    ladder(room, 10)
    assert room.press(BEN, "reopen").startswith("Opened again: all")
    room.send()
    assert room.asked() == ["telegram:11", "telegram:11"]
    room.press(ANA, "ack")
    room.press(ANA, "close")
    assert room.press(BEN, "reopen") == "Opened again: Ana has it."
    room.press(ANA, "close")
    room.now += timedelta(minutes=11)
    assert room.press(BEN, "reopen") == "It was closed more than 10 minutes ago."


def test_a_closed_page_stays_closed_where_newer_news_has_one(room: Room) -> None:
    first = room.news(1)
    room.press(ANA, "close")
    second = room.news(2)
    assert room.press(ANA, "reopen", page=first.id) == f"Newer news of this source has a page: {second.short}."


# ---------------------------------------------------------------- an ack is not for ever


def test_an_urgent_ack_is_asked_about_and_lapses(both: Room) -> None:
    both.news(1, severity=Severity.URGENT)
    both.press(BEN, "ack")
    both.send()
    both.told()
    ladder(both, 60)
    (ask,) = [row for row in both.sent if "Still on it?" in str(row.lines) and not row.extras.edit]
    assert ask.channel == "telegram:22"
    assert button(ask, "Still on it")
    ladder(both, 14)
    assert both.page().state == "asked"
    ladder(both, 1)
    assert both.page().state == "open"
    assert both.fired() == [(0, 0, 0), (1, 0, 0)]


def test_an_answer_keeps_it_for_another_hour(room: Room) -> None:
    room.news(1, severity=Severity.URGENT)
    room.press(BEN, "ack")
    ladder(room, 61)
    assert room.press(ANA, "still") == "Already acknowledged by Ben."
    assert room.press(BEN, "still") == "Noted: you still have it."
    ladder(room, 59)
    assert room.page().state == "acked"
    ladder(room, 1)
    assert room.page().state == "asked"


def test_what_is_not_urgent_stays_acknowledged_and_is_done_once_nobody_touches_it(room: Room) -> None:
    first = room.news(1)
    room.press(BEN, "ack")
    room.tick(minutes=11 * 60)
    room.press(BEN, "note", note="asked the county")
    room.news(2)  # what comes meanwhile is no touch of anybody
    room.tick(minutes=12 * 60 - 1)
    assert room.page().state == "acked"
    room.tick(minutes=1)
    assert room.page().state == "done"
    assert "Closed by watcher" in as_text(room.sent[-1].lines)
    (deed,) = [one for one in room.store.read_sync(audit.latest, 9, about=first.id) if one.action == "done"]
    assert deed.who is None
    assert room.press(ANA, "reopen") == "Opened again: Ben has it."


def test_an_acknowledgement_that_was_kept_without_an_end_gets_one(room: Room) -> None:
    room.news(1)
    room.press(BEN, "ack")
    room.store.run_sync(pages.put, replace(room.page(), until=None))
    room.tick(minutes=1)
    assert room.page().state == "acked"
    room.tick(minutes=12 * 60)
    assert room.page().state == "done"


@pytest.mark.parametrize("before", ["ack", "snooze", ""])
def test_what_is_done_is_no_retraction_and_later_news_asks_anew(room: Room, before: str) -> None:
    first = room.news(1)
    _ = before and room.press(ANA, before)
    assert room.press(ADMIN, "done").startswith("Done.")
    room.send()
    shown = room.sent[-1]
    assert [one.text for line in shown.extras.buttons for one in line] == ["Reopen"]
    assert "Keep such out" not in as_text(shown.lines)
    assert "not news" not in as_text(shown.lines)
    assert not [row for row in room.store.read_sync(deliveries) if row.extras.reply_to]
    assert room.press(ADMIN, "silence") == "Close the page first: Not news."
    assert room.press(ANA, "done").startswith("Closed by ")
    room.sent.clear()
    room.now += MINUTE
    assert room.news(2).id != first.id
    assert room.page().state == "open"
    assert room.asked() == ["telegram:11"]


# ---------------------------------------------------------------- more news of the same source


def test_more_news_joins_the_page_that_stands(room: Room) -> None:
    first = room.news(1)
    room.told()
    assert room.news(2).id == first.id
    assert room.news(2).id == first.id  # twice is once
    ((channel, _),) = room.told()
    assert channel == "telegram:11"
    assert room.page().changes == tuple(sorted(changed(number).id for number in (1, 2)))
    assert room.fired() == [(0, 0, 0)]


def test_more_news_while_acknowledged_asks_nobody_anew(room: Room) -> None:
    room.news(1)
    room.press(ANA, "ack")
    room.news(2)
    ladder(room, 60)
    assert room.page().state == "acked"
    assert room.fired() == [(0, 0, 0)]


@pytest.mark.parametrize("action", ["ack", "snooze", "note"])
def test_graver_news_begins_anew(room: Room, action: str) -> None:
    room.news(1)
    room.press(ANA, action, note="30")
    room.news(2, severity=Severity.URGENT)
    assert (room.page().state, room.page().severity) == ("open", Severity.URGENT)
    assert room.fired() == [(0, 0, 0), (1, 0, 0)]


def test_other_sources_have_pages_of_their_own_and_closed_ones_take_no_news(room: Room) -> None:
    first = room.news(1)
    assert room.news(2, source="other").id != first.id
    room.press(ANA, "close", page=first.id)
    assert room.news(3).id != first.id
    assert room.news(1).id != first.id  # it joins what stands


def test_rules_with_an_escalation_open_pages_even_where_another_told_the_channel(room: Room) -> None:
    rules = [Rule(to="desk", name="a"), Rule(to="desk", name="b", page="immigration", states=("NV",))]
    news = [changed(1), changed(2, source="other")]
    room.store.run_sync(room.paging.open_pages, rules, news, room.now)
    room.store.run_sync(room.paging.open_pages, [Rule(to="desk", name="c", page="unknown")], news, room.now)
    assert [page.source for page in room.store.read_sync(pages.standing)] == ["list", "other"]


# ---------------------------------------------------------------- not news


def test_an_editor_keeps_such_news_out_and_lets_it_in_again(both: Room) -> None:
    room = both
    page = room.news(1)
    act, editor = room.paging.act, member(7, Role.EDITOR)
    assert room.store.run_sync(act, page.id, "silence", editor, None, room.now).startswith("Close the page first")
    room.press(ANA, "close")
    room.send()
    assert "Keep such out? Clark County, Nev. · list · listed" in room.told()[-1][1]
    assert room.press(77, "silence").startswith("This is for people on call")
    said = room.store.run_sync(act, page.id, "silence", editor, None, room.now)
    assert said.startswith("Kept out from now on: Clark County, Nev.")
    assert room.store.run_sync(act, page.id, "silence", editor, None, room.now).startswith("Such news is kept out")
    (silence,) = room.store.read_sync(silences)
    assert matches(silence, changed(5))
    assert not matches(silence, changed(5, source="other"))
    room.send()
    assert button(room.sent[-1], "Let such in again")
    assert room.store.run_sync(act, page.id, "unsilence", editor, None, room.now) == "Such news is told again."
    assert room.store.read_sync(silences) == []
    room.now += MINUTE
    assert room.store.run_sync(act, page.id, "silence", editor, None, room.now).startswith("Kept out")


def test_next_due(room: Room) -> None:
    assert room.store.read_sync(pages.next_due) is None
    room.news(1, severity=Severity.URGENT)
    assert room.store.read_sync(pages.next_due) == NOON + 5 * MINUTE
    room.press(ANA, "ack")
    assert room.store.read_sync(pages.next_due) == NOON + 60 * MINUTE


def test_a_page_is_found_by_what_people_type(room: Room) -> None:
    page = room.news(1)
    assert room.store.read_sync(pages.called, page.short) == room.page()
    assert room.store.read_sync(pages.called, "%") is None


@pytest.mark.parametrize(("user", "told"), [(ADMIN, 1), (ANA, 0)])
def test_what_an_editor_calls_no_news_is_retracted_where_it_was_told(room: Room, user: int, told: int) -> None:
    page = room.news(1)
    alert, rows = room.paging.letter(
        "telegram:77", "subscription", "x", [(Run("news"),)], now=NOON, lane=3, changes=page.changes, source="list"
    )
    room.store.run_sync(outbox.put_alert, alert, rows)
    room.store.run_sync(outbox.record, rows[0], Sent("5"), NOON)
    room.press(user, "close")
    answers = [row for row in room.store.read_sync(deliveries) if row.extras.reply_to == alert.id]
    assert [as_text(row.lines).startswith("Retracted. ") for row in answers] == [True] * told
    room.now += MINUTE
    room.press(BEN, "reopen")
    room.now += MINUTE
    room.press(user, "close")
    answers = [row for row in room.store.read_sync(deliveries) if row.extras.reply_to == alert.id]
    said = [as_text(row.lines).partition(". ")[0] for row in sorted(answers, key=lambda row: row.due)]
    assert said == ["Retracted", "It stands after all", "Retracted"] * told
