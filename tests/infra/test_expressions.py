"""Expressions: what is refused when they are saved, and how the others are run."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from referral_factory.expressions import (
    BadExpression,
    CannotEvaluate,
    Place,
    compile_expression,
)

VARIABLES = {
    "event": ["amount", "name", "occurred_at", "properties"],
    "friend": ["email", "attributes"],
    "body": None,
}
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run(text: str, **values: Any) -> Any:
    return compile_expression(text, variables=VARIABLES).evaluate(values)


def refusal(text: str) -> BadExpression:
    with pytest.raises(BadExpression) as caught:
        compile_expression(text, variables=VARIABLES)
    return caught.value


def cannot(text: str, **values: Any) -> str:
    with pytest.raises(CannotEvaluate) as caught:
        run(text, **values)
    return caught.value.detail


def event(amount: str, **properties: Any) -> Mapping[str, Any]:
    return {"amount": Decimal(amount), "name": "order", "properties": properties}


# What is refused, with its place and a hint.


@pytest.mark.parametrize(
    ("text", "place", "detail"),
    [
        ("event.amuont >= 3", (1, 7), "event has no field amuont; did you mean amount"),
        ('event["amuont"] >= 3', (1, 7), "event has no field amuont"),
        ("has(event.amuont)", (1, 11), "did you mean amount?"),
        ("true &&\n  event.amuont > 1", (2, 9), "did you mean amount?"),
        ("amount > 3", (1, 1), "There is no amount; did you mean event.amount?"),
        ("evnt.amount > 3", (1, 1), "There is no evnt; did you mean event?"),
        ("event.size() > 3", (1, 1), "Name a field of event, such as event.amount"),
        ("event == event", (1, 1), "Name a field of event"),
        ("event[event.name] > 3", (1, 1), "Name a field of event"),
        (".event.amount > 3", (1, 1), "A dot comes after what it looks into."),
        ("sizes(event.name) > 3", (1, 1), "no function sizes; did you mean size?"),
        ("event.name.reverse()", (1, 12), "There is no function reverse."),
        ("Money{amount: 3}", (1, 1), "There is no type Money."),
        ("event.amount = 50", (1, 14), "compare with ==."),
        ("event.amount > 5 & true", (1, 18), "write && for 'and'."),
        ("event.name == “order”", (1, 15), "use straight quotes"),
        ("event.name == 'order", (1, 15), "no closing quote"),
        ("event.name == '''order'''", (1, 15), "Write text in simple quotes"),
        ("event.name == b'order'", (1, 15), "Write text in simple quotes"),
        ("event.amount >= 50 &&", (1, 22), "It ends too early."),
        ("event.amount >> 50", (1, 15), "Unexpected '>'."),
        ("", (1, 1), "There is no expression."),
        ("  // nothing", (1, 1), "There is no expression."),
        ("1.0 < 3.14159265358979323", (1, 7), "exactly up to 15 digits"),
        ("event.name.matches('[')", (1, 20), "not one that can be matched"),
        ("event.name.matches(event.name)", (1, 12), 'field.matches("pattern")'),
        ("event.name.matches('a{1001}')", (1, 20), "repeats too much"),
        (r"event.name.matches('a\x7b1001}')", (1, 20), "repeats too much"),
        ("event.name.matches('(a{99}){99}')", (1, 20), "repeats too much"),
        (r"event.name.matches('\\w{100}')", (1, 20), "The pattern takes long"),
        (r"['a'].exists(x, x.matches('\\w{9}'))", (1, 27), "The pattern takes long"),
        ("duration('1y') > duration('1h')", (1, 1), 'duration("36h")'),
        ("[1].exists(x, [2].exists(y, x < y))", (1, 19), "is enough"),
        ("[1].map(x, x).exists(x, x > 1)", (1, 15), "is enough"),
        ("[1].exists(event, true)", (1, 12), "The name event is taken."),
        ("[1].exists(x)", (1, 12), "Name each item first"),
        ("exists(x, true)", (1, 1), "Say what it goes through"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(
    text: str, place: tuple[int, int], detail: str
) -> None:
    error = refusal(text)
    assert detail in error.detail
    assert error.place == Place(*place)


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("true" + " " * 2000, "at most 2000 are taken"),
        ("1" + "+1" * 300, "more than 500 words"),
        ("body" + "+body" * 21, "adds more than 20 times"),
        ("(" * 21 + "true" + ")" * 21, "nested deeper than 20"),
        ("[" * 700 + "1" + "]" * 700, "words"),
        ("(" * 1999, "words"),
        (f"1 in [{','.join('1' * 201)}]", "at most 200 items"),
        (f"event.name.matches('{'a' * 201}')", "at most 200 characters"),
    ],
)
def test_what_is_too_large_is_refused(text: str, detail: str) -> None:
    assert detail in refusal(text).detail


# What could hold or end the process does neither.


@pytest.mark.parametrize(
    "text",
    [
        "(" * 20 + "true" + ")" * 20,
        "[" * 20 + "1" + "]" * 20 + " == []",
        "{1:" * 20 + "1" + "}" * 20 + " == {}",
        "size(" * 20 + "body" + ")" * 20,
        "!" * 499 + "true",
        "-" * 499 + "1",
        "||".join(["true"] * 250),
        "&&".join(["true"] * 250),
        "<".join(["1"] * 250),
        "-".join(["1"] * 250),
        "true?1:" * 124 + "1",
        "body" + ".a" * 249,
        "body" + "[0]" * 166,
    ],
)
def test_the_largest_expression_fits_a_small_stack(text: str) -> None:
    done = []

    def attempt() -> None:
        try:
            done.append(run(text, body={}))
        except (BadExpression, CannotEvaluate) as error:
            done.append(error)

    before = threading.stack_size(256 * 1024)
    thread = threading.Thread(target=attempt)
    try:
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    assert done


LONG = "a" * 10_000
LINE = "a" * 2_000  # the longest in a loop


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("size(" + "+".join(["body.text"] * 21) + ") > 0", {"text": LONG}),
        ("size(body.list.map(x, " + "+".join(["body.text"] * 21) + ")) > 0",
         {"text": LINE, "list": [1] * 200}),
        ("body.list.exists(x, " + "||".join(["x in body.list"] * 60) + ")",
         {"list": list(range(200))}),
        ("body.text.matches('(a*)*b')", {"text": LONG}),
        ("body.text.matches('((a{10}){10}){10}b')", {"text": LONG}),
        (r"body.text.matches('(\\pL{10}|\\pL{9}){10}b')", {"text": LONG}),
        ("body.list.all(x, x.text.matches('(a|aa|a?){30}b'))",
         {"list": [{"text": LINE}] * 200}),
        (r"body.list.exists(x, x.matches('\\w\\d'))", {"list": [LINE] * 200}),
        ("||".join([r"body.text.matches('\\w')"] * 60), {"text": LONG}),
        ("size(body.text.split('a')) > 0", {"text": LONG}),
    ],
)  # fmt: skip
def test_the_slowest_expression_ends_soon(text: str, body: Any) -> None:
    started = time.thread_time()
    with suppress(BadExpression, CannotEvaluate):
        run(text, body=body)
    assert time.thread_time() - started < 1.0


def test_lists_that_are_gone_through_have_an_end() -> None:
    text = "body.list.exists(x, x == 1)"
    assert run(text, body={"list": [0] * 199 + [1]}) is True
    assert "more than 200" in cannot(text, body={"list": [0] * 201})
    assert run("1 in body.list", body={"list": [0] * 201}) is False
    assert "holds too much" in cannot(text, body={"list": [[0] * 150] * 150})


def test_a_text_that_is_read_has_an_end() -> None:
    assert "longer than 10000" in cannot("body.text == ''", body={"text": "a" * 10_001})
    loop = "body.list.exists(x, x == body.text)"
    assert "longer than 2000" in cannot(loop, body={"text": "a" * 2001, "list": []})
    assert run("body.short", body={"short": 1, "text": "a" * 10_001}) == 1


# Amounts are decimal numbers, and compared exactly.


@pytest.mark.parametrize(
    ("amount", "text", "truth"),
    [
        ("50", "event.amount >= 50", True),
        ("50.00", "event.amount == 50", True),
        ("50.0000", "event.amount == 50.0", True),
        ("49.99", "event.amount >= 50", False),
        ("49.99", "event.amount >= 49.99", True),
        ("49.9899", "event.amount >= 49.99", False),
        ("0.3", "event.amount == 0.3", True),
        ("99999999999.9999", "event.amount < 100000000000", True),
        ("99999999999.9999", "event.amount == 99999999999.9999", True),
    ],
)
def test_amounts_are_compared_exactly(amount: str, text: str, truth: bool) -> None:
    assert run(text, event=event(amount)) is truth


def test_a_sum_of_amounts_is_rounded_to_be_exact() -> None:
    facts = event("0.10", tip=0.2)
    total = "event.amount + event.properties.tip"
    assert run(f"{total} == 0.3", event=facts) is False
    assert run(f"round({total}, 2) == 0.3", event=facts) is True


def test_an_amount_of_more_digits_than_can_be_told_apart_is_not_judged() -> None:
    detail = cannot(
        "event.amount < 100000000000000", event=event("99999999999999.9999")
    )
    assert "more than 15 digits" in detail
    assert run("event.amount == 100000000000000", event=event("100000000000000.0000"))


def test_whole_and_decimal_numbers_are_not_mixed_in_reckoning() -> None:
    detail = cannot("event.amount * 2 > 10", event=event("9"))
    assert "event.amount is a number with decimals (reckon with 2.0, not 2)" in detail
    assert run("event.amount * 2.0 > 10", event=event("9")) is True


# What cannot be evaluated says why.


@pytest.mark.parametrize(
    ("text", "values", "detail"),
    [
        ("event.properties.plna == 'pro'", {"event": event("1", plan="pro")},
         "event.properties has no field plna; did you mean plan?"),
        ("friend.email == 'a'", {"friend": {}}, "friend has no field email."),
        ("friend.email == 'a'", {}, "There is no friend."),
        ("body.a.b == 1", {"body": {"a": {}}}, "body.a has no field b."),
        ("body.a.b == 1", {"body": {"a": 3}}, "body.a is a whole number"),
        ("body.list[3] == 1", {"body": {"list": [1]}}, "A list has fewer items"),
        ("body.n / 0 == 1", {"body": {"n": 1}}, "It divides by zero."),
        ("body.n * 9000000000000000000 > 1", {"body": {"n": 9}}, "too large"),
        ("body.text > 3", {"body": {"text": "4"}}, "body.text is a text"),
        ("int(body.text) > 3", {"body": {"text": "four"}}, "int cannot work on"),
        ("minor(body.n, 'nope') == ''", {"body": {"n": 1}}, "a currency code"),
        ("body.bad == ''", {"body": {"bad": "\ud800"}}, "a kind that rules can't read"),
    ],
)  # fmt: skip
def test_what_cannot_be_evaluated_says_why(
    text: str, values: dict[str, Any], detail: str
) -> None:
    assert detail in cannot(text, **values)


def test_what_is_missing_can_be_asked_for() -> None:
    text = "has(event.properties.plan) && event.properties.plan == 'pro'"
    assert run(text, event=event("1")) is False
    assert run(text, event=event("1", plan="pro")) is True


# Clauses.


def judged(text: str, **values: Any) -> Any:
    return compile_expression(text, variables=VARIABLES).judge(values)


def test_the_clause_that_is_not_true_is_named() -> None:
    text = "event.amount >= 50 &&\n  event.properties.plan  == 'pro'"
    verdict = judged(text, event=event("50", plan="basic"))
    assert not verdict.holds
    assert verdict.clause == "event.properties.plan == 'pro'"
    assert judged(text, event=event("50", plan="pro")).holds


def test_a_clause_that_is_false_outweighs_one_that_cannot_be_judged() -> None:
    text = "event.properties.plan == 'pro' && event.amount >= 50"
    assert judged(text, event=event("49")).clause == "event.amount >= 50"
    with pytest.raises(CannotEvaluate):
        judged(text, event=event("50"))


def test_each_clause_knows_its_place() -> None:
    text = "event.amount >= 50 // enough\n  && event.name == 'order'"
    clauses = compile_expression(text, variables=VARIABLES).clauses
    assert [clause.place for clause in clauses] == [Place(1, 1), Place(2, 6)]


def test_alternatives_are_one_clause() -> None:
    text = "event.amount >= 50 && true || event.name == 'vip'"
    assert judged(text, event=event("49")).clause == text
    assert judged(text, event={**event("49"), "name": "vip"}).holds


def test_a_condition_that_is_no_yes_or_no_is_not_judged() -> None:
    with pytest.raises(CannotEvaluate, match="gives a number with decimals"):
        judged("event.amount", event=event("49"))


# What it reads.


def test_only_what_is_read_is_looked_at() -> None:
    text = "event.properties.plan == 'pro' && size(body.items) > 0"
    expression = compile_expression(text, variables=VARIABLES)
    facts = {"event": event("1", plan="pro", age=3), "body": {"items": [1, 2]}}
    assert expression.reads == (("event", "properties", "plan"), ("body", "items"))
    assert expression.saw(facts) == {
        "event.properties.plan": "pro",
        "body.items": "a list of 2",
    }


# Functions of our own.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("days_between(event.occurred_at, timestamp('2026-03-04T00:00:00Z'))", 2.5),
        ("round(2.675, 2)", 2.68),
        ("round(0.5, 0)", 0.0),
        ("minor(2500, 'usd')", "25.00"),
        ("minor(500, 'JPY')", "500"),
        ("minor('2500', 'KWD')", "2.500"),
        ("'gid://shop/Order/17'.split('/')[4]", "17"),
        ("' Ada@Example.COM '.trim().lower()", "ada@example.com"),
        ("'de'.upper() in ['DE', 'AT']", True),
    ],
)
def test_functions_of_our_own(text: str, value: Any) -> None:
    assert run(text, event={"occurred_at": NOON}) == value


# Whatever somebody writes, it is refused or it runs.

WORDS = """
    event body friend .amount .name .properties .x [0] ['a'] ( ) [ ] { } , : ? + - * / %
    == != < >= && || ! in 1 2.5 'a' "b" true null has( size( .exists( .map( x
    .matches( .split( duration( timestamp( int( round( minor( string( '1h' . =
"""
PIECES = st.sampled_from(WORDS.split())
VALUES = {
    "event": {"amount": Decimal("9.99"), "name": "a", "properties": {"x": [1, "a"]}},
    "friend": {"email": "a@b.example", "attributes": {}},
    "body": {"a": 1, "x": ["a", {"b": None}]},
}


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_anything_made_of_its_words_is_refused_or_runs(text: str) -> None:
    _refused_or_runs(text)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused_or_runs(text: str) -> None:
    _refused_or_runs(text)


def _refused_or_runs(text: str) -> None:
    with suppress(BadExpression, CannotEvaluate):
        compile_expression(text, variables=VARIABLES).evaluate(VALUES)
