"""Two documents in, typed changes out: the laws of diff, and each kind of change on documents made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Block, Change, Document, Link, Record, Severity, Span, Subject, Value
from watcher.diff import about, change, diff
from watcher.matching import keys_of
from watcher.places import resolve

AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
LATER = AT + timedelta(minutes=10)
HEADER = ("place", "held", "note")
CLARK, COOK, CAMPBELL = resolve("Clark County, Nev."), resolve("Cook County, IL"), resolve("Campbell County, Ky.")
SENTENCES = (
    "The sheriff said the jail would no longer honor requests without a warrant.",
    "Twelve people were held past their release dates in January.",
    "A spokeswoman for the agency declined to comment on pending litigation.",
)


def before(**given_: Any) -> Document:
    standing: dict[str, Any] = {
        "source": "list",
        "kind": "table",
        "snapshot": "s1",
        "at": AT,
        "url": "https://a.example",
    }
    return Document(**standing | given_)


def after(**given_: Any) -> Document:
    return before(**{"snapshot": "s2", "at": LATER} | given_)


def table(*rows: tuple[Value, ...], header: Sequence[str] = HEADER) -> dict[str, Any]:
    """Records as the table adapter makes them, keyed by the first column."""
    keys = keys_of(row[:1] for row in rows)
    records = {key: Record(key, dict(zip(header, row, strict=True))) for key, row in zip(keys, rows, strict=True)}
    return {"records": records, "choices": {"header": list(header), "key": [header[0]]}}


def places(*rows: tuple[str, Subject, Mapping[str, Value]]) -> dict[str, Any]:
    """Records as the jurisdiction list makes them, keyed by the place's id."""
    return {
        "kind": "jurisdiction-list",
        "records": {place.id: Record(place.id, {"name": name, **facts}, None, place) for name, place, facts in rows},
    }


def prose(*texts: str, notes: Sequence[str] = ()) -> dict[str, Any]:
    blocks = (*(Block("paragraph", text) for text in texts), *(Block("note", note) for note in notes))
    return {"kind": "article", "blocks": blocks}


def told(changes: Sequence[Change]) -> list[tuple[str, str, tuple[str, ...], Any, Any]]:
    return [(change.kind, change.subject.id, change.path, change.old, change.new) for change in changes]


# ---------------------------------------------------------------- laws

VALUES = st.none() | st.booleans() | st.integers(-9, 99) | st.text("aB1.5- ", max_size=5)
ROWS = st.lists(st.tuples(st.text("abcXYZ 19é", min_size=1, max_size=5), VALUES, VALUES), max_size=7)
UNIQUE = st.lists(
    st.tuples(st.text("abcXYZ 19é", min_size=1, max_size=5), VALUES, VALUES), max_size=7, unique_by=lambda row: row[0]
)
TEXTS = st.lists(st.sampled_from(SENTENCES) | st.text("ab. ", min_size=1, max_size=6), max_size=5)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    made = prose(*draw(TEXTS), notes=draw(TEXTS)) | table(*draw(ROWS), header=draw(st.permutations(HEADER)))
    links = draw(
        st.lists(st.builds(Link, st.sampled_from("ab"), st.sampled_from(["https://a.example/1", "https://b.example"])))
    )
    mentions = draw(st.lists(st.sampled_from([CLARK, COOK, CAMPBELL]), unique=True))
    meta = draw(st.dictionaries(st.sampled_from(["headline", "byline", "title"]), st.text("ab", max_size=2)))
    kind = draw(st.sampled_from(["table", "page", "article"]))
    return before(**made | {"kind": kind}, links=tuple(links), mentions=tuple(mentions), meta=meta)


@given(documents())
def test_a_document_does_not_differ_from_itself(document: Document) -> None:
    assert diff(document, document) == ()
    assert diff(document, replace(document, snapshot="s2", at=LATER)) == ()


