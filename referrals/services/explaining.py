"""Why somebody was credited to an advocate, or to nobody: as it was stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from referrals.attribution import ORDER, Way
from referrals.models import (
    Campaign,
    Event,
    Invitation,
    MilestoneVersion,
    Participant,
    Referral,
    RefusedClaim,
)
from referrals.services.locks import names_as, names_of
from referrals.services.tombstones import erased_names
from referrals.telling import WAYS

MANY = 100  # of what there may be without end: the newest are shown


@dataclass(frozen=True)
class WayTried:
    """One way of the written order, and what it came to."""

    way: str
    outcome: str  # "credited", "agreed", "refused" or "nothing_given"
    detail: str


@dataclass(frozen=True)
class Story:
    """All that is known of who won one person for a campaign.

    `person` is None where nobody of the campaign has the name that was asked for.
    """

    person: Participant | None
    referral: Referral | None
    refused: Sequence[RefusedClaim]  # newest first
    invitations: Sequence[Invitation]  # of their mailbox, oldest first
    erased_before: bool

    @property
    def ways(self) -> list[WayTried]:
        return [self._tried(way) for way in ORDER]

    @property
    def summary(self) -> str:
        """What happened, in a sentence."""
        if self.person is None:
            return _of_nobody(self.invitations, erased=self.erased_before)
        if self.referral:
            return _of_credit(self.referral)
        return _of_no_credit(self.person, self.refused)

    def _tried(self, way: Way) -> WayTried:
        kept = self.referral.decision.get("ways", []) if self.referral else []
        outcome = {each["way"]: each["outcome"] for each in kept}.get(way.value)
        if self.referral and (outcome == "credited" or self.referral.way == way):
            return WayTried(way.value, "credited", f"Credited by {WAYS[way]}.")
        refused = next((each for each in self.refused if each.way == way), None)
        if refused:
            detail = f"{refused.reason}: {refused.detail}"
            return WayTried(way.value, "refused", detail)
        if outcome == "agreed":
            detail = "It led to the same advocate."
            return WayTried(way.value, "agreed", detail)
        return WayTried(way.value, "nothing_given", self._why_nothing(way))

    def _why_nothing(self, way: Way) -> str:
        if way != Way.INVITATION:
            return "Nothing was given."
        if not self.invitations:
            return "Nobody had invited their mailbox."
        return "Invitations count for who is new, by advocates who are active then."


def explain_person(person: Participant) -> Story:
    """Four queries, however much there is to tell."""
    return Story(
        person=person,
        referral=Referral.objects.filter(friend=person).first(),
        refused=refused_claims(person),
        invitations=_invitations(person.campaign, person.email_canonical),
        erased_before=_erased(person.campaign, names_of(person)),
    )


def refused_claims(person: Participant) -> list[RefusedClaim]:
    """What was said of who referred them and not credited, newest first."""
    claims = RefusedClaim.objects.filter(friend=person).select_related("advocate")
    return list(claims.order_by("-created_at", "-id")[:MANY])


def explain_nobody(
    campaign: Campaign, *, mailbox: str | None, external_id: str | None
) -> Story:
    """What there is to say about a name that nobody of the campaign has."""
    return Story(
        person=None,
        referral=None,
        refused=[],
        invitations=_invitations(campaign, mailbox),
        erased_before=_erased(campaign, names_as(external_id, mailbox)),
    )


def rules_of(events: Sequence[Event]) -> dict[int, Any]:
    """What the rules said at each version that these events of one campaign were
    judged by. 1 query."""
    versions = {event.rules_version for event in events}
    kept = MilestoneVersion.objects.filter(
        campaign__in={event.campaign_id for event in events}, version__in=versions
    )
    return dict(kept.values_list("version", "terms"))


def _erased(campaign: Campaign, names: Collection[str]) -> bool:
    return bool(names) and bool(erased_names(campaign, names))


def _invitations(campaign: Campaign, mailbox: str | None) -> list[Invitation]:
    if not mailbox:
        return []
    rows = Invitation.objects.filter(campaign=campaign, email_canonical=mailbox)
    return list(rows.order_by("created_at", "id")[:MANY])


def _of_nobody(invitations: Sequence[Invitation], *, erased: bool) -> str:
    said = ["Nobody of this campaign has this name"]
    if invitations:
        first = invitations[0]
        said.append(
            f"the mailbox was invited first on {first.created_at:%Y-%m-%d}, "
            f"and waits to be enrolled"
        )
    if erased:
        said.append("somebody who had it was erased")
    return "; ".join(said) + "."


def _of_credit(referral: Referral) -> str:
    marks = ", ".join(mark["code"] for mark in referral.marks)
    return (
        f"Credited on {referral.created_at:%Y-%m-%d} by {WAYS[referral.way]}; "
        f"the referral is {referral.status}"
        + (f", and in doubt ({marks})." if marks else ".")
    )


def _of_no_credit(person: Participant, refused: Sequence[RefusedClaim]) -> str:
    if person.merged_into_id:
        return "Nobody was credited: this row was merged into somebody else's."
    if not refused:
        return "Nobody was credited: nothing said who referred them."
    strongest = min(refused, key=lambda each: ORDER.index(Way(each.way)))
    return (
        f"Nobody was credited: each claim was refused ({len(refused)} in all), the "
        f"strongest by {strongest.way} as {strongest.reason}. {strongest.detail}"
    )
