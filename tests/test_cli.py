"""The command line as people and scripts use it: exit codes, JSON lines, words on the right stream."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.cdx import Archive
from tests.rig import COUNTIES, NOON, Hook, Rig, at, minutes, page, route, source, table, webhook, without
from tests.site import Reply
from watcher import __main__, __version__, cli

CHANGE = {
    "id", "source", "at", "last_seen", "kind", "severity", "subject", "path", "old", "new", "summary", "snapshot",
    "before",
}  # fmt: skip
BASE = table()


class Ran(NamedTuple):
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines: every line must be one object."""
        return [msgspec.json.decode(line, type=dict[str, Any]) for line in self.out.splitlines()]


Run = Callable[..., Ran]


@pytest.fixture
def run(rig: Rig, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Run]:
    """Run `watcher` with these words, on the desk of `rig`, at the time of its clock unless `real`."""

    def leave(code: int) -> None:
        raise SystemExit(code)

    def run(*words: str, real: bool = False) -> Ran:
        timed = not real and words[0] in {"check", "sources", "history", "show", "diff", "backfill"}
        given = ["--now", at(rig.now)] if timed and "--now" not in words else []
        monkeypatch.setattr(sys, "argv", ["watcher", *words, *given])
        capsysbinary.readouterr()
        with pytest.raises(SystemExit) as end:
            __main__.main()
        out, err = capsysbinary.readouterr()
        assert b"Traceback" not in err
        return Ran(int(end.value.code or 0), out.decode(errors="replace"), err.decode())

    thresholds = gc.get_threshold()
    monkeypatch.setattr(__main__, "leave", leave)
    monkeypatch.setenv("WATCHER_CONFIG", str(rig.path))
    monkeypatch.setenv("COLUMNS", "200")
    rig.site.pages["/list"] = BASE
    yield run
    gc.set_threshold(*thresholds)


def check(run: Run, *words: str) -> dict[str, Any]:
    """Check as a script does; gives the only line."""
    (line,) = run("check", "--all", "--json", *words).lines
    return line


# ---------------------------------------------------------------- check


def test_a_first_check_for_a_script(run: Run, rig: Rig) -> None:
    ran = run("check", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.lines == [
        {"source": "list", "outcome": "first", "snapshot": rig.state().snapshot, "changes": [], "error": None}
    ]


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        (BASE, "unchanged", 0),
        (table(without("Cook")), "changed", 0),
        (Reply("", status=404), "suspect", 0),
        (Reply("", status=403), "suspect", 0),
        (Reply("", status=500), "failed", 1),
        (Reply(BASE, cut=9), "failed", 1),
        (Reply("", status=302, headers={"Location": "http://10.0.0.1/"}), "refused", 1),
    ],
)
def test_each_outcome_has_its_exit_code(run: Run, rig: Rig, answer: str | Reply, outcome: str, code: int) -> None:
    run("check")
    rig.site.pages["/list"] = answer
    rig.now += minutes(30)
    ran = run("check", "--all", "--json")
    (line,) = ran.lines
    assert (line["outcome"], ran.code) == (outcome, code)
    assert line.keys() == {"source", "outcome", "snapshot", "changes", "error"}
    assert (line["error"] is None) is (outcome in {"unchanged", "changed"})


def test_gone_ends_well_too(run: Run, rig: Rig) -> None:
    run("check")
    rig.site.pages["/list"] = Reply("", status=404)
    seen = []
    for _ in range(2):
        rig.now += minutes(30)
        ran = run("check", "--all", "--json")
        seen.append((ran.code, ran.lines[0]["outcome"], [change["kind"] for change in ran.lines[0]["changes"]]))
    assert seen == [(0, "suspect", []), (0, "gone", ["page.gone"])]


