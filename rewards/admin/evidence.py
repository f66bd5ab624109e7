"""All that a person should see before they decide about a reward, gathered once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from referral_factory.admin_verbs import sums
from referrals.models import Event, Referral, RefusedClaim
from referrals.services.explaining import refused_claims
from referrals.timelines import Entry
from rewards.models import Reward
from rewards.services.reviewing import approvals_needed
from rewards.telling import label_of, steps

Status = Reward.Status

AT_STAKE = {
    Status.PENDING,
    Status.FLAGGED,
    Status.APPROVED,
    Status.WAITING,
    Status.ISSUING,
    Status.FAILED,
    Status.ISSUED,
}


@dataclass(frozen=True)
class Compared:
    """One thing that both people have, side by side."""

    name: str
    advocate: str | None
    friend: str | None
    same: bool


@dataclass(frozen=True)
class Evidence:
    reward: Reward
    referral: Referral
    compared: list[Compared]
    reasons: list[dict[str, Any]]
    refused: list[RefusedClaim]  # what others said about the friend, newest first
    events: list[Event]
    rewards: list[Reward]  # all of the referral
    history: list[Entry]
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


def gather(reward: Reward, *, wall: datetime) -> Evidence:
    """Everything in a fixed number of queries."""
    referral = reward.referral
    return Evidence(
        reward=reward,
        referral=referral,
        compared=_compare(referral),
        reasons=[_readable(reason) for reason in reward.reasons],
        refused=refused_claims(referral.friend),
        events=list(referral.events.order_by("occurred_at", "id")),
        rewards=list(referral.rewards.select_related("recipient").order_by("id")),
        history=sorted(steps(reward), key=attrgetter("at")),
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
        *_visits(
            ("Enrolled from", "Enrolled with"),
            (one.address, one.user_agent),
            (other.address, other.user_agent),
        ),
        *_visits(
            ("Clicked from", "Clicked with"),
            (one.address, one.user_agent),
            (referral.click_address, referral.click_user_agent),
            clicked=True,
        ),
    ]


def _pair(
    name: str, one: str | None, other: str | None, telling: bool = True
) -> Compared:
    return Compared(name, one, other, telling and bool(one) and one == other)


def _visits(
    names: tuple[str, str],
    advocates: tuple[str | None, str],
    friends: tuple[str | None, str],
    *,
    clicked: bool = False,
) -> list[Compared]:
    """An address, and the browser there. Many have one browser: alone it tells nothing.

    Only friends click; what tells is whether it was from where the advocate enrolled.
    """
    same = bool(friends[0]) and friends[0] == advocates[0]
    both = same and friends[1] == advocates[1]
    shown = (None, None) if clicked and not same else advocates
    return [
        Compared(names[0], shown[0], friends[0], same),
        Compared(names[1], shown[1], friends[1], both),
    ]


def _readable(reason: dict[str, Any]) -> dict[str, Any]:
    seen = reason.get("evidence") or {}
    return {
        "label": label_of(str(reason.get("code", ""))),
        "detail": reason.get("detail", ""),
        "evidence": [(name.replace("_", " "), seen[name]) for name in seen],
    }
