from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("referrals", "0010_qualifying_by_rules"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                fields=["campaign", "-id"],
                condition=models.Q(("outcome", "unmatched")),
                name="event_unmatched_list",
            ),
        ),
    ]