@given(documents(), documents())
def test_the_same_documents_give_the_same_changes_with_ids_of_their_own(one: Document, other: Document) -> None:
    changes = diff(one, replace(other, snapshot="s2"))
    assert changes == diff(one, replace(other, snapshot="s2"))
    assert len({change.id for change in changes}) == len(changes)
    assert all(change.old != change.new or change.kind == "page.redesigned" for change in changes)


@given(documents(), documents())
def test_changes_back_are_other_changes(one: Document, other: Document) -> None:
    there, back = (
        diff(one, replace(other, snapshot="s2")),
        diff(replace(other, snapshot="s2"), replace(one, snapshot="s3")),
    )
    assert bool(there) == bool(back)
    assert not {change.id for change in there} & {change.id for change in back}


def applied(records: Mapping[str, Mapping[str, Value]], changes: Sequence[Change]) -> dict[str, dict[str, Value]]:
    """Do to the records what the changes say was done to them, knowing nothing else."""
    done = {key: dict(fields) for key, fields in records.items()}
    for edit in changes:
        if edit.path[0] != "records":
            continue
        key, *field = edit.path[1:]
        if field == ["name"]:
            new = edit.subject.id.removeprefix("record:")
            done[new] = done.pop(key) | {HEADER[0]: new}
        elif field:
            assert done[key][field[0]] == edit.old
            done[key][field[0]] = edit.new
        elif edit.new is None:
            assert done.pop(key) == edit.old
        else:
            done[key] = edit.new
    return done


@given(UNIQUE, UNIQUE, st.data())
def test_changes_applied_to_the_old_records_give_the_new(
    old: list[tuple[Value, ...]], new: list[tuple[Value, ...]], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.sampled_from(old), unique_by=lambda row: row[0])) if old else []
    new = [*kept, *(row for row in new if row[0] not in {row[0] for row in kept})]
    one, other = before(**table(*old)), after(**table(*new))
    fields = {key: record.fields for key, record in one.records.items()}
    assert applied(fields, diff(one, other)) == {key: record.fields for key, record in other.records.items()}


@given(ROWS, st.data())
def test_a_new_order_is_no_change(rows: list[tuple[Value, ...]], data: st.DataObject) -> None:
    # Which of two rows that share a key is first has no meaning either.
    assert diff(before(**table(*rows)), after(**table(*data.draw(st.permutations(rows))))) == ()


# ---------------------------------------------------------------- what every change carries


def test_a_change_carries_its_place_in_time() -> None:
    (found,) = diff(before(**table(("Dallas", 4, ""))), after(**table(("Dallas", 5, ""))))
    assert (found.source, found.before, found.snapshot, found.last_seen, found.at) == ("list", "s1", "s2", AT, LATER)
    assert found.summary == "Dallas: held 4 → 5"
    seen = AT + timedelta(minutes=5)
    (found,) = diff(before(**table(("Dallas", 4, ""))), after(**table(("Dallas", 5, ""))), last_seen=seen)
    assert found.last_seen == seen


def test_the_same_change_later_has_another_id() -> None:
    one, other = before(**table(("Dallas", 4, ""))), after(**table(("Dallas", 5, "")))
    (first,), (back,) = diff(one, other), diff(other, replace(one, snapshot="s3"))
    (again,) = diff(replace(one, snapshot="s3"), replace(other, snapshot="s4"))
    assert len({first.id, back.id, again.id}) == 3


def test_the_id_is_the_hash_of_the_contract() -> None:
    import hashlib
    import json

    (found,) = diff(before(**table(("Dallas", 4, ""))), after(**table(("Dallas", 5, ""))))
    identity = ["list", "s1", "s2", "record.changed", "record:Dallas", ["records", "Dallas", "held"], 4, 5]
    assert found.id == hashlib.sha256(json.dumps(identity, separators=(",", ":")).encode()).hexdigest()


