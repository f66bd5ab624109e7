"""What time asks for, done by sweeps: in batches, by each campaign's clock."""

from datetime import timedelta

import pytest

from referral_factory.states import IllegalTransition
from referrals.models import Referral
from referrals.services.referrals import (
    disqualify_referral,
    expire_referrals,
    qualify_held_referrals,
    qualify_referral,
    reconsider_referral,
    settle_campaign,
)
from tests.factories import make_campaign, make_referral
from tests.steps import DAY, NOON, referred
from webhooks.models import Message

Status = Referral.Status


def held(**fields: object) -> Referral:
    return make_referral(status="holding", **{"holds_until": NOON, **fields})


def statuses() -> list[str]:
    return list(Referral.objects.order_by("id").values_list("status", flat=True))


def test_window_runs_out_to_the_second() -> None:
    referred(expires_at=NOON)

    assert expire_referrals(wall=NOON - timedelta(seconds=1)) == 0
    assert expire_referrals(wall=NOON) == 1

    assert statuses() == ["expired"]


def test_sweep_takes_a_batch_at_a_time_oldest_first() -> None:
    for _ in range(3):
        referred(expires_at=NOON)

    assert expire_referrals(wall=NOON, limit=2) == 2
    assert statuses() == ["expired", "expired", "pending"]
    assert expire_referrals(wall=NOON, limit=2) == 1
    assert expire_referrals(wall=NOON, limit=2) == 0


def test_sweep_goes_by_each_campaigns_clock() -> None:
    ahead = make_campaign(clock_offset=10 * DAY)
    behind = make_campaign(clock_offset=-10 * DAY)
    for campaign in (ahead, behind):
        held(campaign=campaign, holds_until=NOON + DAY)

    assert qualify_held_referrals(wall=NOON) == 1

    assert statuses() == ["qualified", "holding"]


@pytest.mark.parametrize("status", ["pending", "qualified", "disqualified", "expired"])
def test_only_held_referrals_are_qualified(status: str) -> None:
    make_referral(status=status, holds_until=NOON, disqualified_at=NOON, reason="x")
    assert qualify_held_referrals(wall=NOON) == 0


def test_sweep_announces_each_once() -> None:
    for _ in range(2):
        held()

    qualify_held_referrals(wall=NOON)
    qualify_held_referrals(wall=NOON)

    assert Message.objects.filter(type="referral.qualified").count() == 2


def test_paused_and_ended_campaigns_run_out_their_windows() -> None:
    for status in ("paused", "ended"):
        campaign = make_campaign(status=status, ended_at=NOON)
        referred(campaign=campaign, expires_at=NOON)

    assert expire_referrals(wall=NOON) == 2


def test_settling_one_campaign_leaves_others_alone() -> None:
    campaign = make_campaign()
    held(campaign=campaign)
    referred(campaign=campaign, expires_at=NOON)
    held()

    done = settle_campaign(campaign, wall=NOON)

    assert done == {"qualified": 1, "expired": 1}
    assert statuses() == ["qualified", "expired", "holding"]


def test_sweep_of_many_is_a_handful_of_statements(
    django_assert_max_num_queries: object,
) -> None:
    campaign = make_campaign()
    for _ in range(20):
        held(campaign=campaign)

    with django_assert_max_num_queries(20 + 15):  # type: ignore[operator]
        qualify_held_referrals(wall=NOON)


# --- By hand ------------------------------------------------------------------------


def test_person_qualifies_with_a_reason() -> None:
    referral = referred()

    qualify_referral(referral, now=NOON, reason="They wrote to us.")

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("qualified", "They wrote to us.")


def test_person_takes_a_disqualification_back() -> None:
    referral = referred()
    disqualify_referral(referral, now=NOON, reason="Looked odd.")

    reconsider_referral(referral, by="user:ana", wall=NOON, reason="It was not.")

    referral.refresh_from_db()
    assert (referral.status, referral.reason) == ("pending", "It was not.")
    assert referral.disqualified_at is None
    assert referral.decided_by == "user:ana"


def test_reconsidered_referral_has_a_whole_window_again() -> None:
    referral = referred(expires_at=NOON)
    disqualify_referral(referral, now=NOON, reason="Looked odd.")

    reconsider_referral(referral, by="user:ana", wall=NOON + DAY, reason="It was not.")

    assert expire_referrals(wall=NOON + 2 * DAY) == 0


@pytest.mark.parametrize("status", ["pending", "holding", "qualified", "expired"])
def test_only_a_disqualified_referral_is_reconsidered(status: str) -> None:
    referral = make_referral(status=status, holds_until=NOON)
    with pytest.raises(IllegalTransition):
        reconsider_referral(referral, by="user:ana", wall=NOON, reason="x")
