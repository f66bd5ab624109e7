"""The product's settings and one app more: the linter of migrations."""

from referral_factory.settings import *  # noqa: F403
from referral_factory.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "django_migration_linter"]
