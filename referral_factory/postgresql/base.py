"""Django's backend, with a health check that asks the kernel and not the server.

With CONN_HEALTH_CHECKS, Django sends `SELECT 1` before the first query of every
request. A server that went away has closed the socket, and the kernel knows.
"""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether nobody has hung up: an idle connection has nothing to read."""
        if self.connection is None or self.connection.closed:
            return False
        poller = select.poll()
        poller.register(self.connection.fileno(), select.POLLIN)
        return not poller.poll(0)
