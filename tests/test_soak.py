"""Longer runs, left out of `make test`: processes killed at random moments lose nothing and store nothing twice."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.rig import desk_config, source
from tests.site import Reply, Site
from watcher.config import load
from watcher.store import Store, changes, outbox, snapshots


def table(rows: int) -> Reply:
    lines = "".join(f"<tr><td>row {number}</td><td>{number * 7}</td></tr>" for number in range(rows))
    page = f"<title>Rows</title><table><tr><th>Name</th><th>Figure</th></tr>{lines}</table>"
    return Reply(page, headers={"content-type": "text/html"})


def command(path: Path) -> list[str]:
    return [sys.executable, "-m", "watcher", "check", "--all", "--json", "--config", str(path)]


@pytest.mark.soak
def test_kills_at_random_moments_lose_nothing(tmp_path: Path, site: Site) -> None:
    seed = int(os.environ.get("WATCHER_SEED", str(time.time_ns() % 1_000_000)))
    until = time.monotonic() + float(os.environ.get("WATCHER_SOAK_SECONDS", "60"))
    chance, rows, kills = random.Random(seed), 10, 0
    path = tmp_path / "config.toml"
    path.write_text(desk_config(site, source(site)), encoding="utf-8")
    site.pages["/list"] = table(rows)
    subprocess.run(command(path), check=True, capture_output=True)
    while time.monotonic() < until:
        rows += 1
        site.pages["/list"] = table(rows)
        with subprocess.Popen(command(path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                process.wait(chance.uniform(0.2, 1.5))
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
        subprocess.run(command(path), check=False, capture_output=True)
    with Store.open(load(path).database_url) as store:
        found = store.read_sync(lambda conn: list(changes.history(conn, kinds=("record.*",))))
        assert Counter(change.subject.name for change in found) == Counter(f"row {n}" for n in range(10, rows)), seed
        assert store.read_sync(snapshots.first_bad, "list") is None
        states = {state for _, state in store.read_sync(outbox.counts)}
    assert states <= {"sent", "sending"}, seed
    sys.stdout.write(f"{kills} kills, {rows - 10} changes, seed {seed}\n")
