"""From what another system says to one of our events, by expressions.

Each field of an event is an expression over `body`, `headers` and `query`. Where there
is no mapping at all, the body is an event as `POST /events` takes it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from referral_factory.expressions import (
    BadExpression,
    CannotEvaluate,
    Expression,
    compile_expression,
)
from referral_factory.wire import pointer_part
from referrals.rows import Fault
from webhooks.models import Source

Rules = Mapping[str, Any]
Values = Mapping[str, Any]

WHEN = "when"
TEXTS = ("event_id", "name", "reverses")
# In this order: the first that gives something is whom the event is about.
PEOPLE = ("id", "external_id", "email", "code")
ANY = {"body": None, "headers": None, "query": None}
BODY = {"body": None}
SIGNED = {Source.Verification.HMAC, Source.Verification.STANDARD_WEBHOOKS}
MILLISECONDS = 10**11  # a number of a time from here on counts those
MOST_PROPERTIES = 50
LACKS = re.compile(r"([\w.]{1,200}) has no field (\w{1,100})\.", re.ASCII)


# As people write them down; the database keeps no order.
FIELDS = (
    *("when", "event_id", "name", "participant", "occurred_at"),
    *("amount", "currency", "properties", "reverses"),
)


def in_order(rules: Rules) -> dict[str, Any]:
    shown = {name: rules[name] for name in FIELDS if name in rules}
    if person := shown.get("participant"):
        shown["participant"] = {kind: person[kind] for kind in PEOPLE if kind in person}
    return shown


class BadMapping(Exception):
    """What is wrong with a body in the eyes of its mapping."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults[0].detail)
        self.faults = faults


def faults_in(rules: Rules, verification: str) -> list[Fault]:
    """What is wrong with the expressions of a mapping, before it is kept."""
    return [
        Fault(pointer, f"{bad.detail}{_hint(pointer, verification)}", "bad_expression")
        for pointer, text in _expressions(rules)
        if (bad := _bad(text, pointer, verification))
    ]


def wanted(rules: Rules, values: Values, verification: str) -> bool:
    """Whether it is for us at all; BadMapping where `when` does not say so."""
    if WHEN not in rules:
        return True
    answer = _value(rules[WHEN], f"/{WHEN}", values, verification)
    if not isinstance(answer, bool):
        raise BadMapping([Fault(f"/{WHEN}", "Neither true nor false.", "not_boolean")])
    return answer


def mapped(rules: Rules, values: Values, verification: str) -> dict[str, Any]:
    """The event as `read_event` takes it. BadMapping names all that failed."""
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for pointer, text in _expressions(rules):
        if pointer == f"/{WHEN}":
            continue
        try:
            found[pointer] = _value(text, pointer, values, verification)
        except BadMapping as bad:
            faults += bad.faults
    if faults:
        raise BadMapping(faults)
    return _event(found, rules)


def _expressions(rules: Rules) -> Iterator[tuple[str, str]]:
    """Every expression of a mapping, with the pointer to it."""
    for name, rule in rules.items():
        if isinstance(rule, dict):
            for inner, text in rule.items():
                yield f"/{name}/{pointer_part(inner)}", text
        else:
            yield f"/{name}", rule


def _value(text: str, pointer: str, values: Values, verification: str) -> Any:
    try:
        return _compiled(text, _names(pointer, verification)).evaluate(values)
    except (BadExpression, CannotEvaluate) as error:  # kept before a limit was set
        detail = error.detail + _ask_first(error.detail, pointer)
        raise BadMapping([Fault(pointer, detail, "cannot_evaluate")]) from error


def _ask_first(detail: str, pointer: str) -> str:
    """How to write it, where a body may lack the field."""
    lacks = LACKS.fullmatch(detail)
    if lacks is None:
        return ""
    asked = f"has({lacks[1]}.{lacks[2]})"
    way = "&& …" if pointer == f"/{WHEN}" else f"? {lacks[1]}.{lacks[2]} : null"
    return f" If a body may lack it, ask first: {asked} {way}"


def _bad(text: str, pointer: str, verification: str) -> BadExpression | None:
    try:
        _compiled(text, _names(pointer, verification))
    except BadExpression as bad:
        return bad
    return None


def _names(pointer: str, verification: str) -> frozenset[str]:
    """What an expression may look at.

    No signature covers headers and query. Were an event named by them, whoever saw a
    signed body once could send it again under another name.
    """
    only_body = pointer == "/event_id" and verification in SIGNED
    return frozenset(BODY if only_body else ANY)


def _hint(pointer: str, verification: str) -> str:
    if pointer == "/event_id" and verification in SIGNED:
        return " (An event is named by what is signed: by `body` alone.)"
    return ""


@lru_cache(maxsize=2048)
def _compiled(text: str, names: frozenset[str]) -> Expression:
    return compile_expression(text, variables=dict.fromkeys(sorted(names)))


# --- From the values of expressions to the fields of an event ------------------------


def _event(found: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    event = {name: _text(found.get(f"/{name}")) for name in TEXTS}
    event["participant"] = _person(found)
    event["occurred_at"] = _moment(found.get("/occurred_at"))
    event["currency"] = _currency(found.get("/currency"))
    event["amount"] = _amount(found.get("/amount"))
    event["properties"] = _properties(found, rules)
    return {name: value for name, value in event.items() if value is not None}


def _text(value: Any) -> Any:
    """Numbers may name things, too: 17 and 17.0 are both written 17."""
    number = None if isinstance(value, str) else _number(value)
    if number is None:
        return None if value == "" else value
    whole = number == number.to_integral_value()
    return f"{number.to_integral_value():f}" if whole else str(value)


def _person(found: Mapping[str, Any]) -> dict[str, Any]:
    for kind in PEOPLE:
        name = _text(found.get(f"/participant/{kind}"))
        if name is not None:
            return {kind: name}
    return {}


def _moment(value: Any) -> Any:
    """RFC 3339 as it is; numbers count seconds since 1970, or milliseconds."""
    if isinstance(value, datetime):
        return value.isoformat()
    number = _number(value)
    if number is None:
        return value
    seconds = number / 1000 if abs(number) >= MILLISECONDS else number
    try:
        return datetime.fromtimestamp(float(seconds), UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return str(value)[:60]


def _currency(value: Any) -> Any:
    return (value.upper() or None) if isinstance(value, str) else value


def _amount(value: Any) -> Any:
    """Digits, whatever they came as; text is judged as it is."""
    number = None if isinstance(value, str) else _number(value)
    return value if number is None else f"{number:f}"


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        return None
    try:
        number = Decimal(str(value).strip()) if len(str(value)) <= 40 else None
    except InvalidOperation:
        return None
    return number if number is not None and number.is_finite() else None


def _properties(found: Mapping[str, Any], rules: Rules) -> Any:
    rule = rules.get("properties")
    if not isinstance(rule, dict):
        return _as_json(found.get("/properties"))
    named = {
        name: _as_json(found[f"/properties/{pointer_part(name)}"])
        for name in rule
        if found[f"/properties/{pointer_part(name)}"] is not None
    }
    return named or None


def _as_json(value: Any) -> Any:
    """What expressions have and JSON has not: moments, spans, keys that are no text."""
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else json.dumps(key): _as_json(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    return value.isoformat() if isinstance(value, datetime) else value
