"""Which addresses the guard reads, in which one spelling, and which network addresses it never lets through."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core import Failure, Hop
from watcher.guard import MAX_REDIRECTS, Allowed, Refused, is_public, onward, target

INSIDE = {"127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "169.254.169.254", "168.63.129.16"}


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTPS://Example.ORG:443/A?b=C#d", "https://example.org/A?b=C"),
        ("http://example.org:80?x", "http://example.org/?x"),
        ("http://example.org:8080/", "http://example.org:8080/"),
        ("http://example.org:/", "http://example.org/"),
        ("http://xn--mnchen-3ya.de/straße", "http://xn--mnchen-3ya.de/straße"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700:0:0::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("http://a_b.example.org/@x:y", "http://a_b.example.org/@x:y"),
    ],
)
def test_an_address_has_one_spelling(url: str, read: str) -> None:
    assert target(url).url == read
    assert target(read) == target(url)


def test_the_parts_of_an_address() -> None:
    place = target("https://[2606:4700::1111]/a/b?c")
    assert (place.scheme, place.host, place.port) == ("https", "2606:4700::1111", 443)
    assert place.origin == "https://[2606:4700::1111]"
    assert target("http://example.org:8080?q=http://x/").origin == "http://example.org:8080"


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "example.org",
            "//example.org/",
            "/path",
            "http:example.org",
            "http:/example.org",
            "http://",
            "http:///x",
        ),
        *("file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "javascript:alert(1)", "data:,x"),
        *("http://user@example.org/", "http://user:word@example.org/", "http://@example.org/", "http://a%40b@c/"),
        *("http://in\\@out/", "http://example.org\\.evil.org/", "http://example.org/a\\b"),
        *("http://example.org/\n", "http://exam\tple.org/", " http://example.org/", "http://example.org/\x00", "\x01"),
        *("http://exa mple.org/", "http://example.org /", "http://example.org:80 80/", "http://\u3000example.org/"),
        *(
            "http://１２７.0.0.1/",
            "http://example。org/",
            "http://ⓔxample.org/",
            "http://münchen.de/",
            "http://\u212a.org",
        ),
        *("http://127.1/", "http://127.0.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/"),
        *("http://0x7f.1/", "http://127.0.0.01/", "http://1.2.3.4.5/", "http://256.0.0.1/", "http://example.0x10/"),
        *("http://127.0.0.1./", "http://example.org./", "http://.example.org/", "http://a..b/", "http://-a.org/"),
        *(
            "http://%31%32%37.0.0.1/",
            "http://example%2eorg/",
            "http://[::1%25lo]/",
            "http://[::1%lo]/",
            "http://[::g]/",
        ),
        *("http://[::1]x/", "http://[::1/", "http://::1/", "http://[127.0.0.1]/", "http://[v1.x]/", "http://[]/"),
        *("http://example.org:0/", "http://example.org:65536/", "http://example.org:-1/", "http://example.org:８０/"),
        *("http://example.org:80:80/", "http://:80/", "http://a,b/", "http://a'b/", "http://a;b/", "http://a*b/"),
        "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 127 + "org/",
        "http://example.org/" + "a" * 8192,
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        target(url)


def test_a_refusal_keeps_path_and_query_to_itself() -> None:
    for url in ("http://u:SECRET@example.org/", "http://127.1/SECRET?SECRET", "x://y/SECRET", "http://a/SECRET\\"):
        with pytest.raises(Refused) as refusal:
            target(url)
        assert "SECRET" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.215.14",
        "172.15.0.1",
        "172.32.0.1",
        "100.128.0.1",
        "2606:4700::1111",
        "64:ff9b::808:808",
    ],
)
def test_the_open_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", sorted(INSIDE))
def test_what_lies_inside_is_not(address: str) -> None:
    assert not any(is_public(wrapped) for wrapped in (address, *wrappings(IPv4Address(address))))


@pytest.mark.parametrize(
    "address",
    [
        *(
            "0.0.0.0",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "203.0.113.1",
        ),
        *("192.88.99.1", "198.51.100.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1"),
        *("ff02::1", "2001:db8::1", "3fff::1", "5f00::1", "100::1", "64:ff9b:1::808:808", "2001::1", "2002:808:808::1"),
        *("::ffff:8.8.8.8", "::8.8.8.8", "4000::1"),
    ],
)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


def wrappings(inner: IPv4Address) -> list[str]:
    number = int(inner)
    return [
        str(IPv6Address(value))
        for value in (
            number,  # IPv4-compatible
            0xFFFF << 32 | number,  # IPv4-mapped
            0xFFFF << 48 | number,  # IPv4-translated
            0x2002 << 112 | number << 80 | 1,  # 6to4
            0x20010000 << 96 | number << 64 | 0xFFFFFFFF ^ 0x08080808,  # Teredo, as the server
            0x20010000 << 96 | 0x08080808 << 64 | 0xFFFFFFFF ^ number,  # Teredo, as the client
            0x64FF9B << 96 | number,  # NAT64
            0x64FF9B0001 << 80 | number,  # NAT64, a network's own
        )
    ]


@given(st.ip_addresses(v=4) | st.sampled_from(sorted(INSIDE)).map(IPv4Address))
def test_no_inner_ipv4_address_passes_however_it_is_wrapped(inner: IPv4Address) -> None:
    if inner.is_private or inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified:
        assert not is_public(str(inner))
        assert not any(map(is_public, wrappings(inner)))


@given(st.ip_addresses(v=6))
def test_no_inner_ipv6_address_passes(inner: IPv6Address) -> None:
    if inner.is_private or inner.is_loopback or inner.is_link_local or inner.is_site_local or inner.is_multicast:
        assert not is_public(str(inner))


@given(st.text(max_size=40), st.sampled_from(["http://", "https://", "HTTP://a", "http://127.", "http://[", ""]))
def test_every_text_is_read_or_refused_and_reads_the_same_again(text: str, start: str) -> None:
    try:
        place = target(start + text)
    except Refused:
        return
    assert target(place.url) == place
    assert place.url.startswith(place.origin + "/")
    assert place.host.isascii()


@pytest.mark.parametrize(
    ("entry", "host", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1", 80),
        ("127.0.0.1:8080", "127.0.0.1", "127.0.0.1", 8080),
        ("127.0.0.1:8080", "any.example", "127.0.0.1", 8080),
        ("10.0.0.0/8", "any.example", "10.1.2.3", 80),
        ("169.254.0.0/16", "169.254.169.254", "169.254.169.254", 80),
        ("::1", "::1", "::1", 80),
        ("[::1]:8080", "::1", "::1", 8080),
        ("fd00::/8", "fd00::1", "fd00::1", 80),
        ("localhost", "localhost", "::1", 80),
        ("Intranet.Example:8080", "intranet.example", "10.0.0.1", 8080),
    ],
)
def test_what_allow_private_names_is_let_through(entry: str, host: str, address: str, port: int) -> None:
    with pytest.raises(Refused):
        Allowed().check(host, address, port)
    Allowed.read(["192.0.2.1", entry]).check(host, address, port)


@pytest.mark.parametrize(
    ("entry", "host", "address", "port"),
    [
        ("127.0.0.1", "127.0.0.2", "127.0.0.2", 80),
        ("127.0.0.1", "::ffff:7f00:1", "::ffff:127.0.0.1", 80),
        ("127.0.0.1:8080", "127.0.0.1", "127.0.0.1", 80),
        ("localhost", "127.0.0.1", "127.0.0.1", 80),
        ("localhost", "localhost.example", "127.0.0.1", 80),
        ("localhost:8080", "localhost", "127.0.0.1", 80),
        ("intranet.example", "intranet.example", "169.254.169.254", 80),
        ("intranet.example", "intranet.example", "100.100.100.200", 80),
        ("intranet.example", "intranet.example", "0.0.0.0", 80),
        ("10.0.0.0/8", "172.16.0.1", "172.16.0.1", 80),
    ],
)
def test_and_nothing_beside_it(entry: str, host: str, address: str, port: int) -> None:
    with pytest.raises(Refused, match="allow_private"):
        Allowed.read([entry]).check(host, address, port)


@pytest.mark.parametrize(
    "entry", ["", "10.0.0.1/8", "10.0.0.0/99", "a b", "127.1", "http://localhost", "host:0", "u@h"]
)
def test_an_entry_that_cannot_be_read_says_what_was_expected(entry: str) -> None:
    with pytest.raises(ValueError, match='expected "host", "host:port" or a block'):
        Allowed.read([entry])


BASE = target("https://example.org/a/b")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/c", "https://example.org/c"),
        ("c?d", "https://example.org/a/c?d"),
        ("//other.org", "https://other.org/"),
        ("https://other.org/x y#z", "https://other.org/x y"),
    ],
)
def test_a_redirect_leads_on(location: str, url: str) -> None:
    place = onward(BASE, location, [Hop(BASE.url, 301)])
    assert not isinstance(place, Failure)
    assert place.url == url


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://example.org/", "redirect"),
        ("/a/b#again", "redirect"),
        ("file:///etc/passwd", "refused"),
        ("//user@other.org/", "refused"),
        ("/\\evil.org", "refused"),
        ("//127.1/", "refused"),
        ("//[::1/", "refused"),
        ("ht\ttp://other.org", "refused"),
    ],
)
def test_a_redirect_does_not_lead_anywhere(location: str, reason: str) -> None:
    failure = onward(BASE, location, [Hop(BASE.url, 301)])
    assert isinstance(failure, Failure)
    assert failure.reason == reason


def test_redirects_are_counted() -> None:
    hops = [Hop(f"https://example.org/{step}", 301) for step in range(MAX_REDIRECTS)]
    assert not isinstance(onward(BASE, "/next", hops), Failure)
    assert isinstance(onward(BASE, "/next", [*hops, Hop(BASE.url, 301)]), Failure)
