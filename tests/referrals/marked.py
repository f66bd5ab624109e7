"""Somebody who leaves a mark in everything that anybody can say about them.

`quux` is in no code and no id that we make: their alphabets have no U.
"""

import json
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q
from django.utils import timezone
from rest_framework.test import APIClient

from referral_factory.access.limits import count_call
from referral_factory.ids import from_public
from referrals.models import (
    Campaign,
    Consent,
    ConsentText,
    Import,
    ImportFault,
    JoinRequest,
    Participant,
    Referral,
)
from rewards.models import Reward
from rewards.services.reviewing import review_rewards
from rewards.signals import reward_flagged
from tests.factories import make_campaign, make_endpoint, make_rule
from webhooks.models import Attempt, Delivery, Message

MARK = "quux"
ADDRESSES = ("203.0.113.77", "198.51.100.77")  # enrolled from, clicked from
MAILBOX = "Quux.Person@quux.example"
PERSON = {
    "external_id": "quux-17",
    "email": MAILBOX,
    "name": "Quux Person",
    "attributes": {"quux": {"deep": ["quux"]}},
    "address": ADDRESSES[0],
    "user_agent": "QuuxBrowser/1.0",
    "customer_since": "2031-01-31T12:00:00Z",
}


@dataclass
class History:
    """What happened in a campaign of which they are the heart."""

    api: APIClient
    campaign: Campaign
    person: str = ""  # their public id

    def post(self, path: str, body: Any = None, *, key: str = "", code: int = 0) -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.api.post(f"/api/v1/{path}", body, headers=headers)
        expected = {code} if code else {200, 201}
        assert answer.status_code in expected, answer.content
        return answer.json()

    def enrol(self, key: str = "", **person: Any) -> Any:
        body = {"campaign": self.campaign.public_id, **person}
        return self.post("participants", body, key=key)

    def buy(
        self, order: str, who: dict[str, str], *, key: str = "", mark: str = MARK
    ) -> Any:
        return self.post(
            "events",
            {
                "campaign": self.campaign.public_id,
                "event_id": order,
                "name": "purchase",
                "participant": who,
                "amount": "30.00",
                "currency": "USD",
                "properties": {"mark": mark},
            },
            key=key,
        )

    @property
    def row(self) -> Participant:
        return Participant.objects.get(pk=from_public("ptc", self.person))


def make_marked(api: APIClient) -> History:
    """Everything that leaves a trace, through the door that it comes in by."""
    campaign = make_campaign(review={})
    for side in ("advocate", "friend"):
        make_rule(campaign=campaign, side=side)
    make_endpoint()
    history = History(api, campaign)
    _join(history)
    _share(history)
    _wait(history)
    _be_looked_at(history)
    _be_told(history)
    return history


def _join(history: History) -> None:
    """They click, do something before we know them, and are enrolled."""
    ann = history.enrol(external_id="ann", email="ann@shop.example")
    history.post(f"participants/{ann['id']}/invitations", {"emails": [MAILBOX]})
    landing = APIClient().get(
        f"/r/{ann['code']}?utm_source=quux",
        HTTP_USER_AGENT="Mozilla/5.0 Quux",
        REMOTE_ADDR=ADDRESSES[1],
    )
    click = landing["Location"].rpartition("rf_click=")[2]
    history.buy("order-1", {"email": MAILBOX}, key="quux-order-1")
    referred_by = {"click": click}
    enrolled = history.enrol(key="quux-enrol", referred_by=referred_by, **PERSON)
    history.person = enrolled["id"]
    assert enrolled["referred_by"]["advocate"] == ann["id"]
    history.api.patch(
        f"/api/v1/participants/{history.person}",
        {"name": "Quux Renamed", "attributes": {"more": "quux"}},
        headers={"Idempotency-Key": "rename-1"},
    )
    history.buy("order-2", {"id": history.person}, key="order-2")


