"""The enrolment page: anybody may enter any mailbox, and learns nothing about it.

Whoever is known already, blocked or new gets the same answer after the same time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from referral_factory.access.addresses import client_address
from referral_factory.access.limits import count_visit
from referral_factory.pages.campaigns import closed_page, find_campaign, no_such_page
from referral_factory.pages.forms import JoinForm
from referral_factory.pages.people import first_name
from referral_factory.pages.robots import Stamp, read_stamp, refusal, unhurried
from referral_factory.pages.sharing import share_links, shown_code
from referral_factory.pages.visitors import for_visitors, limit_visits
from referrals.attribution import Claim
from referrals.cookies import COOKIE
from referrals.join_page import JoinPage, Side, page_of
from referrals.models import Campaign, ConsentText, Participant, Referral
from referrals.services.join_pages import consent_text
from referrals.services.joining import Answers, join_at_once, request_to_join

WELCOME = "join-welcome"
WELCOME_LASTS = 24 * 3600
Way = Referral.Way
# What a browser may bring to say who sent it: (way, name, longest value), strongest
# first. What is longer is nothing of ours.
BROUGHT = ((Way.CLICK, 200), (Way.CODE, 40), (Way.COOKIE, 500))
NAMES = {Way.CLICK: "rf_click", Way.CODE: "ref"}  # in the address, and in the form


@for_visitors
@csrf_protect
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the form, or take what was filled in."""
    campaign = find_campaign(slug)
    if campaign is None:
        return no_such_page(request)
    if closed := closed_page(request, campaign):
        return closed
    visit = Visit.of(request, campaign)
    return _take(visit) if request.method == "POST" else _show(visit, visit.form())


@dataclass(frozen=True)
class Visit:
    """Somebody at a campaign's page, and who sent them there."""

    request: HttpRequest
    campaign: Campaign
    page: JoinPage
    claims: tuple[Claim, ...]

    @classmethod
    def of(cls, request: HttpRequest, campaign: Campaign) -> "Visit":
        sent = request.POST if request.method == "POST" else request.GET
        return cls(request, campaign, page_of(campaign), _claims(request, sent))

    @property
    def side(self) -> Side:
        return Side.FRIEND if self.claims else Side.ADVOCATE

    @property
    def code(self) -> str:
        return next((c.value for c in self.claims if c.way == Way.CODE), "")

    def must_read_again(self, stamp: Stamp) -> bool:
        """Whether there is something to agree to that did not stand in the form."""
        return bool(self.page.consent) and stamp.consent is None

    def form(self) -> JoinForm:
        sent = self.request.POST if self.request.method == "POST" else None
        return JoinForm(sent, campaign=self.campaign, page=self.page, side=self.side)


def _claims(request: HttpRequest, sent: Mapping[str, str]) -> tuple[Claim, ...]:
    found = []
    for way, longest in BROUGHT:
        name = NAMES.get(way)
        value = sent.get(name, "") if name else request.COOKIES.get(COOKIE, "")
        value = value.strip()
        if 0 < len(value) <= longest and value.isprintable():
            found.append(Claim(way, value))
    return tuple(found)


def _take(visit: Visit) -> HttpResponse:
    request, campaign = visit.request, visit.campaign
    limit = settings.JOIN_LIMIT_PER_MINUTE
    standing = count_visit(request, f"join:{campaign.pk}", limit=limit)
    form = visit.form()
    stamp = read_stamp(campaign, request.POST.get("stamp", ""))
    if not standing.allowed:
        said = _("Your network has sent this form too often. Try again in a minute.")
        response = _show(visit, form, stamp, problem=said, status=429)
        response.headers["Retry-After"] = str(standing.resets_in)
        return response
    if said := refusal(stamp, request.POST.get("website", "")):
        return _show(visit, form, stamp, problem=said, status=422)
    if stamp is None or not form.is_valid() or visit.must_read_again(stamp):
        return _show(visit, form, stamp, status=422)
    with unhurried():
        return _let_in(visit, form, stamp)


