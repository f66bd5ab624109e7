"""What people are told of."""

from typing import Any

from referral_factory import mail_server
from referral_factory.mail import outbox
from referral_factory.mail.models import Email, Kind
from referral_factory.mail.outbox import Addressed
from referral_factory.mail.templates import copy_templates
from referrals.models import Campaign, JoinRequest, Participant
from rewards.models import Reward


def on_join_requested(instances: list[JoinRequest], **kwargs: Any) -> None:
    asked = [Addressed(each.campaign_id, each.pk, None, "") for each in instances]
    outbox.write(Kind.CONFIRMATION, asked)


def on_participant_created(instances: list[Participant], **kwargs: Any) -> None:
    newcomers = [
        Addressed(each.campaign_id, each.pk, each.pk, each.source)
        for each in instances
        if each.email
    ]
    outbox.write(Kind.WELCOME, newcomers)


def on_reward_issued(instances: list[Reward], **kwargs: Any) -> None:
    if not mail_server.is_set_up():
        return  # nobody's row is read for nothing
    recipients = [
        Addressed(each.campaign_id, each.pk, each.recipient_id, each.recipient.source)
        for each in instances
    ]
    outbox.write(Kind.REWARD, recipients)


def on_campaign_copied(
    instances: list[Campaign], copied_from: Campaign, **kwargs: Any
) -> None:
    for campaign in instances:
        copy_templates(copied_from, campaign)


def on_participant_erased(instances: list[Participant], **kwargs: Any) -> None:
    """Nothing more is sent to them. Also with e-mail off: there may be rows."""
    Email.objects.filter(participant__in=instances).delete()
