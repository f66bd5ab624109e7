"""Brings messages to their endpoints: claims many, sends at once, writes back in bulk.

As many dispatchers as one likes may run, on any machine. Truth is in the rows: one that
is killed loses nothing, for its leases end and another takes over; then a message may
arrive twice, never not at all.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from referral_factory.ids import to_public
from webhooks import outbox, queue, schedule, secrets, services, signing
from webhooks.feed import BATCH, number_messages
from webhooks.models import Delivery, Message
from webhooks.queue import Claimed, Result
from webhooks.transport import Answer, Transport

logger = logging.getLogger(__name__)

SLOTS = 256  # exchanges at once
CAP = 64  # of them to one endpoint: a slow one holds up nobody else
LEASE = 3  # times the timeout of an exchange
BREATH = 0.05  # seconds between two claims, or two write-backs: they are batches
POLL = 1.0  # seconds until we look by ourselves, should a notification get lost
FLUSH_AT = 500
GRACE = timedelta(seconds=5)  # for what is under way when we are asked to stop
GONE = 410
CANNOT_SIGN = "Not sent: its secret cannot be read. Was SECRET_KEY changed?"


class Dispatcher:
    """One process's share of the work. `run` until `stop()` says so."""

    def __init__(self) -> None:
        self.timeout: timedelta = settings.WEBHOOKS_TIMEOUT
        self.transport = Transport(
            timeout=self.timeout, loopback=settings.WEBHOOKS_ALLOW_LOOPBACK
        )
        self.under_way: dict[UUID, Claimed] = {}  # by delivery
        self.busy: Counter[UUID] = Counter()  # exchanges by endpoint
        self.results: list[Result] = []
        self.looked_at = 0.0  # monotonic, as are the following
        self.claim_at = self.number_at = self.flush_at = 0.0

    # --- The loop ---------------------------------------------------------------------

    def run(self, stop: Callable[[], bool]) -> int:
        """Work until `stop()`; returns how many deliveries were given back then.

        When the database goes away, wait for its return.
        """
        while not stop():
            try:
                with self._listening() as listener:
                    while not stop():
                        self.turn(listener)
            except (OperationalError, InterfaceError) as error:
                logger.warning("The database is away: %s", error)
                connection.close()
                self._take_in(self.transport.poll(POLL))
        return self.finish()

    def turn(self, listener: BaseDatabaseWrapper) -> None:
        """One round: claim, number, exchange, write back. Waits only when idle."""
        now = time.monotonic()
        if now >= self.number_at:
            numbered = number_messages()
            self.number_at = now + (BREATH if numbered == BATCH else POLL)
        if now >= self.claim_at:
            self._claim(now)
        self._take_in(self.transport.poll(self._patience()))
        if was_notified(listener):
            self._wake()
        if self.results and self._is_time_to_flush():
            self._flush()

    def drain(self) -> None:
        """Deliver all that is due now, and no more."""
        number_messages()
        while self._claim(time.monotonic()) or self.under_way or self.results:
            self._take_in(self.transport.poll(BREATH))
            if self._is_time_to_flush():
                self._flush()

    def finish(self) -> int:
        """Let what is under way end, for a while; give the rest back to the queue."""
        deadline = time.monotonic() + min(self.timeout, GRACE).total_seconds()
        while self.under_way and time.monotonic() < deadline:
            self._take_in(self.transport.poll(0.1))
        left = list(self.under_way.values())
        self.transport.close()
        try:
            self._flush()
            queue.release(left)
        except (OperationalError, InterfaceError) as error:
            logger.warning("Stopped without the database; leases will end: %s", error)
        return len(left)

    def _wake(self) -> None:
        """Something is due: look at once, or a breath after the last look."""
        soon = self.looked_at + BREATH
        self.claim_at = min(self.claim_at, soon)
        self.number_at = min(self.number_at, soon)

    def _patience(self) -> float:
        """How long the network may keep us waiting before something else is to do."""
        moments = [self.claim_at, self.number_at]
        if self.results:
            moments.append(self.flush_at)
        return max(min(moments) - time.monotonic(), 0)

    @contextmanager
    def _listening(self) -> Iterator[BaseDatabaseWrapper]:
        """A connection of its own, to be woken by; the loop's own one is often busy."""
        listener = connection.copy()
        try:
            with listener.cursor() as cursor:
                cursor.execute(f"LISTEN {outbox.CHANNEL}")
            with self.transport.watching(listener.connection):
                self._wake()
                yield listener
        finally:
            listener.close()

    # --- Claiming and sending ---------------------------------------------------------

    def _claim(self, now: float) -> int:
        """Take what there is room for, and send it; returns how many that were."""
        self.looked_at = now
        room = SLOTS - len(self.under_way)
        claimed = self._take(room) if room else []
        self.claim_at = now + (BREATH if claimed else POLL)
        for each in claimed:
            self._send(each)
        if taken_over := sum(each.taken_over for each in claimed):
            logger.warning("Took over %d deliveries whose lease had ended.", taken_over)
        return len(claimed)

    def _take(self, room: int) -> list[Claimed]:
        lease = self.timeout * LEASE
        return queue.claim(limit=room, cap=CAP, busy=self.busy, lease=lease)

    def _send(self, claimed: Claimed) -> None:
        self.under_way[claimed.delivery_id] = claimed
        self.busy[claimed.endpoint_id] += 1
        body = claimed.body.encode()
        try:
            headers = {**claimed.headers, **signature_headers(claimed, body)}
        except InvalidToken:
            unsent = Answer.unsent(claimed.delivery_id, CANNOT_SIGN)
            self._take_in([unsent])
            return
        self.transport.send(claimed.delivery_id, claimed.url, headers, body)

    # --- Results ----------------------------------------------------------------------

    def _take_in(self, answers: Iterable[Answer]) -> None:
        for answer in answers:
            claimed = self.under_way.pop(answer.key)
            self.busy[claimed.endpoint_id] -= 1
            if not self.busy[claimed.endpoint_id]:
                del self.busy[claimed.endpoint_id]
            if not self.results:
                self.flush_at = time.monotonic() + BREATH
            self.results.append(judge(claimed, answer))

    def _is_time_to_flush(self) -> bool:
        return (
            not self.under_way
            or len(self.results) >= FLUSH_AT
            or time.monotonic() >= self.flush_at
        )

    def _flush(self) -> None:
        """Write back what came of it. Kept until that is committed."""
        if not self.results:
            return
        queue.finish(self.results)
        written, self.results = self.results, []
        self.claim_at = min(self.claim_at, time.monotonic() + BREATH)  # there is room
        disable_the_hopeless(written)


