"""The table kind: random edits of random tables in three formats, then its three rules, its options and its bounds."""

from __future__ import annotations

import csv
import html
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.core import Capture, Document, NothingThere, NotReadable, Severity, Value
from watcher.diff import diff
from watcher.sources import grid
from watcher.sources.table import Table, TableOptions, choose_key

AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
PAGE = "https://agency.example/detainers"
Row = tuple[Value, ...]


def capture(body: str | bytes, content_type: str = "text/html", snapshot: str = "s1") -> Capture:
    data = body.encode() if isinstance(body, str) else body
    return Capture("list", "table", snapshot, AT, PAGE, 200, content_type, data)


def read(body: str | bytes, content_type: str = "text/html", **options: Any) -> Document:
    return Table(TableOptions(**options)).extract(capture(body, content_type), {})


def cells(document: Document) -> list[list[Value]]:
    return [list(record.fields.values()) for record in document.records.values()]


def table(*rows: Sequence[str], tag: str = "td") -> str:
    return (
        "<table>" + "".join("<tr>" + "".join(f"<{tag}>{c}</{tag}>" for c in row) + "</tr>" for row in rows) + "</table>"
    )


# ---------------------------------------------------------------- random tables, random edits

HEADER = ("Office", "Held", "Remark")
OFFICES = (
    "Dallas",
    "Miami",
    "Boston",
    "Omaha",
    "Tulsa",
    "El Paso",
    "Newark",
    "Provo",
    "Kitsap",
    "Wichita",
    "Hudson",
    "Ybor",
)
TEXT = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="\u3164"), min_size=1, max_size=6)


class Format(NamedTuple):
    """How a table is written, and what may stand in its cells."""

    content_type: str
    write: Callable[[Sequence[Row]], str]
    values: st.SearchStrategy[Value]
    items: str = ""


def write_html(rows: Sequence[Row]) -> str:
    head = "".join(f"<th scope=col>{name}" for name in HEADER)
    body = "".join("<tr>" + "".join(f"<td> {html.escape(str(cell))}\n</td>" for cell in row) for row in rows)
    return f"<!doctype html><title>Holds</title><p>Week 1<table><thead><tr>{head}</thead><tbody>{body}</table>"


def write_csv(rows: Sequence[Row]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([HEADER, *rows])
    return out.getvalue()


def write_json(rows: Sequence[Row]) -> str:
    return json.dumps({"count": len(rows), "rows": [dict(zip(HEADER, row, strict=True)) for row in rows]})


FORMATS = {
    "html": Format("text/html; charset=utf-8", write_html, TEXT),
    "csv": Format("text/csv", write_csv, TEXT),
    "json": Format("application/json", write_json, TEXT | st.integers(2, 10**6) | st.none() | st.booleans(), "rows"),
}
Told = tuple[str, str, str, Value, Value]


def unlike(values: st.SearchStrategy[Value], old: Value) -> st.SearchStrategy[Value]:
    return values.filter(lambda value: value != old)


@st.composite
def edited(draw: st.DrawFn, values: st.SearchStrategy[Value]) -> tuple[list[Row], list[Row], Counter[Told]]:
    """A table, the table after at most one edit for each office, and what these edits are.

    The remark is one of a kind in each row, so that no two rows could be one row renamed.
    """
    offices = draw(st.lists(st.sampled_from(OFFICES), unique=True, min_size=1))
    before: list[Row] = []
    after: list[Row] = []
    told: Counter[Told] = Counter()
    for number, office in enumerate(offices):
        row: Row = (office, draw(values), f"remark {number}")
        copies = draw(st.integers(1, 3))
        edit = draw(st.sampled_from(["none", "add", "remove", "change", "new"]))
        rows = [row] * copies
        before += [] if edit == "new" else rows
        if edit == "add":
            rows = [*rows, row]
        elif edit == "remove":
            rows = rows[1:]
        elif edit == "change":
            value = draw(unlike(values, row[1]))
            rows = [*rows[1:], (office, value, row[2])]
            told["record.changed", office, "Held", row[1], value] += 1
        after += rows
        told["record.added", office, "", None, row[1]] += {"new": copies, "add": 1}.get(edit, 0)
        told["record.removed", office, "", row[1], None] += edit == "remove"
    return draw(st.permutations(before)), draw(st.permutations(after)), +told


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_the_changes_are_the_edits_and_nothing_else(name: str, data: st.DataObject) -> None:
    kind = FORMATS[name]
    old, new, told = data.draw(edited(kind.values))
    adapter = Table(TableOptions(key="Office", items=kind.items))
    before = adapter.extract(capture(kind.write(old), kind.content_type), {})
    later = replace(capture(kind.write(new), kind.content_type, "s2"), at=AT + timedelta(hours=1))
    after = adapter.extract(later, before.choices)
    found: Counter[Told] = Counter()
    for change in diff(before, after):
        _, key, *field = change.path
        old_value, new_value = (
            (change.old, change.new) if field else (side and side["Held"] for side in (change.old, change.new))
        )
        found[change.kind, key.partition("#")[0], "".join(field), old_value, new_value] += 1
    assert found == told
    assert (adapter.fingerprint(later) == adapter.fingerprint(capture(kind.write(old), kind.content_type))) <= (
        not told
    )


@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_what_was_written_is_read(name: str, data: st.DataObject) -> None:
    kind = FORMATS[name]
    rows = data.draw(st.lists(st.tuples(kind.values, kind.values, kind.values), min_size=1, max_size=6))
    document = read(kind.write(rows), kind.content_type)
    assert cells(document) == [list(row) for row in rows]
    assert list(document.records) == [record.key for record in document.records.values()]
    assert diff(document, document) == ()


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 4), max_size=8))
def test_the_key_is_the_fewest_leading_columns_that_tell_rows_apart(rows: list[Row]) -> None:
    header = ("a", "b", "c", "d")
    places = [header.index(name) for name in choose_key(header, rows)]
    width = places[-1] + 1

    def distinct(columns: Sequence[int]) -> int:
        return len({tuple(row[column] for column in columns) for row in rows})

    assert places == sorted({0, *places})
    assert distinct(places) == distinct(range(width))
    assert width == 4 or distinct(range(width)) >= 0.95 * len(rows)
    assert all(distinct(range(less)) < 0.95 * len(rows) for less in range(1, width))


