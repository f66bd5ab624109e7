"""Tables that grow for ever, cut into months by their UUIDv7 key.

A partitioned table has a default partition, so that an insert never fails, and a
partition for each month, made ahead. Retention drops whole months: no row is ever
deleted one by one.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import ProjectState

LOCK = 0x7061_7274  # one caretaker at a time


class Partitioned(NamedTuple):
    key: str  # the UUIDv7 column that the table is cut by
    retention: str  # the setting that says how many days are kept
    storage: str = ""  # storage parameters of each month


# A delivery goes before its message, so that none is ever left without a body.
TABLES = {
    "referrals_click": Partitioned("id", "CLICK_RETENTION_DAYS"),
    "webhooks_attempt": Partitioned("id", "MESSAGE_RETENTION_DAYS"),
    "webhooks_delivery": Partitioned(
        "message_id",
        "MESSAGE_RETENTION_DAYS",
        # A row is leased, then finished: leave room for both beside it.
        "fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02",
    ),
    "webhooks_message": Partitioned("id", "MESSAGE_RETENTION_DAYS"),
    "webhooks_arrival": Partitioned("id", "ARRIVAL_RETENTION_DAYS"),
}


class Month(NamedTuple):
    year: int
    month: int

    @classmethod
    def of(cls, moment: datetime) -> "Month":
        moment = moment.astimezone(UTC)
        return cls(moment.year, moment.month)

    def next(self) -> "Month":
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    def start(self) -> datetime:
        return datetime(self.year, self.month, 1, tzinfo=UTC)

    def table(self, parent: str) -> str:
        return f"{parent}_{self.year:04}_{self.month:02}"


def floor(moment: datetime) -> UUID:
    """The lowest UUIDv7 of an instant: every key made from then on is at least this."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=milliseconds << 80 | 7 << 76 | 0b10 << 62)


def made_at(key: UUID) -> datetime:
    """When a UUIDv7 was made."""
    return datetime.fromtimestamp((key.int >> 80) / 1000, tz=UTC)


class CreatePartitioned(migrations.CreateModel):
    """CreateModel for a table that is partitioned by range of a UUIDv7 column.

    Django's primary key stays what the model says. Where it is not the partition key,
    the database has none under that name: the model's unique constraints must then
    contain the partition key, and stand in for it.
    """

    def __init__(
        self, name: str, fields: Any, *, partition_by: str, **rest: Any
    ) -> None:
        self.partition_by = partition_by
        super().__init__(name, fields, **rest)

    def deconstruct(self) -> Any:
        name, args, kwargs = super().deconstruct()
        return name, args, {**kwargs, "partition_by": self.partition_by}

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.name)
        quote = schema_editor.quote_name
        sql, params = schema_editor.table_sql(model)
        if model._meta.pk.column != self.partition_by:
            sql = sql.replace(" PRIMARY KEY", "", 1)
        schema_editor.execute(
            f"{sql} PARTITION BY RANGE ({quote(self.partition_by)})", params or None
        )
        table = model._meta.db_table
        default = quote(f"{table}_default")
        schema_editor.execute(
            f"CREATE TABLE {default} PARTITION OF {quote(table)} DEFAULT"
        )
        indexes = schema_editor._model_indexes_sql(model)  # type: ignore[attr-defined]
        schema_editor.deferred_sql.extend(indexes)


def ensure(now: datetime, ahead: int = 1) -> list[str]:
    """Make the partitions of this month and of `ahead` more; returns the new ones.

    Safe to run at any time and by many at once. Months that were missed, because
    nobody called this for a while, are made too, and their rows moved there.
    """
    made = []
    with transaction.atomic():
        _lock()
        existing = _partitions()
        for table in TABLES.keys() & existing.keys():
            for month in _wanted(table, now, ahead):
                if month.table(table) not in existing[table]:
                    _make(table, month)
                    made.append(month.table(table))
    return made


def drop_before(table: str, moment: datetime) -> list[str]:
    """Drop the months of a table that ended by then; returns them."""
    dropped = []
    with transaction.atomic():
        _lock()
        for name in sorted(_partitions().get(table, ())):
            found = re.fullmatch(rf"{table}_(\d{{4}})_(\d\d)", name)
            if found and Month(int(found[1]), int(found[2])).next().start() <= moment:
                _execute(f"DROP TABLE {name}")
                dropped.append(name)
    return dropped


def _lock() -> None:
    """Wait for another caretaker; but for a busy table not long, and come back later.

    Who waits for a table makes all others wait who come after.
    """
    _execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    _execute("SET LOCAL lock_timeout = '3s'")


def _partitions() -> dict[str, set[str]]:
    """The partitions of every registered table that exists."""
    rows = _rows(
        "SELECT inhparent::regclass::text, inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent::regclass::text = ANY(%s)",
        [list(TABLES)],
    )
    found: dict[str, set[str]] = {}
    for parent, partition in rows:
        found.setdefault(parent, set()).add(partition)
    return found


def _wanted(table: str, now: datetime, ahead: int) -> Iterator[Month]:
    """From the oldest row that fell into the default partition to `ahead` from now."""
    key = TABLES[table].key
    stray = _rows(f"SELECT {key} FROM {table}_default ORDER BY {key} LIMIT 1")  # noqa: S608 - our own names
    last = Month.of(now)
    month = min([last, *(Month.of(made_at(row[0])) for row in stray)])
    for _ in range(ahead):
        last = last.next()
    while month <= last:
        yield month
        month = month.next()


def _make(table: str, month: Month) -> None:
    """Make one month beside the table, move what is its own there, and attach it.

    Attaching takes no lock that readers and writers of the table would wait for;
    only the default partition is closed for that moment.
    """
    key, _, storage = TABLES[table]
    name, default = month.table(table), f"{table}_default"
    bounds = [floor(month.start()), floor(month.next().start())]
    options = f" WITH ({storage})" if storage else ""
    _execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL){options}")
    _execute(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE")
    _execute(
        f"WITH moved AS (DELETE FROM {default} WHERE {key} >= %s AND {key} < %s"  # noqa: S608 - our own names
        f" RETURNING *) INSERT INTO {name} SELECT * FROM moved",
        bounds,
    )
    _execute(
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM (%s) TO (%s)",
        bounds,
    )


def _execute(sql: str, params: Iterable[Any] = ()) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params) or None)


def _rows(sql: str, params: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, list(params) or None)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
