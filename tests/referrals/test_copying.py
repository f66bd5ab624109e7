"""A campaign that was tested is copied into a live one by one call."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from referral_factory.errors import InvalidInput
from referral_factory.mail.models import EmailTemplate
from referrals.models import Campaign, MilestoneVersion, Participant
from referrals.services.campaigns import change_campaign
from referrals.services.copying import COPIED, copy_campaign
from tests.factories import make_campaign, make_participant, make_rule, make_source
from webhooks.sources.keyring import secrets_of
from webhooks.sources.services import create_source, delete_source

pytestmark = pytest.mark.django_db

V1 = "/api/v1"


def make_tested(**fields: Any) -> Campaign:
    campaign = make_campaign(
        slug="spring",
        milestone_condition="event.amount >= 25",
        milestone_count=3,
        milestone_minimum=None,
        holding_days=14,
        reversal_events=["refund"],
        reversal_policy="ask",
        fields=[{"name": "city", "label": "City", "kind": "text"}],
        join={"open": True, "heading": "Bring a friend"},
        **fields,
    )
    make_rule(campaign=campaign, amount=Decimal(10))
    return campaign


def test_a_copy_has_all_that_was_tested() -> None:
    campaign = make_tested()
    made = copy_campaign(campaign, by="user:ada")

    assert (made.mode, made.status, made.slug) == ("live", "draft", "spring-live")
    for column in COPIED:
        assert getattr(made, column) == getattr(campaign, column), column
    [rule] = made.reward_rules.all()
    assert (rule.amount, rule.version) == (Decimal(10), 1)
    [kept] = MilestoneVersion.objects.filter(campaign=made)
    assert (kept.version, kept.made_by) == (1, "user:ada")


def test_a_copy_begins_without_people_or_a_clock() -> None:
    campaign = make_tested()
    make_participant(campaign=campaign)
    made = copy_campaign(campaign, by="user:ada")
    assert not Participant.objects.filter(campaign=made).exists()
    assert (made.clock_offset.total_seconds(), made.launched_at) == (0, None)


def test_a_copy_has_the_e_mails_of_its_campaign() -> None:
    campaign = make_tested()
    EmailTemplate.objects.create(campaign=campaign, kind="welcome", subject="Hello")
    made = copy_campaign(campaign, by="user:ada")
    assert made.email_templates.get().subject == "Hello"


def test_a_copy_has_the_sources_of_its_campaign_without_their_secrets() -> None:
    campaign = make_tested()
    mapping = {"event_id": "body.id"}
    kept, secret = create_source(
        campaign, name="Shop", verification="standard_webhooks", mapping=mapping
    )
    make_source(campaign=campaign, verification="none")  # for test mode only
    delete_source(
        create_source(campaign, name="Old", verification="bearer")[0],
        now=timezone.now(),
    )

    made = copy_campaign(campaign, by="user:ada")

    source = made.sources.get()
    assert (source.name, source.mapping) == ("Shop", mapping)
    assert source.pk != kept.pk
    [fresh] = secrets_of(source, now=timezone.now())
    assert fresh != secret
    again = copy_campaign(campaign, by="user:ada", mode="test")
    assert again.sources.count() == 2


def test_retired_rules_are_not_copied() -> None:
    campaign = make_tested()
    campaign.reward_rules.update(retired_at="2026-01-01T00:00:00Z")
    assert not copy_campaign(campaign, by="user:ada").reward_rules.exists()


def test_a_copy_changes_apart_from_what_it_was_copied_from() -> None:
    campaign = make_tested()
    made = copy_campaign(campaign, by="user:ada")
    change_campaign(made, milestone_count=5)
    campaign.refresh_from_db()
    assert campaign.milestone_count == 3


def test_a_slug_that_is_taken_is_refused() -> None:
    campaign = make_tested()
    copy_campaign(campaign, by="user:ada")
    with pytest.raises(InvalidInput) as refusal:
        copy_campaign(campaign, by="user:ada")
    assert refusal.value.pointer == "/slug"
    assert copy_campaign(campaign, by="user:ada", slug="spring-2").slug == "spring-2"


def test_a_long_slug_leaves_room_for_the_mode() -> None:
    campaign = make_campaign(slug="a" * 75 + "-bcde"[:5])
    made = copy_campaign(campaign, by="user:ada")
    assert len(made.slug) <= 80
    assert made.slug.endswith("-live")


# --- Over the API ---


def test_copying_over_the_api(api: APIClient) -> None:
    campaign = make_tested()
    answer = api.post(
        f"{V1}/campaigns/{campaign.public_id}/copy", {"name": "Spring", "slug": "s"}
    )
    assert answer.status_code == 201
    made = answer.json()
    assert (made["name"], made["slug"], made["mode"]) == ("Spring", "s", "live")
    assert made["milestone"]["condition"] == "event.amount >= 25"
    # The key of a test sees nothing live.
    assert api.get(f"{V1}/campaigns/{made['id']}").status_code == 404


def test_copying_takes_no_body(api: APIClient) -> None:
    answer = api.post(f"{V1}/campaigns/{make_tested().public_id}/copy")
    assert (answer.status_code, answer.json()["slug"]) == (201, "spring-live")


# --- Versions over the API ---


def test_versions_say_what_each_changed_and_by_whom(api: APIClient) -> None:
    given = {"name": "C", "slug": "c", "currency": "USD", "holding_days": 3}
    url = f"{V1}/campaigns/{api.post(f'{V1}/campaigns', given).json()['id']}"
    changes = {"event_name": "order", "condition": "event.amount >= 5", "sum": "9.00"}
    assert api.patch(url, {"milestone": changes}).json()["version"] == 2
    assert api.patch(url, {"name": "D"}).json()["version"] == 2

    newest, oldest = api.get(f"{url}/versions").json()["results"]

    assert newest["made_by"].startswith("key:key_")
    assert newest["terms"]["condition"] == "event.amount >= 5"
    assert newest["changes"] == [
        {"field": "event_name", "before": "", "after": "order"},
        {"field": "condition", "before": "", "after": "event.amount >= 5"},
        {"field": "sum", "before": None, "after": "9.00"},
    ]
    assert (oldest["version"], oldest["changes"]) == (1, [])
    first = api.get(f"{url}/versions?ordering=version&limit=1").json()
    assert first["results"] == [oldest]
    assert api.get(first["next"]).json()["results"] == [newest]


def test_a_bad_condition_is_a_422_with_its_place(api: APIClient) -> None:
    url = f"{V1}/campaigns/{make_tested().public_id}"
    milestone = {"event_name": "order", "condition": "event.amuont >= 5"}
    answer = api.patch(url, {"milestone": milestone})
    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error == {
        "pointer": "/milestone/condition",
        "detail": "event has no field amuont; did you mean amount? (line 1, column 7)",
        "code": "bad_condition",
    }
