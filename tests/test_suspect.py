"""The suspect guard: shapes of what sites send in place of a page, innocent pages, and what confirms a doubt."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Block, Document, Fetched, Hop, Record, SourceState, Verdict
from watcher.suspect import agrees, confirmed, judge, lost, mark

ASKED = "https://agency.example/enforcement/detainers/weekly.html"
AT = datetime(2017, 3, 20, 16, tzinfo=UTC)
STORY = (
    "The county jail released 14 people last month whom federal agents had asked it to hold, according to a list that "
    "the agency published on Monday. The sheriff said his office honors warrants signed by a judge and nothing less. "
)


class Answer(NamedTuple):
    """One answer of a site, as little of it as counts."""

    body: str = ""
    status: int = 200
    url: str = ASKED
    hops: int = 0
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()

    def verdict(self) -> Verdict:
        headers = (("content-type", self.content_type), *self.headers) if self.content_type else self.headers
        hops = tuple(Hop(ASKED, 302) for _ in range(self.hops))
        return judge(Fetched(self.url, self.status, headers, self.body.encode(), hops), ASKED)


def page(title: str, body: str = "", head: str = "") -> str:
    return f"<!DOCTYPE html><html lang=en><head><title>{title}</title>{head}</head><body>{body}</body></html>"


LOGIN_FORM = "<form method=post><input name=user><input type=password name=pass><button>Go</button></form>"
SCRIPT = "<script>(function(){window._c={t:'x'};})()</script><noscript><style>p{}</style>Enable JavaScript</noscript>"
MENU = "<nav><ul>" + "".join(f"<li><a href=/{n}>Office {n}</a></li>" for n in range(40)) + "</ul></nav>"

BLOCKED = {
    "cloudflare, just a moment": Answer(
        page(
            "Just a moment...",
            f"<h1>agency.example</h1><p>Verify you are human by completing the action below.{SCRIPT}",
        )
    ),
    "cloudflare, managed challenge": Answer(
        page("agency.example", '<script src="/cdn-cgi/challenge-platform/h/b/orchestrate/chl_page/v1"></script><p>Wait')
    ),
    "cloudflare, by its header": Answer(page("One second"), 403, headers=(("cf-mitigated", "challenge"),)),
    "cloudflare, by its header with 200": Answer(page("One second", "x"), headers=(("cf-mitigated", "challenge"),)),
    "cloudflare, attention required": Answer(
        page("Attention Required! | Cloudflare", "<h1>Sorry, you have been blocked</h1><p>Ray ID: 8a1")
    ),
    "cloudflare, 1015": Answer(page("Access denied | agency.example used Cloudflare", "<h1>Error 1015</h1>"), 429),
    "cloudflare, checking your browser": Answer(
        page("", "<h1>Checking your browser before accessing agency.example</h1>")
    ),
    "cloudflare, turnstile": Answer(page("agency.example", '<div id="cf-chl-widget-x"></div><p>This takes a moment')),
    "akamai, access denied": Answer(
        page("Access Denied", "<h1>Access Denied</h1>You don't have permission to access this. Reference #18.2f", ""),
        403,
    ),
    "akamai, access denied with 200": Answer(page("Access Denied", "<h1>Access Denied</h1>Reference #18.2f")),
    "akamai, bot manager": Answer(page("", '<script src="/_sec/cp_challenge/sec-4-2.js"></script><div>&nbsp;</div>.')),
    "akamai, pardon": Answer(
        page("Pardon Our Interruption", "<h1>Pardon Our Interruption...</h1><p>As you were browsing")
    ),
    "incapsula, iframe": Answer(
        '<html><head><META NAME="robots" CONTENT="noindex"></head><iframe src="/_Incapsula_Resource?CWUDNSAI=9">'
        "Request unsuccessful. Incapsula incident ID: 4-51</iframe></html>"
    ),
    "incapsula, unsuccessful": Answer(page("", "<p>Request unsuccessful. Incapsula incident ID: 4-51")),
    "imperva, hcaptcha": Answer(
        page("agency.example", '<div class="h-captcha" data-sitekey="x"></div><p>Additional check')
    ),
    "imperva, script only": Answer(
        "<html><head><script src='/x?_Incapsula_Resource=1'></script></head><body>.</body></html>"
    ),
    "perimeterx, press and hold": Answer(
        page("Access to this page has been denied", '<div id="px-captcha"></div><p>Press & Hold to confirm'), 403
    ),
    "perimeterx with 200": Answer(page("Before we continue", '<div id="px-captcha"></div><p>Press & Hold to confirm')),
    "datadome, iframe": Answer(
        page("agency.example", '<script src="https://ct.captcha-delivery.com/c.js"></script><p id=cmsg>Please wait'),
        403,
    ),
    "datadome with 200": Answer(
        page("agency.example", '<script src="https://ct.captcha-delivery.com/c.js"></script>x')
    ),
    "aws waf, challenge": Answer(
        page("", "<script>AwsWafIntegration.getToken('aws-waf-token')</script><h1>JavaScript</h1>")
    ),
    "aws waf, captcha": Answer(page("Human Verification", "<h1>Let's confirm you are human</h1><p>Complete the check")),
    "aws waf, 403": Answer(page("ERROR: The request could not be satisfied", "<h1>403 ERROR</h1>"), 403),
    "distil": Answer(page("", '<div id="distil_r_captcha"></div>please')),
    "recaptcha wall": Answer(page("Sorry...", '<div class="g-recaptcha"></div><p>Our systems have detected something')),
    "f5, rejected": Answer(page("Request Rejected", "The requested URL was rejected. Your support ID is: 1234")),
    "unusual traffic": Answer(page("Sorry", "<p>Our systems have detected unusual traffic from your network.")),
    "robot question": Answer(page("Are you a robot?", "<p>Please click the box below")),
    "plain 403": Answer("<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1>", 403),
    "403 told with 200": Answer("<html><head><title>Forbidden</title></head><body><h1>Forbidden</h1>nginx"),
    "403 without a body": Answer("", 403),
    "429": Answer("slow down", 429, content_type="text/plain"),
    "429 told with 200": Answer(page("Too Many Requests", "<p>Rate limit exceeded")),
    "401": Answer("", 401, headers=(("www-authenticate", "Basic"),)),
    "407": Answer("", 407),
    "451": Answer("", 451),
    "security check": Answer(page("Security Check", "<p>One more step")),
    "log-in page": Answer(page("Sign in - Agency", f"<h1>Sign in</h1>{LOGIN_FORM}")),
    "log-in page with a menu": Answer(page("Agency", f"{MENU}<h1>Log in to continue</h1>{LOGIN_FORM}")),
    "log-in by redirect": Answer(page("Agency", STORY), url="https://agency.example/login?next=%2F", hops=1),
    "single sign-on elsewhere": Answer(page("Welcome", STORY), url="https://id.example/saml/idp", hops=2),
    "session expired": Answer(page("Session expired", f"<p>Your session has expired.{LOGIN_FORM}")),
    "maintenance": Answer(page("Site Under Maintenance", "<h1>We'll be back soon!</h1>")),
    "scheduled maintenance": Answer(page("Agency", f"{MENU}<h1>Down for maintenance</h1><p>Until Sunday")),
    "maintenance in a word": Answer(page("Agency", "<p>The website is currently down. Please try again later.")),
    "gateway told with 200": Answer(page("502 Bad Gateway", "<h1>502 Bad Gateway</h1><hr>nginx")),
    "service unavailable with 200": Answer(page("Service Unavailable", "<p>Temporarily unavailable")),
    "technical difficulties": Answer(page("Oops", "<p>We are experiencing technical difficulties.")),
}
FAILING = {
    "500": Answer(page("Server Error in '/' Application"), 500),
    "502": Answer(page("502 Bad Gateway"), 502),
    "503": Answer(page("Just a moment..."), 503),
    "504 without a body": Answer("", 504),
    "520": Answer(page("Web server is returning an unknown error"), 520),
}
GONE = {
    "404": Answer(page("Agency", STORY), 404),
    "410": Answer("", 410),
    "soft 404": Answer(page("Page Not Found | Agency", f"{MENU}<h1>Page not found</h1><p>Try the search")),
    "soft 404, page not found in the heading": Answer(
        page("Agency", f"{MENU}<h1>Sorry, this page can’t be found</h1>")
    ),
    "soft 404, 404 in the title": Answer(page("404 - Agency", f"{MENU}<p>Maybe it moved")),
    "soft 404, no longer available": Answer(page("Agency", "<h1>This document is no longer available</h1>")),
    "soft 404, does not exist": Answer(page("Agency", "<h1>The page you requested does not exist</h1>")),
    "soft 404, removed": Answer(page("Agency", "<h1>This report has been removed</h1>")),
    "to the front door": Answer(page("Agency", STORY * 30), url="https://agency.example/", hops=1),
    "to the front door of another": Answer(page("Agency", STORY), url="https://www.agency.example", hops=2),
}
EMPTY = {
    "no bytes": Answer(""),
    "white space": Answer(" \n\t "),
    "a page without text": Answer("<html><head></head><body><div></div><script>var a = 'text';</script></body></html>"),
    "an app without its script": Answer(page("", "<div id=root></div><noscript></noscript>")),
}
DOUBTED = [
    pytest.param(answer, kind, id=name)
    for kind, answers in (("blocked", BLOCKED), ("failing", FAILING), ("gone", GONE), ("empty", EMPTY))
    for name, answer in answers.items()
]

HEADER_LOGIN = f"<header><a href=/login>Log in</a>{LOGIN_FORM}</header>"
LISTED = "<table>" + "".join(f"<tr><td>County {n}</td><td>{n}</td></tr>" for n in range(30)) + "</table>"
INNOCENT = {
    "an article": Answer(page("Jail released 14 people", f"<h1>Jail released 14 people</h1><p>{STORY * 5}")),
    "about captchas": Answer(
        page("How captchas work", f"<h1>How captchas work</h1><p>A captcha asks whether you are a robot. {STORY * 4}")
    ),
    "a captcha script on a real page": Answer(
        page("Contact the sheriff", f'{STORY * 8}<div class="g-recaptcha"></div>')
    ),
    "an hcaptcha below a long comment form": Answer(
        page("Rules", f"{STORY * 20}<script src=https://hcaptcha.com/1></script>")
    ),
    "a log-in in the header and much text": Answer(
        page("Detainer policy", f"{HEADER_LOGIN}<h1>Detainer policy</h1><p>{STORY * 30}")
    ),
    "a log-in link": Answer(page("Detainers", f"<a href=/login>Log in</a><h1>Detainers</h1><p>{STORY}")),
    "not found in compliance": Answer(
        page("Noncompliant jurisdictions", f"<h1>Jurisdictions</h1><p>These were not found in compliance.{LISTED}")
    ),
    "access denied in a sentence": Answer(
        page("Jail report", f"<h1>Jail report</h1><p>Agents said access was denied. Access denied! {STORY * 3}")
    ),
    "maintenance in a sentence": Answer(page("County budget", f"<p>The elevator is under maintenance. {STORY * 3}")),
    "blocked in a sentence": Answer(
        page("Court ruling", f"<p>A judge said the order is forbidden and has been blocked. {STORY * 3}")
    ),
    "page not found in a sentence": Answer(page("Web audit", f"<p>Twelve links said page not found. {STORY * 3}")),
    "removed in a sentence": Answer(
        page("Weekly list", f"<p>Nassau County has been removed from the list. {STORY * 3}")
    ),
    "short but real": Answer(page("Holds", "<h1>Holds</h1><p>The jail honors no detainers.")),
    "one line": Answer("<p>No detainers were declined this week.</p>"),
    "one figure": Answer("<html><body>14</body></html>"),
    "a title and nothing else": Answer(page("Declined detainers, week of Feb. 6")),
    "a short list": Answer(page("Cooperating counties", "<ul><li>Clark County, Nev.<li>Campbell County, Ky.</ul>")),
    "a table": Answer(page("Detainers", LISTED)),
    "an empty table": Answer(page("Detainers", "<table><tr><th>County<th>Held</table>")),
    "a page with a noscript notice": Answer(
        page("Detainers", f"<noscript>Please enable JavaScript and cookies</noscript>{STORY}")
    ),
    "a script that says forbidden": Answer(page("Detainers", f"<script>var m='access denied';</script>{STORY}")),
    "a comment that says not found": Answer(page("Detainers", f"<!-- 404 not found -->{STORY}")),
    "another page of the same site by redirect": Answer(page("Detainers", STORY), url=ASKED + "?v=2", hops=1),
    "from http to https": Answer(page("Detainers", STORY), hops=1),
    "to a page named author": Answer(page("Detainers", STORY), url="https://agency.example/authors/desk", hops=1),
    "to a page named blogin": Answer(page("Detainers", STORY), url="https://agency.example/blogin/weekly", hops=1),
    "json": Answer('{"error": "not found", "rows": []}', content_type="application/json"),
    "json of an empty list": Answer("[]", content_type="application/json"),
    "csv": Answer("County,State\nClark,NV\n", content_type="text/csv"),
    "csv that says access denied": Answer("County,Reason\nClark,access denied\n", content_type="text/csv"),
    "text": Answer("Access denied to no one.", content_type="text/plain"),
    "xml": Answer("<rss><channel><title>404</title></channel></rss>", content_type="application/rss+xml"),
    "a pdf": Answer("%PDF-1.4 forbidden", content_type="application/pdf"),
    "csv without a type": Answer("County,State\nClark,NV\n", content_type=""),
    "html without a type": Answer(page("Detainers", STORY), content_type=""),
    "xhtml": Answer(page("Detainers", STORY), content_type="application/xhtml+xml"),
    "a number that holds 404": Answer(page("Docket 2017-14041", f"<h1>Docket 14041</h1><p>{STORY}")),
    "a rule 403(b)": Answer(page("Rule 403(b)", f"<h1>Rule 403(b)</h1><p>{STORY}")),
    "a person called Moment": Answer(page("J. Moment sworn in", f"<h1>J. Moment sworn in</h1><p>{STORY}")),
    "a long page about security checks": Answer(page("Security checks at the jail: a history", f"<p>{STORY * 30}")),
    "very many rows under a bad title": Answer(page("Access denied", LISTED * 8)),
    "a page of other words": Answer(page("Detenciones", "<h1>Detenciones</h1><p>La cárcel no retiene a nadie.")),
}


@pytest.mark.parametrize(("answer", "kind"), DOUBTED)
def test_what_is_not_the_page_is_doubted(answer: Answer, kind: str) -> None:
    verdict = answer.verdict()
    assert (verdict.kind, verdict.ok) == (kind, False)
    assert verdict.reason
    assert verdict.confirmable == (kind == "gone")


@pytest.mark.parametrize("answer", INNOCENT.values(), ids=INNOCENT)
def test_what_is_the_page_is_believed(answer: Answer) -> None:
    assert answer.verdict() == Verdict()


def test_there_are_enough_of_both() -> None:
    assert len(DOUBTED) >= 60
    assert len(INNOCENT) >= 40


def test_a_log_in_page_that_was_asked_for_is_itself() -> None:
    asked = "https://agency.example/login/help"
    fetched = Fetched(
        "https://agency.example/login/help/",
        200,
        (("content-type", "text/html"),),
        page("Help", STORY).encode(),
        (Hop(asked, 301),),
    )
    assert judge(fetched, asked).ok


def test_the_front_door_that_was_asked_for_is_itself() -> None:
    asked = "http://agency.example/"
    fetched = Fetched(
        "https://agency.example/",
        200,
        (("content-type", "text/html"),),
        page("Agency", STORY).encode(),
        (Hop(asked, 301),),
    )
    assert judge(fetched, asked).ok


def test_a_deep_page_is_judged_in_bounded_time() -> None:
    started = time.process_time()
    Answer("<div>" * 10_000 + "text").verdict()
    Answer("<div>" * 1_000_000 + "text").verdict()
    assert time.process_time() - started < 3
    assert Answer("<div>" * 20_000, url="https://agency.example/", hops=1).verdict().kind == "gone"


@given(st.binary(max_size=200), st.integers(200, 599), st.sampled_from(["text/html", "text/csv", ""]))
def test_every_answer_gets_a_verdict(body: bytes, status: int, content_type: str) -> None:
    verdict = judge(Fetched(ASKED, status, (("content-type", content_type),), body), ASKED)
    assert verdict.ok == (not verdict.reason)
    assert not verdict.ok or status < 400


# ---------------------------------------------------------------- lost


def document(records: int = 0, blocks: int = 0, *, first: int = 0) -> Document:
    rows = {f"k{n}": Record(f"k{n}", {}) for n in range(first, first + records)}
    return Document("list", "table", "s", AT, ASKED, records=rows, blocks=(Block("paragraph", "x" * 100),) * blocks)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_more_than_half_of_the_records_must_vanish(before: int, after: int, first: int) -> None:
    kept = max(0, min(before, first + after) - first)
    verdict = lost(document(before), document(after, first=first))
    assert (verdict.kind == "lost") == (before >= 3 and kept * 2 < before and after * 2 < before)
    assert verdict.ok or verdict.confirmable


def test_lost_says_how_many() -> None:
    assert lost(document(10), document(4)) == Verdict("lost", "6 of 10 records vanished")
    assert lost(document(10), document(5)).ok
    assert lost(document(10), document(10, first=10)).ok, "all were replaced, none vanished"


def test_nothing_of_its_kind_left_is_lost() -> None:
    assert lost(document(1), None) == Verdict("lost", "all records vanished")
    assert lost(document(10), None) == Verdict("lost", "10 of 10 records vanished")
    assert lost(document(0), None).ok


def test_most_of_the_text_vanished() -> None:
    assert lost(document(blocks=10), document(blocks=1)) == Verdict("lost", "most of the text vanished")
    assert lost(document(blocks=10), document(blocks=2)).ok
    assert lost(document(blocks=4), document(blocks=0)).ok


# ---------------------------------------------------------------- confirming

GONE_NOW, LOST_NOW = Verdict("gone", "HTTP 404"), Verdict("lost", "6 of 10 records vanished")


def doubted(verdict: Verdict, fingerprint: str, *, seen: int = 1) -> SourceState:
    return SourceState(
        "list", suspect="s2", suspect_since=AT, suspect_seen=seen, suspect_fingerprint=mark(verdict, fingerprint)
    )


def confirms(state: SourceState, verdict: Verdict, fingerprint: str, minutes: float, captures: int = 2) -> bool:
    now = AT + timedelta(minutes=minutes)
    return confirmed(state, verdict, fingerprint, now, after=timedelta(minutes=10), captures=captures)


def test_a_later_capture_that_agrees_confirms() -> None:
    state = doubted(LOST_NOW, "f1")
    assert confirms(state, LOST_NOW, "f1", 10)
    assert not confirms(state, LOST_NOW, "f1", 9.9), "too early"
    assert not confirms(state, LOST_NOW, "f2", 10), "another reading"
    assert not confirms(state, GONE_NOW, "f1", 10), "another doubt"


def test_a_page_is_gone_whatever_its_error_page_says() -> None:
    state = doubted(GONE_NOW, "f1")
    assert confirms(state, Verdict("gone", "a soft 404"), "f2", 10)
    assert agrees(state, GONE_NOW, "")


@pytest.mark.parametrize("kind", ["blocked", "failing", "empty", "unreadable"])
def test_the_rest_is_never_believed(kind: str) -> None:
    verdict = Verdict(kind, "x")
    assert not confirms(doubted(verdict, "f1", seen=99), verdict, "f1", 10**6)


def test_as_many_captures_as_asked_for_must_agree() -> None:
    assert not confirms(doubted(LOST_NOW, "f1", seen=1), LOST_NOW, "f1", 60, captures=3)
    assert confirms(doubted(LOST_NOW, "f1", seen=2), LOST_NOW, "f1", 60, captures=3)


def test_without_a_first_there_is_nothing_to_confirm() -> None:
    state = replace(doubted(LOST_NOW, "f1"), suspect=None, suspect_since=None)
    assert not confirms(state, LOST_NOW, "f1", 60)


def test_a_scan_and_the_next_issue_have_lost_nothing() -> None:
    rows = {str(number): Record(str(number), {}) for number in range(9)}
    before = Document("ddor", "detainer-report", "s", AT, ASKED, meta={"period_start": "2017-01-28"}, records=rows)
    for meta in ({"readable": False}, {"period_start": "2017-02-04"}):
        assert lost(before, replace(before, meta=meta, records={})).ok
    assert lost(before, replace(before, records={})).kind == "lost"
