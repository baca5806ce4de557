"""A web archive is asked for a copy of what changed, patiently, and the copy is linked where the alert went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from tests.evidence.test_anchoring import sender
from tests.rig import Rig, minutes, source, table, without
from tests.site import Reply, Request
from watcher.app import App
from watcher.core import Alert, Change, Delivery, Run
from watcher.evidence.archiving import WAITS, Archiving
from watcher.outbox import letter
from watcher.store import Connection, outbox

CHAT = "telegram:5"


class Archive:
    """A page /save/… that keeps what it is asked for, once it is no longer `busy`."""

    def __init__(self, rig: Rig) -> None:
        self.busy = 0
        self.asked: list[str] = []
        self.page = rig.site.url("/list")
        rig.site.pages[f"/save/{self.page}"] = self.save
        rig.site.pages[f"/web/20260301130000/{self.page}"] = "<p>kept</p>"

    def save(self, request: Request) -> Reply:
        self.asked.append(request.path)
        if self.busy:
            self.busy -= 1
            return Reply("busy", status=429, headers={"retry-after": "1"})
        return Reply("", status=302, headers={"location": f"/web/20260301130000/{self.page}"})


@pytest.fixture
def archive(rig: Rig) -> Archive:
    """An archive on the site, and a desk that wants its page kept."""
    rig.watch(source(rig.site, more="archive = true"))
    rig.site.pages["/list"] = table()
    rig.check()
    return Archive(rig)


def changed(rig: Rig, county: str = "Cook") -> Change:
    """A major change, told to a chat."""
    rig.site.pages["/list"] = table(without(county))
    rig.check(after=minutes(10))
    change = rig.changes()[-1]
    rig.store.run_sync(tell, change)
    return change


def tell(conn: Connection, change: Change) -> None:
    alert, rows = letter(
        CHAT, "subscription", change.id, ((Run("Dropped"),),), now=change.at, limit=9, measure=len, lane=3
    )
    told = Alert(alert.id, alert.route, CHAT, change.source, change.snapshot, change.at, (change.id,))
    outbox.put_alert(conn, told, rows)


def answers(rig: Rig) -> Sequence[Delivery]:
    return [one for one in rig.deliveries() if one.lane == 4]


class Asking:
    """The archive of a desk, asked each minute."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.tried: dict[str, tuple[int, datetime]] = {}

    def tick(self, *, after: timedelta = timedelta(0)) -> bool:
        self.rig.now += after

        async def work(app: App) -> bool:
            base = self.rig.site.url("/").rstrip("/")
            one = Archiving(self.rig.store, app.parts.fetch, base, sender, lambda: self.rig.now, tried=self.tried)
            told = await one.tick(app.sources)
            self.tried = one.tried
            return told

        return self.rig.run(work)


def test_the_copy_is_linked_in_an_answer_to_the_alert(rig: Rig, archive: Archive) -> None:
    asking = Asking(rig)
    assert asking.tick() is False
    change = changed(rig)
    assert asking.tick() is True
    (answer,) = answers(rig)
    told = [one.alert for one in rig.deliveries() if one.channel == CHAT and one.lane == 3]
    assert (answer.channel, [answer.extras.reply_to]) == (CHAT, told)
    assert answer.lines[0][1].url == rig.site.url(f"/web/20260301130000/{archive.page}")
    assert change.snapshot
    assert asking.tick(after=minutes(60)) is False
    assert Asking(rig).tick() is False
    assert len(archive.asked) == 1


def test_a_busy_archive_is_asked_later_and_later_and_then_no_more(rig: Rig, archive: Archive) -> None:
    archive.busy = 10_000
    changed(rig)
    asking, times = Asking(rig), []
    start = rig.now
    for _ in range(60):
        before = len(archive.asked)
        asking.tick()
        if len(archive.asked) > before:
            times.append(rig.now - start)
        rig.now += minutes(30)
    assert len(times) == 1 + len(WAITS)
    assert times[-1] < timedelta(days=1)
    assert answers(rig) == []


def test_an_archive_that_recovers_keeps_the_page(rig: Rig, archive: Archive) -> None:
    archive.busy = 3
    changed(rig)
    asking = Asking(rig)
    assert [asking.tick(after=minutes(5)) for _ in range(4)].count(True) <= 1
    for _ in range(5):
        asking.tick(after=minutes(30))
    assert len(answers(rig)) == 1


def test_nothing_is_asked_for_a_page_that_does_not_want_it(rig: Rig, archive: Archive) -> None:
    rig.watch(source(rig.site))
    changed(rig)
    assert Asking(rig).tick() is False
    assert archive.asked == []


def test_an_answer_without_a_copy_is_none(rig: Rig, archive: Archive) -> None:
    rig.site.pages[f"/save/{archive.page}"] = "<p>Your capture will begin soon</p>"
    changed(rig)
    assert Asking(rig).tick() is False
    assert answers(rig) == []


def test_a_copy_from_before_the_change_is_not_linked(rig: Rig, archive: Archive) -> None:
    old = f"/web/20260301120959/{archive.page}"
    rig.site.pages[old] = "<p>as it was before</p>"
    rig.site.pages[f"/save/{archive.page}"] = Reply("", status=302, headers={"location": old})
    changed(rig)
    asking = Asking(rig)
    assert asking.tick() is False
    rig.site.pages[f"/save/{archive.page}"] = archive.save
    assert asking.tick(after=minutes(2)) is True
    assert len(answers(rig)) == 1
