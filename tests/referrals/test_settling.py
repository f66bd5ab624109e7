"""Time, where no worker runs: `manage.py settle`."""

import io
from datetime import timedelta

from django.core.management import call_command
from django.utils import timezone

from referrals.models import Referral
from tests.factories import make_referral


def settle() -> str:
    said = io.StringIO()
    call_command("settle", stdout=said)
    return said.getvalue().strip()


def test_all_that_is_due_is_settled_once() -> None:
    past = timezone.now() - timedelta(days=1)
    make_referral(status="holding", holds_until=past)
    make_referral(expires_at=past)
    make_referral()

    assert settle() == "1 referral qualified, 1 expired."
    assert settle() == "0 referrals qualified, 0 expired."

    found = Referral.objects.order_by("id").values_list("status", flat=True)
    assert list(found) == ["qualified", "expired", "pending"]
