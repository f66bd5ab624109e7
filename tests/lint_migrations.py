"""`make lint`: migrations are complete, and none would stop a running system.

The linter asks PostgreSQL for each migration's SQL, so there must be one.
"""

import os
from contextlib import nullcontext

import django
from django.conf import settings
from django.core.management import call_command

from referral_factory.embedded import SERVER


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.lint_settings"
    django.setup()
    with nullcontext() if settings.DATABASE_URL else SERVER.in_use():
        call_command("makemigrations", "--check", "--dry-run")
        call_command("lintmigrations")


if __name__ == "__main__":
    main()
