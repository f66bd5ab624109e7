"""An advocate's own page: their link, whom they brought, and what it earned them.

Whoever has the address sees it, as with a shared document; so it shows no mailbox, no
whole name, and why something does not count only in general words.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from referral_factory.pages.earnings import rewards_of, totals_of
from referral_factory.pages.friends import counts_of, friends_of
from referral_factory.pages.people import first_name
from referral_factory.pages.sharing import share_links
from referral_factory.pages.visitors import for_visitors, limit_visits, notice, too_many
from referrals.joining import BadToken, portal_path, read_portal_token
from referrals.models import FormerCode, Participant

Status = Participant.Status


@for_visitors
@require_safe
def portal(request: HttpRequest, token: str) -> HttpResponse:
    standing = limit_visits(request, "portal")
    if not standing.allowed:
        return too_many(request, standing.resets_in)
    try:
        pk, code = read_portal_token(token)
    except BadToken:
        return _unknown(request)
    response = _page(request, pk, code)
    # The address is the key: it must not travel on with whatever is followed here.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _page(request: HttpRequest, pk: UUID, code: str) -> HttpResponse:
    people = Participant.objects.select_related("campaign", "merged_into__campaign")
    participant = people.filter(pk=pk).first()
    if participant is None:
        return _unknown(request)
    owner = participant.merged_into or participant
    if not _still_opens(owner, code):
        return _replaced(request)
    if owner.pk != participant.pk:
        return redirect(portal_path(owner))
    if participant.status == Status.BLOCKED:
        return _blocked(request)
    return _own_page(request, participant)


def _still_opens(owner: Participant, code: str) -> bool:
    """With the code of today, or one of theirs whose links still lead to them."""
    if owner.status == Status.ERASED:
        return False
    former = FormerCode.objects.filter(participant=owner, code=code, works=True)
    return code == owner.code or former.exists()


def _own_page(request: HttpRequest, participant: Participant) -> HttpResponse:
    campaign = participant.campaign
    counts = counts_of(participant)
    shown = {
        "campaign": campaign,
        "participant": participant,
        "first_name": first_name(participant.name),
        "counts": counts,
        "friends": friends_of(participant),
        "rewards": rewards_of(participant),
        "totals": totals_of(participant),
        "is_over": campaign.status == campaign.Status.ENDED,
        "is_paused": campaign.status == campaign.Status.PAUSED,
        **share_links(campaign, participant.code),
    }
    return render(request, "portal/page.html", shown)


def _unknown(request: HttpRequest) -> HttpResponse:
    return notice(
        request,
        404,
        _("There is no such page"),
        _("Perhaps a part of the address is missing. Open the whole link again."),
    )


def _replaced(request: HttpRequest) -> HttpResponse:
    return notice(
        request,
        410,
        _("This page has moved"),
        _("Its address was replaced. Ask whoever sent it to you for the new one."),
    )


def _blocked(request: HttpRequest) -> HttpResponse:
    return notice(
        request,
        403,
        _("Your page is closed"),
        _("Taking part is not possible at the moment. Please ask whoever invited you."),
    )
