"""Lists of Redis and Valkey: producers push to the left, we take from the right.

Kombu pops a message first and remembers it then: a consumer that is killed in between
loses it. So we ask kombu for the connection only. What is taken moves, in one step of
the server, to a list of ours, which goes back to the queue when our lease ends.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kombu import Connection
from kombu.exceptions import OperationalError
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from webhooks.consuming.brokers import (
    GATHER,
    WAIT,
    Body,
    BrokerAway,
    NoQueue,
    own_name,
    unwrapped,
)

LEASE = 20_000  # milliseconds; many times what a batch takes

# KEYS: the queue, who holds some of it until when. ARGV: our name, the lease, how many
# messages, and how the lists of who holds some are called.
TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  while redis.call('LMOVE', ARGV[4] .. name, KEYS[1], 'LEFT', 'RIGHT') do end
  redis.call('ZREM', KEYS[2], name)
end
local taken = {}
while #taken < tonumber(ARGV[3]) do
  local message = redis.call('LMOVE', KEYS[1], ARGV[4] .. ARGV[1], 'RIGHT', 'LEFT')
  if not message then break end
  taken[#taken + 1] = message
end
if #taken > 0 then redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1]) end
return taken
"""
DONE = """
redis.call('DEL', ARGV[2] .. ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
"""
GIVE_BACK = """
while redis.call('LMOVE', ARGV[2] .. ARGV[1], KEYS[1], 'LEFT', 'RIGHT') do end
redis.call('ZREM', KEYS[2], ARGV[1])
"""
OPTIONS = {"socket_connect_timeout": 5, "socket_timeout": 5, "socket_keepalive": True}


class RedisList:
    """One list. It need not be there: an empty list is none, to Redis."""

    def __init__(self, url: str, queue: str) -> None:
        self.url, self.queue = url, queue
        self._name = own_name()
        # In braces, so that a cluster keeps them where the queue is.
        tag = queue if "{" in queue else f"{{{queue}}}"
        self._keys = [queue, f"{tag}:held"]
        self._held = f"{tag}:held:"
        self._connection: Connection | None = None
        self._client: Any = None
        self._scripts: dict[str, Any] = {}

    def open(self) -> None:
        with self._errors():
            self._connection = Connection(self.url, transport_options=dict(OPTIONS))
            channel: Any = self._connection.channel()
            self._client = channel.client
            self._scripts = {
                script: self._client.register_script(script)
                for script in (TAKE, DONE, GIVE_BACK)
            }
            if self._client.type(self.queue) not in {b"list", b"none"}:
                raise NoQueue(f"{self.queue} is no list.")

    def take(self, most: int) -> Sequence[Body]:
        with self._errors():
            taken = self._take(most)
            if not taken and self._wait():
                taken = self._take(most)
            if 0 < len(taken) < most:
                time.sleep(GATHER)
                taken += self._take(most - len(taken))
        return [unwrapped(message) for message in taken]

    def done(self) -> None:
        self._run(DONE, self._name, self._held)

    def close(self) -> None:
        try:
            if self._client:
                self._run(GIVE_BACK, self._name, self._held)
        except (BrokerAway, NoQueue):
            pass  # the lease will end
        if self._connection:
            self._connection.release()
        self._client = self._connection = None

    def _take(self, most: int) -> list[bytes]:
        taken: list[bytes] = self._run(TAKE, self._name, LEASE, most, self._held)
        return taken

    def _wait(self) -> bool:
        """Until there is something: moving it to where it is leaves it there."""
        same = (self.queue, self.queue)
        return self._client.blmove(*same, WAIT, "RIGHT", "RIGHT") is not None

    def _run(self, script: str, *arguments: object) -> Any:
        with self._errors():
            return self._scripts[script](keys=self._keys, args=arguments)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (AuthenticationError, NoPermissionError) as error:
            raise NoQueue(str(error)) from error
        except (RedisError, OperationalError, OSError) as error:
            if isinstance(error, ResponseError) and "WRONGTYPE" in str(error):
                raise NoQueue(f"{self.queue} is no list.") from error
            raise BrokerAway(str(error) or type(error).__name__) from error
