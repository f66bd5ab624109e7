"""The roads by which the shop's events come in: the API, a signed webhook, a queue."""

import json
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import uuid4

import urllib3
from standardwebhooks import Webhook

from demo.backend import RETRIES, THREADS, Backend, answer
from demo.queues import Queue

WORDS = {"purchase": "order.paid", "refund": "order.refunded"}
# What the system makes of the till's own words.
MAPPING = {
    "event_id": "body.data.number",
    "name": "body.type == 'order.paid' ? 'purchase' : 'refund'",
    "participant": {
        "external_id": "body.data.customer.number",
        "email": "body.data.customer.mailbox",
    },
    "occurred_at": "body.time",
    "amount": "body.data.total",
    "currency": "body.data.currency",
    "reverses": "body.data.takes_back",
}


class Road(Protocol):
    def report(self, body: dict[str, Any]) -> str | None:
        """The outcome; None where the road has no answer."""
        ...


class ByApi:
    def __init__(self, shop: Backend, campaign: str) -> None:
        self.shop, self.campaign = shop, campaign

    def report(self, body: dict[str, Any]) -> str | None:
        body = {"campaign": self.campaign, **body}
        outcome: str = self.shop.post("/events", body, named=True)["outcome"]
        return outcome


class ByWebhook:
    """A till that speaks its own words, and signs them as Standard Webhooks do."""

    def __init__(self, url: str, source: dict[str, Any]) -> None:
        self.path = f"/api/v1/in/{source['id']}"
        self.webhook = Webhook(source["secret"])
        self.pool = urllib3.connection_from_url(
            url, maxsize=THREADS, block=True, retries=RETRIES, timeout=30
        )

    def report(self, body: dict[str, Any]) -> str | None:
        said = json.dumps(in_own_words(body))
        number, now = f"msg_{uuid4().hex}", datetime.now(UTC)
        headers = {
            "Content-Type": "application/json",
            "Connection": "close",
            "webhook-id": number,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self.webhook.sign(number, now, said),
        }
        taken = self.pool.request("POST", self.path, body=said, headers=headers)
        outcome: str = answer(taken)["outcome"]
        return outcome


class ByQueue:
    def __init__(self, queue: Queue) -> None:
        self.queue = queue

    def report(self, body: dict[str, Any]) -> str | None:
        self.queue.send(json.dumps(body))
        return None


def in_own_words(body: dict[str, Any]) -> dict[str, Any]:
    """An event as the till calls it."""
    named = body["participant"]
    return {
        "type": WORDS[body["name"]],
        "time": body["occurred_at"],
        "data": {
            "number": body["event_id"],
            "customer": {
                "number": named.get("external_id"),
                "mailbox": named.get("email"),
            },
            "total": body.get("amount"),
            "currency": body.get("currency"),
            "takes_back": body.get("reverses"),
        },
    }


def source_of(owner: Backend, campaign: str) -> dict[str, Any]:
    """A source for the tills; its secret is in this answer and nowhere else."""
    return owner.post(
        "/sources",
        {
            "campaign": campaign,
            "name": "Tills",
            "verification": "standard_webhooks",
            "mapping": MAPPING,
        },
    )
