"""Lists cost the same few queries however long they are."""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from referral_factory.access.services import create_key
from tests.factories import (
    make_campaign,
    make_delivery,
    make_email,
    make_endpoint,
    make_event,
    make_import,
    make_participant,
    make_referral,
    make_reward,
    make_rule,
)
from tests.mail.letters import template as make_template
from webhooks import services

Make = Callable[[], object]

LISTS: dict[str, Make] = {
    "rewards/flaggedreward/": lambda: make_reward(status="flagged"),
    "rewards/reward/": lambda: make_reward(status="issued"),
    "rewards/rewardrule/": make_rule,
    "referrals/campaign/": make_campaign,
    "referrals/participant/": make_participant,
    "referrals/import/": make_import,
    "referrals/referral/": make_referral,
    "referrals/event/": make_event,
    "access/apikey/": lambda: create_key(name="Shop", mode="live", scopes=[]),
    "mail/email/": make_email,
    "mail/emailtemplate/": make_template,
    "webhooks/endpoint/": make_endpoint,
    "webhooks/delivery/": lambda: make_delivery(status="failed"),
    "webhooks/message/": lambda: services.send_ping(make_endpoint()),
}


def queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@pytest.mark.parametrize("path", LISTS)
def test_thirty_rows_cost_as_many_queries_as_one(boss: Client, path: str) -> None:
    address = f"/admin/{path}"
    LISTS[path]()
    boss.get(address)
    with_one = queries(boss, address)
    for _ in range(29):
        LISTS[path]()

    assert queries(boss, address) == with_one


@pytest.mark.parametrize("path", LISTS)
def test_an_empty_list_says_how_rows_get_there(boss: Client, path: str) -> None:
    assert "Nothing here yet" in boss.get(f"/admin/{path}").text


def test_the_page_of_a_reward_costs_the_same_however_long_the_queue(
    boss: Client,
) -> None:
    reward = make_reward(status="flagged")
    make_reward(status="flagged")
    address = f"/admin/rewards/flaggedreward/{reward.pk}/change/"
    boss.get(address)
    with_two = queries(boss, address)
    for _ in range(20):
        make_reward(status="flagged")

    assert queries(boss, address) == with_two
