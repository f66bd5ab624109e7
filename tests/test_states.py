"""Every status moves along its table and no other way, in every model that has one."""

from collections.abc import Iterator
from functools import partial
from itertools import permutations
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from referral_factory.states import IllegalTransition, Stateful
from tests.factories import (
    make_arrival,
    make_backtest,
    make_campaign,
    make_delivery,
    make_email,
    make_endpoint,
    make_import,
    make_participant,
    make_referral,
    make_reward,
)

# contract.md §3, written out a second time.
CONTRACT = {
    "Campaign": {
        "draft": {"live"},
        "live": {"paused", "ended"},
        "paused": {"live", "ended"},
    },
    "Participant": {
        "active": {"blocked", "erased"},
        "blocked": {"active", "erased"},
    },
    "Referral": {
        "pending": {"holding", "qualified", "disqualified", "expired"},
        "holding": {"qualified", "disqualified", "pending"},
        "qualified": {"disqualified"},
        "disqualified": {"pending"},
    },
    "Reward": {
        "pending": {"flagged", "approved", "waiting", "cancelled"},
        "flagged": {"approved", "rejected", "cancelled"},
        "rejected": {"flagged"},
        "approved": {"flagged", "issuing", "waiting", "cancelled"},
        "waiting": {"pending", "approved", "cancelled"},
        "issuing": {"issued", "failed"},
        "failed": {"issuing", "cancelled"},
        "issued": {"clawed_back"},
        "cancelled": {"pending"},
    },
    "Endpoint": {
        "enabled": {"disabled"},
        "disabled": {"enabled"},
    },
    "Delivery": {
        "pending": {"delivered", "failed"},
        "failed": {"pending"},
    },
    # Not in the contract: ours alone.
    "Arrival": {
        "refused": {"recorded", "repeated", "ignored"},
        "ignored": {"recorded", "repeated", "refused"},
    },
    "Import": {
        "uploaded": {"checking", "running", "failed", "cancelled"},
        "checking": {"uploaded", "checked", "failed", "cancelled"},
        "checked": {"checking", "running", "cancelled"},
        "running": {"done", "failed", "cancelled"},
    },
    "Backtest": {
        "running": {"done", "failed", "cancelled"},
    },
    "Email": {
        "pending": {"sent", "failed", "dropped"},
        "failed": {"pending"},
    },
}

NOW = timezone.now()

# A row that is legal in every status: with all the dates and reasons that any asks for.
MAKE: dict[str, Any] = {
    "Campaign": partial(make_campaign, ended_at=NOW),
    "Participant": make_participant,
    "Referral": partial(
        make_referral,
        holds_until=NOW,
        qualified_at=NOW,
        disqualified_at=NOW,
        reason="A reason.",
    ),
    "Reward": make_reward,
    "Endpoint": partial(make_endpoint, disabled_reason="A reason."),
    "Delivery": make_delivery,
    "Arrival": partial(make_arrival, recorded=True),
    "Email": make_email,
    "Import": partial(make_import, error="A reason."),
    "Backtest": partial(make_backtest, error="A reason."),
}

# What a move takes along, where the database refuses it otherwise.
ALONG: dict[tuple[str, str], dict[str, Any]] = {
    ("Participant", "erased"): {
        "erased_at": NOW,
        "external_id": None,
        "email": None,
        "email_canonical": None,
    }
}

MACHINES = [
    model
    for model in apps.get_models()
    if issubclass(model, Stateful) and not model._meta.proxy
]


def statuses(model: type[Stateful]) -> set[str]:
    return {str(value) for value, _ in model._meta.get_field("status").choices or []}


def pairs(*, legal: bool) -> list[Any]:
    return list(_pairs(legal))


def _pairs(legal: bool) -> Iterator[object]:
    for model in MACHINES:
        for start, end in permutations(sorted(statuses(model)), 2):
            if (end in model.TRANSITIONS.get(start, ())) == legal:
                yield pytest.param(
                    model, start, end, id=f"{model.__name__}-{start}-{end}"
                )


def test_every_machine_is_in_the_contract() -> None:
    assert {model.__name__ for model in MACHINES} == set(CONTRACT)


@pytest.mark.parametrize("model", MACHINES)
def test_transitions_are_those_of_the_contract(model: type[Stateful]) -> None:
    table = {
        str(start): {str(end) for end in ends}
        for start, ends in model.TRANSITIONS.items()
    }
    assert table == CONTRACT[model.__name__]


@pytest.mark.parametrize("model", MACHINES)
def test_table_names_known_statuses_only(model: type[Stateful]) -> None:
    named = set(model.TRANSITIONS).union(*model.TRANSITIONS.values())
    assert named <= statuses(model)


@pytest.mark.parametrize(("model", "start", "end"), pairs(legal=False))
def test_illegal_transition_is_refused(
    model: type[Stateful], start: str, end: str
) -> None:
    with pytest.raises(IllegalTransition):
        model(status=start).move_to(end)


@pytest.mark.parametrize("model", MACHINES)
def test_no_status_leads_to_itself(model: type[Stateful]) -> None:
    for status in statuses(model):
        with pytest.raises(IllegalTransition):
            model(status=status).move_to(status)


@pytest.mark.parametrize(("model", "start", "end"), pairs(legal=True))
def test_only_one_of_two_stale_copies_moves(
    model: type[Stateful], start: str, end: str
) -> None:
    first = MAKE[model.__name__](status=start)
    second = model._default_manager.get(pk=first.pk)

    along = ALONG.get((model.__name__, end), {})

    first.move_to(end, **along)

    with pytest.raises(IllegalTransition):
        second.move_to(end, **along)
    first.refresh_from_db()
    assert first.status == end
