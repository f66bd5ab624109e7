"""How tests upload files, and have them worked on."""

from typing import Any

from rest_framework.test import APIClient

from referral_factory.ids import from_public
from referrals.models import Campaign, Import
from referrals.services.importing import work_on_imports

IMPORTS = "/api/v1/imports"


def upload(
    client: APIClient, campaign: Campaign, body: str | bytes, **query: str
) -> Any:
    """The answer to a file that is sent as it is."""
    data = body.encode() if isinstance(body, str) else body
    names = "&".join(f"{k}={v}" for k, v in query.items())
    return client.generic(
        "POST",
        f"{IMPORTS}?campaign={campaign.public_id}&{names}",
        data,  # type: ignore[arg-type]
        content_type="text/csv",
    )


def work() -> None:
    """What the worker does, until there is nothing left to do."""
    while work_on_imports():
        pass


def checked(client: APIClient, campaign: Campaign, body: str | bytes) -> Any:
    """What the API shows of a file once its dry run is over."""
    answer = upload(client, campaign, body)
    assert answer.status_code == 201, answer.json()
    work()
    return client.get(f"{IMPORTS}/{answer.json()['id']}").json()


def imported(client: APIClient, campaign: Campaign, body: str | bytes) -> Any:
    """The same, once its people are enrolled."""
    answer = upload(client, campaign, body, dry_run="false")
    assert answer.status_code == 201, answer.json()
    work()
    return client.get(f"{IMPORTS}/{answer.json()['id']}").json()


def faults(client: APIClient, shown: Any) -> list[dict[str, Any]]:
    answer = client.get(f"{IMPORTS}/{shown['id']}/faults")
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


def fault_file(client: APIClient, shown: Any) -> str:
    answer = client.get(f"{IMPORTS}/{shown['id']}/faults.csv")
    assert answer["Content-Type"] == "text/csv"
    return b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]


def row_of(shown: Any) -> Import:
    return Import.objects.get(pk=from_public("imp", shown["id"]))
