"""Identifiers: UUIDv7 inside (RFC 9562), TypeIDs outside (`ref_01j...`)."""

from typing import ClassVar
from uuid import UUID

from django.db import models
from typeid import TypeID
from typeid.errors import TypeIDException
from uuid_utils import UUID as FastUUID
from uuid_utils.compat import uuid7


class InvalidId(ValueError):
    """Not a TypeID, or one of another kind."""


def new_id() -> UUID:
    """A UUIDv7: ids sort by the time that they were made at."""
    return uuid7()


def to_public(prefix: str, value: UUID) -> str:
    return str(TypeID.from_uuid(suffix=FastUUID(int=value.int), prefix=prefix))


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
        return to_public(self.PREFIX, self.pk)
