from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from pgmq.install import get_embedded_install_sql


def install_queue(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Install PGMQ's functions, in SQL only: no extension, no superuser.

    Its script runs once; where the schema is there already (a managed server may bring
    it as an extension) that one is used.
    """
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regnamespace('pgmq')")
        if cursor.fetchone() == (None,):
            cursor.execute(get_embedded_install_sql())


class Migration(migrations.Migration):
    """Lets Celery use this database as its broker when CELERY_BROKER_URL is unset."""

    operations = [migrations.RunPython(install_queue, migrations.RunPython.noop)]
