"""The outside hears of us only while every part runs."""

from __future__ import annotations

import pytest

from watcher.heartbeat import AT_MOST, ailing


def test_all_is_well_while_each_part_passed_within_its_limit() -> None:
    assert ailing({part: 1000 - limit for part, limit in AT_MOST.items()}, 1000) == ()


@pytest.mark.parametrize("part", AT_MOST)
def test_one_part_that_is_late_or_never_passed_is_named(part: str) -> None:
    passed: dict[str, float | None] = dict.fromkeys(AT_MOST, 1000.0)
    assert ailing(passed | {part: 999.9 - AT_MOST[part]}, 1000) == (part,)
    assert ailing(passed | {part: None}, 1000) == (part,)


def test_a_part_that_is_not_known_is_no_silent_pass() -> None:
    with pytest.raises(KeyError):
        ailing({"kettle": 999.0}, 1000)