def test_a_change_of_the_page_as_a_whole() -> None:
    gone = change(about("list", "page.gone", new="HTTP 404"), "list", at=AT, last_seen=None, snapshot="s1", before=None)
    assert (gone.kind, gone.subject.id, gone.path, gone.severity) == (
        "page.gone",
        "source:list",
        ("state",),
        Severity.MAJOR,
    )
    assert gone.summary == "Page gone: list (HTTP 404)"


# ---------------------------------------------------------------- rows


def test_equal_rows_are_numbered_from_the_second_on() -> None:
    one = before(**table(("Dallas", 4, ""), ("Dallas", 4, "")))
    other = after(**table(("Dallas", 4, ""), ("Dallas", 4, ""), ("Dallas", 4, ""), ("Dallas", 4, "")))
    found = diff(one, other)
    assert [change.path for change in found] == [("records", "Dallas#3"), ("records", "Dallas#4")]
    assert {(change.kind, change.subject.id, change.subject.name) for change in found} == {
        ("record.added", "record:Dallas#3", "Dallas"),
        ("record.added", "record:Dallas#4", "Dallas"),
    }
    assert [change.kind for change in diff(other, one)] == ["record.removed", "record.removed"]


def test_a_name_that_ends_like_a_number_is_shown_whole() -> None:
    (found,) = diff(before(**table()), after(**table(("Apt#2", 4, ""))))
    assert found.subject == Subject("record:Apt#2", "Apt#2")


@pytest.mark.parametrize(
    ("old", "new", "severity"),
    [
        (4, 5, Severity.MAJOR),
        ("4", "5", Severity.MAJOR),
        ("1,204", "$1,240.50", Severity.MAJOR),
        ("-4", "4", Severity.MAJOR),
        ("12%", "13%", Severity.MAJOR),
        (True, False, Severity.MAJOR),
        ("4", "none", Severity.MINOR),
        (None, 4, Severity.MINOR),
        ("held", "freed", Severity.MINOR),
        ("2017-02-10", "2017-02-11", Severity.MINOR),
        ("1,204", "1204", Severity.COSMETIC),
        ("Held", "held.", Severity.COSMETIC),
        ("donâ€™t", "don’t", Severity.COSMETIC),
    ],
)
def test_how_much_a_cell_matters(old: Value, new: Value, severity: Severity) -> None:
    (found,) = diff(before(**table(("Dallas", old, ""))), after(**table(("Dallas", new, ""))))
    assert found.severity is severity


def test_words_struck_and_added_come_with_texts_only() -> None:
    (text,) = diff(before(**table(("Dallas", "held two", ""))), after(**table(("Dallas", "held ten", ""))))
    assert text.spans == (Span("=", "held "), Span("-", "two"), Span("+", "ten"))
    (number,) = diff(before(**table(("Dallas", 2, ""))), after(**table(("Dallas", 10, ""))))
    assert number.spans == ()


def test_a_renamed_record_is_one_change_under_its_old_key() -> None:
    (found,) = diff(before(**table(("Harbor St.", 4, "a"))), after(**table(("North Annex", 4, "a"))))
    assert told([found]) == [
        ("record.changed", "record:North Annex", ("records", "Harbor St.", "name"), "Harbor St.", "North Annex")
    ]
    assert found.severity is Severity.MINOR
    assert found.summary == "Renamed: Harbor St. → North Annex"
    (respelled,) = diff(before(**table(("Harbor St.", 4, "a"))), after(**table(("HARBOR ST", 4, "a"))))
    assert respelled.severity is Severity.COSMETIC


def test_two_that_could_be_the_one_renamed_are_added() -> None:
    found = diff(before(**table(("Dallas", 4, "a"))), after(**table(("Omaha", 4, "a"), ("Tulsa", 4, "a"))))
    assert [change.kind for change in found] == ["record.added", "record.added", "record.removed"]


# ---------------------------------------------------------------- columns


