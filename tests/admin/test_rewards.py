from django.test import Client
from django.utils import timezone

from rewards.models import Reward
from tests.admin.conftest import Login
from tests.admin.pages import REWARDS, said, status_of, use, use_on_several
from tests.factories import make_reward


def test_issuing_keeps_the_reference(login: Login) -> None:
    reward = make_reward(status="approved")
    payer = login("pia", "rewards.view_reward", "rewards.issue_reward")

    use(payer, "issue", reward, REWARDS, reference="pay-17")

    reward.refresh_from_db()
    assert (reward.status, reward.reference) == ("issued", "pay-17")
    assert reward.issued_by == "user:pia"


def test_reviewing_and_issuing_are_two_permissions(reviewer: Client) -> None:
    reward = make_reward(status="approved")

    assert use(reviewer, "issue", reward, REWARDS, reference="x").status_code == 403
    assert status_of(reward) == "approved"


def test_several_are_issued_and_one_that_cannot_be_is_named(boss: Client) -> None:
    approved = [make_reward(status="approved") for _ in range(2)]
    rejected = make_reward(status="rejected")

    page = use_on_several(
        boss, "issue", [*approved, rejected], REWARDS, reference="run-1"
    )

    assert [status_of(reward) for reward in approved] == ["issued", "issued"]
    assert "2 rewards issued." in said(page)
    assert "1 reward left as before: From rejected there is no way" in said(page)


def test_what_needs_a_person_is_listed_and_clawed_back(boss: Client) -> None:
    make_reward(status="issued")
    disputed = make_reward(status="issued", disputed_at=timezone.now())

    listed = boss.get(REWARDS, {"disputed": "yes"}).context["cl"].result_list
    assert [row.pk for row in listed] == [disputed.pk]

    use(boss, "claw-back", disputed, REWARDS, reason="The purchase was refunded")
    disputed.refresh_from_db()
    assert disputed.status == "clawed_back"
    assert disputed.decision_note == "The purchase was refunded"


def test_a_rejected_reward_goes_back_into_the_queue(boss: Client) -> None:
    reward = make_reward(status="rejected")

    use(boss, "reopen", reward, REWARDS, note="New papers")

    reward.refresh_from_db()
    assert reward.status == "flagged"
    assert reward.reasons[-1]["detail"] == "New papers"


def test_an_impossible_verb_is_a_message_not_a_fault(boss: Client) -> None:
    reward = make_reward(status="pending")

    response = use(boss, "issue", reward, REWARDS, reference="x")

    assert response.status_code == 200
    assert "there is no way to issuing" in said(response)


def test_rewards_are_neither_added_nor_changed_nor_deleted(boss: Client) -> None:
    reward = make_reward(status="approved")

    assert boss.get(f"{REWARDS}add/").status_code == 403
    assert boss.get(f"{REWARDS}{reward.pk}/delete/").status_code == 403
    changed = boss.post(f"{REWARDS}{reward.pk}/change/", {"status": "issued"})
    assert changed.status_code == 403
    deleted = {"action": "delete_selected", "_selected_action": [str(reward.pk)]}
    boss.post(REWARDS, {**deleted, "post": "yes"})

    assert Reward.objects.get().status == "approved"


def test_a_selection_that_cannot_be_read_is_a_message(boss: Client) -> None:
    crafted = {"action": "issue", "_selected_action": ["x'; --"], "apply": "1"}

    response = boss.post(REWARDS, crafted, follow=True)

    assert response.status_code == 200
    assert "cannot be read" in said(response)


def test_the_time_of_a_decision_is_shown_with_its_zone(boss: Client) -> None:
    reward = make_reward(status="approved")

    assert " UTC</time>" in boss.get(f"{REWARDS}{reward.pk}/change/").text
