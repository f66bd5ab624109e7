"""Races at the enrolment page."""

from functools import partial

from django.utils import timezone

from referrals.attribution import Claim
from referrals.models import (
    Campaign,
    Consent,
    ConsentText,
    JoinRequest,
    Participant,
    Referral,
    RefusedClaim,
)
from referrals.services.erasing import erase_participant
from referrals.services.joining import (
    Answers,
    RequestGone,
    confirm_request,
    join_at_once,
    request_to_join,
)
from referrals.services.participants import enrol_participant, person
from referrals.services.referring import refer_friend
from tests.factories import make_campaign, make_participant
from tests.races.together import at_once

MAILBOX = "ann@mail.example.com"


def asked(campaign: Campaign, **answers: object) -> JoinRequest:
    """A request that waits for its mailbox."""
    filled = Answers(MAILBOX, name="Ann", **answers)  # type: ignore[arg-type]
    request_to_join(campaign, filled, wall=timezone.now())
    return JoinRequest.objects.latest("id")


def a_form_never_overwrites_what_a_backend_says_at_once() -> None:
    campaign, wall = make_campaign(), timezone.now()
    ours = person(email=MAILBOX, name="Ann by the backend")
    form = Answers(MAILBOX, name="Ann by the form")

    at_once(
        partial(enrol_participant, campaign, ours, wall=wall),
        partial(join_at_once, campaign, form, wall=wall),
        partial(join_at_once, campaign, form, wall=wall),
    )

    assert Participant.objects.get(campaign=campaign).name == "Ann by the backend"


def one_link_confirmed_twice_at_once_enrols_once() -> None:
    request = asked(make_campaign())

    answers = at_once(*[partial(confirm_request, request.pk, wall=timezone.now())] * 2)

    assert sorted(type(answer).__name__ for answer in answers) == [
        Participant.__name__,
        RequestGone.__name__,
    ]
    assert Participant.objects.filter(campaign=request.campaign_id).count() == 1


def two_requests_of_one_mailbox_confirmed_at_once_are_one_person() -> None:
    campaign = make_campaign()
    text = ConsentText.objects.create(campaign=campaign, version=1, text="I agree.")
    advocates = [make_participant(campaign=campaign) for _ in range(2)]
    requests = [
        asked(campaign, consent_text=text, claims=(by_code(advocate),))
        for advocate in advocates
    ]

    answers = at_once(
        *[partial(confirm_request, each.pk, wall=timezone.now()) for each in requests]
    )

    assert len({answer.pk for answer in answers}) == 1
    assert Consent.objects.filter(participant=answers[0]).count() == 1
    referral = Referral.objects.get(friend=answers[0])
    refused = RefusedClaim.objects.get(friend=answers[0])
    assert {referral.advocate_id, refused.advocate_id} == {a.pk for a in advocates}


def a_form_never_beats_a_backends_claim_about_somebody_known() -> None:
    campaign, wall = make_campaign(), timezone.now()
    known = make_participant(campaign=campaign, email=MAILBOX)
    right, mallory = (make_participant(campaign=campaign) for _ in range(2))
    form = Answers(MAILBOX, claims=(by_code(mallory),))

    at_once(
        partial(join_at_once, campaign, form, wall=wall),
        partial(refer_friend, known, [by_code(right)], wall=wall),
    )

    assert Referral.objects.get(friend=known).advocate == right
    assert RefusedClaim.objects.filter(friend=known, advocate=mallory).count() == 1


def whoever_is_erased_while_they_confirm_is_gone_or_new() -> None:
    campaign = make_campaign()
    known = make_participant(campaign=campaign, email=MAILBOX, name="")
    request = asked(campaign)

    answers = at_once(
        partial(erase_participant, known, wall=timezone.now()),
        partial(confirm_request, request.pk, wall=timezone.now()),
    )

    assert type(answers[1]) in {Participant, RequestGone}
    known.refresh_from_db()
    assert (known.status, known.name, known.email) == ("erased", "", None)
    assert not JoinRequest.objects.filter(campaign=campaign).exists()


def by_code(advocate: Participant) -> Claim:
    return Claim(Referral.Way.CODE, advocate.code)


RACES = [
    a_form_never_overwrites_what_a_backend_says_at_once,
    one_link_confirmed_twice_at_once_enrols_once,
    two_requests_of_one_mailbox_confirmed_at_once_are_one_person,
    a_form_never_beats_a_backends_claim_about_somebody_known,
    whoever_is_erased_while_they_confirm_is_gone_or_new,
]
