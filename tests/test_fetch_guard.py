"""No fetch, by whatever spelling, name or redirect, connects to an address that the guard refuses."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fetching import Names, bad, door, fetch, good, run, source
from tests.site import Reply, Site
from watcher.core import Failure, Fetched
from watcher.fetch import Fetcher
from watcher.fetch.connections import Connections

# {p} is the port of a listener on all of loopback, which must never see a connection.
TARGETS = [
    # loopback and "this host", as addresses
    *("http://127.0.0.1:{p}/", "http://127.0.0.2:{p}/", "http://127.255.255.254:{p}/", "http://0.0.0.0:{p}/"),
    *("http://[::1]:{p}/", "http://[::]:{p}/", "http://[0:0:0:0:0:0:0:1]:{p}/", "https://127.0.0.1:{p}/"),
    # the same, in spellings that only some parsers read
    *("http://127.1:{p}/", "http://127.0.1:{p}/", "http://127.0.0.1.:{p}/", "http://127.00.0.1:{p}/"),
    *("http://2130706433:{p}/", "http://0x7f000001:{p}/", "http://0x7f.0.0.1:{p}/", "http://0X7F.0.0.0x1:{p}/"),
    *("http://0177.0.0.1:{p}/", "http://017700000001:{p}/", "http://0:{p}/", "http://0x0:{p}/", "http://0.0:{p}/"),
    *("http://１２７.0.0.1:{p}/", "http://127。0。0。1:{p}/", "http://①②⑦.0.0.1:{p}/", "http://ⓛocalhost:{p}/"),
    *("http://127%2e0%2e0%2e1:{p}/", "http://%31%32%37.0.0.1:{p}/", "http://%6cocalhost:{p}/", "http://127.0.0.1%00:{p}/"),
    *("http://[::1%25lo]:{p}/", "http://[::127.0.0.1]:{p}/", "http://[0000::0001]:{p}/", "http://[127.0.0.1]:{p}/"),
    # IPv4 inside IPv6
    *("http://[::ffff:127.0.0.1]:{p}/", "http://[::ffff:7f00:1]:{p}/", "http://[::ffff:0:127.0.0.1]:{p}/"),
    *("http://[64:ff9b::127.0.0.1]:{p}/", "http://[64:ff9b::7f00:1]:{p}/", "http://[64:ff9b:1::127.0.0.1]:{p}/"),
    *("http://[2002:7f00:1::]:{p}/", "http://[2002:7f00:1::1]:{p}/", "http://[2002:a00:1::1]:{p}/"),
    *("http://[2001:0:7f00:1::f7f7:f7f7]:{p}/", "http://[2001:0:808:808::80ff:fffe]:{p}/"),
    *("http://[::ffff:169.254.169.254]:{p}/", "http://[::ffff:10.0.0.1]:{p}/", "http://[64:ff9b::a9fe:a9fe]:{p}/"),
    # private, link-local, metadata, and the rest of what is special
    *("http://10.0.0.1:{p}/", "http://172.16.0.1:{p}/", "http://172.31.255.255:{p}/", "http://192.168.1.1:{p}/"),
    *("http://169.254.169.254/latest/meta-data/", "http://169.254.170.2:{p}/", "http://100.64.0.1:{p}/"),
    *("http://100.100.100.200:{p}/", "http://168.63.129.16:{p}/", "http://192.0.0.192:{p}/", "http://198.18.0.1:{p}/"),
    *("http://192.0.2.1:{p}/", "http://198.51.100.1:{p}/", "http://203.0.113.1:{p}/", "http://192.88.99.1:{p}/"),
    *("http://224.0.0.1:{p}/", "http://239.255.255.250:{p}/", "http://240.0.0.1:{p}/", "http://255.255.255.255:{p}/"),
    *("http://[fe80::1]:{p}/", "http://[fc00::1]:{p}/", "http://[fd00:ec2::254]:{p}/", "http://[fec0::1]:{p}/"),
    *("http://[ff02::1]:{p}/", "http://[2001:db8::1]:{p}/", "http://[100::1]:{p}/", "http://[3fff::1]:{p}/"),
    # names that lead inside, wholly or in part
    *("http://localhost:{p}/", "http://LOCALHOST:{p}/", "http://inside.example:{p}/", "http://half.example:{p}/"),
    *("http://half6.example:{p}/", "http://metadata.example:{p}/", "http://mapped.example:{p}/"),
    # disguises
    *("http://example.org@127.0.0.1:{p}/", "http://127.0.0.1:{p}@example.org/", "http://example.org:{p}\\@127.0.0.1:{p}/"),
    *("http://127.0.0.1:{p}\\@example.org/", "http://127.0.0.1:{p}\t/", "http://127.0.0.1\n:{p}/", " http://127.0.0.1:{p}/"),
    *("http:127.0.0.1:{p}/", "http:/127.0.0.1:{p}/", "http:///127.0.0.1:{p}/", "http:\\\\127.0.0.1:{p}\\"),
    # other schemes
    *("file:///etc/passwd", "file:/etc/passwd", "FILE://localhost/etc/passwd", "ftp://127.0.0.1:{p}/"),
    *("gopher://127.0.0.1:{p}/_x", "dict://127.0.0.1:{p}/", "ws://127.0.0.1:{p}/", "unix:///run/x", "view-source:http://127.0.0.1/"),
]  # fmt: skip

# Those that a Location can say and that do not lead back to where it stands.
LOCATIONS = [target for target in TARGETS if not re.search(r"^http:/?1|^http:///|[\r\n]|^ ", target)]


def names() -> Names:
    return Names(
        localhost=[["127.0.0.1", "::1"]],
        inside_example=[["127.0.0.1"]],
        half_example=[["93.184.215.14", "127.0.0.1"]],
        half6_example=[["2606:4700::1111", "::1"]],
        metadata_example=[["169.254.169.254"]],
        mapped_example=[["::ffff:127.0.0.1"]],
        public_example=[["93.184.215.14"]],
    )


@pytest.fixture(scope="module")
def trap() -> Iterator[Site]:
    with Site(host="0.0.0.0") as site:
        yield site


@pytest.fixture(scope="module")
def lure() -> Iterator[Site]:
    with Site() as site:
        yield site


def test_there_are_enough_targets_and_the_trap_works(trap: Site) -> None:
    assert len(set(TARGETS)) >= 80
    before = trap.connections
    good(fetch(f"http://127.0.0.1:{trap.port}/"))
    assert trap.connections == before + 1


@pytest.mark.parametrize("target", TARGETS)
def test_a_refused_address_is_never_connected_to(trap: Site, target: str) -> None:
    before = trap.connections
    for ignore_robots in (True, False):
        answer = once(target.format(p=trap.port), ignore_robots=ignore_robots, allow_private=())
        assert bad(answer, "refused").refused
    assert trap.connections == before


@pytest.mark.parametrize("target", LOCATIONS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_nor_by_a_redirect(trap: Site, lure: Site, target: str, status: int) -> None:
    place = target.format(p=trap.port)
    lure.pages["/"] = Reply(status=status, headers={"Location": place.encode().decode("latin-1")})
    before = trap.connections
    answer = once(lure.url(), allow_private=(lure.address,))
    assert bad(answer, "refused").refused
    assert trap.connections == before


def test_a_page_that_redirects_by_itself_is_only_a_page(trap: Site, lure: Site) -> None:
    lure.pages["/"] = Reply(
        f'<meta http-equiv="refresh" content="0;url=http://127.0.0.1:{trap.port}/">',
        headers={"Refresh": f"0;url=http://127.0.0.1:{trap.port}/", "Link": f"<http://127.0.0.1:{trap.port}/>"},
    )
    before = trap.connections
    assert good(once(lure.url(), allow_private=(lure.address,))).status == 200
    assert trap.connections == before


def test_a_webhook_goes_through_the_same_door(trap: Site) -> None:
    async def work(fetcher: Fetcher) -> list[Fetched | Failure]:
        return [await fetcher.post(target.format(p=trap.port), b"x", {}) for target in TARGETS]

    before = trap.connections
    for answer in run(work, parts={"resolver": names()}, allow_private=()):
        assert bad(answer, "refused").refused
    assert trap.connections == before


def test_a_name_is_resolved_once_for_a_connect_so_that_it_cannot_change_in_between(
    trap: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled: list[str] = []
    opening = Connections._socket

    def refuse_to_dial(connections: Any, info: Any) -> socket.socket:
        opening(connections, info).close()
        dialled.append(info[4][0])
        raise ConnectionRefusedError

    monkeypatch.setattr(Connections, "_socket", refuse_to_dial)
    turning = Names(turning_example=[["93.184.215.14"], ["127.0.0.1"]] * 500)

    async def work(fetcher: Fetcher) -> list[str]:
        url = f"http://turning.example:{trap.port}/"
        answers = [await fetcher(source(), url, fresh=True) for _ in range(1000)]
        return [answer.reason for answer in answers if isinstance(answer, Failure)]

    before = trap.connections
    reasons = run(work, parts={"resolver": turning}, allow_private=())
    assert reasons == ["connect", "refused"] * 500
    assert set(dialled) == {"93.184.215.14"}
    assert trap.connections == before


def test_a_name_that_may_lead_inside_does_not_let_its_address_in(trap: Site) -> None:
    allowed = (f"inside.example:{trap.port}",)

    async def work(fetcher: Fetcher) -> tuple[Fetched | Failure, ...]:
        urls = (
            f"http://inside.example:{trap.port}/",
            f"http://127.0.0.1:{trap.port}/",
            f"http://localhost:{trap.port}/",
        )
        return tuple([await fetcher(source(), url) for url in urls])

    by_name, by_address, by_other_name = run(work, parts={"resolver": names()}, allow_private=allowed)
    assert good(by_name).status == 404
    bad(by_address, "refused")
    bad(by_other_name, "refused")


def test_a_name_is_asked_for_as_it_is_written(lure: Site) -> None:
    lure.pages["/"] = lambda request: request.headers["host"]
    asked = names()
    url = lure.url(host="inside.example")
    assert good(fetch(url, parts={"resolver": asked})).body.decode() == f"inside.example:{lure.port}"
    assert asked.asked == ["inside.example"]


def once(url: str, *, ignore_robots: bool = True, **given: Any) -> Fetched | Failure:
    return run(lambda fetcher: fetcher(source(ignore_robots=ignore_robots), url), parts={"resolver": names()}, **given)


def test_an_entry_of_allow_private_that_cannot_be_read_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="expected"):
        door(allow_private=("10.0.0.1/8",))
