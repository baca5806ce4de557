"""Notices of changes are told from other lines."""

from __future__ import annotations

import time

import pytest

from watcher.sources.notes import find_notes, is_note


@pytest.mark.parametrize(
    "line",
    [
        "7:15 a.m.: This article was updated with the county's reply.",
        "March 3, 2025, 7:15 p.m.: This story has been updated to add a vote count.",
        "This story was originally published at 6 a.m.",
        "Originally published March 2.",
        "This page was last updated on Monday.",
        "Correction: The vote was 4 to 1.",
        "CORRECTION (May 7): The vote was 4 to 1.",
        "Correction, May 7, 2025: The vote was 4 to 1.",
        "Clarification: The rule covers one jail.",
        "Editor's note: The board met again on Friday.",
        "Editor’s Note — the board met again.",
        "For the record: The vote was on Tuesday.",
        "UPDATE: The board has voted.",
        "Updated at 9:50 p.m.",
        "Updated May 7, 2025",
        "An earlier version of this article gave the wrong day.",
        "Because of an editing error, a previous version of this news story misstated the count.",
        "(This article has been corrected.)",
    ],
)
def test_notices(line: str) -> None:
    assert is_note(line)


@pytest.mark.parametrize(
    "line",
    [
        "Corrections officers said that the jail is full.",
        "Update your address with the clerk before June.",
        "The report was first published in 2015 by the agency.",
        "This report names three counties that were added.",
        "For the record year of 2019, the county counted 51 holds.",
        "The board updated its policy at 9 p.m.",
        "An earlier version of the bill would have closed the jail.",
        "Correction",
        "",
    ],
)
def test_other_lines(line: str) -> None:
    assert not is_note(line)


def test_a_label_is_told_with_the_line_below_it() -> None:
    notes = find_notes(["Text.", "For the Record", "The vote was on Tuesday.", "More text."], set())
    assert notes.texts == ("For the Record: The vote was on Tuesday.",)
    assert notes.lines == {"For the Record", "The vote was on Tuesday."}


def test_a_label_above_notices_adds_nothing_to_them() -> None:
    notes = find_notes(["UPDATES:", "7:15 a.m.: This article was updated.", "Text."], set())
    assert notes.texts == ("7:15 a.m.: This article was updated.",)
    assert notes.lines == {"UPDATES:", "7:15 a.m.: This article was updated."}


def test_each_once_and_no_links() -> None:
    lines = ["Correction: A.", "Corrections", "Privacy", "Correction: A.", "Update: teaser of another article"]
    assert find_notes(lines, {"Corrections", "Update: teaser of another article"}).texts == ("Correction: A.",)


def test_a_hostile_line_is_read_in_bounded_time() -> None:
    lines = ["updated " * 250, "correction " + "1" * 1_900, "9:00 am" + " " * 1_900, "a" * 10_000_000, "(" * 2_000]
    start = time.process_time()
    assert not any(is_note(line) for line in lines[1:])
    assert time.process_time() - start < 1
