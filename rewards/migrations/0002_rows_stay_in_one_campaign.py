"""No row mixes campaigns: the database compares them, by composite foreign keys."""

from django.db import migrations

KEYS = [
    ("rewards_reward", "referral", "referrals_referral"),
    ("rewards_reward", "recipient", "referrals_participant"),
    ("rewards_reward", "rule", "rewards_rewardrule"),
]


def add(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{column}_of_{table}_is_of_its_campaign"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} "
        f"FOREIGN KEY (campaign_id, {column}_id) REFERENCES {target} (campaign_id, id)",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("rewards", "0001_initial"),
        ("referrals", "0002_rows_stay_in_one_campaign"),
    ]

    operations = [add(*key) for key in KEYS]
