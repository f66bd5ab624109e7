"""A campaign with one of everything in it, and a key that knows only this campaign."""

from dataclasses import dataclass
from itertools import count
from typing import Any

from django.utils import timezone
from rest_framework.test import APIClient

from referral_factory.access.models import ApiKey
from referral_factory.ids import new_id, to_public
from referrals.models import Click
from tests.api.callers import caller, make_key
from tests.factories import (
    make_arrival,
    make_backtest,
    make_campaign,
    make_delivery,
    make_endpoint,
    make_event,
    make_import,
    make_invitation,
    make_participant,
    make_referral,
    make_refused_claim,
    make_reward,
    make_rule,
    make_source,
)
from webhooks.models import Message

_numbers = count(1)


@dataclass(frozen=True)
class World:
    mark: str  # stands in every text that somebody gave
    key: ApiKey
    key_text: str
    ids: dict[str, str]  # by kind
    advocate_code: str

    @property
    def client(self) -> APIClient:
        return caller(self.key_text)

    def id_of(self, prefix: str) -> str:
        """The id of this kind in this world; an unknown one where there is none."""
        return self.ids.get(prefix) or to_public(prefix, new_id())

    @property
    def secrets(self) -> list[str]:
        """What nobody outside of this world may see."""
        return [self.mark, self.advocate_code, *self.ids.values()]


def make_world(mode: str = "test", mark: str = "ours") -> World:
    mark = f"{mark}{next(_numbers)}"
    campaign = make_campaign(mode=mode, name=f"{mark} campaign", slug=mark)
    advocate = make_participant(campaign=campaign, **_person(mark, "advocate"))
    friend = make_participant(campaign=campaign, **_person(mark, "friend"))
    referral = make_referral(advocate=advocate, friend=friend, status="qualified")
    event = make_event(participant=friend, event_id=f"{mark}-order", referral=referral)
    rule = make_rule(campaign=campaign)
    reward = make_reward(referral=referral, rule=rule, status="flagged", **UNDECIDED)
    endpoint = make_endpoint(
        mode=mode,
        campaign_ids=[campaign.pk],
        url=f"https://{mark}.example/hooks",
        description=mark,
    )
    message = _message(mode, campaign, mark)
    delivery = make_delivery(endpoint=endpoint, message_id=message.pk, status="failed")
    click = Click.objects.create(
        campaign_id=campaign.pk, participant_id=advocate.pk, created_at=campaign.now()
    )
    claim = make_refused_claim(friend=friend, value=f"{mark}-code")
    invitation = make_invitation(advocate=advocate, email=f"{mark}-new@example.com")
    received = make_import(
        campaign=campaign, filename=mark, status="checked", finished_at=None
    )
    source = make_source(
        campaign=campaign, name=mark, **({} if mode == "test" else PROVEN)
    )
    arrival = make_arrival(source=source, body=mark.encode(), headers={"x-shop": mark})
    key, text = make_key(mode=mode, name=mark, campaign_ids=[campaign.pk])
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=timezone.now())
    backtest = make_backtest(campaign=campaign, made_by=f"user:{mark}")
    rows = [
        *(campaign, advocate, referral, event, rule, reward),
        *(endpoint, message, delivery, click, key),
        *(claim, invitation, received, source, arrival, backtest),
    ]
    ids = {row.PREFIX: row.public_id for row in rows}
    return World(mark, key, text, ids, advocate.code)


UNDECIDED: dict[str, Any] = {
    "decided_by": "",
    "decided_at": None,
    "issued_by": "",
    "issued_at": None,
}


PROVEN: dict[str, Any] = {
    "verification": "bearer",
    "secrets": [{"secret": "-", "until": None}],
}


def _person(mark: str, role: str) -> dict[str, str]:
    name = f"{mark}-{role}"
    return {"external_id": name, "email": f"{name}@example.com", "name": name}


def _message(mode: str, campaign: Any, mark: str) -> Message:
    message_id = new_id()
    public_id = to_public(Message.PREFIX, message_id)
    return Message.objects.create(
        id=message_id,
        mode=mode,
        campaign_id=campaign.pk,
        type="campaign.launched",
        object_id=campaign.pk,
        sequence=1,
        body=f'{{"id": "{public_id}", "data": {{"name": "{mark}"}}}}',
        position=next(_numbers),
    )
