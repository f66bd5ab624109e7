"""A campaign's own wording of a kind: written down, and tried out."""

from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings
from django.utils import timezone

from referral_factory import money
from referral_factory.mail import texts
from referral_factory.mail.letters import wording, write
from referral_factory.mail.models import EmailTemplate, Kind
from referral_factory.mail.rendering import Rendered, check_text
from referrals.models import Campaign


@dataclass(frozen=True)
class Wording:
    """What a campaign sends for a kind; empty texts are ours."""

    audience: str
    subject: str = ""
    body: str = ""


def write_template(
    campaign: Campaign, kind: Kind, given: Wording
) -> tuple[EmailTemplate, bool]:
    """Keep it, in place of the one before; whether it is the first. InvalidInput
    where a placeholder is not known."""
    check_text(kind, given.subject, given.body)
    return EmailTemplate.objects.update_or_create(
        campaign=campaign,
        kind=kind,
        defaults={
            "audience": given.audience,
            "subject": given.subject,
            "body": given.body,
            "changed_at": timezone.now(),
        },
    )


def copy_templates(copied_from: Campaign, campaign: Campaign) -> None:
    """Give a campaign the wording of another, as it is now."""
    EmailTemplate.objects.bulk_create(
        EmailTemplate(
            campaign=campaign,
            kind=template.kind,
            audience=template.audience,
            subject=template.subject,
            body=template.body,
        )
        for template in copied_from.email_templates.order_by("id")
    )


def preview(campaign: Campaign, kind: Kind, subject: str, body: str) -> Rendered:
    """As somebody called Ada would get it. InvalidInput as `write_template`."""
    check_text(kind, subject, body)
    draft = EmailTemplate(campaign=campaign, kind=kind, subject=subject, body=body)
    return write(kind, campaign, wording(kind, draft), sample(campaign, kind))


def sample(campaign: Campaign, kind: Kind) -> dict[str, str]:
    """A value for every placeholder; its links look right, and lead nowhere."""
    home = settings.PUBLIC_URL
    values = {
        "name": "Ada Lovelace",
        "link": f"{home}/r/ADA4EXAMP7",
        "portal": f"{home}/portal/only-an-example",
        "confirm": f"{home}/join/{campaign.slug}/only-an-example",
        "amount": money.for_people(Decimal(10), campaign.currency),
    }
    return {k: v for k, v in values.items() if k in texts.PLACEHOLDERS[kind]}
