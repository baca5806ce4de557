"""Run a program and measure it whole: wall time, processor time, memory of all its processes; print figures."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

SAMPLE_EACH = 0.02
NOWHERE = Path(os.devnull)
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
"""Without settings of this shell alone, such as PYTHONDONTWRITEBYTECODE, which lets every start compile everything."""


class Cost(NamedTuple):
    """Seconds of one run: on the wall, and of the processor (user and system, children included)."""

    wall: float
    cpu: float

    def __sub__(self, other: object) -> Cost:
        """This run without what `other`, the start alone, takes."""
        assert isinstance(other, Cost)
        return Cost(self.wall - other.wall, self.cpu - other.cpu)


class Figure(NamedTuple):
    """One figure: what it is, how it was measured, and what it must reach, or (`most`) stay below."""

    what: str
    measured: str
    value: float
    target: float | None = None
    most: bool = True

    def cells(self) -> tuple[str, ...]:
        """Its line in the table."""
        value = f"{self.value:,.2f}" if self.value < 100 else f"{self.value:,.0f}"
        if self.target is None:
            return (self.what, self.measured, value, "", "")
        sign = "<=" if self.most else ">="
        return (self.what, self.measured, value, f"{sign} {self.target:,g}", "ok" if self.met else "MISSED")

    @property
    def met(self) -> bool:
        """Whether the target, if there is one, is reached."""
        return self.target is None or (self.value <= self.target if self.most else self.value >= self.target)


def report(title: str, figures: Sequence[Figure]) -> int:
    """Print figures beside their targets as one aligned table; returns the exit code, 1 where one was missed."""
    lines = [(title, "measured", "value", "target", ""), *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    shown = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    print("\n".join([shown[0], "-" * max(map(len, shown)), *shown[1:]]), end="\n\n", flush=True)
    return int(not all(figure.met for figure in figures))


def run(command: Sequence[str | Path], output: Path = NOWHERE) -> Cost:
    """Run to the end, standard output to a file. Raises CalledProcessError unless it exits 0."""
    before, began = _children(), time.perf_counter()
    with output.open("wb") as out:
        subprocess.run(
            command, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL, check=True
        )
    return Cost(time.perf_counter() - began, _children() - before)


def _children() -> float:
    """Processor seconds of all children that ended so far, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def median(costs: Sequence[Cost]) -> Cost:
    """The middle of several runs, wall and processor each on its own."""
    return Cost(statistics.median(cost.wall for cost in costs), statistics.median(cost.cpu for cost in costs))


def peak_memory(command: Sequence[str | Path]) -> int:
    """The most memory in bytes that a program and all its children hold at one time.

    Proportional set size: a page of memory shared by several processes counts once (Linux, proc(5), smaps_rollup).
    """
    nowhere, peak = subprocess.DEVNULL, 0
    with subprocess.Popen(command, env=ENVIRONMENT, stdin=nowhere, stdout=nowhere, stderr=nowhere) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_proportional, _tree(process.pid))))
            time.sleep(SAMPLE_EACH)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return peak


def _tree(root: int) -> list[int]:
    """`root` and all processes below it."""
    below = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (stat := _read(entry / "stat")):
            below[int(stat.rpartition(")")[2].split()[1])].append(int(entry.name))
    found = [root]
    for process in found:
        found += below[process]
    return found


def _proportional(process: int) -> int:
    for line in _read(Path(f"/proc/{process}/smaps_rollup")).splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    """A file of /proc, or nothing where its process has just ended."""
    try:
        return path.read_text()
    except OSError:
        return ""
