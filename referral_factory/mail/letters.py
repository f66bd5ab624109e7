"""What each e-mail says and to whom, from what is true when it is sent."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import (
    CharField,
    Count,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    Value,
)
from django.utils.translation import get_language, override, to_locale

from referral_factory import money
from referral_factory.mail import texts
from referral_factory.mail.models import Audience, Email, EmailTemplate, Kind
from referral_factory.mail.outbox import is_wanted
from referral_factory.mail.rendering import Rendered, render
from referral_factory.mail.texts import Text
from referrals.joining import confirmation_url, portal_url
from referrals.models import Campaign, JoinRequest, Participant
from rewards.models import Reward

# A stranger may enter somebody's address on our page again and again.
MOST_CONFIRMATIONS = 5
WITHIN = timedelta(days=1)
UNTAGGED = Func(
    F("email_canonical"),
    Value(r"\+[^@]*@"),
    Value("@"),
    function="regexp_replace",
    output_field=CharField(),
)


@dataclass(frozen=True)
class Letter:
    to: str
    rendered: Rendered


@dataclass(frozen=True)
class Dropped:
    """There is nobody to send it to any more."""

    why: str


def compose(emails: Sequence[Email], *, wall: datetime) -> list[Letter | Dropped]:
    """For each, in order: what to send. A few queries for all of them."""
    templates = _templates(emails)
    writers: dict[Kind, _Confirmations | _Welcomes | _Notices] = {
        Kind.CONFIRMATION: _Confirmations(emails, wall),
        Kind.WELCOME: _Welcomes(emails),
        Kind.REWARD: _Notices(emails),
    }
    letters = []
    for each in emails:
        template = templates.get((each.campaign_id, each.kind))
        with override(each.language or settings.LANGUAGE_CODE):
            letters.append(writers[Kind(each.kind)].letter(each, template))
    return letters


def wording(kind: str, template: EmailTemplate | None) -> Text:
    """The campaign's own words, where it has some."""
    ours = texts.default(kind)
    if template is None:
        return ours
    return Text(template.subject or ours.subject, template.body or ours.body)


def write(
    kind: str, campaign: Campaign, text: Text, values: Mapping[str, str]
) -> Rendered:
    """As `render`; a message of a test campaign says that it is one."""
    if campaign.mode == Campaign.Mode.TEST:
        text = Text(texts.test_mode(text.subject), text.body)
    return render(kind, text, {**values, "campaign": campaign.name})


def _templates(emails: Iterable[Email]) -> dict[tuple[UUID, str], EmailTemplate]:
    campaigns = {each.campaign_id for each in emails}
    rows = EmailTemplate.objects.filter(campaign__in=campaigns)
    return {(row.campaign_id, row.kind): row for row in rows}


def _about(emails: Iterable[Email], kind: Kind) -> list[UUID]:
    return [each.about for each in emails if each.kind == kind]


class _Confirmations:
    def __init__(self, emails: Iterable[Email], wall: datetime) -> None:
        of_mailbox = Q(
            campaign=OuterRef("campaign"), email_canonical=OuterRef("email_canonical")
        )
        blocked = Participant.objects.filter(
            of_mailbox, status=Participant.Status.BLOCKED
        )
        # With any tag: where nobody knows whether a tag is an alias, it may well be.
        earlier = JoinRequest.objects.annotate(untagged=UNTAGGED).filter(
            campaign=OuterRef("campaign"),
            untagged=OuterRef("untagged"),
            pk__lt=OuterRef("pk"),
            created_at__gt=wall - WITHIN,
        )
        number = earlier.order_by().values("untagged").annotate(n=Count("pk"))
        rows = JoinRequest.objects.filter(
            pk__in=_about(emails, Kind.CONFIRMATION), expires_at__gt=wall
        ).annotate(untagged=UNTAGGED)
        rows = rows.annotate(is_blocked=Exists(blocked), asked=number.values("n"))
        self.requests = {row.pk: row for row in rows.select_related("campaign")}

    def letter(self, email: Email, template: EmailTemplate | None) -> Letter | Dropped:
        request = self.requests.get(email.about)
        if request is None:
            return Dropped("Confirmed, expired or erased by then.")
        if request.is_blocked:
            return Dropped("They are blocked.")
        if (request.asked or 0) >= MOST_CONFIRMATIONS:
            return Dropped("Their mailbox was asked often enough today.")
        values = {"name": request.name, "confirm": confirmation_url(request)}
        text = wording(email.kind, template)
        return Letter(request.email, write(email.kind, request.campaign, text, values))


class _Welcomes:
    kind = Kind.WELCOME

    def __init__(self, emails: Iterable[Email]) -> None:
        rows = Participant.objects.filter(pk__in=_about(emails, self.kind))
        self.people = {row.pk: row for row in rows.select_related("campaign")}

    def letter(self, email: Email, template: EmailTemplate | None) -> Letter | Dropped:
        return _to_participant(email, template, self.people.get(email.about), {})


class _Notices:
    def __init__(self, emails: Iterable[Email]) -> None:
        rows = Reward.objects.filter(pk__in=_about(emails, Kind.REWARD))
        self.rewards = {
            row.pk: row for row in rows.select_related("recipient__campaign")
        }

    def letter(self, email: Email, template: EmailTemplate | None) -> Letter | Dropped:
        reward = self.rewards.get(email.about)
        if reward is None or reward.status != Reward.Status.ISSUED:
            return Dropped("The reward was taken back by then.")
        locale = to_locale(get_language() or "en")
        amount = money.for_people(reward.amount, reward.currency, locale)
        return _to_participant(email, template, reward.recipient, {"amount": amount})


def _to_participant(
    email: Email,
    template: EmailTemplate | None,
    person: Participant | None,
    values: dict[str, str],
) -> Letter | Dropped:
    if person is None or person.status != Participant.Status.ACTIVE:
        return Dropped("They are blocked, merged or erased.")
    if not person.email:
        return Dropped("They have no address any more.")
    audience = template.audience if template else Audience.JOINED
    if not is_wanted(audience, person.source):
        return Dropped("The campaign does not want it sent any more.")
    links = {"link": person.link, "portal": portal_url(person)}
    text = wording(email.kind, template)
    values = {**values, **links, "name": person.name}
    return Letter(person.email, write(email.kind, person.campaign, text, values))
