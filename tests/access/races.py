"""Races made likely: a trigger that sleeps before each insert widens the window."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def slow_inserts(table: str) -> Iterator[None]:
    """Inserts into the table take 50 ms more while this is open."""
    run("""
        CREATE FUNCTION slow_down() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(0.05); RETURN NEW; END'
    """)
    run(
        f"CREATE TRIGGER slow_down BEFORE INSERT ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION slow_down()"
    )
    try:
        yield
    finally:
        run("DROP FUNCTION slow_down() CASCADE")


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
