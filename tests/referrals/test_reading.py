"""One participant, read in one statement: the same bytes as everywhere else."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from referral_factory.ids import to_public
from referral_factory.wire import as_json
from referrals.models import Participant, Referral
from referrals.serializers import ParticipantSerializer
from referrals.services.clicks import record_click
from referrals.services.erasing import erase_participant
from tests.api.callers import caller
from tests.factories import (
    NOBODY,
    make_campaign,
    make_key,
    make_participant,
    make_referral,
    make_reward,
)


@pytest.fixture
def api() -> APIClient:
    return caller(make_key())


def path(participant: Participant) -> str:
    return f"/api/v1/participants/{participant.public_id}"


def as_serialized(participant: Participant) -> bytes:
    rows = ParticipantSerializer.prepare(Participant.objects.all())
    return as_json(ParticipantSerializer(rows.get(pk=participant.pk)).data)


def busy_advocate() -> Participant:
    """Referred by somebody, with clicks, referrals and rewards of every kind."""
    campaign = make_campaign(name="Tea & <cakes> für alle")
    ann = make_participant(
        campaign=campaign,
        name="Änn 😀",
        attributes={"plan": "pro", "n": 1.5, "deep": [{"a": None}]},
        customer_since="2020-01-31T12:00:00.123456Z",
    )
    make_referral(friend=ann, campaign=campaign)
    qualified = make_referral(advocate=ann, status=Referral.Status.QUALIFIED)
    make_referral(advocate=ann)
    make_reward(referral=qualified)
    for _ in range(3):
        record_click(
            ann, address=None, user_agent="", parameters={}, wall=timezone.now()
        )
    ann.refresh_from_db()
    return ann


def test_a_busy_advocate_reads_as_serialized(api: APIClient) -> None:
    ann = busy_advocate()

    answer = api.get(path(ann))

    assert answer.content == as_serialized(ann)
    counts = {"clicks": 3, "referrals": 2, "qualified": 1, "rewards": 1}
    assert answer.json()["counts"] == counts
    assert answer.json()["referred_by"] is not None


def test_a_newcomer_and_an_erased_person_read_as_serialized(api: APIClient) -> None:
    bob = make_participant(name="")
    assert api.get(path(bob)).content == as_serialized(bob)

    erase_participant(bob, wall=timezone.now())

    assert api.get(path(bob)).content == as_serialized(bob)


def test_it_takes_one_statement_beside_the_keys_own(api: APIClient) -> None:
    ann = busy_advocate()
    api.get(path(ann))  # the key is known, and a lot of its calls is counted
    api.get(path(ann))

    with CaptureQueriesContext(connection) as queries:
        api.get(path(ann))

    assert len(queries) == 1


def test_a_key_of_other_campaigns_sees_nobody() -> None:
    ann, other = make_participant(), make_campaign()
    narrow = caller(make_key(campaign_ids=[other.pk]))
    wide = caller(make_key(campaign_ids=[other.pk, ann.campaign_id]))

    assert narrow.get(path(ann)).status_code == 404
    assert wide.get(path(ann)).status_code == 200


def test_a_key_of_the_other_mode_sees_nobody() -> None:
    ann = make_participant(campaign=make_campaign(mode="live"))
    assert caller(make_key()).get(path(ann)).status_code == 404


@pytest.mark.parametrize("name", ["x", "ptc_", to_public("cmp", NOBODY), "%00"])
def test_any_other_name_is_nobodys(api: APIClient, name: str) -> None:
    assert api.get(f"/api/v1/participants/{name}").status_code in {400, 404}
