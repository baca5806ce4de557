"""The tour itself: scene after scene on a clock of its own, each alert as a reader would get it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from watcher.app import App, opened, running
from watcher.config import Config, load
from watcher.core import Source
from watcher.demo import pages
from watcher.demo.site import Pages, serving
from watcher.pipeline import Checked

ZONE = ZoneInfo("America/Los_Angeles")
FOLDER = Path("state/demo")
PAUSE = 1.2
"""Seconds that a reader gets for a scene's words."""

CONFIG = """\
# Made by `watcher demo`; its history can be looked at with `--config {folder}/config.toml`.
[watcher]
state = "."
timezone = "America/Los_Angeles"

[fetch]
per_host_per_minute = 0
allow_private = ["127.0.0.1:{port}"]

[[source]]
name = "declined-detainers"
kind = "index"
url = "http://127.0.0.1:{port}/detainer-reports"
documents = "detainer-report"
series = "Declined Detainer Outcome Report"
expect = "weekly on monday"

[[source]]
name = "sanctuary-list"
kind = "jurisdiction-list"
url = "http://127.0.0.1:{port}/sanctuary-list"

[[source]]
name = "news-article"
kind = "article"
url = "http://127.0.0.1:{port}/news/report-names-ten-counties"
"""


class Scene(NamedTuple):
    """One step of the story: when it is, what happens ("" for a check of which nothing is told), what it changes.

    `only` is the one source that is looked at then; all are where it is empty.
    """

    when: str
    what: str
    change: Callable[[Pages], object]
    only: str = ""


REPORTS, LIST, ARTICLE = "/detainer-reports", "/sanctuary-list", "/news/report-names-ten-counties"
FIRST, SECOND, THIRD = pages.issues()
SUSPENDED = "ICE has temporarily suspended this report while it works on its data and how they are recorded."

SCENES = (
    Scene(
        "2017-03-20T11:45",
        "The first weekly report is out, a PDF, and an article on it. watcher looks at each: a baseline, no alert.",
        lambda site: site.update(
            {
                REPORTS: pages.reports(FIRST),
                FIRST.path: pages.report(FIRST),
                ARTICLE: pages.article(1),
                LIST: pages.sanctuary_list(),
            }
        ),
    ),
    Scene(
        "2017-03-20T21:50",
        "In the evening the article gains paragraphs and an update notice.",
        lambda site: site.update({ARTICLE: pages.article(2)}),
    ),
    Scene(
        "2017-03-21T08:10",
        "The next morning it has another headline, and says nothing of that.",
        lambda site: site.update({ARTICLE: pages.article(3)}),
    ),
    Scene(
        "2017-03-27T09:00",
        "The second issue is out. One county is not in it any more, and the sections are called otherwise.",
        lambda site: site.update(
            {REPORTS: pages.reports(FIRST, SECOND), SECOND.path: pages.report(SECOND, without={"Nassau"})}
        ),
    ),
    Scene("2017-04-04T09:00", "On Monday no issue came. Silence is news, too.", dict.copy),
    Scene(
        "2017-04-10T16:20",
        "The third issue is out. And the first one’s file is another: eight counties are corrected. No page says so.",
        lambda site: site.update(
            {
                REPORTS: pages.reports(FIRST, SECOND, THIRD),
                THIRD.path: pages.report(THIRD, without={"Nassau"}),
                FIRST.path: pages.report(FIRST, corrected=True),
            }
        ),
    ),
    Scene(
        "2017-04-11T10:00",
        "The next day a notice stands on the page.",
        lambda site: site.update({REPORTS: pages.reports(FIRST, SECOND, THIRD, notice=SUSPENDED)}),
    ),
    Scene("2025-10-31T09:50", "", dict.copy, "sanctuary-list"),
    Scene(
        "2025-10-31T10:00",
        "Years later the list of jurisdictions answers “not found”. One such answer is not believed.",
        lambda site: site.pop(LIST),
        "sanctuary-list",
    ),
    Scene(
        "2025-10-31T10:10", "Ten minutes later it says so again, on a fresh connection.", dict.copy, "sanctuary-list"
    ),
    Scene(
        "2025-10-31T11:00",
        "The list is back, and one entry is not.",
        lambda site: site.update({LIST: pages.sanctuary_list(without={"Nevada"})}),
        "sanctuary-list",
    ),
)


@dataclass(slots=True)
class Clock:
    """The story's time."""

    now: datetime = field(default_factory=lambda: datetime(2017, 3, 20, tzinfo=ZONE))

    def __call__(self) -> datetime:
        """The time it is in the story."""
        return self.now


async def tell(*, pause: bool = True, folder: Path = FOLDER) -> int:
    """Tell the story; returns the exit code. Leaves its history in `folder` for looking around."""
    site: Pages = {}
    clock = Clock()
    with serving(site) as port:
        config = _prepared(folder, port)
        with opened(config) as store:
            async with running(config, store, clock=clock, given=True) as app:
                seen = [await _scene(app, clock, site, scene, pause=pause) for scene in SCENES]
    _ending(folder, sum(seen))
    return 0


async def _scene(app: App, clock: Clock, site: Pages, scene: Scene, *, pause: bool) -> int:
    clock.now = datetime.fromisoformat(scene.when).replace(tzinfo=ZONE)
    scene.change(site)
    if scene.what:
        _narrate(f"{clock.now:%A %d %B %Y, %-I:%M %p}", scene.what)
    found = 0

    def told(source: Source, checked: Checked) -> None:
        nonlocal found
        found += len(checked.changes)
        if checked.outcome == "suspect" or (checked.outcome == "first" and not checked.changes):
            sys.stdout.write(_outcome(source, checked) + "\n")

    await app.check([source for source in app.sources if scene.only in ("", source.name)], told)
    await app.deliver()
    if pause and sys.stdout.isatty():
        await asyncio.sleep(PAUSE)
    return found


def _outcome(source: Source, checked: Checked) -> str:
    if checked.outcome == "first":
        count = checked.state.records
        return f"  {source.name}: baseline" + (f", {count} {'entry' if count == 1 else 'entries'}" if count else "")
    return f"  {source.name}: suspect ({checked.error}); stored, waiting for a second look"


def _prepared(folder: Path, port: int) -> Config:
    """A fresh folder with the tour's configuration; only what an earlier tour left there is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("watcher.db", "watcher.db-wal", "watcher.db-shm"):
        (folder / name).unlink(missing_ok=True)
    path = folder / "config.toml"
    path.write_text(CONFIG.format(folder=folder, port=port), encoding="utf-8")
    return load(path)


def _narrate(when: str, what: str) -> None:
    from rich.console import Console
    from rich.rule import Rule

    console = Console(highlight=False, width=min(Console().width, 100))
    console.print()
    console.print(Rule(when, align="left", style="cyan"))
    console.print(what, style="italic")


def _ending(folder: Path, changes: int) -> None:
    from rich.console import Console

    console = Console(highlight=False, width=min(Console().width, 100))
    console.rule("What was stored", align="left", style="cyan")
    console.print(f"3 pages and 3 reports over eight years, {changes} changes, every version kept. Look around:\n")
    config = f"--config {folder}/config.toml"
    for command in (
        f"watcher history {config}",
        f"watcher diff declined-detainers/{FIRST.stem} {config}",
        f"watcher show sanctuary-list --at 2025-10-30 {config}",
        f"watcher history --place 'Nassau County, N.Y.' {config}",
    ):
        console.print(f"  {command}", style="bold")
    console.print("\nThen put your own pages into config.toml and run `watcher check`, or `watcher run` to keep at it.")
