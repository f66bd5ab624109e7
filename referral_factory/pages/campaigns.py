"""Which campaign a page is of, and what it says where nobody can join."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from referral_factory import mail_server
from referral_factory.pages.visitors import notice
from referrals.join_page import page_of
from referrals.models import Campaign

Status = Campaign.Status


def find_campaign(slug: str) -> Campaign | None:
    """A campaign that people may know of: drafts are nobody's business yet."""
    return Campaign.objects.exclude(status=Status.DRAFT).filter(slug=slug).first()


def no_such_page(request: HttpRequest) -> HttpResponse:
    return notice(
        request,
        404,
        _("There is no such page"),
        _("Perhaps a letter is missing. Ask whoever sent you here for the link again."),
    )


def closed_page(request: HttpRequest, campaign: Campaign) -> HttpResponse | None:
    """Why nobody can join now; None where everybody can."""
    page = page_of(campaign)
    if campaign.status == Status.ENDED:
        return _closed(request, campaign, 410, _("This campaign is over."))
    if campaign.status == Status.PAUSED or not page.open:
        text = _("Nobody can join at the moment. Please come back later.")
        return _closed(request, campaign, 403, text)
    if page.confirm_email and not mail_server.is_set_up():
        text = _("We cannot send e-mails right now, so nobody could confirm theirs.")
        return _closed(request, campaign, 503, text)
    return None


def _closed(
    request: HttpRequest, campaign: Campaign, status: int, text: str
) -> HttpResponse:
    return notice(request, status, campaign.name, text, campaign=campaign)
