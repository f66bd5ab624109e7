from django.contrib.postgres.operations import (
    AddIndexConcurrently,
    RemoveIndexConcurrently,
)
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("referrals", "0012_list_what_came_by_a_source"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                fields=["campaign", "person"],
                condition=models.Q(("participant", None)),
                name="event_of_nobody_known",
            ),
        ),
        RemoveIndexConcurrently(model_name="event", name="event_of_stranger"),
    ]
