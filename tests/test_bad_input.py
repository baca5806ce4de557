"""Hostile and broken pages through the real command line and its children: each ends clearly, the rest goes on."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import msgspec

from tests.rig import COUNTIES, Rig, at, minutes, page, source, table, without
from tests.site import Reply
from watcher.store import snapshots

BASE = table([*COUNTIES, ("Doña Ana County", "N.M.", "15")])
NESTED = "expected a page of elements nested at most 2,000 deep, found a greater depth"
LOST = "6 of 6 records vanished"
NO_TABLE = "expected a page with a table, found none"
BAD: dict[str, tuple[Reply, str, str]] = {
    "tags-left-open": (Reply(BASE.replace("</td>", "").replace("</tr>", "").split("</table>")[0]), "", ""),
    "comment-left-open": (Reply(BASE.replace("<table>", "</p></div><<<!-- <b><i <table>")), LOST, NO_TABLE),
    "other-charset-in-header": (Reply(BASE, headers={"Content-Type": "text/html; charset=utf-16"}), "", ""),
    "no-such-charset": (Reply(BASE, headers={"Content-Type": "text/html; charset=klingon"}), "", ""),
    "latin-bytes": (Reply(BASE.encode("latin-1")), "", ""),
    "nul-bytes": (Reply(BASE.encode().replace(b"<td>", b"<td>\0")), "", ""),
    "long-attribute": (Reply(BASE.replace("<table>", f'<p title="{"x" * 10_000_000}"></p><table>')), "", ""),
    "deep-nesting": (Reply(page("<div>" * 100_000, BASE)), NESTED, NESTED),
    "deep-table": (Reply(page("<table><tr><td>" * 100_000)), NESTED, NESTED),
    "no-rows": (Reply(table([])), LOST, ""),
    "no-cells": (Reply(page("<table></table>")), LOST, "expected a table with rows, found a table without any"),
    "no-html": (Reply(bytes(range(256)) * 400, headers={"Content-Type": "text/html"}), LOST, NO_TABLE),
}
"""A page, what is said of it where the list was known before, and where it is the first that was ever seen."""


def check(rig: Rig) -> dict[str, dict[str, Any]]:
    """Check all in a process of its own; gives each end by its source."""
    command = [sys.executable, "-m", "watcher", "check", "--all", "--json", "--config", str(rig.path)]
    ran = subprocess.run([*command, "--now", at(rig.now)], capture_output=True, check=False, timeout=120)
    assert b"Traceback" not in ran.stderr
    ends = {line["source"]: line for line in map(msgspec.json.decode, ran.stdout.splitlines())}
    assert ran.returncode == int(any(end["outcome"] == "failed" for end in ends.values()))
    return ends


def test_bad_pages_end_clearly_and_stop_nothing(rig: Rig) -> None:
    known = [f"known-{name}" for name in BAD]
    rig.watch(*(source(rig.site, name) for name in [*known, *(f"new-{name}" for name in BAD), "good"]))
    rig.site.pages |= {f"/{name}": BASE for name in [*known, "good"]}
    rig.check_all(*known, "good")
    rig.site.pages |= {f"/{kind}-{name}": answer for name, (answer, _, _) in BAD.items() for kind in ("known", "new")}
    rig.site.pages["/good"] = table([*without("Cook"), ("Doña Ana County", "N.M.", "15")])
    rig.now += minutes(30)
    ends = check(rig)
    assert [change["subject"]["name"] for change in ends.pop("good")["changes"]] == ["Cook County, Ill."]
    assert {name: (end["outcome"], end["error"], end["changes"]) for name, end in ends.items()} == {
        **{
            f"known-{name}": ("suspect" if said else "unchanged", said or None, [])
            for name, (_, said, _) in BAD.items()
        },
        **{f"new-{name}": ("failed" if said else "first", said or None, []) for name, (_, _, said) in BAD.items()},
    }
    assert rig.kinds(*known) == []
    assert all(rig.store.read_sync(snapshots.first_bad, name) is None for name in ends)
    rig.site.pages |= {f"/{name}": BASE for name in known}
    rig.now += minutes(30)
    assert {checked.outcome for checked in rig.check_all(*known).values()} == {"unchanged"}
    assert rig.kinds(*known) == []


def test_letters_come_through_whatever_the_charset_is_called(rig: Rig) -> None:
    rig.watch(*(source(rig.site, name) for name in ("header", "meta", "latin")))
    rig.site.pages["/header"] = Reply(BASE, headers={"Content-Type": "text/html; charset=utf-8"})
    rig.site.pages["/meta"] = Reply(BASE)
    rig.site.pages["/latin"] = Reply(
        BASE.replace("utf-8", "iso-8859-1").encode("latin-1"), headers={"Content-Type": "text/html"}
    )
    rig.check_all()
    rig.site.pages |= {f"/{name}": table() for name in ("header", "meta", "latin")}
    rig.now += minutes(30)
    found = [change for checked in rig.check_all().values() for change in checked.changes]
    assert [(change.subject.id, change.old["County"]) for change in found] == [
        ("us-county:35013", "Doña Ana County")
    ] * 3
