"""The demo's receiver: verifies, counts once, and notices what is missing."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3
from standardwebhooks import Webhook

from demo.receiver import Receiver

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of the specification
FORGED = "whsec_plJ3nmyCDGBKInavdOK15jsl"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        receiver.expect("cmp_1", SECRET)
        yield receiver


def send(
    receiver: Receiver, webhook_id: str, secret: str = SECRET, **fields: Any
) -> int:
    message = {
        "type": "reward.issued",
        "campaign": "cmp_1",
        "sequence": 1,
        "data": {"id": "rwd_1"},
        **fields,
    }
    body, now = json.dumps(message), datetime.now(UTC)
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, now, body),
    }
    answer = urllib3.request("POST", receiver.url, body=body, headers=headers)
    return answer.status


def test_repeated_message_counts_once(receiver: Receiver) -> None:
    assert [send(receiver, "msg_1"), send(receiver, "msg_1")] == [204, 204]
    assert (receiver.count, receiver.repeated) == (1, 1)


def test_forged_message_is_refused_and_noted(receiver: Receiver) -> None:
    assert send(receiver, "msg_1", FORGED) == 401
    assert (receiver.count, receiver.invalid) == (0, 1)


def test_message_about_another_campaign_does_not_count(receiver: Receiver) -> None:
    assert send(receiver, "msg_1", campaign=None) == 204
    assert receiver.count == 0


def test_hole_in_a_sequence_is_noticed_in_whatever_order(receiver: Receiver) -> None:
    send(receiver, "msg_3", sequence=3)
    send(receiver, "msg_1", sequence=1)
    assert receiver.gaps() == 1
    send(receiver, "msg_2", sequence=2)
    assert receiver.gaps() == 0


def test_forgetting_one_loses_exactly_one() -> None:
    with Receiver(forget=2) as receiver:
        receiver.expect("cmp_1", SECRET)
        for number in (1, 2, 3):
            send(receiver, f"msg_{number}", sequence=number)
    assert (receiver.count, receiver.gaps()) == (2, 1)
