"""The worked rules of docs/milestones.md do what the page says."""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from referral_factory.embedded import BASE_DIR
from referral_factory.errors import InvalidInput
from referral_factory.expressions.functions import KNOWN
from referrals.conditions import VARIABLES
from referrals.inputs import CampaignInput
from referrals.models import Campaign, Referral
from referrals.services.campaigns import create_campaign
from referrals.services.events import Report, record_event
from tests.steps import NOON, enrol

pytestmark = pytest.mark.django_db

PAGE = (BASE_DIR / "docs/milestones.md").read_text()
RULES = re.findall(r"^### (\d+\. .*?)\n(.*?)(?=^##)", PAGE, re.M | re.S)
EVENT = re.compile(
    r"(?P<name>\w+)(?: (?P<amount>[\d.]+))?(?: (?P<currency>[A-Z]{3}))?"
    r"(?: of (?P<of>\d+))?(?: (?P<properties>\{.*\}))?"
)


@dataclass(frozen=True)
class Row:
    """What happens on one day, and what comes of it."""

    day: int
    event: str
    outcome: str
    says: str

    def report(self, number: int) -> Report:
        found = EVENT.fullmatch(self.event)
        assert found, self.event
        amount = found["amount"]
        return Report(
            event_id=f"e-{number}",
            name=found["name"],
            participant={"external_id": "bob"},
            occurred_at=NOON + timedelta(days=self.day),
            amount=Decimal(amount) if amount else None,
            currency=(found["currency"] or "USD") if amount else "",
            properties=json.loads(found["properties"] or "{}"),
            reverses=f"e-{found['of']}" if found["of"] else "",
        )


def table(text: str) -> list[list[str]]:
    """The rows of the first table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in lines[2:]]


def rows(text: str) -> list[Row]:
    cells = [[*row, ""][:4] for row in table(text)]
    return [
        Row(int(day), event.strip("`"), outcome.strip("`"), says)
        for day, event, outcome, says in cells
    ]


def campaign_of(text: str) -> Campaign:
    (body,) = re.findall(r"^```json\n(.*?)^```", text, re.M | re.S)
    given = {"name": "C", "slug": "c", "currency": "USD", **json.loads(body)}
    judged = CampaignInput(data=given, context={"mode": "test"})
    judged.is_valid(raise_exception=True)
    campaign = create_campaign(**{"mode": "test", **judged.validated_data})
    campaign.status, campaign.launched_at = Campaign.Status.LIVE, NOON
    campaign.save()
    return campaign


def test_there_are_ten() -> None:
    assert len(RULES) == 10


@pytest.mark.parametrize(
    ("title", "text"), RULES, ids=[title for title, _text in RULES]
)
def test_a_worked_rule_does_what_the_page_says(title: str, text: str) -> None:
    campaign = campaign_of(text)
    ada = {"country": "DE", "company": "Globex"}
    bob = {"country": "DE", "company": "Initech"}
    code = enrol(campaign, external_id="ada", attributes=ada).participant.code
    enrol(campaign, external_id="bob", attributes=bob, by_code=code)

    for number, row in enumerate(rows(text), start=1):
        report = row.report(number)
        recorded = record_event(campaign, report, wall=report.occurred_at or NOON)
        said = [check["detail"] for check in recorded.event.decision["checks"]]
        assert recorded.outcome == row.outcome, (row, said)
        assert row.says in " ".join(said), (row, said)

    (status,) = re.findall(r"Then the referral is `(\w+)`", text)
    assert Referral.objects.get().status == status


def test_the_page_lists_all_that_a_condition_may_read() -> None:
    part = PAGE.split("### What it can ask about")[1]
    listed = {name.strip("`"): fields for name, fields in table(part.split("\n\n")[1])}
    found = {name: re.findall(r"`(\w+)`", fields) for name, fields in listed.items()}
    assert found == {name: list(fields) for name, fields in VARIABLES.items()}


def test_the_page_lists_every_function() -> None:
    part = PAGE.split("### Functions")[1].split("###")[0]
    listed = set(re.findall(r"`(\w+)[`(]", part))
    assert listed - {"in"} == KNOWN - {"existsOne"}


@pytest.mark.parametrize(
    ("text", "said"),
    table(PAGE.split("### What is refused when you save it")[1].split("\n\n")[2]),
)
def test_what_is_refused_says_what_the_page_says(text: str, said: str) -> None:
    fields: dict[str, Any] = {"milestone_condition": text.strip("`")}
    with pytest.raises(InvalidInput) as refusal:
        create_campaign(mode="test", slug="c", currency="USD", **fields)
    assert str(refusal.value) == said
