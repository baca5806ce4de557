"""Replaying: 50,000 stored changes as they were told, and a page's captures under another configuration.

`python -m bench.replay [CAPTURES]` takes a folder or tar of captures of one page that holds `table#dd_table`; else the
archive in the folder that WATCHER_REAL_DATA names; else it makes captures of its own. Exit 1 where a target is missed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.forms import ARCHIVE, Reader, captures
from bench.measure import Figure, peak_memory, report, run
from bench.site import ROWS, page, row
from watcher.core import Change, Line, Sent, Subject
from watcher.drafts import Draft, change
from watcher.outbox import plan
from watcher.render import as_text
from watcher.route import Rule, route
from watcher.store import Connection, Store, changes, outbox, snapshots

CHECKS, EACH = 10_000, 5
"""Checks that found something, and changes that each of them found."""
QUIET_ONE_IN = 10
REVISIONS = 1_463
CHANGED_ONE_IN = 40
"""Of the captures that are made here, as many differ in a row from the one before; in the others, only tokens do."""
START = datetime(2021, 1, 1, tzinfo=UTC)
COLUMN = {"dd_table": "OPR", "forms": "Office"}
"""The column that the other configuration ignores, by the table's id."""
BEST_OF = 3
CPU_A_CAPTURE = 20
"""Milliseconds; two processors to themselves then read 100 captures a second."""
WATCHER = Path(sys.executable).parent / "watcher"
CONFIG = """[watcher]
state = "state"

[[source]]
name = "forms"
kind = "table"
url = "https://www.esd.whs.mil/Directives/forms/dd2000_2499/"
"""


# ---------------------------------------------------------------- as it was told


def found(check: int) -> tuple[Change, ...]:
    """What one check found: five rows that came; every tenth check told nobody."""
    at, about = START + timedelta(minutes=10 * check), f"F-{check}"
    drafts = [
        Draft(
            "record.added",
            Subject(f"record:{about}-{number}", f"{about}-{number}"),
            ("records", f"{about}-{number}"),
            None,
            {"Number": f"{about}-{number}", "Title": f"Notice {number * 7919} of {check}", "Office": "Records"},
        )
        for number in range(EACH)
    ]
    ids = f"{check:016x}", f"{check + 1:016x}"
    return tuple(change(one, "forms", at=at, last_seen=at, before=ids[0], snapshot=ids[1]) for one in drafts)


def fill(conn: Connection) -> list[str]:
    """Store all checks with the messages that were sent of them; returns the messages' texts, in order."""
    rules = (Rule(to="console", name="route[0]"),)
    texts = []

    def measure(lines: tuple[Line, ...]) -> int:
        return len(as_text(lines))

    for check in range(CHECKS):
        of_check = found(check)
        changes.put_changes(conn, of_check)
        if check % QUIET_ONE_IN == 0:
            continue
        at = of_check[0].at
        for alert, group in route(of_check, rules, at=at):
            rows = plan(alert, group, pages={}, stored="watcher show", zone=UTC, limit=4096, measure=measure, now=at)
            outbox.put_alert(conn, alert, rows)
            for one in rows:
                outbox.record(conn, one, Sent(), at)
                texts.append(as_text(one.lines))
    return texts


def as_told(folder: Path) -> list[Figure]:
    """Replay 50,000 changes twice."""
    config, outputs = folder / "config.toml", [folder / "once", folder / "twice"]
    config.write_text(CONFIG)
    with Store.open(folder / "state" / "watcher.db") as store:
        texts = store.run_sync(fill)
    command: list[str | Path] = [WATCHER, "replay", "--config", config]
    seconds = min(run(command, output).wall for output in outputs)
    once, twice = (output.read_text() for output in outputs)
    assert once == twice, "two replays differ"
    place = 0
    for text in texts:
        place = once.index(text, place) + len(text)
    count = CHECKS * EACH
    return [
        Figure(
            "changes replayed a second",
            f"{count:,} in {seconds:.1f} s, twice the same",
            count / seconds,
            5_000,
            most=False,
        ),
        Figure("MiB at most, all processes", "proportional set size", peak_memory(command) / 2**20, 150),
    ]


# ---------------------------------------------------------------- under another configuration


def make(folder: Path) -> None:
    """Write captures of a page: some differ in a row's office, some in its edition, most in tokens alone."""
    folder.mkdir()
    rows = [row(number) for number in range(3 * ROWS)]
    for number in range(REVISIONS):
        if number % CHANGED_ONE_IN == 0:
            rows[number % ROWS] = row(number % ROWS, number)
        if number % CHANGED_ONE_IN == CHANGED_ONE_IN // 2:
            rows[number % ROWS] = row(number % ROWS).replace("</td></tr>", f" {number}</td></tr>")
        name = (START + timedelta(days=number)).strftime("%Y-%m-%dT%H-%M-%SZ.html")
        (folder / name).write_bytes(page(0, 0, number, rows))


