"""What the tests of e-mail need, one line each."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from referral_factory.mail.models import EmailTemplate
from referral_factory.mail.sending import send_emails
from referrals.mailboxes import canonical
from referrals.models import Campaign, JoinRequest
from referrals.services.participants import enrol_participant, person
from referrals.signals import join_requested
from tests.factories import make_campaign

NOW = timezone.now() + timedelta(hours=1)  # later than any row
LATER = timedelta(days=1)


def enrol(campaign: Campaign, email: str = "ada@example.com", **details: Any) -> Any:
    """Enrol somebody as our page does, through the service."""
    who = person(email=email, **details)
    wall = timezone.now()
    return enrol_participant(campaign, who, wall=wall, source="join").participant


def ask(campaign: Campaign, email: str = "ada@example.com", **fields: Any) -> Any:
    """Have a mailbox asked whether it is theirs, as our page does."""
    request = JoinRequest.objects.create(
        campaign=campaign,
        email=email,
        email_canonical=canonical(email),
        expires_at=fields.pop("expires_at", timezone.now() + LATER),
        **fields,
    )
    join_requested.send(sender=JoinRequest, instances=[request])
    return request


def template(
    kind: str = "welcome", campaign: Campaign | None = None, **fields: Any
) -> Any:
    return EmailTemplate.objects.create(
        campaign=campaign or make_campaign(), kind=kind, **fields
    )


def send_all(**kwargs: Any) -> int:
    return send_emails(wall=kwargs.pop("wall", timezone.now()), limit=100, **kwargs)


def live() -> Campaign:
    """A campaign whose messages do not say that they are tests."""
    return make_campaign(mode="live", name="Give 5, get 10")
