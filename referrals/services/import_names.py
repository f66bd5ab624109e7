"""What a pass through a file has come across, so that it is known in later rows."""

from collections.abc import Collection

from django.db import connection

from referrals.models import Import
from referrals.services.tombstones import half_digest

NOTE = """
INSERT INTO referrals_importname (owner_id, digest)
SELECT %s, digest FROM unnest(%s::bigint[]) AS digest
ON CONFLICT DO NOTHING RETURNING digest
"""


def seen_before(taken: Import, names: Collection[str]) -> set[str]:
    """Those that stood in earlier chunks of this pass; all of them are noted."""
    digests = {half_digest(name): name for name in names}
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [taken.pk, list(digests)])
        fresh = {digest for (digest,) in cursor.fetchall()}
    return {name for digest, name in digests.items() if digest not in fresh}
