"""The enrolment page without confirmation: a form, and one's own link at once."""

from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from pytest_django.fixtures import Settings

from referrals.models import (
    Campaign,
    Consent,
    Participant,
    Referral,
    RefusedClaim,
    Tombstone,
)
from referrals.services.campaigns import change_campaign
from referrals.services.tombstones import digest_of
from tests.factories import make_campaign, make_participant
from tests.pages.forms import HIDDEN, PERSON, open_campaign, page, says, send, send_form


@pytest.fixture
def campaign() -> Campaign:
    return open_campaign()


def newcomer(campaign: Campaign) -> Participant:
    return Participant.objects.get(campaign=campaign, email=PERSON["email"])


def test_a_newcomer_is_enrolled_and_sees_their_link(
    client: Client, campaign: Campaign
) -> None:
    answer = send(client, campaign)
    ann = newcomer(campaign)
    assert (ann.name, ann.source, ann.confirmed_at) == ("Ann Lee", "join", None)
    assert answer.status_code == 302
    assert says(client.get(answer["Location"]), ann.link)


def test_somebody_known_sees_their_link_and_stays_as_they_are(
    client: Client, campaign: Campaign
) -> None:
    ann = make_participant(campaign=campaign, email=PERSON["email"], name="Ann")
    answer = send(client, campaign, name="Mallory")
    assert says(client.get(answer["Location"]), ann.link)
    ann.refresh_from_db()
    assert (ann.name, ann.source) == ("Ann", "api")


def test_the_portal_is_never_shown_to_whoever_enters_a_mailbox(
    client: Client, campaign: Campaign
) -> None:
    answer = send(client, campaign)
    assert "/portal/" not in client.get(answer["Location"]).content.decode()


def test_a_friend_is_credited_to_whose_code_they_came_with(
    client: Client, campaign: Campaign
) -> None:
    advocate = make_participant(campaign=campaign)
    send(client, campaign, f"?ref={advocate.code}")
    referral = Referral.objects.get(friend=newcomer(campaign))
    assert (referral.advocate, referral.way) == (advocate, "code")


def test_a_link_leads_to_the_form_and_the_click_is_credited(client: Client) -> None:
    campaign = open_campaign(slug="offer", landing_url="https://us.example/join/offer")
    advocate = make_participant(campaign=campaign)
    landed = client.get(f"/r/{advocate.code}", HTTP_USER_AGENT="Firefox")
    send(client, campaign, "?" + landed["Location"].partition("?")[2])
    assert Referral.objects.get(friend=newcomer(campaign)).way == "click"


def test_the_cookie_of_a_link_is_enough(client: Client) -> None:
    campaign = open_campaign()
    advocate = make_participant(campaign=campaign)
    client.get(f"/r/{advocate.code}", HTTP_USER_AGENT="Firefox")
    send(client, campaign)
    referral = Referral.objects.get(friend=newcomer(campaign))
    assert (referral.advocate, referral.way) == (advocate, "cookie")


@pytest.mark.parametrize("ref", ["NOBODY1234", "%07", "' OR 1=1", "x" * 500, "\u202e"])
def test_a_wrong_code_looks_like_a_right_one_and_costs_nothing(
    client: Client, campaign: Campaign, ref: str
) -> None:
    right = make_participant(campaign=campaign)
    answer = send(client, campaign, f"?ref={right.code}", email="b@x.example")
    wrong = send(client, campaign, f"?ref={ref}")
    assert wrong.status_code == answer.status_code
    assert not Referral.objects.filter(friend=newcomer(campaign)).exists()


def test_a_blocked_advocate_costs_their_friend_nothing(
    client: Client, campaign: Campaign
) -> None:
    advocate = make_participant(campaign=campaign, status="blocked")
    send(client, campaign, f"?ref={advocate.code}")
    refused = RefusedClaim.objects.get(friend=newcomer(campaign))
    assert refused.reason == "participant_blocked"


