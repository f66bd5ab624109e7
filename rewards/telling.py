"""What happened to a reward, in sentences: what of it is kept."""

from collections.abc import Iterator
from dataclasses import replace

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from referral_factory import money
from referrals.models import Referral
from referrals.timelines import REWARDED, Entry, newest
from rewards.models import Reward

Status = Reward.Status
Words = str | Promise

SIDES: dict[str, Words] = {
    "advocate": gettext_lazy("the advocate"),
    "friend": gettext_lazy("the friend"),
}
# What the last decision about it was; of any other status it is an approval.
DECIDED: dict[str, Words] = {
    Status.REJECTED: gettext_lazy("{reward} was rejected."),
    Status.CANCELLED: gettext_lazy("{reward} was cancelled."),
    Status.CLAWED_BACK: gettext_lazy("{reward} was clawed back."),
    **dict.fromkeys(
        [Status.PENDING, Status.FLAGGED, Status.WAITING],
        gettext_lazy("{reward} had been decided about before."),
    ),
}
# What the reasons to flag are called.
LABELS: dict[str, Words] = {
    "same_address_and_agent": gettext_lazy("Same address and browser"),
    "similar_mailbox": gettext_lazy("Similar mailboxes"),
    "doubtful_attribution": gettext_lazy("Doubtful attribution"),
    "amount_over_limit": gettext_lazy("Amount over the limit"),
    "milestone_reversed": gettext_lazy("Milestone taken back"),
    "reopened": gettext_lazy("Reopened"),
}


def label_of(code: str) -> str:
    return str(LABELS.get(code, code.replace("_", " ").capitalize()))


def in_words(reward: Reward) -> str:
    return _("The reward of {amount} {currency} to {side}").format(
        amount=money.as_text(reward.amount, reward.currency),
        currency=reward.currency,
        side=SIDES[reward.side],
    )


def entries_of(referral: Referral) -> Iterator[Entry]:
    """The rewards' part of a referral's timeline. 1 query."""
    for reward in newest(Reward.objects.filter(referral=referral)):
        yield from steps(reward)


def steps(reward: Reward) -> Iterator[Entry]:
    """What happened to one reward, oldest first."""
    known = Entry(reward.created_at, "", "", reward, order=REWARDED)
    yield replace(
        known,
        kind="reward_granted",
        what=_("{reward} was granted.").format(reward=in_words(reward)),
        why=_flags(reward),
        status=Status.PENDING,
    )
    yield from _decided(reward, known)
    if reward.issued_at and reward.status in {Status.ISSUED, Status.CLAWED_BACK}:
        yield replace(
            known,
            at=reward.issued_at,
            kind="reward_issued",
            what=_("{reward} was issued.").format(reward=in_words(reward)),
            why=reward.reference,
            by=reward.issued_by,
            status=Status.ISSUED,
        )
    if reward.disputed_at:
        yield replace(
            known,
            at=reward.disputed_at,
            kind="reward_disputed",
            what=_(
                "{reward} had been issued, and its referral no longer counts: "
                "a person must look."
            ).format(reward=in_words(reward)),
            status="disputed",
        )


def _decided(reward: Reward, known: Entry) -> Iterator[Entry]:
    if reward.decided_at:
        said = DECIDED.get(reward.status, _("{reward} was approved."))
        known_as = reward.status if reward.status in DECIDED else Status.APPROVED
        yield replace(
            known,
            at=reward.decided_at,
            kind="reward_decided",
            what=str(said).format(reward=in_words(reward)),
            why=reward.decision_note,
            by=reward.decided_by,
            status=known_as,
        )


def _flags(reward: Reward) -> str:
    labels = ", ".join(label_of(reason.get("code", "")) for reason in reward.reasons)
    return _("Flagged: {labels}.").format(labels=labels) if labels else ""
