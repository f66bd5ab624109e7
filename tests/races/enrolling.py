"""Races of enrolments: the same people in several calls at once."""

from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any
from unittest.mock import patch

from referral_factory.api import event_bulk
from referral_factory.api.event_bulk import BulkEvents
from referrals import bulk
from referrals.bulk import Bulk
from referrals.models import Campaign, Event, Participant
from referrals.services import locks
from referrals.services.locks import email_name, external_id_name, slot_of
from referrals.services.participants import Enrolment, Person, enrol_people, person
from tests.factories import make_campaign, make_participant
from tests.races.together import at_once, shortly_after
from tests.steps import NOON, enrol, report
from webhooks.models import Message

PEOPLE = 6


def describe(numbers: range, **details: Any) -> list[Person]:
    return [
        person(external_id=f"c-{n}", email=f"p{n}@shop.example", **details)
        for n in numbers
    ]


def created(answers: list[Any]) -> int:
    """How many newcomers the answers of several calls say there were."""
    rows = [row for answer in answers if isinstance(answer, list) for row in answer]
    assert all(isinstance(row, Enrolment) for row in rows)
    return sum(row.created for row in rows)


def one_person_enrolled_twice_is_one_participant() -> None:
    campaign = make_campaign()
    call = partial(enrol, campaign, external_id="c-1", email="ann@shop.example")

    answers = at_once(call, call)

    assert sorted(answer.created for answer in answers) == [False, True]
    assert campaign.participants.count() == 1
    assert Message.objects.filter(campaign_id=campaign.pk).count() == 1


def one_person_alone_and_among_others_is_one_participant() -> None:
    campaign = make_campaign()
    among = partial(enrol_people, campaign, describe(range(PEOPLE)), wall=NOON)

    answers = at_once(partial(enrol, campaign, external_id="c-3"), among)

    alone, _ = answers
    assert isinstance(alone, Enrolment)
    assert created(answers) + alone.created == PEOPLE
    assert campaign.participants.count() == PEOPLE


def people_of_two_calls_in_opposite_order_are_enrolled_once() -> None:
    campaign = make_campaign()
    forth = describe(range(PEOPLE))
    back = describe(range(PEOPLE - 1, -1, -1))

    answers = at_once(
        partial(enrol_people, campaign, forth, wall=NOON),
        partial(enrol_people, campaign, back, wall=NOON),
    )

    assert created(answers) == campaign.participants.count() == PEOPLE
    told = Message.objects.filter(campaign_id=campaign.pk)
    assert told.filter(type="participant.created").count() == PEOPLE


def people_changed_by_two_calls_under_two_names_wait_for_each_other() -> None:
    campaign = make_campaign()
    people = [make_participant(campaign=campaign) for _ in range(PEOPLE)]
    by_id = [person(external_id=each.external_id, name="Id") for each in people]
    by_mail = [person(email=each.email, name="Mail") for each in reversed(people)]

    answers = at_once(
        partial(enrol_people, campaign, by_id, wall=NOON),
        partial(enrol_people, campaign, by_mail, wall=NOON),
    )

    assert created(answers) == 0
    # All of one call came last, for everybody.
    assert campaign.participants.values("name").distinct().count() == 1


def event_of_somebody_among_many_finds_them() -> None:
    campaign = make_campaign()

    at_once(
        partial(enrol_people, campaign, describe(range(PEOPLE)), wall=NOON),
        partial(report, {"email": "p3@shop.example"}, campaign=campaign),
    )

    event = Event.objects.get(campaign=campaign)
    assert event.participant == Participant.objects.get(
        campaign=campaign, external_id="c-3"
    )


def person_written_by_somebody_who_holds_no_names_is_found() -> None:
    campaign = make_campaign()
    row = Participant(
        campaign=campaign, email="p3@shop.example", email_canonical="p3@shop.example"
    )
    write = partial(Participant.objects.bulk_create, [row], ignore_conflicts=True)

    answers = at_once(
        write, partial(enrol_people, campaign, describe(range(PEOPLE)), wall=NOON)
    )

    rows = answers[1]
    assert {each.participant.pk for each in rows} == set(
        campaign.participants.values_list("pk", flat=True)
    )
    assert campaign.participants.get(email="p3@shop.example").external_id == "c-3"