def test_a_renamed_column_is_said_once() -> None:
    one = before(**table(*((f"Office {n}", n, "x") for n in range(9))))
    other = after(**table(*((f"Office {n}", n, "x") for n in range(9)), header=("place", "detained", "note")))
    (found,) = diff(one, other)
    assert told([found]) == [
        ("page.text", "source:list", ("meta", "header"), "place | held | note", "place | detained | note")
    ]
    edited: dict[str, Value] = {"place": "Office 0", "detained": 5, "note": "x"}
    records = {**other.records, "Office 0": Record("Office 0", edited)}
    header, row = diff(one, replace(other, records=records))
    assert (row.kind, row.path, row.old, row.new) == ("record.changed", ("records", "Office 0", "detained"), 0, 5)
    assert header.kind == "page.text"


def test_the_key_columns_new_name_is_no_change_of_the_rows() -> None:
    one = before(**table(("Dallas", 4, "a"), ("Miami", 5, "b")))
    other = after(**table(("Dallas", 4, "a"), ("Miami", 5, "b"), header=("office", "held", "note")))
    assert [change.kind for change in diff(one, other)] == ["page.text"]


def test_columns_in_another_order_are_cosmetic() -> None:
    one = before(**table(("Dallas", 4, "a"), ("Dallas", 5, "b")))
    other = after(**table(("Dallas", "b", 5), ("Dallas", "a", 4), header=("place", "note", "held")))
    (found,) = diff(one, other)
    assert (found.path, found.severity) == (("meta", "header"), Severity.COSMETIC)


def test_a_header_in_capitals_is_cosmetic() -> None:
    (found,) = diff(
        before(**table(("Dallas", 4, "a"))), after(**table(("Dallas", 4, "a"), header=("PLACE", "HELD", "NOTE")))
    )
    assert found.severity is Severity.COSMETIC


def test_a_table_that_shares_no_column_is_a_redesign_and_nothing_else() -> None:
    link = {"links": (Link("next", "https://a.example/2"),)}
    one = before(**table(("Dallas", 4, "a")))
    other = after(**table(("x", "y"), header=("when", "what")), **link)
    (found,) = diff(one, other)
    assert told([found]) == [("page.redesigned", "source:list", ("records",), list(HEADER), ["when", "what"])]


# ---------------------------------------------------------------- places


def test_listed_and_delisted() -> None:
    listed, delisted = diff(
        before(**places(("Clark County, Nev.", CLARK, {}))), after(**places(("Cook County, IL", COOK, {})))
    )
    assert told([listed, delisted]) == [
        ("jurisdiction.listed", "us-county:17031", ("records", COOK.id), None, {"name": "Cook County, IL"}),
        ("jurisdiction.delisted", "us-county:32003", ("records", CLARK.id), {"name": "Clark County, Nev."}, None),
    ]
    assert listed.severity is delisted.severity is Severity.MAJOR
    assert (listed.summary, delisted.summary) == ("Listed: Cook County, Ill.", "Dropped: Clark County, Nev.")


def test_what_is_said_of_a_place_changed() -> None:
    one = before(**places(("Clark", CLARK, {"policy": "declines all"})))
    (found,) = diff(one, after(**places(("Clark", CLARK, {"policy": "honors all"}))))
    assert told([found]) == [
        ("jurisdiction.changed", CLARK.id, ("records", CLARK.id, "policy"), "declines all", "honors all")
    ]
    assert found.severity is Severity.MAJOR


def test_a_known_place_in_another_spelling_is_cosmetic() -> None:
    one = before(**places(("Clark County, Nev.", CLARK, {})))
    (found,) = diff(one, after(**places(("Clark County (NV)", resolve("Clark County (NV)"), {}))))
    assert (found.kind, found.path[-1], found.severity) == ("jurisdiction.changed", "name", Severity.COSMETIC)


