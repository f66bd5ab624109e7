"""Receives webhooks as a subscriber should: verifies each, and counts it once."""

import json
import threading
from collections import Counter, defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """Listens on a port of its own between entering and leaving.

    `forget` loses one message on purpose, the n-th: to see that it would be missed.
    """

    def __init__(self, *, forget: int = 0) -> None:
        self.webhook: Webhook | None = None  # set by `expect`
        self.campaign = ""
        self.forget = forget
        self.invalid = 0
        self.repeated = 0
        self.types: Counter[str] = Counter()
        self.sequences: dict[str, set[int]] = defaultdict(set)
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", 0), handler_of(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhooks"

    @property
    def count(self) -> int:
        return self.types.total()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def expect(self, campaign: str, secret: str) -> None:
        """From now on, messages of this campaign, signed with this secret."""
        self.campaign, self.webhook = campaign, Webhook(secret)

    def take(self, body: bytes, headers: dict[str, str]) -> bool:
        """Verify a message and count it; False where it is not a genuine one."""
        try:
            if self.webhook is None:
                raise WebhookVerificationError("Nothing is expected yet.")
            self.webhook.verify(body, headers)
        except WebhookVerificationError:
            with self._lock:
                self.invalid += 1
            return False
        self._count(headers["webhook-id"], json.loads(body))
        return True

    def gaps(self) -> int:
        """How many objects miss one of their messages: their sequence has a hole."""
        return sum(len(seen) != max(seen) for seen in self.sequences.values())

    def _count(self, webhook_id: str, message: dict[str, Any]) -> None:
        if message["campaign"] != self.campaign:
            return  # about the installation, not about us
        with self._lock:
            if webhook_id in self._seen:  # delivered at least once, so maybe twice
                self.repeated += 1
                return
            self._seen.add(webhook_id)
            if len(self._seen) == self.forget:
                return
            self.types[message["type"]] += 1
            self.sequences[message["data"]["id"]].add(message["sequence"])


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def handler_of(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections are kept
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response_only(204 if receiver.take(body, headers) else 401)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    return Handler
