"""Real bytes, taken by a real server on this machine."""

import socket
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation
from pytest_django import Settings

from referral_factory.mail.models import Email, Outage
from referral_factory.mail.sending import (
    LEASE,
    MOST_ATTEMPTS,
    PAUSES,
    give_up_lost,
    retry_email,
)
from referral_factory.mail.tasks import send_emails as send_task
from referrals.joining import confirmation_url, portal_url
from referrals.models import JoinRequest, Participant
from rewards.models import Reward
from tests.factories import make_campaign, make_reward
from tests.mail.letters import NOW, ask, enrol, live, send_all, template
from tests.mail.smtp import MailServer


def row() -> Email:
    return Email.objects.get()


def untimed(address: str) -> str:
    """A signed address without its second and signature."""
    return address.rsplit(":", 2)[0]


def test_a_welcome_arrives_with_both_links(server: MailServer) -> None:
    person = enrol(live(), "ada@example.com", name="Ada")

    send_all()

    [mail] = server.messages
    assert mail["Subject"] == "Your link for Give 5, get 10"
    assert mail["From"] == "Example Shop <hello@shop.example>"
    assert mail["To"] == "ada@example.com"
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().startswith("Hello Ada,\r\n")
    for part in (plain, html):
        assert person.link in part.get_content()
        assert untimed(portal_url(person)) in part.get_content()
    assert row().status == "sent"


def test_a_confirmation_arrives_with_its_link(server: MailServer) -> None:
    request = ask(live(), name="Ada")

    send_all()

    [mail] = server.messages
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert untimed(confirmation_url(request)) in plain.get_content()


def test_a_notice_says_the_amount(server: MailServer) -> None:
    reward = make_reward(status="issued", campaign=live())
    Participant.objects.filter(pk=reward.recipient_id).update(source="join")
    about(reward)

    send_all()

    assert server.messages[0]["Subject"] == "Your reward: $10.00"


def about(reward: Reward) -> None:
    Email.objects.create(
        campaign=reward.campaign,
        kind="reward",
        about=reward.pk,
        participant=reward.recipient,
    )


def test_a_message_of_a_test_campaign_says_so(server: MailServer) -> None:
    enrol(make_campaign(mode="test", name="Spring"))

    send_all()

    assert server.messages[0]["Subject"] == "[Test] Your link for Spring"


def test_a_campaign_uses_its_own_words(server: MailServer) -> None:
    campaign = live()
    template("welcome", campaign, subject="Ahoi {name}", body="Teile: {link}")
    enrol(campaign, name="Zoë")

    send_all()

    [mail] = server.messages
    assert mail["Subject"] == "Ahoi Zoë"
    plain = mail.get_body(("plain",))
    assert plain is not None
    assert plain.get_content().startswith("Teile: http")


def test_no_name_adds_a_header_or_a_link(server: MailServer) -> None:
    name = "Ada http://evil.example"
    campaign = live()
    template("welcome", campaign, subject="Hello {name}", body="Hi {name}, {link}")
    enrol(campaign, name=name)

    send_all()

    assert b"evil.example" not in server.taken[0]


def test_every_try_has_the_same_message_id(server: MailServer) -> None:
    enrol(live())
    server.refuse = {"rcpt": "451 later"}
    send_all(wall=NOW)
    server.refuse = {}
    send_all(wall=NOW + LEASE + PAUSES[0])
    Email.objects.update(status="pending", finished_at=None)  # as after a crash
    send_all(wall=NOW + timedelta(days=1))

    ids = {mail["Message-ID"] for mail in server.messages}
    assert len(server.messages) == 2
    assert ids == {f"<{row().public_id}@shop.example>"}


@pytest.mark.parametrize("status", ["blocked", "erased"])
def test_nobody_blocked_or_erased_gets_mail(server: MailServer, status: str) -> None:
    person = enrol(live())
    blank = {"email": None, "email_canonical": None, "erased_at": NOW}
    changes = blank if status == "erased" else {}
    Participant.objects.filter(pk=person.pk).update(status=status, **changes)

    send_all()

    assert server.taken == []
    assert row().status == "dropped"


def test_a_mailbox_of_somebody_blocked_is_not_asked(server: MailServer) -> None:
    campaign = live()
    person = enrol(campaign)
    Participant.objects.filter(pk=person.pk).update(status="blocked")
    ask(campaign, person.email)

    send_all()

    assert server.taken == []


def test_a_request_that_is_over_is_not_asked_about(server: MailServer) -> None:
    ask(live(), expires_at=NOW - timedelta(hours=2))
    JoinRequest.objects.filter(pk=ask(live()).pk).delete()

    send_all()

    assert server.taken == []
    assert set(Email.objects.values_list("status", flat=True)) == {"dropped"}


def test_a_mailbox_is_asked_five_times_a_day_at_most(server: MailServer) -> None:
    campaign = live()
    for _ in range(8):
        ask(campaign, "victim@example.com")
    ask(campaign, "other@example.com")

    send_all()

    to = [mail["To"] for mail in server.messages]
    assert (to.count("victim@example.com"), to.count("other@example.com")) == (5, 1)


def test_a_mailbox_is_asked_no_more_often_by_its_tags(server: MailServer) -> None:
    """Where nobody knows whether they are aliases, all may be one person's."""
    campaign = live()
    for number in range(8):
        ask(campaign, f"victim+{number}@own.example")
    ask(campaign, "victims@own.example")

    send_all()

    assert len(server.messages) == 6
    assert "victims@own.example" in [mail["To"] for mail in server.messages]


