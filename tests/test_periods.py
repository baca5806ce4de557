"""Periods as reports name them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.periods import Period, period


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("ddor2017_01-28to02-03", "2017-01-28", "2017-02-03"),
        ("ddor2017_02-04to02-10.pdf", "2017-02-04", "2017-02-10"),
        ("Declined Detainer Outcome Report, Jan. 28 – Feb. 3, 2017", "2017-01-28", "2017-02-03"),
        ("January 28 - February 3, 2017", "2017-01-28", "2017-02-03"),
        ("Recorded between January 28 and February 3, 2017", "2017-01-28", "2017-02-03"),
        ("Feb 4 Feb 10, 2017", "2017-02-04", "2017-02-10"),
        ("Issued between January 28, 2017, and February 3, 2017", "2017-01-28", "2017-02-03"),
        ("Feb. 4-10, 2017", "2017-02-04", "2017-02-10"),
        ("Dec. 30–Jan. 5, 2018", "2017-12-30", "2018-01-05"),
        ("December 30, 2017 to January 5, 2018", "2017-12-30", "2018-01-05"),
        ("2017_12-30to01-05", "2017-12-30", "2018-01-05"),
        ("participatingAgencies06052025pm.xlsx", "2025-06-05", "2025-06-05"),
        ("list-2025-06-05", "2025-06-05", "2025-06-05"),
        ("list_20250605", "2025-06-05", "2025-06-05"),
        ("Report of March 20, 2017", "2017-03-20", "2017-03-20"),
        ("Detention statistics, February 2024", "2024-02-01", "2024-02-29"),
        ("Sept. 2, 2017", "2017-09-02", "2017-09-02"),
    ],
)
def test_a_period_is_read(text: str, start: str, end: str) -> None:
    assert period(text) == Period(date.fromisoformat(start), date.fromisoformat(end))


@pytest.mark.parametrize(
    "text", ["", "Report", "2017", "99999999", "2017-13-41", "Feb 31, 2017", "Mayor 5, 2017", "1234567890123"]
)
def test_no_period_is_made_up(text: str) -> None:
    assert period(text) is None


def test_the_first_text_that_names_one_decides() -> None:
    assert period("Weekly report", "ddor2017_01-28to02-03", "March 1, 2020") == Period(
        date(2017, 1, 28), date(2017, 2, 3)
    )


@given(st.dates(date(1990, 1, 1), date(2099, 1, 1)), st.integers(0, 200))
def test_its_name_is_read_back(start: date, days: int) -> None:
    there = Period(start, start + timedelta(days=days))
    assert period(there.name) == there


@given(st.text(max_size=300))
def test_any_text_ends(text: str) -> None:
    found = period(text)
    assert found is None or found.start <= found.end
