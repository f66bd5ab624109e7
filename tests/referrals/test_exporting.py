"""Everything that is kept about a person, in one document."""

import json
import tracemalloc
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from referral_factory.api.export import AT_ONCE, document
from referral_factory.ids import new_id
from referrals.models import Consent, ConsentText, Event, Participant
from referrals.serializers import ParticipantSerializer
from tests.api.callers import caller
from tests.factories import make_event, make_key, make_participant, make_referral
from tests.referrals.marked import ADDRESSES, MARK, make_marked
from tests.steps import NOON


def export(api: APIClient, public_id: str) -> Any:
    answer = api.get(f"/api/v1/participants/{public_id}/export")
    assert answer.status_code == 200
    return json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]


def test_everything_keyed_to_the_person_is_in_it(api: APIClient) -> None:
    history = make_marked(api)

    found = export(api, history.person)

    person = found["participant"]
    assert person["name"] == "Quux Renamed"
    assert (person["address"], person["user_agent"]) == (
        ADDRESSES[0],
        "QuuxBrowser/1.0",
    )
    sizes = {name: len(part) for name, part in found.items() if isinstance(part, list)}
    assert sizes == {
        "former_codes": 3,
        "consents": 1,
        "referred_by": 1,
        "clicks": 1,
        "refused_claims": 1,
        "invitations": 1,
        "referrals": 2,
        "events": 2,
        "rewards": 2,
        "emails": 0,
    }
    assert found["clicks"][0]["address"] == ADDRESSES[1]
    assert found["clicks"][0]["parameters"] == {"utm_source": MARK}
    assert found["referred_by"][0]["click_user_agent"] == "Mozilla/5.0 Quux"


def test_nothing_of_others_is_in_it_but_their_ids(api: APIClient) -> None:
    history = make_marked(api)

    text = json.dumps(export(api, history.person))

    for other in ("ann@shop.example", '"fred"', '"gina"', "hank"):
        assert other not in text


def test_it_is_a_file(api: APIClient) -> None:
    ann = make_participant()

    answer = api.get(f"/api/v1/participants/{ann.public_id}/export")

    assert answer["Content-Type"] == "application/json"
    assert answer["Content-Disposition"] == (
        f'attachment; filename="{ann.public_id}.json"'
    )
    assert answer["Cache-Control"] == "no-store"


def test_what_is_left_of_the_erased_can_be_exported(api: APIClient) -> None:
    history = make_marked(api)
    api.delete(f"/api/v1/participants/{history.person}")

    found = export(api, history.person)

    assert found["participant"]["status"] == "erased"
    assert len(found["rewards"]) == 2
    assert MARK not in json.dumps(found).lower()


def test_key_that_may_only_write_does_not_export() -> None:
    ann = make_participant()
    api = caller(make_key(scopes=["participants:write"]))

    answer = api.get(f"/api/v1/participants/{ann.public_id}/export")

    assert answer.status_code == 403


def test_more_to_say_takes_no_more_queries() -> None:
    ann = make_participant()

    def queries() -> int:
        row = ParticipantSerializer.prepare(Participant.objects.all()).get(pk=ann.pk)
        with CaptureQueriesContext(connection) as captured:
            json.loads(b"".join(document(row)))
        return len(captured)

    few = queries()
    text = ConsentText.objects.create(campaign=ann.campaign, version=1, text="Yes?")
    Consent.objects.create(participant=ann, text=text)
    for _ in range(3):
        make_referral(advocate=ann)
        make_event(participant=ann)

    assert queries() == few


def test_memory_does_not_grow_with_what_there_is_to_say() -> None:
    ann = make_participant()
    row = ParticipantSerializer.prepare(Participant.objects.all()).get(pk=ann.pk)

    def peak(events: int) -> int:
        Event.objects.bulk_create(
            Event(
                campaign=ann.campaign,
                participant=ann,
                event_id=f"visit-{new_id()}-{n}",
                name="visit",
                properties={"page": "x" * 200},
                occurred_at=NOON,
                outcome="recorded",
                decision={"checks": []},
            )
            for n in range(events)
        )
        tracemalloc.start()
        for _piece in document(row):
            pass
        _now, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    peak(AT_ONCE)  # what is imported and cached on the way
    some, many = peak(AT_ONCE), peak(6 * AT_ONCE)

    assert many < 1.5 * some  # of four times as many rows
