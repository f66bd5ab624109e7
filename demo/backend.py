"""The API, as a careful customer's backend calls it."""

import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import urllib3

THREADS = 8
PATIENCE = 60.0  # seconds that another request with our key may take
RETRIES = urllib3.Retry(
    total=30,
    redirect=0,
    backoff_factor=0.1,
    backoff_max=5,
    # Too many calls in this minute, or nobody there for a moment.
    status_forcelist=[429, 502, 503],
    allowed_methods=None,  # each write carries an Idempotency-Key, so all may be
    raise_on_redirect=False,
    raise_on_status=False,
)


class Refused(Exception):
    """The system said no, and why."""


class Backend:
    """Calls the API with one key, from many threads.

    Each call has a connection of its own: kept ones would stay with the one of the
    server's processes that took them first, while the others have nothing to do.

    A write that got no answer is repeated. It has the same Idempotency-Key, so that it
    happens once; or it names what it is about (`named`), as events and people do: to
    say that again is harmless.
    """

    def __init__(self, url: str, key: str) -> None:
        self.pool = urllib3.connection_from_url(
            url, maxsize=THREADS, block=True, retries=RETRIES, timeout=30
        )
        self.headers = {
            "Authorization": f"Bearer {key}",
            "Content-Type": "application/json",
            "Connection": "close",
        }

    def post(
        self, path: str, body: dict[str, Any] | None = None, *, named: bool = False
    ) -> dict[str, Any]:
        once = {} if named else {"Idempotency-Key": uuid4().hex}
        return self._write("POST", path, body or {}, once)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._write("PATCH", path, body, {"Idempotency-Key": uuid4().hex})

    def get(self, path: str, **parameters: str) -> dict[str, Any]:
        query = f"?{urlencode(parameters)}" if parameters else ""
        response = self.pool.request(
            "GET", f"/api/v1{path}{query}", headers=self.headers
        )
        return answer(response)

    def every(self, path: str, **parameters: str) -> Iterator[dict[str, Any]]:
        """All results of a list, page by page."""
        page = self.get(path, limit="200", **parameters)
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            target = urllib3.util.parse_url(page["next"]).request_uri
            page = answer(self.pool.request("GET", target, headers=self.headers))

    def _write(
        self, method: str, path: str, body: dict[str, Any], once: dict[str, str]
    ) -> dict[str, Any]:
        headers = self.headers | once
        deadline = time.monotonic() + PATIENCE
        while True:
            response = self.pool.request(
                method, f"/api/v1{path}", body=json.dumps(body), headers=headers
            )
            if not still_running(response) or time.monotonic() > deadline:
                return answer(response)
            time.sleep(0.1)


def still_running(response: urllib3.BaseHTTPResponse) -> bool:
    """Whether our first try, whose answer we did not get, is at work yet."""
    if response.status != 409:
        return False
    return bool(response.json().get("code") == "idempotency_in_progress")


def answer(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    if response.status >= 400:
        raise Refused(f"{response.status}: {response.data.decode()[:1000]}")
    found: dict[str, Any] = response.json()
    return found


def follow(url: str, browser: str) -> str | None:
    """Click a link as a browser would, and return the click that it left behind."""
    response = VISITORS.request("GET", url, headers={"User-Agent": browser})
    landing = urllib3.util.parse_url(response.headers.get("Location", ""))
    parts = (part.partition("=") for part in (landing.query or "").split("&"))
    return {name: value for name, _, value in parts}.get("rf_click")


VISITORS = urllib3.PoolManager(maxsize=THREADS, block=True, retries=RETRIES, timeout=30)
