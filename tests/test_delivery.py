"""From outbox to outcome: what is sent, what waits, what dies, and that no channel stands in another's way."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest

from tests.rig import COUNTIES, NOON, Hook, Rig, minutes, route, source, table, webhook, without
from tests.site import Reply, Request
from watcher.app import App
from watcher.delivery import LEASE, Delivered, Flying
from watcher.notify.webhook import Webhook
from watcher.store import outbox

SECONDS = timedelta(seconds=1)


def news(rig: Rig, *tables: str) -> Hook:
    """Let a county be delisted where `tables` say who is told; gives the webhook's far end."""
    hook = Hook()
    rig.site.pages["/hook"] = hook
    rig.watch(source(rig.site), *tables)
    rig.site.pages["/list"] = table()
    rig.check()
    rig.site.pages["/list"] = table(without("Cook"))
    return hook


def figures(value: str) -> str:
    """A page of 400 rows, each with this figure; another figure makes 400 lines of a message."""
    return table([(f"County {number}", "Nev.", value) for number in range(400)])


def states(rig: Rig) -> dict[str, str]:
    return {delivery.channel: delivery.state for delivery in rig.deliveries()}


def test_one_change_goes_to_every_channel_that_wants_it(both: Rig) -> None:
    hook = news(both, webhook(both.site), route("hook"), route("console"))
    both.check(after=minutes(30))
    assert states(both) == {"console": "sent", "hook": "sent"}
    (posted,) = hook.got
    (change,) = both.changes()
    assert [told["id"] for told in posted["changes"]] == [change.id]
    assert (posted["part"], posted["parts"], posted["repeat"]) == (1, 1, False)
    assert "Cook County" in posted["text"]
    assert "Cook County" in both.told()
    assert both.deliver(after=minutes(30)) == Delivered()
    assert len(hook.got) == 1


def test_a_failing_channel_holds_up_no_other(both: Rig) -> None:
    hook = news(both, webhook(both.site), route("hook"), route("console"))
    hook.status = 500
    both.check(after=minutes(30))
    assert states(both) == {"console": "sent", "hook": "wait"}
    assert "Cook County" in both.told()
    hook.status = 200
    assert both.deliver(after=10 * SECONDS) == Delivered(sent=1)
    assert states(both) == {"console": "sent", "hook": "sent"}
    assert both.told() == ""
    assert [posted["repeat"] for posted in hook.got] == [False, True]
    assert hook.got[0]["ref"] == hook.got[1]["ref"]


def test_a_channel_that_hangs_keeps_no_other_nor_the_next_round_waiting(rig: Rig) -> None:
    hook, gate = news(rig, webhook(rig.site), route("hook"), route("console")), threading.Event()

    def hang(request: Request) -> Reply:
        gate.wait(20)
        return hook(request)

    rig.site.pages["/hook"] = hang
    rig.now += minutes(30)

    async def rounds(app: App) -> list[Delivered]:
        flying: Flying = {}
        await app.check(app.sources, lambda *_: None)
        ends = [await app.deliver_channels(flying)]
        assert await flying["console"] == Delivered(sent=1)
        ends.append(await app.deliver_channels(flying))
        assert states(rig)["hook"] == "sending"
        gate.set()
        assert await flying["hook"] == Delivered(sent=1)
        return [*ends, await app.deliver_channels(flying)]

    assert rig.run(rounds) == [Delivered(), Delivered(sent=1), Delivered(sent=1)]
    assert len(hook.got) == 1


def test_attempts_wait_longer_each_time(rig: Rig) -> None:
    hook = news(rig, webhook(rig.site), route("hook"))
    hook.status = 500
    rig.check(after=minutes(30))
    waits = []
    for _ in range(6):
        (delivery,) = rig.deliveries()
        assert delivery.state == "wait"
        assert "500" in delivery.reason
        waits.append((delivery.due - rig.now).total_seconds())
        assert rig.deliver(after=delivery.due - rig.now - SECONDS) == Delivered()
        assert rig.deliver(after=SECONDS) == Delivered(waiting=1)
    assert waits == [5, 30, 120, 600, 600, 600]
    assert len(hook.got) == 7


def test_a_channel_is_left_alone_for_as_long_as_it_asks(rig: Rig) -> None:
    news(rig, webhook(rig.site), route("hook"))
    rig.site.pages["/hook"] = Reply("", status=429, headers={"Retry-After": "3000"})
    rig.check(after=minutes(30))
    (delivery,) = rig.deliveries()
    assert delivery.due == rig.now + minutes(50)
    assert delivery.repeat is False


