"""A mapping, tried on what arrived and on a sample, before it is kept."""

import json
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from rest_framework.exceptions import ParseError, ValidationError

from referral_factory.admin_base import long_text, one_line
from referral_factory.bodies import loads
from referral_factory.wire import flat_errors
from webhooks.models import Source
from webhooks.source_inputs import MappingInput
from webhooks.source_serializers import body_text
from webhooks.sources import mapping
from webhooks.sources.previewing import preview, sent_as_sample, sent_by
from webhooks.sources.refusing import told
from webhooks.sources.services import change_source

MAY = "webhooks.change_source"
SEES = "webhooks.view_arrival"  # what arrived, and who it is about
LAST = 5  # bodies that a mapping is tried on
SHOWN = 2000  # characters of each

EXAMPLE = {
    "when": 'body.type == "order.paid"',
    "event_id": "body.id",
    "name": '"purchase"',
    "participant": {"external_id": "body.customer.id"},
    "occurred_at": "body.paid_at",
    "amount": "body.total",
    "currency": "body.currency",
}


class MappingForm(forms.Form):
    mapping = forms.CharField(
        widget=long_text(attrs={"spellcheck": "false", "class": "rf-code"}),
        required=False,
        help_text=(
            "A JSON object: each field of an event, and the expression that gives it"
            " from body, headers and query. Empty: bodies are events as they are."
        ),
    )
    sample = forms.CharField(
        label="A sample to try it on (optional)",
        required=False,
        max_length=20_000,
        widget=long_text(attrs={"rows": 6, "spellcheck": "false"}),
    )
    content_type = forms.CharField(
        label="Its content type", initial="application/json", widget=one_line()
    )

    def __init__(self, source: Source, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.source = source
        kept = mapping.in_order(source.mapping) or EXAMPLE
        self.initial.setdefault("mapping", json.dumps(kept, indent=2))

    def clean_mapping(self) -> dict[str, Any]:
        text = self.cleaned_data["mapping"].strip()
        if not text:
            return {}
        try:
            given = loads(text.encode("utf-8", "replace"))
            rules: dict[str, Any] = MappingInput.read(given)
        except ParseError as error:
            raise forms.ValidationError(str(error.detail)) from error
        except ValidationError as error:
            raise forms.ValidationError(
                [f"{at.lstrip('/')}: {said}" for at, said in flat_errors(error.detail)]
            ) from error
        faults = mapping.faults_in(rules, self.source.verification)
        if faults:
            raise forms.ValidationError([told(fault) for fault in faults])
        return rules


def mapping_page(
    model_admin: "ModelAdmin[Source]", request: HttpRequest, key: UUID
) -> HttpResponse:
    """GET and "try" change nothing; "keep" saves the mapping."""
    if not request.user.has_perm(MAY):
        raise PermissionDenied
    rows = model_admin.get_queryset(request).select_related("campaign")
    source = get_object_or_404(rows, pk=key)
    form = MappingForm(source, request.POST if request.method == "POST" else None)
    back = reverse("admin:webhooks_source_change", args=[source.pk])
    if request.method == "POST" and form.is_valid() and "keep" in request.POST:
        change_source(source, mapping=form.cleaned_data["mapping"])
        model_admin.log_change(request, source, "Changed the mapping.")
        messages.success(request, f"The mapping of {source} is kept.")
        return HttpResponseRedirect(back)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": source,
        "title": f"Mapping of {source}",
        "source": source,
        "form": form,
        "back": back,
        "tries": _tries(source, form, arrived=request.user.has_perm(SEES)),
    }
    return TemplateResponse(request, "admin/webhooks/mapping.html", context)


def _tries(source: Source, form: MappingForm, *, arrived: bool) -> list[dict[str, Any]]:
    """What the sample and the last bodies would become."""
    if form.is_bound and not form.is_valid():
        return []
    rules = form.cleaned_data["mapping"] if form.is_bound else source.mapping
    found = []
    if form.is_bound and form.cleaned_data["sample"]:
        text = form.cleaned_data["sample"]
        named = {"body": text, "content_type": form.cleaned_data["content_type"]}
        came = preview(source.campaign, source, sent_as_sample(named), rules)
        found.append(_try("The sample", text, came))
    last = LAST if arrived else 0
    for arrival in source.arrivals.exclude(body=None).order_by("-id")[:last]:
        came = preview(source.campaign, source, sent_by(arrival), rules)
        found.append(_try(arrival, body_text(arrival) or "", came))
    return found


def _try(what: Any, body: str, came: dict[str, Any]) -> dict[str, Any]:
    event = came["event"]
    kept = {k: v for k, v in (event or {}).items() if v not in (None, {})}
    return {
        "what": what,
        "body": body[:SHOWN],
        "came": came,
        "event": json.dumps(kept, indent=2, ensure_ascii=False) if event else "",
    }
