"""Documents of a list as issues of one report: discovered, published, corrected, withdrawn, late and resumed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.rig import NOON, Rig, source
from watcher import series
from watcher.asking import Desk, Refused
from watcher.commands import reading
from watcher.core import Severity, Source, SourceState

DAY = timedelta(days=1)
ISSUE_1, ISSUE_2, ISSUE_3 = "ddor2017_01-28to02-03", "ddor2017_02-04to02-10", "ddor2017_02-11to02-17"
ROWS = (("Clark", "Nevada", "51"), ("Nassau", "New York", "38"), ("Cook", "Illinois", "13"), ("Lake", "Indiana", "4"))


def csv(*rows: tuple[str, str, str]) -> str:
    return "\n".join(",".join(row) for row in (("County", "State", "Detainers"), *rows))


def page(*stems: str, more: str = "") -> str:
    items = "".join(f'<li><a href="/files/{stem}.csv">Report {stem}</a> (200 KB)</li>' for stem in stems)
    head = f"<title>Reports</title><h1>Declined detainers</h1><p>Weekly reports.</p>{more}"
    return f'{head}<ul>{items}</ul><a href="/a">About</a>'


@pytest.fixture
def desk(rig: Rig) -> Rig:
    """A list with one issue, seen for the first time."""
    rig.watch(source(rig.site, "reports", "index", more='expect = "weekly on monday"\nseries = "declined detainers"'))
    publish(rig, ISSUE_1, csv(*ROWS))
    rig.site.pages["/reports"] = page(ISSUE_1)
    rig.check_all()
    return rig


def publish(rig: Rig, stem: str, body: str) -> None:
    rig.site.pages[f"/files/{stem}.csv"] = body


def later(rig: Rig, after: timedelta = DAY) -> dict[str, list[str]]:
    """Check everything `after` some time; gives the kinds of what was found, by source."""
    rig.now += after
    return {name: [change.kind for change in checked.changes] for name, checked in rig.check_all().items()}


def test_the_first_sight_of_a_list_and_its_documents_is_silent(desk: Rig) -> None:
    assert desk.changes() == []
    assert [desk.state(name).records for name in ("reports", f"reports/{ISSUE_1}")] == [1, 4]
    assert desk.told() == ""


def test_readers_are_told_the_name_of_the_series(desk: Rig) -> None:
    publish(desk, ISSUE_2, csv(*ROWS[1:]))
    desk.site.pages["/reports"] = page(ISSUE_2, ISSUE_1)
    later(desk)
    assert f"declined detainers · reports/{ISSUE_2} · seen " in desk.told()


def test_a_new_issue_is_compared_with_the_one_before(desk: Rig) -> None:
    publish(desk, ISSUE_2, csv(*ROWS[:1], *ROWS[2:]))
    desk.site.pages["/reports"] = page(ISSUE_2, ISSUE_1)
    found = later(desk)
    assert found["reports"] == []
    assert found[f"reports/{ISSUE_2}"] == ["report.published", "jurisdiction.delisted"]
    published, dropped = desk.changes("reports")
    assert published.subject.id == "report:reports/2017-02-04"
    assert published.subject.name == "Feb. 4–10, 2017"
    assert (published.old, published.severity) == ("Jan. 28–Feb. 3, 2017", Severity.MAJOR)
    assert dropped.subject.id == "us-county:36059"
    assert dropped.before == desk.state(f"reports/{ISSUE_1}").snapshot
    told = desk.told()
    assert "Report published: Feb. 4–10, 2017" in told
    assert "Nassau County, N.Y." in told
    assert later(desk) == {name: [] for name in ("reports", f"reports/{ISSUE_1}", f"reports/{ISSUE_2}")}


def test_a_corrected_issue_is_told_with_its_rows(desk: Rig) -> None:
    publish(desk, ISSUE_1, csv(("Clark", "Nevada", "50"), *ROWS[1:]))
    assert later(desk)[f"reports/{ISSUE_1}"] == ["report.corrected", "jurisdiction.changed"]
    assert desk.changes()[0].subject.name == "Jan. 28–Feb. 3, 2017"
    assert "Figure corrected: Clark County, Nev." in desk.told()


def test_bytes_that_read_the_same_are_no_correction(desk: Rig) -> None:
    publish(desk, ISSUE_1, csv(*ROWS) + "\n\n")
    assert later(desk)[f"reports/{ISSUE_1}"] == []


def test_a_link_that_goes_withdraws_its_report_once(desk: Rig) -> None:
    publish(desk, ISSUE_2, csv(*ROWS))
    desk.site.pages["/reports"] = page(ISSUE_2, ISSUE_1)
    later(desk)
    desk.site.pages["/reports"] = page(ISSUE_2)
    assert later(desk)["reports"] == ["report.withdrawn"]
    assert desk.changes()[-1].subject.id == "report:reports/2017-01-28"
    del desk.site.pages[f"/files/{ISSUE_1}.csv"]
    later(desk)
    assert later(desk)[f"reports/{ISSUE_1}"] == []
    assert desk.state(f"reports/{ISSUE_1}").state == "gone"
    assert desk.kinds().count("report.withdrawn") == 1


def test_a_file_that_goes_withdraws_its_report_once(desk: Rig) -> None:
    publish(desk, ISSUE_2, csv(*ROWS))
    desk.site.pages["/reports"] = page(ISSUE_2, ISSUE_1)
    later(desk)
    del desk.site.pages[f"/files/{ISSUE_1}.csv"]
    later(desk)
    assert later(desk)[f"reports/{ISSUE_1}"] == ["report.withdrawn"]
    desk.site.pages["/reports"] = page(ISSUE_2)
    assert later(desk)["reports"] == []
    assert desk.kinds().count("report.withdrawn") == 1


def test_silence_is_told_once_and_its_end_too(desk: Rig) -> None:
    assert f"{NOON:%A}" == "Sunday"
    assert later(desk, 7 * DAY)["reports"] == []  # Sunday; Monday's issue is not due before its day is over
    assert later(desk, 3 * DAY)["reports"] == ["report.late"]
    assert later(desk, 7 * DAY)["reports"] == []
    late = desk.changes("reports")[0]
    assert late.subject.id == "source:reports"
    assert late.new == "expected March 9, 2026, 2 days late"
    publish(desk, ISSUE_2, csv(*ROWS))
    desk.site.pages["/reports"] = page(ISSUE_2, ISSUE_1)
    assert later(desk)[f"reports/{ISSUE_2}"] == ["report.published", "report.resumed"]
    publish(desk, ISSUE_3, csv(*ROWS))
    desk.site.pages["/reports"] = page(ISSUE_3, ISSUE_2, ISSUE_1)
    assert later(desk)[f"reports/{ISSUE_3}"] == ["report.published"]


def test_a_notice_of_suspension_is_major(desk: Rig) -> None:
    desk.site.pages["/reports"] = page(ISSUE_1, more="<p>Publication is temporarily suspended.</p>")
    assert later(desk)["reports"] == ["page.text"]
    assert desk.changes()[0].severity is Severity.MAJOR


def test_documents_are_taken_up_twenty_at_a_time_newest_first(rig: Rig) -> None:
    stems = [f"list-{date(2025, 1, 1) + timedelta(days=day)}" for day in range(45)]
    rig.watch(source(rig.site, "reports", "index"))
    rig.site.pages["/reports"] = page(*stems)
    for stem in stems:
        publish(rig, stem, csv(*ROWS))
    assert set(rig.check_all()) == {"reports", *(f"reports/{stem}" for stem in stems[-20:])}
    assert len(later(rig)) == 41
    assert len(later(rig)) == 46
    assert rig.changes() == []


def test_documents_of_other_sites_are_not_followed(rig: Rig) -> None:
    rig.watch(source(rig.site, "reports", "index"))
    rig.site.pages["/reports"] = page() + '<a href="http://files.example.org/ddor2017_01-28to02-03.csv">x</a>'
    assert set(rig.check_all()) == {"reports"}


def test_documents_are_known_to_the_commands(desk: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    publish(desk, ISSUE_2, csv(*ROWS[1:]))
    desk.site.pages["/reports"] = page(ISSUE_2, ISSUE_1)
    later(desk)
    asked = Desk.begin(desk.path, now="2026-03-20", json=True)
    assert asked.source(f"reports/{ISSUE_2}").kind == "table"
    with pytest.raises(Refused, match="no source is called 'reports/other'"):
        asked.source("reports/other")
    reading.sources(asked)
    assert [json.loads(line)["name"] for line in capsys.readouterr().out.splitlines()] == [
        "reports", f"reports/{ISSUE_2}", f"reports/{ISSUE_1}",
    ]  # fmt: skip
    reading.history(asked, "reports", since=None, until=None, kind="", place="")
    assert [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()] == [
        "report.published", "jurisdiction.delisted",
    ]  # fmt: skip


# ---------------------------------------------------------------- the pure parts


@pytest.mark.parametrize(
    ("expect", "last", "day"),
    [
        ("weekly on monday", "2017-03-20", "2017-03-27"),
        ("weekly on monday", "2017-03-22", "2017-03-27"),
        ("weekly on monday", "2017-03-25", "2017-04-03"),  # two days early is Monday's
        ("daily", "2017-03-20", "2017-03-21"),
        ("monthly", "2017-01-31", "2017-02-28"),
        ("monthly", "2017-12-01", "2018-01-31"),
    ],
)
def test_late_is_when_the_expected_day_is_over(expect: str, last: str, day: str) -> None:
    zone, due = ZoneInfo("America/Los_Angeles"), date.fromisoformat(day)
    came = datetime.fromisoformat(last).replace(hour=9, tzinfo=zone)
    over = datetime.fromisoformat(day).replace(tzinfo=zone) + timedelta(days=1)
    assert series.late(expect, came, over - timedelta(seconds=1), zone) is None
    assert series.late(expect, came, over, zone) == due


def test_without_a_rhythm_nothing_is_late() -> None:
    assert series.late("", datetime(2017, 3, 20, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC), UTC) is None


@pytest.mark.parametrize(
    ("url", "stem"),
    [
        ("https://www.ice.gov/doclib/ddor/ddor2017_01-28to02-03.pdf", "ddor2017_01-28to02-03"),
        ("https://www.ice.gov/a%20b%2Fc.pdf?x=1", "c"),
        ("https://www.ice.gov/", "www.ice.gov"),
        ("https://www.ice.gov/..%2f..%2fetc", "etc"),
        ("https://www.ice.gov/" + "x" * 300 + ".pdf", "x" * 80),
    ],
)
def test_a_document_is_named_by_its_file(url: str, stem: str) -> None:
    assert series.stem_of(url) == stem


def test_kinds_go_by_the_ending_unless_the_index_says() -> None:
    def kinds(**options: str) -> list[str]:
        urls = ("a.pdf", "b.xlsx", "c.html")
        known = {
            stem: {
                "url": f"https://x.org/{stem}",
                "title": "",
                "first": f"2026-01-0{3 - number}",
                "listed": True,
                "baseline": False,
            }
            for number, stem in enumerate(urls)
        }
        index = Source("i", "index", "https://x.org", options=options)
        return [one.kind for one in series.documents(index, SourceState("i", choices={"documents": known}), ())]

    assert kinds() == ["pdf", "table", "page"]
    assert kinds(documents="detainer-report") == ["detainer-report"] * 3


# ---------------------------------------------------------------- what names the same place


ARTICLE = """<html><head><title>Counties</title></head><body><article><h1>What the counties say</h1>
<p>{first} The report names ten counties, and most of them say that they were not asked before it was published.</p>
<p>Sheriffs said that they follow the orders of judges, and that they need a warrant to hold anybody any longer.</p>
</article></body></html>"""


def both_kinds(rig: Rig) -> None:
    rig.watch(source(rig.site, "list"), source(rig.site, "story", "article"))
    rig.site.pages["/list"] = csv(*ROWS)
    rig.site.pages["/story"] = ARTICLE.format(first="A report came out.")
    rig.check_all()
    rig.told()


def test_a_report_leads_to_an_article_that_named_the_place(rig: Rig) -> None:
    both_kinds(rig)
    rig.site.pages["/story"] = ARTICLE.format(first="Nassau County, N.Y., was named.")
    later(rig)
    assert "See also" not in rig.told()
    rig.site.pages["/list"] = csv(*ROWS[:1], *ROWS[2:])
    later(rig)
    assert "See also: Newly mentioned: Nassau County, N.Y. (story <http://" in rig.told()


def test_an_article_leads_to_a_report_but_not_to_an_old_one(rig: Rig) -> None:
    both_kinds(rig)
    rig.site.pages["/list"] = csv(*ROWS[:1], *ROWS[2:])
    later(rig)
    rig.told()
    rig.site.pages["/story"] = ARTICLE.format(first="Nassau County, N.Y., was named.")
    later(rig)
    assert "See also: Dropped: Nassau County, N.Y. (list <http://" in rig.told()
    rig.site.pages["/story"] = ARTICLE.format(first="A report came out.")
    later(rig, 8 * DAY)
    assert "See also" not in rig.told()