def test_a_stranger_cannot_refer_somebody_known(
    client: Client, campaign: Campaign
) -> None:
    ann = make_participant(campaign=campaign, email=PERSON["email"])
    mallory = make_participant(campaign=campaign)
    send(client, campaign, f"?ref={mallory.code}")
    assert not Referral.objects.filter(friend=ann).exists()
    assert RefusedClaim.objects.get(friend=ann).reason == "mailbox_not_confirmed"


def test_who_invited_is_said_only_where_the_campaign_wants_it(
    client: Client, settings: Settings
) -> None:
    """And confirms mailboxes: else whoever enters one would learn its owner's name."""
    settings.EMAIL_URL = "smtp://mail.example"
    quiet = open_campaign(join={"confirm_email": True})
    unconfirmed = open_campaign(join={"show_advocate": True})
    open_one = open_campaign(join={"show_advocate": True, "confirm_email": True})
    for campaign, shown in ((quiet, False), (unconfirmed, False), (open_one, True)):
        advocate = make_participant(campaign=campaign, name="Beatrix Kiddo")
        seen = page(client, campaign, f"?ref={advocate.code}")
        assert says(seen, "Beatrix has invited you") is shown
        assert not says(seen, "Kiddo")


def test_the_consent_that_was_shown_is_the_one_that_is_kept(client: Client) -> None:
    campaign = open_campaign()
    change_campaign(campaign, join={"consent": "I agree."})
    form = fields_of_page(client, campaign)
    change_campaign(campaign, join={"consent": "I agree to more."})
    send_form(client, campaign, {**form, **PERSON, "consent": "on"})
    consent = Consent.objects.get(participant=newcomer(campaign))
    assert (consent.text.version, consent.text.text) == (1, "I agree.")


def test_a_consent_that_was_not_shown_is_asked_for_first(client: Client) -> None:
    campaign = open_campaign()
    form = fields_of_page(client, campaign)
    change_campaign(campaign, join={"consent": "I agree."})
    answer = send_form(client, campaign, {**form, **PERSON, "consent": "on"})
    assert answer.status_code == 422
    assert says(answer, "I agree.")


def test_without_consent_nobody_joins(client: Client) -> None:
    campaign = open_campaign()
    change_campaign(campaign, join={"consent": "I agree."})
    assert send(client, campaign).status_code == 422
    assert not Participant.objects.exists()


def test_a_consent_is_kept_once(client: Client) -> None:
    campaign = open_campaign()
    change_campaign(campaign, join={"consent": "I agree."})
    for _ in range(2):
        send(client, campaign, consent="on")
    assert Consent.objects.count() == 1


def fields_of_page(client: Client, campaign: Campaign) -> dict[str, str]:
    found = dict(HIDDEN.findall(page(client, campaign).content.decode()))
    return {"stamp": found["stamp"]}


# --- Programs ---


@pytest.mark.parametrize("after", [timedelta(seconds=1), timedelta(hours=25)])
def test_a_form_that_comes_too_soon_or_too_late_can_be_sent_again(
    client: Client, campaign: Campaign, after: timedelta
) -> None:
    answer = send(client, campaign, after=after)
    assert answer.status_code == 422
    assert says(answer, "Ann Lee")
    assert not Participant.objects.exists()
    assert send(client, campaign).status_code == 302


def test_what_nobody_sees_is_filled_in_by_programs_only(
    client: Client, campaign: Campaign
) -> None:
    answer = send(client, campaign, website="https://spam.example")
    assert answer.status_code == 422
    assert not says(answer, "spam.example")


def test_the_form_of_another_campaign_opens_no_other(
    client: Client, campaign: Campaign
) -> None:
    form = fields_of_page(client, open_campaign())
    assert send_form(client, campaign, {**form, **PERSON}).status_code == 422


