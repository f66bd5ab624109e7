import pkgutil

import pytest

# So that a race that is lost says what it saw.
pytest.register_assert_rewrite(
    *(f"{__name__}.{found.name}" for found in pkgutil.iter_modules(__path__))
)
