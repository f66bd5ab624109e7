import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from referrals.models import Campaign
from tests.api.callers import caller, make_key
from tests.factories import make_campaign, make_event, make_participant
from tests.reporting.histories import make_history

START = datetime(2025, 2, 20, tzinfo=UTC)
END = datetime(2025, 3, 31, tzinfo=UTC)
MARCH = {"from": "2025-03-01", "to": "2025-03-31"}


@pytest.fixture
def browser() -> Client:
    """Somebody of the staff, logged in."""
    user = User.objects.create_user("ana", password=None, is_staff=True)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(mode="live", name="Spring & summer")
    make_history(campaign, start=START, end=END, people=60)
    return campaign


def page(browser: Client, **values: str) -> str:
    answer = browser.get("/dashboard/", values)
    assert answer.status_code == 200
    return answer.content.decode()


def words(html: str) -> str:
    """What can be read on the page."""
    text = unescape(re.sub(r"<[^>]+>", " ", html.partition("<body>")[2]))
    return " ".join(text.split())


def card(html: str, name: str) -> str:
    match = re.search(rf'id="card-{name}".*?class="value">([^<]+)<', html, re.S)
    assert match, f"there is no card {name}"
    return match[1]


def column(html: str, chart: str) -> list[int]:
    figure = html.partition(f'id="chart-{chart}"')[2].partition("</figure>")[0]
    rows = re.findall(r'</th>\s*<td class="n">(\d+)</td>', figure)
    return [int(count) for count in rows]


def test_the_page_shows_what_the_api_answers(
    browser: Client, campaign: Campaign
) -> None:
    asked = {**MARCH, "tz": "America/New_York"}
    html = page(browser, **asked, interval="week")
    api = caller(make_key()[1])
    numbers = api.get("/api/v1/reports/summary", asked).json()["numbers"]
    for name in ("enrolments", "clicks", "referred", "qualified", "flagged", "issued"):
        assert card(html, name) == str(numbers[name]["count"])
    rate = numbers["qualification_rate"]["rate"]
    assert card(html, "qualification_rate") == f"{rate:.1%}"
    weeks = api.get("/api/v1/reports/timeseries", {**asked, "interval": "week"}).json()[
        "buckets"
    ]
    for name in ("enrolments", "clicks", "referred", "qualified", "issued"):
        assert column(html, name) == [week[name]["count"] for week in weeks]


def test_strangers_are_sent_to_the_login(campaign: Campaign) -> None:
    answer = Client().get("/dashboard/?period=7d")
    assert answer.status_code == 302
    assert answer["location"].startswith("/admin/login/?next=/dashboard/")


def test_somebody_who_is_not_staff_sees_nothing(campaign: Campaign) -> None:
    client = Client()
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/dashboard/").status_code == 302


def test_the_front_page_shows_the_doors_and_no_number(campaign: Campaign) -> None:
    answer = Client().get("/")
    html = answer.content.decode()
    assert answer.status_code == 200
    for door in ("/dashboard/", "/admin/", "/api/docs"):
        assert f'href="{door}"' in html
    assert not re.search(r"\d", words(html))
    assert "Spring" not in html


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("from", "2026-09-09", "The first day is after the last."),
        ("from", "1000-01-01", "Not a day"),
        ("from", "<script>alert(1)</script>", "Not a day"),
        ("tz", "Mars/Olympus", "There is no time zone of this name"),
        ("campaign", "cmp_nobody", "There is no such campaign here."),
        ("campaign", "' OR 1=1", "There is no such campaign here."),
        ("interval", "hour", "Choose one of: day, week, month."),
        ("mode", "both", "Choose live or test."),
        ("period", "5d", "Choose one of: 7d, 30d, 90d, all."),
    ],
)
def test_a_mistake_is_said_in_its_place_and_the_page_stands(
    browser: Client, campaign: Campaign, name: str, value: str, said: str
) -> None:
    last = {"to": "2026-01-31"} if name == "from" else {}
    html = page(browser, **last, **{name: value})
    mistake = html.partition(f'id="{name}-mistake"')[2].partition("</p>")[0]
    assert said in mistake
    assert card(html, "enrolments")
    assert "<script>alert" not in html


def test_a_thousand_years_are_too_many(browser: Client, campaign: Campaign) -> None:
    html = page(browser, **{"from": "1900-01-01", "to": "2900-01-01"})
    assert "50 years at most" in html


