"""What staff can do to rewards: each a service, with the form that it needs."""

from typing import Any

from django import forms

from referral_factory.admin_base import NoteForm, ReasonForm, one_line
from referral_factory.admin_verbs import Asked, Verb
from rewards.models import Reward
from rewards.services.issuing import cancel_reward, claw_back_reward, issue_reward
from rewards.services.reviewing import approve_reward, reject_reward, reopen_reward

Status = Reward.Status
FIRST_OF_TWO = "given the first of 2 approvals; another person must give the second"


class RejectForm(ReasonForm):
    REASONS = (
        "Advocate and friend are the same person",
        "The purchase was not genuine",
        "The friend was a customer before",
        "Against the terms of the campaign",
    )


class TakeBackForm(ReasonForm):
    REASONS = (
        "The purchase was refunded",
        "Issued by mistake",
        "Against the terms of the campaign",
    )


class WhyForm(forms.Form):
    note = forms.CharField(max_length=500, label="Why", widget=one_line())


class IssueForm(forms.Form):
    reference = forms.CharField(
        max_length=200,
        widget=one_line(),
        help_text="Of the payment or voucher, as your own books call it.",
    )


def approve(row: Reward, asked: Asked) -> str:
    decided = approve_reward(row, by=asked.by, wall=asked.wall, note=asked.note)
    return "approved" if decided.status == Status.APPROVED else FIRST_OF_TWO


def reject(row: Reward, asked: Asked) -> str:
    reject_reward(row, by=asked.by, wall=asked.wall, note=asked.note)
    return "rejected"


def reopen(row: Reward, asked: Asked) -> str:
    reopen_reward(row, by=asked.by, wall=asked.wall, note=asked.note)
    return "put back into the queue"


def issue(row: Reward, asked: Asked) -> str:
    issue_reward(row, by=asked.by, wall=asked.wall, reference=asked.given["reference"])
    return "issued"


def cancel(row: Reward, asked: Asked) -> str:
    cancel_reward(row, by=asked.by, wall=asked.wall, note=asked.note)
    return "cancelled"


def claw_back(row: Reward, asked: Asked) -> str:
    claw_back_reward(row, by=asked.by, wall=asked.wall, note=asked.note)
    return "clawed back"


def is_in(*statuses: str) -> Any:
    return lambda reward: reward.status in statuses


APPROVE = Verb(
    "approve",
    "Approve",
    "rewards.review_reward",
    approve,
    NoteForm,
    suits=is_in(Status.FLAGGED),
    explains="It may be issued then. Above the campaign's limit it takes two people.",
    several=True,
)
REJECT = Verb(
    "reject",
    "Reject",
    "rewards.review_reward",
    reject,
    RejectForm,
    suits=is_in(Status.FLAGGED),
    explains="It will not be issued. It can be reopened later, with a reason.",
    several=True,
    grave=True,
)
REOPEN = Verb(
    "reopen",
    "Reopen",
    "rewards.review_reward",
    reopen,
    WhyForm,
    suits=is_in(Status.REJECTED),
    explains="It goes back into the review queue.",
)
ISSUE = Verb(
    "issue",
    "Issue",
    "rewards.issue_reward",
    issue,
    IssueForm,
    suits=is_in(Status.APPROVED),
    explains="Record that it was handed over. Your systems hear of it at once.",
    several=True,
)
CANCEL = Verb(
    "cancel",
    "Cancel",
    "rewards.issue_reward",
    cancel,
    WhyForm,
    suits=is_in(Status.APPROVED, Status.WAITING, Status.FAILED),
    explains="It ends here and is never issued.",
    grave=True,
)
CLAW_BACK = Verb(
    "claw-back",
    "Claw back",
    "rewards.issue_reward",
    claw_back,
    TakeBackForm,
    suits=is_in(Status.ISSUED),
    explains="Take back, whole, what was issued. This cannot be undone.",
    several=True,
    grave=True,
)
