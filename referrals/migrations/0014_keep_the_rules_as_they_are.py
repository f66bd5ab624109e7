"""Keep the rules that campaigns have and had, and mark events by them.

Versions were not kept before. Events are gone through a batch at a time, each its own
transaction: nobody waits for long, and whoever is stopped begins again where they like.
"""

from typing import Any

from django.db import migrations

BATCH = 5_000
FIRST = "00000000-0000-0000-0000-000000000000"
# What settled a referral counts; nothing else was asked for before. Events that were
# judged since have a version of their own.
MARK = """
WITH batch AS MATERIALIZED (
    SELECT id, campaign_id, received_at, decision->'milestone' AS terms,
        coalesce((decision->'milestone'->>'version')::int, 0) AS version
    FROM referrals_event WHERE id > %(after)s ORDER BY id LIMIT %(batch)s
), kept AS (
    INSERT INTO referrals_milestoneversion
        (campaign_id, version, terms, made_by, made_at)
    SELECT DISTINCT ON (campaign_id, version)
        campaign_id, version, terms, 'rules', received_at
    FROM batch WHERE version > 0 ORDER BY campaign_id, version, id
    ON CONFLICT (campaign_id, version) DO NOTHING
), marked AS (
    UPDATE referrals_event AS event
    SET rules_version = batch.version, counts = outcome IN ('qualified', 'holding')
    FROM batch WHERE event.id = batch.id AND event.rules_version = 0
)
SELECT id FROM batch ORDER BY id DESC LIMIT 1
"""

KEEP = """
INSERT INTO referrals_milestoneversion (campaign_id, version, terms, made_by, made_at)
SELECT id, version, jsonb_build_object(
    'version', version,
    'event_name', milestone_event,
    'minimum_amount', milestone_minimum::text,
    'condition', milestone_condition,
    'count', milestone_count,
    'sum', milestone_sum::text,
    'currency', currency,
    'within_days', milestone_within_days,
    'holding_days', holding_days,
    'match_days', match_days,
    'reversal_events', to_jsonb(reversal_events),
    'reversal_policy', reversal_policy
), 'system', now()
FROM referrals_campaign
ON CONFLICT (campaign_id, version) DO NOTHING
"""


def mark_events(apps: Any, schema_editor: Any, batch: int = BATCH) -> None:
    after = FIRST
    with schema_editor.connection.cursor() as cursor:
        while after:
            cursor.execute(MARK, {"after": after, "batch": batch})
            after = next((pk for (pk,) in cursor.fetchall()), None)


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("referrals", "0013_find_events_of_nobody_known"),
    ]

    operations = [
        migrations.RunPython(mark_events, migrations.RunPython.noop),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
    ]
