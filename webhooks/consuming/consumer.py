"""The loop between a queue and the campaign: take, record, commit, acknowledge."""

import logging
import time
from collections.abc import Callable, Sequence

from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from webhooks.consuming.brokers import Body, Broker, BrokerAway
from webhooks.consuming.road import Road, Tally

log = logging.getLogger(__name__)

MOST = 500  # messages in one transaction
PAUSE = 1.0  # seconds until we try again what was away


class Consumer:
    """One process's share of a queue. As many may read one queue as one likes.

    A message is acknowledged when what came of it is committed. Who is killed in
    between gets it again, and the event's id says that it is known.
    """

    def __init__(self, broker: Broker, road: Road) -> None:
        self.broker, self.road = broker, road
        self.tally = Tally()

    def run(self, stop: Callable[[], bool]) -> Tally:
        """Work until `stop()`. What is away, broker or database, is waited for."""
        while not stop():
            try:
                self.broker.open()
                while not stop():
                    self.turn()
            except BrokerAway as error:
                log.warning("The queue is away: %s", error)
                time.sleep(PAUSE)
            except (OperationalError, InterfaceError) as error:
                log.warning("The database is away: %s", error)
                connection.close()
                time.sleep(PAUSE)
            finally:
                self.broker.close()
        return self.tally

    def turn(self) -> None:
        """One batch, if there is something within a second."""
        bodies = self.broker.take(MOST)
        if bodies:
            self.handle(bodies)
            self.broker.done()

    def handle(self, bodies: Sequence[Body]) -> None:
        self.tally.add(self.road.bring(bodies, wall=timezone.now()))
