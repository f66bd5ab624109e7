"""Many careful POSTs at once, on one thread.

libcurl does the talking; we decide where it may connect. Each exchange has one deadline
for all of it. Nothing is followed, unpacked, or read beyond what is kept.
"""

import selectors
import socket
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

import pycurl

from webhooks.addresses import may_connect

KEPT = 16 * 1024  # bytes of an answer's body
LONGEST_ERROR = 300
CONNECT_TIMEOUT = timedelta(seconds=10)
CONNECTIONS_KEPT = 512
STANDARD_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "Referral-Factory/1.0 (+webhooks)",
    "Accept-Encoding": "identity",
    "Expect": "",  # curl would ask for leave to send a longer body
}
WATCHED = "watched"  # marks what is not curl's among the selector's files


class HasFileno(Protocol):
    def fileno(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """How one exchange ended."""

    key: Any  # as given to `send`
    status_code: int | None  # None: no answer
    error: str  # empty: the exchange was complete
    latency_ms: int
    body: str  # the first 16 kB
    retry_after: str  # the header, as it came

    @classmethod
    def unsent(cls, key: Any, error: str) -> "Answer":
        """Of an exchange that never began."""
        return cls(key, None, error, latency_ms=0, body="", retry_after="")


class Exchange:
    """A reusable handle of curl, with what one exchange has brought so far."""

    def __init__(self, timeout: timedelta, *, loopback: bool) -> None:
        self.loopback = loopback
        self.timeout = timeout
        self.opened: list[socket.socket] = []
        self.curl = _new_curl(timeout)
        self.curl.setopt(pycurl.OPENSOCKETFUNCTION, self._open_socket)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._on_body)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._on_header)

    def start(
        self, key: Any, url: str, headers: Mapping[str, str], body: bytes
    ) -> None:
        self.key = key
        self.scheme = urlsplit(url).scheme.lower()
        self.body = bytearray()
        self.retry_after = ""
        self.refused = ""
        self.cut_off = False
        lines = [f"{name}: {value}".encode() for name, value in headers.items()]
        self.curl.setopt(pycurl.URL, url)
        self.curl.setopt(pycurl.HTTPHEADER, lines)
        self.curl.setopt(pycurl.POSTFIELDS, body)

    def rest(self) -> None:
        """Close our ends: curl has made copies of these sockets, and cares for them."""
        while self.opened:
            self.opened.pop().close()

    def answer(self, code: int, message: str) -> Answer:
        """What came of it; `code` is curl's, zero for a complete exchange."""
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        text = self.body.decode("utf-8", "replace").replace("\x00", "\ufffd")
        return Answer(
            key=self.key,
            status_code=status or None,
            error=self._error(code, message)[:LONGEST_ERROR],
            latency_ms=round(self.curl.getinfo(pycurl.TOTAL_TIME) * 1000),
            body=text,
            retry_after=self.retry_after,
        )

    def _error(self, code: int, message: str) -> str:
        if code == 0 or self.cut_off:
            return ""
        if self.refused:
            return f"No message may go to {self.refused}."
        if code == pycurl.E_OPERATION_TIMEDOUT:
            return f"No complete answer within {self.timeout.total_seconds():g} s."
        return message or f"curl error {code}"

    def _open_socket(self, purpose: int, target: Any) -> socket.socket | int:
        """The last word on where we connect to: curl has looked the name up by now."""
        host, port = target.addr[:2]
        if not may_connect(self.scheme, host, port, loopback=self.loopback):
            self.refused = host
            return pycurl.SOCKET_BAD
        opened = socket.socket(target.family, target.socktype, target.protocol)
        self.opened.append(opened)
        return opened

    def _on_body(self, chunk: bytes) -> int | None:
        self.body += chunk[: KEPT - len(self.body)]
        if len(self.body) < KEPT:
            return None
        self.cut_off = True
        return -1  # enough: curl hangs up

    def _on_header(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"retry-after":
            self.retry_after = value.decode("latin-1").strip()[:100]


class Transport:
    """Sends, and says what came back.

    `send` starts an exchange; `poll` moves all of them on and returns what ended.
    """

    def __init__(self, *, timeout: timedelta, loopback: bool) -> None:
        self._timeout = timeout
        self._loopback = loopback
        self._selector = selectors.DefaultSelector()
        self._timer: float | None = None
        self._idle: list[Exchange] = []
        self._running: dict[pycurl.Curl, Exchange] = {}
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, CONNECTIONS_KEPT)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)

    def __len__(self) -> int:
        """How many exchanges are under way."""
        return len(self._running)

    def send(self, key: Any, url: str, headers: Mapping[str, str], body: bytes) -> None:
        if self._idle:
            exchange = self._idle.pop()
        else:
            exchange = Exchange(self._timeout, loopback=self._loopback)
        exchange.start(key, url, {**headers, **STANDARD_HEADERS}, body)
        self._running[exchange.curl] = exchange
        self._multi.add_handle(exchange.curl)

    def poll(self, seconds: float) -> list[Answer]:
        """Wait up to so long, for the network or a watched file; what has ended."""
        if self._timer is not None:
            seconds = min(seconds, max(self._timer - time.monotonic(), 0))
        for key, mask in self._selector.select(seconds):
            if key.data is not WATCHED:
                readable = pycurl.CSELECT_IN if mask & selectors.EVENT_READ else 0
                writable = pycurl.CSELECT_OUT if mask & selectors.EVENT_WRITE else 0
                self._multi.socket_action(key.fd, readable | writable)
        if self._timer is not None and time.monotonic() >= self._timer:
            self._timer = None
            self._multi.socket_action(pycurl.SOCKET_TIMEOUT, 0)
        return self._ended()

    @contextmanager
    def watching(self, file: HasFileno) -> Iterator[None]:
        """Meanwhile, let `poll` return when this file has something to read."""
        number = file.fileno()  # it may be closed, and have none, at the end
        self._selector.register(number, selectors.EVENT_READ, WATCHED)
        try:
            yield
        finally:
            self._selector.unregister(number)

    def abandon(self) -> Sequence[Any]:
        """Hang up on all that is under way; returns the keys."""
        keys = [exchange.key for exchange in self._running.values()]
        for curl in list(self._running):
            self._put_back(curl)
        return keys

    def close(self) -> None:
        self.abandon()
        for exchange in self._idle:
            exchange.curl.close()
        self._multi.close()
        self._selector.close()

    def _ended(self) -> list[Answer]:
        answers: list[Answer] = []
        more = 1
        while more:
            more, complete, failed = self._multi.info_read()
            ends = [(curl, 0, "") for curl in complete]
            for curl, code, message in [*ends, *failed]:
                answers.append(self._running[curl].answer(code, message))
                self._put_back(curl)
        return answers

    def _put_back(self, curl: pycurl.Curl) -> None:
        self._multi.remove_handle(curl)
        exchange = self._running.pop(curl)
        exchange.rest()
        self._idle.append(exchange)

    def _on_socket(self, what: int, fd: int, multi: Any, data: Any) -> None:
        known = fd in self._selector.get_map()
        if what == pycurl.POLL_REMOVE:
            if known:
                self._selector.unregister(fd)
            return
        events = (selectors.EVENT_READ if what & pycurl.POLL_IN else 0) | (
            selectors.EVENT_WRITE if what & pycurl.POLL_OUT else 0
        )
        if known:
            self._selector.modify(fd, events)
        else:
            self._selector.register(fd, events)

    def _on_timer(self, milliseconds: int) -> None:
        wait = milliseconds / 1000
        self._timer = None if milliseconds < 0 else time.monotonic() + wait


def _new_curl(timeout: timedelta) -> pycurl.Curl:
    """A handle that goes nowhere by itself: no redirect, proxy, cookie or password."""
    curl = pycurl.Curl()
    connect = min(timeout, CONNECT_TIMEOUT)
    curl.setopt(pycurl.POST, 1)
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
    curl.setopt(pycurl.FOLLOWLOCATION, 0)
    curl.setopt(pycurl.PROXY, "")  # not even one from the environment
    curl.setopt(pycurl.NETRC, pycurl.NETRC_IGNORED)
    curl.setopt(pycurl.SSL_VERIFYPEER, 1)
    curl.setopt(pycurl.SSL_VERIFYHOST, 2)
    curl.setopt(pycurl.TIMEOUT_MS, round(timeout.total_seconds() * 1000))
    curl.setopt(pycurl.CONNECTTIMEOUT_MS, round(connect.total_seconds() * 1000))
    if authorities := ssl.get_default_verify_paths().cafile:
        curl.setopt(pycurl.CAINFO, authorities)
    return curl
