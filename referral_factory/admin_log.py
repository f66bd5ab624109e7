"""What staff did in the admin, as Django keeps it."""

from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

from django.contrib.admin.models import LogEntry


class Redacts(Protocol):
    def redacted(self, text: str) -> str: ...


def redact(keys: Iterable[UUID], words: Redacts) -> None:
    """Leave no name in what was done to these rows: their ids say which they are."""
    for entry in LogEntry.objects.filter(object_id__in=list(map(str, keys))):
        entry.object_repr = entry.object_id or ""
        entry.change_message = words.redacted(entry.change_message)
        entry.save(update_fields=["object_repr", "change_message"])