@patch.object(locks, "SLOTS", 1024)  # two names in one slot are found soon
def calls_about_two_campaigns_and_one_do_not_wait_in_a_ring() -> None:
    one, other = sorted([make_campaign(), make_campaign()], key=lambda each: each.pk)
    # Of the other campaign's person: one name before the slot of `c-1`, one in it.
    held = slot_of(one, external_id_name("c-1"))
    ids, mails = (f"x-{n}" for n in count()), (f"x{n}@shop.example" for n in count())
    low = next(each for each in ids if slot_of(other, external_id_name(each)) < held)
    same = next(each for each in mails if slot_of(other, email_name(each)) == held)
    rows = [{"campaign": one.public_id, "external_id": "c-1"}, {"external_id": low}]
    call = Bulk(lambda _pk: one, default=other)

    answers = at_once(
        partial(call.enrol, rows, wall=NOON),
        shortly_after(partial(enrol, other, external_id=low, email=same), 0.02),
    )

    assert answers[0]["created"] == 2
    assert other.participants.get().email == same


def in_parts(campaign: Campaign, numbers: range) -> Callable[[], Any]:
    """A call about these people, which takes two of them for many."""
    rows = [{"external_id": f"c-{n}", "email": f"p{n}@shop.example"} for n in numbers]

    def call() -> Any:
        with patch.object(bulk, "PART", 2):
            return Bulk(lambda _pk: campaign, campaign).enrol(rows, wall=NOON)

    return call


def event_of_somebody_among_thousands_finds_them() -> None:
    campaign = make_campaign()

    at_once(
        partial(report, {"email": "p3@shop.example"}, campaign=campaign),
        shortly_after(in_parts(campaign, range(PEOPLE)), 0.03),
    )

    event = Event.objects.get(campaign=campaign)
    assert event.participant == campaign.participants.get(external_id="c-3")


def thousands_of_two_calls_in_opposite_order_are_enrolled_once() -> None:
    campaign = make_campaign()

    answers = at_once(
        in_parts(campaign, range(PEOPLE)),
        in_parts(campaign, range(PEOPLE - 1, -1, -1)),
        partial(enrol, campaign, external_id="c-3"),
    )

    *many, alone = answers
    in_all = sum(each["created"] for each in many) + alone.created
    assert in_all == campaign.participants.count() == PEOPLE


def thousands_of_people_and_of_their_events_find_each_other() -> None:
    campaign = make_campaign()
    rows = [
        {"event_id": f"o-{n}", "name": "purchase", "participant": {"email": email}}
        for n, email in enumerate(f"p{n}@shop.example" for n in range(PEOPLE))
    ]

    def events() -> Any:
        with patch.object(event_bulk, "LARGE", 2):
            return BulkEvents(lambda _pk: campaign, campaign).report(rows, wall=NOON)

    at_once(in_parts(campaign, range(PEOPLE)), events)

    found = Event.objects.filter(campaign=campaign, participant__isnull=False)
    assert found.count() == campaign.participants.count() == PEOPLE


def call_about_many_waits_for_one_about_a_stranger() -> None:
    campaign = make_campaign()

    with patch.object(locks, "MANY", 2):
        at_once(
            partial(report, {"email": "p3@shop.example"}, campaign=campaign),
            shortly_after(
                partial(enrol_people, campaign, describe(range(PEOPLE)), wall=NOON),
                0.03,
            ),
        )

    event = Event.objects.get(campaign=campaign)
    assert event.participant == campaign.participants.get(external_id="c-3")


RACES = [
    one_person_enrolled_twice_is_one_participant,
    one_person_alone_and_among_others_is_one_participant,
    people_of_two_calls_in_opposite_order_are_enrolled_once,
    people_changed_by_two_calls_under_two_names_wait_for_each_other,
    event_of_somebody_among_many_finds_them,
    person_written_by_somebody_who_holds_no_names_is_found,
    calls_about_two_campaigns_and_one_do_not_wait_in_a_ring,
    event_of_somebody_among_thousands_finds_them,
    thousands_of_two_calls_in_opposite_order_are_enrolled_once,
    thousands_of_people_and_of_their_events_find_each_other,
    call_about_many_waits_for_one_about_a_stranger,
]
