"""What this app keeps of people who were never its own: dropped on demand."""

from collections.abc import Iterable, Sequence

from django.db.models import Q

from referral_factory.access.addresses import network
from referral_factory.access.models import CallCount, IdempotencyKey

AT_ONCE = 200  # mentions that one statement looks for


def forget_answers(mentions: Sequence[str]) -> None:
    """Drop the stored answers that mention one of these, and the keys that do.

    A call that is repeated after that happens again.
    """
    for start in range(0, len(mentions), AT_ONCE):
        found = Q()
        for mention in mentions[start : start + AT_ONCE]:
            found |= Q(body__contains=mention) | Q(key__contains=mention)
        IdempotencyKey.objects.filter(found).delete()


def forget_visits(addresses: Iterable[str]) -> None:
    """Drop what was counted by these addresses: they start anew."""
    for caller in {network(address) for address in addresses}:
        CallCount.objects.filter(caller__endswith=f":{caller}").delete()
