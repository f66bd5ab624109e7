import html

from django.test import Client
from pytest_django import Settings

from referral_factory.mail.models import Email, EmailTemplate, Outage
from tests.admin.conftest import Login, boss, login
from tests.admin.pages import said, use
from tests.factories import make_campaign, make_email, make_participant
from tests.mail.letters import NOW, template

__all__ = ["boss", "login"]

TEXTS = "/admin/mail/emailtemplate/"
EMAILS = "/admin/mail/email/"


def change(client: Client, row: EmailTemplate, **fields: str) -> str:
    given = {"audience": row.audience, "subject": "", "body": "", **fields}
    page = client.post(f"{TEXTS}{row.pk}/change/", given, follow=True)
    return html.unescape(page.text)


def test_a_new_text_starts_with_our_words(boss: Client) -> None:
    campaign = make_campaign()

    page = boss.post(
        f"{TEXTS}add/", {"campaign": campaign.pk, "kind": "welcome"}, follow=True
    )

    row = EmailTemplate.objects.get()
    assert page.redirect_chain[-1][0] == f"{TEXTS}{row.pk}/change/"
    assert (row.audience, row.subject) == ("joined", "Your link for {campaign}")


def test_the_second_text_of_a_kind_is_refused_beside_its_field(boss: Client) -> None:
    row = template("welcome")

    page = boss.post(f"{TEXTS}add/", {"campaign": row.campaign_id, "kind": "welcome"})

    assert "already exists" in page.text
    assert EmailTemplate.objects.count() == 1


def test_words_and_audience_are_changed(boss: Client) -> None:
    row = template("welcome")

    change(boss, row, subject="Ahoi", body="{link}", audience="everybody")

    row.refresh_from_db()
    assert (row.subject, row.body, row.audience) == ("Ahoi", "{link}", "everybody")


def test_an_unknown_placeholder_is_named_beside_its_field(boss: Client) -> None:
    row = template("welcome")

    page = change(boss, row, body="Hi {nmae}")

    row.refresh_from_db()
    assert "There is no {nmae} here. There is {campaign}, {link}" in page
    assert row.body == ""


def test_a_confirmation_needs_its_link_and_has_no_audience(boss: Client) -> None:
    row = template("confirmation")

    page = change(boss, row, body="Welcome!")
    assert "Say where {confirm} goes" in page
    assert 'name="audience"' not in page

    change(boss, row, body="Yes: {confirm}")
    row.refresh_from_db()
    assert row.body == "Yes: {confirm}"


def test_the_preview_shows_what_was_not_saved(boss: Client) -> None:
    row = template("reward", make_campaign(name="Spring", currency="EUR"))
    given = {"subject": "For {name}", "body": "{amount} of <b>{campaign}</b>"}

    page = boss.post(f"{TEXTS}{row.pk}/preview/", given).text

    assert "[Test] For Ada Lovelace" in page
    assert "€10.00 of &lt;b&gt;Spring&lt;/b&gt;" in page


def test_the_preview_says_what_is_wrong(boss: Client) -> None:
    row = template("welcome")

    page = boss.post(f"{TEXTS}{row.pk}/preview/", {"body": "{nope}"}).text

    assert "There is no {nope} here" in page


def test_the_preview_is_not_for_everybody(login: Login) -> None:
    row = template("welcome")
    other = login("lea", "referrals.view_participant")

    assert other.post(f"{TEXTS}{row.pk}/preview/").status_code == 403


def test_pages_say_that_email_is_off(boss: Client) -> None:
    row = template("welcome")
    for address in (TEXTS, f"{TEXTS}add/", EMAILS, f"{TEXTS}{row.pk}/change/"):
        assert "E-mail is off" in boss.get(address).text, address


def test_no_page_says_so_once_it_is_on(boss: Client, on: Settings) -> None:
    row = template("welcome")
    for address in (TEXTS, f"{TEXTS}add/", EMAILS, f"{TEXTS}{row.pk}/change/"):
        assert "E-mail is off" not in boss.get(address).text, address


def test_pages_say_that_the_server_is_away(boss: Client, on: Settings) -> None:
    Outage.objects.create(since=NOW, until=NOW, error="ConnectionRefusedError")

    assert "has not let us in since" in boss.get(EMAILS).text


def test_pages_are_silent_when_all_is_well(boss: Client, on: Settings) -> None:
    assert "rf-notice" not in boss.get(EMAILS).text


def test_a_failed_email_is_tried_again(boss: Client) -> None:
    email = make_email(status="failed", attempts=6, error="SMTPDataError 554")

    page = use(boss, "retry", email, EMAILS)

    assert "1 e-mail queued to be sent again." in said(page)
    row = Email.objects.get()
    assert (row.status, row.attempts, row.error) == ("pending", 0, "")


def test_an_email_is_found_by_its_recipient(boss: Client) -> None:
    person = make_participant(email="ada.l@example.com")
    email = make_email(participant=person)
    make_email()

    found = boss.get(EMAILS, {"q": "ada.l@example.com"}).context["cl"].result_list

    assert [row.pk for row in found] == [email.pk]