def test_what_can_never_be_delivered_dies_with_its_reason(both: Rig) -> None:
    hook = news(both, webhook(both.site), route("hook"), route("console"))
    hook.status = 404
    both.check(after=minutes(30))
    assert states(both) == {"console": "sent", "hook": "dead"}
    assert "404" in both.deliveries()[-1].reason or "404" in both.deliveries()[0].reason
    hook.status = 200
    assert both.deliver(after=minutes(60)) == Delivered()
    assert len(hook.got) == 1


def test_a_channel_that_was_taken_out_is_not_waited_for(rig: Rig) -> None:
    hook = news(rig, webhook(rig.site), route("hook"))
    hook.status = 500
    rig.check(after=minutes(30))
    rig.watch(source(rig.site))
    assert rig.deliver(after=minutes(60)) == Delivered(dead=1)
    (delivery,) = rig.deliveries()
    assert delivery.state == "dead"
    assert "there is no channel 'hook'" in delivery.reason


def test_a_send_that_died_under_way_is_repeated_and_says_so(both: Rig) -> None:
    hook = news(both, webhook(both.site), route("hook"))
    hook.status = 500
    both.check(after=minutes(30))
    hook.status, hook.got = 200, []
    both.now += minutes(10)
    (claimed,) = both.store.run_sync(outbox.claim, both.now, limit=9, lease=LEASE)
    assert both.deliver() == Delivered()
    assert both.deliver(after=LEASE - SECONDS) == Delivered()
    assert hook.got == []
    assert both.deliver(after=SECONDS) == Delivered(sent=1)
    assert [(posted["ref"], posted["repeat"]) for posted in hook.got] == [(claimed.alert, True)]


def test_the_changes_of_one_capture_are_one_alert(rig: Rig) -> None:
    news(rig)
    rig.site.pages["/list"] = table([COUNTIES[0], ("Clark County", "Wash.", "3"), *COUNTIES[2:]])
    assert len(rig.check(after=minutes(30)).changes) == 2
    assert len(rig.deliveries()) == 1
    told = rig.told()
    assert told.count("Nassau County") >= 1
    assert "Clark County, Wash." in told


def test_each_route_gets_its_own_part(rig: Rig) -> None:
    hook = news(rig, webhook(rig.site), route("hook", 'states = ["NY"]'), route("console", 'states = ["IL"]'))
    rig.site.pages["/list"] = table([row for row in COUNTIES if row[1] not in {"N.Y.", "Ill."}])
    assert len(rig.check(after=minutes(30)).changes) == 2
    assert [change["subject"]["state"] for posted in hook.got for change in posted["changes"]] == ["NY"]
    told = rig.told()
    assert "Cook" in told
    assert "Nassau" not in told


def test_a_long_alert_has_three_parts_and_says_what_it_left_out(both: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Webhook, "limit", 2048)
    hook = news(both, webhook(both.site), route("hook"))
    both.site.pages["/list"] = figures("5")
    both.check()
    hook.got = []
    both.site.pages["/list"] = figures("6")
    assert len(both.check(after=minutes(30)).changes) == 400
    assert [(posted["part"], posted["parts"]) for posted in hook.got] == [(1, 3), (2, 3), (3, 3)]
    assert len({posted["ref"] for posted in hook.got}) == 1
    assert all(len(posted["text"]) <= 2048 for posted in hook.got)
    told = sum(len(re.findall(r"County \d+", posted["text"])) for posted in hook.got)
    (left,) = re.findall(r"(\d+) more", hook.got[2]["text"])
    assert told + int(left) == 400


def test_the_parts_of_an_alert_keep_their_order(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Webhook, "limit", 2048)
    hook = news(rig, webhook(rig.site), route("hook"))
    rig.site.pages["/list"] = figures("5")
    rig.check()
    hook.got = []
    rig.site.pages["/list"] = figures("6")
    hook.status = 500
    rig.check(after=minutes(30))
    assert [posted["part"] for posted in hook.got] == [1]
    hook.status = 200
    assert rig.deliver(after=minutes(1)) == Delivered(sent=3)
    assert [posted["part"] for posted in hook.got] == [1, 1, 2, 3]


def test_nothing_is_told_twice_if_nothing_new_is_found(rig: Rig) -> None:
    news(rig)
    rig.check(after=minutes(30))
    assert rig.told().count("Cook County") >= 1
    for _ in range(3):
        assert rig.check(after=minutes(30)).outcome == "unchanged"
    assert rig.told() == ""
    assert rig.deliveries()[0].created == NOON + minutes(30)
