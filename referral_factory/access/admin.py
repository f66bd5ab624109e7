"""API keys: made with their secret shown once, and revoked. And who works here."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from referral_factory.access.models import ApiKey
from referral_factory.access.services import ALL_SCOPES, create_key, revoke_key
from referral_factory.admin_base import (
    COLOURS,
    Admin,
    StaffForms,
    ThemedAdmin,
    checkboxes,
    display,
    moment_field,
    secret_page,
)
from referral_factory.admin_verbs import Asked, Verb
from referral_factory.templatetags.admin_words import moment


class KeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in ALL_SCOPES],
        widget=checkboxes(),
        help_text="What it may do. Give it no more than it needs.",
    )
    expires_at = moment_field(help_text="Empty: it works until it is revoked. UTC.")

    class Meta:
        model = ApiKey
        fields = ["name", "mode", "scopes", "expires_at"]
        widgets: dict[str, Any] = {}


def revoke(row: ApiKey, asked: Asked) -> str:
    revoke_key(row, now=asked.wall)
    return "revoked"


REVOKE = Verb(
    "revoke",
    "Revoke",
    "access.change_apikey",
    revoke,
    suits=lambda key: key.revoked_at is None,
    explains="Whoever uses it is shut out at once, for good.",
    several=True,
    grave=True,
)


@admin.register(ApiKey)
class ApiKeyAdmin(Admin):
    names = ("API key", "API keys")
    form = KeyForm
    verbs = (REVOKE,)
    list_display = ("name", "start", "state", "kind", "rights", "used", "until")
    list_filter = ("mode",)
    ordering = ("-id",)
    empty = "Your backend calls the API with a key. Make one for each system."
    search_fields = ("name", "lookup")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("name", "start", "kind"),
                    ("state", "used", "until"),
                    "rights",
                )
            },
        ),
    )
    add_fieldsets = ((None, {"fields": (("name", "mode"), "scopes", "expires_at")}),)
    readonly_fields = ("start", "kind", "state", "used", "until", "rights")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("access.add_apikey"))

    def find(self, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        by_name = queryset.filter(name__icontains=term)
        return by_name | queryset.filter(lookup=term.split("_")[-1][:8])

    def save_model(
        self, request: HttpRequest, obj: Any, form: Any, change: bool
    ) -> None:
        made, obj.secret_text = create_key(**form.cleaned_data)
        obj.pk = made.pk

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        return secret_page(
            self.admin_site,
            request,
            opts=self.opts,
            title=f"The API key {obj.name}",
            explains="Your backend sends it as: Authorization: Bearer <key>.",
            secret=obj.secret_text,
            back=reverse("admin:access_apikey_changelist"),
        )

    @display(description="State", label=COLOURS)
    def state(self, key: ApiKey) -> tuple[str, str]:
        if key.revoked_at:
            return ("revoked", "Revoked")
        return ("active", "Active") if key.works(timezone.now()) else ("", "Expired")

    @display(description="Mode", ordering="mode")
    def kind(self, key: ApiKey) -> str:
        return key.mode

    @display(description="May")
    def rights(self, key: ApiKey) -> str:
        every = set(key.scopes) >= set(ALL_SCOPES)
        return "everything" if every else ", ".join(key.scopes)

    @display(description="Starts with")
    def start(self, key: ApiKey) -> str:
        return f"{key.start}…"

    @display(description="Last used", ordering="last_used_at")
    def used(self, key: ApiKey) -> str:
        return moment(key.last_used_at)

    @display(description="Expires", ordering="expires_at")
    def until(self, key: ApiKey) -> str:
        return moment(key.expires_at)


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ThemedAdmin):
    """People who work here."""

    form = StaffForms.change
    add_form = StaffForms.add
    change_password_form = StaffForms.password


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ThemedAdmin):
    """What people of one role may do."""
