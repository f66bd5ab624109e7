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

    def init_connection_state(self) -> None:
        """Have statements that are prepared (see prepared.py) planned only once.

        PostgreSQL would plan them anew each time, for the numbers of elements of the
        arrays in them. It changes nothing for all others.
        """
        super().init_connection_state()
        if self.settings_dict["OPTIONS"].get("prepare_threshold") is not None:
            with self.cursor() as cursor:
                cursor.execute("SET plan_cache_mode = force_generic_plan")
            self.connection.prepare_threshold = (
                None  # but in prepared.py, which says why
            )
