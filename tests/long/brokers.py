"""Real brokers on ports of their own, which a test may freeze, stop and empty."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import redis

from referral_factory.supervisor import end_with_parent
from tests.programs import program


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Broker:
    """One server process, started again with what it kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        raise NotImplementedError

    def command(self) -> tuple[list[str], dict[str, str]]:
        """How to start it: arguments, and what to add to the environment."""
        raise NotImplementedError

    def start(self) -> None:
        arguments, environment = self.command()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                arguments,
                env={**os.environ, **environment},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )
        deadline = time.monotonic() + 60
        while not self.listens():
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            time.sleep(0.1)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self.process:
            self._signal(signal.SIGCONT)
            self._signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, number)


class Redis(Broker):
    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> tuple[list[str], dict[str, str]]:
        server = program("redis-server", "valkey-server")
        place = [f"--port {self.port}", "--bind 127.0.0.1", f"--dir {self.folder}"]
        words = " ".join([*place, "--appendonly yes", "--save ''"]).split()
        return [server, *words], {}

    def empty(self) -> None:
        with redis.Redis(port=self.port) as client:
            client.flushall()


class RabbitMQ(Broker):
    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.names, self.distribution = free_port(), free_port()

    def command(self) -> tuple[list[str], dict[str, str]]:
        # The script below the one in the PATH, which insists on a user of its own.
        program("rabbitmq-server")
        folder = str(self.folder)
        return ["/usr/lib/rabbitmq/bin/rabbitmq-server"], {
            "HOME": folder,  # of the cookie
            "RABBITMQ_NODENAME": f"test{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution),
            "RABBITMQ_MNESIA_BASE": folder,
            "RABBITMQ_LOG_BASE": folder,
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none",
            # Erlang's name server would stay for ever; this one is ended in `close`.
            "ERL_EPMD_PORT": str(self.names),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def close(self) -> None:
        """End the name server, too."""
        subprocess.run(
            [program("epmd"), "-port", str(self.names), "-kill"],
            capture_output=True,
            check=False,
        )
