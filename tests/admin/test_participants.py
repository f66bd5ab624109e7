"""People: found, looked at whole, and changed by verbs that ask first."""

import html
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from referrals.models import (
    Campaign,
    Consent,
    ConsentText,
    FormerCode,
    Invitation,
    Participant,
    RefusedClaim,
)
from referrals.search import MOST, people
from referrals.tree import COUNTED_BELOW, SHOWN, tree_of
from tests.admin.conftest import Login
from tests.admin.pages import said, use
from tests.factories import (
    make_campaign,
    make_event,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)

PEOPLE = "/admin/referrals/participant/"
HOSTILE = "<script>alert(1)</script>"


def shown(client: Client, **query: Any) -> set[Any]:
    rows = client.get(PEOPLE, query).context["cl"].result_list
    return {row.pk for row in rows}


def page_of(client: Client, person: Participant) -> str:
    return html.unescape(client.get(f"{PEOPLE}{person.pk}/change/").text)


def refer(advocate: Participant, *names: str) -> list[Participant]:
    """Friends of these names, each referred by the advocate."""
    campaign = advocate.campaign
    friends = [make_participant(campaign=campaign, name=name) for name in names]
    for friend in friends:
        make_referral(advocate=advocate, friend=friend)
    return friends


# --- Finding -------------------------------------------------------------------------


def test_a_former_code_finds_whoever_had_it(boss: Client) -> None:
    ada = make_participant()
    make_participant()
    FormerCode.objects.create(code="ADA10", participant=ada, works=False)

    assert shown(boss, q="ada10") == {ada.pk}


def test_search_stays_within_the_filters(boss: Client) -> None:
    here, there = make_campaign(), make_campaign()
    many = [
        Participant(
            campaign=there,
            external_id=f"c-{n:04}",
            email=f"ada{n:04}@example.com",
            email_canonical=f"ada{n:04}@example.com",
        )
        for n in range(MOST + 1)
    ]
    Participant.objects.bulk_create(many)
    ada = make_participant(campaign=here, email="ada9@example.com")

    assert shown(boss, q="ada", campaign__id__exact=str(here.pk)) == {ada.pk}
    assert len(people("ada")) == MOST


