"""What a stored revision takes: 32 revisions of one page, a row changed and all tokens new in each.

`python -m bench.stored_bytes` takes them in with `watcher backfill` and counts the bytes in the database.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measure import Figure, report, run
from bench.site import ROWS, page, row

REVISIONS = 32
START = datetime(2026, 1, 1, tzinfo=UTC)
CONFIG = """[watcher]
state = "state"

[[source]]
name = "forms"
kind = "table"
url = "https://example.org/forms"
"""


def write_captures(folder: Path) -> int:
    """Write the revisions as captures, one a day; returns their bytes."""
    folder.mkdir()
    rows = [row(number) for number in range(3 * ROWS)]
    total = 0
    for revision in range(REVISIONS):
        rows[ROWS // 2 + revision] = row(ROWS // 2 + revision, 1)
        body = page(0, 0, revision, rows)
        name = (START + timedelta(days=revision)).strftime("%Y-%m-%dT%H-%M-%SZ.html")
        total += (folder / name).write_bytes(body)
    return total


def main() -> int:
    """Measure and print; returns 1 where a target is missed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config, captures = folder / "config.toml", folder / "captures"
        config.write_text(CONFIG)
        raw = write_captures(captures)
        watcher = Path(sys.executable).parent / "watcher"
        run([watcher, "backfill", "forms", "--from", captures, "--config", config])
        database = folder / "state" / "watcher.db"
        with closing(sqlite3.connect(database)) as conn:
            count, bodies = conn.execute("SELECT count(*), sum(length(data)) FROM body").fetchone()
            conn.execute("VACUUM")
            conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert count == REVISIONS, f"expected {REVISIONS} stored revisions, found {count}"
        whole = database.stat().st_size
    of = f"of {raw / REVISIONS:,.0f} raw"
    return report(
        f"{REVISIONS} revisions",
        [
            Figure("bytes of bodies a revision", of, bodies / REVISIONS, 1_200),
            Figure("bytes of the whole database a revision", of, whole / REVISIONS, 4_000),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
