"""One of many people: a row of a bulk call or of a file, read as strictly as a body.

The rules are the fields of `PersonRow`, the same that `POST /participants` is read by.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rest_framework.exceptions import ValidationError

from referral_factory.errors import InvalidInput
from referral_factory.wire import flat_errors
from referrals.inputs import PersonRow
from referrals.services.participants import Person, person


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a row; `pointer` leads into it ("/email")."""

    pointer: str
    detail: str
    code: str

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def read_person(raw: Mapping[str, Any]) -> Person | list[Fault]:
    """Whom a row describes, or all that is wrong with it.

    Takes what JSON gives, and what a file gives: text in every column. Leave an empty
    column out: what is left out stays as it is.
    """
    try:
        given = PersonRow.read(raw)
        return person(claims=given.pop("referred_by", ()), **given)
    except ValidationError as error:
        return faults_of(error)
    except InvalidInput as error:
        return [Fault(error.pointer, str(error), error.code)]


def faults_of(error: ValidationError) -> list[Fault]:
    return [
        Fault(pointer, str(detail), str(detail.code))
        for pointer, detail in flat_errors(error.detail)
    ]
