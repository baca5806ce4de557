"""One page as a value: what comes back, what is sent, which answers are failures, and that each costs little."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fetching import Names, bad, fetch, good, run, source
from tests.site import Page, Raw, Reply, Request, Site
from watcher import __version__
from watcher.core import Failure, Fetched, Hop, Validators
from watcher.fetch import Fetcher

OK = b"HTTP/1.1 200 OK\r\n"
ENDLESS = b"x" * (1 << 16)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


# ---------------------------------------------------------------- what comes back


def test_a_page_comes_back_whole(site: Site) -> None:
    site.pages["/list?a=b"] = Reply("<p>Clark County</p>", headers={"Content-Type": "text/html", "X-Two": "é"})
    page = good(fetch(site.url("/list?a=b#here")))
    assert page == Fetched(
        url=site.url("/list?a=b"),
        status=200,
        headers=(("content-type", "text/html"), ("x-two", "é"), ("content-length", "19")),
        body=b"<p>Clark County</p>",
        peer="127.0.0.1",
    )


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 403, 404, 410, 429, 451, 500, 503, 999])
def test_every_status_comes_back(site: Site, status: int) -> None:
    site.pages["/"] = Reply("" if status in (204, 304) else "words", status=status)
    page = good(fetch(site.url(), validators=Validators(etag='"1"')))
    assert page.status == status
    assert page.body == (b"" if status in (204, 304) else b"words")


def test_a_redirect_without_a_location_is_a_page(site: Site) -> None:
    site.pages["/"] = Reply("words", status=302)
    assert good(fetch(site.url())).body == b"words"


def test_the_peer_is_the_address_that_answered(site: Site) -> None:
    site.pages["/"] = "short enough to arrive with its headers"
    site.pages["/long"] = "x" * 500_000
    site.pages["/bye"] = Reply("closing", headers={"Connection": "close"})
    for path in ("/", "/long", "/bye"):
        assert good(fetch(site.url(path))).peer == "127.0.0.1"


def test_a_chunked_body_and_a_body_up_to_the_end_of_the_connection(site: Site) -> None:
    site.pages["/chunked"] = Raw([OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"])
    site.pages["/closed"] = Raw([OK + b"\r\n", b"abc", b"de"])
    for path in ("/chunked", "/closed"):
        assert good(fetch(site.url(path))).body == b"abcde"


def test_gzip_is_undone_member_by_member(site: Site) -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two")
    site.pages["/"] = Reply(body, headers={"Content-Encoding": "gzip"})
    assert good(fetch(site.url())).body == b"one two"


def test_a_large_page_within_the_limits(site: Site) -> None:
    site.pages["/"] = b"x" * (10 << 20)
    assert len(good(fetch(site.url())).body) == 10 << 20


# ---------------------------------------------------------------- what is sent


def test_we_say_who_we_are_and_ask_for_gzip_only(site: Site) -> None:
    fetch(site.url(), contact="desk@example.org")
    (request,) = site.requests
    assert request.headers == {
        "host": site.address,
        "user-agent": f"watcher/{__version__} (+desk@example.org)",
        "accept": "*/*",
        "accept-encoding": "gzip",
    }


@pytest.mark.parametrize("contact", ["", "redacción@example.org", "a\r\nX-Evil: 1"])
def test_a_contact_that_cannot_be_sent_is_left_out(site: Site, contact: str) -> None:
    fetch(site.url(), contact=contact)
    assert site.requests[0].headers["user-agent"] == f"watcher/{__version__}"
    assert "x-evil" not in site.requests[0].headers


def test_validators_make_the_get_conditional(site: Site) -> None:
    modified = "Tue, 14 Mar 2017 10:00:00 GMT"
    site.pages["/etag"] = Reply("words", headers={"ETag": '"1"'})
    site.pages["/date"] = Reply("words", headers={"Last-Modified": modified})
    assert good(fetch(site.url("/etag"), validators=Validators(etag='"1"'))).status == 304
    assert good(fetch(site.url("/date"), validators=Validators(last_modified=modified))).status == 304
    assert good(fetch(site.url("/etag"), validators=Validators('"2"', modified))).body == b"words"
    assert site.requests[-1].headers["if-none-match"] == '"2"'
    assert site.requests[-1].headers["if-modified-since"] == modified


@pytest.mark.parametrize("etag", ['"a\r\nX-Evil: 1"', '"é"', '"\x00"', "\ud800"])
def test_a_validator_that_is_no_plain_text_is_left_out(site: Site, etag: str) -> None:
    assert good(fetch(site.url(), validators=Validators(etag=etag))).status == 404
    assert not {"if-none-match", "x-evil"} & set(site.requests[0].headers)


def test_nothing_has_changed_is_no_answer_to_a_plain_question(site: Site) -> None:
    site.pages["/"] = Reply(status=304)
    bad(fetch(site.url()), "protocol")


def test_cookies_are_not_kept(site: Site) -> None:
    site.pages["/"] = Reply("words", headers={"Set-Cookie": "id=1; Path=/"})

    async def twice(fetcher: Fetcher) -> None:
        for _ in range(2):  # under a name, because cookie jars know that addresses have none
            good(await fetcher(source(), site.url(host="site.example")))

    run(twice, parts={"resolver": Names(site_example=[["127.0.0.1"]])})
    assert [request.headers.get("cookie") for request in site.requests] == [None, None]


def test_proxies_and_netrc_of_the_environment_are_ignored(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text(f"machine {site.host} login me password word\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Site() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        assert good(fetch(site.url())).status == 404
        assert proxy.connections == 0
    assert "authorization" not in site.requests[0].headers


def test_connections_are_reused_unless_a_fresh_one_is_wanted(site: Site) -> None:
    site.pages["/"] = "words"

    async def work(fetcher: Fetcher) -> list[int]:
        seen = []
        for fresh in (False, False, True, True, False):
            good(await fetcher(source(), site.url(), fresh=fresh))
            seen.append(site.connections)
        return seen

    assert run(work) == [1, 1, 2, 3, 3]


# ---------------------------------------------------------------- redirects


def test_redirects_are_followed_and_kept(site: Site) -> None:
    site.pages["/a"] = Reply(status=301, headers={"Location": "/b"})
    site.pages["/b"] = Reply(status=308, headers={"Location": f"{site.url('/c')}#part"})
    site.pages["/c"] = "words"
    page = good(fetch(site.url("/a"), validators=Validators(etag='"1"')))
    assert page.redirects == (Hop(site.url("/a"), 301), Hop(site.url("/b"), 308))
    assert (page.url, page.body) == (site.url("/c"), b"words")
    assert [request.headers.get("if-none-match") for request in site.requests] == ['"1"', None, None]


@pytest.mark.parametrize(("hops", "followed"), [(5, True), (6, False), (25, False)])
def test_five_redirects_are_the_most(site: Site, hops: int, *, followed: bool) -> None:
    for step in range(hops):
        site.pages[f"/{step}"] = Reply(status=302, headers={"Location": f"/{step + 1}"})
    site.pages[f"/{hops}"] = "words"
    answer = fetch(site.url("/0"))
    if followed:
        assert good(answer).body == b"words"
    else:
        bad(answer, "redirect")
    assert len(site.requests) == 6


def test_a_circle_is_seen(site: Site) -> None:
    site.pages["/a"] = Reply(status=302, headers={"Location": "/b"})
    site.pages["/b"] = Reply(status=302, headers={"Location": "/a"})
    bad(fetch(site.url("/a")), "redirect")
    assert len(site.requests) == 2


def test_a_location_is_read_as_browsers_read_it(site: Site) -> None:
    site.pages["/"] = Raw(["HTTP/1.1 302 Found\r\nLocation: /é b\r\nContent-Length: 0\r\n\r\n".encode()])
    site.pages["/%C3%A9%20b"] = "words"
    assert good(fetch(site.url())).body == b"words"


# ---------------------------------------------------------------- failures to connect, and what they tell


def test_nobody_there_is_a_failure_to_connect() -> None:
    failure = bad(fetch("http://127.0.0.1:1/"), "connect")
    assert not failure.refused
    assert "127.0.0.1" in failure.detail


def test_a_name_that_leads_nowhere_is_a_dns_failure() -> None:
    async def nowhere(_host: str, _port: int) -> tuple[str, ...]:
        return ()

    bad(fetch("http://nowhere.example/", parts={"resolver": nowhere}), "dns")


def test_the_machine_resolves_names_by_itself(site: Site) -> None:
    assert good(fetch(site.url(host="localhost"), allow_private=("localhost",))).status == 404


def test_an_international_name_is_asked_for_in_its_xn_form(site: Site) -> None:
    names = Names(**{"xn--mnchen-3ya_de": [["127.0.0.1"]]})
    answer = fetch(site.url(host="xn--mnchen-3ya.de"), parts={"resolver": names}, allow_private=("xn--mnchen-3ya.de",))
    assert good(answer).status == 404
    assert site.requests[0].headers["host"] == f"xn--mnchen-3ya.de:{site.port}"


@given(
    st.text(st.characters(), max_size=30), st.sampled_from(["", "http://a.example/", "http://a.example:", "https://"])
)
@settings(max_examples=50, deadline=None)
def test_no_text_makes_it_raise(text: str, start: str) -> None:
    answer = fetch(start + text, parts={"resolver": Names()})
    assert isinstance(answer, Failure)
    assert answer.reason in {"refused", "dns"}


def test_a_lone_surrogate_is_refused() -> None:
    bad(fetch("http://example.org/\ud800"), "refused")


def test_no_secret_of_an_address_is_told_or_logged(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pages: dict[str, Page] = {
        "": "words", "1": Raw([b"junk"]), "2": Reply("x", cut=0), "3": Reply(status=302, headers={"Location": "ftp://x/SECRET"}),
        "4": Reply(status=304), "5": Raw([OK + b"SECRET\r\n\r\n"]), "6": Raw([OK + b"X: SECRET" + b"x" * 20_000]),
    }  # fmt: skip
    for number, page in pages.items():
        site.pages[f"/SECRET{number}?key=SECRET"] = page
        answer = fetch(site.url(f"/SECRET{number}?key=SECRET"))
        assert isinstance(answer, Fetched) or "SECRET" not in answer.detail
    for url in ("http://127.0.0.1:1/SECRET", "http://u:SECRET@example.org/", "http://10.0.0.1/SECRET"):
        assert "SECRET" not in bad(fetch(url), "connect" if ":1/" in url else "refused").detail
    assert "SECRET" not in caplog.text


# ---------------------------------------------------------------- webhooks


def test_a_webhook_is_posted(site: Site) -> None:
    site.pages["/hook"] = lambda request: Reply(request.body, status=202)
    headers = {"Content-Type": "application/json"}
    answer = good(run(lambda fetcher: fetcher.post(site.url("/hook"), b'{"a":1}', headers)))
    assert (answer.status, answer.body) == (202, b'{"a":1}')
    (request,) = site.requests
    assert (request.method, request.headers["content-type"]) == ("POST", "application/json")
    assert request.headers["user-agent"].startswith("watcher/")


@pytest.mark.parametrize(
    ("page", "outcome"),
    [
        (Reply(status=307, headers={"Location": "/other"}), 307),
        (Reply(status=503, headers={"Retry-After": "1"}), 503),
        (Raw([]), "protocol"),
        (Reply("words", length=100, cut=1), "encoding"),
    ],
)
def test_a_webhook_has_one_try_and_no_detours(site: Site, page: Page, outcome: int | str) -> None:
    site.pages["/hook"] = page
    answer = run(lambda fetcher: fetcher.post(site.url("/hook"), b"x", {}))
    assert outcome == (answer.status if isinstance(answer, Fetched) else answer.reason)
    assert [request.path for request in site.requests] == ["/hook"]


def test_a_webhook_that_surely_was_not_sent_says_so() -> None:
    bad(run(lambda fetcher: fetcher.post("http://127.0.0.1:1/", b"x", {})), "connect")
    bad(run(lambda fetcher: fetcher.post("http://127.0.0.1:1/", b"x", {"X": "é"})), "refused")


def test_a_webhook_waits_for_no_page(site: Site) -> None:
    site.pages["/slow"] = Reply("late", delay=0.3)
    site.pages["/hook"] = lambda request: Reply(str(len(request.body)))

    async def work(fetcher: Fetcher) -> list[Request]:
        page = asyncio.create_task(fetcher(source(), site.url("/slow")))
        await asyncio.sleep(0.05)
        good(await fetcher.post(site.url("/hook"), b"x", {}))
        assert not page.done()
        await page
        return site.requests

    assert [request.path for request in run(work, per_host=1, concurrency=1)] == ["/slow", "/hook"]
