"""Filling in the enrolment page as a browser does."""

import re
import time
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.test import Client
from django.utils.html import escape

from referrals.models import Campaign
from tests.factories import make_campaign

Answer = Any  # what the test client gives is a response with more to it
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
PERSON = {"name": "Ann Lee", "email": "ann@mail.example.com"}


def open_campaign(**fields: Any) -> Campaign:
    """A campaign whose page is open."""
    join = {"open": True, **fields.pop("join", {})}
    return make_campaign(join=join, **fields)


def page(client: Client, campaign: Campaign, query: str = "") -> Answer:
    return client.get(f"/join/{campaign.slug}{query}")


def send(
    client: Client,
    campaign: Campaign,
    query: str = "",
    *,
    after: timedelta = timedelta(seconds=30),
    **filled: str,
) -> Answer:
    """Open the page, take some time, fill it in, and send it."""
    hidden = dict(HIDDEN.findall(page(client, campaign, query).content.decode()))
    hidden.pop("csrfmiddlewaretoken")
    return send_form(client, campaign, {**hidden, **PERSON, **filled}, after=after)


def send_form(
    client: Client,
    campaign: Campaign,
    form: dict[str, str],
    *,
    after: timedelta = timedelta(seconds=30),
) -> Answer:
    now = time.time() + after.total_seconds()
    with patch("time.time", lambda: now):
        return client.post(f"/join/{campaign.slug}", form)


def says(response: Answer, text: str) -> bool:
    return escape(text) in response.content.decode()
