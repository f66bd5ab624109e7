"""E-mail for staff: the wording of each campaign, tried out while it is written, and
what was sent."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse

from referral_factory import mail_server
from referral_factory.admin_base import (
    COLOURS,
    Admin,
    InfinitePaginator,
    display,
    long_text,
    one_line,
    select,
)
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.errors import InvalidInput
from referral_factory.mail import texts
from referral_factory.mail.models import Audience, Email, EmailTemplate, Kind, Outage
from referral_factory.mail.rendering import check_text
from referral_factory.mail.sending import retry_email
from referral_factory.mail.templates import Wording, preview, write_template
from referral_factory.templatetags.admin_words import NOTHING, moment
from referrals.search import people

Status = Email.Status


def state_of_mail() -> dict[str, Any]:
    """Whether anything is sent at all: on every page about e-mail."""
    return {"mail_is_on": mail_server.is_set_up(), "outage": Outage.objects.first()}


class WordingForm(forms.ModelForm):
    subject = forms.CharField(
        max_length=200,
        required=False,
        widget=one_line(),
        help_text="Empty: our own.",
    )
    body = forms.CharField(
        max_length=5000,
        required=False,
        widget=long_text(),
        help_text="An empty line begins a paragraph. {confirm} or {portal} alone in "
        "one becomes a button. Empty: our own.",
    )
    audience = forms.ChoiceField(
        label="Who gets it",
        choices=Audience.choices,
        required=False,
        widget=select(),
        help_text="Everybody is also those whom your backend or an import enrols.",
    )

    class Meta:
        model = EmailTemplate
        fields = ("audience", "subject", "body")

    def clean_audience(self) -> str:
        return str(self.cleaned_data.get("audience") or self.instance.audience)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        try:
            check_text(
                self.instance.kind, given.get("subject", ""), given.get("body", "")
            )
        except InvalidInput as refusal:
            self.add_error(refusal.pointer.removeprefix("/"), str(refusal))
        return given


class NewForm(forms.ModelForm):
    """Which one it is; its words are filled in for changing on the next page."""

    class Meta:
        model = EmailTemplate
        fields = ("campaign", "kind")


@admin.register(EmailTemplate)
class EmailTemplateAdmin(Admin):
    names = ("e-mail text", "e-mail texts")
    form = WordingForm
    list_display = ("says", "campaign", "who", "words", "changed")
    list_filter = ("campaign", "kind")
    list_select_related = ("campaign",)
    ordering = ("-id",)
    empty = "Every campaign sends our own words until you write others."
    after_template = "admin/mail/preview.html"
    list_before_template = "admin/mail/notice.html"
    change_form_before_template = "admin/mail/notice.html"

    class Media:
        js = ("admin_email.js",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("mail.add_emailtemplate"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("mail.change_emailtemplate"))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        if obj is None:
            kwargs["form"] = NewForm
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        which = ("campaign", "kind")
        if obj is None:
            return ((None, {"fields": (which,)}),)
        asked = () if obj.kind == Kind.CONFIRMATION else ("audience",)
        return ((None, {"fields": (which, *asked, "subject", "body")}),)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["campaign", "kind"] if obj else []

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        ours = texts.default(obj.kind)
        given = (
            Wording(obj.audience, obj.subject, obj.body)
            if change
            else Wording(Audience.JOINED, ours.subject, ours.body)
        )
        written, _ = write_template(obj.campaign, Kind(obj.kind), given)
        obj.pk = written.pk

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        """On to its words, whichever button was pressed."""
        messages.success(request, "It starts with our own words: change them here.")
        return HttpResponseRedirect(self.address(obj))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {**state_of_mail(), **(extra_context or {})}
        )

    def add_view(
        self,
        request: HttpRequest,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        return super().add_view(
            request, form_url, {**state_of_mail(), **(extra_context or {})}
        )

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {
            **super().row_context(request, row),
            **state_of_mail(),
            "placeholders": sorted(texts.PLACEHOLDERS[Kind(row.kind)]),
            "preview_address": reverse(self._name("preview"), args=[row.pk]),
            "preview": preview_page(row, row.subject, row.body),
        }

    def get_urls(self) -> list[URLPattern]:
        tried = path(
            "<path:object_id>/preview/",
            self.admin_site.admin_view(self.preview_view),
            name=self._name("preview").removeprefix("admin:"),
        )
        return [tried, *super().get_urls()]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The page of a text that was not saved yet, for the frame beside the form."""
        row = self.get_object(request, object_id)
        if not self.has_view_or_change_permission(request, row):
            raise PermissionDenied
        if row is None or request.method != "POST":
            raise Http404
        subject = request.POST.get("subject", "")[:200]
        return HttpResponse(
            preview_page(row, subject, request.POST.get("body", "")[:5000])
        )

    @display(description="E-mail", ordering="kind")
    def says(self, row: EmailTemplate) -> str:
        return row.get_kind_display()

    @display(description="Who gets it")
    def who(self, row: EmailTemplate) -> str:
        asks = row.kind == Kind.CONFIRMATION
        return "Whoever asks to join" if asks else row.get_audience_display()

    @display(description="Words", label={"own": "info"})
    def words(self, row: EmailTemplate) -> tuple[str, str]:
        ours = texts.default(row.kind)
        differs = row.subject not in {"", ours.subject} or row.body not in {
            "",
            ours.body,
        }
        return ("own", "Their own") if differs else ("ours", "Ours")

    @display(description="Changed", ordering="changed_at")
    def changed(self, row: EmailTemplate) -> str:
        return moment(row.changed_at)


