"""From a qualified referral to its rewards, once for ever, and back."""

from decimal import Decimal

import pytest

from referrals.models import Campaign, Participant, Referral
from referrals.services.referrals import (
    disqualify_referral,
    qualify_referral,
    reconsider_referral,
)
from referrals.signals import referral_qualified
from rewards.models import Reward
from rewards.services.granting import grant_rewards
from rewards.services.issuing import cancel_reward, issue_reward
from rewards.services.reviewing import review_rewards
from rewards.services.rules import change_rule, retire_rule
from tests.factories import make_campaign, make_rule
from tests.steps import DAY, NOON, referred, report
from webhooks.models import Message

REASON = {"code": "amount_over_limit", "detail": "Big.", "evidence": {}}


def campaign_with_rules(**fields: object) -> Campaign:
    campaign = make_campaign(**fields)
    make_rule(campaign=campaign, side="advocate", amount=Decimal(10))
    make_rule(campaign=campaign, side="friend", amount=Decimal(5))
    return campaign


def qualified(campaign: Campaign | None = None) -> Referral:
    referral = referred(campaign=campaign or campaign_with_rules())
    report(referral.friend)
    referral.refresh_from_db()
    return referral


def again(referral: Referral) -> None:
    """It is disqualified, looked at once more, and qualifies again."""
    disqualify_referral(referral, now=NOON + DAY, reason="Looked odd.")
    reconsider_referral(referral, by="user:ana", wall=NOON, reason="It was not.")
    qualify_referral(referral, now=NOON + 2 * DAY, reason="All is well.")


def statuses() -> list[str]:
    return list(Reward.objects.order_by("id").values_list("status", flat=True))


def types(prefix: str) -> list[str]:
    found = Message.objects.filter(type__startswith=prefix).order_by("id")
    return list(found.values_list("type", flat=True))


def test_each_side_gets_what_its_rule_says() -> None:
    referral = qualified()

    rewards = {reward.side: reward for reward in Reward.objects.all()}

    assert rewards["advocate"].recipient == referral.advocate
    assert rewards["advocate"].amount == Decimal(10)
    assert rewards["friend"].recipient == referral.friend
    assert rewards["friend"].amount == Decimal(5)
    for reward in rewards.values():
        assert (reward.status, reward.currency) == ("pending", "USD")
        assert reward.available_at == reward.created_at == NOON


def test_cause_is_told_before_its_effects() -> None:
    qualified()
    assert types("re") == ["referral.qualified", "reward.created", "reward.created"]


def test_campaign_without_rules_grants_nothing() -> None:
    qualified(make_campaign())
    assert not Reward.objects.exists()


def test_rules_of_other_campaigns_grant_nothing() -> None:
    make_rule()
    qualified(make_campaign())
    assert not Reward.objects.exists()


def test_same_news_twice_grants_once() -> None:
    referral = qualified()

    referral_qualified.send(sender=Referral, instances=[referral])

    assert Reward.objects.count() == 2
    assert types("reward") == ["reward.created"] * 2


def test_held_referral_is_not_rewarded_yet() -> None:
    referral = referred(campaign=campaign_with_rules(holding_days=14))
    report(referral.friend)
    assert not Reward.objects.exists()


@pytest.mark.parametrize("side", ["advocate", "friend"])
def test_blocked_person_gets_nothing_and_the_other_does(side: str) -> None:
    referral = referred(campaign=campaign_with_rules())
    blocked = getattr(referral, side)
    Participant.objects.filter(pk=blocked.pk).update(status="blocked")

    report(referral.friend)

    assert [reward.recipient_id != blocked.pk for reward in Reward.objects.all()] == [
        True
    ]


# --- Rules change -------------------------------------------------------------------


def test_changed_rule_leaves_granted_rewards_alone() -> None:
    campaign = make_campaign()
    rule = make_rule(campaign=campaign, amount=Decimal(10))
    qualified(campaign)

    change_rule(rule, amount=Decimal(99), by="user:ops")
    qualified(campaign)

    found = Reward.objects.order_by("id").values_list("amount", "rule_version")
    assert list(found) == [(Decimal(10), 1), (Decimal(99), 2)]


def test_retired_rule_grants_nothing_more() -> None:
    campaign = make_campaign()
    rule = make_rule(campaign=campaign)
    qualified(campaign)

    retire_rule(rule, wall=NOON)
    qualified(campaign)

    assert Reward.objects.count() == 1


def test_rule_that_was_changed_meanwhile_changes_no_reward_that_comes_back() -> None:
    campaign = make_campaign()
    rule = make_rule(campaign=campaign, amount=Decimal(10))
    referral = qualified(campaign)
    change_rule(rule, amount=Decimal(99), by="user:ops")

    again(referral)

    assert Reward.objects.get().amount == Decimal(10)