def test_a_misspelled_county_put_right_is_one_minor_change() -> None:
    wrong = resolve("Cambell County, KY")
    assert wrong.id.startswith("place:")
    (found,) = diff(
        before(**places(("Cambell County, KY", wrong, {}))), after(**places(("Campbell County, Ky.", CAMPBELL, {})))
    )
    path = ("records", wrong.id, "name")
    assert told([found]) == [("jurisdiction.changed", CAMPBELL.id, path, wrong.name, "Campbell County, Ky.")]
    assert found.severity is Severity.MINOR


def test_the_same_row_under_a_county_of_that_name_in_another_state_is_reattributed() -> None:
    iowa, york = resolve("Franklin County, Iowa"), resolve("Franklin County, N.Y.")
    facts = {"detainee": "arrested for assault", "date": "2017-02-04"}
    (found,) = diff(
        before(**places(("Franklin County, Iowa", iowa, facts))),
        after(**places(("Franklin County, N.Y.", york, facts))),
    )
    path = ("records", "us-county:19069", "name")
    assert told([found]) == [
        ("jurisdiction.reattributed", "us-county:36033", path, "Franklin County, Iowa", "Franklin County, N.Y.")
    ]
    assert found.severity is Severity.MAJOR


def test_the_same_key_with_another_place_is_reattributed_and_says_what_else_changed() -> None:
    iowa, york = resolve("Franklin County, Iowa"), resolve("Franklin County, N.Y.")
    choices = {"header": ["case", "county", "state", "held"], "key": ["case"], "places": ["county", "state"]}

    def row(state: str, held: int, place: Subject) -> dict[str, Any]:
        fields: dict[str, Value] = {"case": "17", "county": "Franklin", "state": state, "held": held}
        return {"records": {"17": Record("17", fields, None, place)}, "choices": choices}

    moved, held = diff(before(**row("Iowa", 1, iowa)), after(**row("N.Y.", 2, york)))
    assert (moved.kind, moved.old, moved.new) == ("jurisdiction.reattributed", iowa.name, york.name)
    assert told([held]) == [("jurisdiction.changed", york.id, ("records", "17", "held"), 1, 2)]


def test_two_known_places_are_never_taken_for_one() -> None:
    one, other = resolve("Kent County, Mich."), resolve("Kent County, Md.")
    found = diff(before(**places(("Kent", one, {}))), after(**places(("Kent", other, {}))))
    assert [change.kind for change in found] == ["jurisdiction.listed", "jurisdiction.delisted"]


# ---------------------------------------------------------------- prose


@given(st.permutations(SENTENCES))
def test_paragraphs_that_moved_are_no_change(moved: list[str]) -> None:
    assert diff(before(**prose(*SENTENCES)), after(**prose(*moved))) == ()


def test_paragraphs_split_or_merged_are_cosmetic() -> None:
    one, other = before(**prose(*SENTENCES)), after(**prose(" ".join(SENTENCES[:2]), SENTENCES[2]))
    for found in (diff(one, other), diff(other, one)):
        assert [change.severity for change in found] == [Severity.COSMETIC]


def test_an_edited_paragraph_is_one_change_with_its_words() -> None:
    new = SENTENCES[1].replace("Twelve", "Fourteen")
    (found,) = diff(before(**prose(*SENTENCES)), after(**prose(SENTENCES[0], new, SENTENCES[2])))
    assert told([found]) == [("article.text", "source:list", ("blocks",), SENTENCES[1], new)]
    assert found.spans[:2] == (Span("-", "Twelve"), Span("+", "Fourteen"))
    assert found.severity is Severity.MINOR
    page = diff(before(**prose(*SENTENCES) | {"kind": "page"}), after(**prose(SENTENCES[0], new) | {"kind": "page"}))
    assert {change.kind for change in page} == {"page.text"}


def test_curly_quotes_in_a_paragraph_are_cosmetic() -> None:
    (found,) = diff(before(**prose('He said "don\'t".')), after(**prose("He said “don’t”.")))
    assert found.severity is Severity.COSMETIC


