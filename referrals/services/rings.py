"""Who is above somebody: their advocate, that one's advocate, and so on.

Nobody may be above themselves. Whoever asks in order to change who referred whom holds
the campaign: see locks.py.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import connection

ABOVE = """
WITH RECURSIVE above (friend_id, advocate_id) AS (
    SELECT friend_id, advocate_id FROM referrals_referral WHERE friend_id = ANY(%s)
    UNION SELECT next.friend_id, next.advocate_id
    FROM referrals_referral AS next JOIN above ON next.friend_id = above.advocate_id
)
SELECT friend_id, advocate_id FROM above
"""


def advocates_above(people: Collection[UUID]) -> dict[UUID, UUID]:
    """The advocates of these people and of all above them, by friend: one query."""
    with connection.cursor() as cursor:
        cursor.execute(ABOVE, [list(people)])
        return dict(cursor.fetchall())
