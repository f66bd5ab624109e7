from tests.api.conftest import api, sandbox

__all__ = ["api", "sandbox"]
