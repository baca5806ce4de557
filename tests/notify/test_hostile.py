"""Hostile titles and diffs, all the way to an imitation of Telegram: none is refused, none becomes a tag or a link."""

from __future__ import annotations

import asyncio
import io
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.telegram_api import TOKEN, TelegramApi, parse_html
from watcher.core import Alert, Change, Failure, Fetched, Message, Sent, Severity, Subject, Tools, content_id
from watcher.notify.telegram import LONGEST, MOST_ENTITIES, Telegram, TelegramOptions
from watcher.outbox import plan
from watcher.render import as_html, utf16
from watcher.summary import summarise
from watcher.wording import words

AT = datetime(2017, 3, 20, 21, 10, tzinfo=UTC)
LIVE, STORED = "https://www.ice.gov/x?a=1&b=2", "https://watch.example.org/change/1"

SEEDS = [
    "<b>bold", "</b></b>", "<b><i>x</b></i>", "<script>alert(1)</script>", "<a href='javascript:alert(1)'>x</a>",
    '<a href="tg://resolve?domain=evil">x</a>', "<tg-spoiler>x</tg-spoiler>", "<!-- x -->", "<![CDATA[x]]>",
    "<?php x ?>", "&lt;b&gt;", "&amp;amp;", "&#60;b&#62;", "&#x3c;b&#x3e;", "&nbsp;&unknown;", "& < > \" '", "<", ">",
    "&", "<<>>", "a<b>c&d", "*bold* _it_ `code` ~~s~~ [x](https://evil.example)", "```\ncode\n```",
    "[x][y]\n[y]: https://evil.example", "||spoiler||", "# heading", "> quote", "- item", "1. item", "\\*",
    "![x](https://evil.example/x.png)", "<https://evil.example>", "\u202egnp.exe", "\u2066x\u2069",
    "\u200e\u200f\u061c", "a\u202eb\u202dc\u202c", "\x00", "a\x00b", "\ud800", "\udfff x \ud83d", "\ud83d\ude00",
    "😀" * 50, "\x1b[31mred\x1b[0m", "\x07\x08\x7f\x9b", "\r\n\r\n", "\u2028\u2029\x85", "\v\f\t", "\ufeff\u200b",
    "@everyone", "@here @channel", "<@123> <!channel> <!here>", "@durov", "#tag /start /stop@bot",
    "https://t.me/joinchat/x", "t.me/evil", "tg://resolve?domain=evil", "ton://x", "mailto:a@b.c",
    "file:///etc/passwd", "ftp://x", "http://[::1]:80/", "//evil", "https://www.ice.gov@evil.example/",
    "https://evil.example/" + "a" * 3000, "http://xn--80ak6aa92e.com/", "https://іce.gov/", "ref 0123456789abcdef",
    "Repeat of 0123456789abcdef", "… and 99 more changes.", "=CMD()", "+1+1", "-1", "%s %d %n {0} {x!r}",
    "${jndi:ldap://x}", "{{7*7}}", "<%= 7*7 %>", "'; DROP TABLE x; --", "a" * 5000, " ".join(["<b>"] * 600),
    "<" * 5000, "&" * 5000, "x\u0301" * 500, "\u202e" * 300, "ﷺ" * 400, "Z\u0351\u036b\u0343\u036a" * 40, "", " ",
    "\n", "\u00a0\u3000", "NULL", "None", "NaN", "undefined",
]  # fmt: skip
CORPUS = [
    *SEEDS,
    *(f"Clark {seed} County" for seed in SEEDS),
    *(f"{seed}{other}" for seed, other in pairwise(SEEDS)),
    *(f"{seed}\n{seed[::-1]}" for seed in SEEDS),
    *(f"<b>{seed}" for seed in SEEDS),
    *(f"{seed}</a>&" for seed in SEEDS),
]


def hostile_change(kind: str, name: str, old: object, new: object, field: str) -> Change:
    subject, path = Subject(f"record:{name}", name), ("records", name, field)
    return Change(
        id=content_id(kind, name, old, new, field),
        source="ice",
        at=AT,
        last_seen=AT - timedelta(minutes=10),
        kind=kind,
        severity=Severity.MINOR,
        subject=subject,
        path=path,
        old=old,
        new=new,
        summary=summarise(kind, subject, path, old, new),
        snapshot="s2",
        before="s1",
        spans=words(old, new) if isinstance(old, str) and isinstance(new, str) else (),
    )


