"""Erasing a person: nothing of theirs is left anywhere, and no number moves."""

import json
import logging
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from referral_factory.access.models import IdempotencyKey
from referrals.models import Event, FormerCode, Participant, Tombstone
from referrals.services.codes import CodeTaken, find_by_codes, rotate_code
from referrals.services.erasing import erase_participant
from referrals.services.locks import names_of
from referrals.services.tombstones import erased_names
from tests.factories import make_campaign, make_participant, make_reward
from tests.referrals.marked import ADDRESSES, MARK, History, make_marked
from tests.steps import NOON, enrol, report
from webhooks.models import Attempt, Delivery, Message


def tables() -> list[str]:
    return connection.introspection.table_names()


def dump() -> dict[str, list[str]]:
    """Every row of every table as text, as a search of a dump would see it."""
    found = {}
    with connection.cursor() as cursor:
        for table in tables():
            name = connection.ops.quote_name(table)
            cursor.execute(f"SELECT row_to_json(each)::text FROM {name} AS each")  # noqa: S608
            found[table] = [text for (text,) in cursor.fetchall()]
    return found


def marks(dumped: dict[str, list[str]]) -> dict[str, list[str]]:
    """The rows that have a mark of the person in them, by table."""
    words = (MARK, *ADDRESSES)
    found = {
        table: [row for row in rows if any(word in row.lower() for word in words)]
        for table, rows in dumped.items()
    }
    return {table: rows for table, rows in found.items() if rows}


@pytest.fixture
def history(api: APIClient) -> History:
    return make_marked(api)


def erase(history: History) -> Any:
    return history.api.delete(f"/api/v1/participants/{history.person}")


def test_no_mark_is_left_in_any_table_or_log(
    history: History, caplog: pytest.LogCaptureFixture
) -> None:
    before = marks(dump())
    with caplog.at_level(logging.INFO):
        answer = erase(history)

    assert answer.status_code == 200
    assert set(before) >= {
        "access_callcount",
        "access_idempotencykey",
        "django_admin_log",
        "referrals_click",
        "referrals_consent",
        "referrals_event",
        "referrals_formercode",
        "referrals_importfault",
        "referrals_invitation",
        "referrals_joinrequest",
        "referrals_participant",
        "referrals_referral",
        "referrals_refusedclaim",
        "rewards_reward",
        "webhooks_attempt",
        "webhooks_message",
    }
    assert marks(dump()) == {}
    assert marks({"log": [caplog.text, answer.content.decode()]}) == {}


def test_no_number_moves(history: History) -> None:
    def numbers() -> Any:
        shown = history.api.get("/api/v1/reports/summary").json()["numbers"]
        counted = history.api.get(f"/api/v1/participants/{history.person}").json()
        return shown, counted["counts"]

    rows = {table: len(each) for table, each in dump().items()}
    before = numbers()
    assert before[0]["referred"]["count"] == 3

    erase(history)

    assert numbers() == before
    after = {table: len(each) for table, each in dump().items()}
    moved = {table for table in rows if rows[table] != after[table]}
    assert {table for table in moved if not table.startswith("webhooks_")} == {
        "access_callcount",
        "access_idempotencykey",
        "referrals_formercode",
        "referrals_invitation",
        "referrals_joinrequest",
        "referrals_tombstone",
    }


def test_messages_keep_their_place_and_say_what_is_left(history: History) -> None:
    def order() -> list[Any]:
        rows = Message.objects.exclude(type="participant.erased").order_by("id")
        return list(rows.values_list("id", "type", "sequence", "position"))

    before = order()
    erase(history)

    assert order() == before
    row = history.row
    for body in Message.objects.filter(object_id=row.pk).values_list("body", flat=True):
        data = json.loads(body)["data"]
        assert (data["id"], data["status"]) == (history.person, "erased")
        assert (data["email"], data["name"], data["attributes"]) == (None, "", {})
    assert Delivery.objects.filter(status="pending").exists()


def test_answers_about_others_are_kept(history: History) -> None:
    ann = Participant.objects.get(external_id="ann")
    history.enrol(external_id="zoe", key="zoe")
    message = Message.objects.filter(object_id=ann.pk).first()
    assert message
    delivery = Delivery.objects.get(message_id=message.pk)

    erase(history)

    assert IdempotencyKey.objects.filter(key="zoe").exists()
    assert Attempt.objects.get(delivery_id=delivery.pk).response_body
    message.refresh_from_db()
    assert json.loads(message.body)["data"]["email"] == "ann@shop.example"


def test_erasing_again_changes_nothing(history: History) -> None:
    first = erase(history)
    told = Message.objects.count()

    second = erase(history)

    assert (second.status_code, second.json()) == (200, first.json())
    assert Message.objects.count() == told


