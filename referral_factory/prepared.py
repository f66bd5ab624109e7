"""Statements of the hot routes: planned once per connection, then only run."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from referral_factory.wire import as_json


def execute(query: str, parameters: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    """Run a statement, prepared unless PREPARED_STATEMENTS is off.

    Planning a statement over several tables takes longer than running it. Errors are
    Django's, and so is the log of queries, as with any cursor of its own.
    """
    # `connection` looks up the thread's own at each use, which takes its time.
    server: Any = connections[DEFAULT_DB_ALIAS]
    server.close_if_health_check_failed()  # as its `cursor()` does
    server.ensure_connection()
    if server.queries_logged:
        server.queries_log.append({"sql": query, "time": "0"})
    with server.wrap_database_errors:
        try:
            return _run(server, query, parameters)
        except psycopg.errors.FeatureNotSupported:
            # A migration changed the type of a column since this was planned.
            if server.in_atomic_block:
                raise
            server.close()
            server.ensure_connection()
            return _run(server, query, parameters)


def _run(server: Any, query: str, parameters: Mapping[str, Any]) -> psycopg.Cursor[Any]:
    # Django's own cursor puts values into the text, which cannot be prepared. Asked to
    # prepare, the driver would keep the texts of the last hundred all the same, to see
    # whether one comes again: megabytes each, where many rows are written.
    driver = server.connection
    wanted = server.settings_dict["OPTIONS"].get("prepare_threshold")
    driver.prepare_threshold = wanted
    try:
        return psycopg.Cursor(driver).execute(query, parameters)
    finally:
        driver.prepare_threshold = None


def insert(rows: Iterable[Model]) -> set[UUID]:
    """Write new rows of one table, however many, in one statement.

    The keys of those that were written: a row that breaks a uniqueness is left out.
    """
    rows = list(rows)
    if not rows:
        return set()
    names = _columns(type(rows[0]))
    values = [{name: row.__dict__[name] for name in names} for row in rows]
    parameters = {"rows": as_json(values).decode()}
    written = execute(_insert_into(type(rows[0])), parameters)
    return {key for (key,) in written.fetchall()}


@cache
def _columns(model: type[Model]) -> list[str]:
    """What its rows have, by the name of the attribute, which is the column's."""
    fields = model._meta.concrete_fields
    assert all(each.attname == each.column for each in fields)  # noqa: S101
    return [each.attname for each in fields]


@cache
def _insert_into(model: type[Model]) -> str:
    table, columns = model._meta.db_table, ", ".join(_columns(model))
    return f"""
        INSERT INTO {table} ({columns}) SELECT {columns}
        FROM json_populate_recordset(NULL::{table}, %(rows)s::json)
        ON CONFLICT DO NOTHING RETURNING id
    """  # noqa: S608 - the names are the model's


def array(values: Iterable[object]) -> str:
    """Numbers or texts as one parameter (`%(names)s::text[]`), in PostgreSQL's words.

    The driver writes lists as well, in many times the time.
    """
    quoted = (str(each).replace("\\", r"\\").replace('"', r"\"") for each in values)
    return "{" + ",".join([f'"{each}"' for each in quoted]) + "}"
