"""Precision and recall of the table's changes on real captures, beside a reader that shares no code with watcher.

`python -m bench.forms CAPTURES` takes a folder or tar of captures of one page that holds `table#dd_table` (without an
argument: the file that WATCHER_REAL_DATA names, or holds). Exit 1 unless both are 1.
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from bench.measure import Figure, report, run

ARCHIVE = "dod-forms-2000-2499.tar.xz"
TABLE = "dd_table"
CONFIG = """[watcher]
state = "state"

[[source]]
name = "forms"
kind = "table"
url = "https://www.esd.whs.mil/Directives/forms/dd2000_2499/"
"""

Fact = tuple[str, str, str]
"""When a capture first showed it, added, removed or changed, and the row's key."""


class Reader(HTMLParser):
    """The texts of the table's cells, row by row."""

    def __init__(self, table: str = TABLE) -> None:
        super().__init__(convert_charrefs=True)
        self.table = table
        self.inside = False
        self.cell = False
        self.rows: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter the table, a row or a cell; a line break parts words."""
        if tag == "table":
            self.inside = dict(attrs).get("id") == self.table
        elif self.inside and tag == "tr":
            self.rows.append([])
        elif self.inside and tag in {"td", "th"}:
            self.rows[-1].append("")
            self.cell = True
        elif self.cell and tag in {"br", "p", "div", "li"}:
            self.rows[-1][-1] += " "

    def handle_endtag(self, tag: str) -> None:
        """Leave them."""
        if tag == "table":
            self.inside = self.cell = False
        elif tag in {"td", "th"}:
            self.cell = False

    def handle_data(self, data: str) -> None:
        """Collect the text of a cell."""
        if self.cell:
            self.rows[-1][-1] += data


def captures(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and bytes, oldest first."""
    if path.is_dir():
        yield from ((file.name, file.read_bytes()) for file in sorted(path.iterdir()))
        return
    with tarfile.open(path) as archive:
        for member in sorted(archive.getmembers(), key=lambda member: member.name):
            if file := archive.extractfile(member):
                yield Path(member.name).name, file.read()


def table(body: bytes) -> dict[str, list[str]]:
    """The rows below the header by their first cell; the second of two equal first cells ends in #2."""
    reader = Reader()
    reader.feed(body.decode())
    rows: dict[str, list[str]] = {}
    for cells in ([" ".join(cell.split()) for cell in row] for row in reader.rows[1:]):
        key, count = cells[0], 1
        while key in rows:
            count += 1
            key = f"{cells[0]}#{count}"
        rows[key] = cells
    return rows


def expected(path: Path) -> tuple[set[Fact], int]:
    """What really changed from capture to capture, and how many captures there are."""
    facts: set[Fact] = set()
    before: dict[str, list[str]] = {}
    files = list(captures(path))
    for name, body in files:
        day, _, clock = name.partition(".")[0].partition("T")
        at, after = f"{day}T{clock.replace('-', ':')}", table(body)
        if not after:
            continue  # one capture is empty: it says nothing of the rows
        if before:
            facts |= {(at, "added", key) for key in after.keys() - before.keys()}
            facts |= {(at, "removed", key) for key in before.keys() - after.keys()}
            facts |= {(at, "changed", key) for key in after.keys() & before.keys() if after[key] != before[key]}
        before = after
    return facts, len(files)


def found(path: Path) -> set[Fact]:
    """What watcher says, with no options but the kind."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.toml"
        config.write_text(CONFIG)
        watcher, history = Path(sys.executable).parent / "watcher", Path(folder) / "history"
        run([watcher, "backfill", "forms", "--from", path, "--config", config])
        run([watcher, "history", "forms", "--json", "--config", config], history)
        lines = history.read_text().splitlines()
    changes = [json.loads(line) for line in lines]
    return {
        (change["at"], change["kind"].removeprefix("record."), change["path"][1])
        for change in changes
        if change["kind"].startswith("record.")
    }


def main() -> int:
    """Compare and print; returns 1 unless every fact was found and nothing else."""
    real = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("WATCHER_REAL_DATA", ""))
    path = (real / ARCHIVE if (real / ARCHIVE).exists() else real).resolve()
    true, count = expected(path)
    told = found(path)
    for mark, facts in (("missing", true - told), ("not so ", told - true)):
        for fact in sorted(facts):
            print(mark, *fact)
    days = len({at for at, _, _ in true})
    right = f"{len(true & told):,} of"
    return report(
        f"{count:,} captures, changes in {days}",
        [
            Figure("precision", f"{right} {len(told):,}", len(true & told) / max(len(told), 1), 1, most=False),
            Figure("recall", f"{right} {len(true):,}", len(true & told) / max(len(true), 1), 1, most=False),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