def test_a_column_that_tells_no_rows_apart_is_no_part_of_the_key() -> None:
    rows = [(str(n // 9), str(n // 3), str(n // 3 * 7), str(n % 3)) for n in range(27)]
    assert choose_key(("a", "b", "c", "d"), rows) == ("a", "b", "d")


# ---------------------------------------------------------------- rule 1: which table


def test_the_main_table_is_the_one_with_most_cells_of_its_own() -> None:
    small, large = table(("a", "b"), ("1", "2"), tag="td"), table(("c", "d"), ("3", "4"), ("5", "6"))
    assert cells(read(small + large)) == cells(read(large + small)) == [["3", "4"], ["5", "6"]]
    assert cells(read(f"<table><tr><td>{large}</td><td>{small}</td></tr></table>")) == [["3", "4"], ["5", "6"]]


def test_selecting_takes_the_table_or_what_holds_it() -> None:
    page = f"{table(('a', 'b'), *[('1', '2')] * 9)}<div id=x>{table(('c', 'd'), ('3', '4'))}</div>"
    assert cells(read(page, select="#x")) == cells(read(page, select="#x table")) == [["3", "4"]]


# ---------------------------------------------------------------- rule 2: which header


@pytest.mark.parametrize(
    "page",
    [
        "<table><thead><tr><td>a<td>b</thead><tr><td>1<td>2</table>",
        "<table><tr><th>a<th>b<tr><td>1<td>2</table>",
        "<table><tr><th>a<th>b<tr><th>1<td>2</table>",
        "<table><tr><td>a<td>b<tr><td>1<td>2</table>",
        "<table><tr><th colspan=2>Week 1<tr><th>a<th>b<tr><td>1<td>2</table>",
        "<table><thead><tr><th colspan=2>Week 1<tr><th>a<th>b</thead><tr><td>1<td>2</table>",
        "<table><tr><td colspan=2>Week 1<tr><td>a<td>b<tr><td>1<td>2</table>",
        "<table><tr><td>Week 1<tr><td>a<td>b<tr><td>1<td>2</table>",
        "<table><caption>Week 1</caption><tr><th>a<th>b<tr><td>1<td>2<tr><th>a<th>b</table>",
        "<table><tr><th>a<th><p>b<tr><td>1<td>2<script>3</script></table>",
    ],
)
def test_the_header_is_found(page: str) -> None:
    document = read(page)
    assert document.choices["header"] == ["a", "b"]
    assert cells(document) == [["1", "2"]]


@pytest.mark.parametrize("first", [("1", "1"), ("1", "")])
def test_a_first_row_with_holes_or_repeats_is_no_header(first: tuple[str, str]) -> None:
    document = read(table(first, ("2", "3")))
    assert document.choices["header"] == ["column 1", "column 2"]
    assert len(document.records) == 2


def test_columns_without_a_name_or_with_anothers_get_their_own() -> None:
    page = "<table><tr><th>a<th><th>a<tr><td>1<td>2<td>3<td>4</table>"
    assert read(page).choices["header"] == ["a", "column 2", "a (3)", "column 4"]


def test_a_row_wider_than_all_others_widens_the_table_and_a_short_one_does_not_narrow_it() -> None:
    page = "<table><tr><th>a<th>b<th>c<tr><td>1<tr><td>2<td>3</table>"
    assert cells(read(page)) == [["1", "", ""], ["2", "3", ""]]


def test_a_header_alone_is_an_empty_table() -> None:
    document = read("<table><tr><th>a<th>b</table>")
    assert (document.records, document.choices) == ({}, {"header": ["a", "b"], "key": ["a"]})


# ---------------------------------------------------------------- spans


def test_spans_fill_the_cells_that_they_cover() -> None:
    page = """<table><tr><th>a<th>b<th>c<th>d
      <tr><td rowspan=3>1<td colspan=2 rowspan=2>2<td>3
      <tr><td>4
      <tr><td>5<td>6<td>7</table>"""
    assert cells(read(page)) == [["1", "2", "2", "3"], ["1", "2", "2", "4"], ["1", "5", "6", "7"]]


def test_a_span_ends_with_its_group_of_rows() -> None:
    page = "<table><thead><tr><th rowspan=2>a<th>b</thead><tbody><tr><td>1<td>2<tbody><tr><td>3<td>4</table>"
    assert cells(read(page)) == [["1", "2"], ["3", "4"]]


@pytest.mark.parametrize("span", ["0", "-1", "x", "1.5", "²", "999999999999", ""])
def test_a_span_that_is_no_number_is_one(span: str) -> None:
    page = f"<table><tr><th>a<th>b<tr><td rowspan='{span}'>1<td>2<tr><td>3<td>4</table>"
    assert cells(read(page)) == [["1", "2"], ["3", "4"]]


# ---------------------------------------------------------------- rule 3: which key


def test_the_key_is_kept_while_its_columns_stay() -> None:
    adapter = Table(TableOptions())
    before = adapter.extract(capture(table(("a", "b"), ("1", "x"), ("2", "y"))), {})
    assert before.choices["key"] == ["a"]
    same = capture(table(("a", "b"), *[("1", "x")] * 9))
    assert adapter.extract(same, before.choices).choices["key"] == ["a"]
    assert list(adapter.extract(same, before.choices).records)[:3] == ["1", "1#2", "1#3"]
    renamed = capture(table(("A", "b"), ("1", "x"), ("1", "y")))
    assert adapter.extract(renamed, before.choices).choices["key"] == ["A"]
    gone = capture(table(("b", "c", "d"), ("1", "x", "x"), ("1", "y", "y")))
    assert adapter.extract(gone, before.choices).choices["key"] == ["b", "c"]


def test_a_few_equal_keys_do_not_make_it_wider() -> None:
    rows = [(str(number), "x") for number in range(40)]
    assert choose_key(("a", "b"), [*rows, ("0", "y")]) == ("a",)
    assert choose_key(("a", "b"), [("0", str(number)) for number in range(9)]) == ("a", "b")


def test_a_key_by_option() -> None:
    page = table(("a", "b", "c"), ("1", "x", "p"), ("2", "x", "q"))
    assert list(read(page, key="b").records) == ["x", "x#2"]
    assert list(read(page, key=["c", "a"]).records) == ["p · 1", "q · 2"]
    with pytest.raises(NotReadable, match="key: expected a column called 'z', the table has a, b, c"):
        read(page, key="z")


def test_ignored_columns_are_not_read() -> None:
    page = table(("a", "b", "c"), ("1", "x", "p"), ("2", "y", "q"))
    document = read(page, ignore=["a", "z"])
    assert document.choices == {"header": ["b", "c"], "key": ["b"]}
    assert cells(document) == [["x", "p"], ["y", "q"]]


# ---------------------------------------------------------------- places


def test_rows_name_places_where_most_are_known() -> None:
    page = table(
        ("County", "State", "Held"), ("Clark", "Nevada", "1"), ("Cook", "Ill.", "2"), ("Nowhere", "Texas", "3")
    )
    document = read(page)
    subjects = [record.subject for record in document.records.values()]
    assert [subject and subject.id for subject in subjects][:2] == ["us-county:32003", "us-county:17031"]
    assert document.choices["places"] == ["State", "County"] or document.choices["places"] == ["County", "State"]
    other = read(table(("County", "Held"), ("North wing", "1"), ("South wing", "2")))
    assert [record.subject for record in other.records.values()] == [None, None]
    assert "places" not in other.choices


AGENCIES = (
    ("STATE", "LAW ENFORCEMENT AGENCY", "TYPE", "COUNTY", "SUPPORT TYPE"),
    ("FLORIDA", "Sanford Police Department", "Municipality", "Seminole County ", "Task Force Model"),
    ("FLORIDA", "Sanford Police Department", "Municipality", "Seminole County ", "Jail Enforcement Model"),
    ("IDAHO", "Idaho State Police", "State Agency", "#N/A", "Task Force Model"),
    ("IDAHO", "Clay County Sheriff's Office", "County", "Clay County", "Warrant Service Officer"),
    ("KANSAS", "Clay County Sheriff’s Office", "County", "Clay County", "Warrant Service Officer"),
)


@pytest.mark.parametrize("name", ["County", "COUNTY*", "County name", "Parish:", "county/parish"])
def test_columns_that_name_counties(name: str) -> None:
    (record,) = read(table((name, "State"), ("Orleans Parish", "La."))).records.values()
    assert record.subject is not None
    assert record.subject.id == "us-county:22071"


def test_agencies_are_within_their_counties_and_may_stand_in_several_rows() -> None:
    document = read(table(*AGENCIES))
    assert document.choices["key"] == ["STATE", "LAW ENFORCEMENT AGENCY", "SUPPORT TYPE"]
    assert [(record.subject.id, record.subject.within) for record in document.records.values() if record.subject] == [
        ("us-agency:FL/sanford-police-department", ("us-place:FL/sanford", "us-county:12117")),
        ("us-agency:FL/sanford-police-department", ("us-place:FL/sanford", "us-county:12117")),
        ("us-agency:ID/idaho-state-police", ()),
        ("us-agency:ID/clay-county-sheriffs-office", ()),
        ("us-agency:KS/clay-county-sheriffs-office", ("us-county:20027",)),
    ]


def test_the_rows_of_one_agency_come_and_go_by_themselves() -> None:
    before = read(table(*AGENCIES))
    adapter = Table(TableOptions())

    def changes(*rows: Sequence[str]) -> list[tuple[str, str, tuple[str, ...], Any, Any, Severity]]:
        after = adapter.extract(capture(table(AGENCIES[0], *rows), snapshot="s2"), before.choices)
        return [
            (c.kind, c.subject.id.partition("/")[2], c.path[2:], c.old, c.new, c.severity) for c in diff(before, after)
        ]

    (dropped,) = changes(AGENCIES[1], *AGENCIES[3:])
    assert dropped[:3] == ("jurisdiction.delisted", "sanford-police-department", ())
    moved = (*AGENCIES[1][:3], "Volusia County", AGENCIES[1][4])
    assert changes(moved, *AGENCIES[2:]) == [
        (
            "jurisdiction.changed", "sanford-police-department", ("COUNTY",), "Seminole County", "Volusia County",
            Severity.MAJOR,
        )
    ]  # fmt: skip
    other = (*AGENCIES[3][:4], "Jail Enforcement Model")
    assert changes(*AGENCIES[1:3], other, *AGENCIES[4:]) == [
        (
            "jurisdiction.changed", "idaho-state-police", ("name",), "IDAHO · Idaho State Police · Task Force Model",
            "IDAHO · Idaho State Police · Jail Enforcement Model", Severity.MINOR,
        )
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "severity"),
    [
        ("link pending", "link", Severity.MINOR),
        ("link", "link | addendum", Severity.MINOR),
        ("", "PDF", Severity.MINOR),
        ("link", "withdrawn", Severity.MAJOR),
        ("link", "LINK", Severity.COSMETIC),
    ],
)
def test_a_cell_that_only_leads_to_a_document_is_minor(old: str, new: str, severity: Severity) -> None:
    before, after = (read(table(("State", "MOA"), ("Iowa", cell), ("Ohio", "link"))) for cell in (old, new))
    assert [(c.kind, c.severity) for c in diff(before, after)] == [("jurisdiction.changed", severity)]


# ---------------------------------------------------------------- CSV


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_by_any_delimiter_and_line_end(mark: str, end: str) -> None:
    text = end.join([f"a{mark}b", f'1{mark}"x{mark}y"', ""])
    document = read("\ufeff" + text, "text/csv")
    assert document.choices["header"] == ["a", "b"]
    assert cells(document) == [["1", f"x{mark}y".replace("\t", " ")]]


def test_csv_is_known_by_its_looks_or_its_address() -> None:
    assert cells(read("a,b\n1,2\n", "")) == [["1", "2"]]
    assert cells(read("a,b\n1,2\n", "application/octet-stream")) == [["1", "2"]]
    assert cells(read("a\tb\n1\t2\n", "text/tab-separated-values")) == [["1", "2"]]
    assert cells(read("a|b\n1|2\n", "text/plain")) == [["1", "2"]]
    named = replace(capture("a;b\n1;2\n"), url=PAGE + ".csv")
    assert cells(Table(TableOptions()).extract(named, {})) == [["1", "2"]]


# ---------------------------------------------------------------- JSON


def test_json_at_a_path_or_the_first_list_of_objects() -> None:
    body = json.dumps({"meta": {"tags": ["x"]}, "a": [{"n": 1}], "b": {"c": [{"n": 2}]}})
    assert cells(read(body, "application/json")) == [[1]]
    assert cells(read(body, "application/json", items="b.c")) == [[2]]
    assert cells(read('[{"n": 3}, 4, {"m": {"deep": ["x"]}}]', "")) == [[3, None], [None, '{"deep": ["x"]}']]


def test_numbers_that_nothing_can_carry_are_text() -> None:
    body = '[{"n": NaN, "i": -Infinity, "big": 123456789012345678901234567890, "x": 1e999, "ok": -2.5}]'
    document = read(body, "application/json")
    assert cells(document) == [["nan", "-inf", "123456789012345678901234567890", "inf", -2.5]]
    assert diff(document, read(body, "application/json")) == ()


def test_zero_and_false_are_keys_of_their_own() -> None:
    body = '[{"id": 0}, {"id": false}, {"id": null}, {"id": ""}, {"id": 1}]'
    assert list(read(body, "application/json", key="id").records) == ["0", "False", "", "#2", "1"]


# ---------------------------------------------------------------- what is not there


@pytest.mark.parametrize(
    ("body", "content_type", "options", "said"),
    [
        ("<p>Moved.</p>", "text/html", {}, "expected a page with a table, found none"),
        ("<p>Moved.</p>", "text/html", {"select": "#x"}, "select: nothing on the page matches '#x'"),
        ("<p id=x>Moved.</p>", "text/html", {"select": "#x"}, "expected a page with a table, found none in '#x'"),
        ("<table></table>", "text/html", {}, "expected a table with rows, found a table without any"),
        (" \n\n", "text/csv", {}, "expected a CSV file with rows, found none"),
        ("{}", "application/json", {}, "expected a list of objects somewhere"),
        ('{"a": 1}', "application/json", {"items": "a.b"}, "expected a list of objects at 'a.b'"),
    ],
)
def test_what_is_sound_and_holds_no_table(body: str, content_type: str, options: dict[str, Any], said: str) -> None:
    adapter = Table(TableOptions(**options))
    for use in (lambda it: adapter.extract(it, {}), adapter.fingerprint):
        with pytest.raises(NothingThere) as caught:
            use(capture(body, content_type))
        assert str(caught.value) == said


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        ("{", "application/json", "expected JSON, found "),
        ("[" * 100_000, "application/json", "expected JSON, found "),
        ('a,b\n1,"' + "x" * 1_000_001, "text/csv", "expected CSV, found field larger than field limit"),
        ("<div>" * 100_000 + "<table><tr><td>1", "text/html", "expected a page of elements nested at most 2,000 deep"),
        ("<table><tr>" + "<td colspan=1000>x" * 2_100, "text/html", "expected a table of at most 2,000,000 cells"),
        (
            "<table><tr><td colspan=1000>x" + "<tr><td>y" * 2_100,
            "text/html",
            "expected a table of at most 2,000,000 cells",
        ),
        ("," * 1_500 + "a\n" + "1,\n" * 1_500, "text/csv", "expected a table of at most 2,000,000 cells"),
        (json.dumps([{str(n): n} for n in range(1_500)]), "application/json", "expected a table of at most 2,000,000"),
    ],
    ids=lambda value: value[:12] if isinstance(value, str) else None,
)
def test_what_cannot_be_read_says_why(body: str, content_type: str, said: str) -> None:
    with pytest.raises(NotReadable) as caught:
        read(body, content_type)
    assert str(caught.value).startswith(said)
    assert not isinstance(caught.value, NothingThere)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<table>",
                "<tr>",
                "<td rowspan=3>",
                "<th colspan=2>",
                "x",
                "</table>",
                "<thead>",
                "<tbody>",
                "<a href=/y>",
                "<script>",
                "</script>",
                "<template>",
                "&nbsp;",
                "<p>",
            ]
        ),
        max_size=30,
    ).map("".join)
    | st.text('{}[]",:1a\n<', max_size=30),
    st.sampled_from(["text/html", "text/csv", "application/json", ""]),
)
def test_whatever_comes_is_read_or_refused(body: str, content_type: str) -> None:
    try:
        document = read(body, content_type)
    except NotReadable:
        return
    width = len(document.choices["header"])
    assert all(len(record.fields) == width for record in document.records.values())


