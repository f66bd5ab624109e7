"""The product beside the model once more, in five hundred histories."""

import pytest

from tests.model.machine import run_histories


@pytest.mark.parametrize("number", range(50))
def test_product_says_what_the_model_says_every_time(number: int) -> None:
    run_histories(number)