def test_a_change_for_a_script_and_the_words_for_people_apart(run: Run, rig: Rig) -> None:
    first = check(run)
    rig.site.pages["/list"] = table(without("Cook"))
    rig.now += minutes(30)
    ran = run("check", "--all", "--json")
    (line,) = ran.lines
    (change,) = line["changes"]
    assert change.keys() == CHANGE
    assert change["subject"] == {"id": "us-county:17031", "name": "Cook County, Ill.", "state": "IL"}
    assert (change["at"], change["last_seen"]) == ("2026-03-01T12:30:00Z", "2026-03-01T12:00:00Z")
    assert (change["before"], change["snapshot"]) == (first["snapshot"], line["snapshot"])
    assert change["path"] == ["records", "Cook County"]
    assert (change["kind"], change["severity"], change["new"]) == ("jurisdiction.delisted", "major", None)
    assert change["old"] == {"County": "Cook County", "State": "Ill.", "Detainers": "12"}
    assert "Cook County, Ill." in ran.err
    assert "watcher show list --at" in ran.err


def test_people_read_one_line_a_source_and_the_alert(run: Run, rig: Rig) -> None:
    assert run("check") == Ran(0, "+ list: first, 5 records\n", "")
    rig.site.pages["/list"] = table([*COUNTIES[2:], ("Kings County", "Calif.", "7")])
    rig.now += minutes(30)
    ran = run("check", "list")
    assert ran.out.startswith("* list: changed, 3 changes\n")
    assert "Kings County, Calif." in ran.out
    assert ran.err == ""
    rig.site.pages["/list"] = Reply("", status=503)
    rig.now += minutes(30)
    assert run("check", "list").out == "! list: failed (HTTP 503)\n"


def test_only_what_is_due_is_checked(run: Run, rig: Rig) -> None:
    run("check")
    hits = rig.site.hits("/list")
    ran = run("check")
    assert ran.code == 0
    assert ran.out.startswith("nothing is due; list is next, at 2026-03-01 ")
    ran = run("check", "--json")
    assert ran.out == ""
    assert ran.err.startswith("nothing is due")
    assert rig.site.hits("/list") == hits
    assert run("check", "list").out == "= list: unchanged\n"
    assert run("check", "--all").out == "= list: unchanged\n"
    rig.now += timedelta(days=1)
    assert run("check").out == "= list: unchanged\n"


def test_a_name_given_twice_is_checked_once(run: Run, rig: Rig) -> None:
    assert run("check", "list", "list").out == "+ list: first, 5 records\n"
    assert rig.site.hits("/list") == 1


def test_all_does_not_hurry_the_suspect_guard(run: Run, rig: Rig) -> None:
    run("check")
    rig.site.pages["/list"] = Reply("", status=404)
    for after, outcome in ((30, "suspect"), (5, "suspect"), (4, "suspect"), (1, "gone")):
        rig.now += minutes(after)
        assert check(run)["outcome"] == outcome


def test_one_bad_source_does_not_hide_the_others(run: Run, rig: Rig) -> None:
    rig.watch(source(rig.site), source(rig.site, "bad"), source(rig.site, "other"))
    rig.site.pages |= {"/bad": Reply("", status=500), "/other": BASE}
    ran = run("check", "--json")
    assert {line["source"]: line["outcome"] for line in ran.lines} == {
        "list": "first",
        "bad": "failed",
        "other": "first",
    }
    assert ran.code == 1


def test_a_message_that_cannot_be_delivered_is_said(run: Run, rig: Rig) -> None:
    rig.watch(source(rig.site), webhook(rig.site), route("hook"))
    rig.site.pages["/hook"] = hook = Hook(500)
    run("check")
    rig.site.pages["/list"] = table(without("Cook"))
    rig.now += minutes(30)
    ran = run("check", "--all")
    assert ran.code == 1
    assert "1 message(s) could not be delivered" in ran.out
    hook.status = 200
    rig.now += minutes(1)
    assert run("check", "--all").code == 0
    assert [posted["repeat"] for posted in hook.got] == [False, True]


@pytest.mark.parametrize(
    "words",
    [
        ("check", "nobody"),
        ("show", "nobody"),
        ("diff", "nobody"),
        ("history", "nobody"),
        ("history", "nobody/child"),
        ("backfill", "nobody", "--from", "x"),
    ],
)
def test_an_unknown_name_is_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "watcher: no source is called 'nobody' in config.toml; there are list\n"


@pytest.mark.parametrize(
    "words",
    [
        ("check", "--now", "noon"),
        ("history", "--since", "yesterday"),
        ("show", "list", "--at", "2017-02-30"),
        ("check", "--log-level", "loud"),
        ("show", "list", "--format", "pdf"),
        ("check", "--every"),
        ("show",),
        ("backfill", "list"),
        ("guess",),
    ],
)
def test_wrong_words_are_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err


