"""Which record became which: by key, as multisets where keys are equal, by likeness where one was renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Document, Record, Subject, Value
from watcher.matching import Matched, base_key, keys_of, match, rekeyed

AT = datetime(2017, 3, 20, tzinfo=UTC)
CLARK = Subject("us-county:32003", "Clark County, Nev.", "NV")
CAMPBELL = Subject("us-county:21037", "Campbell County, Ky.", "KY")
FRANKLIN = Subject("us-county:19069", "Franklin County, Iowa", "IA")
FRANKLIN_NY = Subject("us-county:36033", "Franklin County, N.Y.", "NY")
CELLS = st.text("ab#2· ", max_size=3)


def document(rows: Sequence[Mapping[str, Value]], subjects: Sequence[Subject | None] = (), **choices: Any) -> Document:
    """A table whose key is its first column, read as the adapters read it."""
    header = list(rows[0]) if rows else []
    choices = {"header": header, "key": header[:1]} | choices
    keys = keys_of([row[name] for name in choices["key"]] for row in rows)
    named = zip(keys, rows, subjects or [None] * len(rows), strict=True)
    records = {key: Record(key, row, None, subject) for key, row, subject in named}
    return Document("list", "table", "s", AT, "https://agency.example", records=records, choices=choices)


def matched(before: Document, after: Document) -> Matched:
    names = before.choices["header"]
    return match(before, after, {name: name for name in names})


def rows(*cells: tuple[Value, ...], header: tuple[str, ...] = ("name", "held", "day")) -> list[dict[str, Value]]:
    return [dict(zip(header, row, strict=False)) for row in cells]


# ---------------------------------------------------------------- keys


@given(st.lists(st.lists(CELLS, min_size=1, max_size=2), max_size=12))
def test_keys_are_distinct_and_always_the_same(cells: list[list[str]]) -> None:
    keys = keys_of(cells)
    assert len(set(keys)) == len(cells)
    assert keys == keys_of(cells)


def test_equal_keys_go_on_in_page_order() -> None:
    assert keys_of([["a"], ["b"], ["a"], ["a"], ["b"]]) == ["a", "b", "a#2", "a#3", "b#2"]
    assert keys_of([["a", 1], ["a", 0], ["a", None], ["a", False]]) == ["a · 1", "a · 0", "a · ", "a · False"]


def test_a_key_that_looks_numbered_takes_nobodys_place() -> None:
    assert keys_of([["a#2"], ["a"], ["a"]]) == ["a#2", "a", "a#3"]
    assert keys_of([["a"], ["a"], ["a#2"]]) == ["a", "a#2", "a#2#2"]


def test_only_a_number_that_tells_equal_rows_apart_is_no_part_of_the_name() -> None:
    assert base_key("Apt#2", {"Apt", "Apt#2"}) == "Apt"
    assert base_key("Apt#2", {"Apt#1", "Apt#2"}) == "Apt#2"
    assert base_key("Apt#x", {"Apt"}) == "Apt#x"
    assert base_key("Apt", {"Apt"}) == "Apt"


# ---------------------------------------------------------------- by key


def test_nothing_differs() -> None:
    one = document(rows(("Dallas", 4, "Mon"), ("Miami", 2, "Tue")))
    assert matched(one, one) == Matched((), (), (), ())


def test_rows_are_matched_by_key_in_any_order() -> None:
    before = document(rows(("Dallas", 4, "Mon"), ("Miami", 2, "Tue"), ("Boston", 1, "Wed")))
    after = document(rows(("Omaha", 9, "Thu"), ("Miami", 3, "Tue"), ("Dallas", 4, "Mon")))
    assert matched(before, after) == Matched((), (("Miami", "Miami"),), ("Omaha",), ("Boston",))


@pytest.mark.parametrize("first", [1, 2, 3])
def test_of_equal_rows_only_the_number_counts(first: int) -> None:
    row = ("Dallas", 4, "Mon")
    before, after = document(rows(*[row] * first)), document(rows(*[row] * (first + 1)))
    new = f"Dallas#{first + 1}"
    assert matched(before, after) == Matched((), (), (new,), ())
    assert matched(after, before) == Matched((), (), (), (new,))


def test_rows_that_share_a_key_are_matched_as_a_multiset() -> None:
    before = document(rows(("Dallas", 1, ""), ("Dallas", 2, ""), ("Dallas", 3, "")))
    assert matched(before, document(rows(("Dallas", 3, ""), ("Dallas", 1, ""), ("Dallas", 2, "")))) == Matched(
        (), (), (), ()
    )
    assert matched(before, document(rows(("Dallas", 3, ""), ("Dallas", 9, ""), ("Dallas", 1, "")))) == Matched(
        (), (("Dallas#2", "Dallas#2"),), (), ()
    )
    assert matched(before, document(rows(("Dallas", 3, ""), ("Dallas", 1, "")))) == Matched((), (), (), ("Dallas#2",))


def test_rows_that_share_a_key_are_matched_with_the_closest() -> None:
    header = ("name", "from", "issued", "declined")
    before = document(rows(("Jail", "A", "1", "2"), ("Jail", "B", "3", "4"), ("Jail", "C", "5", "6"), header=header))
    after = document(rows(("Jail", "C", "5", "7"), ("Jail", "B", "3", "4"), ("Jail", "D", "8", "9"), header=header))
    assert matched(before, after) == Matched((), (("Jail#3", "Jail"),), ("Jail#3",), ("Jail",))


def test_of_too_many_rows_that_share_a_key_those_in_one_place_are_matched() -> None:
    before, after = (document(rows(*(("Jail", held, day) for held in range(101)))) for day in ("1", "2"))
    assert matched(before, after).differing == tuple((key, key) for key in before.records)


def test_records_known_by_their_keys_alone_are_never_renamed() -> None:
    before, after = (document(rows((name, 9, "x")), by_key=True) for name in ("Clark", "Clarke"))
    assert matched(before, after) == Matched((), (), ("Clarke",), ("Clark",))


def test_rows_that_share_a_key_do_not_mind_columns_that_swap() -> None:
    before = document(rows(("Dallas", 1, "x"), ("Dallas", 2, "y")))
    after = document(rows(("Dallas", "y", 2), ("Dallas", "x", 1), header=("name", "day", "held")))
    assert matched(before, after) == Matched((), (), (), ())


def test_a_literal_number_is_a_row_of_its_own() -> None:
    before = document(rows(("Unit#1", 1, "a"), ("Unit#2", 2, "b"), ("Ward", 7, "c")))
    after = document(rows(("Unit#2", 2, "b"), ("Ward", 7, "c"), ("Annex", 5, "d")))
    assert matched(before, after) == Matched((), (), ("Annex",), ("Unit#1",))


# ---------------------------------------------------------------- renamed


def test_one_that_went_and_one_that_came_with_the_same_facts_are_one() -> None:
    before = document(rows(("Dallas", 4, "Mon"), ("Miami", 2, "Tue")))
    after = document(rows(("Fort Worth", 4, "Mon"), ("Miami", 2, "Tue")))
    assert matched(before, after).renamed == (("Dallas", "Fort Worth"),)


def test_one_spelled_alike_is_the_same_and_its_facts_may_differ() -> None:
    before = document(rows(("Harbor Street", 4, "Mon")))
    after = document(rows(("Harbour Street", 5, "Mon")))
    assert matched(before, after) == Matched(
        (("Harbor Street", "Harbour Street"),), (("Harbor Street", "Harbour Street"),), (), ()
    )


def test_neither_alike_nor_of_the_same_facts_is_another() -> None:
    before, after = document(rows(("Dallas", 4, "Mon"))), document(rows(("Miami", 5, "Mon")))
    assert matched(before, after) == Matched((), (), ("Miami",), ("Dallas",))


def test_empty_facts_are_no_likeness() -> None:
    before, after = document(rows(("Dallas", None, ""))), document(rows(("Miami", None, "")))
    assert matched(before, after).renamed == ()


def test_zero_is_a_fact() -> None:
    before, after = document(rows(("Dallas", 0, ""))), document(rows(("Miami", 0, "")))
    assert matched(before, after).renamed == (("Dallas", "Miami"),)


def test_an_ambiguous_rename_is_none() -> None:
    before = document(rows(("Dallas", 4, "Mon")))
    after = document(rows(("Omaha", 4, "Mon"), ("Tulsa", 4, "Mon")))
    assert matched(before, after) == Matched((), (), ("Omaha", "Tulsa"), ("Dallas",))
    assert matched(after, before) == Matched((), (), ("Dallas",), ("Omaha", "Tulsa"))


def test_of_two_with_the_same_facts_the_one_spelled_alike_is_it() -> None:
    before = document(rows(("Dalas", 4, "Mon")))
    after = document(rows(("Omaha", 4, "Mon"), ("Dallas", 4, "Mon")))
    assert matched(before, after) == Matched((("Dalas", "Dallas"),), (), ("Omaha",), ())


def test_the_same_facts_win_over_a_name_spelled_alike() -> None:
    before = document(rows(("Station 11", 4, "Mon")))
    after = document(rows(("Station 12", 9, "Tue"), ("North", 4, "Mon")))
    assert matched(before, after) == Matched((("Station 11", "North"),), (), ("Station 12",), ())


def test_any_number_of_names_may_change_their_capitals_at_once() -> None:
    names = [f"District {number} of {letter}" for number in range(12) for letter in "ABCDEFGHIJKL"]
    before = document(rows(*((name, None, "") for name in names)))
    after = document(rows(*((name.upper(), None, "") for name in names)))
    assert matched(before, after) == Matched(tuple((name, name.upper()) for name in names), (), (), ())


# ---------------------------------------------------------------- places


def test_two_known_places_are_two_however_alike_their_names() -> None:
    kenton = Subject("us-county:21117", "Campbell County, Ky.", "KY")
    before = document(rows(("Campbell", 4, "Mon")), [CAMPBELL])
    assert matched(before, document(rows(("Campbel", 4, "Tue")), [kenton])).renamed == ()


def test_a_known_place_in_another_state_with_the_same_facts_moved() -> None:
    before = document(rows(("Franklin, Iowa", 4, "Mon")), [FRANKLIN])
    after = document(rows(("Franklin, N.Y.", 4, "Mon")), [FRANKLIN_NY])
    assert matched(before, after).renamed == (("Franklin, Iowa", "Franklin, N.Y."),)
    assert matched(before, document(rows(("Franklin, N.Y.", 5, "Mon")), [FRANKLIN_NY])).renamed == ()
    assert matched(before, document(rows(("Clark", 4, "Mon")), [CLARK])).renamed == ()


def test_a_misspelled_place_becomes_the_known_one() -> None:
    unknown = Subject("place:cambell county ky", "Cambell County, KY")
    before = document(rows(("Cambell County, KY", 4, "Mon")), [unknown])
    after = document(rows(("Campbell County, Ky.", 5, "Tue")), [CAMPBELL])
    assert matched(before, after).renamed == (("Cambell County, KY", "Campbell County, Ky."),)


# ---------------------------------------------------------------- another key


def test_where_the_key_is_gone_the_old_rows_take_the_new_one() -> None:
    before = document(rows((101, "Dallas", 4), (102, "Miami", 2), (103, "Miami", 3), header=("case", "office", "held")))
    after = document(rows(("Dallas", 4), ("Miami", 2), ("Miami", 3), header=("office", "held")))
    renamed = rekeyed(before, after, {"office": "office", "held": "held"})
    assert list(renamed.records) == ["Dallas", "Miami", "Miami#2"]
    assert [record.key for record in renamed.records.values()] == ["Dallas", "Miami", "Miami#2"]
    assert renamed.records["Miami#2"].fields == {"case": 103, "office": "Miami", "held": 3}


def test_a_key_that_only_goes_by_another_name_is_kept() -> None:
    before = document(rows(("Dallas", 4), header=("office", "held")))
    after = document(rows(("Dallas", 4), header=("place", "held")))
    assert rekeyed(before, after, {"office": "place", "held": "held"}) is before


def test_a_key_that_the_old_rows_never_had_is_no_use() -> None:
    before = document(rows((101, 4), header=("case", "held")))
    after = document(rows(("Dallas", 4), header=("office", "held")))
    assert rekeyed(before, after, {"held": "held"}) is before