def test_a_notice_is_news_of_its_own() -> None:
    note = "Correction: an earlier version gave the wrong county."
    (found,) = diff(before(**prose(*SENTENCES)), after(**prose(*SENTENCES, notes=[note])))
    assert told([found]) == [("article.note", "source:list", ("blocks",), None, note)]
    assert found.severity is Severity.MAJOR


def test_headline_and_byline() -> None:
    one = before(kind="article", meta={"headline": "Jail holds 12", "byline": "A. Reporter", "title": "x"})
    other = after(kind="article", meta={"headline": "Jail holds 14", "byline": None, "title": "y"})
    headline, byline = diff(one, other)
    assert (headline.kind, headline.old, headline.new) == ("article.headline", "Jail holds 12", "Jail holds 14")
    assert (headline.subject.name, headline.severity) == ("Jail holds 14", Severity.MAJOR)
    assert (byline.kind, byline.old, byline.new, byline.spans) == ("article.byline", "A. Reporter", None, ())


def test_the_title_of_a_page_is_text_of_it() -> None:
    (found,) = diff(before(kind="page", meta={"title": "Holds"}), after(kind="page", meta={"title": "Detainers"}))
    assert told([found]) == [("page.text", "source:list", ("meta", "title"), "Holds", "Detainers")]
    assert diff(before(kind="table", meta={"title": "Holds"}), after(kind="table", meta={"title": "Detainers"})) == ()


def test_places_newly_and_no_longer_named() -> None:
    found = diff(before(mentions=(CLARK, COOK)), after(mentions=(COOK, CAMPBELL)))
    assert told(found) == [
        ("article.mentions", CAMPBELL.id, ("mentions",), None, "Campbell County, Ky."),
        ("article.mentions", CLARK.id, ("mentions",), "Clark County, Nev.", None),
    ]
    assert diff(before(mentions=(CLARK, COOK)), after(mentions=(COOK, CLARK))) == ()


# ---------------------------------------------------------------- links


def links(kind: str, old: Sequence[tuple[str, str]], new: Sequence[tuple[str, str]]) -> tuple[Change, ...]:
    return diff(
        before(kind=kind, links=tuple(Link(*one) for one in old)),
        after(kind=kind, links=tuple(Link(*one) for one in new)),
    )


def test_links_that_came_went_or_lead_elsewhere() -> None:
    old = [("report", "https://a.example/1.pdf"), ("map", "https://a.example/map"), ("home", "https://a.example/")]
    new = [("home", "https://a.example/"), ("report", "https://a.example/2.pdf"), ("data", "https://a.example/data")]
    assert [(change.old, change.new, change.severity) for change in links("page", old, new)] == [
        ("https://a.example/1.pdf", "https://a.example/2.pdf", Severity.MINOR),
        (None, "https://a.example/data", Severity.MINOR),
        ("https://a.example/map", None, Severity.MINOR),
    ]


def test_an_address_that_differs_in_a_hyphen_is_another() -> None:
    (found,) = links(
        "page", [("report", "https://a.example/re-port.pdf")], [("report", "https://a.example/re/port.pdf")]
    )
    assert found.severity is Severity.MINOR


@pytest.mark.parametrize("kind", ["table", "article", "jurisdiction-list"])
def test_links_are_cosmetic_where_they_are_not_what_the_reader_came_for(kind: str) -> None:
    found = links(kind, [("a", "https://a.example/1")], [("b", "https://a.example/2")])
    assert [change.severity for change in found] == [Severity.COSMETIC, Severity.COSMETIC]


def test_a_link_with_other_words_or_in_another_place_is_no_change() -> None:
    old, new = (
        [("a", "https://a.example/1"), ("b", "https://b.example")],
        [("b", "https://b.example"), ("c", "https://a.example/1")],
    )
    assert links("page", old, new) == ()
