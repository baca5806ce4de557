"""The tour as a newcomer runs it: in a process of its own, with no network but loopback, every scene with its alert."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from watcher.demo import pages
from watcher.demo.story import SCENES
from watcher.store import Store, changes, snapshots, sources

ONLY_LOOPBACK = """
import runpy, sys

def refuse(event, given):
    if event == "socket.getaddrinfo" and given[0] not in ("127.0.0.1", "localhost"):
        raise SystemExit(f"the tour asked for {given[0]}")
    if event == "socket.connect" and isinstance(given[1], tuple) and given[1][0] != "127.0.0.1":
        raise SystemExit(f"the tour connected to {given[1]}")

sys.addaudithook(refuse)
sys.argv = ["watcher", "demo", "--fast"]
runpy.run_module("watcher", run_name="__main__")
"""

TOLD = [scene for scene in SCENES if scene.what]
SHOWN = [
    ("sanctuary-list: baseline, 35 entries", "ddor2017_01-28to02-03: baseline, 21 entries", "news-article: baseline"),
    ("Article updated: note added, 2 paragraphs added", "9:50 p.m.: This article was updated", "California"),
    ("Headline changed: [-Report-] {+Sheriffs dispute report that+} names ten counties",),
    (
        "Report published: Feb. 4–10, 2017",
        "1 jurisdiction dropped from section I (page 1): Nassau County, N.Y.",
        "Issued Detainers: 38",
    ),
    ("Report late: declined-detainers (expected April 3, 2017, 1 day late)",),
    (
        "Report published: Feb. 11–17, 2017",
        "Report resumed: Feb. 11–17, 2017",
        "Report corrected: Jan. 28–Feb. 3, 2017 (section I adds up to 126, the report says 157)",
        "Montgomery County, Iowa: Issued Detainers 12 → (empty)",
        "Franklin County, Pa.: Issued Detainers 5 → (empty)",
        "4 jurisdictions dropped from section II (page 1): Williamson County Jail, Texas; ",
    ),
    ("Text added: “ICE has temporarily suspended this report",),
    ("sanctuary-list: suspect (HTTP 404); stored, waiting for a second look",),
    ("Page gone: sanctuary-list (HTTP 404).",),
    ("1 jurisdiction dropped: Nevada", "Page back: sanctuary-list."),
]
"""What each scene must show."""


class Tour(NamedTuple):
    """What the tour left: its words by scene, how it ended, and its folder."""

    scenes: list[str]
    ended: subprocess.CompletedProcess[str]
    folder: Path
    seconds: float


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Tour:
    folder = tmp_path_factory.mktemp("tour")
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", ONLY_LOOPBACK],
        cwd=folder,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    seconds = time.monotonic() - started
    starts = [ended.stdout.find(scene.what[:40]) for scene in TOLD]
    scenes = [ended.stdout[start:end] for start, end in itertools.pairwise([*starts, len(ended.stdout)])]
    return Tour(scenes, ended, folder / "state" / "demo", seconds)


def test_it_ends_well_and_soon(tour: Tour) -> None:
    assert (tour.ended.returncode, tour.ended.stderr) == (0, "")
    assert tour.seconds < 30


def test_every_scene_shows_its_alert(tour: Tour) -> None:
    for scene, shown, lines in zip(TOLD, tour.scenes, SHOWN, strict=True):
        assert [line for line in lines if line not in shown] == [], scene.what


def test_no_baseline_and_no_doubt_alerts(tour: Tour) -> None:
    assert [shown.count("\nref ") for shown in tour.scenes] == [0, 1, 1, 1, 1, 2, 1, 0, 1, 1]


def test_every_alert_says_where_to_look(tour: Tour) -> None:
    text = tour.ended.stdout
    assert text.count("Live page <http://127.0.0.1:") == text.count("Stored copy: watcher show ") == 9
    assert "watcher history --config state/demo/config.toml" in text


def test_its_history_holds(tour: Tour) -> None:
    with Store.open(tour.folder / "watcher.db") as store:
        states = store.read_sync(sources.states)
        assert {name: store.read_sync(snapshots.first_bad, name) for name in states} == dict.fromkeys(states)
        found = store.read_sync(lambda conn: list(changes.history(conn)))
        assert store.read_sync(snapshots.clocks) == {"given"}
    assert len(states) == 6
    assert f"{len(found)} changes, every version kept" in tour.ended.stdout
    kinds = {change.kind for change in found}
    assert {"jurisdiction.delisted", "article.note", "article.headline", "page.gone", "page.back"} <= kinds
    assert {"report.published", "report.corrected", "report.late", "report.resumed"} <= kinds


def test_it_can_be_taken_twice(tour: Tour) -> None:
    before = (tour.folder / "watcher.db").stat().st_size
    command = [sys.executable, "-m", "watcher", "demo", "--fast"]
    ran = subprocess.run(
        command, cwd=tour.folder.parent.parent, capture_output=True, text=True, check=True, timeout=120
    )
    assert "baseline, 35 entries" in ran.stdout
    assert before / 2 < (tour.folder / "watcher.db").stat().st_size < before * 2


def test_the_pages_are_what_they_tell_of() -> None:
    first, second, _ = pages.issues()
    assert pages.report(first).count(b"(Nassau)") == 1
    assert pages.report(first, without={"Nassau"}).count(b"(Nassau)") == 0
    assert pages.report(first) == pages.report(first) != pages.report(first, corrected=True)
    assert pages.reports(first, second).count(".pdf") == 2
    assert pages.sanctuary_list().count("<li>") == 35
    assert len({pages.article(revision) for revision in (1, 2, 3)}) == 3
