"""What people share: the code they have, those they had, and those they choose."""

from collections.abc import Collection

from django.db.models import F

from referrals.models import Campaign, Participant


def find_by_codes(campaign: Campaign, codes: Collection[str]) -> dict[str, Participant]:
    """Whose codes these are, by the code in capitals: one query.

    Somebody is found by the code they have, and by those they had before that still
    work. Codes that lead to nobody are left out.
    """
    wanted = {code.upper() for code in codes}
    people = Participant.objects.filter(campaign=campaign).order_by()
    current = people.filter(code__in=wanted).annotate(found_by=F("code"))
    former = people.filter(
        former_codes__code__in=wanted, former_codes__works=True
    ).annotate(found_by=F("former_codes__code"))
    # A union, not OR: each half goes by its own index.
    found: dict[str, Participant] = {
        row.found_by: row for row in current.union(former, all=True)
    }
    for participant in found.values():
        participant.campaign = campaign
    return found
