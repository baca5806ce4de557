"""No page in a real Chromium reaches what the guard refuses, by whatever way a browser has."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.fetch.attacks import ATTACKS, LEAVING
from tests.fetch.showing import Shower, alone, html, page
from tests.fetching import Time, bad, good, settings
from tests.site import Reply, Site
from watcher.core import Failure, Fetched, Source
from watcher.fetch import Fetcher, chromium
from watcher.fetch.browser import Browser

GROUPS = 6
"""Pages over which the attacks are spread."""


@contextmanager
def listener() -> Iterator[socket.socket]:
    """A UDP socket on loopback that does not wait."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        udp.setblocking(False)
        yield udp


def address(udp: socket.socket) -> str:
    return "{}:{}".format(*udp.getsockname())


def received(udp: socket.socket) -> bool:
    """Whether a datagram has come."""
    try:
        return bool(udp.recv(100))
    except BlockingIOError:
        return False


@pytest.fixture(scope="module")
def trap() -> Iterator[Site]:
    """A site on every loopback address that must never see a connection."""
    with Site(host="0.0.0.0") as site:
        yield site


def test_no_page_reaches_what_the_guard_refuses(home: Site, trap: Site, show: Shower) -> None:
    home.pages["/away"] = Reply(status=302, headers={"Location": trap.url(host="127.0.0.1")})
    home.pages["/worker.js"] = Reply(
        f"fetch('http://127.0.0.1:{trap.port}/')", headers={"Content-Type": "text/javascript"}
    )
    with listener() as udp:
        places = {"home": home.address, "trap": f"127.0.0.1:{trap.port}", "port": trap.port, "udp": address(udp)}
        attacks = [attack.format(**places) for attack in ATTACKS.values()]
        for group in range(GROUPS):
            ran = "<p id='p'></p><script>p.textContent = 'ran'</script>"
            home.pages[f"/stays/{group}"] = html("".join([ran, *attacks[group::GROUPS]]))
        for name, attack in LEAVING.items():
            home.pages[f"/{name}"] = html(attack.format(**places))
        *answers, form, download = show.all(
            *(f"/stays/{group}" for group in range(GROUPS)), *map("/{}".format, LEAVING)
        )
        assert not received(udp)
    assert trap.connections == 0
    assert bad(form, "browser")
    assert bad(download, "refused")
    for answer in answers:
        assert b'<p id="p">ran</p>' in good(answer).body


@pytest.mark.parametrize(
    "place", ["http://127.0.0.1:{port}/", "/away", "http://169.254.169.254/", "http://[::1]:{port}/"]
)
def test_no_page_sends_one_where_the_guard_refuses(home: Site, trap: Site, show: Shower, place: str) -> None:
    home.pages["/away"] = Reply(status=302, headers={"Location": trap.url(host="127.0.0.1")})
    home.pages["/sends"] = html(f"<script>location.href = '{place.format(port=trap.port)}'</script>")
    assert bad(show("/sends"), "refused").refused
    assert trap.connections == 0


EVERY_WAY = """([tcp, port, udp]) => {
  gathered = new Promise(end => {
    const peer = new RTCPeerConnection({iceServers: [{urls: [`stun:${udp}`]}]});
    peer.onicegatheringstatechange = () => peer.iceGatheringState === "complete" && end();
    peer.createDataChannel("x");
    peer.createOffer().then(offer => peer.setLocalDescription(offer));
  });
  return Promise.all([
    fetch(`http://${tcp}/`, {mode: "no-cors"}).catch(() => 0),
    fetch(`http://localhost:${port}/`, {mode: "no-cors"}).catch(() => 0),
    new Promise(end => { new WebSocket(`ws://${tcp}/`).onclose = end; }),
  ]);
}"""


@pytest.mark.usefixtures("chromium_version")
@pytest.mark.parametrize("walled", [True, False])
def test_chromium_has_no_network_of_its_own(monkeypatch: pytest.MonkeyPatch, *, walled: bool) -> None:
    """With nothing between it and the network but its arguments; without them, everything is reached."""
    if not walled:
        monkeypatch.setattr(chromium, "ARGUMENTS", ())

    async def tried(trap: Site, udp: socket.socket) -> bool:
        """Whether a datagram came."""
        running = await chromium.start()
        try:
            blank = await running.chromium.new_page()
            await blank.evaluate(EVERY_WAY, [f"127.0.0.1:{trap.port}", trap.port, address(udp)])
            if walled:
                await blank.evaluate("gathered")
                return received(udp)
            return bool(await asyncio.get_running_loop().sock_recv(udp, 100))
        finally:
            await running.end()

    with Site(host="0.0.0.0") as trap, listener() as udp:
        assert asyncio.run(tried(trap, udp)) is not walled
        assert (trap.connections >= 3) is not walled
        assert (trap.connections == 0) is walled


@pytest.mark.usefixtures("chromium_version")
def test_what_is_not_shared_cannot_be_read(home: Site) -> None:
    shared = {"Access-Control-Allow-Origin": "*"}
    with Site(host="127.0.0.2") as other:
        other.pages["/open"] = Reply("open words", headers=shared)
        other.pages["/closed"] = "closed words"
        read = "".join(
            f"fetch('{other.url(path)}').then(r => r.text()).then(t => document.body.append(t));"
            for path in other.pages
        )
        home.pages["/reads"] = html(f"<p></p><script>{read}</script>")

        async def work(shown: Browser) -> Fetched | Failure:
            return await shown(page(home.url()), home.url("/reads"))

        body = good(alone(work)).body
    assert b"open words" in body
    assert b"closed words" not in body


class Far(Fetcher):
    """Says of each page that it came from the open internet."""

    async def __call__(self, source: Source, url: str, **more: Any) -> Fetched | Failure:
        return replace(good(await super().__call__(source, url, **more)), peer="93.184.215.14")


@pytest.mark.usefixtures("chromium_version")
def test_a_public_page_does_not_look_into_allowed_networks(home: Site) -> None:
    home.pages["/public"] = html("<p>words</p><img src='/inside'><script>fetch('/inside')</script>")

    async def work(shown: Browser) -> Fetched | Failure:
        return await shown(page(home.url()), home.url("/public"))

    assert b"words" in good(alone(work, Far(settings(), now=Time().now))).body
    assert home.hits("/inside") == 0
    assert b"words" in good(alone(work)).body
    assert home.hits("/inside") == 2


@pytest.mark.usefixtures("chromium_version")
def test_robots_txt_is_asked_for_the_page_and_not_for_its_parts() -> None:
    with Site() as site:
        site.pages["/robots.txt"] = "User-agent: *\nDisallow: /private\nDisallow: /part"
        site.pages["/private"] = html("<p>x</p>")
        site.pages["/sends"] = html("<script>location.href = '/private'</script>")
        site.pages["/page"] = html("<body><script src='/part.js'></script>")
        site.pages["/part.js"] = "document.body.innerHTML = '<p>made</p>'"

        async def work(shown: Browser) -> list[Fetched | Failure]:
            paths = ("/private", "/sends", "/page")
            return [await shown(page(site.url(), ignore_robots=False), site.url(path)) for path in paths]

        private, sends, whole = alone(work)
        assert bad(private, "robots").refused
        assert bad(sends, "robots").refused
        assert b"<p>made</p>" in good(whole).body
        assert site.hits("/private") == 0
