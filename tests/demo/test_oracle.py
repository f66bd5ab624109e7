"""The oracle on logs that are small enough to be worked out by hand.

Customer 8 is a friend of customer 1 (8 // 8), who comes by a click (8 % 4 = 0).
"""

import pytest

from demo import oracle

FILLER = "1 19970101 0.00"  # customer 1, the advocate: a stranger to the milestone
END = "1 19970131 0.00"
LATER = "1 19970430 0.00"


def totals(lines: dict[int, str], end: str = END) -> dict[str, int]:
    """Of a log with these at these line numbers, fillers between, and an end."""
    rows = [lines.get(number, FILLER) for number in range(1, max(lines) + 1)]
    return oracle.totals(" 0 {} {} 1 {}".format(*row.split()) for row in [*rows, end])


def only(found: dict[str, int], start: str) -> dict[str, int]:
    """What is not zero of the numbers whose names start like this."""
    return {name: n for name, n in found.items() if n and name.startswith(start)}


def test_one_referral_from_click_to_issued_rewards() -> None:
    found = totals({1: FILLER, 2: "8 19970105 25.00"})
    assert {name: n for name, n in found.items() if n} == {
        "participants": 2,
        "clicks": 1,
        "referrals": 1,
        "referrals qualified": 1,
        "events": 3,
        "event holding": 1,
        "event unmatched": 2,
        "advocate rewards issued": 1,
        "friend rewards issued": 1,
        "issued, in cents": 1500,
        "message campaign.launched": 1,
        "message participant.created": 2,
        "message event.unmatched": 2,
        "message referral.created": 1,
        "message referral.holding": 1,
        "message referral.qualified": 1,
        "message reward.created": 2,
        "message reward.approved": 2,
        "message reward.issued": 2,
    }


def test_too_little_matches_nothing_and_more_is_only_recorded() -> None:
    bought = ["8 19970105 19.99", "8 19970106 20.00", "8 19970107 99.00"]
    found = totals(dict(enumerate([FILLER, *bought], start=1)))
    assert only(found, "event ") == {
        "event not_matched": 1,
        "event holding": 1,
        "event recorded": 1,
        "event unmatched": 2,
    }


def test_period_that_is_not_over_leaves_it_holding() -> None:
    found = totals({2: "8 19970118 25.00"})  # until 1 February; the log ends before
    assert only(found, "referrals ") == {"referrals holding": 1}
    assert only(found, "message reward") == {}


@pytest.mark.parametrize(
    ("line", "status", "rewards"),
    [
        ((10, "25.00"), "disqualified", {}),  # all of it, after 5 days: held
        ((20, "25.00"), "pending", {}),  # half of it: too little is left
        ((20, "40.00"), "qualified", {"issued": 1}),  # half of it: enough is left
        ((30, "25.00"), "disqualified", {"cancelled": 1}),  # all, after 20 days
        ((40, "39.98"), "disqualified", {"cancelled": 1}),  # half, after 20 days
        ((40, "39.99"), "qualified", {"issued": 1}),  # 19.99 of it: 20.00 are left
        ((70, "25.00"), "disqualified", {}),  # of whatever counted, after 3 days
    ],
)
def test_refunds(line: tuple[int, str], status: str, rewards: dict[str, int]) -> None:
    number, amount = line
    found = totals({number: f"8 19970102 {amount}"})
    assert only(found, "referrals ") == {f"referrals {status}": 1}
    fillers = sum(each < number for each in (10, 20, 30, 40))  # refunded, too
    assert found["event reversed"] == fillers + 1
    for side in ("advocate", "friend"):
        expected = {f"{side} rewards {name}": n for name, n in rewards.items()}
        assert only(found, f"{side} rewards") == expected


def test_refund_after_issuing_leaves_both_rewards_disputed() -> None:
    found = totals({60: "8 19970102 25.00"}, end=LATER)
    assert found["referrals disqualified"] == 1
    assert found["advocate rewards issued"] == found["friend rewards issued"] == 1
    assert found["issued rewards disputed"] == 2


def test_another_purchase_stands_in_for_one_that_was_refunded() -> None:
    found = totals({60: "8 19970102 25.00", 61: "8 19970105 25.00"}, end=LATER)
    assert only(found, "referrals ") == {"referrals qualified": 1}
    assert found["event reversed"] == 5
    assert found["issued rewards disputed"] == 0


def test_purchase_that_is_too_small_does_not_stand_in() -> None:
    found = totals({60: "8 19970102 25.00", 61: "8 19970105 19.99"}, end=LATER)
    assert found["referrals disqualified"] == 1
    assert found["event recorded"] == 1
    assert found["issued rewards disputed"] == 2


def test_refund_that_names_nothing_and_follows_nothing_is_unmatched() -> None:
    found = totals({70: "1 19970102 25.00"})
    assert found["event reversed"] == 4  # of lines 10, 20, 30 and 40, by their names
    assert found["event unmatched"] == 71 + 1 + 1  # all lines, a guest, this refund


