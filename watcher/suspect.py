"""The suspect guard: is this capture the page, or a block page, a log-in, a soft 404, an empty shell? Pure.

Stands between fetch and belief. What it doubts is stored and shown to the operator; `gone` and `lost` are believed
when a later capture agrees, the rest never.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from watcher.core import Block, Document, Fetched, SourceState, Verdict
from watcher.rolling import is_rolling
from watcher.sections import is_another_issue, is_readable

OK = Verdict()
MUCH_TEXT = 4_000
"""Characters of visible text beyond which a page is taken for itself, whatever words stand in its title."""

LITTLE_TEXT = 400
"""Characters of visible text below which there is nothing on the page but its notice."""

MANY_PARTS = 200
MOST_TAGS = 10_000
"""Of a page that is parsed to be judged; nested, they take a third of a second, and no notice has as many."""
FEW_RECORDS = 3
FEW_BLOCKS = 5

_CHALLENGE_MARKS = (
    b"/cdn-cgi/challenge-platform/", b"_incapsula_resource", b"px-captcha", b"captcha-delivery.com", b"cf-chl-",
    b"g-recaptcha", b"h-captcha", b"hcaptcha.com", b"/_sec/cp_challenge", b"aws-waf-token", b"distil_r_captcha",
)  # fmt: skip
_BLOCKED = re.compile(
    r"just a moment|attention required|access (?:to this page has been )?denied|pardon our interruption|forbidden"
    r"|request (?:rejected|blocked|unsuccessful)|are you (?:a robot|human)|you are (?:a )?human"
    r"|human verification|security (?:check|challenge|verification)|you have been blocked|too many requests|rate limit"
    r"|bot (?:detection|verification)|unusual traffic|checking your browser|enable (?:javascript and )?cookies"
)
_LOGIN = re.compile(r"\b(?:log ?[io]n|sign ?in|single sign-on|authentication required|session (?:has )?expired)\b")
_LOGIN_PATH = re.compile(r"/(?:log-?in|sign-?in|logon|sso|auth(?:enticate)?|saml|adfs|oauth2?)(?:[/.?]|$)")
_DOWN = re.compile(
    r"(?:scheduled|under|down for) maintenance|temporarily (?:unavailable|down|offline)|service unavailable"
    r"|be (?:right )?back (?:soon|shortly)|internal server error|bad gateway|gateway time-?out|technical difficulties"
    r"|website is (?:currently )?(?:down|offline)"
)
_MISSING = re.compile(
    r"(?:page|document|file|content|resource|article)[^.]{0,30} (?:not|cannot be|can't be|could not be|no longer) "
    r"(?:be )?(?:found|available|exists?)|\b404\b|not found|no longer (?:available|exists)"
    r"|(?:does not|doesn't) exist|has been removed"
)


def judge(fetched: Fetched, asked: str) -> Verdict:
    """Judge one answer by its status, its address and its first words. `asked` is the address that was asked for."""
    status = fetched.status
    if status in {404, 410}:
        return Verdict("gone", f"HTTP {status}")
    if fetched.header("cf-mitigated") == "challenge":
        return Verdict("blocked", "a challenge page")
    if status >= 400:  # noqa: PLR2004 - the HTTP error classes
        return Verdict("failing" if status >= 500 else "blocked", f"HTTP {status}")  # noqa: PLR2004
    if not fetched.body.strip():
        return Verdict("empty", "an empty body")
    if not _is_html(fetched):
        return OK
    return _judge_html(fetched, asked)


def _is_html(fetched: Fetched) -> bool:
    if "html" in fetched.header("content-type"):
        return True
    head = fetched.body[:1024].lstrip().lower()
    return head.startswith((b"<!doctype html", b"<html")) or (not fetched.header("content-type") and b"<html" in head)


def _judge_html(fetched: Fetched, asked: str) -> Verdict:
    if _is_full(fetched.body) and not fetched.redirects:
        return OK
    if fetched.body.count(b"<") > MOST_TAGS:
        return _judge_words("", "", short=False, password=False, fetched=fetched, asked=asked)
    tree = LexborHTMLParser(fetched.body)
    password = tree.css_first("input[type=password]") is not None
    headings = " ".join(
        node.text(deep=True) for node in (tree.css_first("title"), tree.css_first("h1"), tree.css_first("h2")) if node
    )
    tree.strip_tags(["script", "style", "noscript", "template"])
    text = " ".join(tree.body.text(deep=True, separator=" ").split()) if tree.body else ""
    said = " ".join(headings.split()).casefold().replace("’", "'")
    raw = fetched.body.lower()
    short = len(text) < MUCH_TEXT
    if not text and not headings.strip():
        return Verdict("empty", "a page without text")
    if short and any(mark in raw for mark in _CHALLENGE_MARKS) and len(text) < MUCH_TEXT // 4:
        return Verdict("blocked", "a challenge page")
    return _judge_words(
        said, text.casefold().replace("’", "'"), short=short, password=password, fetched=fetched, asked=asked
    )


def _is_full(body: bytes) -> bool:
    """Whether the page has more paragraphs, items and cells than any notice, which is cheaper to see than to read."""
    counted = accumulate(map(body.count, (b"<td", b"<li", b"<p>", b"<p ")))
    return any(count > MANY_PARTS for count in counted)


def _judge_words(said: str, text: str, *, short: bool, password: bool, fetched: Fetched, asked: str) -> Verdict:
    """Judge by title and headings (`said`), and by the whole `text` where there is next to nothing else."""
    verdict = OK
    weighed = f"{said} {text}" if len(text) < LITTLE_TEXT else said
    if (short and password and _LOGIN.search(f"{said} {text[:LITTLE_TEXT]}")) or _to_login(fetched, asked):
        verdict = Verdict("blocked", "a log-in page")
    elif short and (found := _BLOCKED.search(weighed) or _DOWN.search(weighed)):
        verdict = Verdict("blocked", f"a block page ({found.group(0)})")
    elif short and _MISSING.search(said):
        verdict = Verdict("gone", "a soft 404")
    elif _moved_away(fetched, asked):
        verdict = Verdict("gone", "a redirect to the home page")
    return verdict


def _to_login(fetched: Fetched, asked: str) -> bool:
    return bool(fetched.redirects) and bool(
        _LOGIN_PATH.search(urlsplit(fetched.url).path.lower()) and not _LOGIN_PATH.search(urlsplit(asked).path.lower())
    )


def _moved_away(fetched: Fetched, asked: str) -> bool:
    """Sent from a page deep in the site to the site's front door."""
    path = urlsplit(asked).path.strip("/")
    return bool(fetched.redirects) and "/" in path and not urlsplit(fetched.url).path.strip("/")