def signature_headers(claimed: Claimed, body: bytes) -> dict[str, str]:
    """The headers that prove this try to be ours, by each secret that is valid."""
    stored = [claimed.secret, claimed.old_secret]
    keys = [secrets.decrypt(each) for each in stored if each]
    message_id = to_public(Message.PREFIX, claimed.message_id)
    return signing.headers(keys, message_id, int(time.time()), body)


def was_notified(listener: BaseDatabaseWrapper) -> bool:
    """Whether something came in since; takes all of it in."""
    with listener.wrap_database_errors:
        return bool(list(listener.connection.notifies(timeout=0)))


def judge(claimed: Claimed, answer: Answer) -> Result:
    """What an answer makes of a delivery. Nothing but a 2xx is a success."""
    now = timezone.now()
    status, delay = Delivery.Status.DELIVERED, None
    code = answer.status_code or 0
    if answer.error or not 200 <= code < 300:
        wait = schedule.retry_after(answer.retry_after, now)
        delay = None if code == GONE else schedule.delay(claimed.number, wait)
        status = Delivery.Status.FAILED if delay is None else Delivery.Status.PENDING
    error = answer.error
    if not error and 300 <= code < 400:
        error = "A redirect, which is not followed."
    return Result(
        claimed=claimed,
        status=status,
        delay=delay,
        status_code=answer.status_code,
        error=error,
        latency_ms=answer.latency_ms,
        response_body=answer.body,
        at=now,
    )


def disable_the_hopeless(results: Iterable[Result]) -> None:
    """Disable endpoints that said they are gone, or did nothing but fail for days."""
    failures = [each for each in results if each.status != Delivery.Status.DELIVERED]
    limit = timezone.now() - schedule.GIVE_UP_ON_ENDPOINT
    gone, failing = set(), set()
    for each in failures:
        since = each.claimed.failing_since
        if each.status_code == GONE:
            gone.add(each.claimed.endpoint_id)
        elif since is not None and since < limit:
            failing.add(each.claimed.endpoint_id)
    if gone:
        services.disable_failing(gone, reason="It answered 410 Gone.")
    if failing:
        days = schedule.GIVE_UP_ON_ENDPOINT.days
        services.disable_failing(
            failing, reason=f"It did nothing but fail for {days} days."
        )
