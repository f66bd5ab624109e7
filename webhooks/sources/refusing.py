"""Why something that arrived was not taken."""

from collections.abc import Iterable

from rest_framework.exceptions import APIException, ErrorDetail, ParseError

from referral_factory.wire import flat_errors
from referrals.rows import Fault

LONGEST_CODE, LONGEST_REASON = 60, 1000  # as the log keeps them


class NotTaken(APIException):
    """It is refused: with a code that stays, and a reason for people.

    The reason is shown in the source's log, so it says nothing that was sent.
    """

    status_code = 422

    def __init__(
        self, code: str, reason: str, status: int = 422, faults: Iterable[Fault] = ()
    ) -> None:
        super().__init__(reason, code=code)
        self.code, self.reason = code[:LONGEST_CODE], reason[:LONGEST_REASON]
        self.status_code = status
        self.faults = list(faults)
        self.errors = [
            (fault.pointer, ErrorDetail(fault.detail, fault.code))
            for fault in self.faults
        ]


def not_proven(code: str, reason: str) -> NotTaken:
    """Whoever sent it did not prove that they are the source."""
    return NotTaken(code, reason, status=401)


def unreadable(error: ParseError) -> NotTaken:
    """What the reader of a body says, as a refusal."""
    found = getattr(error, "errors", None) or flat_errors(error.detail)
    faults = [Fault(pointer, str(each), str(each.code)) for pointer, each in found]
    return NotTaken(faults[0].code, faults[0].detail, status=400)


def of_faults(faults: list[Fault]) -> NotTaken:
    """What is wrong with the event that a body became."""
    said = "; ".join(map(told, faults))
    return NotTaken(faults[0].code, said, faults=faults)


def told(fault: Fault) -> str:
    name = fault.pointer.lstrip("/")
    return f"{name}: {fault.detail}" if name else fault.detail