def _share(history: History) -> None:
    """They choose a code, bring friends, and are claimed by all sorts of people."""
    path = f"participants/{history.person}"
    history.post(f"{path}/rotate-code", {"code": "QUUX-FIRST"})
    history.post(f"{path}/rotate-code", {"code": "QUUX-CODE"}, key="code")
    history.post(f"{path}/invitations", {"emails": ["dora@shop.example"]})
    for name in ("fred", "gina"):
        history.enrol(external_id=name, key=name, referred_by={"code": "quux-code"})
    history.enrol(
        external_id="gina", name="Gina"
    )  # a message about a friend that tells the code
    history.buy("order-3", {"external_id": "fred"}, mark="none")
    history.enrol(
        external_id="quux-17", referred_by={"code": "QUUX-CODE"}
    )  # themselves
    history.enrol(
        external_id="ann", referred_by={"email": MAILBOX}
    )  # who is above them
    other = history.enrol(email="other@quux.example", name="Quux Other")
    history.post(f"{path}/merge", {"participant": other["id"]})


def _wait(history: History) -> None:
    """What waits for them, or remembers what could not be read."""
    campaign = history.campaign
    text = ConsentText.objects.create(campaign=campaign, version=1, text="Yes?")
    Consent.objects.create(participant=history.row, text=text, address=ADDRESSES[0])
    claim = {"way": "code", "value": "QUUX-CODE"}
    for email in (MAILBOX.lower(), "hank@shop.example"):
        JoinRequest.objects.create(
            campaign=campaign,
            email=email,
            email_canonical=email,
            claims=[claim],
            expires_at=timezone.now(),
        )
    count_call(f"join:{ADDRESSES[1]}", limit=10)
    file = Import.objects.create(campaign=campaign, made_by="user:ops")
    ImportFault.objects.create(
        owner=file,
        row=1,
        code="invalid",
        detail="Quux is no date.",
        values=[" QUUX.person@quux.example", "Quux", ""],
    )


def _be_looked_at(history: History) -> None:
    """Their rewards are flagged and decided, and staff write about them."""
    review_rewards(wall=timezone.now())
    evidence = {"advocate": "ann@shop.example", "friend": MAILBOX}
    reasons = [{"code": "similar_mailbox", "detail": "Alike.", "evidence": evidence}]
    rewards = list(Reward.objects.order_by("id"))
    for reward in rewards[:2]:
        Reward.objects.filter(pk=reward.pk).update(status="flagged", reasons=reasons)
    reward_flagged.send(sender=Reward, instances=rewards[:2])
    history.post(
        f"rewards/{rewards[0].public_id}/reject", {"note": "Quux Renamed is Ann."}
    )
    for reward in rewards[2:]:
        reference = {"reference": f"to {MAILBOX}"}
        path = f"rewards/{reward.public_id}/issue"
        history.post(path, reference, key=reward.public_id)
    gina = Referral.objects.get(friend__external_id="gina")
    reason = {"reason": "quux-17 and Gina are one household."}
    history.post(f"referrals/{gina.public_id}/disqualify", reason)
    staff = User.objects.create(username="ops")
    for row in (history.row, gina, rewards[0]):
        LogEntry.objects.create(
            user=staff,
            content_type=ContentType.objects.get_for_model(row),
            object_id=str(row.pk),
            object_repr=str(row),
            action_flag=CHANGE,
            change_message=json.dumps("Quux Renamed was looked at."),
        )


def _be_told(history: History) -> None:
    """Subscribers answer what is about them with what they were sent."""
    about_them = Message.objects.filter(
        Q(body__icontains=MARK) | Q(body__contains=history.person)
    )
    told = Delivery.objects.filter(message_id__in=about_them.values("pk"))
    for deliveries, answer in (
        (told, "Cannot find Quux Person"),
        (Delivery.objects.exclude(pk__in=told), "Thanks"),
    ):
        Attempt.objects.bulk_create(
            Attempt(
                delivery_id=delivery.pk,
                number=1,
                status_code=500,
                latency_ms=5,
                response_body=answer,
            )
            for delivery in deliveries
        )