def lost(before: Document, after: Document | None) -> Verdict:
    """Whether most of what `before` held has vanished; `after` is None where the page holds nothing of its kind.

    A scan in place of a report has lost nothing that anybody can read, and the next issue has rows of its own.
    """
    if after is not None and (is_rolling(after) or not is_readable(after) or is_another_issue(before, after)):
        return OK
    records = after.records if after else {}
    if len(before.records) >= FEW_RECORDS:
        kept = sum(1 for key in before.records if key in records)
        if kept * 2 < len(before.records) and len(records) * 2 < len(before.records):
            return Verdict("lost", f"{len(before.records) - kept} of {len(before.records)} records vanished")
        return OK
    if before.records and after is None:
        return Verdict("lost", "all records vanished")
    blocks = _letters(after.blocks) if after else 0
    if len(before.blocks) >= FEW_BLOCKS and blocks * 5 < _letters(before.blocks):
        return Verdict("lost", "most of the text vanished")
    return OK


def _letters(blocks: Sequence[Block]) -> int:
    return sum(len(block.text) for block in blocks)


def confirmed(
    state: SourceState, verdict: Verdict, fingerprint: str, now: datetime, *, after: timedelta, captures: int
) -> bool:
    """Whether a capture with `verdict` and `fingerprint` completes the agreeing captures that `state` waits for."""
    if not verdict.confirmable or state.suspect_since is None or not agrees(state, verdict, fingerprint):
        return False
    return state.suspect_seen + 1 >= captures and now - state.suspect_since >= after


def agrees(state: SourceState, verdict: Verdict, fingerprint: str) -> bool:
    """Whether this capture says the same as the suspect one before it: gone again, or the same reading."""
    before = state.suspect_fingerprint
    return before == mark(verdict, fingerprint)


def mark(verdict: Verdict, fingerprint: str) -> str:
    """What a later capture has to match: that the page is gone, whatever its error page says, or the same reading."""
    return verdict.kind if verdict.kind == "gone" else f"{verdict.kind}:{fingerprint}"
