"""When a delivery that failed is tried again; pure functions."""

import random
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RETRIES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
JITTER = 0.2  # each way, so that what failed together does not come back together
LONGEST_WAIT = timedelta(hours=24)
GIVE_UP_ON_ENDPOINT = timedelta(days=5)  # of nothing but failures


def delay(attempts: int, retry_after: timedelta | None = None) -> timedelta | None:
    """How long to wait after that many tries; None when it was the last.

    A receiver may ask for more time, up to a day, but never for less than ours.
    """
    if attempts > len(RETRIES):
        return None
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - not a secret
    planned = RETRIES[attempts - 1] * jitter
    return max(planned, min(retry_after or timedelta(), LONGEST_WAIT))


def retry_after(header: str, now: datetime) -> timedelta | None:
    """What a Retry-After header asks for: seconds, or a date. None: it is neither."""
    text = header.strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return timedelta(seconds=int(text))
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta())
