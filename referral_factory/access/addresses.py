"""The address that a request came from."""

import ipaddress
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The caller's address; None when the server gave us none (a Unix socket).

    Each trusted proxy appends one address to X-Forwarded-For. What stands before
    those was written by the caller, and counts for nothing.
    """
    hops = [request.META.get("REMOTE_ADDR", "")]
    if settings.TRUSTED_PROXIES:
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        hops = [*forwarded, *hops]
    position = min(settings.TRUSTED_PROXIES + 1, len(hops))
    return _normal(hops[-position])


@lru_cache(maxsize=1000)
def _normal(address: str) -> str | None:
    try:
        return str(ipaddress.ip_address(address.strip()))
    except ValueError:
        return None


@lru_cache(maxsize=1000)
def network(address: str) -> str:
    """The address, or its /64: one IPv6 caller has all of it."""
    parsed = ipaddress.ip_address(address)
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
