"""Rows of one call, each of which may name its campaign: read one by one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from rest_framework import serializers

from referral_factory.bulk_bodies import Unreadable
from referral_factory.errors import InvalidInput
from referral_factory.ids import InvalidId, from_public
from referrals.models import Campaign
from referrals.rows import Fault

NO_CAMPAIGN = Fault(
    "/campaign", "Say which campaign: here, or in the query.", "required"
)
NO_OBJECT = Fault("", "A row is an object.", "wrong_row")

T = TypeVar("T")


class BulkFaultSerializer(serializers.Serializer[Any]):
    """One thing that is wrong with a row."""

    pointer = serializers.CharField(help_text="JSON pointer into the row.")
    detail = serializers.CharField()
    code = serializers.CharField()


@dataclass
class Sorted(Generic[T]):
    """What was read of a call, each by the number of its row: the first is 1."""

    good: dict[Campaign, dict[int, T]]
    bad: dict[int, list[Fault]]


@dataclass
class RowReader(Generic[T]):
    """Reads rows by `read`, which gives what one describes or what is wrong with it.

    `find_campaign` raises InvalidInput where the caller knows no such campaign.
    """

    find_campaign: Callable[[UUID], Campaign]
    default: Campaign | None  # of rows that name none
    read: Callable[[Mapping[str, Any]], T | list[Fault]]
    _campaigns: dict[str, Campaign | Fault] = field(default_factory=dict)

    def sort(self, rows: Iterable[Any], first: int = 1) -> Sorted[T]:
        """Read rows; `first` is the number of the first of them."""
        good: dict[Campaign, dict[int, T]] = defaultdict(dict)
        bad: dict[int, list[Fault]] = {}
        for number, raw in enumerate(rows, start=first):
            read = self._read(raw)
            if isinstance(read, list):
                bad[number] = read
            else:
                campaign, what = read
                good[campaign][number] = what
        return Sorted(good, bad)

    def _read(self, raw: Any) -> tuple[Campaign, T] | list[Fault]:
        if isinstance(raw, Unreadable):
            return [
                Fault(pointer, str(detail), str(detail.code))
                for pointer, detail in raw.errors
            ]
        if not isinstance(raw, dict):
            return [NO_OBJECT]
        campaign: Campaign | Fault = self.default or NO_CAMPAIGN
        if "campaign" in raw:
            campaign = self._named(raw.pop("campaign"))
        read = self.read(raw)
        if isinstance(campaign, Fault):
            return [campaign, *(read if isinstance(read, list) else [])]
        return read if isinstance(read, list) else (campaign, read)

    def _named(self, given: Any) -> Campaign | Fault:
        text = given if isinstance(given, str) else ""
        if text not in self._campaigns:
            self._campaigns[text] = self._look_up(text)
        return self._campaigns[text]

    def _look_up(self, text: str) -> Campaign | Fault:
        try:
            return self.find_campaign(from_public(Campaign.PREFIX, text))
        except InvalidId as error:
            return Fault("/campaign", str(error), "invalid_id")
        except InvalidInput as error:
            return Fault("/campaign", str(error), error.code)