def test_a_given_time_is_not_written_among_real_ones(run: Run, rig: Rig) -> None:
    assert run("check", real=True).code == 0
    assert rig.snapshots()[0].clock == "real"
    ran = run("check", "--all")
    assert (ran.code, ran.out) == (2, "")
    assert "--now would write given times among real ones: expected a state of its own" in ran.err
    assert len(rig.snapshots()) == 1
    assert run("sources", "--json").code == 0
    assert run("show", "list", "--at", at(NOON), real=True).code == 1
    assert run("show", "list", real=True).code == 0


def test_a_given_time_is_said_to_be_given(run: Run, rig: Rig) -> None:
    run("check")
    assert [(one.clock, one.at) for one in rig.snapshots()] == [("given", NOON)]


# ---------------------------------------------------------------- sources


def test_sources_for_a_script(run: Run, rig: Rig) -> None:
    names = ("list", "new", "suspect", "gone", "blocked", "failing")
    rig.watch(*(source(rig.site, name) for name in names))
    for name in names:
        rig.site.pages[f"/{name}"] = BASE
    run("check", *(name for name in names if name != "new"))
    for name, status in (("suspect", 404), ("gone", 404), ("blocked", 403), ("failing", 500)):
        rig.site.pages[f"/{name}"] = Reply("", status=status)
    rig.site.pages["/list"] = table(without("Cook"))
    rig.now += minutes(30)
    run("check", "gone")
    rig.now += minutes(30)
    run("check", *(name for name in names if name != "new"))
    ran = run("sources", "--json")
    assert ran.code == 0
    assert [line["name"] for line in ran.lines] == list(names)
    assert [line["state"] for line in ran.lines] == ["ok", *names[1:]]
    first, new, *_ = ran.lines
    assert first | {"next_check": None} == {
        "name": "list",
        "kind": "table",
        "url": rig.site.url("/list"),
        "state": "ok",
        "last_checked": "2026-03-01T13:00:00Z",
        "last_changed": "2026-03-01T13:00:00Z",
        "next_check": None,
        "records": 4,
    }
    assert first["next_check"] > first["last_checked"]
    assert new.keys() == first.keys()
    assert (new["last_checked"], new["last_changed"], new["next_check"], new["records"]) == (None, None, None, 0)


def test_sources_for_people(run: Run, rig: Rig) -> None:
    rig.watch(source(rig.site), watcher='timezone = "America/New_York"')
    ran = run("sources")
    assert "new" in ran.out
    assert "never" in ran.out
    run("check")
    ran = run("sources")
    assert "2026-03-01 07:00 EST" in ran.out
    assert ran.err == ""


# ---------------------------------------------------------------- history


@pytest.fixture
def story(run: Run, rig: Rig) -> Run:
    """Three changes at 12:30, 13:00 and 13:30: Cook goes, Clark's figure changes, Cook returns."""
    run("check")
    clark = ("Clark County", "Nev.", "51")
    for body in (table(without("Cook")), table([clark, *without("Cook")[1:]]), table([clark, *COUNTIES[1:]])):
        rig.now += minutes(30)
        rig.site.pages["/list"] = body
        assert check(run)["outcome"] == "changed"
    return run


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ((), [0, 1, 2]),
        (("list",), [0, 1, 2]),
        (("--since", "2026-03-01T13:00:00Z"), [1, 2]),
        (("--until", "2026-03-01T13:00:00Z"), [0, 1]),
        (("--since", "30m", "--until", "0s"), [1, 2]),
        (("--since", "2026-03-01"), [0, 1, 2]),
        (("--until", "2026-03-01"), []),
        (("--kind", "jurisdiction.listed"), [2]),
        (("--kind", "jurisdiction.*"), [0, 1, 2]),
        (("--kind", "page.*"), []),
        (("--place", "Cook County, IL"), [0, 2]),
        (("--place", "Clark County, Nev."), [1]),
        (("--place", "Clark County, Washington"), []),
    ],
)
def test_history_is_filtered_and_oldest_first(story: Run, words: tuple[str, ...], found: list[int]) -> None:
    ran = story("history", "--json", *words)
    assert ran.code == 0
    times = ["2026-03-01T12:30:00Z", "2026-03-01T13:00:00Z", "2026-03-01T13:30:00Z"]
    assert [line["at"] for line in ran.lines] == [times[number] for number in found]


