"""Where a message may not go: our own network, and whatever only looks like elsewhere.

A destination is a URL that somebody typed in. Without this, it could make us knock at
doors that only we can reach.
"""

import ipaddress
import re
import socket
from collections.abc import Iterator
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from referral_factory.errors import InvalidInput

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

FORBIDDEN = [
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's own services; public by its number only
        "169.254.0.0/16",  # link-local: the cloud's metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # unspecified, loopback, and IPv4 written as IPv6
        "::ffff:0:0:0/96",
        "64:ff9b::/96",  # NAT64: an IPv4 address in disguise
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
]
PORTS = {443, 8443}
DEFAULT_PORTS = {"https": 443, "http": 80}
LONGEST = 2000


@lru_cache(maxsize=4096)
def forbidden(text: str) -> bool:
    """Whether nothing may be sent to this IP address."""
    address = _parsed(text)
    return address is None or any(address in network for network in FORBIDDEN)


def is_loopback(text: str) -> bool:
    address = _parsed(text)
    return address is not None and address.is_loopback


def may_connect(scheme: str, address: str, port: int, *, loopback: bool) -> bool:
    """The rule of where a message may go, on the address that is connected to.

    With `loopback`, which is for development, also to this machine: by http as well,
    and at any port. Everywhere else by https only.
    """
    if is_loopback(address):
        return loopback
    return scheme == "https" and port in PORTS and not forbidden(address)


def check_url(url: str) -> None:
    """Refuse a destination that we would not send to; InvalidInput says why.

    Looks the name up, and asks that all its addresses are allowed. It may lead
    somewhere else by the time of sending: the decision is then made anew.
    """
    parts = _split(url)
    addresses = set(_look_up(parts))
    loopback = settings.WEBHOOKS_ALLOW_LOOPBACK
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    if all(may_connect(parts.scheme, a, port, loopback=loopback) for a in addresses):
        return
    if any(forbidden(a) and not (loopback and is_loopback(a)) for a in addresses):
        raise _refusal("It leads to an address that no message may go to.")
    if parts.scheme != "https":
        raise _refusal("It must start with https://.")
    raise _refusal("Its port must be 443 or 8443.")


def _split(url: str) -> SplitResult:
    if len(url) > LONGEST or not re.fullmatch(r"[\x21-\x7e]+", url):
        raise _refusal("It must be a URL of printable ASCII, up to 2,000 characters.")
    try:
        parts = urlsplit(url)
        port_is_possible = parts.port != 0
    except ValueError as error:
        raise _refusal("This is not a URL.") from error
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise _refusal("It must start with https://, and name a host.")
    if "@" in parts.netloc or "\\" in url or not port_is_possible:
        raise _refusal("It must hold neither a user, a backslash, nor port 0.")
    return parts


def _look_up(parts: SplitResult) -> Iterator[str]:
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _refusal("Its host name leads nowhere.") from error
    for *_, address in found:
        yield str(address[0])


def _parsed(text: str) -> Address | None:
    """The address without its zone, and IPv4 that is written as IPv6 as what it is."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _refusal(message: str) -> InvalidInput:
    return InvalidInput("/url", message, code="refused_url")
