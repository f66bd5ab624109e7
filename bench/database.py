"""A database of the bench's own, made for one run and dropped after it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from urllib.parse import quote, urlsplit

import psycopg
from psycopg import sql

from referral_factory import embedded


@contextmanager
def own_database() -> Iterator[None]:
    """Lead DATABASE_URL, ours and of what we start, to a new and empty database.

    It is on the server that DATABASE_URL named, or on the embedded one. Django must
    not have been set up before.
    """
    given = os.environ.get("DATABASE_URL", "")
    name = f"referral_factory_bench_{os.getpid()}"
    with nullcontext() if given else embedded.SERVER.in_use():
        server = given or embedded.SERVER.conninfo("postgres")
        _execute(server, "CREATE DATABASE {}", name)
        os.environ["DATABASE_URL"] = _url(given, name)
        try:
            yield
        finally:
            os.environ["DATABASE_URL"] = given
            _execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(server: str, statement: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _url(given: str, name: str) -> str:
    if given:
        return urlsplit(given)._replace(path=f"/{name}").geturl()
    folder = quote(str(embedded.SERVER.sockets))
    return f"postgres:///{name}?host={folder}&port={embedded.PORT}&user={embedded.NAME}"
