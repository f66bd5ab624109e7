"""A file of people: uploaded, checked, run; what it does, and what is told of it."""

import pytest
from rest_framework.test import APIClient

from referrals.models import Campaign, ImportName, ImportPart, Participant
from tests.api.callers import caller
from tests.factories import make_campaign, make_key, make_participant
from tests.referrals.imports import (
    IMPORTS,
    checked,
    upload,
    work,
)

PEOPLE = (
    "E-Mail,Customer ID,First name,Last name,Plan\n"
    "ann@shop.example,c-1,Ann,Lee,gold\n"
    "bob@shop.example,c-2,Bob,,\n"
)


@pytest.fixture
def campaign() -> Campaign:
    return make_campaign()


@pytest.fixture
def client() -> APIClient:
    return caller(make_key())


def test_an_upload_is_looked_at_and_checked_first(
    client: APIClient, campaign: Campaign
) -> None:
    answer = upload(client, campaign, PEOPLE, filename="people.csv")

    assert answer.status_code == 201
    shown = answer.json()
    assert shown["status"] == "checking"
    assert shown["filename"] == "people.csv"
    assert shown["size"] == len(PEOPLE)
    assert (shown["encoding"], shown["delimiter"]) == ("utf-8", ",")
    assert shown["mapping"] == {
        "E-Mail": "email",
        "Customer ID": "external_id",
        "First name": "first_name",
        "Last name": "last_name",
    }
    assert shown["unmapped"] == ["Plan"]
    assert shown["sample"][0] == {
        "row": 1,
        "read": {"email": "ann@shop.example", "external_id": "c-1", "name": "Ann Lee"},
        "faults": [],
        "cells": ["ann@shop.example", "c-1", "Ann", "Lee", "gold"],
    }
    assert shown["progress"] == {"rows": 0, "total": None, "percent": 0}
    assert shown["error"] is None


def test_a_dry_run_says_what_would_be_done_and_does_nothing(
    client: APIClient, campaign: Campaign
) -> None:
    make_participant(campaign=campaign, email="bob@shop.example", external_id="c-2")

    shown = checked(client, campaign, PEOPLE)

    assert shown["status"] == "checked"
    assert shown["counts"] == {
        "created": 1,
        "updated": 1,
        "unchanged": 0,
        "failed": 0,
        "repeated": 0,
    }
    assert shown["progress"] == {"rows": 2, "total": 2, "percent": 100}
    assert list(campaign.participants.values_list("name", flat=True)) == [""]


def test_running_it_enrols_everybody_and_drops_the_file(
    client: APIClient, campaign: Campaign
) -> None:
    shown = checked(client, campaign, PEOPLE)

    answer = client.post(f"{IMPORTS}/{shown['id']}/run")
    assert answer.json()["status"] == "running"
    work()

    shown = client.get(f"{IMPORTS}/{shown['id']}").json()
    assert shown["status"] == "done"
    assert shown["counts"] == {
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "failed": 0,
        "repeated": 0,
    }
    assert shown["sample"] == []
    ann = Participant.objects.get(campaign=campaign, external_id="c-1")
    assert (ann.email, ann.name, ann.source) == (
        "ann@shop.example",
        "Ann Lee",
        "import",
    )
    assert ann.attributes == {}
    assert not ImportPart.objects.exists()
    assert not ImportName.objects.exists()
