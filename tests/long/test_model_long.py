"""The product beside the model once more, in five hundred histories."""

from hypothesis.stateful import run_state_machine_as_test

from tests.model.machine import History, histories


def test_product_says_what_the_model_says_every_time() -> None:
    run_state_machine_as_test(History, settings=histories(500))
