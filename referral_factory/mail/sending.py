"""From rows to a mail server: by lease, at least once, with growing pauses.

A row is claimed and committed before anything is sent, and finished right after. Who
dies between the two leaves a lease that ends by itself, and the message is sent again,
under the same Message-ID: mail has no way to promise more.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parseaddr
from smtplib import SMTPDataError, SMTPException, SMTPRecipientsRefused
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.db.models import F

from referral_factory.mail.letters import Dropped, Letter, compose
from referral_factory.mail.models import Email, Outage

Status = Email.Status

LEASE = timedelta(minutes=2)  # longer than a task may run
# Between the tries of one message; after the last it has failed.
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480)]
MOST_ATTEMPTS = len(PAUSES) + 1
# Until a server that does not let us in is asked again.
OUTAGE_PAUSES = [timedelta(seconds=seconds) for seconds in (5, 15, 60, 300)]
PURGED_AT_ONCE = 5000


def send_emails(*, wall: datetime, limit: int, until: float = float("inf")) -> int:
    """Send what is due, the urgent first; how many rows were finished or put off.

    Safe side by side. A server that does not let us in costs no message a try: all
    wait, and one of us asks again. Stops taking up the next one at `until` (monotonic).
    """
    if not _may_knock(wall):
        return 0
    claimed = _claim(wall, limit)
    letters = []
    for email, letter in zip(claimed, compose(claimed, wall=wall), strict=True):
        if isinstance(letter, Dropped):
            _finish(email, Status.DROPPED, wall, letter.why)
        else:
            letters.append((email, letter))
    with _giving_back(letters):
        _send_all(letters, wall, until)
    return len(claimed) - len(letters)


def retry_email(email: Email, *, wall: datetime) -> None:
    """A person wants a failed one tried again, from the beginning."""
    email.move_to(Status.PENDING, attempts=0, due_at=wall, finished_at=None, error="")


def give_up_lost(*, wall: datetime) -> int:
    """End those whose last try never came back."""
    lost = Email.objects.filter(status=Status.PENDING, attempts__gte=MOST_ATTEMPTS)
    return lost.filter(lease_until__lt=wall).update(
        status=Status.FAILED,
        finished_at=wall,
        error="Its sender died.",
        lease_until=None,
    )


def purge(*, before: datetime) -> int:
    """Drop rows that were finished before; some thousands at once."""
    old = Email.objects.filter(finished_at__lt=before).order_by("finished_at")
    return Email.objects.filter(pk__in=old.values("pk")[:PURGED_AT_ONCE]).delete()[0]


def message(email: Email, letter: Letter, connection: Any = None) -> Any:
    """The message as it goes out. Its id is the same at every try, so that a mailbox
    can tell a repeated one. It is about what somebody did themselves, so there is
    nothing to unsubscribe from."""
    domain = parseaddr(settings.MAIL_FROM)[1].rpartition("@")[2]
    made = EmailMultiAlternatives(
        subject=letter.rendered.subject,
        body=letter.rendered.plain,
        from_email=settings.MAIL_FROM,
        to=[letter.to],
        headers={
            "Message-ID": f"<{email.public_id}@{domain}>",
            "Auto-Submitted": "auto-generated",  # nobody's absence is to answer
        },
        connection=connection,
    )
    made.attach_alternative(letter.rendered.html, "text/html")
    return made


def _may_knock(wall: datetime) -> bool:
    """Whether the server may be asked: always, unless it just did not let us in."""
    waiting = Outage.objects.filter(until__lte=wall)
    if waiting.update(until=wall + LEASE):
        return True  # and nobody else asks meanwhile
    return not Outage.objects.exists()


@transaction.atomic
def _claim(wall: datetime, limit: int) -> list[Email]:
    due = Email.objects.due(wall).filter(attempts__lt=MOST_ATTEMPTS)
    rows = list(due.select_for_update(skip_locked=True)[:limit])
    Email.objects.filter(pk__in=[row.pk for row in rows]).update(
        attempts=F("attempts") + 1, lease_until=wall + LEASE
    )
    for row in rows:
        row.attempts += 1
    return rows


@contextmanager
def _giving_back(letters: list[tuple[Email, Letter]]) -> Iterator[None]:
    """Whatever happens: what was not taken up is free for the next one at once."""
    try:
        yield
    finally:
        untouched = [email.pk for email, _ in letters]
        if untouched:
            Email.objects.filter(pk__in=untouched, status=Status.PENDING).update(
                attempts=F("attempts") - 1, lease_until=None
            )


def _send_all(
    letters: list[tuple[Email, Letter]], wall: datetime, until: float
) -> None:
    """Send from the front, taking away what was taken up."""
    if not letters:
        return
    connection = get_connection()
    try:
        connection.open()
    except (OSError, SMTPException) as error:
        _note_outage(_named(error), wall)
        return
    Outage.objects.all().delete()
    try:
        while letters and time.monotonic() < until:
            if not _send(*letters.pop(0), connection, wall):
                return
    finally:
        connection.close()


def _send(email: Email, letter: Letter, connection: Any, wall: datetime) -> bool:
    """Send one; False where the connection is not to be trusted any more."""
    try:
        message(email, letter, connection).send()
    except (SMTPRecipientsRefused, SMTPDataError) as error:
        _put_off(email, wall, _named(error), for_good=_is_final(error))
    except (OSError, SMTPException) as error:
        _put_off(email, wall, _named(error))
        return False
    else:
        _finish(email, Status.SENT, wall)
    return True


def _put_off(email: Email, wall: datetime, why: str, for_good: bool = False) -> None:
    if for_good or email.attempts >= MOST_ATTEMPTS:
        _finish(email, Status.FAILED, wall, why)
        return
    pause = PAUSES[email.attempts - 1]
    Email.objects.filter(pk=email.pk, status=Status.PENDING).update(
        due_at=wall + pause, lease_until=None, error=why
    )


def _finish(email: Email, status: str, wall: datetime, why: str = "") -> None:
    """Unless somebody finished it first, or it was dropped with its person."""
    Email.objects.filter(pk=email.pk, status=Status.PENDING).update(
        status=status, finished_at=wall, lease_until=None, error=why
    )


@transaction.atomic
def _note_outage(why: str, wall: datetime) -> None:
    known = Outage.objects.select_for_update().first()
    failures = known.failures if known else 0
    pause = OUTAGE_PAUSES[min(failures, len(OUTAGE_PAUSES) - 1)]
    Outage.objects.update_or_create(
        id=1,
        defaults={"until": wall + pause, "failures": failures + 1, "error": why},
        create_defaults={"since": wall, "until": wall + pause, "error": why},
    )


def _is_final(error: SMTPRecipientsRefused | SMTPDataError) -> bool:
    """Whether the server said never (5xx), not later (4xx)."""
    return all(code >= 500 for code in _codes(error))


def _codes(error: BaseException) -> Sequence[int]:
    if isinstance(error, SMTPRecipientsRefused):
        return [code for code, _ in error.recipients.values()]
    code = getattr(error, "smtp_code", None)
    return [code] if code else []


def _named(error: BaseException) -> str:
    """What kind of error it was: its words may name the mailbox."""
    numbers = " ".join(str(code) for code in _codes(error))
    return f"{type(error).__name__} {numbers}".strip()[:80]