def test_history_for_a_script_says_what_returned(story: Run) -> None:
    lines = story("history", "--json").lines
    assert [line.keys() for line in lines] == [CHANGE, CHANGE, CHANGE | {"returned"}]
    assert lines[2]["returned"] is True
    assert lines[1]["path"][0] == "records"
    assert (lines[1]["old"], lines[1]["new"]) == ("10", "51")


def test_history_for_people(story: Run) -> None:
    ran = story("history")
    lines = ran.out.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith("2026-03-01 04:30 PST  list  jurisdiction.delisted  ")
    assert lines[2].endswith("(was there before)")
    assert story("history", "--kind", "page.*").out == "no stored change matches\n"
    assert story("history", "--kind", "page.*", "--json") == Ran(0, "", "")


# ---------------------------------------------------------------- show


def test_show_before_the_first_capture(run: Run) -> None:
    ran = run("show", "list")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "watcher: list: nothing was stored by 2026-03-01 04:00 PST\n"
    run("check")
    assert run("show", "list", "--at", "1s").code == 1
    assert run("show", "list", "--at", "2026-02-28").code == 1
    assert run("show", "list", "--at", "0s").code == 0


@pytest.mark.parametrize(
    ("moment", "there"), [("2026-03-01T12:29:59Z", True), ("2026-03-01T12:30:00Z", False), ("61m", True), ("", True)]
)
def test_show_as_of_a_time(story: Run, moment: str, there: bool) -> None:  # noqa: FBT001 - a parameter
    ran = story("show", "list", *(["--at", moment] if moment else []))
    assert ran.code == 0
    assert ("Cook County" in ran.out) is there
    assert "Nassau County" in ran.out


def test_show_for_a_script(story: Run, rig: Rig) -> None:
    ran = story("show", "list", "--format", "json", "--at", "2026-03-02")
    (document,) = ran.lines
    assert document.keys() == {"source", "at", "kind", "url", "meta", "blocks", "records", "links"}
    assert (document["source"], document["kind"], document["url"]) == ("list", "table", rig.site.url("/list"))
    assert document["at"] == "2026-03-01T13:30:00Z"
    assert [record.keys() for record in document["records"]] == [{"key", "section", "subject", "fields"}] * 5
    assert document["records"][0]["fields"] == {"County": "Clark County", "State": "Nev.", "Detainers": "51"}
    assert document["records"][0]["subject"]["id"] == "us-county:32003"


def test_show_the_bytes_that_came(story: Run) -> None:
    ran = story("show", "list", "--format", "raw", "--at", "2026-03-01T12:00:00Z")
    assert (ran.code, ran.out, ran.err) == (0, BASE, "")


def test_show_an_article(run: Run, rig: Rig) -> None:
    rig.watch(source(rig.site, kind="article"))
    said = [
        "The county [bold]said[/bold] nothing of this. " * 5,
        "It was asked twice, by letter and by telephone. " * 5,
    ]
    text = "".join(f"<p>{paragraph}</p>" for paragraph in said)
    rig.site.pages["/list"] = page(f"<article>{text}</article>", title="A county says nothing")
    run("check")
    ran = run("show", "list")
    assert "The county [bold]said[/bold] nothing of this." in ran.out
    assert "A county says nothing" in ran.out
    (document,) = run("show", "list", "--format", "json").lines
    assert [block for block in document["blocks"] if block["type"] == "paragraph"] == [
        {"type": "paragraph", "text": paragraph.strip()} for paragraph in said
    ]


# ---------------------------------------------------------------- diff


def test_diff_takes_the_last_two(story: Run) -> None:
    ran = story("diff", "list", "--json")
    (line,) = ran.lines
    assert line.keys() == CHANGE
    assert (line["kind"], line["subject"]["id"]) == ("jurisdiction.listed", "us-county:17031")