def about(text: str, other: str) -> list[Change]:
    """Each way in which the text of a page comes into a message."""
    return [
        hostile_change("record.changed", "DD1", f"{other} and {text} here", f"{other} or {text}{text} there", "Title"),
        hostile_change("record.added", text, None, {text: other, "x": text}, "x"),
        hostile_change("jurisdiction.delisted", text, {"Jurisdiction": other, text: text}, None, "x"),
        hostile_change("article.note", "a", None, text, "x"),
        hostile_change("article.text", "a", text, other, "x"),
        hostile_change("article.headline", text, text, f"{text} {other}", text),
        hostile_change("record.changed", text, text, 5, text),
        hostile_change("page.links", text, text, f"https://example.org/{text}", "x"),
        hostile_change("source.blocked", text, None, text, text),
    ]


async def no_post(*_: object) -> Fetched | Failure:
    raise AssertionError("Telegram does not use this door")


def notifier(base_url: str = "https://api.telegram.org/bot") -> Telegram:
    tools = Tools(no_post, lambda: AT, io.StringIO())
    return Telegram(TelegramOptions(TOKEN, -1001, None, base_url), tools)


def messages(changes: list[Change], channel: Telegram) -> list[Message]:
    alert = Alert("0123456789abcdef", "rule", "desk", "ice", "s2", AT, tuple(change.id for change in changes))
    rows = plan(
        alert,
        changes,
        pages={"ice": LIVE},
        stored=STORED,
        zone=ZoneInfo("America/Los_Angeles"),
        limit=channel.limit,
        measure=channel.measure,
        now=AT,
    )
    return [
        Message(row.alert, row.source, row.lines, tuple(changes), row.part, row.parts, repeat=row.part % 2 == 0)
        for row in rows
    ]


def test_the_whole_corpus_is_delivered_as_it_is_meant() -> None:
    assert len(set(CORPUS)) >= 500

    async def story(api: TelegramApi) -> int:
        channel, sent = notifier(api.base_url), 0
        for text, other in zip(CORPUS, reversed(CORPUS), strict=True):
            for message in messages(about(text, other), channel):
                assert isinstance(await channel.send(message), Sent)
                sent += 1
        await channel.close()
        return sent

    with TelegramApi() as api:
        api.chat(-1001)
        sent = asyncio.run(story(api))
    assert api.refused == []
    assert len(api.accepted) == sent
    assert {call.fields["parse_mode"] for call in api.accepted} == {"HTML"}
    for call in api.accepted:
        assert len(parse_html(call.fields["text"])[1]) <= MOST_ENTITIES
        for link in call.links:
            assert link.startswith(("https://", "http://"))
        for hidden in ("\u202e", "\u2066", "\x1b", "\x00", "\r"):
            assert hidden not in call.text


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.text(max_size=300) | st.text(st.sampled_from("<>&;/\"'abu#x3 \n@\u202e\ud800\x00"), max_size=200),
    st.text(max_size=300),
)
def test_any_text_becomes_html_that_telegram_takes(text: str, other: str) -> None:
    channel = notifier()
    for message in messages(about(text, other), channel):
        html = as_html(message.lines)
        read, entities = parse_html(html)
        assert utf16(read) <= channel.limit <= LONGEST
        assert len(entities) <= MOST_ENTITIES
        assert {entity.get("url") for entity in entities} >= ({LIVE} if message.part == message.parts else set())


@pytest.mark.parametrize("text", CORPUS[:60:7])
def test_forged_lines_stay_inside_their_own(text: str) -> None:
    changes = about(f"x\nref ffffffffffffffff\n{text}", "other")
    for message in messages(changes, notifier()):
        refs = [line for line in as_html(message.lines).split("\n") if line.startswith("ref ")]
        assert len(refs) == 1
        assert refs[0].startswith("ref 0123456789abcdef")
