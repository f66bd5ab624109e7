"""All that a person should see before they decide about a reward, gathered once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from referral_factory.admin_verbs import sums
from referrals.models import Event, Referral
from rewards.models import Reward
from rewards.services.reviewing import approvals_needed

Status = Reward.Status

LABELS = {
    "same_address_and_agent": "Same address and browser",
    "similar_mailbox": "Similar mailboxes",
    "amount_over_limit": "Amount over the limit",
    "reopened": "Reopened",
}
AT_STAKE = {
    Status.PENDING,
    Status.FLAGGED,
    Status.APPROVED,
    Status.WAITING,
    Status.ISSUING,
    Status.FAILED,
    Status.ISSUED,
}
DECISIONS = {
    Status.REJECTED: "Rejected",
    Status.CLAWED_BACK: "Clawed back",
    Status.CANCELLED: "Last decided about",
}


@dataclass(frozen=True)
class Compared:
    """One thing that both people have, side by side."""

    name: str
    advocate: str | None
    friend: str | None
    same: bool


@dataclass(frozen=True)
class Moment:
    """Something that happened to a reward."""

    at: datetime
    what: str


@dataclass(frozen=True)
class Evidence:
    reward: Reward
    referral: Referral
    compared: list[Compared]
    reasons: list[dict[str, Any]]
    events: list[Event]
    rewards: list[Reward]  # all of the referral
    history: list[Moment]
    waiting: timedelta
    approvals_needed: int

    @property
    def approvals(self) -> int:
        """Of a reward in the queue: how many of those needed it has."""
        return 1 if self.reward.first_approver else 0

    @property
    def at_stake(self) -> list[str]:
        """What this referral has cost or still may, each currency by itself."""
        return sums(each for each in self.rewards if each.status in AT_STAKE)


def label_of(reason: dict[str, Any]) -> str:
    code = str(reason.get("code", ""))
    return LABELS.get(code, code.replace("_", " ").capitalize())


def gather(reward: Reward, *, wall: datetime) -> Evidence:
    """Everything in a fixed number of queries."""
    referral = reward.referral
    return Evidence(
        reward=reward,
        referral=referral,
        compared=_compare(referral),
        reasons=[_readable(reason) for reason in reward.reasons],
        events=list(referral.events.order_by("occurred_at", "id")),
        rewards=list(referral.rewards.select_related("recipient").order_by("id")),
        history=_history(reward),
        waiting=waiting_time(reward, wall),
        approvals_needed=approvals_needed(reward),
    )


def waiting_time(reward: Reward, wall: datetime) -> timedelta:
    """How long ago it was granted, by its campaign's clock."""
    return max(reward.campaign.now(wall) - reward.created_at, timedelta())


def _compare(referral: Referral) -> list[Compared]:
    one, other = referral.advocate, referral.friend
    return [
        _pair("Name", one.name, other.name),
        _pair("E-mail", one.email, other.email),
        _pair("External id", one.external_id, other.external_id),
        _pair("Status", one.get_status_display(), other.get_status_display(), False),
        _pair("Enrolled from", one.address, other.address),
        _pair("With browser", one.user_agent, other.user_agent),
        _visit("Clicked from", one.address, referral.click_address),
        _visit("With browser", one.user_agent, referral.click_user_agent),
    ]


def _pair(
    name: str, one: str | None, other: str | None, telling: bool = True
) -> Compared:
    return Compared(name, one, other, telling and bool(one) and one == other)


def _visit(name: str, advocates: str | None, clicked: str | None) -> Compared:
    """Only a friend clicks; it tells when it was from where the advocate enrolled."""
    return Compared(name, None, clicked, bool(clicked) and clicked == advocates)


def _readable(reason: dict[str, Any]) -> dict[str, Any]:
    seen = reason.get("evidence") or {}
    return {
        "label": label_of(reason),
        "detail": reason.get("detail", ""),
        "evidence": [(name.replace("_", " "), seen[name]) for name in seen],
    }


def _history(reward: Reward) -> list[Moment]:
    decision = DECISIONS.get(Status(reward.status), "Approved")
    happened = [
        (reward.created_at, "Granted"),
        (reward.decided_at, f"{decision} by {reward.decided_by}"),
        (reward.issued_at, f"Issued by {reward.issued_by}"),
        (reward.disputed_at, "Its referral stopped counting"),
    ]
    return sorted((Moment(at, what) for at, what in happened if at), key=_when)


def _when(moment: Moment) -> datetime:
    return moment.at