Fact = tuple[str, str]
"""When a capture first showed it, and the row's key."""


def expected(path: Path, table: str) -> tuple[set[Fact], int]:
    """Where a cell of the column differs from the one before, by a reader that shares no code with watcher."""
    facts: set[Fact] = set()
    before: dict[str, str] = {}
    count = 0
    for name, body in captures(path):
        count += 1
        reader = Reader(table)
        reader.feed(body.decode())
        header, *rows = [[" ".join(cell.split()) for cell in cells] for cells in reader.rows] or [[]]
        if not rows:
            continue
        place = header.index(COLUMN[table])
        cells = {key[0]: key[place] for key in rows}
        day, _, clock = name.partition(".")[0].partition("T")
        at = f"{day}T{clock.replace('-', ':')}"
        facts |= {(at, key) for key, cell in cells.items() if before.get(key, cell) != cell}
        before = cells
    return facts, count


def otherwise(folder: Path, path: Path, table: str) -> list[Figure]:
    """Take the captures in, and replay them with a column ignored."""
    config, new, output = folder / "config.toml", folder / "new.toml", folder / "compared"
    config.write_text(CONFIG)
    new.write_text(f'{CONFIG}ignore = ["{COLUMN[table]}"]\n')
    run([WATCHER, "backfill", "forms", "--from", path, "--config", config])
    for name in ("once", "twice"):
        run([WATCHER, "replay", "--json", "--config", config], folder / name)
    assert (folder / "once").read_bytes() == (folder / "twice").read_bytes(), "two replays differ"
    command: list[str | Path] = [WATCHER, "replay", "--config", config, "--config-new", new, "--json"]
    costs = [run(command, output) for _ in range(BEST_OF)]
    seconds, spent = min(cost.wall for cost in costs), min(cost.cpu for cost in costs)
    compared = [json.loads(line) for line in output.read_text().splitlines()]
    lost = {(one["at"], one["change"]["path"][1]) for one in compared if one["alert"] == "lost"}
    others = [one for one in compared if one["alert"] == "lost" and one["change"]["path"][2:] != [COLUMN[table]]]
    true, count = expected(path, table)
    wrong = len(lost ^ true) + len(others) + sum(one["alert"] == "gained" for one in compared)
    return [
        Figure("captures read again a second", f"{count:,} in {seconds:.1f} s", count / seconds),
        Figure("processor ms a capture", "all processes", spent / count * 1000, CPU_A_CAPTURE),
        Figure("MiB at most, all processes", "proportional set size", peak_memory(command) / 2**20, 300),
        Figure("alerts wrongly lost, kept or gained", f"{len(lost):,} lost, {len(true):,} counted", wrong, 0),
        *revisions(folder / "state" / "watcher.db"),
    ]


def revisions(database: Path) -> list[Figure]:
    """Read every stored revision."""

    def worst(conn: Connection) -> tuple[int, float, float]:
        spent = []
        for one in snapshots.snapshots(conn, "forms"):
            tries = []
            for _ in range(BEST_OF):
                began = time.perf_counter()
                snapshots.body(conn, one.id)
                tries.append(time.perf_counter() - began)
            spent.append(min(tries))
        return len(spent), max(spent), sum(spent) / len(spent)

    with Store.open(database) as store:
        count, most, mean = store.read_sync(worst)
    return [Figure("one revision read, ms at most", f"of {count:,}; mean {mean * 1000:.2f} ms", most * 1000, 2)]


def main(given: str = "") -> int:
    """Measure and print; returns 1 where a target is missed."""
    real = Path(given or os.environ.get("WATCHER_REAL_DATA") or os.devnull)
    archives = [place for place in (real, real / ARCHIVE, real / "real" / ARCHIVE) if place.suffix == ".xz" or given]
    path = next((place.resolve() for place in archives if place.exists()), None)
    with tempfile.TemporaryDirectory() as name:
        missed = report(f"{CHECKS * EACH:,} changes as they were told", as_told(_made(Path(name) / "told")))
        table = "dd_table" if path else "forms"
        if path is None:
            path = Path(name) / "captures"
            make(path)
        title = f"a page's captures, with {COLUMN[table]} ignored"
        return max(missed, report(title, otherwise(_made(Path(name) / "again"), path, table)))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
