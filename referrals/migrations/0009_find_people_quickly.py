"""Indexes for pages that look at a million people, built beside a running system.

Reading by the beginning of a name needs `varchar_pattern_ops` wherever the database's
collation is not C. The unique indexes get it, so that no index is added for it: they
go on answering equality, and cost an insert what they did. Two indexes that others
contain are dropped in exchange for two that the list of people is ordered by.
"""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


def unique_by_beginning(name: str, column: str) -> migrations.SeparateDatabaseAndState:
    """The constraint of that name as an index; uniqueness is never given up."""
    fresh = f"{name}_fresh"
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(
                [
                    f"DROP INDEX CONCURRENTLY IF EXISTS {fresh}",
                    f"CREATE UNIQUE INDEX CONCURRENTLY {fresh} ON referrals_participant"
                    f" (campaign_id uuid_ops, {column} varchar_pattern_ops)",
                    f"ALTER TABLE referrals_participant DROP CONSTRAINT {name}",
                    f"ALTER INDEX {fresh} RENAME TO {name}",
                ],
                [
                    f"ALTER INDEX {name} RENAME TO {fresh}",
                    f"ALTER TABLE referrals_participant ADD CONSTRAINT {name}"
                    f" UNIQUE (campaign_id, {column})",
                    f"DROP INDEX CONCURRENTLY {fresh}",
                ],
            )
        ],
        state_operations=[
            migrations.RemoveConstraint("participant", name),
            migrations.AddConstraint(
                "participant",
                models.UniqueConstraint(
                    name=name,
                    fields=["campaign", column],
                    opclasses=["uuid_ops", "varchar_pattern_ops"],
                ),
            ),
        ],
    )


def without_index(
    model: str, field: str, index: str, related_name: str, to: str
) -> migrations.SeparateDatabaseAndState:
    """A foreign key whose own index is contained in another one."""
    table = f"referrals_{model}"
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(
                f"DROP INDEX CONCURRENTLY IF EXISTS {index}",
                f"CREATE INDEX CONCURRENTLY {index} ON {table} ({field}_id)",
            )
        ],
        state_operations=[
            migrations.AlterField(
                model,
                field,
                models.ForeignKey(
                    db_index=False,
                    on_delete=django.db.models.deletion.PROTECT,
                    related_name=related_name,
                    to=to,
                ),
            )
        ],
    )


class Migration(migrations.Migration):
    atomic = False  # indexes are built concurrently

    dependencies = [("referrals", "0008_import_faults_name_people")]

    operations = [
        AddIndexConcurrently(
            "participant",
            models.Index(fields=["created_at", "id"], name="participant_enrolled_at"),
        ),
        AddIndexConcurrently(
            "participant",
            models.Index(
                fields=["source", "created_at", "id"], name="participant_of_source"
            ),
        ),
        AddIndexConcurrently(
            "participant",
            models.Index(
                condition=models.Q(("status", "active"), _negated=True),
                fields=["status", "created_at", "id"],
                name="participant_not_active",
            ),
        ),
        AddIndexConcurrently(
            "participant",
            models.Index(
                condition=models.Q(("confirmed_at__isnull", False)),
                fields=["created_at", "id"],
                name="participant_confirmed",
            ),
        ),
        AddIndexConcurrently(
            "referral",
            models.Index(fields=["advocate", "id"], name="referral_of_advocate"),
        ),
        unique_by_beginning(
            "one_participant_per_mailbox_and_campaign", "email_canonical"
        ),
        unique_by_beginning(
            "one_participant_per_external_id_and_campaign", "external_id"
        ),
        without_index(
            "participant",
            "campaign",
            "referrals_participant_campaign_id_6ffbc182",
            "participants",
            "referrals.campaign",
        ),
        without_index(
            "referral",
            "advocate",
            "referrals_referral_advocate_id_2bb6aaa3",
            "referrals",
            "referrals.participant",
        ),
    ]
