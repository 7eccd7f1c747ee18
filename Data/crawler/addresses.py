"""Which addresses may be called: a name is resolved once, judged, and the judged address is the one connected to.

A feed is written by somebody else. Without this, `http://169.254.169.254/` in it would read a cloud's credentials, and
a name that resolves to a public address when it is checked and to a private one when it is called (DNS rebinding)
would get past a check of the name alone.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import idna

from Data.errors import FetchFailed, FetchRefused

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], list[str]]

PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """Where to connect, and what to ask for.

    Args:
        scheme: http or https.
        host: name as in the address, in ASCII (IDNA), for the Host header and the certificate.
        port: 1..65535.
        ip: the judged address to connect to.
        path: path and query, beginning with a slash.
    """

    scheme: str
    host: str
    port: int
    ip: str
    path: str

    @property
    def host_header(self) -> str:
        """The Host header: the port only where it is not the scheme's own, an IPv6 literal in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def system_resolver(host: str, port: int) -> list[str]:
    """Return every address of a name, in the system's order.

    Raises:
        OSError: the name does not resolve.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def judge(url: str, allow_private: bool, resolve: Resolver) -> Target:
    """Return where a URL leads.

    Args:
        url: as given, or as a redirect gave it.
        allow_private: let private, loopback and link-local addresses through.
        resolve: name and port to addresses.
    Raises:
        FetchRefused: not http or https, with a user name in it, or leading to an address that is not public.
        FetchFailed: the name does not resolve.
    """
    parts = split(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _not_whole(url) from None
    if parts.scheme not in PORTS or not host:
        raise FetchRefused(f"{url[:120]!r} is not an http or https address.")
    if parts.username is not None or parts.password is not None:
        raise FetchRefused("An address with a user name or password in it is not called.")
    port = PORTS[parts.scheme] if port is None else port
    if port == 0:
        raise FetchRefused(f"{url[:120]!r} has a port that cannot be called.")
    host = _in_ascii(host)
    try:
        addresses = resolve(host, port)
    except (OSError, ValueError):
        raise FetchFailed(f"The name {host[:120]!r} does not resolve.") from None
    if not addresses:
        raise FetchFailed(f"The name {host[:120]!r} does not resolve.")
    # One bad address among good ones is enough to refuse: whoever answers so is up to something.
    for address in addresses:
        if not allow_private and not is_public(ipaddress.ip_address(address.partition("%")[0])):
            raise FetchRefused(f"{host[:120]!r} leads to an address inside a private network, which is not called.")
    path = parts.path or "/"
    return Target(parts.scheme, host, port, addresses[0], f"{path}?{parts.query}" if parts.query else path)


def split(url: str) -> SplitResult:
    """Return an address's parts.

    Raises:
        FetchRefused: it is not a whole address.
    """
    try:
        return urlsplit(url)
    except ValueError:
        raise _not_whole(url) from None


def _not_whole(url: str) -> FetchRefused:
    return FetchRefused(f"{url[:120]!r} is not a whole address.")


def _in_ascii(host: str) -> str:
    """Return a host's name as DNS, the Host header and certificates have it.

    Source: Unicode Technical Standard 46, as browsers do it; the codec of the standard library follows the older IDNA
    2003, by which some names lead elsewhere.
    """
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:
        raise FetchRefused(f"{host[:120]!r} is not the name of a host.") from None


def is_public(address: Address) -> bool:
    """Return whether an address belongs to the public internet, looking through IPv4 inside IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None:
            return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
