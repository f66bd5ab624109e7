"""Django system checks: a bad setting explains itself at start."""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Advice
from django.db import OperationalError, connections

from referral_factory import mail_server
from referral_factory.embedded import SERVER

OLDEST_POSTGRES = 15  # NULLS NOT DISTINCT, among others
BROKERS = {"pgmq", "redis", "rediss", "amqp", "amqps"}
SHORTEST_SECRET = 50
HOST = re.compile(r"(\*\.)?[^\s/\\:@?#*]+(:\d+)?")

Apps = Sequence[AppConfig] | None


@register(Tags.security)
def secret_key_is_long(app_configs: Apps, **kwargs: Any) -> Iterable[CheckMessage]:
    if not settings.DEBUG and len(settings.SECRET_KEY) < SHORTEST_SECRET:
        yield Error(
            f"SECRET_KEY has fewer than {SHORTEST_SECRET} characters.",
            hint="Make one: python -c "
            "'import secrets; print(secrets.token_urlsafe(50))'",
            id="project.E001",
        )


@register(Tags.urls)
def public_url_is_whole(app_configs: Apps, **kwargs: Any) -> Iterable[CheckMessage]:
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme not in {"http", "https"} or not url.hostname:
        yield Error(
            f"PUBLIC_URL is {settings.PUBLIC_URL!r}, which is no whole address.",
            hint="It is where people reach us: https://referrals.example.com",
            id="project.E002",
        )


@register(Tags.urls)
def landing_hosts_are_hosts(app_configs: Apps, **kwargs: Any) -> Iterable[CheckMessage]:
    for host in settings.LANDING_HOSTS:
        if not HOST.fullmatch(host):
            yield Error(
                f"LANDING_HOSTS has {host!r}, which is no host.",
                hint="Hosts without https://, such as shop.example.com,*.example.org",
                id="project.E010",
            )


@register(Tags.security, deploy=True)
def landing_hosts_are_named(app_configs: Apps, **kwargs: Any) -> Iterable[CheckMessage]:
    if not settings.LANDING_HOSTS:
        yield Advice(
            "LANDING_HOSTS is empty: campaigns can send visitors to any host.",
            hint="Name the hosts of your landing pages; see docs/links.md.",
            id="project.W001",
        )


@register(Tags.compatibility)
def broker_is_known(app_configs: Apps, **kwargs: Any) -> Iterable[CheckMessage]:
    scheme = urlsplit(settings.CELERY_BROKER_URL).scheme
    if settings.CELERY_BROKER_URL and scheme not in BROKERS:
        yield Error(
            f"CELERY_BROKER_URL starts with {scheme!r}, which we do not know.",
            hint="Use redis://, rediss://, amqp:// or amqps://, or unset it to keep "
            "the queues in the database.",
            id="project.E003",
        )


@register(Tags.compatibility)
def email_can_be_sent(app_configs: Apps, **kwargs: Any) -> Iterable[CheckMessage]:
    if not settings.EMAIL_URL:
        return
    if fault := mail_server.fault(settings.EMAIL_URL):
        yield Error(
            f"EMAIL_URL {fault}.",
            hint=f"For example {mail_server.EXAMPLE}; unset it to send no e-mail.",
            id="project.E008",
        )
    if not mail_server.is_sender(settings.MAIL_FROM):
        yield Error(
            "EMAIL_URL is set, and MAIL_FROM is no address to send from.",
            hint="Set MAIL_FROM: 'Example Shop <hello@example.com>'. We have no "
            "address that could be yours.",
            id="project.E009",
        )


@register(Tags.database)
def database_is_postgresql(
    app_configs: Apps, databases: Sequence[str] | None = None, **kwargs: Any
) -> Iterable[CheckMessage]:
    """Runs with the commands that use the database, such as migrate."""
    for alias in databases or []:
        connection = connections[alias]
        if connection.vendor != "postgresql":
            yield Error(
                f"DATABASE_URL leads to {connection.display_name}.",
                hint="Only PostgreSQL will do: postgres://user:password@host/name",
                id="project.E004",
            )
            return
        if not settings.DATABASE_URL and not SERVER.is_running():
            yield Error(
                "The embedded PostgreSQL is not running.",
                hint="Start it: manage.py postgres start (or set DATABASE_URL).",
                id="project.E005",
            )
            return
        yield from _is_new_enough(alias)


def _is_new_enough(alias: str) -> Iterable[CheckMessage]:
    connection = connections[alias]
    try:
        connection.ensure_connection()
    except OperationalError as error:
        yield Error(
            f"The database does not let us in: {error}".strip(),
            hint="Check DATABASE_URL, and that its server is up.",
            id="project.E006",
        )
        return
    version = connection.connection.info.server_version // 10000
    if version < OLDEST_POSTGRES:
        yield Error(
            f"The database is PostgreSQL {version}.",
            hint=f"We need {OLDEST_POSTGRES} or later.",
            id="project.E007",
        )