def _let_in(visit: Visit, form: JoinForm, stamp: Stamp) -> HttpResponse:
    campaign, wall = visit.campaign, timezone.now()
    answers = _answers(visit, form, stamp)
    if visit.page.confirm_email:
        request_to_join(campaign, answers, wall=wall)
        return redirect("join-sent", campaign.slug)
    participant = join_at_once(campaign, answers, wall=wall)
    token = signing.dumps(shown_code(participant), salt=WELCOME)
    return redirect("join-welcome", campaign.slug, token)


def _answers(visit: Visit, form: JoinForm, stamp: Stamp) -> Answers:
    agent = visit.request.headers.get("User-Agent", "")[:500]
    return Answers(
        email=form.cleaned_data["email"],
        name=form.cleaned_data["name"],
        attributes=form.cleaned_data["attributes"],
        claims=visit.claims,
        consent_text=_as_shown(visit.campaign, stamp) if visit.page.consent else None,
        address=client_address(visit.request),
        user_agent=agent if agent.isprintable() else "",
    )


def _as_shown(campaign: Campaign, stamp: Stamp) -> ConsentText | None:
    """The version that stood in the form, even if it was changed in the meantime."""
    if stamp.consent is None:
        return None
    return campaign.consent_texts.filter(version=stamp.consent).first()


def _show(
    visit: Visit,
    form: JoinForm,
    stamp: Stamp | None = None,
    *,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    """The form; sent back, it keeps what was filled in and when it was made."""
    consent = consent_text(visit.campaign)
    version = consent.version if consent else None
    stamp = replace(stamp, consent=version) if stamp else Stamp.now(version)
    shown = {
        "campaign": visit.campaign,
        "page": visit.page,
        "form": form,
        "consent": consent,
        "is_friend": bool(visit.claims),
        "invited_by": _invited_by(visit),
        "sent_by": [(NAMES[c.way], c.value) for c in visit.claims if c.way in NAMES],
        "stamp": stamp.sign(visit.campaign),
        "problem": problem,
    }
    return render(visit.request, "join/form.html", shown, status=status)


def _invited_by(visit: Visit) -> str:
    """The first name of whoever sent them, where the campaign shows it.

    Never where a form that nobody confirmed leads to a link: whoever enters a mailbox
    there would learn whose it is. Counted like visits to links, which is how else codes
    could be guessed.
    """
    page = visit.page
    if not (page.show_advocate and page.confirm_email and visit.code):
        return ""
    if not limit_visits(visit.request, "link").allowed:
        return ""
    advocate = Participant.objects.filter(
        campaign=visit.campaign,
        code=visit.code.upper(),
        status=Participant.Status.ACTIVE,
    ).first()
    return first_name(advocate.name) if advocate else ""


@for_visitors
@require_safe
def sent(request: HttpRequest, slug: str) -> HttpResponse:
    """Look into your mailbox: the same for everybody."""
    campaign = find_campaign(slug)
    if campaign is None:
        return no_such_page(request)
    return render(request, "join/sent.html", {"campaign": campaign})


@for_visitors
@require_safe
def welcome(request: HttpRequest, slug: str, token: str) -> HttpResponse:
    """Somebody's link, and nothing else of them: it looks at no row of theirs."""
    campaign = find_campaign(slug)
    try:
        code = signing.loads(token, salt=WELCOME, max_age=WELCOME_LASTS)
    except signing.BadSignature:
        campaign = None
    if campaign is None:
        return no_such_page(request)
    shown = {**share_links(campaign, code), **_onward(campaign)}
    return render(request, "join/welcome.html", {"campaign": campaign, **shown})


def _onward(campaign: Campaign) -> dict[str, str]:
    """Where the campaign's links lead, unless that is where they are."""
    host = urlsplit(campaign.landing_url).netloc
    if host in {"", urlsplit(settings.PUBLIC_URL).netloc}:
        return {}
    return {"next_address": campaign.landing_url, "next_host": host}
