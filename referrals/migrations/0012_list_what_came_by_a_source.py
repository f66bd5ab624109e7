from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("referrals", "0011_list_what_is_unmatched"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(
                fields=["source", "-id"],
                condition=~Q(("source__in", ["", "api"])),
                name="event_of_source",
            ),
        ),
    ]
