"""Setting up what makes a referral count, in the admin."""

from typing import Any

import pytest
from django.test import Client

from referrals.models import Campaign, MilestoneVersion
from referrals.services.campaigns import change_campaign, create_campaign
from tests.admin.conftest import Login
from tests.admin.pages import said, use
from tests.admin.test_programme import CAMPAIGNS, FORM
from tests.factories import make_campaign, make_referral
from tests.referrals.test_rules import make_event

pytestmark = pytest.mark.django_db

CONDITION = f"{CAMPAIGNS}condition/"
RULE = 'event.amount >= 5 &&\r\nevent.properties.plan == "pro"'


def save(client: Client, campaign: Campaign, **fields: str) -> Any:
    page = f"{CAMPAIGNS}{campaign.pk}/change/"
    return client.post(page, {**FORM, "slug": campaign.slug, **fields})


def tried(client: Client, campaign: Campaign | None, text: str, **fields: str) -> str:
    form = {"milestone_condition": text, "milestone_event": "purchase", **fields}
    known = campaign.public_id if campaign else ""
    return client.post(CONDITION, {**form, "campaign": known}).content.decode()


def test_a_condition_is_saved_with_who_wrote_it(boss: Client) -> None:
    campaign = make_campaign()
    assert save(boss, campaign, milestone_condition=RULE).status_code == 302
    campaign.refresh_from_db()
    assert campaign.milestone_condition == RULE.replace("\r\n", "\n")
    kept = MilestoneVersion.objects.get(campaign=campaign, version=campaign.version)
    assert kept.made_by == "user:boss"


def test_a_condition_that_stays_is_no_new_version(boss: Client) -> None:
    campaign = make_campaign()
    save(boss, campaign, milestone_condition=RULE)
    save(boss, campaign, milestone_condition=RULE)
    campaign.refresh_from_db()
    assert campaign.version == 2


@pytest.mark.parametrize(
    ("fields", "name", "detail"),
    [
        (
            {"milestone_condition": "event.amuont > 5"},
            "milestone_condition",
            "did you mean amount? (line 1, column 7)",
        ),
        (
            {"milestone_count": "3", "milestone_sum": "9"},
            "milestone_count",
            "not both",
        ),
        ({"milestone_count": "0"}, "milestone_count", "At least 1."),
        ({"milestone_sum": "0"}, "milestone_sum", "More than 0."),
        ({"milestone_sum": "0.001"}, "milestone_sum", "2 decimal places"),
    ],
)
def test_what_is_refused_is_said_beside_its_field_and_kept_in_the_form(
    boss: Client, fields: dict[str, str], name: str, detail: str
) -> None:
    campaign = make_campaign(status="draft")
    answer = save(boss, campaign, **fields)
    form = answer.context["adminform"].form
    assert detail in " ".join(form.errors[name])
    assert form[name].value() == fields[name]
    assert Campaign.objects.get().version == 1


# --- Trying it ---


def test_a_condition_is_tried_before_it_is_saved(boss: Client) -> None:
    referral = make_referral()
    for plan in ("pro", "basic"):
        make_event(referral, properties={"plan": plan})
    text = 'event.properties.plan == "pro"'
    page = tried(boss, referral.campaign, text)
    assert "true of <strong>1</strong>, not true of <strong>1</strong>" in page
    assert not Campaign.objects.get().milestone_condition


def test_a_mistake_is_shown_at_its_place(boss: Client) -> None:
    page = tried(boss, None, "true &&\r\n  event.amuont > 5")
    assert "did you mean amount?" in page
    assert "  event.amuont &gt; 5\n        ^" in page


@pytest.mark.parametrize(
    "text", ["", "event.amount > 5", "x" * 3000, "'<script>'", "é", "\x00"]
)
def test_whatever_is_typed_gets_an_answer(boss: Client, text: str) -> None:
    page = tried(
        boss, make_campaign(), text, currency="nope", milestone_event="x" * 999
    )
    assert "rf-" in page
    assert "<script>" not in page


def test_trying_takes_the_right_to_change_campaigns(login: Login) -> None:
    campaign = make_campaign()
    viewer = login("vera", "referrals.view_campaign")
    form = {"campaign": campaign.public_id, "milestone_condition": "true"}
    assert viewer.post(CONDITION, form).status_code == 403
    maker = login("max", "referrals.view_campaign", "referrals.add_campaign")
    assert maker.post(CONDITION, form).status_code == 403
    assert maker.post(CONDITION, {**form, "campaign": ""}).status_code == 200
    editor = login("edna", "referrals.view_campaign", "referrals.change_campaign")
    assert editor.post(CONDITION, form).status_code == 200
    assert editor.get(CONDITION).status_code == 404
    unknown = {**form, "campaign": "cmp_nope"}
    assert editor.post(CONDITION, unknown).status_code == 404


def test_the_page_lists_the_fields_that_were_seen(boss: Client) -> None:
    referral = make_referral()
    make_event(referral, properties={"plan": "pro", "odd name": 1})
    page = boss.get(f"{CAMPAIGNS}{referral.campaign.pk}/change/").content.decode()
    assert 'data-insert="event.properties.plan"' in page
    assert "event.properties[&#x27;odd name&#x27;]" in page
    assert 'data-insert="friend.email"' in page


# --- Versions ---


def test_versions_show_what_differs_word_by_word(boss: Client) -> None:
    campaign = create_campaign(
        mode="test",
        name="C",
        slug="c",
        currency="USD",
        milestone_event="purchase",
        milestone_condition="event.amount >= 50",
        by="user:ada",
    )
    change_campaign(campaign, milestone_condition="event.amount >= 75", by="user:bob")
    change_campaign(campaign, holding_days=3, by="user:bob")

    versions = f"{CAMPAIGNS}{campaign.pk}/versions/"
    last = boss.get(versions).content.decode()
    assert "From version 2 to version 3" in last
    assert "<del>0</del>" in last
    both = boss.get(f"{versions}?older=1&newer=2").content.decode()
    assert "event.amount &gt;= <del>50</del>" in both
    assert "event.amount &gt;= <ins>75</ins>" in both
    assert "by ada" in both


@pytest.mark.parametrize("query", ["", "?older=1&newer=9", "?older=x", "?newer=1"])
def test_versions_open_whatever_is_asked(boss: Client, query: str) -> None:
    for campaign in (make_campaign(), create_campaign(mode="test", slug="c")):
        url = f"{CAMPAIGNS}{campaign.pk}/versions/{query}"
        assert boss.get(url).status_code == 200


# --- Copying ---


def test_a_tested_campaign_is_copied_to_live(boss: Client) -> None:
    campaign = make_campaign(slug="spring")
    answer = use(boss, "copy", campaign, CAMPAIGNS, name="Spring", slug="")
    made = Campaign.objects.get(slug="spring-live")
    assert (made.name, made.mode, made.status) == ("Spring", "live", "draft")
    assert "copied to the live draft spring-live" in said(answer)
    again = use(boss, "copy", campaign, CAMPAIGNS, name="", slug="")
    assert "Another campaign has this slug" in said(again)
