"""TLS is always verified: a certificate that is not in order is a failure that says so, never a page."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from tests.fetching import Names, bad, fetch, good
from tests.site import Raw, Reply, Site
from watcher.core import Failure, Fetched

Serve = Callable[[trustme.LeafCert], AbstractContextManager[Site]]

ASK = """
import asyncio, sys
from datetime import UTC, datetime
from watcher.core import Source
from watcher.fetch import Fetcher, FetchSettings

async def main():
    settings = FetchSettings(allow_private=("localhost",))
    async with Fetcher(settings, now=lambda: datetime.now(UTC)) as fetch:
        print(await fetch(Source("s", "page", "", ignore_robots=True), sys.argv[1]))

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA()


def serve(certificate: trustme.LeafCert) -> Site:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    site = Site(tls=context)
    site.pages["/"] = "words"
    return site


def trusting(ca: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    ca.configure_trust(context)
    return context


def ask(site: Site, ca: trustme.CA | None, path: str = "/", host: str = "good.example") -> Fetched | Failure:
    names = Names(good_example=[["127.0.0.1"]], plain_example=[["127.0.0.1"]])
    parts = {"resolver": names, "tls": trusting(ca) if ca else None}
    return fetch(site.url(path, host=host), parts=parts, allow_private=("good.example", "127.0.0.1"))


@pytest.fixture
def secure(ca: trustme.CA) -> Iterator[Site]:
    with serve(ca.issue_cert("good.example")) as site:
        yield site


def test_a_good_certificate_is_believed(secure: Site, ca: trustme.CA) -> None:
    page = good(ask(secure, ca))
    assert (page.body, page.peer, page.url) == (b"words", "127.0.0.1", secure.url(host="good.example"))


@pytest.mark.parametrize(
    ("issue", "why"),
    [
        (lambda ca: ca.issue_cert("other.example"), "good.example"),
        (lambda ca: ca.issue_cert("good.example", not_after=datetime(2020, 1, 1, tzinfo=UTC)), "expired"),
        (lambda _: trustme.CA().issue_cert("good.example"), "issuer"),
    ],
    ids=["wrong host", "expired", "unknown issuer"],
)
def test_a_bad_certificate_is_a_failure(
    ca: trustme.CA, issue: Callable[[trustme.CA], trustme.LeafCert], why: str
) -> None:
    with serve(issue(ca)) as site:
        failure = bad(ask(site, ca), "tls")
        assert "the certificate is not valid" in failure.detail
        assert why in failure.detail
        assert site.requests == []
        assert site.connections <= 1


def test_an_address_needs_a_certificate_of_its_own(secure: Site, ca: trustme.CA) -> None:
    bad(ask(secure, ca, host="127.0.0.1"), "tls")


def test_nobody_trusts_the_test_certificates_by_default(secure: Site) -> None:
    bad(ask(secure, None), "tls")


def test_a_server_without_tls_is_a_failure(ca: trustme.CA) -> None:
    with Site() as site:
        names = Names(good_example=[["127.0.0.1"]])
        answer = fetch(
            f"https://good.example:{site.port}/",
            parts={"resolver": names, "tls": trusting(ca)},
            allow_private=("good.example",),
        )
        bad(answer, "tls")
        assert site.requests == []


def test_the_way_from_https_to_http_is_not_taken(secure: Site, ca: trustme.CA) -> None:
    with Site() as plain:
        secure.pages["/"] = Reply(status=302, headers={"Location": plain.url()})
        assert bad(ask(secure, ca), "redirect").refused
        assert plain.connections == 0


def test_the_way_from_http_to_https_is(secure: Site, ca: trustme.CA) -> None:
    with Site() as plain:
        plain.pages["/"] = Reply(status=301, headers={"Location": secure.url(host="good.example")})
        names = Names(good_example=[["127.0.0.1"]])
        parts = {"resolver": names, "tls": trusting(ca)}
        page = good(fetch(plain.url(), parts=parts, allow_private=("good.example", plain.address)))
        assert (page.body, page.redirects[0].url) == (b"words", plain.url())


def test_a_cut_body_is_seen_through_tls_too(secure: Site, ca: trustme.CA) -> None:
    secure.pages["/cut"] = Raw([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwords"])
    bad(ask(secure, ca, "/cut"), "encoding")


def test_ssl_cert_file_is_trusted(ca: trustme.CA, tmp_path: Path) -> None:
    trusted = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(trusted))
    with serve(ca.issue_cert("localhost")) as site:
        for environment, wanted in (({"SSL_CERT_FILE": str(trusted)}, "Fetched"), ({}, "Failure(reason='tls'")):
            done = subprocess.run(
                [sys.executable, "-c", ASK, site.url(host="localhost")],
                env={key: value for key, value in os.environ.items() if key != "SSL_CERT_FILE"} | environment,
                capture_output=True,
                text=True,
                check=True,
            )
            assert done.stdout.startswith(wanted)
