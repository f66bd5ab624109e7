from decimal import Decimal

from django.test import Client

from rewards.models import Reward
from tests.admin.conftest import Login
from tests.admin.pages import QUEUE, said, status_of, use, use_on_several
from tests.factories import make_campaign, make_participant, make_reward, make_rule

SAME_PERSON = "Advocate and friend are the same person"


def flagged(**fields: object) -> Reward:
    return make_reward(status="flagged", **fields)


def above_two_people() -> Reward:
    campaign = make_campaign(review={"two_people_above": "40.00"})
    return flagged(rule=make_rule(campaign=campaign, amount=Decimal(50)))


def test_approving_leads_to_the_next_in_line(reviewer: Client) -> None:
    first, second = flagged(), flagged()

    response = use(reviewer, "approve", first)

    assert status_of(first) == "approved"
    assert response.redirect_chain[-1][0] == f"{QUEUE}{second.pk}/change/"
    assert said(response) == "1 reward approved."


def test_after_the_last_one_comes_the_list(reviewer: Client) -> None:
    response = use(reviewer, "approve", flagged())

    assert response.redirect_chain[-1][0] == QUEUE
    assert "the last one" in said(response)


def test_the_next_in_line_is_one_that_fits_the_filters(reviewer: Client) -> None:
    first, other = flagged(), flagged()
    fitting = flagged(campaign=first.campaign)
    kept = f"?_changelist_filters=campaign__id__exact%3D{first.campaign_id}"

    response = reviewer.post(f"{QUEUE}{first.pk}/approve/{kept}")

    assert response.headers["Location"].startswith(f"{QUEUE}{fitting.pk}/change/?")
    assert str(other.pk) not in response.headers["Location"]


def test_rejecting_takes_a_reason_which_the_reward_keeps(reviewer: Client) -> None:
    reward = flagged()

    use(reviewer, "reject", reward, reason=SAME_PERSON, note="Same phone, too")

    reward.refresh_from_db()
    assert reward.status == "rejected"
    assert reward.decision_note == f"{SAME_PERSON}: Same phone, too"
    assert reward.decided_by == "user:ana"


def test_without_a_reason_nothing_is_rejected(reviewer: Client) -> None:
    reward = flagged()

    response = use(reviewer, "reject", reward)

    assert status_of(reward) == "flagged"
    assert "This field is required" in response.text


def test_another_reason_must_be_written_out(reviewer: Client) -> None:
    reward = flagged()

    response = use(reviewer, "reject", reward, reason="Other")

    assert status_of(reward) == "flagged"
    assert "Say what the reason is" in response.text


def test_looking_changes_nothing(reviewer: Client) -> None:
    reward = flagged()

    for page in ("change", "approve", "reject"):
        assert reviewer.get(f"{QUEUE}{reward.pk}/{page}/").status_code == 200

    assert status_of(reward) == "flagged"


def test_what_somebody_else_decided_is_reported_and_left(reviewer: Client) -> None:
    reward = flagged()
    Reward.objects.filter(pk=reward.pk).update(status="approved", decided_by="user:ben")

    response = use(reviewer, "reject", reward, reason=SAME_PERSON)

    assert status_of(reward) == "approved"
    assert "by user:ben" in said(response)
    assert "It was decided: approved by user:ben" in response.text


def test_several_are_asked_about_with_their_number_and_sum(reviewer: Client) -> None:
    rewards = [flagged() for _ in range(3)]
    yen = make_campaign(currency="JPY")
    rewards.append(flagged(rule=make_rule(campaign=yen, amount=500, currency="JPY")))
    chosen = [str(reward.pk) for reward in rewards]

    page = reviewer.post(QUEUE, {"action": "approve", "_selected_action": chosen})

    assert "<strong>4</strong> selected" in page.text
    assert "¥500, $30.00" in page.text
    assert {status_of(reward) for reward in rewards} == {"flagged"}