def preview_page(row: EmailTemplate, subject: str, body: str) -> str:
    """A page by itself, for a frame without rights; a refusal is said in it."""
    context: dict[str, Any] = {"sender": settings.MAIL_FROM}
    try:
        context["mail"] = preview(row.campaign, Kind(row.kind), subject, body)
    except InvalidInput as refusal:
        context["refusal"] = str(refusal)
    return render_to_string("admin/mail/preview_page.html", context)


def retry(row: Email, asked: Asked) -> str:
    retry_email(row, wall=asked.wall)
    return "queued to be sent again"


RETRY = Verb(
    "retry",
    "Try again",
    "mail.change_email",
    retry,
    suits=lambda email: email.status == Status.FAILED,
    explains="It is written anew from what is true now, and sent.",
    several=True,
)


@admin.register(Email)
class EmailAdmin(Admin):
    names = ("e-mail", "e-mails")
    verbs = (RETRY,)
    list_display = ("says", "to", "campaign", "state", "attempts", "why", "made")
    list_filter = ("status", "kind", "campaign")
    list_select_related = ("campaign", "participant")
    ordering = ("-id",)
    paginator = InfinitePaginator
    search_fields = ("pk",)  # shows the box; see `find`
    search_help_text = "E-mail, external id or code of a participant, or eml_…"
    empty = "Each confirmation, welcome and notice of a reward turns up here."
    list_before_template = "admin/mail/notice.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("kind", "campaign"),
                    ("to", "attempts"),
                    ("next_try", "ended"),
                    ("why", "made"),
                )
            },
        ),
    )
    readonly_fields = ("to", "next_try", "ended", "why", "made")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().changelist_view(
            request, {**state_of_mail(), **(extra_context or {})}
        )

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        return queryset.filter(participant__in=people(term))

    @display(description="E-mail")
    def says(self, email: Email) -> str:
        return email.get_kind_display()

    @display(description="To")
    def to(self, email: Email) -> str:
        return str(email.participant or "somebody who wants to join")

    @display(description="Status", ordering="status", label=COLOURS)
    def state(self, email: Email) -> tuple[str, str]:
        return (email.status, email.get_status_display())

    @display(description="Why")
    def why(self, email: Email) -> str:
        return email.error or NOTHING

    @display(description="Next try")
    def next_try(self, email: Email) -> str:
        return moment(email.due_at if email.status == Status.PENDING else None)

    @display(description="Finished")
    def ended(self, email: Email) -> str:
        return moment(email.finished_at)

    @display(description="Written", ordering="id")
    def made(self, email: Email) -> str:
        return moment(email.created_at)
