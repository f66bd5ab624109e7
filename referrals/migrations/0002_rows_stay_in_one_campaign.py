"""No row mixes campaigns: the database compares them, by composite foreign keys."""

from django.db import migrations

KEYS = [
    ("referrals_referral", "advocate", "referrals_participant"),
    ("referrals_referral", "friend", "referrals_participant"),
    ("referrals_event", "participant", "referrals_participant"),
    ("referrals_event", "referral", "referrals_referral"),
]


def add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{column}_of_{table}_is_of_its_campaign"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} "
        f"FOREIGN KEY (campaign_id, {column}_id) REFERENCES {target} (campaign_id, id)",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("referrals", "0001_initial")]

    operations = [add(*key) for key in KEYS]
