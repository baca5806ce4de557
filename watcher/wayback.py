"""Old captures of a page from the Internet Archive, or an archive that answers like it: one polite request at a time.

Stands above fetch and before backfill, beside captures: `search` reads the archive's index, `arrival` brings the
original bytes of one capture. https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server has its rules.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import logging
import re
from base64 import b32encode
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import msgspec

from watcher.captures import Arrival, CaptureError, Stored
from watcher.core import Failure, Fetch, Fetched, Hop, Source, instant

log = logging.getLogger(__name__)

ROWS = 5_000
"""Lines of the index that are asked for at a time."""
MOST_ROWS = 200_000
WAITS = tuple(timedelta(seconds=seconds) for seconds in (30, 60, 120, 240))
"""Before an archive that is overloaded, or does not answer, is asked once more."""
LONGEST_WAIT = timedelta(minutes=15)
"""Of a Retry-After that is sat out."""
GIVE_UP = 3
"""Captures in a row without an answer after which the rest is left for another time."""
GAPS = 3
NEAR = timedelta(days=1)
"""Between a capture and the one that it redirects to."""
PAGES = frozenset({"200", "404", "410", "-"})
"""Statuses that say what a page was. "-" stands for a capture whose bytes were those of one before."""
REDIRECTS = frozenset({"301", "302", "303", "307", "308"})
COLUMNS = ("timestamp", "original", "statuscode", "digest")
PASSING = frozenset({"timeout", "connect", "dns", "protocol", "status"})
"""Reasons of failures which may be over when the archive is asked again."""
TOO_MANY, SERVER_ERROR, OKAY = 429, 500, 200

_STAMP = "%Y%m%d%H%M%S"
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]{14}")
_PLAYED = re.compile(r"/web/([0-9]{14})[a-z]{0,2}_?/(.+)", re.DOTALL)
_DIGEST = re.compile(r"(?:sha1:)?([A-Z2-7]{32})", re.IGNORECASE)
_RESUME = re.compile(r"[^\s&#]{1,4000}")


class Row(NamedTuple):
    """One line of the index: when, which spelling of the address, how it was answered, SHA-1 of the bytes."""

    stamp: str
    original: str
    status: str
    digest: str

    @property
    def answered(self) -> int:
        """The status that the capture has when it is brought; a redirect is followed."""
        return int(self.status) if self.status in {"404", "410"} else OKAY


@dataclass(slots=True)
class Run:
    """Captures of one address that followed each other with the same bytes: the first, and when all were made."""

    row: Row
    times: list[datetime]
    failed: str = ""


class Gap(NamedTuple):
    """A span of time in which nobody saw the page."""

    since: datetime
    until: datetime


@dataclass(slots=True)
class Wayback:
    """The captures that the index has, oldest first; of those that follow each other with equal bytes, the first.

    Equal ones are put together by their digests here, and not by the index (`collapse=digest`), because the last says
    until when the old stood, and the second confirms that a page was gone. `unusable` counts answers such as 403 and
    503, which are never believed.
    """

    fetch: Fetch
    source: Source
    base: str
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    runs: list[Run] = field(default_factory=list)
    unusable: int = 0
    provenance: str = "wayback"
    together: int = 1  # what took seconds to fetch is stored at once
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _unanswered: int = 0

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    @property
    def failed(self) -> int:
        """How many captures the archive lists and did not bring."""
        return sum(1 for run in self.runs if run.failed)

    def gaps(self) -> list[Gap]:
        """The longest spans between two captures that were to be had, longest first."""
        times = sorted(at for run in self.runs if not run.failed for at in run.times)
        spans = (Gap(*pair) for pair in pairwise(times))
        return heapq.nlargest(GAPS, spans, key=lambda gap: gap.until - gap.since)

    # ------------------------------------------------------------ the index

    async def search(self, since: datetime | None, until: datetime | None) -> None:
        """Read the index between the two times, both ends included. Raises CaptureError."""
        asked = {"url": self.source.url, "output": "json", "fl": ",".join(COLUMNS), "limit": str(ROWS)}
        asked |= {"from": since.astimezone(UTC).strftime(_STAMP)} if since else {}
        asked |= {"to": until.astimezone(UTC).strftime(_STAMP)} if until else {}
        address = f"{self.base}/cdx/search/cdx?{urlencode(asked)}&showResumeKey=true"
        rows: list[Row] = []
        keys: set[str] = {""}
        key = ""
        while True:
            answer = await self._ask(f"{address}&resumeKey={key}" if key else address)
            page, key = self._page(answer)
            rows += page
            if len(rows) > MOST_ROWS:
                raise self._error(f"expected at most {MOST_ROWS:,} captures, found more: narrow it by --since, --until")
            if not key:
                break
            if key in keys:
                raise self._error("the index goes in a circle")
            keys.add(key)
        self._sort(rows)

    def _page(self, answer: Fetched | Failure) -> tuple[list[Row], str]:
        """The lines of one page of the index, and the key of the next ("" at the end)."""
        if isinstance(answer, Failure):
            raise self._error(f"the index did not come: {answer.detail}")
        found = answer.body[:60].decode("utf-8", "replace")
        if answer.status != OKAY:
            raise self._error(f"the index did not come: HTTP {answer.status}, {found!r}")
        try:
            lines = msgspec.json.decode(answer.body, type=list[list[str]])
            key = lines.pop()[0] if len(lines) > 1 and not lines[-2] else ""
            places = [lines[0].index(column) for column in COLUMNS] if lines else []
            rows = [Row(*(line[place] for place in places)) for line in lines[1:] if line]
        except (msgspec.MsgspecError, ValueError, IndexError, RecursionError):
            raise self._error(f"expected an index of captures in JSON, found {found!r}") from None
        if key and not _RESUME.fullmatch(key):
            raise self._error(f"expected a key of the index's next page, found {key[:60]!r}")
        return rows, key

    def _sort(self, rows: list[Row]) -> None:
        """Take what can be a page, and put together what is the same."""
        last: dict[str, Run] = {}
        seen: set[tuple[str, str]] = set()
        for row in sorted(rows):
            at = _time(row.stamp)
            if at is None or row.status not in PAGES | REDIRECTS or not _ADDRESS.match(row.original):
                self.unusable += 1
            elif row[:2] not in seen:
                seen.add(row[:2])
                run = last.get(row.original)
                if run is not None and _alike(run.row, row):
                    run.times.append(at)
                else:
                    last[row.original] = Run(row, [at])
                    self.runs.append(last[row.original])

    # ------------------------------------------------------------ one capture

    @property
    def until(self) -> dict[datetime, datetime]:
        """When the bytes of each capture were seen last before others were."""
        return {run.times[0]: run.times[-1] for run in self.runs}

    async def arrival(self, one: Run, source: Source, stored: Stored) -> Arrival | None:
        """The original bytes of one capture; None where it is stored, could not be had, or is none of the page's.

        Raises CaptureError where the archive does not answer any more.
        """
        if one.times[0] in stored:
            return None
        answer = await self._ask(f"{self.base}/web/{one.row.stamp}id_/{one.row.original}")
        if _passing(answer):
            self._unanswered += 1
            if self._unanswered >= GIVE_UP:
                raise self._error(
                    f"{_said(answer)}; what came is stored: run this again later and it goes on from there"
                )
        else:
            self._unanswered = 0
        one.failed = self._doubt(one.row, answer)
        if one.failed:
            log.warning("%s: the capture of %s was not brought: %s", source.name, instant(one.times[0]), one.failed)
            return None
        fetched = _original(one.row, answer, source)
        if fetched is None:
            return None
        return Arrival(one.times[0], fetched, hashlib.sha256(fetched.body).hexdigest())

    async def _ask(self, url: str) -> Fetched | Failure:
        """One request, nobody else's meanwhile; waits and asks again where the archive is overloaded or silent."""
        async with self._turn:
            for pause in WAITS:
                answer = await self.fetch(self.source, url)
                if not _passing(answer):
                    return answer
                asked = answer.retry_after if isinstance(answer, Failure) else None
                if asked is not None and asked > LONGEST_WAIT:
                    raise self._error(
                        f"asks not to be called for {asked}: run this again then and it goes on from there"
                    )
                await self.sleep((asked or pause).total_seconds())
            return await self.fetch(self.source, url)

    def _doubt(self, row: Row, answer: Fetched | Failure) -> str:
        """Why this answer is not the capture that was asked for; "" where it is."""
        if isinstance(answer, Failure):
            return answer.detail
        played = _PLAYED.search(answer.url)
        if played is None or urlsplit(answer.url).hostname != urlsplit(self.base).hostname:
            return "the archive led elsewhere"
        if answer.status != row.answered:
            return f"HTTP {answer.status}"
        if row.status in REDIRECTS:
            return "" if _are_near(played[1], row.stamp) else "where it led was not captured at that time"
        if played[1] != row.stamp:
            return f"the archive brought the capture of {played[1]} in its place"
        return "" if _is_whole(row, answer) else "its bytes do not have the digest that the index gives"

    def _error(self, text: str) -> CaptureError:
        return CaptureError(f"{urlsplit(self.base).hostname}: {text}")


