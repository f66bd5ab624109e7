"""How often somebody may call: fixed windows of a minute, counted across processes.

Each count is one statement of its own, before the request opens a transaction: it
stays when the request fails, and holds no lock while the request works.

A busy caller's calls are not counted one by one: a process takes a few at once, never
more than a twentieth of what is left, and lets them through without asking again. So
all processes together never let through more than the limit; they may let through a
little less, by what another process took and did not use within the minute.
"""

import math
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from referral_factory import prepared
from referral_factory.access.addresses import client_address, network
from referral_factory.access.models import ApiKey

COUNT = """
    INSERT INTO access_callcount (caller, "window", count)
    VALUES (%(caller)s, date_trunc('minute', now()), %(calls)s)
    ON CONFLICT (caller, "window")
        DO UPDATE SET count = access_callcount.count + excluded.count
    RETURNING count,
        extract(epoch FROM "window" + interval '1 minute' - now())::float8
"""
MINUTE = 60  # seconds
SHARE = 20  # one in so many of the calls that are left is taken at once
COUNTED = "referral_factory.counted"  # in the environment: where its caller stands
MOST_CALLERS = 50_000  # remembered by a process; more are asked about again


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


@dataclass(slots=True)
class Window:
    """What this process knows of a caller's running minute."""

    ends: float  # by time.monotonic()
    count: int  # as counted for all processes, with all that this one took
    left: int  # of what this one took

    def take(self, limit: int) -> Standing | None:
        """One call of those in hand, or a refusal; None when none is in hand."""
        resets_in = math.ceil(max(self.ends - time.monotonic(), 1))
        if self.left:
            self.left -= 1
            return Standing(limit, self.count - self.left, resets_in)
        if self.count >= limit:
            return Standing(limit, limit + 1, resets_in)
        return None


_windows: dict[str, Window] = {}
_lock = threading.Lock()


def count_call(caller: str, *, limit: int, unasked: int = 0) -> Standing:
    """Count one call, and say whether it is within the limit per minute.

    Each process lets through the first `unasked` of a minute without counting them:
    all together, that many more than the limit for each process.
    """
    with _lock:
        window = _running(caller)
        if window is None and unasked:
            ends = time.monotonic() + MINUTE - time.time() % MINUTE
            window = _windows[caller] = Window(ends, count=0, left=unasked)
        if window and (standing := window.take(limit)):
            return standing
        calls = max((limit - window.count) // SHARE, 1) if window else 1
    return _take(caller, calls, limit)


def _take(caller: str, calls: int, limit: int) -> Standing:
    named = {"caller": caller, "calls": calls}
    count, seconds = prepared.execute(COUNT, named).fetchone() or (0, MINUTE)
    resets_in = math.ceil(max(seconds, 1))
    with _lock:
        window = _running(caller)
        if window is None:
            window = _windows[caller] = Window(time.monotonic() + seconds, 0, 0)
        window.count = max(window.count, count)
        granted = calls - max(count - limit, 0)  # of those, within the limit
        if granted < 1:
            return Standing(limit, limit + 1, resets_in)
        window.left += granted - 1
        return Standing(limit, min(count, limit) - granted + 1, resets_in)


def _running(caller: str) -> Window | None:
    window = _windows.get(caller)
    if window and window.ends <= time.monotonic():
        window = None
    if window is None and len(_windows) >= MOST_CALLERS:
        _windows.clear()
    return window


def forget_callers() -> None:
    """Ask about every caller again: what was in hand counts as used."""
    _windows.clear()


def count_visit(request: HttpRequest, page: str, *, limit: int) -> Standing:
    """Count one call of a public page by address, trusting no header of the caller."""
    return count_address(client_address(request), page, limit=limit)


def count_address(
    address: str | None, page: str, *, limit: int, exact: bool = True
) -> Standing:
    """Where `exact` is not asked for, who comes now and then costs no statement."""
    caller = network(address) if address else "unknown"
    unasked = 0 if exact else limit // SHARE
    return count_call(f"{page}:{caller}", limit=limit, unasked=unasked)


def count_key(key: ApiKey) -> Standing:
    return count_call(f"key:{key.pk}", limit=settings.RATE_LIMIT_PER_MINUTE)


class PerKeyLimit(BaseThrottle):
    """Every call of a key counts, whichever process answers it."""

    standing: Standing

    def allow_request(self, request: Request, view: Any) -> bool:
        if not isinstance(request.auth, ApiKey):
            return True
        self.standing = request.META.get(COUNTED) or count_key(request.auth)
        view.standing = self.standing
        return self.standing.allowed

    def wait(self) -> float:
        return self.standing.resets_in
