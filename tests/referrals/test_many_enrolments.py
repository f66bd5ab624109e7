"""Enrolling people in sets: the same facts, rows and bytes as one by one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db.models import QuerySet
from email_validator import EmailNotValidError, validate_email
from rest_framework import serializers

from referral_factory.errors import InvalidInput
from referral_factory.wire import as_json
from referrals.mailboxes import clean
from referrals.models import Participant
from referrals.rows import Fault, read_person
from referrals.serializers import ParticipantSerializer
from referrals.services.participants import (
    Enrolment,
    Person,
    Refusal,
    enrol_people,
    person,
)
from tests.factories import make_campaign, make_participant, make_referral
from tests.steps import NOON
from webhooks.models import Message


def told() -> list[str]:
    return list(Message.objects.order_by("id").values_list("type", flat=True))


def prepared() -> QuerySet[Participant]:
    return ParticipantSerializer.prepare(Participant.objects.all())


def by_its_fields(participant: Any) -> dict[str, Any]:
    """What the serializer says of somebody if it asks its fields, one by one."""
    shown: dict[str, Any] = serializers.Serializer.to_representation(
        ParticipantSerializer(), participant
    )
    return shown


def test_answers_are_in_the_order_of_the_rows() -> None:
    campaign = make_campaign()
    known = make_participant(campaign=campaign)
    other = make_participant(campaign=campaign)
    people = [
        person(external_id="new"),
        person(external_id=known.external_id),
        person(external_id=known.external_id, email=other.email),
    ]

    new, found, refused = enrol_people(campaign, people, wall=NOON)

    assert isinstance(new, Enrolment)
    assert isinstance(found, Enrolment)
    assert isinstance(refused, Refusal)
    assert (new.created, found.created) == (True, False)
    assert found.participant == known
    assert (refused.code, refused.pointer) == ("identity_conflict", "")


def test_nobody_is_nothing() -> None:
    assert enrol_people(make_campaign(), [], wall=NOON) == []


def test_only_what_changes_is_written_and_told() -> None:
    campaign = make_campaign()
    ann, bob, cy = [
        make_participant(campaign=campaign, name="Same", attributes={"a": 1})
        for _ in range(3)
    ]
    details: list[dict[str, Any]] = [
        {"name": "Same", "attributes": {"a": 1}},
        {"name": "Bob", "attributes": {"a": 1}},
        {"name": "Same", "attributes": {"a": 2}, "address": "198.51.100.7"},
    ]
    people = [
        person(external_id=each.external_id, **given)
        for each, given in zip((ann, bob, cy), details, strict=True)
    ]

    answers = enrol_people(campaign, people, wall=NOON)

    changed = [isinstance(each, Enrolment) and each.changed for each in answers]
    assert changed == [False, True, True]
    assert told() == ["participant.updated"] * 2
    cy.refresh_from_db()
    assert (cy.name, cy.attributes, cy.address) == ("Same", {"a": 2}, "198.51.100.7")


def test_null_takes_a_value_away() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, customer_since=NOON, address="192.0.2.1")
    gone = person(external_id=ann.external_id, customer_since=None, address=None)

    enrol_people(campaign, [gone], wall=NOON)

    ann.refresh_from_db()
    assert (ann.customer_since, ann.address) == (None, None)


def test_another_mailbox_is_not_confirmed_yet() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, confirmed_at=NOON)
    same = person(external_id=ann.external_id, email=(ann.email or "").upper())
    enrol_people(campaign, [same], wall=NOON)
    ann.refresh_from_db()
    assert ann.confirmed_at == NOON

    other = person(external_id=ann.external_id, email="other@shop.example")
    enrol_people(campaign, [other], wall=NOON)

    ann.refresh_from_db()
    assert ann.confirmed_at is None


def test_each_row_sees_what_those_before_it_change() -> None:
    campaign = make_campaign()
    ann = make_participant(campaign=campaign, email="ann@shop.example")
    people = [
        person(external_id=ann.external_id, email="anne@shop.example"),
        person(external_id="new", email="anne@shop.example"),
    ]

    moved, refused = enrol_people(campaign, people, wall=NOON)

    assert isinstance(moved, Enrolment)
    assert isinstance(refused, Refusal)
    assert Participant.objects.get().email == "anne@shop.example"


def test_newcomers_are_shown_as_they_are_read_back() -> None:
    campaign = make_campaign(name="Spring & <summer> \u2028 100 %")
    people = [
        person(
            external_id='a "quoted" \\ id',
            email="ann@bücher.example",
            name="Ann \U0001f469\u200d\U0001f680",
            attributes={"a": [1.5, None, {"b": "\u2028"}], "n": 2**53},
            customer_since=datetime(2026, 1, 2, 3, 4, 5, 678, UTC),
            address="2001:db8::1",
        ),
        person(external_id="plain"),
    ]

    enrol_people(campaign, people, wall=NOON)

    for message in Message.objects.all():
        row = prepared().get(pk=message.object_id)
        data = as_json(ParticipantSerializer(row).data).decode()
        assert message.body.endswith(f'"data":{data}}}')


def test_participants_are_shown_as_their_fields_say() -> None:
    referral = make_referral()
    make_participant(campaign=referral.campaign, email=None, customer_since=NOON)

    for row in prepared():
        assert ParticipantSerializer(row).data == by_its_fields(row)


@pytest.mark.parametrize(
    "address",
    [
        "ann@shop.example",
        "Ann.Lee+tag@SHOP.example",
        "=1+1@x.com",
        "INFO@shop.example",
        "ann@bücher.example",
        "ann@xn--bcher-kva.example",
        "änn@shop.example",
        "ann@localhost",
        "ann@shop.example.",
        "ann@shop..example",
        "ann@-shop.example",
        "ann@127.0.0.1",
        "ann@[127.0.0.1]",
        "ann.@shop.example",
        ".ann@shop.example",
        "an n@shop.example",
        '"ann"@shop.example',
        "ann",
        "@shop.example",
        "ann@",
        "ann@@shop.example",
        "a" * 64 + "@shop.example",
        "a" * 65 + "@shop.example",
        "ann@" + "a" * 64 + ".example",
        "ann@" + "a.b" * 90 + ".example",
    ],
)
def test_address_is_what_the_library_says_of_it(address: str) -> None:
    assert said_by(clean, address) == said_by(normalized, address)


def normalized(address: str) -> str:
    return validate_email(address, check_deliverability=False).normalized


def said_by(reader: Callable[[str], str], address: str) -> str:
    """The address in normal form, or what is wrong with it."""
    try:
        return reader(address)
    except (InvalidInput, EmailNotValidError) as error:
        return f"refused: {error}"


def test_row_of_a_file_is_read_as_text() -> None:
    row = {"external_id": " c-1 ", "email": "Ann@shop.example", "name": "Ann"}

    who = read_person({**row, "customer_since": "2026-01-31T12:00:00+01:00"})

    assert isinstance(who, Person)
    assert (who.external_id, who.email) == ("c-1", "Ann@shop.example")
    assert who.details["customer_since"] == datetime(2026, 1, 31, 11, tzinfo=UTC)


def test_row_says_all_that_is_wrong_with_it() -> None:
    faults = read_person(
        {"external_id": "c-1", "name": "\u202e", "emial": "a@b.example"}
    )

    assert isinstance(faults, list)
    assert [(fault.pointer, fault.code) for fault in faults] == [
        ("/emial", "unknown_field"),
        ("/name", "hidden_character"),
    ]
    assert isinstance(faults[0], Fault)
    assert "'email'" in faults[0].detail
