"""People: found by what one knows of them, blocked and unblocked."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from referral_factory.admin_base import COLOURS, Admin, InfinitePaginator, display
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.templatetags.admin_words import moment
from referrals.counts import COUNTS, with_counts
from referrals.models import Participant
from referrals.search import people
from referrals.services.participants import block_participant, unblock_participant

Status = Participant.Status


def block(row: Participant, asked: Asked) -> str:
    block_participant(row)
    return "blocked"


def unblock(row: Participant, asked: Asked) -> str:
    unblock_participant(row)
    return "unblocked"


BLOCK = Verb(
    "block",
    "Block",
    "referrals.change_participant",
    block,
    suits=lambda person: person.status == Status.ACTIVE,
    explains="They can neither refer nor be rewarded until somebody unblocks them.",
    several=True,
    grave=True,
)
UNBLOCK = Verb(
    "unblock",
    "Unblock",
    "referrals.change_participant",
    unblock,
    suits=lambda person: person.status == Status.BLOCKED,
    explains="They can refer and be rewarded again.",
    several=True,
)


@admin.register(Participant)
class ParticipantAdmin(Admin):
    names = ("participant", "participants")
    verbs = (BLOCK, UNBLOCK)
    list_display = ("who", "email", "external_id", "state", "code", "campaign", "since")
    list_display_links = ("who",)
    list_filter = ("status", "campaign")
    list_select_related = ("campaign",)
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = "Start of an e-mail or external id, a code, or ptc_…"
    empty = "Your backend enrols people by POST /api/v1/participants."
    after_template = "admin/referrals/participant.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "campaign"),
                    ("email", "external_id"),
                    ("code", "share"),
                    ("source", "joined"),
                    "customer",
                    ("address", "user_agent"),
                    "attributes",
                )
            },
        ),
    )
    readonly_fields = ("share", "joined", "customer")

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(pk__in=people(term).values("pk"))

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        counted = with_counts(Participant.objects.filter(pk=row.pk)).get()
        numbers = [(name, getattr(counted, f"{name}_count")) for name in COUNTS]
        people = ("advocate", "friend")
        return {
            **super().row_context(request, row),
            "numbers": numbers,
            "came_by": list(row.referred_by.select_related(*people)),
            "referrals": list(row.referrals.select_related(*people)[:50]),
            "rewards": list(row.rewards.select_related("recipient")[:50]),
        }

    @display(description="Participant")
    def who(self, person: Participant) -> str:
        return str(person)

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, person: Participant) -> tuple[str, str]:
        return (person.status, person.get_status_display())

    @display(description="Enrolled", ordering="id")
    def since(self, person: Participant) -> str:
        return moment(person.created_at)

    @display(description="Link")
    def share(self, person: Participant) -> str:
        return person.link

    @display(description="Enrolled")
    def joined(self, person: Participant) -> str:
        return moment(person.created_at)

    @display(description="Customer since")
    def customer(self, person: Participant) -> str:
        return moment(person.customer_since)