def _original(row: Row, answer: Fetched | Failure, source: Source) -> Fetched | None:
    """What the page's own server answered then; None for a step from one spelling of its address to another."""
    assert isinstance(answer, Fetched)
    headers = tuple(_headers(answer))
    if row.status not in REDIRECTS:
        return Fetched(source.url, answer.status, headers, answer.body)
    landed = answer.url.partition("/web/")[2].partition("/")[2]
    if _spelled(landed) == _spelled(source.url):
        return None
    return Fetched(landed, answer.status, headers, answer.body, (Hop(source.url, int(row.status)),))


def _time(stamp: str) -> datetime | None:
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC) if _DIGITS.fullmatch(stamp) else None
    except ValueError:
        return None


def _are_near(one: str, other: str) -> bool:
    times = _time(one), _time(other)
    return times[0] is not None and times[1] is not None and abs(times[0] - times[1]) <= NEAR


def _alike(one: Row, other: Row) -> bool:
    """Whether two captures of one address that follow each other brought the same."""
    statuses = {one.status, other.status} - {"-"}
    return one.digest == other.digest and len(statuses) <= 1


def _passing(answer: Fetched | Failure) -> bool:
    """Whether the same request may bring something better later."""
    if isinstance(answer, Failure):
        return not answer.refused and answer.reason in PASSING
    return answer.status == TOO_MANY or answer.status >= SERVER_ERROR


def _said(answer: Fetched | Failure) -> str:
    return answer.detail if isinstance(answer, Failure) else f"HTTP {answer.status}"


def _is_whole(row: Row, answer: Fetched) -> bool:
    """Whether the bytes have the index's digest; which is that of packed bytes where the page came packed."""
    digest = _DIGEST.fullmatch(row.digest)
    packed = answer.header("content-encoding") or answer.header("x-archive-orig-content-encoding")
    if digest is None or packed:
        return True
    found = hashlib.sha1(answer.body, usedforsecurity=False).digest()
    return b32encode(found).decode() == digest[1].upper()


def _headers(answer: Fetched) -> Iterator[tuple[str, str]]:
    """The headers of the page's own server, which the archive keeps under names of its own; beside them the type."""
    own = "x-archive-orig-"
    kept = [(name.removeprefix(own), value) for name, value in answer.headers if name.startswith(own)]
    yield from kept
    if not any(name == "content-type" for name, _ in kept):
        yield "content-type", answer.header("content-type")


def _spelled(url: str) -> tuple[str, ...]:
    """An address without what archives do not tell apart: scheme, www, port, a slash at the end."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").removeprefix("www.")
    except ValueError:
        return (url,)
    return host, parts.path.rstrip("/"), parts.query
