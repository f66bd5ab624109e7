from typing import Any

import pytest
from rest_framework.test import APIClient

NO_SCOPE = {"/api/v1/message-types"}  # the same for everybody
METHODS = {"get", "post", "patch", "delete", "put"}


@pytest.fixture
def schema(client: APIClient) -> Any:
    answer = client.get("/api/schema", headers={"Accept": "application/json"})
    assert answer.status_code == 200
    return answer.json()


def operations(schema: Any) -> list[tuple[str, str, Any]]:
    return [
        (path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def test_the_schema_is_openapi_3_1(schema: Any) -> None:
    assert schema["openapi"].startswith("3.1")
    assert schema["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


def test_paths_have_no_slash_at_the_end(schema: Any) -> None:
    assert not [path for path in schema["paths"] if path.endswith("/")]


def test_every_route_says_what_it_needs_and_how_it_fails(schema: Any) -> None:
    for path, method, operation in operations(schema):
        name = f"{method} {path}"
        assert operation["security"] == [{"apiKey": []}], name
        assert "Scope: `" in operation["description"] or path in NO_SCOPE, name
        missing = {"400", "401", "403", "404", "429"} - operation["responses"].keys()
        assert not missing, name


def test_every_write_takes_an_idempotency_key(schema: Any) -> None:
    for path, method, operation in operations(schema):
        headers = [
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter["in"] == "header"
        ]
        expected = ["Idempotency-Key"] if method in {"post", "patch"} else []
        assert headers == expected, f"{method} {path}"
        if expected:
            missing = {"409", "413", "415", "422"} - operation["responses"].keys()
            assert not missing, f"{method} {path}"


def test_errors_are_problem_documents(schema: Any) -> None:
    for _, _, operation in operations(schema):
        (media_type,) = operation["responses"]["404"]["content"]
        assert media_type == "application/problem+json"


def test_bodies_say_that_unknown_fields_are_refused(schema: Any) -> None:
    request = schema["components"]["schemas"]["NewKeyRequest"]

    assert request["additionalProperties"] is False


def test_the_schema_is_written_without_a_warning(
    client: APIClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get("/api/schema")

    assert capsys.readouterr().err == ""


def test_the_page_needs_no_other_host_and_no_inline_code(client: APIClient) -> None:
    page = client.get("/api/docs")
    html = page.content.decode()

    assert page.status_code == 200
    assert "://" not in html
    assert "<style" not in html
    assert "<script>" not in html
    assert "unsafe" not in page["Content-Security-Policy"]
    assert client.get("/api/docs?script=")["Content-Type"] == "application/javascript"
