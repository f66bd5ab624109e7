"""Run a dispatcher in the foreground."""

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from webhooks.dispatcher import Dispatcher


class Command(BaseCommand):
    help = "Delivers webhooks until it is told to stop. Run as many as you like."

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        self.stdout.write("Delivering webhooks.")
        given_back = Dispatcher().run(stopped.is_set)
        self.stdout.write(f"Stopped; {given_back} deliveries given back.")
