"""Codes: the one that somebody has, those they had, and those they choose."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from referrals.models import FormerCode, Participant
from referrals.services.codes import find_by_codes
from tests.factories import make_campaign, make_participant


def retire(participant: Participant, code: str, *, works: bool) -> None:
    FormerCode.objects.create(code=code, participant=participant, works=works)


def test_people_are_found_by_their_code_and_former_ones_that_work() -> None:
    campaign = make_campaign()
    ann, bob = [make_participant(campaign=campaign) for _ in range(2)]
    retire(ann, "ANN-OLD", works=True)
    retire(bob, "BOB-OLD", works=False)

    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = find_by_codes(
            campaign, [ann.code.lower(), "ann-old", "BOB-OLD", bob.code, "NOBODY"]
        )

    assert found == {ann.code: ann, "ANN-OLD": ann, bob.code: bob}
    assert len(queries) == 1


def test_codes_of_another_campaign_are_not_found() -> None:
    ann = make_participant()
    retire(ann, "ANN-OLD", works=True)

    assert find_by_codes(make_campaign(), [ann.code, "ANN-OLD"]) == {}
