"""One event as a body, a row of a bulk call or of a file, or a message describes it.

The rules are the fields of `EventRow`, the same that `POST /events` is read by, so that
all roads take and refuse the same.
"""

from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import ValidationError

from referrals.inputs import EventRow
from referrals.rows import Fault, faults_of
from referrals.services.events import Report


def read_event(raw: Mapping[str, Any]) -> Report | list[Fault]:
    """The event that `raw` describes, or all that is wrong with it.

    Takes what JSON gives, and what a file gives: text in every column. Leave an empty
    column out. Which campaign is meant is the caller's to know: it is no field here.
    """
    try:
        return Report(**EventRow.read(raw))
    except ValidationError as error:
        return faults_of(error)
