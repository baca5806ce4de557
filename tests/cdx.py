"""A web archive on loopback: its index of captures, and their original bytes, as the Internet Archive answers them.

archive = Archive(site, "https://agency.example/list")
archive.add("20170320160000", "<p>Clark County</p>")
archive.add("20170401000000", "", status=301, location="https://agency.example/")
archive.instead["20170320160000"] = lambda: Reply("too many", status=429)     # of a capture, or of "cdx"
"""

from __future__ import annotations

import hashlib
import json
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tests.site import Page, Reply, Request, Site

HEADER = ["timestamp", "original", "statuscode", "digest"]


def digest(body: bytes) -> str:
    return b32encode(hashlib.sha1(body, usedforsecurity=False).digest()).decode()


@dataclass
class Held:
    """One capture: `digest` is the index's, `location` where it led; one that is not `listed` is of another page."""

    stamp: str
    original: str
    body: bytes
    status: str
    digest: str
    location: str = ""
    listed: bool = True
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return f"/web/{self.stamp}id_/{self.original}"


class Archive(dict[str, Any]):
    """The pages of `site`, which answers as an archive of `url` does; `asked` is the ledger of its index."""

    def __init__(self, site: Site, url: str) -> None:
        self.site, self.url = site, url
        self.captures: list[Held] = []
        self.asked: list[dict[str, str]] = []
        self.instead: dict[str, Callable[[], Page]] = {}
        self.rows = 5_000
        site.pages = self

    def add(self, stamp: str, body: str | bytes, *, status: int | str = 200, **more: Any) -> Held:
        """Keep one capture; gives it, to be spoiled."""
        raw = body.encode() if isinstance(body, str) else body
        more = {"original": self.url, "digest": digest(raw), **more}
        held = Held(stamp=stamp, body=raw, status=str(status), **more)
        self.captures.append(held)
        return held

    @property
    def fetched(self) -> list[str]:
        """The stamps of the captures that were asked for, in order."""
        return [request.path[5:19] for request in self.site.requests if request.path.startswith("/web/")]

    def get(self, path: str, default: Any = None) -> Any:
        if path.startswith(("/cdx/search/cdx?", "/web/")):
            return self.answer
        return default

    def answer(self, request: Request) -> Page:
        name = "cdx" if request.path.startswith("/cdx") else request.path[5:19]
        if name in self.instead:
            return self.instead[name]()
        if name == "cdx":
            return self._index({key: value[0] for key, value in parse_qs(urlsplit(request.path).query).items()})
        for held in self.captures:
            if held.path == unquote(request.path):
                return self._play(held)
        return Reply("The Wayback Machine has not archived that URL.", status=404)

    def _index(self, asked: dict[str, str]) -> Page:
        self.asked.append(asked)
        assert (asked["output"], asked["fl"]) == ("json", ",".join(HEADER))
        first, last = asked.get("from", "0"), asked.get("to", "~")
        held = sorted(
            (one for one in self.captures if one.listed and first <= one.stamp <= last), key=lambda one: one.stamp
        )
        start = int(asked.get("resumeKey", "key 0").split()[1])
        rows = [[one.stamp, one.original, one.status, one.digest] for one in held[start : start + self.rows]]
        found: list[Any] = [HEADER, *rows] if rows else []
        if len(held) > start + self.rows:
            found += [[], [quote(f"key {start + self.rows}")]]
        return Reply(json.dumps(found), headers={"content-type": "application/json"})

    def _play(self, held: Held) -> Page:
        if held.location:
            landed = f"{self.site.url('/web/')}{held.stamp}id_/{held.location}"
            return Reply("", status=302, headers={"location": landed})
        own = {
            "x-archive-orig-content-type": "text/html; charset=utf-8",
            "x-archive-orig-etag": '"own"',
            "etag": '"no"',
        }
        status = 200 if held.status == "-" else int(held.status)
        return Reply(held.body, status=status, headers={**own, "content-type": "text/html", **held.headers})
