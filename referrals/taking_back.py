"""What is said of an event that takes another back."""

from referrals.facts import Check, EventFacts

TARGET_UNKNOWN = Check(
    "reversed_event_known", False, "What it takes back did not arrive yet."
)
TARGET_OF_NOBODY = Check(
    "reversed_event_known", False, "Whom that event was about is not known yet."
)
OF_SOMEBODY_ELSE = Check("same_person", False, "The event was about somebody else.")
OF_NO_AMOUNT = Check(
    "amount_known",
    False,
    "The event came without an amount: only the whole of it can be taken back.",
)
DID_COUNT = Check("reversed_event_counted", True, "It counted towards the referral.")
DID_NOT_COUNT = Check(
    "reversed_event_counted", False, "It did not count towards a referral."
)

POLICIES = {
    "take_back": "What no longer counts is taken back: the referral is disqualified.",
    "ask": "The referral stays, and a person looks at each of its rewards.",
    "keep": "What qualified stays qualified, and so do its rewards.",
}


def refused_amount(reversal: EventFacts, target: EventFacts) -> Check | None:
    """Why so much cannot be taken off what the other came with."""
    if reversal.amount is None:
        return None
    if target.amount is None:
        return OF_NO_AMOUNT
    if reversal.currency == target.currency:
        return None
    wanted, given = target.currency, reversal.currency
    said = f"The event's currency is {wanted}, the reversal's {given}."
    return Check("currency_matches", False, said)
