"""People: found by what one knows of them, with all that hangs on each."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import get_content_type_for_model
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse

from referral_factory.admin_base import COLOURS, Admin, InfinitePaginator, display
from referral_factory.admin_filters import Among, AmongRows
from referral_factory.admin_verbs import Verb
from referral_factory.templatetags.admin_words import moment
from referrals.admin.people_filters import (
    ConfirmedFilter,
    EnrolledFilter,
    ReferredFilter,
    SourceFilter,
)
from referrals.admin.people_verbs import MERGE, VERBS, MergeForm, side_by_side
from referrals.counts import COUNTS, with_counts
from referrals.models import Participant
from referrals.search import people
from referrals.tree import tree_of

SHOWN = 50  # of each kind of rows that hang on somebody


@admin.register(Participant)
class ParticipantAdmin(Admin):
    names = ("participant", "participants")
    verbs = VERBS
    list_display = ("who", "email", "external_id", "state", "code", "campaign", "since")
    list_display_links = ("who",)
    list_filter = (
        ("campaign", AmongRows),
        ("status", Among),
        SourceFilter,
        ("created_at", EnrolledFilter),
        ReferredFilter,
        ConfirmedFilter,
    )
    list_filter_submit = True
    list_select_related = ("campaign",)
    ordering = ("-created_at", "-id")
    sortable_by = ("since",)  # the rest would sort everybody to show fifty
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = "Start of an e-mail or external id; a code, also an old one"
    empty = "Your backend enrols people by POST /api/v1/participants."
    after_template = "admin/referrals/participant.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "campaign"),
                    ("email", "external_id"),
                    ("source", "joined"),
                    ("confirmed", "customer"),
                    ("address", "user_agent"),
                )
            },
        ),
    )
    readonly_fields = ("joined", "confirmed", "customer")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An address that asks for an order that has no index is not obeyed."""
        column = 1 + self.list_display.index("since")  # after the box to tick
        if request.GET.get("o", "").lstrip("-") not in {"", str(column)}:
            asked = request.GET.copy()
            del asked["o"]
            request.GET = QueryDict(asked.urlencode())
        return super().changelist_view(request, extra_context)

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(pk__in=people(term, among=queryset))

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """With their id for a name: the log outlives the person."""
        return LogEntry.objects.create(
            user_id=int(request.user.pk or 0),
            content_type_id=get_content_type_for_model(obj).pk,
            object_id=obj.pk,
            object_repr=obj.public_id,
            action_flag=CHANGE,
            change_message=message,
        )

    def verb_view(
        self, request: HttpRequest, object_id: str, verb: Verb
    ) -> HttpResponse:
        """As of any verb; before a merge, both people are shown side by side."""
        if verb is not MERGE or request.method != "POST" or "sure" in request.POST:
            return super().verb_view(request, object_id, verb)
        row = self.get_object(request, unquote(object_id))
        if row is None or not verb.allowed(request):
            return super().verb_view(request, object_id, verb)
        form = MergeForm(request.POST)
        other = form.find_beside(row) if form.is_valid() else None
        back = self.address(row)
        if other is None:
            return self._ask(request, verb, [row], form, back)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Merge: {row} and {other}",
            "original": row,
            "compared": side_by_side(row, other),
            "row": row,
            "other": other,
            "back": back,
        }
        return TemplateResponse(request, "admin/referrals/merge.html", context)

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        counted = with_counts(Participant.objects.filter(pk=row.pk)).get()
        return {
            **super().row_context(request, row),
            "numbers": [(name, getattr(counted, f"{name}_count")) for name in COUNTS],
            "tree": tree_of(row),
            **_rows_of(row),
        }

    @display(description="Participant")
    def who(self, person: Participant) -> str:
        return str(person)

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, person: Participant) -> tuple[str, str]:
        return (person.status, person.get_status_display())

    @display(description="Enrolled", ordering="created_at")
    def since(self, person: Participant) -> str:
        return moment(person.created_at)

    @display(description="Enrolled")
    def joined(self, person: Participant) -> str:
        return moment(person.created_at)

    @display(description="Mailbox confirmed")
    def confirmed(self, person: Participant) -> str:
        return moment(person.confirmed_at)

    @display(description="Customer since")
    def customer(self, person: Participant) -> str:
        return moment(person.customer_since)


def _rows_of(person: Participant) -> dict[str, Any]:
    """What hangs on somebody, the newest SHOWN of each kind: a query for each."""
    pair = ("advocate", "friend")
    rows: dict[str, QuerySet[Any]] = {
        "came_by": person.referred_by.select_related(*pair),
        "referrals": person.referrals.select_related(*pair),
        "refused": person.refused_claims.select_related("advocate"),
        "events": person.events.order_by("-id"),
        "rewards": person.rewards.select_related("recipient"),
        "consents": person.consents.select_related("text").order_by("-id"),
        "former_codes": person.former_codes.order_by("-retired_at"),
        "invitations": person.invitations.order_by("-id"),
        "merged": person.merged.order_by("-id"),
    }
    return {name: list(found[:SHOWN]) for name, found in rows.items()}