# --- And back -----------------------------------------------------------------------


def test_refund_cancels_what_was_not_issued_and_says_why() -> None:
    referral = qualified()

    disqualify_referral(referral, now=NOON + DAY, reason="Reversed by refund-1.")

    assert statuses() == ["cancelled", "cancelled"]
    for reward in Reward.objects.all():
        assert "Reversed by refund-1." in reward.decision_note
    assert types("re")[-3:] == [
        "referral.disqualified",
        "reward.cancelled",
        "reward.cancelled",
    ]


@pytest.mark.parametrize(
    "status", ["pending", "flagged", "approved", "waiting", "failed"]
)
def test_reward_is_cancelled_from_every_status_before_issuing(status: str) -> None:
    referral = qualified()
    Reward.objects.update(
        status=status, reasons=[REASON], decided_by="user:ops", decided_at=NOON
    )

    disqualify_referral(referral, now=NOON, reason="x")

    assert statuses() == ["cancelled", "cancelled"]


def test_rejected_reward_stays_rejected() -> None:
    referral = qualified()
    Reward.objects.update(status="rejected", decided_by="user:ops", decided_at=NOON)

    again(referral)

    assert statuses() == ["rejected", "rejected"]


def test_long_reason_fits_into_the_note() -> None:
    referral = qualified()
    disqualify_referral(referral, now=NOON, reason="x" * 500)
    assert statuses() == ["cancelled", "cancelled"]


def issued(referral: Referral) -> Reward:
    review_rewards(wall=NOON)
    reward = Reward.objects.get(referral=referral, side="advocate")
    return issue_reward(reward, by="user:ops", wall=NOON, reference="payout-1")


def test_refund_after_issuing_leaves_it_to_a_person() -> None:
    referral = qualified()
    reward = issued(referral)

    disqualify_referral(referral, now=NOON + DAY, reason="Refunded.")

    reward.refresh_from_db()
    assert reward.status == "issued"
    assert reward.disputed_at == NOON + DAY
    assert list(Reward.objects.disputed()) == [reward]


def test_refund_while_issuing_leaves_it_to_a_person() -> None:
    referral = qualified()
    Reward.objects.update(status="issuing", decided_by="user:ops", decided_at=NOON)

    disqualify_referral(referral, now=NOON + DAY, reason="Refunded.")

    assert statuses() == ["issuing", "issuing"]
    assert Reward.objects.filter(disputed_at=NOON + DAY).count() == 2


def test_dispute_is_over_when_the_referral_counts_again() -> None:
    referral = qualified()
    reward = issued(referral)

    again(referral)

    reward.refresh_from_db()
    assert (reward.status, reward.disputed_at) == ("issued", None)


def test_reward_comes_back_in_the_same_row_for_another_review() -> None:
    referral = qualified()
    review_rewards(wall=NOON)
    before = set(Reward.objects.values_list("id", flat=True))

    again(referral)

    assert statuses() == ["pending", "pending"]
    assert set(Reward.objects.values_list("id", flat=True)) == before
    for reward in Reward.objects.all():
        assert reward.reasons == []
        assert (reward.decided_by, reward.decided_at) == ("", None)
        assert reward.available_at == NOON + 2 * DAY


def test_who_approved_a_reward_did_not_approve_it_once_it_came_back() -> None:
    referral = qualified()
    both = {"first_approver": "user:ana", "second_approver": "user:ben"}
    Reward.objects.update(
        status="approved", decided_by="user:ben", decided_at=NOON, **both
    )

    again(referral)

    left = set(Reward.objects.values_list("first_approver", "second_approver"))
    assert left == {("", "")}


def test_reward_of_somebody_blocked_since_does_not_come_back() -> None:
    referral = qualified()
    Participant.objects.filter(pk=referral.advocate_id).update(status="blocked")

    again(Referral.objects.get())

    assert statuses() == ["cancelled", "pending"]


def test_reward_that_a_person_cancelled_stays_cancelled_while_nothing_changes() -> None:
    referral = qualified()
    reward = Reward.objects.get(side="advocate")
    cancel_reward(reward, by="user:ops", wall=NOON, note="Not this time.")

    report(referral.friend)

    reward.refresh_from_db()
    assert reward.status == "cancelled"


def test_granting_many_is_a_handful_of_statements(
    django_assert_max_num_queries: object,
) -> None:
    campaign = campaign_with_rules()
    referrals = [
        referred(campaign=campaign, status="qualified", qualified_at=NOON)
        for _ in range(20)
    ]

    with django_assert_max_num_queries(12):  # type: ignore[operator]
        assert len(grant_rewards(referrals)) == 40
