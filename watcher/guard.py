"""The rules of what may be fetched: how an address must be written, and which network addresses are never reached.

Pure. `fetch` asks it when it is given an address (`target`, `onward`) and again at every connect (`Allowed.check`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple, Self
from urllib.parse import urljoin

from watcher.core import Failure, Hop

Network = IPv4Network | IPv6Network

MAX_LENGTH = 8192
MAX_REDIRECTS = 5
_MAX_HOST = 253
_URL = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.IGNORECASE | re.DOTALL)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:]+)(?::([0-9]{0,5}))?")
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
_PORTS = {"http": 80, "https": 443}

# IANA's special-purpose registries, and what is_global of some Python versions lets through.
_SPECIAL = tuple(
    ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # the wire server of Azure: a public address that answers only inside
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_UNICAST6 = IPv6Network("2000::/3")  # all of IPv6 that IANA has given out for public use
_NAT64 = IPv6Network("64:ff9b::/96")
_INTRANET = tuple(
    ip_network(block)
    for block in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)


class Refused(PermissionError):  # noqa: N818 - it is a verdict, and reads as one
    """This address is not fetched, by rule; the text says why, and never shows a path or a query.

    An OSError, because that is what asyncio and aiohttp let a resolver and a socket factory raise.
    """


class Target(NamedTuple):
    """An address in its one spelling: lower case, no default port, no fragment, a path that is at least "/"."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def origin(self) -> str:
        """Scheme, host and port, as they stand in `url`."""
        return self.url[: self.url.index("/", len(self.scheme) + 3)]


@lru_cache(maxsize=4096)
def target(url: str) -> Target:
    """Read an absolute http or https address. Raises Refused for what two parsers could read differently."""
    parts = _URL.fullmatch(_safe(url))
    if not parts:
        raise Refused("only addresses that start with http:// or https:// are fetched")
    scheme, authority, path, query = parts[1].lower(), parts[2], parts[3] or "/", parts[4] or ""
    host, port = _authority(authority)
    netloc = f"[{host}]" if ":" in host else host
    if port not in (None, _PORTS[scheme]):
        netloc += f":{port}"
    return Target(f"{scheme}://{netloc}{path}{query}", scheme, host, port or _PORTS[scheme])


def onward(base: Target, location: str, hops: Sequence[Hop]) -> Target | Failure:
    """Where a redirect of `base` leads, unless it may not be followed; `hops` are all so far, this one included."""
    if len(hops) > MAX_REDIRECTS:
        return Failure("redirect", f"{base.host}: more than {MAX_REDIRECTS} redirects")
    try:
        place = target(urljoin(base.url, _safe(location)))
    except (Refused, ValueError) as why:
        return Failure("refused", f"{base.host} redirects to where we do not go: {why}", refused=True)
    if base.scheme == "https" and place.scheme == "http":
        return Failure("redirect", f"{base.host}: redirects from https to http, which is not followed", refused=True)
    if place.url in {hop.url for hop in hops}:
        return Failure("redirect", f"{base.host}: redirects in a circle")
    return place


@lru_cache(maxsize=4096)
def is_public(address: str) -> bool:
    """Whether this IP address is one of the open internet; one that wraps an IPv4 address is unwrapped or is not."""
    ip = ip_address(address)
    if isinstance(ip, IPv6Address):
        if ip in _NAT64:  # how a network without IPv4 reaches an IPv4 site
            return is_public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip not in _UNICAST6:
            return False
    return ip.is_global and not any(ip in network for network in _SPECIAL)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What `fetch.allow_private` of config.toml names.

    An address or a CIDR block may be connected to, under whichever name. A host name may connect to loopback and to
    private networks (RFC 1918, fc00::/7), never to link-local or other special addresses. A port narrows its entry.
    """

    names: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[tuple[Network, int | None], ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> Self:
        """Read "host", "host:port" and CIDR entries. Raises ValueError with what was expected."""
        names: set[tuple[str, int | None]] = set()
        networks: list[tuple[IPv4Network | IPv6Network, int | None]] = []
        for entry in entries:
            try:
                if "/" in entry or (entry.count(":") > 1 and not entry.startswith("[")):
                    networks.append((ip_network(entry), None))
                    continue
                host, port = _authority(entry)
            except (ValueError, Refused) as error:
                raise ValueError(f'{entry!r}: expected "host", "host:port" or a block like "10.0.0.0/8"') from error
            try:
                networks.append((ip_network(host), port))
            except ValueError:
                names.add((host, port))
        return cls(frozenset(names), tuple(networks))

    def check(self, host: str, address: str, port: int) -> None:
        """Raise Refused unless `host`, which leads to the IP `address`, may be connected to at `port`."""
        if is_public(address):
            return
        ip = ip_address(address)
        if any(ip in network and wanted in (None, port) for network, wanted in self.networks):
            return
        named = (host, None) in self.names or (host, port) in self.names
        if named and any(ip in network for network in _INTRANET):
            return
        where = address if host == address else f"{host} leads to {address}, which"
        raise Refused(f"{where} is a private or special address; if it is meant, name it in [fetch] allow_private")


def _safe(url: str) -> str:
    """The same text, if it has nothing that one parser drops and another obeys."""
    if len(url) > MAX_LENGTH:
        raise Refused(f"the address is longer than {MAX_LENGTH} characters")
    if _UNSAFE.search(url):
        raise Refused("the address holds a backslash or a control character")
    return url


def _authority(text: str) -> tuple[str, int | None]:
    """Split "host:port"; the host comes back in its one spelling, an IPv6 address without brackets."""
    if "@" in text:
        raise Refused("the address holds a user name or a password")
    if not text.isascii():  # before lower(), which would turn some foreign letters into ASCII ones
        raise Refused("the host is not written in ASCII; write an international name in its xn-- form")
    parts = _AUTHORITY.fullmatch(text.lower())
    if not parts:
        raise Refused("the address names no host, or not in the usual spelling")
    port = int(parts[2]) if parts[2] else None
    if port is not None and not 0 < port < 1 << 16:
        raise Refused("the port is not between 1 and 65535")
    return _host(parts[1]), port


def _host(host: str) -> str:
    try:
        if host.startswith("["):
            return str(IPv6Address(host[1:-1]))
        if _NUMBER.fullmatch(host.rsplit(".", 1)[-1]):  # so browsers read it as an IPv4 address, however short
            return str(IPv4Address(host))
    except ValueError:
        raise Refused("the host is an IP address in an unusual spelling") from None
    if len(host) > _MAX_HOST or not _NAME.fullmatch(host):
        raise Refused("the host is not a domain name in its usual spelling")
    return host
