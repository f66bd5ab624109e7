import pytest

# So that a race that is lost says what it saw.
pytest.register_assert_rewrite("tests.races.races")
