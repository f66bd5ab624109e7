"""Statements of the hot routes: planned once per connection, then only run."""

from collections.abc import Mapping
from typing import Any

import psycopg
from django.db import connection


def execute(query: str, parameters: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    """Run a statement, prepared unless PREPARED_STATEMENTS is off.

    Planning a statement over several tables takes longer than running it. Errors are
    Django's, and so is the log of queries, as with any cursor of its own.
    """
    connection.close_if_health_check_failed()  # as `connection.cursor()` does
    connection.ensure_connection()
    if connection.queries_logged:
        connection.queries_log.append({"sql": query, "time": "0"})
    with connection.wrap_database_errors:
        # Django's own cursor puts values into the text, which cannot be prepared.
        return psycopg.Cursor(connection.connection).execute(query, parameters)
