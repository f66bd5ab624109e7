"""A file of people: uploaded, checked, run; what it does, and what is told of it."""

import io
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from referrals.models import (
    Campaign,
    Import,
    ImportFault,
    ImportName,
    ImportPart,
    Participant,
)
from referrals.services.erasing import erase_participant
from referrals.services.importing import work_on_imports
from referrals.services.imports import cancel_import, purge_imports
from tests.api.callers import caller
from tests.factories import make_campaign, make_key, make_participant
from tests.referrals.imports import (
    IMPORTS,
    checked,
    fault_file,
    faults,
    imported,
    row_of,
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


def test_a_form_is_as_good_as_a_body(client: APIClient, campaign: Campaign) -> None:
    file = io.BytesIO(PEOPLE.encode())
    file.name = "C:\\lists\\people.csv"
    fields = {
        "campaign": campaign.public_id,
        "file": file,
        "mapping": '{"Plan": "attributes.plan", "E-Mail": "email"}',
        "dry_run": "false",
    }

    answer = client.post(IMPORTS, fields, format="multipart")
    work()

    assert (answer.status_code, answer.json()["status"]) == (201, "running")
    assert answer.json()["filename"] == "people.csv"
    people = campaign.participants.order_by("email")
    assert [person.attributes for person in people] == [{"plan": "gold"}, {}]
    assert {person.external_id for person in people} == {None}


def test_a_new_mapping_is_checked_anew(client: APIClient, campaign: Campaign) -> None:
    shown = checked(client, campaign, PEOPLE)
    mapping = {"Customer ID": "external_id", "Plan": "name"}

    answer = client.patch(f"{IMPORTS}/{shown['id']}", {"mapping": mapping})

    assert answer.json()["status"] == "checking"
    assert answer.json()["sample"][0]["read"] == {"external_id": "c-1", "name": "gold"}
    assert answer.json()["progress"]["rows"] == 0
    work()
    shown = client.get(f"{IMPORTS}/{shown['id']}").json()
    assert (shown["status"], shown["mapping"]) == ("checked", mapping)


@pytest.mark.parametrize("verb", ["run", "cancel"])
def test_what_is_done_is_done(client: APIClient, campaign: Campaign, verb: str) -> None:
    shown = imported(client, campaign, PEOPLE)

    answer = client.post(f"{IMPORTS}/{shown['id']}/{verb}")
    patched = client.patch(f"{IMPORTS}/{shown['id']}", {"mapping": {"E-Mail": "email"}})

    assert answer.json()["code"] == patched.json()["code"] == "illegal_transition"


def test_cancelling_drops_the_file(client: APIClient, campaign: Campaign) -> None:
    shown = checked(client, campaign, PEOPLE)

    answer = client.post(f"{IMPORTS}/{shown['id']}/cancel")

    assert answer.json()["status"] == "cancelled"
    assert answer.json()["finished_at"]
    assert not ImportPart.objects.exists()
    work()
    assert not campaign.participants.exists()


def test_cancelling_stops_a_worker_that_is_at_it(
    client: APIClient, campaign: Campaign
) -> None:
    body = "email\n" + "".join(f"p{n}@x.example\n" for n in range(2500))
    shown = upload(client, campaign, body, dry_run="false").json()
    looks = iter(range(10))

    def clock() -> datetime:
        """It is looked at before every chunk."""
        if next(looks) == 2:
            cancel_import(row_of(shown), wall=timezone.now())
        return timezone.now()

    work_on_imports(clock=clock)

    shown = client.get(f"{IMPORTS}/{shown['id']}").json()
    assert shown["status"] == "cancelled"
    assert shown["counts"]["created"] == campaign.participants.count() == 1000


def test_the_same_upload_with_the_same_key_is_one_import(
    client: APIClient, campaign: Campaign
) -> None:
    url = f"{IMPORTS}?campaign={campaign.public_id}"
    bodies = [PEOPLE, PEOPLE, PEOPLE + "zoe@shop.example,c-3,,,\n"]

    first, again, other = [
        client.generic(
            "POST", url, body, content_type="text/csv", HTTP_IDEMPOTENCY_KEY="upload-1"
        )
        for body in bodies
    ]

    assert first.status_code == again.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert again["Idempotent-Replayed"] == "true"
    assert "sample" not in again.json()  # whose data it is, is not kept
    assert other.json()["code"] == "idempotency_mismatch"
    assert Import.objects.count() == 1


def test_a_form_is_the_same_whatever_separates_its_parts(
    client: APIClient, campaign: Campaign
) -> None:
    answers = []
    for boundary in ("one", "another"):
        body = "".join(
            f"--{boundary}\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n"
            for name, value in [
                ('name="campaign"', campaign.public_id),
                ('name="file"; filename="p.csv"', PEOPLE),
            ]
        )
        answers.append(
            client.generic(
                "POST",
                IMPORTS,
                f"{body}--{boundary}--\r\n",
                content_type=f"multipart/form-data; boundary={boundary}",
                HTTP_IDEMPOTENCY_KEY="k",
            )
        )

    assert answers[0].json()["id"] == answers[1].json()["id"]


def test_the_list_shows_imports_without_their_rows(
    client: APIClient, campaign: Campaign
) -> None:
    shown = checked(client, campaign, PEOPLE)

    found = client.get(IMPORTS, {"campaign": campaign.public_id, "status": "checked"})

    (row,) = found.json()["results"]
    assert row["id"] == shown["id"]
    assert "sample" not in row


def test_a_dry_run_knows_what_its_earlier_rows_would_do(
    client: APIClient, campaign: Campaign
) -> None:
    """Over more rows than are done at once."""
    lines = [f"p{n}@x.example,P,\n" for n in range(1200)]
    lines += ["p3@x.example,Q,\n", "friend@x.example,,p4@x.example\n"]
    body = "email,name,referred_by.email\n" + "".join(lines)

    dry = checked(client, campaign, body)
    shown = imported(client, campaign, body)

    assert dry["counts"] == shown["counts"]
    assert dry["counts"]["created"] == 1201
    assert dry["counts"]["updated"] == dry["counts"]["repeated"] == 1
    assert campaign.referrals.count() == 1


def test_who_referred_somebody_may_stand_in_the_file(
    client: APIClient, campaign: Campaign
) -> None:
    ann = make_participant(campaign=campaign)
    body = (
        "email,referred by code,referred by email\n"
        f"a@x.example,{ann.code},\n"
        f"b@x.example,{ann.code},a@x.example\n"
        "c@x.example,NOBODY,\n"
        "d@x.example,,nobody@x.example\n"
    )

    shown = imported(client, campaign, body)

    advocates = dict(campaign.referrals.values_list("friend__email", "advocate__email"))
    assert advocates == {"a@x.example": ann.email, "b@x.example": "a@x.example"}
    (fault,) = faults(client, shown)
    assert (fault["row"], fault["code"]) == (4, "unknown")
    assert fault["column"] == "referred by email"
    assert campaign.participants.filter(email="c@x.example").exists()


def test_somebody_erased_since_the_upload_stays_erased(
    client: APIClient, campaign: Campaign
) -> None:
    erika = make_participant(
        campaign=campaign, email="erika@gmail.com", external_id="e-1"
    )
    body = "email,id,name,referred_by.email\n" + "".join(
        [
            "E.rika+x@gmail.com,,Erika,\n",
            ",e-1,Erika,\n",
            "not erika,e-1,Erika,\n",
            "fred@x.example,,Fred,erika@gmail.com\n",
            "zoe@x.example,,Zoe,\n",
        ]
    )
    shown = checked(client, campaign, body)
    assert "rika" in str(client.get(f"{IMPORTS}/{shown['id']}").json()["sample"])
    erase_participant(erika, wall=timezone.now())
    assert "rika" not in str(client.get(f"{IMPORTS}/{shown['id']}").json()["sample"])
    client.post(f"{IMPORTS}/{shown['id']}/run")
    work()

    shown = client.get(f"{IMPORTS}/{shown['id']}").json()
    assert shown["counts"]["failed"] == 4
    assert {fault["code"] for fault in faults(client, shown)} == {"erased_since_upload"}
    assert "rika" not in fault_file(client, shown)
    assert "fred@x.example,,Fred,," in fault_file(client, shown)
    left = campaign.participants.exclude(status="erased")
    assert list(left.values_list("name", flat=True)) == ["Zoe"]


def test_erasing_clears_faults_however_they_spell_the_name(
    client: APIClient, campaign: Campaign
) -> None:
    erika = make_participant(campaign=campaign, email="erika@gmail.com")
    body = 'email,name\n"E.rika+x@gmail.com"x,Erika\nerika@googlemail.com,Erika\x07\n'
    body += "Erika <Erika@gmail.com>,Erika\n"
    shown = checked(client, campaign, body)
    assert "rika" in fault_file(client, shown)

    erase_participant(erika, wall=timezone.now())

    assert "rika" not in fault_file(client, shown)


def test_a_worker_that_is_gone_is_replaced_and_says_so(
    client: APIClient, campaign: Campaign, caplog: pytest.LogCaptureFixture
) -> None:
    shown = upload(client, campaign, PEOPLE, dry_run="false").json()
    now = timezone.now()
    Import.objects.update(lease_until=now + timedelta(seconds=5))

    assert not work_on_imports(clock=lambda: now)
    assert work_on_imports(clock=lambda: now + timedelta(seconds=6))

    assert f"Took over {shown['id']}, whose worker is gone, after row 0." in caplog.text
    assert row_of(shown).status == Import.Status.DONE


def test_faults_lose_their_rows_in_time_and_forgotten_files_go(
    client: APIClient, campaign: Campaign
) -> None:
    bad = imported(client, campaign, "email,name\nno,Ann\n")
    left = checked(client, campaign, PEOPLE)

    purge_imports(wall=timezone.now() + timedelta(days=29))
    assert ImportFault.objects.exclude(values=[]).count() == 1
    assert row_of(left).status == Import.Status.CANCELLED
    assert not ImportPart.objects.exists()
    purge_imports(wall=timezone.now() + timedelta(days=31))

    assert ImportFault.objects.get().values == []
    assert [each["row"] for each in faults(client, bad)] == [1]


def test_faults_come_in_pages_in_the_order_of_the_file(
    client: APIClient, campaign: Campaign
) -> None:
    shown = checked(client, campaign, "email\n" + "no\n" * 60)

    first = client.get(f"{IMPORTS}/{shown['id']}/faults").json()
    second = client.get(first["next"]).json()

    rows = [each["row"] for each in first["results"] + second["results"]]
    assert rows == list(range(1, 61))


def test_a_key_that_may_only_read_uploads_nothing(campaign: Campaign) -> None:
    reader = caller(make_key(scopes=["participants:read"]))

    assert upload(reader, campaign, PEOPLE).status_code == 403
    assert reader.get(IMPORTS).status_code == 200