FILTERS: dict[str, tuple[dict[str, str], Callable[[Campaign], Participant]]] = {
    "status": (
        {"status__exact": "blocked"},
        lambda campaign: make_participant(campaign=campaign, status="blocked"),
    ),
    "source": (
        {"source": "join"},
        lambda campaign: make_participant(campaign=campaign, source="join"),
    ),
    "confirmed": (
        {"confirmed": "yes"},
        lambda campaign: make_participant(
            campaign=campaign, confirmed_at=timezone.now()
        ),
    ),
    "referred": (
        {"referred": "yes"},
        lambda campaign: refer(make_participant(campaign=campaign), "Bob")[0],
    ),
    "enrolled": (
        {"created_at_from": "1997-01-01", "created_at_to": "1997-01-02"},
        lambda campaign: make_participant(
            campaign=campaign, created_at=datetime(1997, 1, 2, 23, 59, tzinfo=UTC)
        ),
    ),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_leaves_those_whom_it_names(boss: Client, name: str) -> None:
    campaign = make_campaign()
    make_participant(campaign=campaign)
    query, make = FILTERS[name]
    wanted = make(campaign)

    assert shown(boss, **query) == {wanted.pk}


def test_a_filter_for_no_leaves_the_others(boss: Client) -> None:
    advocate = make_participant()
    refer(advocate, "Bob")

    assert shown(boss, referred="no", confirmed="no") == {advocate.pk}


@pytest.mark.parametrize("day", ["yesterday", "9999-12-31", "0000-00-00"])
def test_a_day_that_is_none_filters_nothing(boss: Client, day: str) -> None:
    ada = make_participant()

    page = boss.get(PEOPLE, {"created_at_from": day, "created_at_to": day})

    assert [row.pk for row in page.context["cl"].result_list] == [ada.pk]


def test_the_list_is_never_counted(boss: Client) -> None:
    make_participant()
    with CaptureQueriesContext(connection) as captured:
        boss.get(PEOPLE)

    assert not [
        query["sql"]
        for query in captured
        if "COUNT(" in query["sql"] and "referrals_participant" in query["sql"]
    ]


# --- The tree ------------------------------------------------------------------------


def test_the_tree_goes_up_to_the_first_one_and_down_three_levels() -> None:
    first = make_participant(name="First")
    [second] = refer(first, "Second")
    [ada] = refer(second, "Ada")
    bob, _carl = refer(ada, "Bob", "Carl")
    [dora] = refer(bob, "Dora")
    [eve] = refer(dora, "Eve")
    refer(eve, "Too deep")

    tree = tree_of(ada)

    assert [node.name for node in tree.line] == ["First", "Second"]
    assert [node.referral_status for node in tree.line] == [None, "pending"]
    assert tree.person.referral_status == "pending"
    assert [friend.name for friend in tree.person.friends] == ["Carl", "Bob"]
    [below] = tree.person.friends[1].friends
    assert (below.name, below.friends[0].name) == ("Dora", "Eve")
    assert (below.friends[0].number, below.friends[0].friends) == ("1", [])


def test_what_is_not_shown_of_a_tree_is_counted() -> None:
    ada = make_participant()
    [bob] = refer(ada, "Bob")
    crowd = [
        Participant(campaign=ada.campaign, external_id=f"x-{n}")
        for n in range(COUNTED_BELOW + 5)
    ]
    Participant.objects.bulk_create(crowd)
    for friend in crowd:
        make_referral(advocate=bob, friend=friend)

    [node] = tree_of(ada).person.friends

    assert len(node.friends) == SHOWN[1]
    assert node.number == f"more than {COUNTED_BELOW}"
    assert node.more == f"more than {COUNTED_BELOW - SHOWN[1]}"
    assert len(tree_of(bob).person.friends) == SHOWN[0]
    assert tree_of(bob).person.more == str(COUNTED_BELOW + 5 - SHOWN[0])


def test_a_tree_of_any_size_is_two_queries() -> None:
    ada = make_participant()
    for friend in refer(ada, *"abcdefg"):
        refer(friend, *"xyz")
    with CaptureQueriesContext(connection) as captured:
        tree_of(ada)

    assert len(captured) == 2


# --- The page of one person ----------------------------------------------------------


def test_the_page_shows_all_that_hangs_on_somebody(boss: Client) -> None:
    ada = make_participant(
        name="Ada", attributes={"plan": "pro", "shops": [{"city": "Zürich"}]}
    )
    [bob] = refer(ada, "Bob")
    rule = make_rule(campaign=ada.campaign)
    make_reward(referral=ada.referrals.get(), rule=rule, status="issued")
    make_event(participant=ada, name="signed_up")
    claim = {"way": "code", "value": "X", "reason": "already_referred", "detail": ""}
    RefusedClaim.objects.create(campaign=ada.campaign, friend=ada, **claim)
    text = ConsentText.objects.create(campaign=ada.campaign, version=3, text="I agree.")
    Consent.objects.create(participant=ada, text=text)
    FormerCode.objects.create(code="ADA-OLD", participant=ada, works=True)
    Invitation.objects.create(
        campaign=ada.campaign,
        advocate=ada,
        email="carl@example.com",
        email_canonical="carl@example.com",
    )

    page = page_of(boss, ada)

    for words in (
        ada.code,
        f'src="/r/{ada.code}/qr.svg"',
        "Zürich",
        f"{PEOPLE}{bob.pk}/change/",
        "$10.00",
        "signed_up",
        "already referred",
        "Version 3 of the text",
        "ADA-OLD",
        "carl@example.com",
    ):
        assert words in page, words


def test_nothing_that_was_stored_runs_on_the_page(boss: Client) -> None:
    ada = make_participant(name=HOSTILE, attributes={HOSTILE: HOSTILE})
    refer(ada, HOSTILE)

    page = boss.get(f"{PEOPLE}{ada.pk}/change/").text

    assert HOSTILE not in page


def test_the_page_costs_the_same_however_much_hangs_on_somebody(boss: Client) -> None:
    ada = make_participant()
    address = f"{PEOPLE}{ada.pk}/change/"
    for friend in refer(ada, "a", "b"):
        refer(friend, "c")
    boss.get(address)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            boss.get(address)
        return len(captured)

    before = queries()
    for friend in refer(ada, *"defghijk"):
        refer(friend, *"lmn")
        make_event(participant=ada)

    assert queries() == before
    assert before <= 25


# --- Verbs ---------------------------------------------------------------------------


def test_a_new_code_is_given_and_the_old_one_stops(boss: Client) -> None:
    ada = make_participant(code="OLDCODE")

    use(boss, "rotate-code", ada, PEOPLE)

    ada.refresh_from_db()
    assert ada.code != "OLDCODE"
    assert FormerCode.objects.get().works is False


def test_a_code_is_chosen_and_the_old_one_still_works(boss: Client) -> None:
    ada = make_participant(code="OLDCODE")

    use(boss, "choose-code", ada, PEOPLE, code="ada10", keep_old="on")

    ada.refresh_from_db()
    assert ada.code == "ADA10"
    assert FormerCode.objects.get().works is True


@pytest.mark.parametrize("code", ["abc", "ada_10", "-ada", "ada--10"])
def test_a_code_that_the_api_would_refuse_is_not_chosen(
    boss: Client, code: str
) -> None:
    ada = make_participant(code="OLDCODE")

    use(boss, "choose-code", ada, PEOPLE, code=code)

    ada.refresh_from_db()
    assert ada.code == "OLDCODE"


def test_a_code_of_somebody_else_is_refused_with_a_message(boss: Client) -> None:
    make_participant(code="TAKEN")
    ada = make_participant()

    page = use(boss, "choose-code", ada, PEOPLE, code="taken")

    assert "is, or was, somebody else's code" in said(page)


def test_both_people_are_shown_before_they_are_merged(boss: Client) -> None:
    ada = make_participant(name="Ada", email=None, external_id="c-ada")
    form = make_participant(
        campaign=ada.campaign, email="ada@example.com", external_id=None
    )

    page = use(boss, "merge", ada, PEOPLE, other="ada@example.com")

    assert "Are these one person?" in page.text
    assert "c-ada" in page.text
    assert form.public_id in page.text
    form.refresh_from_db()
    assert form.status == "active"

    use(boss, "merge", ada, PEOPLE, other=form.public_id, sure="1")

    ada.refresh_from_db()
    form.refresh_from_db()
    assert (ada.email, form.status, form.merged_into_id) == (
        "ada@example.com",
        "erased",
        ada.pk,
    )
    assert "another row" in page_of(boss, form)


@pytest.mark.parametrize("who", ["nobody@example.com", "{self}", "{elsewhere}"])
def test_whoever_cannot_be_merged_is_refused_in_the_form(
    boss: Client, who: str
) -> None:
    ada, elsewhere = make_participant(), make_participant()
    other = who.format(self=ada.public_id, elsewhere=elsewhere.public_id)

    page = use(boss, "merge", ada, PEOPLE, other=other)

    assert "Nobody else of this campaign answers to that." in page.text


def test_a_merge_that_was_not_looked_at_of_another_campaign_is_refused(
    boss: Client,
) -> None:
    ada, elsewhere = make_participant(), make_participant()

    use(boss, "merge", ada, PEOPLE, other=elsewhere.public_id, sure="1")

    elsewhere.refresh_from_db()
    assert elsewhere.status == "active"


def test_erasing_takes_a_typed_word(boss: Client) -> None:
    ada = make_participant(name="Ada")

    page = use(boss, "erase", ada, PEOPLE, sure="yes")
    ada.refresh_from_db()
    assert "It takes the word erase" in page.text
    assert ada.status == "active"

    use(boss, "erase", ada, PEOPLE, sure="erase")
    ada.refresh_from_db()
    assert (ada.status, ada.name, ada.email) == ("erased", "", None)


def test_the_log_says_what_was_done_and_names_nobody(boss: Client) -> None:
    ada = make_participant(name="Ada Secret", email="secret@example.com")

    use(boss, "block", ada, PEOPLE)
    use(boss, "choose-code", ada, PEOPLE, code="secret10")
    use(boss, "erase", ada, PEOPLE, sure="erase")

    entries = list(LogEntry.objects.order_by("id"))
    assert {entry.object_repr for entry in entries} <= {ada.public_id, str(ada.pk)}
    assert [entry.change_message.split(":")[0] for entry in entries] == [
        "Block",
        "Choose a code",
        "Erase",
    ]
    assert "ecret" not in "".join(str(vars(entry)) for entry in entries).replace(
        ada.public_id, ""
    )


@pytest.mark.parametrize(
    ("verb", "permission"),
    [
        ("rotate-code", "referrals.view_participant"),
        ("merge", "referrals.view_participant"),
        ("erase", "referrals.change_participant"),
    ],
)
def test_a_verb_takes_its_permission(login: Login, verb: str, permission: str) -> None:
    ada = make_participant()
    looker = login("lea", "referrals.view_participant", permission)

    page = use(looker, verb, ada, PEOPLE, sure="erase", other="x")

    assert page.status_code == 403


def test_nothing_is_offered_for_an_erased_person(boss: Client) -> None:
    ada = make_participant()
    use(boss, "erase", ada, PEOPLE, sure="erase")

    page = boss.get(f"{PEOPLE}{ada.pk}/change/")

    assert page.context["verbs"] == []
    assert "The person was erased on" in page.text


def test_people_are_listed_newest_first(boss: Client) -> None:
    now = timezone.now()
    late = make_participant(created_at=now)
    early = make_participant(created_at=now - timedelta(days=1))

    rows = boss.get(PEOPLE).context["cl"].result_list

    assert [row.pk for row in rows] == [late.pk, early.pk]


def test_everything_about_somebody_is_downloaded_and_logged(boss: Client) -> None:
    ada = make_participant(name="Ada")

    response = boss.get(f"{PEOPLE}{ada.pk}/export/")

    assert json.loads(response.getvalue())["participant"]["name"] == "Ada"
    assert ada.public_id in response.headers["Content-Disposition"]
    assert LogEntry.objects.get().change_message == "Export."


def test_a_download_takes_permission_to_look_at_people(login: Login) -> None:
    ada = make_participant()
    stranger = login("lea", "rewards.view_reward")

    assert stranger.get(f"{PEOPLE}{ada.pk}/export/").status_code == 403
    assert Client().get(f"{PEOPLE}{ada.pk}/export/").status_code == 302


@pytest.mark.parametrize("order", ["1", "-2", "4.-7", "7.1", "x"])
def test_an_order_without_an_index_is_not_obeyed(boss: Client, order: str) -> None:
    now = timezone.now()
    late = make_participant(created_at=now, email="z@example.com")
    make_participant(created_at=now - timedelta(days=1), email="a@example.com")

    rows = boss.get(PEOPLE, {"o": order}).context["cl"].result_list

    assert rows[0].pk == late.pk


def test_the_oldest_can_come_first(boss: Client) -> None:
    now = timezone.now()
    make_participant(created_at=now)
    early = make_participant(created_at=now - timedelta(days=1))

    rows = boss.get(PEOPLE, {"o": "7"}).context["cl"].result_list

    assert rows[0].pk == early.pk
