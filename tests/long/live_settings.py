"""Settings of processes that tests start: they work in the tests' own database."""

import os

from referral_factory.settings import *  # noqa: F403
from referral_factory.settings import DATABASES

DATABASES["default"]["NAME"] = os.environ["LIVE_DATABASE"]
