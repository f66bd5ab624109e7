"""Keep the rules that campaigns have: versions of them were not kept before."""

from django.db import migrations

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


class Migration(migrations.Migration):
    dependencies = [
        ("referrals", "0013_find_events_of_nobody_known"),
    ]

    operations = [migrations.RunSQL(KEEP, migrations.RunSQL.noop)]
