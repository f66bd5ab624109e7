"""The whole URL map, on one page."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from referral_factory.access.api import KeyViewSet
from referral_factory.api.events import EventViewSet
from referral_factory.api.explain import ExplainViewSet
from referral_factory.api.export import ExportViewSet, export_for_staff
from referral_factory.api.routers import Router
from referral_factory.backtests.api import BacktestViewSet, CampaignBacktestViewSet
from referral_factory.health import healthz, readyz
from referral_factory.pages.confirm import confirm
from referral_factory.pages.join import join, sent, welcome
from referral_factory.pages.links import dead_end
from referral_factory.pages.portal import portal
from referral_factory.pages.qr import qr_code
from referral_factory.reporting.api import ReportViewSet
from referral_factory.reporting.views import dashboard, index
from referrals.api import (
    CampaignViewSet,
    ImportViewSet,
    InvitationViewSet,
    ParticipantViewSet,
    ReferralViewSet,
    RefusedClaimViewSet,
    VersionViewSet,
)
from rewards.api import CampaignRuleViewSet, RewardViewSet, RuleViewSet
from webhooks.api import (
    ArrivalViewSet,
    DeliveryViewSet,
    EndpointViewSet,
    MessageTypeViewSet,
    MessageViewSet,
    ReceiveView,
    SourceViewSet,
)

router = Router()
# The first are found in the least time: what is called most often.
router.register("events", EventViewSet, "event")
router.register("participants", ParticipantViewSet, "participant")
router.register("campaigns", CampaignViewSet, "campaign")
router.register("participants", ExportViewSet, "participant-export")
router.register("imports", ImportViewSet, "import")
router.register("referrals", ReferralViewSet, "referral")
router.register("refused-claims", RefusedClaimViewSet, "refused-claim")
router.register("sources", SourceViewSet, "source")
router.register("arrivals", ArrivalViewSet, "arrival")
router.register("reward-rules", RuleViewSet, "reward-rule")
router.register("rewards", RewardViewSet, "reward")
router.register("endpoints", EndpointViewSet, "endpoint")
router.register("deliveries", DeliveryViewSet, "delivery")
router.register("messages", MessageViewSet, "message")
router.register("message-types", MessageTypeViewSet, "message-type")
router.register("keys", KeyViewSet, "key")
router.register("reports", ReportViewSet, "report")
router.register("backtests", BacktestViewSet, "backtest")

invitations_of_advocate = InvitationViewSet.as_view({"get": "list", "post": "create"})
rules_of_campaign = CampaignRuleViewSet.as_view({"get": "list", "post": "create"})

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include(router.urls)),  # first: see above
    path("", index, name="index"),
    path("dashboard/", dashboard, name="dashboard"),
    path(
        "admin/referrals/participant/<uuid:key>/export/",
        admin.site.admin_view(export_for_staff),
        name="export-for-staff",
    ),
    path("admin/", admin.site.urls),
    path("r/<str:code>", dead_end, name="link"),  # what leads on never gets here
    path("r/<str:code>/qr.svg", qr_code, {"kind": "svg"}, name="qr-code"),
    path("r/<str:code>/qr.png", qr_code, {"kind": "png"}, name="qr-code-png"),
    path("join/<str:slug>", join, name="join"),
    path("join/<str:slug>/sent", sent, name="join-sent"),
    path("join/<str:slug>/welcome/<str:token>", welcome, name="join-welcome"),
    path("join/<str:slug>/confirm/<str:token>", confirm, name="join-confirm"),
    path("portal/<str:token>", portal, name="portal"),
    path("in/<str:source>", ReceiveView.as_view(), name="in"),
    re_path(r"^api/v1/in/(?P<source>[^/]+)/?$", ReceiveView.as_view(), name="api-in"),
    re_path(
        r"^api/v1/explain/?$",
        ExplainViewSet.as_view({"get": "explain"}),
        name="explain",
    ),
    re_path(
        r"^api/v1/participants/(?P<public_id>[^/]+)/invitations/?$",
        invitations_of_advocate,
        name="participant-invitations",
    ),
    re_path(
        r"^api/v1/campaigns/(?P<campaign_id>[^/]+)/reward-rules/?$",
        rules_of_campaign,
        name="campaign-reward-rules",
    ),
    re_path(
        r"^api/v1/campaigns/(?P<public_id>[^/]+)/versions/?$",
        VersionViewSet.as_view({"get": "list"}),
        name="campaign-versions",
    ),
    re_path(
        r"^api/v1/campaigns/(?P<campaign_id>[^/]+)/backtest/?$",
        CampaignBacktestViewSet.as_view({"post": "create"}),
        name="campaign-backtest",
    ),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(), name="docs"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
]

# Problem documents under /api/, pages elsewhere.
handler400 = "referral_factory.api.problems.bad_request"
handler403 = "referral_factory.api.problems.permission_denied"
handler404 = "referral_factory.api.problems.page_not_found"
handler500 = "referral_factory.api.problems.server_error"
