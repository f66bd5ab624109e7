"""What every page of the admin has in common. It and admin_filters import unfold."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.paginator import InfinitePaginator
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from referral_factory.admin_verbs import AT_ONCE, Report, Verb, run, sums, tell
from referral_factory.errors import DomainError
from referral_factory.ids import InvalidId, from_public
from referral_factory.templatetags.admin_words import COLOURS, NOTHING

__all__ = [
    "COLOURS",
    "Admin",
    "InfinitePaginator",
    "NoteForm",
    "ReadOnlyInline",
    "ReasonForm",
    "StaffForms",
    "ThemedAdmin",
    "checkboxes",
    "display",
    "long_text",
    "moment_field",
    "multiline",
    "number",
    "one_file",
    "one_line",
    "secret_page",
    "select",
    "tick",
]

one_line = UnfoldAdminTextInputWidget
multiline = partial(UnfoldAdminTextareaWidget, attrs={"rows": 3})
long_text = partial(UnfoldAdminTextareaWidget, attrs={"rows": 14})
select = UnfoldAdminSelectWidget
checkboxes = UnfoldAdminCheckboxSelectMultipleWidget
number = UnfoldAdminDecimalFieldWidget
one_file = UnfoldAdminFileFieldWidget
tick = UnfoldBooleanWidget
ThemedAdmin = ModelAdmin  # for what others made: only looks like the rest


class StaffForms:
    """Django's forms for its own users, in the theme."""

    add = UserCreationForm
    change = UserChangeForm
    password = AdminPasswordChangeForm


def moment_field(**kwargs: Any) -> forms.SplitDateTimeField:
    return forms.SplitDateTimeField(
        required=False, widget=UnfoldAdminSplitDateTimeWidget(), **kwargs
    )


admin.site.index_title = "Home"
admin.site.empty_value_display = NOTHING


class NoteForm(forms.Form):
    note = forms.CharField(
        required=False, max_length=500, widget=multiline(), label="Note (optional)"
    )


class ReasonForm(forms.Form):
    """A reason from a list, and what else there is to say; it becomes one note."""

    REASONS: tuple[str, ...] = ()
    OTHER = "Other"

    reason = forms.ChoiceField(widget=select())
    note = forms.CharField(
        required=False,
        max_length=400,
        widget=multiline(),
        label="Note",
        help_text="Kept with the decision. Required when the reason is Other.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a reason"), *((r, r) for r in self.REASONS)]
        reason = cast(forms.ChoiceField, self.fields["reason"])
        reason.choices = [*choices, (self.OTHER, self.OTHER)]

    def clean(self) -> dict[str, Any]:
        reason = self.cleaned_data.get("reason")
        note = self.cleaned_data.get("note", "")
        if reason == self.OTHER and not note:
            self.add_error("note", "Say what the reason is.")
        parts = [reason if reason != self.OTHER else "", note]
        return {"note": ": ".join(part for part in parts if part)}


