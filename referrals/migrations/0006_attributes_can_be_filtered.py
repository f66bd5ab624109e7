from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("referrals", "0005_codes_and_claims_stay_apart")]

    operations = [
        AddIndexConcurrently(
            "participant",
            GinIndex(
                name="participant_attributes",
                fields=["attributes"],
                opclasses=["jsonb_path_ops"],
            ),
        ),
    ]