def test_of_several_one_that_was_decided_is_named_and_the_others_go_on(
    reviewer: Client,
) -> None:
    rewards = [flagged() for _ in range(3)]
    decided = rewards[0]
    page = reviewer.post(
        QUEUE,
        {"action": "approve", "_selected_action": [str(r.pk) for r in rewards]},
    )
    assert page.status_code == 200
    Reward.objects.filter(pk=decided.pk).update(status="rejected", decided_by="user:b")

    response = use_on_several(reviewer, "approve", rewards)

    assert [status_of(reward) for reward in rewards] == [
        "rejected",
        "approved",
        "approved",
    ]
    assert "2 rewards approved." in said(response)
    assert "1 reward left as before: It is rejected" in said(response)
    assert "by user:b" in said(response)


def test_a_large_reward_takes_two_people(login: Login, reviewer: Client) -> None:
    reward = above_two_people()
    second = login("ben", "rewards.view_reward", "rewards.review_reward")

    first_time = use(reviewer, "approve", reward)
    assert status_of(reward) == "flagged"
    assert "first of 2 approvals" in said(first_time)

    again = use(reviewer, "approve", reward)
    assert status_of(reward) == "flagged"
    assert "must be another person's" in said(again)

    use(second, "approve", reward)
    assert status_of(reward) == "approved"


def test_the_page_says_how_many_approvals_there_are(
    login: Login, reviewer: Client
) -> None:
    reward = above_two_people()
    use(reviewer, "approve", reward)
    second = login("ben", "rewards.view_reward")

    mine = reviewer.get(f"{QUEUE}{reward.pk}/change/").text
    theirs = second.get(f"{QUEUE}{reward.pk}/change/").text

    assert "You gave the first; it needs another person" in mine
    assert 'id="queue-approve"' not in mine
    assert "user:ana gave the first; yours would be the second" in theirs


def test_whoever_may_only_look_is_offered_nothing(login: Login) -> None:
    reward = flagged()
    looker = login("lea", "rewards.view_reward")

    page = looker.get(f"{QUEUE}{reward.pk}/change/")

    assert page.status_code == 200
    assert "Approve" not in page.text


def test_a_crafted_post_gets_nothing_without_the_permission(login: Login) -> None:
    reward = flagged()
    looker = login("lea", "rewards.view_reward")

    assert use(looker, "approve", reward).status_code == 403
    assert use(looker, "reject", reward, reason=SAME_PERSON).status_code == 403
    use_on_several(looker, "approve", [reward])

    assert status_of(reward) == "flagged"


def test_a_stranger_to_rewards_does_not_see_the_queue(login: Login) -> None:
    stranger = login("tom", "referrals.view_campaign")

    assert stranger.get(QUEUE).status_code == 403
    assert "Review queue" not in stranger.get("/admin/").text


def test_the_menu_counts_what_waits(reviewer: Client) -> None:
    flagged()
    flagged()

    page = reviewer.get("/admin/")

    assert [(w["title"], w["count"]) for w in page.context["waiting"]] == [
        ("Review queue", 2),
        ("Needs a person", 0),
    ]


def test_the_queue_finds_by_mailbox_and_by_reason(reviewer: Client) -> None:
    campaign = make_campaign()
    ada = make_participant(campaign=campaign, email="ada@example.com")
    hers = flagged(rule=make_rule(campaign=campaign), recipient=ada)
    other = flagged(reasons=[{"code": "similar_mailbox", "detail": "", "evidence": {}}])

    by_mail = reviewer.get(QUEUE, {"q": "Ada@"}).context["cl"].result_list
    by_id = reviewer.get(QUEUE, {"q": hers.public_id}).context["cl"].result_list
    by_reason = reviewer.get(QUEUE, {"reason": "similar_mailbox"}).context["cl"]

    assert [row.pk for row in by_mail] == [hers.pk]
    assert [row.pk for row in by_id] == [hers.pk]
    assert [row.pk for row in by_reason.result_list] == [other.pk]