class ReadOnlyInline(TabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Admin(ModelAdmin):
    """Rows to look at, with verbs to change them by. Add and delete are for those who
    ask for it: most of our rows are made by services and kept for ever."""

    verbs: tuple[Verb, ...] = ()
    names: tuple[str, str]  # what rows are called, for one and for many
    after_template = ""  # shown below the fields of a row
    empty = ""  # what an empty list says: how rows get here

    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each is a count of everything
    list_per_page = 50
    list_filter_sheet = True
    change_form_outer_before_template = "admin/row_head.html"
    change_form_outer_after_template = "admin/row_tail.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # --- Rows by the id that the API shows ---

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        return super().get_object(request, _inner(self.model, object_id), from_field)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Ids as the API shows them are found in every list."""
        term = search_term.strip().replace("\x00", "")
        if not term:
            return queryset, False
        key = _inner(self.model, term)
        if key != term:
            return queryset.filter(pk=key), False
        return self.find(queryset, term), False

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        """Rows that somebody means by `term`; by indexed columns only."""
        return queryset.none()

    def address(self, row: Any) -> str:
        return reverse(self._name("change"), args=[quote(row.pk)])

    def list_address(self, request: HttpRequest) -> str:
        return self._keeping_filters(request, reverse(self._name("changelist")))

    def _name(self, page: str) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _keeping_filters(self, request: HttpRequest, url: str) -> str:
        kept = {"preserved_filters": self.get_preserved_filters(request)}
        return str(add_preserved_filters({**kept, "opts": self.opts}, url))

    # --- One row ---

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        context.setdefault("show_save_and_continue", object_id is not None)
        row = self.get_object(request, unquote(object_id)) if object_id else None
        if row is not None:
            context |= self.row_context(request, row)
        try:
            page: HttpResponse = super().changeform_view(
                request, object_id, form_url, context
            )
        except DomainError as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())
        return page

    def row_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        """What the page of one row shows beside its fields."""
        return {
            "row": row,
            "verbs": self.offered(request, row),
            "after_template": self.after_template,
        }

    def offered(self, request: HttpRequest, row: Any) -> list[tuple[Verb, str]]:
        """The verbs that this person may use on this row, with their addresses."""
        return [
            (verb, self._keeping_filters(request, self.verb_address(verb, row)))
            for verb in self.verbs
            if verb.allowed(request) and verb.suits(row)
        ]

    def verb_address(self, verb: Verb, row: Any) -> str:
        return reverse(self._name(verb.name), args=[quote(row.pk)])

    # --- Verbs ---

    def get_urls(self) -> list[URLPattern]:
        ours = [
            path(
                f"<path:object_id>/{verb.name}/",
                self.admin_site.admin_view(partial(self.verb_view, verb=verb)),
                name=self._name(verb.name).removeprefix("admin:"),
            )
            for verb in self.verbs
        ]
        return [*ours, *super().get_urls()]

    def verb_view(
        self, request: HttpRequest, object_id: str, verb: Verb
    ) -> HttpResponse:
        row = self.get_object(request, unquote(object_id))
        if not verb.allowed(request) or not self.has_view_permission(request, row):
            raise PermissionDenied
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        form = verb.form(request.POST if request.method == "POST" else None)
        back = self._keeping_filters(request, self.address(row))
        if request.method != "POST" or not form.is_valid():
            return self._ask(request, verb, [row], form, back)
        report = run(verb, [row], request, form.cleaned_data)
        self._log(request, verb, report)
        if verb.reveals and report.done:
            return self._reveal(request, verb, row, *report.done)
        tell(request, report, self.address, self.names)
        return HttpResponseRedirect(self.after(request, row, bool(report.done), back))

    def _log(self, request: HttpRequest, verb: Verb, report: Report) -> None:
        for outcome, rows in report.done.items():
            said = "" if verb.reveals else f": {outcome}"
            for row in rows:
                self.log_change(request, row, f"{verb.label}{said}.")

    def _reveal(
        self, request: HttpRequest, verb: Verb, row: Any, secret: str
    ) -> HttpResponse:
        return secret_page(
            self.admin_site,
            request,
            opts=self.opts,
            title=f"{verb.label}: {row}",
            explains=verb.reveals,
            secret=secret,
            back=self.address(row),
        )

    def after(self, request: HttpRequest, row: Any, done: bool, back: str) -> str:
        """Where to go once a verb was used on one row."""
        return back

    def get_actions(
        self, request: HttpRequest
    ) -> dict[str, tuple[Callable[..., Any], str, str] | None]:
        return {
            verb.name: (partial(_several, verb=verb), verb.name, f"{verb.label}…")
            for verb in self.verbs
            if verb.several and verb.allowed(request)
        }

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            for key in _chosen(request):
                self.opts.pk.to_python(key)
        except ValidationError:
            messages.error(request, "That selection cannot be read.")
            return HttpResponseRedirect(request.get_full_path())
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page

    def use_on_several(
        self, request: HttpRequest, rows: QuerySet[Any], verb: Verb
    ) -> HttpResponse | None:
        """Ask first, with the rows that it is about named one by one, then do it."""
        if "apply" in request.POST:
            # By their ids, whatever the list shows by now: a row that somebody else
            # decided meanwhile is refused and named, not passed over.
            rows = self.get_queryset(request).filter(pk__in=_chosen(request))
            rows = rows.select_related(*self.list_select_related or ())
        chosen = list(rows[: AT_ONCE + 1])
        form = verb.form(request.POST if "apply" in request.POST else None)
        if not form.is_valid():
            back = request.get_full_path()
            return self._ask(request, verb, chosen, form, back, several=True)
        report = run(verb, chosen[:AT_ONCE], request, form.cleaned_data)
        self._log(request, verb, report)
        tell(request, report, self.address, self.names)
        return None

    def _ask(
        self,
        request: HttpRequest,
        verb: Verb,
        rows: list[Any],
        form: forms.Form,
        back: str,
        several: bool = False,
    ) -> HttpResponse:
        shown = rows[:AT_ONCE]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{verb.label}: {_named(shown, self.names)}",
            "original": shown[0] if len(shown) == 1 else None,
            "verb": verb,
            "rows": shown,
            "told": [verb.tells(row) for row in shown],
            "left_out": len(rows) > AT_ONCE and AT_ONCE,
            "sums": sums(shown),
            "form": form,
            "back": back,
            "several": several,
        }
        return TemplateResponse(request, "admin/verb.html", context)


def secret_page(
    site: admin.AdminSite, request: HttpRequest, **context: Any
) -> HttpResponse:
    """A secret, shown this once: it is in no session, no log and no other page."""
    return TemplateResponse(
        request, "admin/secret.html", {**site.each_context(request), **context}
    )


def _several(
    model_admin: Admin, request: HttpRequest, rows: QuerySet[Any], verb: Verb
) -> HttpResponse | None:
    return model_admin.use_on_several(request, rows, verb)


def _inner(model: type[Model], text: str) -> Any:
    """The key behind an id as the API shows it, or the text as it is."""
    prefix = getattr(model, "PREFIX", "")
    if not prefix or not text.startswith(f"{prefix}_"):
        return text
    try:
        key: UUID = from_public(prefix, text)
    except InvalidId:
        return text
    return key


def _chosen(request: HttpRequest) -> list[str]:
    return request.POST.getlist(ACTION_CHECKBOX_NAME)


def _named(rows: list[Any], names: tuple[str, str]) -> str:
    return str(rows[0]) if len(rows) == 1 else f"{len(rows)} {names[1]}"
