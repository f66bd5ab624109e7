"""A load generator: kept-alive connections in a process of its own, plain sockets.

Cheap enough not to be what is measured: about 15 µs of CPU per call.
"""

import multiprocessing
import re
import selectors
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from multiprocessing.connection import Connection

CONNECTIONS = 16
WARM_UP = 0.2  # of the measured time, before it
PATIENCE = 30.0  # seconds for one answer
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
RUN_LENGTH = 10_000_000  # more calls than a run makes, so that no number comes twice
LONGER = 3  # a round of calls that each take their time
_runs = count()


class WrongAnswer(Exception):
    """Something answered otherwise than expected; a figure of that is worth nothing."""


@dataclass(frozen=True)
class Round:
    """One measurement. The latencies are in milliseconds."""

    per_second: float
    calls: int
    p50: float | None = None
    p99: float | None = None


@dataclass(frozen=True)
class Load:
    """Calls to one server; calling it makes them for some seconds, and measures.

    `request` makes the n-th request, see `http_request`; no n comes twice in a bench.
    A call is worth `rows`. Any status but `expected` fails the bench.
    """

    port: int
    request: Callable[[int], bytes]
    expected: int
    rows: int = 1
    connections: int = CONNECTIONS

    def __call__(self, seconds: float) -> Round:
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        # Counted here: what the other process counts is lost with it.
        first = next(_runs) * RUN_LENGTH
        process = context.Process(target=self._measure, args=(seconds, first, theirs))
        process.start()
        theirs.close()
        try:
            found = ours.recv()
        finally:
            process.join()
        if isinstance(found, str):
            raise WrongAnswer(found)
        assert isinstance(found, Round)  # noqa: S101 - _measure sends nothing else
        return found

    def _measure(self, seconds: float, first: int, pipe: Connection) -> None:
        try:
            pipe.send(_drive(self, seconds, first))
        except (WrongAnswer, OSError) as error:
            pipe.send(str(error) or repr(error))


def http_request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request. Headers: `Content_Type="..."`."""
    given = {"Host": "127.0.0.1", **headers}
    if body:
        given["Content_Length"] = str(len(body))
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    head = "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""])
    return head.encode() + body


@dataclass(slots=True)
class _Lane:
    """One connection, with the call that is under way on it."""

    socket: socket.socket
    expected: bytes
    started: float = 0.0
    answer: bytes = b""

    def send(self, request: bytes) -> None:
        self.answer = b""
        self.started = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bool:
        """Take what has come in; whether the answer is whole."""
        came = self.socket.recv(1 << 20)
        self.answer += came
        if not came or self.answer[9:12] != self.expected[: len(self.answer[9:])]:
            raise WrongAnswer(self.answer[:1000].decode(errors="replace") or "Nothing.")
        head = self.answer.find(b"\r\n\r\n")
        if head < 0:
            return False
        if length := LENGTH.search(self.answer, 0, head + 2):
            return len(self.answer) >= head + 4 + int(length[1])
        return self.answer.endswith(b"\r\n0\r\n\r\n")

    def wait(self) -> None:
        while not self.receive():
            pass


def _drive(load: Load, seconds: float, first: int) -> Round:
    requests = map(load.request, count(first))
    lanes = [_connect(load) for _ in range(load.connections)]
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            lane.send(next(requests))
        for lane in lanes:  # the first answer of a server takes its time
            lane.wait()
            selector.register(lane.socket, selectors.EVENT_READ, lane)
            lane.send(next(requests))
        answers = [(time.perf_counter(), 0.0)]
        answers += _answers(selector, requests, seconds * WARM_UP)
        began = answers[-1][0]
        answers = list(_answers(selector, requests, seconds))
    for lane in lanes:  # leave nothing under way for the next round to suffer from
        lane.wait()
        lane.socket.close()
    return _summary(answers, began, load.rows)


def _connect(load: Load) -> _Lane:
    connection = socket.create_connection(("127.0.0.1", load.port), PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return _Lane(connection, str(load.expected).encode())


def _answers(
    selector: selectors.BaseSelector, requests: Iterator[bytes], seconds: float
) -> Iterator[tuple[float, float]]:
    """When each answer of these seconds came, and its latency.

    Each brings the next request.
    """
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends:
        for key, _ in selector.select(ends - time.perf_counter()):
            lane: _Lane = key.data
            if lane.receive():
                now = time.perf_counter()
                yield now, now - lane.started
                lane.send(next(requests))


def _summary(answers: list[tuple[float, float]], began: float, rows: int) -> Round:
    """`began`: when the last answer before these came, since calls may be long."""
    if len(answers) < 2:
        raise WrongAnswer("There were too few answers in the time.")
    seconds, latencies = answers[-1][0] - began, [each for _, each in answers]
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return Round(
        per_second=len(latencies) * rows / seconds,
        calls=len(latencies),
        p50=round(cuts[49] * 1000, 2),
        p99=round(cuts[98] * 1000, 2),
    )
