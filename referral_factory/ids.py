"""Identifiers: UUIDv7 inside (RFC 9562), TypeIDs outside (`ref_01j...`)."""

from functools import lru_cache
from itertools import product
from typing import ClassVar
from uuid import UUID

from django.db import models
from typeid import TypeID
from typeid.errors import TypeIDException
from uuid_utils.compat import uuid7

# What 15 bits are in a TypeID's base32. A UUID is eight of these and 8 bits more.
LETTERS = [
    "".join(three) for three in product("0123456789abcdefghjkmnpqrstvwxyz", repeat=3)
]
FIFTEEN = 0x7FFF


class InvalidId(ValueError):
    """Not a TypeID, or one of another kind."""


def new_id() -> UUID:
    """A UUIDv7: ids sort by the time that they were made at."""
    return uuid7()


def to_public(prefix: str, value: UUID) -> str:
    """As typeid writes it, which takes its time where thousands are shown at once."""
    n, letters = value.int, LETTERS
    return (
        f"{prefix}_{letters[n >> 120][1:]}{letters[n >> 105 & FIFTEEN]}"
        f"{letters[n >> 90 & FIFTEEN]}{letters[n >> 75 & FIFTEEN]}"
        f"{letters[n >> 60 & FIFTEEN]}{letters[n >> 45 & FIFTEEN]}"
        f"{letters[n >> 30 & FIFTEEN]}{letters[n >> 15 & FIFTEEN]}"
        f"{letters[n & FIFTEEN]}"
    )


@lru_cache(maxsize=1000)
def from_public(prefix: str, text: str) -> UUID:
    """The UUID behind a TypeID; InvalidId when it is not one of that prefix."""
    try:
        parsed = TypeID.from_string(text)
    except (TypeIDException, ValueError) as error:
        raise InvalidId(f"Not an id: {text[:60]!r}") from error
    if parsed.prefix != prefix:
        raise InvalidId(f"Expected an id that starts with {prefix}_.")
    return UUID(int=parsed.uuid.int)  # typeid has a UUID class of its own


class Identified(models.Model):
    """A model with a UUIDv7 key, shown outside with the prefix of its kind."""

    PREFIX: ClassVar[str]

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)

    class Meta:
        abstract = True

    @property
    def public_id(self) -> str:
        return to_public(self.PREFIX, self.id)