def test_a_reward_that_was_taken_back_is_not_announced(server: MailServer) -> None:
    reward = make_reward(status="clawed_back", campaign=live())
    Participant.objects.filter(pk=reward.recipient_id).update(source="join")
    about(reward)

    send_all()

    assert (server.taken, row().status) == ([], "dropped")


def test_a_mailbox_that_is_not_there_fails_at_once(server: MailServer) -> None:
    enrol(live(), "nobody@example.com")
    server.refuse = {"nobody@": "550 <nobody@example.com> unknown"}

    send_all()

    assert (row().status, row().attempts) == ("failed", 1)
    assert row().error == "SMTPRecipientsRefused 550"


def test_one_that_is_refused_for_now_waits_longer_each_time(server: MailServer) -> None:
    enrol(live())
    server.refuse = {"rcpt": "451 greylisted"}
    wall, waits = NOW, []
    for _ in PAUSES:
        send_all(wall=wall)
        waits.append(row().due_at - wall)
        wall = row().due_at
    assert waits == PAUSES

    send_all(wall=wall)

    assert (row().status, row().attempts) == ("failed", MOST_ATTEMPTS)


def test_a_failed_one_can_be_tried_again(server: MailServer) -> None:
    enrol(live())
    server.refuse = {"rcpt": "550 no"}
    send_all()
    server.refuse = {}

    retry_email(row(), wall=NOW)
    send_all(wall=NOW)

    assert (row().status, len(server.taken)) == ("sent", 1)


def test_one_bad_mailbox_holds_up_nobody(server: MailServer) -> None:
    campaign = live()
    for name in ("ann", "nobody", "zoe"):
        enrol(campaign, f"{name}@example.com")
    server.refuse = {"nobody@": "550 unknown"}

    send_all()

    assert [mail["To"] for mail in server.messages] == [
        "ann@example.com",
        "zoe@example.com",
    ]
    assert server.sessions == 1


def test_whoever_waits_at_the_page_comes_before_a_thousand_others(
    server: MailServer,
) -> None:
    campaign = live()
    for number in range(3):
        enrol(campaign, f"p{number}@example.com")
    ask(campaign, "waiting@example.com")

    send_all()

    assert server.messages[0]["To"] == "waiting@example.com"


@pytest.fixture
def away(on: Settings) -> Settings:
    """Settings that lead to a port where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    on.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    on.EMAIL_HOST, on.EMAIL_PORT = "127.0.0.1", port
    return on


def test_a_server_that_is_away_costs_no_message_a_try(away: Settings) -> None:
    enrol(live())

    for minute in range(30):
        send_all(wall=NOW + timedelta(minutes=minute))

    assert (row().status, row().attempts, row().lease_until) == ("pending", 0, None)
    outage = Outage.objects.get()
    assert (outage.error, outage.since) == ("ConnectionRefusedError", NOW)
    assert 5 < outage.failures < 15  # asked less and less often


def test_while_it_is_away_a_look_costs_two_statements(away: Settings) -> None:
    enrol(live())
    send_all(wall=NOW)
    with CaptureQueriesContext(connection) as captured:
        send_all(wall=NOW + timedelta(seconds=1))

    assert len(captured) == 2


def test_once_it_is_back_all_is_sent(away: Settings, server: MailServer) -> None:
    away.EMAIL_PORT, port = 1, away.EMAIL_PORT
    enrol(live())
    send_all(wall=NOW)
    away.EMAIL_PORT = port

    send_all(wall=NOW + timedelta(minutes=1))

    assert len(server.taken) == 1
    assert not Outage.objects.exists()


def test_who_dies_while_sending_leaves_the_rest_to_the_next(
    server: MailServer,
) -> None:
    enrol(live())
    Email.objects.update(attempts=1, lease_until=NOW + LEASE)  # as a dead one left it

    send_all(wall=NOW)
    assert server.taken == []
    send_all(wall=NOW + 2 * LEASE)
    assert len(server.taken) == 1


def test_a_message_whose_sender_always_dies_is_given_up(on: Settings) -> None:
    enrol(live())
    Email.objects.update(attempts=MOST_ATTEMPTS, lease_until=NOW)

    assert send_all(wall=NOW + LEASE) == 0
    give_up_lost(wall=NOW + LEASE)

    assert row().status == "failed"


def test_the_sweep_sends_all_that_is_due(server: MailServer) -> None:
    campaign = live()
    for number in range(45):
        enrol(campaign, f"p{number}@example.com")

    send_task()

    assert len(server.taken) == 45


def test_switched_off_nothing_is_sent(server: MailServer, settings: Settings) -> None:
    enrol(live())
    settings.EMAIL_URL = ""

    send_task()

    assert server.taken == []


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_message_once(server: MailServer) -> None:
    campaign = live()
    for number in range(40):
        enrol(campaign, f"p{number}@example.com")

    def work() -> None:
        send_task()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    to = [mail["To"] for mail in server.messages]
    assert sorted(to) == sorted(f"p{number}@example.com" for number in range(40))


def test_our_words_are_in_the_language_of_whoever_joined(server: MailServer) -> None:
    campaign = live()
    with translation.override("de"):
        enrol(campaign, "anna@example.com")
    enrol(campaign, "ann@example.com")

    send_all()

    subjects = {str(mail["To"]): mail["Subject"] for mail in server.messages}
    assert subjects["ann@example.com"] == "Your link for Give 5, get 10"
    assert subjects["anna@example.com"] != subjects["ann@example.com"]
