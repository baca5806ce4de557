"""Lines of text are as wide as they may be, and nothing gets lost unseen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from watcher.pictures.lettering import LONGEST, width, wrap


@given(st.text(max_size=600), st.integers(60, 900), st.integers(1, 4))
def test_lines_fit_and_are_few(text: str, room: int, most: int) -> None:
    lines = wrap(text, 28, room, most)
    assert len(lines) <= most
    assert all(width(line, 28) <= room + 1e-6 for line in lines)


@given(st.text("ab é→", max_size=100))
def test_what_fits_is_kept_whole(text: str) -> None:
    assert "".join("".join(wrap(text, 28, 300, 100)).split()) == "".join(text.split())


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    assert wrap("one two three four five six", 28, 150, 2)[-1].endswith("…")
    assert wrap("x" * 5000, 28, 900, 3)[-1].endswith("…")


def test_marks_of_direction_and_controls_are_shown() -> None:
    assert wrap("a\u202eb\x07", 28, 900, 1) == ("a⟨U+202E⟩b⟨U+0007⟩",)


def test_only_the_beginning_of_a_very_long_text_is_read() -> None:
    assert sum(map(len, wrap("a" * 10**6, 28, 900, 100))) <= LONGEST


def test_bold_is_wider() -> None:
    assert width("Clark County", 28, bold=True) > width("Clark County", 28)
