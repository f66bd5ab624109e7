"""Every setting, read from the environment once, with a default that runs."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from csp.constants import NONE, SELF

from referral_factory import embedded, mail_server

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

# --- Who we are ---------------------------------------------------------------------
PORT: int = env.int("PORT", 8000)  # of `manage.py run`
PUBLIC_URL: str = env.str("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
SECRET_KEY: str = env.str("SECRET_KEY", "") or embedded.secret_key()
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
DEBUG: bool = env.bool("DEBUG", False)
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"]
)
# How many hops before us set X-Forwarded-For truthfully.
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", 0)
FALLBACK_URL: str = env.str("FALLBACK_URL", "")  # where an unknown code leads
# Hosts that campaigns may lead to: shop.example.com,*.example.org; empty: any.
LANDING_HOSTS: list[str] = [
    host.strip() for host in env.list("LANDING_HOSTS", default=[])
]

# --- Apps ---------------------------------------------------------------------------
INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "referral_factory.apps.ProjectConfig",
    "referral_factory.access",
    # webhooks comes before the apps that it listens to: it connects its receivers
    # first, so that a cause is recorded before its effect.
    "webhooks",
    "referrals",
    "rewards",
    "referral_factory.reporting",
    "referral_factory.mail",
    "referral_factory.backtests",
]
MIDDLEWARE = [
    "referral_factory.pages.links.links_first",
    "referral_factory.api.middleware.request_id",
    "referral_factory.api.middleware.refuse_bad_text",
    "referral_factory.api.middleware.need_length",
    "referral_factory.api.middleware.refuse_too_large",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "referral_factory.api.csp.QuickCSPMiddleware",
    "referral_factory.api.middleware.relax_csp",
    "referral_factory.api.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "referral_factory.api.middleware.Forms",
    "referral_factory.api.middleware.Logins",
    "referral_factory.api.middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "referral_factory.urls"
WSGI_APPLICATION = "referral_factory.wsgi.application"
APPEND_SLASH = False  # the API answers with and without; nothing redirects
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# Faults are loud: with DEBUG off, Django's own default tells nobody but mail_admins.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"django.request": {"level": "ERROR"}},  # a 404 is not a fault
}

# --- Data ---------------------------------------------------------------------------
DATABASE_URL: str = env.str("DATABASE_URL", "")
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db("DATABASE_URL") if DATABASE_URL else embedded.database(),
}
DATABASES["default"].update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
DATABASES["default"]["ENGINE"] = "referral_factory.postgresql"
# A server that does not answer is an error in seconds, not in minutes.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
# Statements of the hot routes are planned once per connection. A pooler that hands out
# connections per transaction must know of it (PgBouncer does since 1.21).
PREPARED_STATEMENTS: bool = env.bool("PREPARED_STATEMENTS", True)
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = (
    0 if PREPARED_STATEMENTS else None
)
# Two test runs at once on one server need a database each.
DATABASES["default"]["TEST"] = {"NAME": env.str("TEST_DATABASE", "test_referrals")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Work outside a request -----------------------------------------------------------
CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", "")  # unset: in the database

# --- E-mail ---------------------------------------------------------------------------
EMAIL_URL: str = env.str("EMAIL_URL", "")  # unset: nothing is written and nothing sent
MAIL_FROM: str = env.str("MAIL_FROM", "")  # whose name it is sent in
EMAIL_TIMEOUT = 10
# EMAIL_BACKEND, EMAIL_HOST and so on, as Django has them.
globals().update(mail_server.settings_of(EMAIL_URL))

# --- Webhooks -------------------------------------------------------------------------
WEBHOOKS_ALLOW_LOOPBACK: bool = env.bool("WEBHOOKS_ALLOW_LOOPBACK", False)
WEBHOOKS_TIMEOUT: timedelta = timedelta(seconds=env.int("WEBHOOKS_TIMEOUT", 30))
MESSAGE_RETENTION_DAYS: int = env.int("MESSAGE_RETENTION_DAYS", 90)
CLICK_RETENTION_DAYS: int = env.int("CLICK_RETENTION_DAYS", 400)
ARRIVAL_RETENTION_DAYS: int = env.int("ARRIVAL_RETENTION_DAYS", 30)

# --- API ------------------------------------------------------------------------------
RATE_LIMIT_PER_MINUTE: int = env.int("RATE_LIMIT_PER_MINUTE", 6000)  # calls of one key
# What one source may send; and one address, to all sources together.
SOURCE_LIMIT_PER_MINUTE: int = env.int("SOURCE_LIMIT_PER_MINUTE", 6000)
# Visits of links from one address: offices and mobile networks share theirs.
VISIT_LIMIT_PER_MINUTE: int = env.int("VISIT_LIMIT_PER_MINUTE", 6000)
# Enrolment forms sent from one address, for each campaign.
JOIN_LIMIT_PER_MINUTE: int = env.int("JOIN_LIMIT_PER_MINUTE", 20)
# Each is answered after a multiple of this, so that time does not tell who is known.
JOIN_ANSWERS_AFTER: timedelta = timedelta(milliseconds=300)
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024  # of each file in a form; larger ones: disk
IMPORT_MAX_MB: int = env.int("IMPORT_MAX_MB", 1024)  # of an uploaded file
IMPORT_RETENTION_DAYS: int = env.int("IMPORT_RETENTION_DAYS", 30)  # of rows with faults
BACKTEST_RETENTION_DAYS: int = env.int("BACKTEST_RETENTION_DAYS", 90)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "referral_factory.access.authentication.ApiKeyAuthentication"
    ],
    "DEFAULT_PERMISSION_CLASSES": ["referral_factory.access.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["referral_factory.access.limits.PerKeyLimit"],
    "DEFAULT_PARSER_CLASSES": ["referral_factory.bodies.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["referral_factory.api.renderers.QuickJSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": (
        "referral_factory.api.negotiation.QuickNegotiation"
    ),
    "DEFAULT_PAGINATION_CLASS": "referral_factory.api.pagination.Cursor",
    "DEFAULT_FILTER_BACKENDS": ["referral_factory.api.filtering.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "referral_factory.api.schema.AutoSchema",
    "EXCEPTION_HANDLER": "referral_factory.api.problems.exception_handler",
    "DATETIME_FORMAT": "iso-8601",
    "COERCE_DECIMAL_TO_STRING": True,
    "URL_FORMAT_OVERRIDE": None,  # Accept says it; ?format= is an unknown parameter
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_FORMATTER_CLASS": "referral_factory.api.problems.ProblemFormatter",
    "EXCEPTION_HANDLER_CLASS": "referral_factory.api.problems.ProblemHandler",
    "NESTED_FIELD_SEPARATOR": "/",  # errors point into the body by JSON pointers
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Referral Factory API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "PREPROCESSING_HOOKS": ["referral_factory.api.schema.without_final_slashes"],
    "SERVE_INCLUDE_SCHEMA": False,
    "ENUM_NAME_OVERRIDES": {
        "Mode": "referrals.models.Campaign.Mode",
        "CampaignStatus": "referrals.models.Campaign.Status",
        "ParticipantStatus": "referrals.models.Participant.Status",
        "ImportStatus": "referrals.models.Import.Status",
        "ImportKind": "referrals.models.Import.Kind",
        "BacktestStatus": "referral_factory.backtests.models.Backtest.Status",
        "BacktestChangeKind": ("referral_factory.backtests.models.BacktestChange.Kind"),
        "ReferralStatus": "referrals.models.Referral.Status",
        "RewardStatus": "rewards.models.Reward.Status",
        "EndpointStatus": "webhooks.models.Endpoint.Status",
        "DeliveryStatus": "webhooks.models.Delivery.Status",
        "ArrivalStatus": "webhooks.models.Arrival.Status",
        "Road": "webhooks.models.Arrival.Road",
        "Verification": "webhooks.models.Source.Verification",
        "EventOutcome": "referrals.models.Event.Outcome",
        "RewardKind": "rewards.models.Kind",
        "JoinFieldKind": "referrals.join_page.Kind",
        "JoinFieldSide": "referrals.join_page.Side",
    },
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
}

# --- Pages ----------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# What the pages for the public are translated into, see locale/. The API and the admin
# speak LANGUAGE_CODE.
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# What forms are sent from, where a proxy ends TLS in front of us.
CSRF_TRUSTED_ORIGINS = ["{0.scheme}://{0.netloc}".format(urlsplit(PUBLIC_URL))]
CSRF_FAILURE_VIEW = "referral_factory.pages.visitors.csrf_failure"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
# Unset, static files are served from where they are; collectstatic needs it.
STATIC_ROOT: str | None = env.str("STATIC_ROOT", "") or None
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
LOGIN_URL = "/admin/login/"
LOGIN_REDIRECT_URL = "/admin/"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
UNFOLD = {
    "SITE_TITLE": "Referral Factory",
    "SITE_HEADER": "Referral Factory",
    "SITE_SYMBOL": "hub",
    "SITE_URL": "/dashboard/",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": "referral_factory.navigation.favicon",
        }
    ],
    "ENVIRONMENT": "referral_factory.navigation.environment",
    "DASHBOARD_CALLBACK": "referral_factory.navigation.home",
    "STYLES": ["referral_factory.navigation.styles"],
    "SCRIPTS": ["referral_factory.navigation.scripts"],
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "SIDEBAR": {
        "show_search": False,
        "navigation": "referral_factory.navigation.sidebar",
    },
    # Teal, darker than usual where it is text: 600 on white has a contrast of 5.5.
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#99f6e4",
            "300": "#5eead4",
            "400": "#2dd4bf",
            "500": "#14b8a6",
            "600": "#0f766e",
            "700": "#115e59",
            "800": "#134e4a",
            "900": "#0c3f3c",
            "950": "#042f2e",
        }
    },
}
