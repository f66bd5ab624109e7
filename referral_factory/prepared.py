"""Statements of the hot routes: planned once per connection, then only run."""

import re
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

from referral_factory.wire import as_json

PLACE = re.compile(r"%\((\w+)\)s")


def execute(query: str, parameters: Mapping[str, Any]) -> "Result":
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


class Column(NamedTuple):
    name: str


class Result:
    """What a statement gave, as a cursor tells it."""

    def __init__(self, driver: psycopg.Connection[Any], found: PGresult) -> None:
        self._driver, self._found = driver, found

    @property
    def count(self) -> int:
        """How many rows it read or wrote."""
        return self._found.command_tuples or 0

    @property
    def description(self) -> list[Column]:
        names = (self._found.fname(n) for n in range(self._found.nfields))
        return [Column(name.decode()) for name in names if name]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return iter(self.fetchall())

    def fetchall(self) -> list[tuple[Any, ...]]:
        if not self._found.ntuples:
            return []
        types = Transformer(self._driver)
        types.set_pgresult(self._found)
        return types.load_rows(0, self._found.ntuples, tuple)

    def fetchone(self) -> tuple[Any, ...] | None:
        """The first row."""
        return next(iter(self), None)


# A plan is good for a table as large as it was when it was made: one of a few rows is
# read from end to end, also when it has grown. So plans are made anew: soon at first,
# and then now and then.
FIRST_GOOD_FOR, GOOD_FOR = 1.0, 60.0  # seconds


@dataclass(slots=True)
class Plans:
    """What one connection has prepared: the name of each statement, by its text."""

    names: dict[bytes, bytes] = field(default_factory=dict)
    good_for: float = field(default_factory=lambda: FIRST_GOOD_FOR)
    good_until: float = 0.0

    def name_of(self, text: bytes, link: PGconn) -> bytes:
        if (now := time.monotonic()) >= self.good_until:
            _checked(link, link.exec_(b"DISCARD PLANS"))
            self.good_until = now + self.good_for
            self.good_for = min(self.good_for * 4, GOOD_FOR)
        if text not in self.names:
            name = b"prepared_%d" % len(self.names)
            _checked(link, link.prepare(name, text))
            self.names[text] = name
        return self.names[text]


_plans: WeakKeyDictionary[psycopg.Connection[Any], Plans] = WeakKeyDictionary()


def _run(server: Any, query: str, parameters: Mapping[str, Any]) -> Result:
    """By the driver's library alone: its cursors take longer than the server does.

    Values are sent as text, and the statement says of which types they are.
    """
    driver: psycopg.Connection[Any] = server.connection
    link = driver.pgconn
    text, names = _numbered(query)
    # Of any type, since that of exec_prepared leaves out NULL.
    values: list[Any] = [_as_text(parameters[name]) for name in names]
    if not driver.autocommit and link.transaction_status == TransactionStatus.IDLE:
        _checked(link, link.exec_(b"BEGIN"))
    if server.settings_dict["OPTIONS"].get("prepare_threshold") is None:
        return Result(driver, _checked(link, link.exec_params(text, values)))
    plans = _plans.get(driver) or _plans.setdefault(driver, Plans())
    name = plans.name_of(text, link)
    return Result(driver, _checked(link, link.exec_prepared(name, values)))


@cache
def _numbered(query: str) -> tuple[bytes, list[str]]:
    """The statement with `$1` and so on for `%(name)s`, and those names in order."""
    names = list(dict.fromkeys(PLACE.findall(query)))
    text = PLACE.sub(lambda place: f"${names.index(place[1]) + 1}", query)
    return text.replace("%%", "%").encode(), names


def _as_text(value: object) -> bytes | None:
    if value is None:
        return None
    text = str(value).encode()
    if b"\0" in text:  # the server would not see what follows it
        raise psycopg.DataError("Text for PostgreSQL cannot have a NUL in it.")
    return text


def _checked(link: PGconn, found: PGresult) -> PGresult:
    if found.status in {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}:
        return found
    if link.status == ConnStatus.BAD:
        raise psycopg.OperationalError(found.error_message.decode(errors="replace"))
    raise psycopg.errors.error_from_result(found)


def insert(rows: Iterable[Model]) -> set[UUID]:
    """Write new rows of one table, however many, in one statement.

    The keys of those that were written: a row that breaks a uniqueness is left out.
    """
    rows = list(rows)
    if not rows:
        return set()
    model = type(rows[0])
    names = _columns(model)
    values = [{name: row.__dict__[name] for name in names} for row in rows]
    found = execute(_insert_into(model), {"rows": as_json(values).decode()})
    return written(model, [row.pk for row in rows], found)


def written(model: type[Model], keys: Collection[UUID], found: Result) -> set[UUID]:
    """Which of these an INSERT wrote: all of them, hardly ever fewer."""
    if found.count == len(keys):
        return set(keys)
    rows = model._default_manager.filter(pk__in=keys)
    return set(rows.values_list("pk", flat=True))


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
        ON CONFLICT DO NOTHING
    """  # noqa: S608 - the names are the model's


def array(values: Iterable[object]) -> str:
    """Numbers or texts as one parameter (`%(names)s::text[]`), in PostgreSQL's words.

    The driver writes lists as well, in many times the time.
    """
    texts = [str(each) for each in values]
    if not texts:
        return "{}"
    whole = '","'.join(texts)
    if "\\" in whole or whole.count('"') > 2 * (len(texts) - 1):
        escaped = [text.replace("\\", r"\\").replace('"', r"\"") for text in texts]
        whole = '","'.join(escaped)
    return f'{{"{whole}"}}'