def test_a_stamp_of_ones_own_making_is_refused(
    client: Client, campaign: Campaign
) -> None:
    forged = signing.dumps([campaign.public_id, 0.0, None], salt="something else")
    for stamp in ("", "x", forged):
        answer = send_form(client, campaign, {**PERSON, "stamp": stamp})
        assert answer.status_code == 422


def test_one_network_sends_a_campaigns_form_only_so_often(
    client: Client, campaign: Campaign, settings: Settings
) -> None:
    settings.JOIN_LIMIT_PER_MINUTE = 2
    codes = [send(client, campaign).status_code for _ in range(3)]
    assert codes == [302, 302, 429]
    assert send(client, open_campaign()).status_code == 302


def test_a_form_from_elsewhere_is_refused(campaign: Campaign) -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(f"/join/{campaign.slug}", PERSON)
    assert answer.status_code == 403
    assert says(answer, "cookie of this page")


def test_a_form_over_a_proxy_that_ends_tls_is_ours(
    campaign: Campaign, settings: Settings
) -> None:
    """It comes from PUBLIC_URL, and we see plain HTTP."""
    settings.CSRF_TRUSTED_ORIGINS = ["https://refer.shop.example"]
    strict = Client(enforce_csrf_checks=True)
    found = dict(HIDDEN.findall(page(strict, campaign).content.decode()))
    form = {**PERSON, **found}
    strict.defaults["HTTP_ORIGIN"] = "https://refer.shop.example"
    assert send_form(strict, campaign, form).status_code == 302
    strict.defaults["HTTP_ORIGIN"] = "https://evil.example"
    assert send_form(strict, campaign, form).status_code == 403


# --- Where nobody can join ---


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": "draft"}, 404),
        ({"status": "paused"}, 403),
        ({"status": "ended", "ended_at": "2026-01-01T00:00:00Z"}, 410),
        ({"join": {"open": False}}, 403),
        ({"join": {"open": True, "confirm_email": True}}, 503),
    ],
)
def test_a_page_that_is_closed_says_so_and_enrols_nobody(
    client: Client, settings: Settings, fields: dict[str, object], status: int
) -> None:
    settings.EMAIL_URL = ""
    campaign = make_campaign(**{"join": {"open": True}, **fields})
    form = {**PERSON, "stamp": "any"}
    assert page(client, campaign).status_code == status
    assert client.post(f"/join/{campaign.slug}", form).status_code == status
    assert not Participant.objects.exists()


def test_nobody_hears_of_a_draft(client: Client) -> None:
    draft = open_campaign(status="draft", slug="secret")
    unknown = client.get("/join/nothing")
    assert unknown.status_code == 404
    assert page(client, draft).content == unknown.content


def test_a_test_campaign_says_that_it_is_one(client: Client) -> None:
    assert says(page(client, open_campaign(mode="test")), "Test:")
    assert not says(page(client, open_campaign(mode="live")), "Test:")


def test_a_page_is_kept_by_nobody(client: Client, campaign: Campaign) -> None:
    headers = page(client, campaign).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "form-action 'self'" in headers["Content-Security-Policy"]


def test_a_link_that_was_made_up_shows_nobody(
    client: Client, campaign: Campaign
) -> None:
    forged = signing.dumps("EVIL", salt="other")
    answer = client.get(f"/join/{campaign.slug}/welcome/{forged}")
    assert answer.status_code == 404


def test_a_mailbox_of_somebody_erased_is_a_newcomers(
    client: Client, campaign: Campaign
) -> None:
    make_tombstone(campaign, PERSON["email"])
    advocate = make_participant(campaign=campaign)
    send(client, campaign, f"?ref={advocate.code}")
    refused = RefusedClaim.objects.get(friend=newcomer(campaign))
    assert refused.reason == "known_before"


def make_tombstone(campaign: Campaign, mailbox: str) -> None:
    Tombstone.objects.create(campaign=campaign, digest=digest_of(f"email:{mailbox}"))
