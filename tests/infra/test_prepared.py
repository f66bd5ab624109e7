"""Statements that are planned once, on connections that live long."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import ProgrammingError, close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from referral_factory import prepared

COUNT = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%number%%'"


@pytest.fixture
def table() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE shelf (number integer)")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE shelf")


def number() -> int:
    query = "SELECT coalesce(max(number), 0) FROM shelf WHERE number < %(most)s"
    found: int = prepared.execute(query, {"most": 5}).fetchone()[0]  # type: ignore[index]
    return found


def planned() -> int:
    with connection.cursor() as cursor:
        cursor.execute(COUNT)
        (found,) = cursor.fetchone()
        return int(found)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("table")
def test_statement_is_planned_once() -> None:
    assert [number(), number(), number()] == [0, 0, 0]
    assert planned() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("table")
def test_column_that_changes_its_type_is_planned_anew() -> None:
    number()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shelf ALTER number TYPE bigint")

    assert number() == 0


def plan_of_number() -> str:
    name = (
        "SELECT name FROM pg_prepared_statements WHERE statement LIKE '%%FROM shelf%%'"
    )
    with connection.cursor() as cursor:
        cursor.execute(name)
        (name,) = cursor.fetchone()
        cursor.execute(f"EXPLAIN EXECUTE {name} ('5')")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("table")
def test_a_plan_for_a_small_table_does_not_outlive_its_growth(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(prepared, "FIRST_GOOD_FOR", 0.0)
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON shelf (number)")
        cursor.execute("INSERT INTO shelf VALUES (1)")
        cursor.execute("ANALYZE shelf")
    for _ in range(10):
        number()
    assert "Seq Scan" in plan_of_number()
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO shelf SELECT generate_series(1, 10000)")

    number()

    assert "Index" in plan_of_number()


@pytest.mark.django_db(transaction=True)
def test_connection_that_was_cut_is_replaced_before_the_next_request() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    close_old_connections()

    assert prepared.execute("SELECT 1", {}).fetchone() == (1,)


@pytest.mark.django_db(transaction=True)
def test_health_check_asks_the_kernel_and_not_the_server() -> None:
    connection.ensure_connection()
    close_old_connections()

    with CaptureQueriesContext(connection) as queries:
        assert connection.is_usable()
        prepared.execute("SELECT 1", {})

    assert [query["sql"] for query in queries] == ["SELECT 1"]


@pytest.mark.django_db(transaction=True)
def test_errors_are_djangos() -> None:
    with pytest.raises(ProgrammingError):
        prepared.execute("SELECT nothing FROM nowhere", {})


def test_texts_with_values_in_them_are_not_kept() -> None:
    """Else a hundred of the largest statements would stay in memory."""
    prepared.execute("SELECT 1", {})
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s", ["x" * 1_000_000])

    kept = connection.connection._prepared._counts
    assert not [query for query, _ in kept if len(query) > 1000]
