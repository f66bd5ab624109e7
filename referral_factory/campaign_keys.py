"""Composite foreign keys: no row mixes campaigns, and the database compares them."""

from django.db import migrations


def stays_in_its_campaign(table: str, column: str, target: str) -> migrations.RunSQL:
    """Have `table.<column>_id` lead to a row of `target` in the same campaign."""
    name = f"{column}_of_{table}_is_of_its_campaign"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} "
        f"FOREIGN KEY (campaign_id, {column}_id) REFERENCES {target} (campaign_id, id)",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )
