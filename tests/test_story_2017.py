"""The reports of 2017 from end to end, with PDFs on a loopback site: published, corrected, late, suspended."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.rig import Rig, source
from tests.site import Reply
from watcher.core import Change, Severity
from watcher.demo import pages

FIRST, SECOND, _ = pages.issues()
DAY = timedelta(days=1)
MONDAY = datetime(2017, 3, 20, 12, tzinfo=ZoneInfo("America/Los_Angeles"))
PDF = {"content-type": "application/pdf"}


def publish(rig: Rig, *listed: pages.Issue, notice: str = "", **changed: Any) -> None:
    rig.site.pages["/reports"] = pages.reports(*listed, notice=notice)
    for one in listed:
        rig.site.pages[one.path] = Reply(
            pages.report(one, **(changed if one is FIRST else {"without": {"Nassau"}})), 200, PDF
        )


def check(rig: Rig, now: datetime) -> list[Change]:
    rig.now = now
    return [change for checked in rig.check_all().values() for change in checked.changes]


def test_the_story_of_2017(rig: Rig) -> None:
    more = 'documents = "detainer-report"\nexpect = "weekly on monday"'
    rig.watch(source(rig.site, "ddor", "index", path="/reports", more=more))
    rig.site.pages["/reports"] = pages.reports()
    assert check(rig, MONDAY - DAY) == []

    publish(rig, FIRST)
    (published,) = check(rig, MONDAY)
    assert (published.kind, published.subject.id) == ("report.published", "report:ddor/2017-01-28")
    assert "Report published: Jan. 28–Feb. 3, 2017" in rig.told()

    publish(rig, FIRST, SECOND)
    found = check(rig, MONDAY + 7 * DAY)
    told = [(change.kind, change.subject.name) for change in found if change.severity >= Severity.MAJOR]
    assert told == [("report.published", "Feb. 4–10, 2017"), ("jurisdiction.delisted", "Nassau County, N.Y.")]
    assert [change.path[:2] for change in found if change.kind == "jurisdiction.delisted"] == [("sections", "I")]
    assert [change.kind for change in found[2:]] == ["page.text"]  # the titles, worded anew: one fact

    publish(rig, FIRST, SECOND, corrected=True)
    found = check(rig, MONDAY + 8 * DAY)
    assert found[0].kind == "report.corrected"
    assert found[0].subject.id == "report:ddor/2017-01-28"
    wrong = {row["county"] for row in pages.facts("corrections")}
    assert {change.subject.name.split(" County")[0] for change in found if change.subject.is_place} == wrong
    franklins = [change for change in found if "Franklin" in change.subject.name]
    assert [(change.subject.id, change.old, change.new) for change in franklins] == [
        ("us-county:36033", 9, ""), ("us-county:19069", 5, ""), ("us-county:42055", 5, ""),
    ]  # fmt: skip
    assert len(found) == 1 + 4 + 4

    (late,) = check(rig, MONDAY + 15 * DAY)
    assert (late.kind, late.new) == ("report.late", "expected April 3, 2017, 1 day late")
    assert check(rig, MONDAY + 16 * DAY) == []

    publish(rig, FIRST, SECOND, corrected=True, notice="The report is temporarily suspended.")
    (notice,) = check(rig, MONDAY + 22 * DAY)
    assert (notice.kind, notice.severity) == ("page.text", Severity.MAJOR)
    assert rig.kinds("ddor").count("report.late") == 1


def test_a_scan_is_watched_by_its_bytes(rig: Rig) -> None:
    def scan(word: bytes) -> Reply:
        drawn = pages.report(FIRST).replace(b"(Clark)", word)
        return Reply(drawn.replace(b" Tj ET", b" pop ET").replace(b" re S", b" re n"), 200, PDF)

    rig.watch(source(rig.site, "list", "detainer-report", path=FIRST.path))
    rig.site.pages[FIRST.path] = scan(b"(Clark)")
    first = rig.check()
    assert (first.outcome, first.error) == ("first", "text not readable: watched by its bytes alone")
    rig.site.pages[FIRST.path] = scan(b"(Nye)")
    changed = rig.check(after=DAY)
    assert (changed.outcome, changed.error) == ("changed", "text not readable: watched by its bytes alone")
    assert [change.kind for change in changed.changes] == ["report.corrected"]
    rig.site.pages[FIRST.path] = Reply(pages.report(FIRST), 200, PDF)
    assert rig.check(after=DAY).error == ""