def test_presets_end_at_the_time_of_the_campaign(browser: Client) -> None:
    offset = datetime(1997, 6, 1, 12, tzinfo=UTC) - timezone.now()
    campaign = make_campaign(mode="test", clock_offset=offset)
    make_participant(campaign=campaign, created_at=datetime(1997, 2, 3, 12, tzinfo=UTC))
    html = page(browser, campaign=campaign.public_id, period="30d")
    assert "3 May \N{EN DASH} 1 Jun 1997" in words(html)
    html = page(browser, campaign=campaign.public_id, period="all")
    assert "3 Feb \N{EN DASH} 1 Jun 1997" in words(html)
    assert card(html, "enrolments") == "1"


def test_the_test_campaign_with_the_latest_enrolment_is_shown_where_nothing_is_live(
    browser: Client,
) -> None:
    make_campaign(mode="live", name="Nobody yet")
    make_campaign(mode="test", name="Also nobody")
    played = make_campaign(mode="test", name="Played through")
    make_participant(campaign=played)
    html = page(browser)
    assert "<h1>Played through</h1>" in html
    assert card(html, "enrolments") == "1"


def test_live_campaigns_come_first(browser: Client, campaign: Campaign) -> None:
    make_participant(campaign=make_campaign(mode="test"))
    html = page(browser, period="all")
    assert "<h1>All campaigns</h1>" in html
    assert card(html, "enrolments") == "60"


def test_a_campaign_says_its_own_mode(browser: Client, campaign: Campaign) -> None:
    test = make_campaign(mode="test", name="Rehearsal")
    make_participant(campaign=test)
    assert "<h1>Rehearsal</h1>" in page(browser, campaign=test.public_id)


def test_campaigns_are_listed_with_links_that_keep_the_filters(
    browser: Client, campaign: Campaign
) -> None:
    html = page(browser, **MARCH, tz="Asia/Kolkata")
    table = html.partition('<h2 id="campaigns">')[2].partition("</section>")[0]
    link = unescape(re.findall(r'href="([^"]+)"', table)[0])
    narrowed = browser.get(f"/dashboard/{link}").content.decode()
    assert "<h1>Spring &amp; summer</h1>" in narrowed
    assert "1 \N{EN DASH} 31 Mar 2025" in narrowed
    assert "days in Asia/Kolkata" in narrowed


def test_without_a_campaign_the_page_says_how_to_begin(browser: Client) -> None:
    html = page(browser)
    assert "There is no live campaign yet" in html
    assert 'href="/api/docs"' in html
    assert 'href="/admin/referrals/campaign/"' in html


def test_a_draft_shows_what_stands_before_its_launch(browser: Client) -> None:
    make_campaign(mode="live", name="Draft", status="draft", owner="")
    shown = words(page(browser))
    assert "Draft is not launched yet" in shown
    assert "○ Owner : Say who answers for it" in shown
    assert "✓ Milestone : done" in shown


def test_a_campaign_without_people_shows_how_to_enrol_the_first(
    browser: Client,
) -> None:
    campaign = make_campaign(mode="live")
    html = page(browser)
    assert "nobody is enrolled yet" in html
    assert f'"campaign": "{campaign.public_id}"' in unescape(html)


def test_a_quiet_period_points_to_where_something_happened(
    browser: Client, campaign: Campaign
) -> None:
    html = page(browser, **{"from": "2020-01-01", "to": "2020-01-31"})
    assert "Nothing happened in this period" in html
    assert "period=all" in html


def test_the_running_day_is_shown_as_a_part(browser: Client) -> None:
    campaign = make_campaign(mode="live")
    make_participant(campaign=campaign, created_at=timezone.now() - timedelta(hours=1))
    html = page(browser, period="7d")
    assert html.count("in part") == 5  # the last row of each chart's table


def test_the_page_takes_a_fixed_number_of_queries(
    browser: Client,
    campaign: Campaign,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(2):
        with django_assert_num_queries(23):
            page(browser, **MARCH)
        more = make_campaign(mode="live")
        make_history(more, start=START, end=END, people=90)


def test_names_of_people_are_text(browser: Client) -> None:
    campaign = make_campaign(mode="live", name="<b>Bold</b>")
    make_history(campaign, start=START, end=END, people=20)
    assert "<b>Bold" not in page(browser, **MARCH)


def test_events_that_wait_for_somebody_are_counted_and_linked(browser: Client) -> None:
    campaign = make_campaign(mode="live")
    make_participant(campaign=campaign)
    assert "unmatched" not in page(browser, mode="live")
    for _ in range(2):
        make_event(campaign=campaign, outcome="unmatched", person="external_id:c-1")

    shown = page(browser, mode="live", campaign=campaign.public_id)

    assert "2 events are unmatched" in shown
    address = f"outcome__exact=unmatched&campaign__id__exact={campaign.pk}"
    assert f"/admin/referrals/event/?{address}" in unescape(shown)
