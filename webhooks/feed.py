"""The change feed: every message gets a position, once, after its commit.

Ids are not in the order of commits, so a reader who remembered the last id could miss
what was committed late. One numberer at a time hands positions out, to messages that
everybody can see by then: a position never appears below one that was read.
"""

from django.db import connection, transaction

LOCK = 0x6665_6564
BATCH = 5000

NUMBER = """
    UPDATE webhooks_message message SET position = numbered.position
    FROM (
        SELECT id, nextval('webhooks_position') AS position
        FROM (
            SELECT id FROM webhooks_message WHERE position IS NULL
            ORDER BY id LIMIT %s
        ) AS next
    ) AS numbered
    WHERE message.id = numbered.id
"""


def number_messages(limit: int = BATCH) -> int:
    """Give positions to what was committed since; returns how many got one.

    While another process does that, there is nothing to do. The lock is a statement
    of its own: the next one then sees all that the numberer before us has done.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(NUMBER, [limit])
        numbered: int = cursor.rowcount
    return numbered
