"""What a migration makes of events that were judged before their rules were kept."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from referrals.models import Campaign, Event, MilestoneVersion
from tests.factories import make_campaign
from tests.steps import NOON

pytestmark = pytest.mark.django_db

keeping = import_module("referrals.migrations.0014_keep_the_rules_as_they_are")
EDITOR = SimpleNamespace(connection=connection)


def judged(
    campaign: Campaign, version: int | None, outcome: str, **fields: object
) -> Event:
    terms = {"milestone": {"version": version, "event_name": "order"}}
    number = Event.objects.count()
    return Event.objects.create(
        **{
            "campaign": campaign,
            "event_id": f"e-{number}",
            "name": "order",
            "occurred_at": NOON,
            "outcome": outcome,
            "decision": {"checks": [], **(terms if version else {})},
            **fields,
        }
    )


def marks() -> list[tuple[int, bool]]:
    return list(Event.objects.order_by("id").values_list("rules_version", "counts"))


def test_events_are_marked_a_batch_at_a_time() -> None:
    campaign = make_campaign()
    for outcome in ("qualified", "holding", "recorded", "not_matched", "unmatched"):
        judged(campaign, None if outcome == "unmatched" else 2, outcome)

    with CaptureQueriesContext(connection) as captured:
        keeping.mark_events(None, EDITOR, batch=2)

    assert len(captured) == 4  # three batches, and one that finds nothing
    assert marks() == [(2, True), (2, True), (2, False), (2, False), (0, False)]


def test_versions_that_events_were_judged_by_are_kept_once() -> None:
    campaign = make_campaign()
    for version in (1, 2, 1, 2):
        judged(campaign, version, "recorded")

    for _ in range(2):  # whoever was stopped begins again
        keeping.mark_events(None, EDITOR, batch=3)

    kept = MilestoneVersion.objects.filter(made_by="rules").order_by("version")
    assert [each.version for each in kept] == [1, 2]
    assert {each.terms["event_name"] for each in kept} == {"order"}


def test_what_was_judged_since_is_left_alone() -> None:
    campaign = make_campaign()
    judged(campaign, None, "recorded", rules_version=4, counts=True)
    keeping.mark_events(None, EDITOR)
    assert marks() == [(4, True)]
