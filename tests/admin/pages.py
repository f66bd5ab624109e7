"""How tests read pages and fill in their forms."""

import html
import re
from typing import Any

from django.test import Client

from rewards.models import Reward

QUEUE = "/admin/rewards/flaggedreward/"
REWARDS = "/admin/rewards/reward/"


def use(client: Client, verb: str, row: Any, base: str = QUEUE, **form: str) -> Any:
    """Use a verb on one row, and see the page that it leads to."""
    return client.post(f"{base}{row.pk}/{verb}/", form, follow=True)


def use_on_several(
    client: Client, verb: str, rows: list[Any], base: str = QUEUE, **form: str
) -> Any:
    """What the page that asks first posts."""
    chosen = [str(row.pk) for row in rows]
    asked = {"action": verb, "_selected_action": chosen, "apply": "1"}
    return client.post(base, {**asked, **form}, follow=True)


def said(response: Any) -> str:
    """All messages on the page, as one text without markup."""
    messages = [str(each) for each in response.context["messages"]]
    return html.unescape(re.sub("<[^>]+>", "", " | ".join(messages)))


def status_of(reward: Reward) -> str:
    return Reward.objects.get(pk=reward.pk).status
