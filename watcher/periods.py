"""The span of days that a report is about, read from its title or its file's name. Pure; below the adapters.

"Jan. 28 – Feb. 3, 2017", "Feb 4 Feb 10, 2017" and "ddor2017_01-28to02-03" are such spans; by them the issues of a
series are put in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from watcher.core import Subject

AP_MONTHS = ("Jan.", "Feb.", "March", "April", "May", "June", "July", "Aug.", "Sept.", "Oct.", "Nov.", "Dec.")
"""Months as AP writes them with a day."""
_NUMBERS = {name[:3].casefold(): number for number, name in enumerate(AP_MONTHS, start=1)}
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_DAY, _YEAR = r"(\d{1,2})(?:st|nd|rd|th)?", r"((?:19|20)\d\d)"
_TO = r"\s{0,3}(?:-|–|—|to|through|and|\s)\s{0,3}"
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), groups)
    for pattern, groups in (
        # The groups: first year, month, day; last year, month, day. None: as in the other date.
        (rf"(?<!\d){_YEAR}[-_ ](\d\d)-(\d\d)\s?(?:to|-|_)\s?(\d\d)-(\d\d)(?!\d)", (1, 2, 3, None, 4, 5)),
        (
            rf"\b{_MONTH}\s{{0,3}}{_DAY},?\s{{0,3}}{_YEAR},?{_TO}{_MONTH}\s{{0,3}}{_DAY},?\s{{0,3}}{_YEAR}",
            (3, 1, 2, 6, 4, 5),
        ),
        (rf"\b{_MONTH}\s{{0,3}}{_DAY},?{_TO}{_MONTH}\s{{0,3}}{_DAY},?\s{{0,3}}{_YEAR}", (None, 1, 2, 5, 3, 4)),
        (rf"\b{_MONTH}\s{{0,3}}{_DAY}{_TO}{_DAY},?\s{{0,3}}{_YEAR}", (4, 1, 2, None, None, 3)),
        (rf"\b{_MONTH}\s{{0,3}}{_DAY},?\s{{0,3}}{_YEAR}", (3, 1, 2, None, None, None)),
        (rf"(?<!\d){_YEAR}[-_.]?(\d\d)[-_.]?(\d\d)(?!\d)", (1, 2, 3, None, None, None)),
        (rf"(?<!\d)(\d\d)[-_.]?(\d\d)[-_.]?{_YEAR}(?!\d)", (3, 1, 2, None, None, None)),
    )
)
_WHOLE_MONTH = re.compile(rf"\b{_MONTH}\s{{0,3}}{_YEAR}", re.IGNORECASE)


class Period(NamedTuple):
    """First and last day, both included."""

    start: date
    end: date

    @property
    def name(self) -> str:
        """The period as AP writes it: "Jan. 28–Feb. 3, 2017"."""
        first, last = self
        if first == last:
            return f"{_day(last)}, {last.year}"
        if first.year != last.year:
            return f"{_day(first)}, {first.year}–{_day(last)}, {last.year}"
        if first.month != last.month:
            return f"{_day(first)}–{_day(last)}, {last.year}"
        return f"{_day(first)}–{last.day}, {last.year}"


@lru_cache(maxsize=4096)  # each check of a document puts all of its series in order
def period(*texts: str) -> Period | None:
    """The first span of days named in any of `texts`; one day, or one month, is a span too."""
    for text in texts:
        for found in _spans(text.replace("_", " ")[:2000] + "\n" + text[:2000]):
            return found
    return None


def issue(report: str, when: Period | None, *, stem: str = "", title: str = "") -> Subject:
    """One issue of a report: "report:<report>/2017-01-28", "Jan. 28–Feb. 3, 2017"; without days, its file and title."""
    if when is None:
        return Subject(f"report:{report}/{stem}", title or stem)
    return Subject(f"report:{report}/{when.start.isoformat()}", when.name)


def _spans(text: str) -> Iterator[Period]:
    for pattern, groups in _PATTERNS:
        for match in pattern.finditer(text):
            if found := _period([match[group] if group else None for group in groups]):
                yield found
    for match in _WHOLE_MONTH.finditer(text):
        first = date(int(match[2]), _number(match[1]), 1)
        yield Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def _period(parts: list[str | None]) -> Period | None:
    year, month, day, last_year, last_month, last_day = parts
    assert month is not None
    assert day is not None
    try:
        last = date(int(last_year or year or 0), _number(last_month or month), int(last_day or day))
        first = date(int(year or last.year), _number(month), int(day))
        if first > last and (year is None or last_year is None):  # over New Year, with the year named once
            first, last = (
                (first.replace(year=first.year - 1), last)
                if year is None
                else (first, last.replace(year=last.year + 1))
            )
    except ValueError:
        return None
    return Period(first, last) if first <= last else None


def ap(day: date) -> str:
    """A day as AP writes it: "March 27, 2017"."""
    return Period(day, day).name


def _number(month: str) -> int:
    return int(month) if month.isdigit() else _NUMBERS[month[:3].casefold()]


def _day(at: date) -> str:
    return f"{AP_MONTHS[at.month - 1]} {at.day}"
