"""The link in the message: opening it shows a button, and only that confirms.

Programs that check mail open links, too; they do not press buttons.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from referral_factory.pages.campaigns import closed_page, find_campaign, no_such_page
from referral_factory.pages.visitors import for_visitors, limit_visits, notice, too_many
from referrals.joining import BadToken, portal_path, read_confirmation_token
from referrals.models import Campaign
from referrals.services.joining import RequestGone, confirm_request, open_request


@for_visitors
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Ask whether the mailbox is theirs; then enrol them and show their own page."""
    standing = limit_visits(request, "confirm")
    if not standing.allowed:
        return too_many(request, standing.resets_in)
    campaign = find_campaign(slug)
    if campaign is None:
        return no_such_page(request)
    try:
        return _answer(request, read_confirmation_token(token))
    except BadToken:
        return _gone(request, campaign, 404)
    except RequestGone:
        return _gone(request, campaign, 410)


def _answer(request: HttpRequest, pk: UUID) -> HttpResponse:
    waiting = open_request(pk, wall=timezone.now())
    if closed := closed_page(request, waiting.campaign):
        return closed
    if request.method == "POST":
        return redirect(portal_path(confirm_request(pk, wall=timezone.now())))
    shown = {"campaign": waiting.campaign, "waiting": waiting}
    return render(request, "join/confirm.html", shown)


def _gone(request: HttpRequest, campaign: Campaign, status: int) -> HttpResponse:
    return notice(
        request,
        status,
        _("This link does not work any more"),
        _(
            "It was used already, is older than two days, or is not all there. If you "
            "have not joined yet, fill in the form again: you get a new message."
        ),
        campaign=campaign,
        again=True,
    )
