"""How often somebody may call: fixed windows of a minute, counted across processes.

Each count is one statement of its own, before the request opens a transaction: it
stays when the request fails, and holds no lock while the request works.
"""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from referral_factory.access.addresses import client_address, network
from referral_factory.access.models import ApiKey

COUNT = """
    INSERT INTO access_callcount (caller, "window", count)
    VALUES (%s, date_trunc('minute', now()), 1)
    ON CONFLICT (caller, "window") DO UPDATE SET count = access_callcount.count + 1
    RETURNING count, ceil(extract(epoch FROM "window" + interval '1 minute' - now()))
"""


@dataclass(frozen=True)
class Standing:
    """Where a caller stands in the window that is running."""

    limit: int
    count: int
    resets_in: int  # seconds

    @property
    def allowed(self) -> bool:
        return self.count <= self.limit

    @property
    def headers(self) -> dict[str, str]:
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(self.limit - self.count, 0)),
            "RateLimit-Reset": str(self.resets_in),
        }


def count_call(caller: str, *, limit: int) -> Standing:
    """Count one call, and say whether it is within the limit per minute."""
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [caller])
        count, resets_in = cursor.fetchone()
    return Standing(limit=limit, count=count, resets_in=max(int(resets_in), 1))


def count_visit(request: HttpRequest, page: str, *, limit: int) -> Standing:
    """Count one call of a public page by address, trusting no header of the caller."""
    address = client_address(request)
    caller = network(address) if address else "unknown"
    return count_call(f"{page}:{caller}", limit=limit)


class PerKeyLimit(BaseThrottle):
    """Every call of a key counts, whichever process answers it."""

    standing: Standing

    def allow_request(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            return True
        limit = settings.RATE_LIMIT_PER_MINUTE
        self.standing = count_call(f"key:{request.auth.pk}", limit=limit)
        view.standing = self.standing
        return self.standing.allowed

    def wait(self) -> float:
        return self.standing.resets_in
