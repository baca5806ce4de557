"""Names as real lists print them; the folder that holds them is named by WATCHER_REAL_DATA."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from watcher.core import Subject
from watcher.places import mentions, resolve

FOLDER = os.environ.get("WATCHER_REAL_DATA", "")
pytestmark = pytest.mark.skipif(not FOLDER, reason="WATCHER_REAL_DATA names no folder")
KINDS = {"STATES": "state", "COUNTIES": "county", "CITIES": "city"}


def rows(name: str) -> list[dict[str, str]]:
    with (Path(FOLDER) / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def listed() -> list[Subject]:
    found = [resolve(row["name_as_listed"], kind=KINDS[row["section"]]) for row in rows("doj_list_2025-08-05.csv")]
    found += [
        resolve(row["county"], state=row["state"], kind="county")
        for name in ("ddor_issue1_section1.csv", "ddor_issue1_corrections.csv")
        for row in rows(name)
    ]
    found += [resolve(row["jurisdiction"], state=row["state"]) for row in rows("ddor_issue1_section3_names.csv")]
    found += [resolve(f"{r['jurisdiction']} ({r['aor']})") for r in rows("ddor_issue1_section3_sample.csv")]
    return found


def test_every_listed_name_is_known() -> None:
    found = listed()
    assert len(found) == 35 + 10 + 8 + 28 + 4
    assert [subject for subject in found if subject.id.startswith("place:")] == []
    assert all(subject.within for subject in found if subject.id.startswith("us-place:"))


def test_a_heading_changes_nothing_where_the_name_is_whole() -> None:
    for row in rows("doj_list_2025-08-05.csv"):
        assert resolve(row["name_as_listed"]) == resolve(row["name_as_listed"], kind=KINDS[row["section"]])


def test_the_article_names_its_counties_and_jails() -> None:
    found = mentions((Path(FOLDER) / "real" / "detainer-article.txt").read_text(encoding="utf-8"))
    assert [subject.name for subject in found] == [
        "Clark County, Nev.",
        "Nassau County, N.Y.",
        "Cook County, Ill.",
        "Montgomery County, Iowa",
        "Snohomish County, Wash.",
        "Franklin County, N.Y.",
        "Washington County, Ore.",
        "Alachua County, Fla.",
        "Franklin County, Iowa",
        "Franklin County, Pa.",
        "Los Angeles County, Calif.",
        "Los Angeles Police Department, Calif.",
        "Los Angeles County Sheriff's Department, Calif.",
        "Twin Towers Correctional Facility, Calif.",
        "Santa Rita Jail, Calif.",
        "Alameda County, Calif.",
        "Madera County Department of Corrections, Calif.",
        "Anaheim City Jail, Calif.",
        "Orange County, Calif.",
        "Sacramento County Jail, Calif.",
        "Santa Barbara County Jail, Calif.",
        "Santa Clara County Main Jail, Calif.",
        "Los Angeles, Calif.",
        "Arizona",
        "Texas",
        "Colorado",
    ]
