"""Read events from a queue in the foreground."""

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from webhooks.consuming.brokers import NoQueue
from webhooks.consuming.consumer import Consumer
from webhooks.consuming.opening import broker_of, road_of

EXAMPLES = """A message is what POST /api/v1/events takes, or whatever the source's
mapping reads. Examples:
  manage.py consume amqp://user:password@host/vhost orders --campaign cmp_...
  manage.py consume redis://host:6379/0 orders --source src_...
  manage.py consume pgmq:// orders --campaign cmp_..."""


class Command(BaseCommand):
    help = (
        "Records events from a queue until it is told to stop. Run as many as you like."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "url", help="amqp://, amqps://, redis://, rediss://, pgmq://"
        )
        parser.add_argument("queue", help="the name of the queue")
        road = parser.add_mutually_exclusive_group(required=True)
        road.add_argument("--campaign", metavar="cmp_...", help="whose events they are")
        road.add_argument("--source", metavar="src_...", help="how to read them")

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        try:
            road = road_of(options["queue"], options["campaign"], options["source"])
            broker = broker_of(options["url"], options["queue"])
            self.stdout.write(f"Reading {options['queue']}.")
            self.stdout.flush()
            tally = Consumer(broker, road).run(stopped.is_set)
        except NoQueue as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Stopped: {tally}.")
