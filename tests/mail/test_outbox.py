from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from referral_factory.mail.models import Email
from referral_factory.mail.receivers import on_participant_created
from referrals.models import Participant
from referrals.services.erasing import erase_participant
from referrals.signals import participant_created
from rewards.services.issuing import issue_reward
from tests.factories import make_campaign, make_participant, make_reward
from tests.mail.letters import ask, enrol, template


def kinds() -> list[str]:
    return list(Email.objects.order_by("id").values_list("kind", flat=True))


def test_switched_off_nothing_is_written_nor_asked() -> None:
    campaign = make_campaign()
    with CaptureQueriesContext(connection) as captured:
        enrol(campaign)
        ask(campaign)

    assert kinds() == []
    assert not [query for query in captured if "mail_email" in query["sql"]]


def test_whoever_joins_on_our_page_is_welcomed(on: Settings) -> None:
    person = enrol(make_campaign())

    assert Email.objects.get().about == person.pk


def test_whoever_your_backend_enrols_is_not(on: Settings) -> None:
    person = make_participant(source="api")
    participant_created.send(sender=Participant, instances=[person])

    assert kinds() == []


def test_unless_the_campaign_wants_everybody_welcomed(on: Settings) -> None:
    campaign = make_campaign()
    template("welcome", campaign, audience="everybody")
    people = [make_participant(campaign=campaign, source="import") for _ in range(3)]
    people.append(make_participant(campaign=campaign, email=None))

    participant_created.send(sender=Participant, instances=people)

    assert kinds() == ["welcome"] * 3


def test_a_campaign_that_wants_nobody_told_is_obeyed(on: Settings) -> None:
    campaign = make_campaign()
    template("welcome", campaign, audience="nobody")
    enrol(campaign)

    assert kinds() == []


def test_a_confirmation_is_written_whatever_the_audience(on: Settings) -> None:
    request = ask(make_campaign())

    email = Email.objects.get()
    assert (email.kind, email.about, email.urgent) == ("confirmation", request.pk, True)


def test_an_issued_reward_is_told_to_who_joined(on: Settings) -> None:
    reward = make_reward(status="approved", issued_by="", issued_at=None)
    Participant.objects.filter(pk=reward.recipient_id).update(source="join")
    reward.recipient.refresh_from_db()

    issue_reward(reward, by="user:ops", wall=timezone.now(), reference="t-1")

    email = Email.objects.get()
    assert (email.kind, email.about) == ("reward", reward.pk)
    assert email.participant_id == reward.recipient_id


def test_hundreds_of_newcomers_cost_two_statements(on: Settings) -> None:
    campaign = make_campaign()
    template("welcome", campaign, audience="everybody")
    people = [
        Participant(campaign=campaign, email="a@example.com", external_id=str(number))
        for number in range(500)
    ]
    Participant.objects.bulk_create(
        [
            Participant(id=p.pk, campaign=campaign, external_id=p.external_id)
            for p in people
        ]
    )
    with CaptureQueriesContext(connection) as captured:
        participant_created.send(sender=Participant, instances=people)

    ours = [query for query in captured if "mail_email" in query["sql"]]
    assert len(ours) == 2
    assert Email.objects.count() == 500


def test_the_same_fact_is_written_once(on: Settings) -> None:
    person = enrol(make_campaign())
    on_participant_created([person])

    assert kinds() == ["welcome"]


def test_what_an_erased_person_would_have_got_is_dropped(on: Settings) -> None:
    campaign = make_campaign()
    person = enrol(campaign)
    other = enrol(campaign, "bob@example.com")

    erase_participant(person, wall=timezone.now())

    assert [email.about for email in Email.objects.all()] == [other.pk]


def test_a_row_holds_no_word_about_anybody(on: Settings) -> None:
    enrol(make_campaign(), "secret@example.com", name="Secret")
    ask(make_campaign(), "secret@example.com", name="Secret")

    for row in Email.objects.values():
        assert "ecret" not in str(row)


def test_rows_that_were_finished_long_ago_are_forgotten(on: Settings) -> None:
    from referral_factory.mail.tasks import purge_emails

    enrol(make_campaign())
    enrol(make_campaign())
    old = timezone.now() - timedelta(days=100)
    done = Email.objects.first()
    assert done is not None
    Email.objects.filter(pk=done.pk).update(status="sent", finished_at=old)

    purge_emails()

    assert Email.objects.filter(pk=done.pk).count() == 0
    assert Email.objects.count() == 1
