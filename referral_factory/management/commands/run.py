import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from referral_factory.embedded import SERVER, STATE_DIR, EmbeddedError
from referral_factory.supervisor import Supervisor

HOST = "127.0.0.1"
MANAGE = [sys.executable, str(settings.BASE_DIR / "manage.py")]


def programs(port: int, *, verbose: bool) -> dict[str, list[str]]:
    """Everything that a whole system is made of, beside its database."""
    level = "INFO" if verbose else "WARNING"
    python = [sys.executable, "-m"]
    # More threads than cores: who waits for the database together is served together.
    # Granian warns of them, unless it is told to speak of errors alone.
    # Celery's warning of root is about formats of messages that we do not take.
    celery = [sys.executable, "-W", "ignore:You're running", "-m", "celery"]
    celery += (
        ["--app=referral_factory"] if verbose else ["--quiet", "--app=referral_factory"]
    )
    quiet = [f"--loglevel={level}"]
    return {
        "web": [
            *python, "granian", "--interface=wsgi", f"--host={HOST}", f"--port={port}",
            "--workers=2", "--blocking-threads=8", "--respawn-failed-workers",
            f"--log-level={level.lower() if verbose else 'error'}",
            "--workers-kill-timeout=5",
            "referral_factory.wsgi:application",
        ],
        "worker": [
            *celery, "worker", "--concurrency=2", "--without-gossip",
            "--without-mingle", "--without-heartbeat", *quiet,
        ],
        "scheduler": [*celery, "beat", "--pidfile=", *quiet],
        "dispatcher": [*MANAGE, "dispatch"],
    }  # fmt: skip


class Command(BaseCommand):
    help = (
        "Runs everything in the foreground: database, web server, worker, scheduler, "
        "dispatcher. For a laptop; docs/operations.md says how to run them apart."
    )
    requires_system_checks: list[str] = []  # they ask for the database that we start

    def handle(self, *args: Any, **options: Any) -> None:
        port = settings.PORT
        refuse_taken(port)
        verbose = os.environ.get("VERBOSE", "") not in {"", "0"}
        environment = {
            **os.environ,
            "WEBHOOKS_ALLOW_LOOPBACK": "1",  # here, and only here
            "PYTHONUNBUFFERED": "1",
        }
        # Until the supervisor takes over, SIGTERM unwinds us as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt), self.database():
            self.prepare()
            with Supervisor({}, environment, self.say) as supervisor:
                self.watch(supervisor, programs(port, verbose=verbose), port)
                self.say("Stopping…")
        self.say("Stopped.")

    def say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    @contextmanager
    def database(self) -> Iterator[None]:
        if settings.DATABASE_URL:
            yield
            return
        try:
            with SERVER.in_use():
                # Should we be killed, this one still stops the server after us.
                keeper = subprocess.Popen(
                    [sys.executable, "-m", "referral_factory.embedded"],
                    cwd=settings.BASE_DIR,
                    start_new_session=True,
                )
                try:
                    yield
                finally:
                    keeper.kill()
                    keeper.wait()
        except EmbeddedError as error:
            raise CommandError(str(error)) from error

    def prepare(self) -> None:
        self.say("Preparing the database…")
        call_command("migrate", verbosity=0, skip_checks=False)
        settings.WEBHOOKS_ALLOW_LOOPBACK = True  # for the seed's example, as below
        call_command("seed", verbosity=0)
        connections.close_all()

    def watch(
        self, supervisor: Supervisor, programs: dict[str, list[str]], port: int
    ) -> None:
        """The web server first, by itself: it answers sooner when it has all cores."""
        supervisor.add({"web": programs.pop("web")})
        while not supervisor.stopping:
            supervisor.tick(0.2)
            if programs and is_ready(port):
                supervisor.add(programs)
                programs = {}
                self.say(announcement())


def refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise CommandError(
                f"Port {port} is taken. Choose another: PORT={port + 1} make run"
            )


def is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def announcement() -> str:
    """Where everything is. The file is the seed command's; it holds secrets."""
    known = json.loads((STATE_DIR / "run.json").read_text())
    url, admin, keys = known["url"], known["admin"], known["keys"]
    return f"""
Referral Factory answers at {url}

  Admin      {url}/admin/
  Dashboard  {url}/dashboard/
  API docs   {url}/api/docs
  Login      {admin["username"]} / {admin["password"]}
  Test key   {keys["test"]}
  Live key   {keys["live"]}

Play a whole referral programme against it: make demo
Stop: Ctrl-C
"""
