"""Grids of CSV: which delimiter, which header below which titles, which encoding."""

from __future__ import annotations

import codecs

import pytest

from watcher.core import Value
from watcher.sources.grid import Grid, csv_grid, header_place
from watcher.sources.html import decode


def rows(grid: Grid) -> list[tuple[Value, ...]]:
    return [grid.header, *grid.rows]


@pytest.mark.parametrize(
    "text",
    [
        "Agencies\n\nname,held\nDallas,1\nMiami,2\n",
        '"Agencies, by office"\nAs of June 5\n\nname,held\nDallas,1\nMiami,2\n',
        "Agencies,\n,\nname,held\nDallas,1\nMiami,2\n",
        "sep=,\nname,held\nDallas,1\n,\nMiami,2\n",
        '"name","held"\r\n"Dallas","1"\r\n"Miami","2"\r\n',
    ],
)
def test_titles_and_blank_rows_above_the_header_are_left_out(text: str) -> None:
    assert rows(csv_grid(text)) == [("name", "held"), ("Dallas", "1"), ("Miami", "2")]
    assert csv_grid(text).title in {"", "Agencies", "Agencies, by office", "sep="}


def test_a_table_under_a_title_and_a_date_at_the_right() -> None:
    text = "Holds,,,June 5\nOffice,Held,Share,Remark\nDallas,1,,\nMiami,2,3,x\nBoston,2,3,y\n"
    assert csv_grid(text).header == ("Office", "Held", "Share", "Remark")
    assert csv_grid(text).title == "Holds"


def test_a_header_may_lack_a_name() -> None:
    assert rows(csv_grid(",held\n0,1\n1,2\n")) == [("", "held"), ("0", "1"), ("1", "2")]
    assert csv_grid("a,b,c,\n1,2,3,4\n5,6,7,8\n").header == ("a", "b", "c", "")


def test_a_table_of_one_column_has_its_first_row_as_header() -> None:
    assert rows(csv_grid("name\nDallas\nMiami\n")) == [("name",), ("Dallas",), ("Miami",)]


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("place;share\nClark;1,5\nCook;2,5\n", ("place", "share")),
        ("place,share\nClark;Cook,1\n", ("place", "share")),
        ("place,share\nClark;Cook;Elko,1\n", ("place", "share")),
        ("place|share\nClark, Nev.|1\nCook, Ill.|2\n", ("place", "share")),
        ("place\tshare\nClark, Nev.\t1\nCook, Ill.\t2\n", ("place", "share")),
        ('place,share\n"Clark;\nCook",1\n"Elko;",2\n', ("place", "share")),
    ],
)
def test_the_delimiter_is_the_one_that_makes_rows_of_one_width(text: str, header: tuple[str, ...]) -> None:
    assert csv_grid(text).header == header


@pytest.mark.parametrize(
    "body",
    [
        "name;held\nDoña Ana;1\n".encode(),
        codecs.BOM_UTF8 + "name;held\nDoña Ana;1\n".encode(),
        "name;held\nDoña Ana;1\n".encode("utf-16"),
        codecs.BOM_UTF16_BE + "name;held\nDoña Ana;1\n".encode("utf-16-be"),
        "name;held\nDoña Ana;1\n".encode("cp1252"),
    ],
)
def test_any_encoding_gives_the_same_rows(body: bytes) -> None:
    assert rows(csv_grid(decode(body, "text/csv"))) == [("name", "held"), ("Doña Ana", "1")]


@pytest.mark.parametrize(
    ("rows", "place"),
    [
        ([], 0),
        (["a", "b", "c"], 0),
        (["a", "ab", "abc", "abc"], 2),
        (["ab", "abc", "abc", "abc"], 1),
        (["abcdef", "ab", "ab"], 0),
        (["abcd", "abcde", "abcde"], 0),
        (["aa", "ab", "ab"], 1),
        ([" b", "ab", "ab"], 0),
        (["a", " b", " bc", " bc", " bc"], 2),
    ],
)
def test_the_header_is_the_first_row_about_as_full_as_most(rows: list[str], place: int) -> None:
    assert header_place((list(row.strip()), row[0] != " ") for row in rows) == place
