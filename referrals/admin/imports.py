"""Imports: a file is uploaded, looked at, mapped, checked, and run."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST, require_safe

from referral_factory.admin_base import (
    COLOURS,
    Admin,
    InfinitePaginator,
    display,
    one_file,
    select,
)
from referral_factory.admin_verbs import Asked, Verb, actor
from referral_factory.errors import DomainError
from referral_factory.templatetags.admin_words import counted, moment
from referral_factory.uploads import PIECE
from referrals.fault_files import fault_file
from referrals.files.columns import Columns
from referrals.files.kinds import columns_of
from referrals.import_serializers import ImportSerializer, percent, sample_of
from referrals.models import Campaign, Import
from referrals.services.imports import (
    cancel_import,
    change_mapping,
    check_import,
    receive_file,
    run_import,
)

Status = Import.Status
BUSY = (Status.CHECKING, Status.RUNNING)
OPEN = (Status.UPLOADED, Status.CHECKING, Status.CHECKED)  # may still be mapped
SHOWN_FAULTS = 50
LABELS = {
    "external_id": "External id",
    "email": "E-mail",
    "name": "Name",
    "first_name": "First name",
    "last_name": "Last name",
    "customer_since": "Customer since",
    "referred_by.participant": "Referred by: participant id",
    "referred_by.external_id": "Referred by: external id",
    "referred_by.email": "Referred by: e-mail",
    "referred_by.code": "Referred by: code",
    "event_id": "Event id",
    "participant.id": "Participant: id",
    "participant.external_id": "Participant: external id",
    "participant.email": "Participant: e-mail",
    "participant.code": "Participant: code",
    "occurred_at": "Occurred at",
    "amount": "Amount",
    "currency": "Currency",
    "reverses": "Takes back the event",
}
GROUPS = {"attributes.": "Attribute", "properties.": "Property"}
KINDS = {Import.Kind.PARTICIPANTS: "People", Import.Kind.EVENTS: "Events"}
COUNTS = ("created", "updated", "unchanged", "failed")


class UploadForm(forms.ModelForm):
    kind = forms.ChoiceField(
        choices=KINDS.items(),
        widget=select(),
        label="Its rows are",
        initial=Import.Kind.PARTICIPANTS,
    )
    campaign = forms.ModelChoiceField(
        Campaign.objects.exclude(status=Campaign.Status.DRAFT).order_by("name"),
        widget=select(),
        help_text="Only live ones take people; those that are paused or ended still "
        "take events.",
    )
    file = forms.FileField(
        widget=one_file(attrs={"accept": ".csv,.tsv,.txt,text/csv"}),
        allow_empty_file=True,
        help_text="CSV of any size, with the names of its columns in the first row. "
        "It is checked first; nothing is done before you say so.",
    )

    class Meta:
        model = Import
        fields = ("kind", "campaign")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        campaign = cleaned.get("campaign")
        people = cleaned.get("kind") == Import.Kind.PARTICIPANTS
        if people and campaign and campaign.status != Campaign.Status.LIVE:
            self.add_error("campaign", f"It is {campaign.status}: it takes no people.")
        return cleaned


class MappingForm(forms.Form):
    """A choice for each column of the file."""

    def __init__(self, *args: Any, received: Import, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.received, columns = received, columns_of(received)
        known = [(field, LABELS[field]) for field in columns.spellings]
        group = GROUPS[columns.open_group]
        for number, column in enumerate(received.header):
            choices = [("", "Not read"), *known]
            if field := open_field(column, columns):
                choices.append((field, f"{group}: {column}"))
            chosen = received.mapping.get(column, "")
            if chosen and chosen not in dict(choices):
                choices.append((chosen, chosen))
            self.fields[f"column{number}"] = forms.ChoiceField(
                choices=choices,
                required=False,
                initial=chosen,
                label=column,
                widget=select(attrs={"aria-label": f"{column} is read as"}),
            )

    @property
    def mapping(self) -> dict[str, str]:
        given = [self.cleaned_data[name] for name in self.fields]
        pairs = zip(self.received.header, given, strict=True)
        return {column: field for column, field in pairs if field}


def open_field(column: str, columns: Columns) -> str | None:
    """Such a field as the column itself would name: attributes.plan."""
    field = columns.open_group + column.removeprefix(columns.open_group)
    return field if columns.is_open(field) else None


def run(row: Import, asked: Asked) -> str:
    run_import(row, wall=asked.wall)
    return "started"


def cancel(row: Import, asked: Asked) -> str:
    cancel_import(row, wall=asked.wall)
    return "cancelled"


RUN = Verb(
    "run",
    "Run",
    "referrals.change_import",
    run,
    suits=lambda received: received.status == Status.CHECKED,
    explains="Its people are enrolled, or its events recorded, in the background. Good "
    "rows are kept, bad ones can be downloaded, mended and uploaded again.",
)
CANCEL = Verb(
    "cancel",
    "Cancel",
    "referrals.change_import",
    cancel,
    suits=lambda received: received.status in {*OPEN, Status.RUNNING},
    explains="What is done already stays. The rest of the file is dropped.",
    grave=True,
)


@admin.register(Import)
class ImportAdmin(Admin):
    names = ("import", "imports")
    verbs = (RUN, CANCEL)
    form = UploadForm
    list_display = ("file", "rows", "state", "campaign", "far", "came", "bad", "since")
    list_display_links = ("file",)
    list_filter = ("kind", "status", "campaign")
    list_select_related = ("campaign",)
    ordering = ("-id",)
    paginator = InfinitePaginator
    empty = "Upload a CSV file of people or events, or send it to POST /api/v1/imports."
    after_template = "admin/imports/import.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("filename", "campaign"),
                    ("rows", "read_as"),
                    ("since", "who"),
                )
            },
        ),
    )
    add_fieldsets = ((None, {"fields": ("kind", "campaign", "file")}),)
    readonly_fields = ("rows", "read_as", "since", "who")

    class Media:
        js = ("admin_progress.js",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("referrals.add_import"))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fieldsets if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def get_urls(self) -> list[URLPattern]:
        pages = {
            "mapping": require_POST(self.mapping_view),
            "progress": require_safe(self.progress_view),
            "faults.csv": require_safe(self.faults_view),
        }
        ours = [
            path(
                f"<path:object_id>/{page}/",
                self.admin_site.admin_view(view),
                name=f"referrals_import_{page.partition('.')[0]}",
            )
            for page, view in pages.items()
        ]
        return [*ours, *super().get_urls()]

    # --- Uploading ---

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        file = form.cleaned_data["file"]
        received = receive_file(
            form.cleaned_data["campaign"],
            file.chunks(PIECE),
            filename=file.name,
            by=actor(request),
            kind=form.cleaned_data["kind"],
        )
        if columns_of(received).is_usable(received.mapping):
            check_import(received)
        obj.pk, obj.filename = received.pk, received.filename

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return HttpResponseRedirect(self.address(obj))

    # --- One import ---

    def row_context(self, request: HttpRequest, row: Import) -> dict[str, Any]:
        sample = sample_of(row)
        may_map = row.status in OPEN and request.user.has_perm(
            "referrals.change_import"
        )
        return {
            **super().row_context(request, row),
            **self._progress(row),
            "notes": ImportSerializer().get_notes(row),
            "columns": _columns(row, sample, MappingForm(received=row)),
            "may_map": may_map,
            "mapping_address": self._page("mapping", row),
            "sample": sample,
            "faults": list(row.faults.all()[:SHOWN_FAULTS]),
            "faults_address": self._page("faults", row),
        }

    def mapping_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._row(request, object_id, "referrals.change_import")
        form = MappingForm(request.POST, received=row)
        if not form.is_valid():
            messages.error(request, "Choose from the lists.")
            return HttpResponseRedirect(self.address(row))
        try:
            change_mapping(row, form.mapping)
        except DomainError as refusal:
            messages.error(request, str(refusal))
        else:
            self.log_change(request, row, "Changed what the columns mean.")
        return HttpResponseRedirect(self.address(row))

    def progress_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._row(request, object_id, "referrals.view_import")
        return TemplateResponse(
            request, "admin/imports/progress.html", {"row": row, **self._progress(row)}
        )

    def faults_view(self, request: HttpRequest, object_id: str) -> Any:
        row = self._row(request, object_id, "referrals.view_import")
        self.log_change(request, row, "Downloaded the rows with faults.")
        return fault_file(row)

    def _row(self, request: HttpRequest, object_id: str, permission: str) -> Import:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        row: Import | None = self.get_object(request, unquote(object_id))
        if row is None:
            raise Http404
        return row

    def _page(self, page: str, row: Import) -> str:
        return reverse(f"admin:referrals_import_{page}", args=[quote(row.pk)])

    def _progress(self, row: Import) -> dict[str, Any]:
        return {
            "busy": row.status in BUSY,
            "percent": percent(row),
            "counts": [(name, getattr(row, f"{name}_count")) for name in COUNTS],
            "progress_address": self._page("progress", row),
        }

    # --- Columns of the list ---

    @display(description="File")
    def file(self, received: Import) -> str:
        return str(received)

    @display(description="Kind", ordering="kind")
    def rows(self, received: Import) -> str:
        return KINDS[Import.Kind(received.kind)]

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, received: Import) -> tuple[str, str]:
        return (received.status, received.get_status_display())

    @display(description="Rows")
    def far(self, received: Import) -> SafeString | str:
        if received.status in BUSY:
            return format_html(
                "{} ({} %)", counted(received.done_rows), percent(received)
            )
        return counted(received.done_rows)

    @display(description="New · updated · as before")
    def came(self, received: Import) -> str:
        counts = (received.created_count, received.updated_count)
        return " · ".join(map(counted, (*counts, received.unchanged_count)))

    @display(description="Bad rows")
    def bad(self, received: Import) -> str:
        return counted(received.failed_count)

    @display(description="Uploaded", ordering="id")
    def since(self, received: Import) -> str:
        return moment(received.created_at)

    @display(description="Uploaded by")
    def who(self, received: Import) -> str:
        return received.made_by.removeprefix("user:").replace("key:", "API key ")

    @display(description="Read as")
    def read_as(self, received: Import) -> str:
        encoding = ImportSerializer().get_encoding(received)
        marks = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
        between = marks.get(received.delimiter, received.delimiter)
        return f"{encoding}, with {between} between columns"


def _columns(
    received: Import, sample: list[dict[str, Any]], form: MappingForm
) -> list[dict[str, Any]]:
    """For each column: its choice, and what stands in it in the first rows."""
    return [
        {
            "name": column,
            "field": field,
            "means": _meaning(received.mapping.get(column, "")),
            "cells": [row["cells"][n] for row in sample if n < len(row["cells"])][:3],
        }
        for n, (column, field) in enumerate(zip(received.header, form, strict=True))
    ]


def _meaning(field: str) -> str:
    for group, word in GROUPS.items():
        if field.startswith(group):
            return f"{word}: {field.removeprefix(group)}"
    return LABELS.get(field, "Not read")
