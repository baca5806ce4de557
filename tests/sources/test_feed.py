"""The `feed` kind: what is read of RSS, Atom and JSON feeds, what is no news, and what hostile feeds end in."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.rig import Rig, minutes, source
from tests.site import Reply
from tests.sources.captured import capture
from watcher.core import Change, Document, NotReadable
from watcher.diff import diff
from watcher.rolling import MOST_SEEN, SEEN
from watcher.sources.feed import MOST_BYTES, MOST_ENTRIES, Feed, FeedOptions

URL = "https://agency.example/feed"


def feed(body: str | bytes, choices: dict[str, Any] | None = None, **options: list[str]) -> Document:
    return Feed(FeedOptions(**options)).extract(capture(body, "text/xml", URL), choices or {})


def rss(*items: str, head: str = "") -> str:
    return f'<?xml version="1.0"?>{head}<rss version="2.0"><channel><title>News</title>{"".join(items)}</channel></rss>'


def item(name: str, title: str = "", summary: str = "Text") -> str:
    text = f"<title>{title or name}</title><description>{summary}</description>"
    return f"<item><guid isPermaLink='false'>{name}</guid>{text}</item>"


def follow(*bodies: str) -> list[list[tuple[str, str]]]:
    """What each feed changed since the one before it: kinds and names."""
    told: list[tuple[Change, ...]] = []
    before = feed(bodies[0])
    for body in bodies[1:]:
        after = feed(body, dict(before.choices))
        told.append(diff(before, after))
        before = after
    return [[(change.kind, change.subject.name) for change in changes] for changes in told]


def fields(document: Document) -> list[dict[str, Any]]:
    return [dict(record.fields) for record in document.records.values()]


# ---------------------------------------------------------------- what is read


def test_rss() -> None:
    document = feed(
        rss(
            "<item><title>A &amp;amp; B</title><link>/news/1</link><guid isPermaLink='false'>one</guid>"
            "<pubDate>Mon, 20 Mar 2017 09:00:00 -0700</pubDate><author>jo@agency.example (Jo)</author>"
            "<description><![CDATA[<p>First <b>wo</b>rd</p><p>second</p><script>x()</script>]]></description></item>"
        )
    )
    assert document.meta == {"title": "News"}
    assert document.records["one"].subject is not None
    assert document.records["one"].subject.name == "A & B"
    assert fields(document) == [
        {
            "title": "A & B",
            "link": "https://agency.example/news/1",
            "published": "2017-03-20T16:00:00Z",
            "summary": "First word second",
            "author": "jo@agency.example (Jo)",
        }
    ]


def test_atom() -> None:
    document = feed(
        '<feed xmlns="http://www.w3.org/2005/Atom"><title type="html">Our &lt;b&gt;news&lt;/b&gt;</title>'
        '<entry><id>urn:1</id><title type="text">1 &lt; 2</title><link href="https://agency.example/1"/>'
        "<updated>2017-03-21T04:50:00Z</updated><published>2017-03-20T16:00:00Z</published>"
        '<author><name>Jo</name></author><content type="html">&lt;p&gt;All of it&lt;/p&gt;</content></entry></feed>'
    )
    assert document.meta["title"] == "Our news"
    assert fields(document) == [
        {
            "title": "1 < 2",
            "link": "https://agency.example/1",
            "published": "2017-03-20T16:00:00Z",
            "updated": "2017-03-21T04:50:00Z",
            "summary": "All of it",
            "author": "Jo",
        }
    ]


def test_json_feed() -> None:
    made = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "News",
        "items": [
            {
                "id": 7,
                "url": "/7",
                "title": "Seven",
                "content_html": "<p>All <i>of</i> it</p>",
                "date_published": "2017-03-20T09:00:00-07:00",
                "date_modified": "soon",
                "authors": [{"name": "Jo"}, {"name": "Al"}, "x"],
            },
            {"id": "8", "title": ["no text"], "summary": "Short", "author": {"name": "Cy"}, "url": "javascript:x"},
            "no item",
        ],
    }
    document = feed(json.dumps(made))
    assert list(document.records) == ["7", "8"]
    assert fields(document) == [
        {
            "title": "Seven",
            "link": "https://agency.example/7",
            "published": "2017-03-20T16:00:00Z",
            "updated": "soon",
            "summary": "All of it",
            "author": "Jo, Al",
        },
        {"summary": "Short", "author": "Cy"},
    ]


def test_an_entry_without_an_id_is_known_by_its_link() -> None:
    parts = "<item><link>https://agency.example/1</link></item><item><title>Only this</title></item><item/><item/>"
    assert list(feed(rss(parts)).records) == ["https://agency.example/1", "Only this", "entry", "entry#2"]


def test_fields_can_be_left_out() -> None:
    assert fields(feed(rss(item("1", "A", "x")), ignore=["summary"])) == [{"title": "A"}]
    with pytest.raises(ValueError, match=r"ignore: expected one of title, link, .*, found 'body'"):
        Feed(FeedOptions(ignore=["body"]))


def test_equal_digests_mean_equal_documents() -> None:
    adapter = Feed(FeedOptions())

    def digest(body: str) -> str:
        return adapter.fingerprint(capture(body, "text/xml", URL))

    base = digest(rss(item("1", "A", "x")))
    assert digest(rss("<lastBuildDate>now</lastBuildDate>", item("1", "A", "&lt;b&gt;x&lt;/b&gt;"))) == base
    assert len({base, digest(rss(item("1", "B", "x"))), digest(rss(item("2", "A", "x"))), digest(rss())}) == 4


# ---------------------------------------------------------------- what is news


def test_new_entries_and_edits_are_news_and_the_end_of_the_list_is_none() -> None:
    first, second, third = item("1", "One"), item("2", "Two"), item("3", "Three")
    assert follow(
        rss(second, first), rss(third, second), rss(third, item("2", "Two", "Edited")), rss(second, first), rss()
    ) == [
        [("record.added", "Three")],
        [("record.changed", "Two")],
        [("record.changed", "Two")],
        [],
    ]


def test_an_entry_that_comes_in_place_of_one_that_looks_alike_is_new() -> None:
    numbered = [item(f"https://agency.example/news/{number}", summary="Same") for number in range(9)]
    assert follow(rss(*numbered[:3]), rss(*numbered[1:4])) == [
        [("record.added", "https://agency.example/news/3")],
    ]


def test_what_is_remembered_is_bounded_and_stays_the_same_when_read_again() -> None:
    choices: dict[str, Any] = {}
    for start in range(0, 2 * MOST_SEEN, 50):
        choices = dict(feed(rss(*(item(str(number)) for number in range(start + 50, start, -1))), choices).choices)
    assert len(choices[SEEN]) == MOST_SEEN
    last = rss(*(item(str(number)) for number in range(2 * MOST_SEEN, 2 * MOST_SEEN - 50, -1)))
    assert feed(last, choices).choices == choices
    many = rss(*(item(str(number)) for number in range(2 * MOST_SEEN)))
    once = feed(many)
    assert feed(many, dict(once.choices)).choices == once.choices
    assert follow(many, rss(item("0"), item("new"))) == [[("record.added", "new")]]


def test_a_feed_of_another_time_is_not_lost(rig: Rig) -> None:
    rig.watch(source(rig.site, "news", "feed"))

    def serve(*numbers: int) -> Reply:
        body = rss(*(item(str(number)) for number in numbers))
        return Reply(body, headers={"content-type": "application/rss+xml"})

    rig.site.pages["/news"] = serve(3, 2, 1)
    assert rig.check("news").outcome == "first"
    rig.site.pages["/news"] = serve(9)
    checked = rig.check("news", after=minutes(600))
    assert (checked.outcome, [change.subject.name for change in checked.changes]) == ("changed", ["9"])
    rig.site.pages["/news"] = serve()
    assert rig.check("news", after=minutes(600)).outcome == "unchanged"
    rig.site.pages["/news"] = serve(9, 3, 2, 1)
    assert rig.check("news", after=minutes(600)).outcome == "unchanged"
    assert rig.kinds() == ["record.added"]
    assert "1 row added: 9" in rig.told()


def test_a_block_page_is_no_empty_feed(rig: Rig) -> None:
    rig.watch(source(rig.site, "news", "feed"))
    rig.site.pages["/news"] = rss(item("1"))
    rig.check("news")
    rig.site.pages["/news"] = "<html><title>Just a moment...</title></html>"
    assert rig.check("news", after=minutes(600)).outcome == "suspect"
    rig.site.pages["/news"] = rss(item("1"))[:-20]
    checked = rig.check("news", after=minutes(600))
    assert (checked.outcome, rig.kinds("news")) == ("suspect", [])


# ---------------------------------------------------------------- hostile feeds

LAUGHS = '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (rss(item("1", "&b;"), head=LAUGHS), "declares some, which is refused"),
        (rss(item("1", "&b;"), head=LAUGHS).encode("utf-16"), "declares some, which is refused"),
        (rss(item("1", "&x;"), head='<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "which is refused"),
        ("<!doctype r [<!entity a 'b'>]><rss version='2.0'><unclosed", "which is refused"),
        (rss(*(item(str(number)) for number in range(100)))[:-300], "breaks off before its end"),
        (rss(*["<item/>"] * (MOST_ENTRIES + 1)), "at most 5,000 entries, found more"),
        (rss(*["<item/>"] * 200_000).encode("utf-16"), "at most 5,000 entries, found more"),
        (
            json.dumps({"version": "https://jsonfeed.org/version/1", "items": [{"id": 1}] * 5_001}),
            "at most 5,000 entries, found more",
        ),
        (rss() + " " * MOST_BYTES, "at most 8 MiB"),
        (rss(item("1", summary="&lt;b&gt;" * 100_000)), "greater depth"),
        ("<html><title>Hello</title></html>", "expected an RSS, Atom or JSON feed, found '<html>"),
        ("", "expected an RSS, Atom or JSON feed, found ''"),
        ("https://agency.example/another", "expected an RSS, Atom or JSON feed"),
        ("/etc/passwd", "expected an RSS, Atom or JSON feed"),
        ("[]", "expected an RSS, Atom or JSON feed"),
        ('{"items": []}', "expected a JSON feed .*, found other JSON"),
        ('{"version": "https://jsonfeed.org/version/1", "items": {}}', "found other JSON"),
        ('{"a":' * 100_000, "expected a JSON feed, found "),
        ('{"a": 1' + "0" * 5_000 + "}", "expected a JSON feed, found "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_sound_feed_says_so(body: str | bytes, said: str) -> None:
    with pytest.raises(NotReadable, match=said):
        feed(body)


def test_a_doctype_without_entities_is_none_of_them() -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://nowhere.example/rss.dtd">'
    assert list(feed(rss(item("1"), head=doctype)).records) == ["1"]
    quoted = "<![CDATA[On <!DOCTYPE x [<!ENTITY a 'b'>]>]]>"
    assert list(feed(rss(item("1", summary=quoted))).records) == ["1"]


def test_halves_of_characters_and_endless_texts_can_be_stored() -> None:
    made = {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": "\ud800" + "x" * 1000, "title": "\udfff" * 2000, "summary": "y" * 100_000}],
    }
    document = feed(json.dumps(made))
    (record,) = document.records.values()
    assert len(record.key.encode()) < 600
    assert record.fields["title"] == "?" * 1_000
    assert len(str(record.fields["summary"])) == 20_000