def test_diff_between_times_and_captures(story: Run, rig: Rig) -> None:
    ids = [one.id for one in rig.snapshots()]
    expected = ["jurisdiction.changed"]
    for words in (
        (ids[1], ids[2]),
        ("2026-03-01T12:30:00Z", "2026-03-01T13:00:00Z"),
        (ids[1], "30m"),
        ("2026-03-01T12:59:59Z", ids[2]),
        (ids[0], ids[3]),
        (ids[0],),
    ):
        ran = story("diff", "list", *words, "--json")
        assert ([line["kind"] for line in ran.lines], ran.code) == (expected, 0), words
    assert story("diff", "list", ids[2], ids[2], "--json").out == ""


def test_diff_of_one_capture_alone(run: Run) -> None:
    ran = run("diff", "list")
    assert (ran.code, ran.out, ran.err) == (1, "", "watcher: list: there are no two captures to compare\n")
    run("check")
    assert run("diff", "list").code == 1
    assert run("diff", "list", "2026-02-01").code == 1
    ran = run("diff", "list", "0123456789abcdef")
    assert ran.code == 2
    assert "expected a time" in ran.err


def test_diff_for_people(story: Run, rig: Rig) -> None:
    ids = [one.id for one in rig.snapshots()]
    ran = story("diff", "list", ids[1], ids[2])
    assert ran.code == 0
    assert f"2026-03-01 04:30 PST ({ids[1]}) → 2026-03-01 05:00 PST ({ids[2]})" in ran.out
    assert "Clark County, Nev." in ran.out
    assert "51" in ran.out
    assert "nothing differs in what is read" in story("diff", "list", ids[2], ids[2]).out


# ---------------------------------------------------------------- backfill


def test_backfill_a_folder(run: Run, rig: Rig) -> None:
    folder = rig.folder / "old"
    folder.mkdir()
    (folder / "2017-03-20T16-00-00Z.html").write_text(BASE)
    (folder / "2017-03-27T16-00-00Z.html").write_text(table(without("Cook")))
    ran = run("backfill", "list", "--from", str(folder))
    assert ran == Ran(0, "list: 2 captures, 2 stored, 0 of them suspect; 1 changes found (watcher history list)\n", "")
    ran = run("backfill", "list", "--from", str(folder), "--json")
    assert ran.lines == [{"source": "list", "captures": 2, "stored": 0, "suspect": 0, "changes": 0}]
    assert run("show", "list", "--at", "2017-03-26").out.count("Cook County") == 1
    assert run("show", "list").out.count("Cook County") == 0
    assert rig.deliveries() == []


def test_backfill_from_a_folder_between_two_times(run: Run, rig: Rig) -> None:
    folder = rig.folder / "old"
    folder.mkdir()
    for day in (20, 21, 22, 23):
        (folder / f"2017-03-{day}T16-00-00Z.html").write_text(BASE.replace("10", str(day)))
    run("backfill", "list", "--from", str(folder), "--since", "2017-03-21", "--until", "2017-03-23")
    assert [one.at.day for one in rig.snapshots()] == [21, 22]


def test_backfill_from_a_web_archive(run: Run, rig: Rig) -> None:
    archive = Archive(rig.site, rig.site.url("/list"))
    rig.watch(source(rig.site), backfill=f'wayback = "{rig.site.url("/")}"')
    for stamp, body in (("20170320160000", BASE), ("20170327160000", table(without("Cook")))):
        archive.add(stamp, body)
    archive.add("20170401000000", "busy", status=503)
    archive.add("20170403160000", BASE, digest="A" * 32)
    ran = run("backfill", "list", "--from", "wayback", "--since", "2017-03-01")
    assert ran.code == 0
    assert ran.out.splitlines() == [
        "list: 3 captures, 2 stored, 0 of them suspect; 1 changes found (watcher history list)",
        "  1 were not brought, 1 are errors and block pages",
        "  nobody saw the page from 2017-03-20 09:00 PDT to 2017-03-27 09:00 PDT",
    ]
    (line,) = run("backfill", "list", "--from", "wayback", "--json").lines
    assert line == {
        "source": "list", "captures": 3, "stored": 0, "suspect": 0, "changes": 0, "failed": 1, "unusable": 1,
        "gaps": [{"from": "2017-03-20T16:00:00Z", "until": "2017-03-27T16:00:00Z"}],
    }  # fmt: skip
    assert rig.deliveries() == []
    archive.instead["cdx"] = lambda: Reply("<html>Sorry</html>")
    ran = run("backfill", "list", "--from", "wayback")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "watcher: 127.0.0.1: expected an index of captures in JSON, found '<html>Sorry</html>'\n"


