"""Words struck and added, what is only cosmetic, and which paragraph became which: laws, then cases from the beat."""

from __future__ import annotations

import html
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from watcher.core import Severity, Span
from watcher.wording import MOST_WORDS, cosmetic, likeness, mutual_best, pair_texts, repair, words

PROSE = st.text(st.sampled_from("ab Z9.,-’é\n 五"), max_size=40) | st.text(max_size=40)
WORDS = st.lists(st.sampled_from(["the", "county", "jail", "declined", "12", "in", "March"]), max_size=12).map(" ".join)
SENTENCES = (
    "The sheriff said the jail would no longer honor requests without a warrant.",
    "Twelve people were held past their release dates in January.",
    "A spokeswoman for the agency declined to comment on pending litigation.",
    "County supervisors vote on the ordinance Tuesday night at city hall.",
    "Advocates filed records requests with forty departments in nine states.",
)

# ---------------------------------------------------------------- words


@given(PROSE | WORDS, PROSE | WORDS)
@example("a b", "c d")
@example(" a", "b ")
def test_the_spans_hold_both_texts(old: str, new: str) -> None:
    spans = words(old, new)
    assert "".join(span.text for span in spans if span.op in "=-") == old
    assert "".join(span.text for span in spans if span.op in "=+") == new
    assert all(span.text and span.op in "=-+" for span in spans)


@given(PROSE)
def test_a_text_does_not_differ_from_itself(text: str) -> None:
    assert words(text, text) == ((Span("=", text),) if text else ())


def test_a_changed_word_is_struck_before_the_new_one_is_added() -> None:
    assert words("It honors all requests.", "It declines all requests.") == (
        Span("=", "It "),
        Span("-", "honors"),
        Span("+", "declines"),
        Span("=", " all requests."),
    )


def test_a_changed_phrase_is_one_edit_not_one_a_word() -> None:
    spans = words("held for two more days", "held for ten long weeks")
    assert [(span.op, span.text) for span in spans] == [
        ("=", "held for "),
        ("-", "two more days"),
        ("+", "ten long weeks"),
    ]


def test_texts_too_long_to_compare_are_shown_whole() -> None:
    old, new = "a " * MOST_WORDS, "b " * MOST_WORDS
    assert words(old, new) == (Span("-", old), Span("+", new))


def test_the_longest_texts_are_compared_in_bounded_time() -> None:
    half = MOST_WORDS // 2 - 1
    started = time.process_time()
    words(" ".join(map(str, range(half))), " ".join(map(str, range(half, 2 * half))))
    assert time.process_time() - started < 3


# ---------------------------------------------------------------- cosmetic


@given(PROSE, PROSE)
def test_cosmetic_is_reflexive_and_symmetric(one: str, other: str) -> None:
    assert cosmetic(one, one)
    assert cosmetic(one, other) == cosmetic(other, one)


@given(st.lists(st.sampled_from([*"aBc19", "don’t", "Nev.", "3.5", "-4", "é"]), min_size=1, max_size=8), st.data())
def test_spaces_case_and_entities_are_cosmetic(parts: list[str], data: st.DataObject) -> None:
    text = " ".join(parts)
    spaces = data.draw(st.sampled_from(["  ", "\n", "\t ", "\u00a0", " \u200b"]))
    assert cosmetic(text, f" {spaces.join(parts)}{spaces}")
    assert cosmetic(text, text.upper())
    assert cosmetic(text, html.escape(text))
    assert cosmetic(text, "".join(f"&#{ord(char)};" for char in text))


@pytest.mark.parametrize(
    "text", ["don’t", "“Quoted”", "2016–2017", "José’s café", "a—b…", "naïve €5", "Ünder", "👍 yes"]
)
def test_text_read_in_the_wrong_encoding_is_cosmetic(text: str) -> None:
    broken = "".join(
        bytes([byte]).decode("cp1252", "ignore") or chr(byte) for byte in text.encode()
    )  # as browsers read it: the five bytes that Windows-1252 lacks are control codes
    assert broken != text
    assert repair(broken) == text
    assert cosmetic(text, broken)
    assert cosmetic(f"“{text}” he said", f"“{broken}” he said"), "a broken part in a sound text"


@pytest.mark.parametrize("text", ["", "plain", "naïve", "Ærø", "voilà…»", "Ñandú", "São Paulo", "Ã", "â€"])
def test_sound_text_is_not_repaired(text: str) -> None:
    assert repair(text) == text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Clark County, Nev.", "CLARK COUNTY, NEV"),
        ("“detainer”", '"detainer"'),
        ("the sheriff’s", "the sheriff's"),
        ("1,200", "1200"),
        ("−5", "-5"),
        ("2017-02-10", "2017–02–10"),
        ("A&amp;B", "A&B"),
        ("well-known", "well known"),
        ("Yes.", "yes"),
        ("co\u00adoperate", "cooperate"),
        ("ﬁve", "five"),
    ],
)
def test_what_only_a_typesetter_would_see(one: str, other: str) -> None:
    assert cosmetic(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.5", "15"),
        ("3.5", "35"),
        (".5", "5"),
        ("-5", "5"),
        ("−5%", "5%"),
        ("3/19", "319"),
        ("10:30", "1030"),
        ("3,5", "35"),
        ("1,200", "12,00"),
        ("12", "21"),
        ("1 2", "12"),
        ("5%", "5"),
        ("$5", "5"),
        ("<5", ">5"),
        ("5*", "5"),
        ("2016-2017", "20162017"),
        ("now here", "nowhere"),
        ("Clark", "Clarke"),
        ("yes", ""),
    ],
)
def test_what_matters(one: str, other: str) -> None:
    assert not cosmetic(one, other)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_different_numbers_are_never_cosmetic(one: int, other: int) -> None:
    assert cosmetic(f"{one} people", f"{other} people") == (one == other)
    assert cosmetic(f"{one:,}", f"{other}") == (one == other)


