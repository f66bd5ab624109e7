"""The product judges as the written rules say: random histories, beside a model."""

import ast
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.model import world
from tests.model.comparing import told_by_product
from tests.model.machine import FRIENDS, changes, progress, run_histories, sayings
from tests.model.product import Product
from tests.model.world import Rules, Said

ALWAYS_THE_SAME = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)


@pytest.mark.parametrize("number", range(3))
def test_product_says_what_the_model_says(number: int) -> None:
    run_histories(number)


def test_model_imports_the_standard_library_and_nothing_else() -> None:
    nodes = ast.walk(ast.parse(Path(world.__file__).read_text()))
    names = [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
    assert names
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


@ALWAYS_THE_SAME
@given(
    rules=st.builds(
        lambda changed, reached: Rules(**changed, **reached), changes, progress
    ),
    said=st.lists(sayings(), min_size=2, max_size=12),
    cuts=st.sets(st.integers(1, 11)),
)
def test_events_end_alike_however_they_are_split(
    rules: Rules, said: list[Said], cuts: set[int]
) -> None:
    at_once, in_parts = Product(rules), Product(rules)
    for product in (at_once, in_parts):
        product.refer(FRIENDS[0])
    at_once.report(said)
    edges = [0, *sorted(cuts), len(said)]
    for start, end in pairwise(edges):
        in_parts.report(said[start:end])
    for product in (at_once, in_parts):
        product.refer(FRIENDS[1])
    assert told_by_product(at_once.read()) == told_by_product(in_parts.read())
