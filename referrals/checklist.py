"""What still stands between a campaign and its launch.

Each app registers the items that only it can judge, when it is ready; nothing below
it needs to know of it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from referrals.models import Campaign


@dataclass(frozen=True)
class Item:
    """One condition: its name, whether it is met, and what to do where it is not."""

    name: str
    done: bool
    detail: str


Source = Callable[[Campaign], Iterable[Item]]

_sources: list[Source] = []


def register(source: Source) -> None:
    if source not in _sources:
        _sources.append(source)


def items(campaign: Campaign) -> list[Item]:
    return [item for source in (own_items, *_sources) for item in source(campaign)]


def own_items(campaign: Campaign) -> list[Item]:
    return [
        Item("owner", bool(campaign.owner), "Say who answers for it: set `owner`."),
        Item(
            "enrolment_path",
            bool(campaign.landing_url),
            "Say where links lead: set `landing_url`.",
        ),
        Item(
            "milestone",
            bool(campaign.milestone_event),
            "Say what makes a referral count: set `milestone.event_name`.",
        ),
        Item(
            "review_policy",
            campaign.review is not None,
            "Say what a person must look at: set `review`, for example "
            '{"amount_limit": "50.00"}.',
        ),
    ]
