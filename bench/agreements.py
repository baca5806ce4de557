"""What `watcher history` says of real issues of ICE's 287(g) spreadsheet, beside what pandas finds in them.

`.bench-venv/bin/python -m bench.agreements ISSUES` takes a folder of XLSX files named by their time; without an
argument, `real/ice-287g` in the folder that WATCHER_REAL_DATA names. It shares no code with watcher, which runs as a
program, with no options for its source. Exit 1 where the two differ in a row that was added, removed or changed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd  # type: ignore[import-untyped]

from bench.measure import run

WATCHER = Path(__file__).parent.parent / ".venv" / "bin" / "watcher"
CONFIG = """[watcher]
state = "state"

[[source]]
name = "agreements"
kind = "table"
url = "https://www.ice.gov/doclib/about/offices/ero/287g/participatingAgencies.xlsx"
"""
KEY = ["STATE", "LAW ENFORCEMENT AGENCY", "SUPPORT TYPE"]
KINDS = {"jurisdiction.listed": "added", "jurisdiction.delisted": "removed", "jurisdiction.changed": "changed"}
COUNTED = ("added", "removed", "changed")

Row = dict[str, str]


class Fact(NamedTuple):
    """One thing that differs: when an issue first showed it, what happened, to which row, in which column, from, to."""

    at: str
    what: str
    row: str
    column: str = ""
    old: str = ""
    new: str = ""


def text(cell: Any) -> str:
    """A cell as a reader sees it: dates without a time, an error as the one that these sheets have."""
    if isinstance(cell, pd.Timestamp):
        return str(cell.date())
    return " ".join(str(cell).split()) if not pd.isna(cell) else "#N/A"


def issue(path: Path) -> dict[str, Row]:
    """The rows of one issue by agency and support type; a second row with the same two ends in #2."""
    frame = pd.read_excel(path, keep_default_na=False)
    rows: dict[str, Row] = {}
    seen: Counter[str] = Counter()
    for values in frame.to_dict("records"):
        row = {str(name): text(cell) for name, cell in values.items()}
        key = " · ".join(row[name] for name in KEY)
        seen[key] += 1
        rows[key if seen[key] == 1 else f"{key}#{seen[key]}"] = row
    return rows


def expected(files: list[Path]) -> set[Fact]:
    """What pandas finds from issue to issue."""
    facts: set[Fact] = set()
    issues = [issue(path) for path in files]
    for path, before, after in zip(files[1:], issues, issues[1:], strict=False):
        at = time_of(path)
        facts |= {Fact(at, "added", key) for key in after.keys() - before.keys()}
        facts |= {Fact(at, "removed", key) for key in before.keys() - after.keys()}
        facts |= {
            Fact(at, "changed", key, name, before[key].get(name, ""), after[key].get(name, ""))
            for key in before.keys() & after.keys()
            for name in before[key] | after[key]
            if before[key].get(name) != after[key].get(name)
        }
    return facts


def time_of(path: Path) -> str:
    """2025-06-05T15-18-47Z.xlsx is of 2025-06-05T15:18:47Z."""
    day, _, clock = path.stem.partition("T")
    return f"{day}T{clock.replace('-', ':')}"


def found(folder: Path) -> tuple[set[Fact], Counter[str]]:
    """What watcher says of the rows, and its severities of what changed inside them."""
    with tempfile.TemporaryDirectory() as state:
        config, history = Path(state) / "config.toml", Path(state) / "history"
        config.write_text(CONFIG)
        run([WATCHER, "backfill", "agreements", "--from", folder, "--config", config])
        run([WATCHER, "history", "agreements", "--json", "--config", config], history)
        changes = [json.loads(line) for line in history.read_text().splitlines()]
    facts, severities = set(), Counter[str]()
    for change in changes:
        if not change["path"] or change["path"][0] != "records":
            continue
        what = KINDS.get(change["kind"], change["kind"])
        if what == "changed":
            _, key, column = change["path"]
            facts.add(Fact(change["at"], what, key, column, str(change["old"]), str(change["new"])))
            severities[f"{change['old']} → {change['new']}: {change['severity']}"] += 1
        else:
            facts.add(Fact(change["at"], what, change["path"][1]))
    return facts, severities


def main() -> int:
    """Compare and print; returns 1 unless both say the same of every row."""
    real = Path(os.environ.get("WATCHER_REAL_DATA", "")) / "real" / "ice-287g"
    folder = (Path(sys.argv[1]) if len(sys.argv) > 1 else real).resolve()
    files = sorted(folder.glob("*.xlsx"))
    true = expected(files)
    told, severities = found(folder)
    print("stored by watcher | found by pandas")
    print("issue".ljust(22), *(what.rjust(11) for what in COUNTED))
    for at in map(time_of, files[1:]):
        counts = [
            " | ".join(
                str(sum((fact.at, fact.what) == (at, what) for fact in facts)).rjust(3) for facts in (told, true)
            )
            for what in COUNTED
        ]
        print(at.ljust(22), *(count.rjust(11) for count in counts))
    for said, count in severities.most_common():
        print(f"{count:,} times {said}")
    for mark, facts in (("missing", true - told), ("not so ", told - true)):
        for fact in sorted(facts):
            print(mark, *fact)
    return int(told != true or not files)


if __name__ == "__main__":
    sys.exit(main())