def test_erased_person_is_announced_once() -> None:
    ann = make_participant()

    for _ in range(2):
        erase_participant(ann, wall=NOON)

    message = Message.objects.get(object_id=ann.pk)
    assert message.type == "participant.erased"
    assert json.loads(message.body)["data"]["merged_into"] is None


def test_codes_of_the_erased_lead_nowhere_and_are_nobody_elses() -> None:
    ann = make_participant(code="ANN-OLD")
    rotate_code(ann, wall=NOON, code="ANN-NEW")
    bob = make_participant(campaign=ann.campaign)

    erase_participant(ann, wall=NOON)

    assert find_by_codes(ann.campaign, ["ANN-OLD", "ANN-NEW"]) == {}
    for code in ("ANN-OLD", "ann-new"):
        with pytest.raises(CodeTaken):
            rotate_code(bob, wall=NOON, code=code)
    assert not FormerCode.objects.filter(code__startswith="ANN").exists()


def test_names_of_the_erased_are_known_by_their_tombstones_only() -> None:
    ann = make_participant(email="a.nn@gmail.com", external_id="c-1")
    names = names_of(ann)

    erase_participant(ann, wall=NOON)

    assert erased_names(ann.campaign, names) == set(names)
    assert erased_names(make_campaign(), names) == set()
    assert "gmail" not in " ".join(Tombstone.objects.values_list("digest", flat=True))


def test_erasing_the_same_name_again_moves_its_tombstone() -> None:
    campaign = make_campaign()
    for day in (1, 2):
        enrolled = enrol(campaign, external_id="c-1").participant
        erase_participant(enrolled, wall=NOON.replace(day=day))

    assert Tombstone.objects.get().erased_at == NOON.replace(day=2)


def test_event_under_an_erased_name_is_a_strangers() -> None:
    ann = make_participant(email="ann@shop.example")
    erase_participant(ann, wall=NOON)

    recorded = report({"email": "ann@shop.example"}, campaign=ann.campaign)

    assert recorded.outcome == "unmatched"
    assert recorded.event.participant is None


def test_event_of_the_erased_keeps_no_properties() -> None:
    ann = make_participant()
    erase_participant(ann, wall=NOON)

    recorded = report(ann, properties={"colour": "red"})

    recorded.event.refresh_from_db()
    assert (recorded.event.participant, recorded.event.properties) == (ann, {})


def test_erasing_the_row_that_was_left_behind_changes_nothing(
    history: History,
) -> None:
    left = Participant.objects.get(merged_into=history.row)

    answer = history.api.delete(f"/api/v1/participants/{left.public_id}")

    assert answer.json()["merged_into"] == history.person
    assert history.row.status == "active"


def test_evidence_about_money_is_kept() -> None:
    reward = make_reward(
        status="flagged",
        reasons=[{"code": "amount_over_limit", "detail": "Big.", "evidence": {"a": 1}}],
    )

    erase_participant(reward.recipient, wall=NOON)

    reward.refresh_from_db()
    assert reward.reasons[0]["evidence"] == {"a": 1}
    assert reward.status == "flagged"


def test_what_a_condition_saw_of_the_erased_is_gone_and_its_answer_stays() -> None:
    asked = "friend.email != advocate.email && event.properties.note != ''"
    campaign = make_campaign(milestone_condition=asked, milestone_minimum=None)
    ada = enrol(campaign, email="ada@quux.example").participant
    bob = enrol(campaign, email="bob@quux.example", by_code=ada.code).participant
    event = report(bob, properties={"note": "hi"}).event
    told = condition_of(event)
    assert told["saw"]["advocate.email"] == "ada@quux.example"

    erase_participant(ada, wall=NOON)
    assert set(condition_of(event)["saw"]) == {"friend.email", "event.properties.note"}

    erase_participant(bob, wall=NOON)
    assert condition_of(event) == {k: told[k] for k in ("check", "passed", "detail")}


def test_conditions_see_nothing_of_the_erased() -> None:
    asked = "event.properties.note == 'hi' && friend.attributes.city == 'X'"
    campaign = make_campaign(milestone_condition=asked)
    ada = enrol(campaign, email="ada@quux.example").participant
    bob = enrol(campaign, email="bob@quux.example", by_code=ada.code).participant
    erase_participant(bob, wall=NOON)

    told = condition_of(report(bob, properties={"note": "hi"}).event)

    assert (told["passed"], told["saw"]) == (False, {})


def condition_of(event: Event) -> dict[str, Any]:
    event.refresh_from_db()
    checks: list[dict[str, Any]] = event.decision["checks"]
    return next(check for check in checks if check["check"] == "condition")
