import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["/api/docs", "/elsewhere", "/api/v1/keys"])
def test_pages_run_nothing_but_our_files(client: Client, path: str) -> None:
    policy = client.get(path)["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_admin_may_evaluate_but_not_inline_scripts(client: Client) -> None:
    policy = client.get("/admin/login/")["Content-Security-Policy"]

    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "style-src 'self' 'unsafe-inline'" in policy
