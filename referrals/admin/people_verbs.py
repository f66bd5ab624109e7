"""What a member of staff can do to a person: verbs, each a service with a form."""

from typing import Any

from django import forms

from referral_factory.admin_base import one_line, tick
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.ids import InvalidId, from_public
from referral_factory.templatetags.admin_words import moment
from referrals.models import Participant
from referrals.search import people
from referrals.services.codes import (
    CHOSEN,
    CHOSEN_IN_WORDS,
    LONGEST,
    SHORTEST,
    rotate_code,
)
from referrals.services.erasing import erase_participant
from referrals.services.merging import merge_participants
from referrals.services.participants import block_participant, unblock_participant

Status = Participant.Status
SURE = "erase"


class CodeForm(forms.Form):
    code = forms.RegexField(
        CHOSEN,
        min_length=SHORTEST,
        max_length=LONGEST,
        widget=one_line(),
        help_text=f"{CHOSEN_IN_WORDS} No two people have the same.",
        error_messages={"invalid": CHOSEN_IN_WORDS},
    )
    keep_old = forms.BooleanField(
        label="Links with the old code go on working",
        required=False,
        initial=True,
        widget=tick(),
    )


class MergeForm(forms.Form):
    other = forms.CharField(
        label="The other row of this person",
        max_length=254,
        widget=one_line(),
        help_text="Its e-mail, external id, code or ptc_…, in the same campaign.",
    )

    def find_beside(self, kept: Participant) -> Participant | None:
        """The one other person that is meant; none, with the reason in the form."""
        found = _meant(self.cleaned_data["other"].strip(), kept)
        if len(found) == 1:
            return found[0]
        why = "Nobody else" if not found else "More than one other person"
        self.add_error("other", f"{why} of this campaign answers to that.")
        return None


class EraseForm(forms.Form):
    sure = forms.CharField(
        label=f"Type “{SURE}” to go on",
        max_length=20,
        widget=one_line(attrs={"autocomplete": "off"}),
    )

    def clean_sure(self) -> str:
        if str(self.cleaned_data["sure"]).strip().lower() != SURE:
            raise forms.ValidationError(f"It takes the word {SURE}: this is for ever.")
        return SURE


def _meant(text: str, kept: Participant) -> list[Participant]:
    try:
        keys = [from_public(Participant.PREFIX, text)]
    except InvalidId:
        keys = people(text)
    others = Participant.objects.filter(pk__in=keys, campaign=kept.campaign_id)
    found = list(others.exclude(pk=kept.pk).exclude(status=Status.ERASED)[:50])
    whole = [each for each in found if text in {each.email, each.external_id}]
    return whole or found


def side_by_side(kept: Participant, other: Participant) -> list[tuple[str, Any, Any]]:
    """What two rows say, so that a person can judge whether they are one."""
    names = [
        ("Id", "public_id"),
        ("Name", "name"),
        ("E-mail", "email"),
        ("External id", "external_id"),
        ("Status", "status"),
        ("Code", "code"),
        ("Source", "source"),
    ]
    return [
        *((label, getattr(kept, name), getattr(other, name)) for label, name in names),
        ("Enrolled", moment(kept.created_at), moment(other.created_at)),
        ("Referrals", _number(kept.referrals), _number(other.referrals)),
        ("Rewards", _number(kept.rewards), _number(other.rewards)),
    ]


def _number(rows: Any) -> str:
    count = rows.all()[:101].count()
    return "more than 100" if count > 100 else str(count)


def block(row: Participant, asked: Asked) -> str:
    block_participant(row)
    return "blocked"


def unblock(row: Participant, asked: Asked) -> str:
    unblock_participant(row)
    return "unblocked"


def rotate(row: Participant, asked: Asked) -> str:
    rotate_code(row, wall=asked.wall)
    return "given a new code"


def choose(row: Participant, asked: Asked) -> str:
    given = asked.given
    rotate_code(row, wall=asked.wall, code=given["code"], keep_old=given["keep_old"])
    return "given the chosen code"


def merge(row: Participant, asked: Asked) -> str:
    other = Participant.objects.get(pk=from_public("ptc", asked.given["other"]))
    merge_participants(row, other, by=asked.by, wall=asked.wall)
    return "merged"


def erase(row: Participant, asked: Asked) -> str:
    erase_participant(row, wall=asked.wall)
    return "erased"


def lives(person: Participant) -> bool:
    return person.status != Status.ERASED


CHANGE = "referrals.change_participant"
BLOCK = Verb(
    "block",
    "Block",
    CHANGE,
    block,
    suits=lambda person: person.status == Status.ACTIVE,
    explains="They can neither refer nor be rewarded until somebody unblocks them.",
    several=True,
    grave=True,
)
UNBLOCK = Verb(
    "unblock",
    "Unblock",
    CHANGE,
    unblock,
    suits=lambda person: person.status == Status.BLOCKED,
    explains="They can refer and be rewarded again.",
    several=True,
)
ROTATE = Verb(
    "rotate-code",
    "New code",
    CHANGE,
    rotate,
    suits=lives,
    explains="They get a new random code and link. The old ones stop working at once, "
    "and nobody else ever gets them.",
)
CHOOSE = Verb(
    "choose-code",
    "Choose a code",
    CHANGE,
    choose,
    CodeForm,
    suits=lives,
    explains="A code that can be read out, such as ADA10.",
)
MERGE = Verb(
    "merge",
    "Merge",
    CHANGE,
    merge,
    MergeForm,
    suits=lives,
    explains="Two rows turn out to be one person. You see both before you decide.",
)
ERASE = Verb(
    "erase",
    "Erase",
    "referrals.delete_participant",
    erase,
    EraseForm,
    suits=lives,
    explains="Name, mailbox, attributes and every trace of the person are removed from "
    "everything, for ever. Numbers, referrals and rewards stay. The same mailbox "
    "cannot earn a first reward again.",
    grave=True,
)
VERBS = (CHOOSE, ROTATE, MERGE, UNBLOCK, BLOCK, ERASE)