# ---------------------------------------------------------------- links and the fingerprint


def test_links_of_cells_are_read_with_their_addresses() -> None:
    page = table(
        ("a", "b"), ('<a href="/1.pdf"> One\n two </a>', '<a href="mailto:x@y.example">m</a><a href="#z">z</a>')
    )
    assert [tuple(link) for link in read(page).links] == [("One two", "https://agency.example/1.pdf")]


PAGES = [
    table(("a", "b"), ("1", "2")),
    table(("a", "b"), ("1", "3")),
    table(("a", "c"), ("1", "2")),
    table(("a", "b"), ("1", "<a href=/x>2</a>")),
    table(("a", "b"), ("1", "<a href=/y>2</a>")),
    table(("a", "b"), ("1", "2"), ("3", "4")),
]


def test_each_difference_that_is_read_differs_in_the_fingerprint() -> None:
    adapter = Table(TableOptions())
    assert len({adapter.fingerprint(capture(page)) for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize("page", [*PAGES, table(("a", "b"), ("1<p>x", "2<script>var now = 17;</script>"))])
def test_the_fingerprint_of_a_page_is_always_the_same(page: str) -> None:
    adapter = Table(TableOptions())
    first = adapter.fingerprint(capture(page))
    adapter.extract(capture(page), {})
    assert adapter.fingerprint(capture(page)) == first
    assert adapter.fingerprint(capture(page), first) == first
    grid.html_grid.cache_clear()
    assert adapter.fingerprint(capture(page)) == first


@pytest.mark.parametrize(
    "noise", ["<!-- {} -->", "<script>{}</script>", "<STYLE media=print>{}</STYLE >", "<!--[if IE]>{}<![endif]-->"]
)
def test_what_is_not_read_keeps_the_known_fingerprint(noise: str) -> None:
    adapter = Table(TableOptions())
    known = adapter.fingerprint(capture(noise.format(1) + PAGES[0]))
    for page in (noise.format(2) + PAGES[0], PAGES[0] + "<p>Visitor 17</p>", PAGES[0].replace("<td>", "<td class=x> ")):
        assert adapter.fingerprint(capture(page), known) == known


@pytest.mark.parametrize(
    "around",
    [
        "<!-->{}<!-- x -->",
        "<!--->{}<!-- x -->",
        "<!-- x --!>{}<!-- y -->",
        "<!--[if !IE]><!-->{}<!--<![endif]-->",
        "<script>'<!--'</script>{}<!-- x -->",
        "<style></style>{}<style></style>",
        "<input type=hidden>{}<input type=hidden>",
    ],
)
def test_what_is_read_is_never_taken_for_noise(around: str) -> None:
    adapter = Table(TableOptions())
    known = adapter.fingerprint(capture(around.format(PAGES[0])))
    assert adapter.fingerprint(capture(around.format(PAGES[1])), known) != known
