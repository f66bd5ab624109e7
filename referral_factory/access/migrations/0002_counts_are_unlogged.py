from django.db import migrations


class Migration(migrations.Migration):
    """Counting calls writes no WAL, and leaves room for updates in place."""

    dependencies = [("access", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE access_callcount SET UNLOGGED, SET (fillfactor = 50)",
            "ALTER TABLE access_callcount SET LOGGED, RESET (fillfactor)",
        ),
    ]