def test_repeats_and_guests() -> None:
    assert totals({7: FILLER})["event duplicate"] == 1
    with_guest = totals({50: FILLER})
    assert with_guest["events"] == 51 + 4 + 1  # lines, refunds, and the guest's
    assert with_guest["participants"] == 1


def test_stranger_who_is_enrolled_in_time_is_matched() -> None:
    # 23 // 8 = 2; whose number divides by 23 is enrolled 5 days late.
    found = totals({1: "2 19970101 0.00", 2: "23 19970105 25.00"})
    assert found["message event.unmatched"] == 1 + 1 + 1
    assert only(found, "event ") == {"event holding": 1, "event unmatched": 2}
    assert found["referrals qualified"] == 1  # held from the 10th until the 24th


def test_stranger_who_clicks_only_afterwards_is_not() -> None:
    # 92 // 8 = 11; 92 divides by 23, too, but comes by a click: 92 % 4 = 0.
    found = totals({1: "11 19970101 0.00", 2: "92 19970105 25.00"})
    assert only(found, "event ") == {"event not_matched": 1, "event unmatched": 2}
    assert only(found, "referrals ") == {"referrals pending": 1}


def test_stranger_who_is_enrolled_too_late_is_not() -> None:
    # 29 // 8 = 3; whose number divides by 29 is enrolled 10 days late.
    found = totals({1: "3 19970101 0.00", 2: "29 19970105 25.00"})
    assert only(found, "event ") == {"event not_matched": 1, "event unmatched": 2}
    assert only(found, "referrals ") == {"referrals pending": 1}


def test_refund_of_a_stranger_waits_for_them_too() -> None:
    # Refunded on 10 January, enrolled on the 15th.
    found = totals({1: "3 19970101 0.00", 10: "29 19970105 25.00"})
    assert only(found, "event ") == {
        "event duplicate": 1,
        "event not_matched": 1,
        "event reversed": 1,
        "event unmatched": 10,
    }
    assert found["message event.unmatched"] == 10 + 2


@pytest.mark.parametrize(
    ("friend", "reason", "status"),
    [
        (17, "same_address_and_agent", "issued"),  # 17 % 4 = 1: approved
        (38, "similar_mailbox", "rejected"),  # 38 % 4 = 2
        (124, "doubtful_attribution", "issued"),  # 124 % 31 = 0: clicks too late
        (19, "similar_mailbox", "flagged"),  # 19 % 4 = 3: left in the queue
    ],
)
def test_flagged_rewards(friend: int, reason: str, status: str) -> None:
    advocate = f"{friend // 8} 19970101 0.00"
    found = totals({1: advocate, 2: f"{friend} 19970105 25.00"})
    assert only(found, "flagged") == {f"flagged: {reason}": 2}
    assert found[f"advocate rewards {status}"] == 1
    assert found[f"friend rewards {status}"] == 1


def test_advocate_browser_says_nothing_of_who_came_by_code() -> None:
    found = totals({1: "4 19970101 0.00", 2: "34 19970105 25.00"})  # 34 % 4 = 2
    assert only(found, "flagged") == {}


def test_advocate_earns_more_on_a_weekend_and_is_looked_at() -> None:
    found = totals({2: "8 19970222 25.00"}, end="1 19970331 0.00")  # due 8 March
    assert only(found, "flagged") == {"flagged: amount_over_limit": 1}
    assert found["issued, in cents"] == 2500 + 500  # 8 % 4 = 0: approved


def test_nothing_is_held_from_june_until_june() -> None:
    bought = {2: "8 19970301 5.00", 3: "8 19970602 25.00"}
    found = totals(bought, end="1 19970603 0.00")
    assert found["event qualified"] == found["referrals qualified"] == 1
    assert found["message referral.holding"] == 0


def test_referral_expires_after_180_days() -> None:
    assert totals({2: "8 19970102 5.00"}, end="1 19970630 0.00")["referrals pending"]
    found = totals({2: "8 19970102 5.00"}, end="1 19970701 0.00")
    assert found["referrals expired"] == found["message referral.expired"] == 1


def test_second_wave_counts_what_was_bought_within_seven_days() -> None:
    bought = ["15 19970102 50.00", "15 19980524 50.00", "15 19980525 50.00"]
    lines = dict(enumerate([FILLER, *bought], start=1))
    found = totals(lines, end="1 19980605 0.00")
    assert only(found, "event ") == {
        "event not_matched": 2,
        "event holding": 1,
        "event unmatched": 2,
    }
    assert found["message event.unmatched"] == 5
    assert only(found, "referrals ") == {"referrals holding": 1}


def test_nobody_is_a_friend_of_somebody_who_came_on_the_same_day() -> None:
    assert totals({2: "8 19970101 25.00"})["referrals"] == 0
