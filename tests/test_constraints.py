"""What no code can do, however it tries: the database itself refuses.

Each row here bypasses the services. The names are those of the constraints.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from referral_factory.access.models import ApiKey
from referral_factory.mail.models import EmailTemplate, Outage
from referrals.models import Campaign, Participant, Referral
from rewards.models import Reward, RewardRule, RewardRuleVersion
from tests.factories import (
    make_campaign,
    make_delivery,
    make_email,
    make_endpoint,
    make_event,
    make_invitation,
    make_key,
    make_participant,
    make_referral,
    make_refused_claim,
    make_reward,
    make_rule,
)

NOW = timezone.now()


@contextmanager
def refused(constraint: str) -> Iterator[None]:
    """The block must break this constraint, at once or at the end of a transaction."""
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():  # noqa: PT012 - the one statement is the caller's
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def change(row: Any, **fields: Any) -> None:
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


# --- Campaigns ----------------------------------------------------------------------


def test_only_a_test_campaign_has_its_own_clock() -> None:
    with refused("only_a_test_campaign_has_its_own_clock"):
        make_campaign(mode="live", clock_offset=timedelta(days=1))


def test_campaign_that_ran_says_since_when() -> None:
    with refused("campaign_that_ran_says_since_when"):
        make_campaign(launched_at=None)


def test_ended_campaign_says_when() -> None:
    with refused("ended_campaign_says_when"):
        make_campaign(status="ended")


def test_milestone_minimum_is_not_negative() -> None:
    with refused("milestone_minimum_is_not_negative"):
        make_campaign(milestone_minimum=Decimal("-0.01"))


def test_two_campaigns_have_two_slugs() -> None:
    make_campaign(slug="spring")
    with refused("slug"):
        make_campaign(slug="spring")


# --- Participants -------------------------------------------------------------------


def test_one_participant_per_mailbox_and_campaign() -> None:
    known = make_participant(email="ann.lee@gmail.com")
    with refused("one_participant_per_mailbox_and_campaign"):
        make_participant(email="AnnLee+x@googlemail.com", campaign=known.campaign)


def test_one_participant_per_external_id_and_campaign() -> None:
    known = make_participant(external_id="c-1")
    with refused("one_participant_per_external_id_and_campaign"):
        make_participant(external_id="c-1", campaign=known.campaign)


def test_one_person_may_be_in_two_campaigns() -> None:
    for campaign in (make_campaign(), make_campaign()):
        make_participant(email="ann@example.com", external_id="c", campaign=campaign)

    assert Participant.objects.filter(external_id="c").count() == 2


def test_participant_can_be_told_apart() -> None:
    with refused("participant_can_be_told_apart"):
        make_participant(email=None, external_id=None)


def test_email_has_its_canonical_form() -> None:
    known = make_participant()
    with refused("email_has_its_canonical_form"):
        change(known, email_canonical=None)


def test_two_participants_have_two_codes() -> None:
    make_participant(code="SUMMER")
    with refused("code"):
        make_participant(code="SUMMER")


# --- Referrals ----------------------------------------------------------------------


def test_one_referral_per_friend_and_campaign() -> None:
    referral = make_referral()
    with refused("one_referral_per_friend_and_campaign"):
        make_referral(friend=referral.friend)


def test_referral_is_not_to_self() -> None:
    person = make_participant()
    with refused("referral_is_not_to_self"):
        make_referral(advocate=person, friend=person)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"status": "holding"}, "holding_referral_says_until_when"),
        (
            {"status": "qualified", "qualified_at": None},
            "qualified_referral_has_a_date",
        ),
        (
            {"status": "disqualified", "disqualified_at": None, "reason": "x"},
            "disqualified_referral_says_when_and_why",
        ),
        (
            {"status": "disqualified", "disqualified_at": NOW, "reason": ""},
            "disqualified_referral_says_when_and_why",
        ),
    ],
)
def test_status_comes_with_its_date_and_reason(
    fields: dict[str, Any], constraint: str
) -> None:
    with refused(constraint):
        make_referral(**fields)


# --- Events -------------------------------------------------------------------------


def test_event_is_recorded_once() -> None:
    event = make_event(event_id="order-1")
    with refused("event_is_recorded_once"):
        make_event(event_id="order-1", campaign=event.campaign)


def test_event_always_has_a_campaign() -> None:
    event = make_event()
    with refused("campaign_id"):
        change(event, campaign=None)


def test_event_amount_is_not_negative() -> None:
    with refused("event_amount_is_not_negative"):
        make_event(amount=Decimal(-1), currency="USD")


def test_event_amount_has_its_currency() -> None:
    with refused("event_amount_has_its_currency"):
        make_event(amount=Decimal(1), currency="")


# --- Rules and rewards --------------------------------------------------------------


def test_rule_amount_is_positive() -> None:
    with refused("rule_amount_is_positive"):
        make_rule(amount=Decimal(0))


def test_rule_version_is_kept_once() -> None:
    rule = make_rule()
    version = {"rule": rule, "version": 1, "terms": {}, "made_by": "user:ops"}
    RewardRuleVersion.objects.create(**version)
    with refused("rule_version_is_kept_once"):
        RewardRuleVersion.objects.create(**version)


@pytest.mark.parametrize("status", Reward.Status.values)
def test_reward_is_granted_once_whatever_became_of_the_first(status: str) -> None:
    reward = make_reward(status=status)
    with refused("reward_is_granted_once"):
        make_reward(referral=reward.referral, rule=reward.rule)


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"amount": Decimal(0)}, "reward_amount_is_positive"),
        ({"currency": ""}, "reward_money_has_its_currency"),
        ({"status": "flagged", "reasons": []}, "flagged_reward_has_reasons"),
        ({"status": "approved", "decided_by": ""}, "decided_reward_says_who_and_when"),
        (
            {"status": "rejected", "decided_at": None},
            "decided_reward_says_who_and_when",
        ),
        ({"status": "issued", "issued_by": ""}, "issued_reward_says_by_whom_and_when"),
        (
            {"status": "issued", "issued_at": None},
            "issued_reward_says_by_whom_and_when",
        ),
        (
            {"status": "clawed_back", "issued_by": ""},
            "issued_reward_says_by_whom_and_when",
        ),
        (
            {"first_approver": "user:ann", "second_approver": "user:ann"},
            "two_approvers_are_two_people",
        ),
    ],
)
def test_reward_says_what_its_status_asks_for(
    fields: dict[str, Any], constraint: str
) -> None:
    with refused(constraint):
        make_reward(**fields)


# --- Deliveries, endpoints, keys ----------------------------------------------------


def test_message_is_delivered_once_per_endpoint() -> None:
    delivery = make_delivery()
    with refused("delivery"):
        make_delivery(message_id=delivery.message_id, endpoint=delivery.endpoint)


def test_finished_delivery_says_when() -> None:
    with refused("finished_delivery_says_when"):
        make_delivery(status="delivered", finished_at=None)


def test_disabled_endpoint_says_why() -> None:
    with refused("disabled_endpoint_says_why"):
        make_endpoint(status="disabled")


def test_key_is_of_live_or_test_mode() -> None:
    make_key()
    with refused("key_is_of_live_or_test_mode"):
        ApiKey.objects.update(mode="both")


# --- No row mixes campaigns ---------------------------------------------------------


@pytest.mark.parametrize("side", ["advocate", "friend"])
def test_referral_is_between_people_of_its_campaign(side: str) -> None:
    referral, stranger = make_referral(), make_participant()
    with refused(f"{side}_of_referrals_referral_is_of_its_campaign"):
        change(referral, **{side: stranger})


@pytest.mark.parametrize("column", ["participant", "referral"])
def test_event_is_about_people_of_its_campaign(column: str) -> None:
    event = make_event()
    other = {"participant": make_participant, "referral": make_referral}[column]()
    with refused(f"{column}_of_referrals_event_is_of_its_campaign"):
        change(event, **{column: other})


@pytest.mark.parametrize("column", ["referral", "recipient", "rule"])
def test_reward_is_of_its_campaign(column: str) -> None:
    reward = make_reward()
    make: dict[str, Any] = {
        "referral": make_referral,
        "recipient": make_participant,
        "rule": make_rule,
    }
    with refused(f"{column}_of_rewards_reward_is_of_its_campaign"):
        change(reward, **{column: make[column]()})


def test_invitation_is_of_somebody_of_its_campaign() -> None:
    with refused("advocate_of_referrals_invitation_is_of_its_campaign"):
        make_invitation(campaign=make_campaign())


@pytest.mark.parametrize("side", ["advocate", "friend"])
def test_refused_claim_is_about_people_of_its_campaign(side: str) -> None:
    claim, stranger = make_refused_claim(), make_participant()
    with refused(f"{side}_of_referrals_refusedclaim_is_of_its_campaign"):
        change(claim, **{side: stranger})


def test_who_was_merged_leads_to_somebody_of_their_campaign() -> None:
    nobody = {"email": None, "external_id": None, "status": "erased", "erased_at": NOW}
    merged, stranger = make_participant(**nobody), make_participant()
    with refused("merged_into_of_referrals_participant_is_of_its_campaign"):
        change(merged, merged_into=stranger)


@pytest.mark.parametrize("model", [Campaign, Participant, Referral, RewardRule])
def test_what_others_rest_on_is_never_deleted(model: Any) -> None:
    make_reward()
    with connection.cursor() as cursor, refused("violates foreign key"):
        cursor.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - ours


# --- E-mail -------------------------------------------------------------------------


def test_email_is_written_once() -> None:
    email = make_email(status="pending")
    with refused("email_is_written_once"):
        make_email(participant=email.participant)


def test_finished_email_says_when() -> None:
    with refused("finished_email_says_when"):
        make_email(status="sent", finished_at=None)


def test_email_is_to_somebody_of_its_campaign() -> None:
    with refused("participant_of_mail_email_is_of_its_campaign"):
        make_email(campaign=make_campaign())


def test_one_email_template_per_campaign_and_kind() -> None:
    known = EmailTemplate.objects.create(campaign=make_campaign(), kind="welcome")
    with refused("one_email_template_per_campaign_and_kind"):
        EmailTemplate.objects.create(campaign=known.campaign, kind="welcome")


def test_there_is_one_outage() -> None:
    with refused("there_is_one_outage"):
        Outage.objects.create(id=2, since=NOW, until=NOW)