@pytest.mark.parametrize("made", ["nothing", "file", "name"])
def test_backfill_what_is_no_folder_of_captures(run: Run, rig: Rig, made: str) -> None:
    place = rig.folder / "old"
    if made == "file":
        place.write_text("neither")
    if made == "name":
        place.mkdir()
        (place / "page.html").write_text(BASE)
    ran = run("backfill", "list", "--from", str(place))
    assert (ran.code, ran.out) == (2, "")
    assert str(place) in ran.err
    assert "expected" in ran.err
    assert rig.snapshots() == []


# ---------------------------------------------------------------- the rest


def test_doctor_says_what_is_well_and_what_is_not(run: Run, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    rig.watch(source(rig.site), watcher='contact = "desk@newsroom.example"')
    run("check")
    monkeypatch.setattr("watcher.store.engines.warnings", lambda: ())
    ran = run("doctor")
    assert (ran.code, "BAD" in ran.out) == (0, False)
    assert "child processes" in ran.out
    monkeypatch.setattr("watcher.store.engines.warnings", lambda: ("this SQLite has a fault",))
    ran = run("doctor")
    assert ran.code == 1
    assert "BAD  store: this SQLite has a fault" in ran.out
    rig.site.pages["/list"] = Reply("", status=500)
    run("check", "list")
    ran = run("doctor")
    assert ran.code == 1
    assert "BAD  sources: list (failing: HTTP 500)" in ran.out


def test_doctor_names_the_example_contact(run: Run) -> None:
    ran = run("doctor")
    assert ran.code == 1
    assert "BAD  contact: desk@example.org is the example: set [watcher].contact" in ran.out


def test_doctor_without_a_configuration(run: Run, rig: Rig) -> None:
    rig.path.write_text("[[source]]\n")
    ran = run("doctor")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("watcher: config.toml: ")


def test_the_store_is_upgraded_by_name(run: Run, rig: Rig) -> None:
    ran = run("db", "upgrade")
    assert (ran.code, ran.out) == (0, f"{rig.folder / 'watcher.db'}\n")


def test_the_version(run: Run) -> None:
    assert run("--version") == Ran(0, f"watcher {__version__}\n", "")


def test_every_command_says_what_it_does(run: Run) -> None:
    ran = run("--help")
    names = [command.name or command.callback.__name__ for command in cli.app.registered_commands if command.callback]
    assert {"check", "run", "sources", "history", "show", "diff", "backfill", "doctor", "demo"} <= set(names)
    assert all(name in ran.out for name in names)
    for name in names:
        ran = run(name, "--help", real=True)
        assert ran.code == 0
        assert f" {name} [OPTIONS]" in ran.out


def test_a_desk_without_sources_has_nothing_to_do(run: Run, rig: Rig) -> None:
    rig.watch()
    assert run("check") == Ran(0, "config.toml watches nothing yet: add a [[source]]\n", "")
    assert run("check", "--all").code == 0
    assert run("sources", "--json") == Ran(0, "", "")


def test_the_whole_of_it_on_postgresql(run: Run, rig: Rig, postgresql_url: str) -> None:
    rig.watch(source(rig.site), watcher=f'database = "{postgresql_url}"')
    assert run("check").out == "+ list: first, 5 records\n"
    rig.site.pages["/list"] = table(without("Cook"))
    rig.now += minutes(30)
    assert check(run)["outcome"] == "changed"
    (line,) = run("history", "--json", "--place", "Cook County, IL").lines
    assert line["at"] == "2026-03-01T12:30:00Z"
    assert run("sources", "--json").lines[0]["records"] == 4
    assert run("show", "list", "--at", "30m", "--format", "raw").out == BASE
    assert run("diff", "list", "--json").lines[0]["kind"] == "jurisdiction.delisted"
    assert rig.snapshots() == []
