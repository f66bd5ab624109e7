"""Telling people from programs without asking a third party, and without telling.

Each form carries when it was made and what it showed, signed. A program sends it at
once, fills in what nobody sees, or keeps it for ever; people do none of that.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.core import signing
from django.utils.translation import gettext as _

from referrals.models import Campaign

SALT = "join-form"
QUICKEST = 2.0  # seconds that a person takes at the very least
OLDEST = 24 * 3600.0


@dataclass(frozen=True)
class Stamp:
    """What a form was when it was shown."""

    made_at: float
    consent: int | None  # the version of the text that stood in it

    @classmethod
    def now(cls, consent: int | None) -> "Stamp":
        return cls(time.time(), consent)

    def sign(self, campaign: Campaign) -> str:
        shown = [campaign.public_id, self.made_at, self.consent]
        return signing.dumps(shown, salt=SALT)

    def age(self) -> float:
        return time.time() - self.made_at


def read_stamp(campaign: Campaign, text: str) -> Stamp | None:
    """None where it is not of this campaign's form, or too old to be believed."""
    try:
        public_id, made_at, consent = signing.loads(text, salt=SALT)
    except (signing.BadSignature, ValueError):
        return None
    stamp = Stamp(made_at, consent)
    known = public_id == campaign.public_id and 0 <= stamp.age() <= OLDEST
    return stamp if known else None


def refusal(stamp: Stamp | None, bait: str) -> str:
    """What looks like a program, in words; people can send the form again."""
    if stamp is None:
        return _("This page was open for very long. Please send it once more.")
    if stamp.age() < QUICKEST:
        return _("That was very quick. Please have another look, and send it again.")
    if bait:
        return _("A field that nobody sees was filled in. Please send it once more.")
    return ""


@contextmanager
def unhurried() -> Iterator[None]:
    """Take the same time whatever was found: see JOIN_ANSWERS_AFTER.

    To the next multiple of it, so that a busy hour does not tell either.
    """
    started = time.monotonic()
    yield
    step = settings.JOIN_ANSWERS_AFTER.total_seconds()
    if step:
        time.sleep(step - (time.monotonic() - started) % step)