@given(st.decimals(-999, 999, places=2), st.decimals(-999, 999, places=2))
def test_signs_and_decimal_points_are_never_cosmetic(one: object, other: object) -> None:
    assert cosmetic(f"rate: {one} percent", f"rate: {other} percent") == (str(one) == str(other))


# ---------------------------------------------------------------- paragraphs


@given(st.permutations(SENTENCES))
def test_paragraphs_that_only_moved_are_no_edit(moved: list[str]) -> None:
    assert pair_texts(SENTENCES, moved) == []


@given(st.lists(PROSE, max_size=5))
def test_a_text_has_no_edits_against_itself(texts: list[str]) -> None:
    assert pair_texts(texts, texts) == []


@given(st.integers(0, 3))
def test_paragraphs_merged_or_split_are_cosmetic(place: int) -> None:
    merged = [*SENTENCES[:place], f"{SENTENCES[place]} {SENTENCES[place + 1]}", *SENTENCES[place + 2 :]]
    (edit,) = pair_texts(SENTENCES, merged)
    assert edit.severity is Severity.COSMETIC
    (back,) = pair_texts(merged, SENTENCES)
    assert back.severity is Severity.COSMETIC


def test_a_paragraph_split_while_others_are_edited_is_still_cosmetic() -> None:
    whole = f"{SENTENCES[0]} {SENTENCES[1]}"
    edited = SENTENCES[3].replace("Tuesday", "Wednesday")
    old, new = [whole, *SENTENCES[2:4]], [*SENTENCES[:3], edited, "Nobody answered the phone on Sunday."]
    parted, changed, came = pair_texts(old, new)
    assert (parted.old, parted.new, parted.severity) == (whole, "\n".join(SENTENCES[:2]), Severity.COSMETIC)
    assert (changed.old, changed.new, came.new) == (SENTENCES[3], edited, new[-1])
    parted, changed, went = pair_texts(new, old)
    assert (parted.old, parted.new, parted.severity) == ("\n".join(SENTENCES[:2]), whole, Severity.COSMETIC)
    assert (changed.old, went.old) == (edited, new[-1])


@given(st.permutations(SENTENCES), st.integers(0, 4))
def test_an_edited_paragraph_is_one_edit_wherever_it_moved(moved: list[str], place: int) -> None:
    new = moved[place].replace("the ", "the whole ").replace("in ", "within ")
    (edit,) = pair_texts(SENTENCES, [*moved[:place], new, *moved[place + 1 :]])
    assert (edit.old, edit.new, edit.severity) == (moved[place], new, None)
    assert {span.op for span in edit.spans} == {"=", "-", "+"} or {span.op for span in edit.spans} == {"=", "+"}


@given(st.integers(0, 5))
def test_a_paragraph_that_came_or_went(place: int) -> None:
    more = [*SENTENCES[:place], "Nobody answered the phone on Sunday.", *SENTENCES[place:]]
    (came,) = pair_texts(SENTENCES, more)
    assert (came.old, came.new) == (None, "Nobody answered the phone on Sunday.")
    (went,) = pair_texts(more, SENTENCES)
    assert (went.old, went.new) == ("Nobody answered the phone on Sunday.", None)


def test_a_line_of_dots_that_came_is_cosmetic() -> None:
    (came,) = pair_texts(SENTENCES, [*SENTENCES, "… … …"])
    assert (came.old, came.new, came.severity) == (None, "… … …", Severity.COSMETIC)


@settings(max_examples=200)
@given(st.lists(st.sampled_from(SENTENCES), max_size=6), st.lists(st.sampled_from(SENTENCES), max_size=6))
def test_edits_lead_from_the_old_paragraphs_to_the_new(old: list[str], new: list[str]) -> None:
    left = list(old)
    for edit in pair_texts(old, new):
        for text in (edit.old or "").splitlines():
            left.remove(text)
        left += (edit.new or "").splitlines()
    assert sorted(left) == sorted(new)


# ---------------------------------------------------------------- likeness, and the best match


def test_likeness_is_about_letters_not_about_case_or_points() -> None:
    assert likeness("Campbell County, Ky.", "CAMPBELL COUNTY KY") == 100
    assert 85 <= likeness("Cambell County, KY", "Campbell County, Ky.") < 100
    assert likeness("Clark County, Nev.", "Kenton County, Ky.") < 85


@given(
    st.lists(st.integers(0, 9), max_size=6, unique=True),
    st.lists(st.integers(0, 9), max_size=6, unique=True),
    st.integers(1, 9),
)
def test_matches_are_mutual_best_and_without_ties(olds: list[int], news: list[int], scale: int) -> None:
    def score(old: int, new: int) -> float:
        return max(0.0, 5 - abs(old - new) * scale % 7)

    pairs = mutual_best(olds, news, score)
    assert len({old for old, _ in pairs}) == len({new for _, new in pairs}) == len(pairs)
    for old, new in pairs:
        assert score(old, new) > 0
        assert all(score(old, other) < score(old, new) for other in news if other != new)
        assert all(score(other, new) < score(old, new) for other in olds if other != old)


def test_a_tie_is_nobodys_match() -> None:
    assert mutual_best(["x"], ["a", "b"], lambda _old, _new: 90.0) == []
    assert mutual_best(["a", "b"], ["x"], lambda _old, _new: 90.0) == []


def test_a_rewrite_is_not_taken_for_many_renames() -> None:
    assert mutual_best(range(101), range(100), lambda old, new: float(old == new)) == []
    assert len(mutual_best(range(100), range(100), lambda old, new: float(old == new))) == 100
