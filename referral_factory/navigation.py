"""The admin's menu and home page: where to go, and what waits for a person."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from referrals.models import Event
from rewards.models import Reward

COUNTED_TO = 1000  # above it, how many more makes no difference to anybody

Link = dict[str, Any]


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The menu, with only what this person may look at."""
    groups = [
        ("Work", _work(request)),
        (
            "Programme",
            [
                _list(request, "referrals", "campaign", "Campaigns", "campaign"),
                _list(request, "referrals", "participant", "Participants", "group"),
                _list(request, "referrals", "import", "Imports", "upload_file"),
                _list(request, "referrals", "referral", "Referrals", "share"),
                _list(request, "referrals", "event", "Events", "bolt"),
                _list(request, "rewards", "reward", "Rewards", "redeem"),
                _list(request, "backtests", "backtest", "Backtests", "history"),
            ],
        ),
        (
            "E-mail",
            [
                _list(request, "mail", "emailtemplate", "Texts", "edit_note"),
                _list(request, "mail", "email", "Sent and waiting", "forward_to_inbox"),
            ],
        ),
        (
            "Webhooks",
            [
                _list(request, "webhooks", "source", "Sources", "input"),
                _list(request, "webhooks", "arrival", "Arrivals", "inbox"),
                _list(request, "webhooks", "endpoint", "Endpoints", "webhook"),
                _list(request, "webhooks", "delivery", "Deliveries", "outbox"),
                _list(request, "webhooks", "message", "Messages", "mail"),
            ],
        ),
        (
            "Access",
            [
                _list(request, "access", "apikey", "API keys", "key"),
                _list(request, "auth", "user", "Staff", "badge"),
                _list(request, "auth", "group", "Groups", "groups"),
                _link("API documentation", "/api/docs", "menu_book"),
            ],
        ),
    ]
    shown = [(title, [item for item in items if item]) for title, items in groups]
    return [
        {"title": title, "separator": position > 0, "items": items}
        for position, (title, items) in enumerate(shown)
        if items
    ]


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds to the home page what waits for a person."""
    return {**context, "waiting": _waiting(request)}


def environment(request: HttpRequest) -> list[str]:
    """Which installation this is, so that nobody takes one for another."""
    return [urlsplit(settings.PUBLIC_URL).netloc, "info"]


def favicon(request: HttpRequest) -> str:
    return static("favicon.svg")


def styles(request: HttpRequest) -> str:
    return static("admin_pages.css")


def scripts(request: HttpRequest) -> str:
    return static("admin_pages.js")


def _work(request: HttpRequest) -> list[Link | None]:
    links: list[Link | None] = [_link("Dashboard", "/dashboard/", "monitoring")]
    icons = {
        "Review queue": "rule",
        "Needs a person": "back_hand",
        "Unmatched events": "link_off",
    }
    for each in _waiting(request):
        link = _link(each["title"], each["address"], icons[each["title"]])
        if "?" in each["address"]:  # one view of a list, and not the whole of it
            link["active"] = request.get_full_path() == each["address"]
        if each["count"]:
            link |= {"badge": each["shown"], "badge_variant": "warning"}
        links.append(link)
    return links


def _waiting(request: HttpRequest) -> list[dict[str, Any]]:
    """Counted once per request: the menu and the home page both ask."""
    known: list[dict[str, Any]] | None = getattr(request, "_waiting", None)
    if known is None:
        known = [
            _count(*line)
            for permission, *line in WAITING
            if request.user.has_perm(permission)
        ]
        request._waiting = known  # type: ignore[attr-defined]
    return known


def _count(
    title: str, rows: Callable[[], QuerySet[Any]], page: str, query: str, explains: str
) -> dict[str, Any]:
    count = rows()[:COUNTED_TO].count()
    return {
        "title": title,
        "count": count,
        "shown": f"{COUNTED_TO}+" if count == COUNTED_TO else str(count),
        "address": reverse(page) + query,
        "explains": explains,
    }


def _unmatched() -> QuerySet[Any]:
    return Event.objects.filter(outcome=Event.Outcome.UNMATCHED)


WAITING: list[tuple[Any, ...]] = [
    (
        "rewards.view_reward",
        "Review queue",
        Reward.objects.in_queue,
        "admin:rewards_flaggedreward_changelist",
        "",
        "flagged rewards that wait for a yes or a no",
    ),
    (
        "rewards.view_reward",
        "Needs a person",
        Reward.objects.disputed,
        "admin:rewards_reward_changelist",
        "?disputed=yes",
        "issued rewards whose referral no longer counts",
    ),
    (
        "referrals.view_event",
        "Unmatched events",
        _unmatched,
        "admin:referrals_event_changelist",
        "?outcome__exact=unmatched",
        "events that wait for their person or referral",
    ),
]


def _list(
    request: HttpRequest, app: str, model: str, title: str, icon: str
) -> Link | None:
    if not request.user.has_perm(f"{app}.view_{model}"):
        return None
    return _link(title, reverse(f"admin:{app}_{model}_changelist"), icon)


def _link(title: str, address: str, icon: str) -> Link:
    return {"title": title, "link": address, "icon": icon}
