import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from referral_factory.embedded import NAME, SERVER, EmbeddedError


class Command(BaseCommand):
    help = "The PostgreSQL that comes with the project, for when DATABASE_URL is unset."
    requires_system_checks: list[str] = []  # they ask for the server that we start

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("start", help="start it, and keep it up until `stop`")
        actions.add_parser("stop", help="stop it, whoever uses it")
        actions.add_parser("status", help="say whether it runs; exit code 3 if not")
        actions.add_parser("psql", help="open a prompt in its database")
        actions.add_parser("dump", help="write the database as SQL to standard output")

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        if settings.DATABASE_URL:
            raise CommandError(
                "DATABASE_URL is set, so the embedded PostgreSQL is not used. "
                "Unset it, or use your server's own tools."
            )
        try:
            getattr(self, action)()
        except EmbeddedError as error:
            raise CommandError(str(error)) from error

    def start(self) -> None:
        started = SERVER.start(keep=True)
        state = "started" if started else "is already running"
        self.stdout.write(f"PostgreSQL {state} (pid {SERVER.pid()}).")

    def stop(self) -> None:
        stopped = SERVER.stop()
        self.stdout.write(
            "PostgreSQL stopped." if stopped else "PostgreSQL was not running."
        )

    def status(self) -> None:
        self._insist()
        self.stdout.write(
            f"PostgreSQL is running (pid {SERVER.pid()}): {SERVER.conninfo()}"
        )

    def psql(self) -> None:
        self._become("psql")

    def dump(self) -> None:
        self._become("pg_dump")

    def _insist(self) -> None:
        if not SERVER.is_running():
            raise CommandError(
                "PostgreSQL is not running. Start it: manage.py postgres start",
                returncode=3,
            )

    def _become(self, name: str) -> None:
        self._insist()
        binary = SERVER.binary(name)
        os.execv(  # noqa: S606
            binary, [binary, f"--host={SERVER.sockets}", f"--username={NAME}", NAME]
        )
