"""Setting up a campaign's enrolment page; each consent text is kept for ever."""

from typing import Any

from referral_factory import mail_server
from referral_factory.errors import InvalidInput
from referrals.models import Campaign, ConsentText


def with_join_settings(campaign: Campaign, changes: dict[str, Any]) -> dict[str, Any]:
    """Lay changes of the page over what is set: what is left out stays as it is."""
    if "join" not in changes:
        return changes
    join = {**campaign.join, **changes["join"]}
    refuse_unconfirmable(join)
    return {**changes, "join": join}


def refuse_unconfirmable(join: dict[str, Any]) -> None:
    """A page that waits for mailboxes to answer must be able to write to them."""
    if join.get("open") and join.get("confirm_email") and not mail_server.is_set_up():
        raise InvalidInput(
            "/join/confirm_email",
            "E-mail is not set up here, so nobody could confirm: set EMAIL_URL first.",
            "email_is_off",
        )


def keep_consent_text(campaign: Campaign) -> None:
    """Keep what the page asks people to agree to, where it is not the last version.

    The caller holds the campaign's row, or has just made it.
    """
    text = campaign.join.get("consent", "")
    last = last_consent_text(campaign)
    if text and (last is None or last.text != text):
        version = last.version + 1 if last else 1
        ConsentText.objects.create(campaign=campaign, version=version, text=text)


def consent_text(campaign: Campaign) -> ConsentText | None:
    """What the page asks people to agree to now."""
    return last_consent_text(campaign) if campaign.join.get("consent") else None


def last_consent_text(campaign: Campaign) -> ConsentText | None:
    return campaign.consent_texts.order_by("-version").first()
