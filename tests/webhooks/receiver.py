"""A receiver of webhooks on this machine, which answers as it is told to."""

import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from webhooks import secrets, signing
from webhooks.dispatcher import Dispatcher
from webhooks.models import Endpoint

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What came in, and what is answered: the last reply stays for good."""

    url: str = ""
    replies: list[Reply] = field(default_factory=list)
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


def status(code: int, body: bytes = b"", **headers: str) -> Reply:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def hang(seconds: float) -> Reply:
    return lambda handler: time.sleep(seconds)


def drip(handler: BaseHTTPRequestHandler) -> None:
    """A byte now and then, for ever: each read is quick, the whole never ends."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b".")
        time.sleep(0.05)


def flood(handler: BaseHTTPRequestHandler) -> None:
    """A body without end, as fast as it is read."""
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"x" * 65536)


def reset(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(2)


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    receiver = Receiver(replies=[status(200, b"thanks")])
    server = _Server(receiver)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    scheme = "https" if tls else "http"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> Any:
        self.receiver.connections += 1
        return super().get_request()

    def _handle_request_noblock(self) -> None:
        """A caller that does not like our certificate is none of our errors."""
        with suppress(ssl.SSLError):
            super()._handle_request_noblock()  # type: ignore[misc]

    def handle_error(self, *args: Any) -> None:
        """Callers that hang up are what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        receiver = self.server.receiver
        receiver.received.append(Received(self.path, dict(self.headers), body))
        receiver.next_reply()(self)

    def log_message(self, *args: Any) -> None:
        pass


def make_endpoint(url: str = "https://hooks.example/in", **fields: Any) -> Endpoint:
    fields = {"mode": "test", "secret": "", **fields}
    secret = fields.pop("secret") or signing.new_secret()
    encrypted = secrets.encrypt(secret)
    return Endpoint.objects.create(url=url, secret=encrypted, **fields)


def deliver() -> None:
    """Do what the dispatcher does, until nothing is due."""
    dispatcher = Dispatcher()
    dispatcher.drain()
    dispatcher.finish()
