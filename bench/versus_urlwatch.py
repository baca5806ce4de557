"""watcher beside urlwatch and a bare loop, on the same 1,000 pages, taking turns: `python -m bench.versus_urlwatch`.

Ratios of medians within one run, so that they hold on any machine. "Start aside" subtracts what the same program takes
for one single page. urlwatch runs as it comes: its own storage, its own number of workers, pages taken as they are.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from bench.measure import Cost, Figure, median, peak_memory, report, run
from bench.site import CHANGES_ONE_IN, PAGES, Site, running

BIN = Path(sys.executable).parent
URLWATCH = Path(__file__).resolve().parent.parent / ".bench-venv" / "bin" / "urlwatch"
CHANGED = PAGES // CHANGES_ONE_IN

Command = list[str | Path]

CONFIG = """[watcher]
state = "state"

[fetch]
per_host_per_minute = 0
per_host = 50
allow_private = ["{address}"]
"""
SOURCE = """
[[source]]
name = "p{number}"
kind = "table"
url = "{url}"
"""


def watcher(folder: Path, site: Site, count: int) -> Command:
    """A set-up of `count` sources in `folder`; returns the command that checks them."""
    sources = "".join(SOURCE.format(number=number, url=site.url(number)) for number in range(count))
    folder.mkdir()
    config = folder / "config.toml"
    config.write_text(CONFIG.format(address=site.address) + sources)
    return [BIN / "watcher", "check", "--all", "--json", "--config", config]


def urlwatch(folder: Path, site: Site, count: int) -> Command:
    """The same for urlwatch."""
    folder.mkdir()
    urls, config, hooks = folder / "urls.yaml", folder / "urlwatch.yaml", folder / "hooks.py"
    urls.write_text("\n---\n".join(f"name: p{number}\nurl: {site.url(number)}" for number in range(count)))
    config.write_text("{}\n")
    hooks.write_text("")
    return [URLWATCH, "--urls", urls, "--config", config, "--hooks", hooks, "--cache", folder / "cache.db"]


class Programs:
    """What is run, each program set up twice: for all pages, and for one, which is its start."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.output = folder / "output"
        self.loop: Command = [sys.executable, "-m", "bench.bare_loop", site.url(0)[:-1], str(PAGES)]
        self.watcher, self.watcher_start = (watcher(folder / f"watcher-{n}", site, n) for n in (PAGES, 1))
        self.urlwatch, self.urlwatch_start = (urlwatch(folder / f"urlwatch-{n}", site, n) for n in (PAGES, 1))
        for command in (self.watcher, self.watcher_start, self.urlwatch, self.urlwatch_start):
            run(command)

    def watch(self, command: Command, **expected: int) -> Cost:
        """Run watcher, and make sure that it saw what there was to see."""
        cost = run(command, self.output)
        found = Counter(json.loads(line)["outcome"] for line in self.output.read_text().splitlines())
        assert found == expected, f"expected {expected}, found {dict(found)}"
        return cost

    def bare_loop(self) -> tuple[Cost, Cost]:
        """The bare loop as a whole process, and without its start, as it measured itself."""
        whole = run(self.loop, self.output)
        wall, cpu = map(float, self.output.read_text().split())
        return whole, Cost(wall, cpu)


def measure(programs: Programs, site: Site, rounds: int) -> dict[str, Cost]:
    """Medians by name: unchanged and changed passes in turn; then other tokens, in which urlwatch has no part."""
    costs: defaultdict[str, list[Cost]] = defaultdict(list)
    for _ in range(rounds):
        costs["watcher"].append(programs.watch(programs.watcher, unchanged=PAGES))
        costs["urlwatch"].append(run(programs.urlwatch))
        whole, alone = programs.bare_loop()
        costs["loop"].append(whole)
        costs["loop alone"].append(alone)
        costs["watcher start"].append(programs.watch(programs.watcher_start, unchanged=1))
        costs["urlwatch start"].append(run(programs.urlwatch_start))
        site.turn("changed")
        costs["watcher changed"].append(programs.watch(programs.watcher, changed=CHANGED, unchanged=PAGES - CHANGED))
        costs["urlwatch changed"].append(run(programs.urlwatch))
        programs.watch(programs.watcher_start, changed=1)
        run(programs.urlwatch_start)
    for _ in range(rounds):
        costs["watcher before"].append(programs.watch(programs.watcher, unchanged=PAGES))
        site.turn("tokens")
        costs["watcher tokens"].append(programs.watch(programs.watcher, unchanged=PAGES))
    return {name: median(some) for name, some in costs.items()}


def figures(cost: dict[str, Cost], memory: tuple[int, int]) -> list[Figure]:
    """The ratios, each with its target."""
    start, other_start = cost["watcher start"], cost["urlwatch start"]
    alone, other_alone = cost["watcher"] - start, cost["urlwatch"] - other_start
    wall, cpu, megabytes = "{:.2f} s / {:.2f} s", "{:.2f} s / {:.2f} s CPU", "{:.0f} MB / {:.0f} MB"

    def ratio(what: str, form: str, one: float, other: float, target: float | None = None, *, most: bool) -> Figure:
        return Figure(what, form.format(one, other), one / other, target, most)

    return [
        ratio("unchanged pass: urlwatch / watcher", wall, cost["urlwatch"].wall, cost["watcher"].wall, 2.5, most=False),
        ratio("unchanged pass, start aside: urlwatch / watcher", wall, other_alone.wall, alone.wall, 3.75, most=False),
        ratio("the same: watcher / bare loop", cpu, alone.cpu, cost["loop alone"].cpu, 1.5, most=True),
        ratio("whole processes: watcher / bare loop", cpu, cost["watcher"].cpu, cost["loop"].cpu, most=True),
        ratio("one unchanged page: watcher / urlwatch", cpu, start.cpu, other_start.cpu, 2.2, most=True),
        ratio(
            "tenth changed: urlwatch / watcher",
            wall, cost["urlwatch changed"].wall, cost["watcher changed"].wall, 3, most=False,
        ),
        ratio(
            "the same, start aside",
            wall, (cost["urlwatch changed"] - other_start).wall, (cost["watcher changed"] - start).wall, most=False,
        ),
        ratio(
            "other tokens / unchanged, both watcher",
            wall, cost["watcher tokens"].wall, cost["watcher before"].wall, 2, most=True,
        ),
        ratio("peak memory: watcher / urlwatch", megabytes, memory[0] / 1e6, memory[1] / 1e6, 0.5, most=True),
    ]  # fmt: skip


def main() -> int:
    """Measure and print; returns 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="Passes of each kind; medians are taken (default: 3).")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, running() as site:
        programs = Programs(Path(folder), site)
        memory = peak_memory(programs.watcher), peak_memory(programs.urlwatch)
        return report(f"{PAGES:,} pages", figures(measure(programs, site, rounds), memory))


if __name__ == "__main__":
    sys.exit(main())
