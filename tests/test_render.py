"""Rendering: what messages say, that splitting loses nothing, and that no page can break a format."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Change, Line, Run, Severity, Span, Subject, content_id
from watcher.render import as_html, as_markdown, as_text, body, cut, entities, longest, message_lines, split, utf16
from watcher.render.edits import LONGEST_LINE, text_runs
from watcher.summary import on_page, summarise
from watcher.wording import words

AT = datetime(2017, 3, 20, 21, 10, tzinfo=UTC)
LA = ZoneInfo("America/Los_Angeles")
REF = "0123456789abcdef"


def change(
    kind: str,
    name: str,
    old: Any = None,
    new: Any = None,
    *,
    path: Sequence[str] = (),
    severity: Severity = Severity.MAJOR,
    returned: bool = False,
    last_seen: datetime | None = AT - timedelta(minutes=10),
    source: str = "ice",
    page: int = 0,
) -> Change:
    subject = Subject(f"record:{name}", name)
    path = tuple(path) or ("records", name)
    return Change(
        id=content_id(kind, name, path, old, new),
        source=source,
        at=AT,
        last_seen=last_seen,
        kind=kind,
        severity=severity,
        subject=subject,
        path=path,
        old=old,
        new=new,
        summary=on_page(summarise(kind, subject, path, old, new), page),
        snapshot="s2",
        before="s1",
        spans=words(old, new) if isinstance(old, str) and isinstance(new, str) else (),
        returned=returned,
    )


def edited(name: str, field: str, old: Any, new: Any, **rest: Any) -> Change:
    return change(rest.pop("kind", "record.changed"), name, old, new, path=("records", name, field), **rest)


def told(*changes: Change) -> list[str]:
    return as_text(tuple(entry.line for entry in body(changes))).split("\n")


def message(*changes: Change, live: str = "https://www.ice.gov/x", stored: str = "watcher show ice --at T") -> str:
    pages = {change.source: live for change in changes if live}
    return as_text(message_lines(changes, pages=pages, stored=stored, zone=LA, ref=REF))


# ---------------------------------------------------------------- what is said


def test_a_whole_message() -> None:
    text = message(
        edited(
            "Franklin County, Pa.", "Criteria", "none", "warrant", kind="jurisdiction.changed", severity=Severity.MINOR
        ),
        change("jurisdiction.delisted", "Nassau County, N.Y.", {"County": "Nassau"}),
        change("jurisdiction.listed", "Clark County, Nev.", None, {"County": "Clark", "date_enacted": "May 2014"}),
        change("jurisdiction.listed", "Cook County, Ill.", None, {"County": "Cook"}, returned=True),
    )
    assert text.split("\n") == [
        "2 jurisdictions listed: Clark County, Nev.; Cook County, Ill. (was there before)",
        "  Clark County, Nev.: date enacted: May 2014",
        "1 jurisdiction dropped: Nassau County, N.Y.",
        "Franklin County, Pa.: Criteria none → warrant",
        "ice · seen between 14:00 and 14:10 PDT on March 20, 2017",
        "Live page <https://www.ice.gov/x>",
        "Stored copy: watcher show ice --at T",
        f"ref {REF}",
    ]


def test_the_stored_copy_may_be_a_page() -> None:
    text = message(change("page.gone", "A page"), live="", stored="https://watch.example.org/change/1")
    assert "Stored copy <https://watch.example.org/change/1>" in text
    assert "Live page" not in text


def test_a_corrected_figure_in_a_corrected_report() -> None:
    figure = edited("Montgomery County, Iowa", "issued_detainers", 12, 0, kind="jurisdiction.changed")
    assert told(figure) == ["Montgomery County, Iowa: issued detainers 12 → 0"]
    assert told(figure, change("report.corrected", "Jan. 28–Feb. 3, 2017", severity=Severity.MINOR)) == [
        "Report corrected: Jan. 28–Feb. 3, 2017",
        "Figure corrected: Montgomery County, Iowa: issued detainers 12 → 0",
    ]


def test_rows_of_a_report_are_told_by_section() -> None:
    def row(kind: str, section: str, name: str, page: int) -> Change:
        old, new = ({"Held": 1}, None) if kind.endswith("delisted") else (None, {"Held": 1})
        return change(kind, name, old, new, path=("sections", section, name), page=page)

    assert told(
        row("jurisdiction.delisted", "I", "Clark", 2),
        row("jurisdiction.listed", "I", "Cook", 3),
        row("jurisdiction.listed", "I", "Elko", 4),
        *(row("jurisdiction.delisted", "II", "Travis County Jail", 5) for _ in range(6)),
    ) == [
        "2 jurisdictions listed in section I: Cook (page 3); Elko (page 4)",
        "  Cook: Held: 1",
        "  Elko: Held: 1",
        "1 jurisdiction dropped from section I (page 2): Clark",
        "  Held: 1",
        "6 rows dropped from section II (page 5): Travis County Jail (6 rows)",
    ]


def test_a_field_and_a_text_say_their_page() -> None:
    path = ("sections", "III", "Travis", "Policy")
    assert told(change("jurisdiction.changed", "Travis", "A", "B", path=path, page=12)) == [
        "Travis: Policy A → B (page 12)"
    ]
    assert told(change("page.text", "x", "One thing", "One more thing", path=("blocks",), page=3)) == [
        "Text changed: One {+more +}thing (page 3)"
    ]


def test_a_scan_is_told_by_its_digest() -> None:
    assert told(change("page.text", "A memo", "0" * 64, "1" * 64, path=("meta", "sha256"))) == [
        "Document changed: A memo (its text is not readable; SHA-256 111111111111…)"
    ]


def test_an_article_is_told_as_one_update_then_part_by_part() -> None:
    long = "The department released the report on Monday and named many jurisdictions. " * 3
    assert told(
        change("article.text", "a", None, "Last week, the judge wrote.", severity=Severity.MINOR),
        change("article.text", "a", None, "A second one.", severity=Severity.MINOR),
        change("article.text", "a", f"{long}end", f"{long}finish", severity=Severity.MINOR),
        change("article.note", "a", None, "UPDATE: with the letter."),
    ) == [
        "Article updated: note added, 2 paragraphs added, paragraph changed",
        "Note added: “UPDATE: with the letter.”",
        "Paragraph added: “Last week, the judge wrote.”",
        "Paragraph added: “A second one.”",
        "Paragraph changed: … the report on Monday and named many jurisdictions. [-end-] {+finish+}",
    ]


def test_mentions_are_counted_by_direction() -> None:
    assert told(
        change("article.mentions", "Cook County, Ill.", None, "Cook"),
        change("article.mentions", "Clark County, Nev.", "Clark", None),
        change("article.mentions", "Nassau County, N.Y.", None, "Nassau"),
    ) == [
        "2 jurisdictions newly mentioned: Cook County, Ill.; Nassau County, N.Y.",
        "1 jurisdiction no longer mentioned: Clark County, Nev.",
    ]


def test_many_names_are_counted_whole_and_named_in_part() -> None:
    rows = [
        change("record.added", f"DD{number}", None, {"Number": f"DD{number}", "Title": "x"}) for number in range(50)
    ]
    (line,) = told(*rows)
    assert line.startswith("50 rows added: DD0; DD1; ")
    assert line.endswith("; DD39 and 10 more")


def test_one_phrase_edited_into_many_rows_is_one_line() -> None:
    note = " (This form is controlled; ask the office for it)"
    rows = [
        edited(f"DD{number}", "Title", f"Form {number} of the armed services of the United States of America",
               f"Form {number} of the armed services of the United States of America{note}", severity=Severity.MINOR)
        for number in range(2023, 2055)
    ]  # fmt: skip
    named = ", ".join(f"DD{number}" for number in range(2023, 2033))
    date = edited("DD2168", "Edition Date", "4/1/2010", "3/19/2010", severity=Severity.MINOR)
    assert told(*rows[:16], date, *rows[16:]) == [
        f"Same edit in 32 rows: “{note.strip()}” added to Title: {named} and 22 more",
        "DD2168: Edition Date 4/1/2010 → 3/19/2010",
    ]
    assert sum(entry.changes for entry in body(rows)) == 32
    assert len(told(*rows[:2])) == 2


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("4/1/2010", "3/19/2010", "Same edit in 3 rows: Date 4/1/2010 → 3/19/2010: a, b, c"),
        ("A&S", "P&R", "Same edit in 3 rows: Date A&S → P&R: a, b, c"),
        ("a form (controlled form)", "a form", "Same edit in 3 rows: “(controlled form)” removed from Date: a, b, c"),
        (None, "new words", "Same edit in 3 rows: Date (empty) → new words: a, b, c"),
    ],
)
def test_the_same_edit_says_what_it_is(old: Any, new: Any, expected: str) -> None:
    assert told(*(edited(name, "Date", old, new) for name in "abc")) == [expected]


def test_equal_figures_are_no_edit_in_common() -> None:
    assert len(told(*(edited(name, "Detainers", "5", "0") for name in "abcd"))) == 4


def test_renames_and_moves() -> None:
    assert told(
        change("record.changed", "New", "Old", "New", path=("records", "Old", "name")),
        change("jurisdiction.reattributed", "Franklin County, Pa.", "Franklin, Iowa", "Franklin, Pa.",
               path=("records", "x", "name")),
        change("page.moved", "a", "https://a.example/", "https://b.example/", path=("state",)),
        change("page.links", "a", "https://a.example/1.pdf", "https://a.example/2.pdf", path=("links",)),
        change("page.links", "a", None, "https://a.example/" + "x" * 600, path=("links",)),
    )[:4] == [
        "Renamed: Old → New",
        "Reattributed: Franklin, Iowa → Franklin, Pa.",
        "Page moved: https://a.example/ → https://b.example/",
        "Link changed: https://a.example/1.pdf → https://a.example/2.pdf",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("page.gone", "Page gone: a. The address no longer brings the page; the last copy is kept."),
        ("page.back", "Page back: a. The address brings the page again."),
        (
            "source.blocked",
            "Blocked: a. The site answers with a block page, a challenge or a log-in. None of it is believed.",
        ),
        ("source.suspect", "Suspect: a. What came is stored, and believed only once a later check agrees."),
        ("source.failing", "Failing: a"),
        ("report.late", "Report late: a"),
        ("something.new", "a: (empty) → (empty)"),
    ],
)
def test_faults_and_pages_are_explained(kind: str, said: str) -> None:
    assert told(change(kind, "a")) == [said]


def test_the_new_leads_then_severity_then_page_order() -> None:
    first = [line.split(":")[0] for line in told(
        edited("minor-1", "F", "a", "b", severity=Severity.MINOR),
        edited("urgent", "F", "c", "d", severity=Severity.URGENT),
        edited("minor-2", "F", "e", "f", severity=Severity.MINOR),
        change("record.removed", "gone", {}),
        change("record.added", "come", None, {}),
    )]  # fmt: skip
    assert first == ["1 row added", "1 row removed", "urgent", "minor-1", "minor-2"]


@given(st.lists(st.sampled_from("abcdefgh"), unique=True, min_size=1), st.integers(0, 3))
def test_every_change_counts_in_exactly_one_line(names: list[str], shift: int) -> None:
    kinds = ["record.added", "article.text", "record.changed", "article.mentions", "page.links", "source.failing"]
    changes = [change(kinds[(place + shift) % len(kinds)], name, "old", "new") for place, name in enumerate(names)]
    assert sum(entry.changes for entry in body(changes)) == len(changes)


@pytest.mark.parametrize(
    ("last_seen", "zone", "expected"),
    [
        (AT - timedelta(minutes=10), LA, "seen between 14:00 and 14:10 PDT on March 20, 2017"),
        (None, LA, "seen at 14:10 PDT on March 20, 2017"),
        (AT - timedelta(days=1), LA, "seen between 14:10 PDT on March 19, 2017 and 14:10 PDT on March 20, 2017"),
        (AT - timedelta(days=9), LA, "seen between 13:10 PST on March 11, 2017 and 14:10 PDT on March 20, 2017"),
        (None, ZoneInfo("America/Sao_Paulo"), "seen at 18:10 UTC-03 on March 20, 2017"),
    ],
)
def test_when_it_was_seen_is_said_on_the_desks_clock(last_seen: datetime | None, zone: ZoneInfo, expected: str) -> None:
    lines = message_lines((change("page.back", "a", last_seen=last_seen),), pages={}, stored="s", zone=zone, ref=REF)
    assert expected in as_text(lines)


# ---------------------------------------------------------------- edits


def test_long_text_is_shortened_around_the_edits() -> None:
    before = "alpha " * 40 + "one " + "beta " * 60 + "two " + "gamma " * 40
    after = before.replace("one", "1").replace("two", "2")
    text = as_text((text_runs(change("page.text", "a", before, after)),))
    assert text.startswith("… alpha alpha")
    assert text.endswith("gamma …")
    assert "alpha [-one-] {+1+} beta" in text
    assert "beta … beta" in text
    assert "beta [-two-] {+2+} gamma" in text
    assert len(text) < 400


def test_a_text_with_very_many_edits_is_bounded_and_says_so() -> None:
    before = " ".join(f"word{number} and so on it goes" for number in range(900))
    runs = text_runs(change("page.text", "a", before, before.replace("word", "term")))
    assert sum(len(run.text) for run in runs) < LONGEST_LINE + 200
    assert runs[-1].text.startswith(" … and more edits in this text: ")


def test_texts_nobody_compared_are_shown_whole() -> None:
    one = change("page.text", "a", {"x": 1}, {"x": 2})
    assert as_text((text_runs(one),)) == "[-x: 1-] {+x: 2+}"


@given(st.lists(st.tuples(st.sampled_from("=-+"), st.text(max_size=200)), max_size=8))
def test_every_edit_is_shown_whatever_the_spans(spans: list[tuple[str, str]]) -> None:
    base = change("page.text", "a", "o", "n")
    one = Change(**{name: getattr(base, name) for name in Change.__slots__} | {"spans": tuple(Span(*s) for s in spans)})
    marks = {"-": "old", "+": "new"}
    shown = [run.mark for run in text_runs(one) if run.mark]
    assert shown == ([marks[op] for op, _ in spans if op != "="] if spans else ["old", "new"])


# ---------------------------------------------------------------- splitting


runs = st.builds(Run, st.text(st.sampled_from("ab  .é😀"), max_size=60), st.sampled_from(["", "strong", "old", "new"]))
lines = st.lists(st.lists(runs, max_size=4).map(tuple), max_size=8)


@given(lines, st.integers(12, 80))
def test_parts_fit_and_together_are_the_whole(given_lines: list[Line], limit: int) -> None:
    def measure(some: tuple[Line, ...]) -> int:
        return utf16(as_text(some))

    parts = split(given_lines, limit, measure)
    assert all(measure(part) <= limit for part in parts)
    assert all(parts)
    assert plain(line for part in parts for line in part) == plain(given_lines)
    if measure(tuple(given_lines)) <= limit:
        assert len(parts) <= 1


def plain(some: Any) -> list[tuple[str, str]]:
    """The characters with their marks, whatever runs they stand in."""
    return [(char, run.mark) for line in some for run in line for char in run.text]


def test_lines_are_split_between_and_long_ones_at_words() -> None:
    def measure(some: tuple[Line, ...]) -> int:
        return len(as_text(some))

    parts = split([(Run("one"),), (Run("two three four"),), (Run("five"),)], 9, measure)
    assert [as_text(part) for part in parts] == ["one\ntwo ", "three ", "four\nfive"]


def test_a_link_is_never_cut() -> None:
    link = Run("Stored copy", "link", "https://example.org/" + "x" * 100)
    pieces = cut((Run("see "), link, Run(" now")), 20, lambda some: len(as_text(some)))
    assert [run for piece in pieces for run in piece if run.mark == "link"] == [link]


def test_parts_are_cheap_to_find() -> None:
    measured = 0

    def measure(some: tuple[Line, ...]) -> int:
        nonlocal measured
        measured += len(some)
        return len(as_text(some))

    split([(Run(f"line {number}"),) for number in range(5000)], 1000, measure)
    assert measured < 50_000


@given(st.integers(0, 200), st.integers(0, 250))
def test_longest_finds_the_border(most: int, border: int) -> None:
    assert longest(most, lambda size: size <= border) == min(most, border)


# ---------------------------------------------------------------- formats


def test_each_mark_in_each_format() -> None:
    line: Line = (
        Run("A & B: ", "strong"), Run("<was>", "old"), Run(" "), Run("is", "new"), Run(" so", "dim"), Run(" "),
        Run("page", "link", 'https://example.org/?a=1&b="2"'),
    )  # fmt: skip
    assert as_text((line,)) == 'A & B: [-<was>-] {+is+} so page <https://example.org/?a=1&b="2">'
    assert as_html((line,)) == (
        "<b>A &amp; B: </b><s>&lt;was&gt;</s> <u>is</u> so "
        '<a href="https://example.org/?a=1&amp;b=%222%22">page</a> (example.org)'
    )
    assert as_markdown((line,)) == (
        "**A \\& B\\:** ~~\\<was\\>~~ **is** so [page](https://example.org/?a=1&b=%222%22) (example\\.org)"
    )
    assert entities((line,)) == 4


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://www.ice.gov/a", "www.ice.gov"),
        ("https://www.ice.gov@evil.example/", "evil.example"),
        ("https://www.ice.gov\\@evil.example/", "evil.example"),
        ("HTTPS://WWW.ICE.GOV/", "www.ice.gov"),
    ],
)
def test_a_links_host_stands_beside_its_words(url: str, host: str) -> None:
    line: Line = (Run("www.ice.gov/a", "link", url),)
    assert as_html((line,)).endswith(f"www.ice.gov/a</a> ({host})")


def test_no_host_is_repeated_where_the_words_are_the_address() -> None:
    url = "https://www.ice.gov/a"
    assert as_html(((Run(url, "link", url),),)) == f'<a href="{url}">{url}</a>'
    assert as_text(((Run(url, "link", url),),)) == url
    assert as_markdown(((Run("www.ice.gov", "link", url),),)) == f"[www\\.ice\\.gov]({url})"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "tg://resolve?domain=x", "data:text/html,x", "//x", "http://[x", ""]
)
def test_what_is_no_web_address_is_no_link(url: str) -> None:
    line: Line = (Run("click", "link", url),)
    assert "<a" not in as_html((line,))
    assert "](" not in as_markdown((line,))
    assert as_text((line,)) == f"click <{url}>"


@pytest.mark.parametrize("form", [as_text, as_html, as_markdown])
def test_what_steers_or_breaks_a_text_is_shown_or_left_out(form: Any) -> None:
    shown = form(((Run("a\u202eb\x1bc\x00d\ud800e\nf\tg"),),)).replace("\\", "")
    assert shown == "a⟨U+202E⟩b⟨U+001B⟩cde f g"
    shown.encode("utf-8")


def test_markdown_marks_hug_their_words() -> None:
    assert as_markdown(((Run(" two words ", "new"), Run("  ", "old")),)) == " **two words**   "


@pytest.mark.parametrize("text", ["@everyone", "(@here)", "a @channel", "@@all"])
def test_markdown_pings_nobody(text: str) -> None:
    assert "@\u200b" in as_markdown(((Run(text),),))


def test_markdown_leaves_addresses_of_people_alone() -> None:
    assert as_markdown(((Run("desk@example"),),)) == "desk@example"


def test_utf16_counts_as_telegram_does() -> None:
    assert utf16("a😀é") == 4
