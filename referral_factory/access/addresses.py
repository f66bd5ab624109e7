"""The address that a request came from."""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    return address_in(request.META)


def address_in(environ: Mapping[str, Any]) -> str | None:
    """The caller's address; None when the server gave us none (a Unix socket).

    Each trusted proxy appends one address to X-Forwarded-For. What stands before
    those was written by the caller, and counts for nothing.
    """
    hops = [environ.get("REMOTE_ADDR", "")]
    if settings.TRUSTED_PROXIES:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "").split(",")
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
