import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.urls("tests.api.urls")

THINGS = "/api/v1/things"


def test_every_answer_has_a_request_id(api: APIClient) -> None:
    answers = [api.get(THINGS), api.get("/api/v1/nothing"), api.get("/elsewhere")]

    ids = {answer["X-Request-Id"] for answer in answers}
    assert len(ids) == 3
    assert answers[1].json()["request_id"] == answers[1]["X-Request-Id"]


def test_a_sane_request_id_of_the_callers_is_kept(api: APIClient) -> None:
    answer = api.post(THINGS, {}, headers={"X-Request-Id": "order-1.a_B"})

    assert answer["X-Request-Id"] == "order-1.a_B"
    assert answer.json()["request_id"] == "order-1.a_B"


@pytest.mark.parametrize("given", ["", "a b", "a" * 101, "<script>", "é", "a\r\nb: c"])
def test_another_request_id_is_replaced(api: APIClient, given: str) -> None:
    answer = api.get(THINGS, headers={"X-Request-Id": given})

    assert answer["X-Request-Id"].startswith("req_")


@pytest.mark.parametrize(
    "url",
    [
        f"{THINGS}?limit=%00",
        f"{THINGS}?%00=1",
        f"{THINGS}/a%00b",
        f"{THINGS}/%00",
        "/elsewhere/%00",
        f"{THINGS}?limit=%ff",
        f"{THINGS}?limit=%ed%a0%80",  # a lone surrogate, in the way of UTF-8
    ],
)
def test_text_in_a_url_that_is_none_is_a_400(api: APIClient, url: str) -> None:
    answer = api.get(url)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "bad_text"


def test_a_link_elsewhere_may_carry_any_bytes(api: APIClient) -> None:
    assert api.get("/elsewhere?utm_source=%ff").status_code == 404


@pytest.mark.parametrize("url", [THINGS, f"{THINGS}/"])
def test_a_slash_at_the_end_is_as_good_as_none(api: APIClient, url: str) -> None:
    assert api.get(url).status_code == 200
    assert api.post(url, {"name": "x"}).status_code == 201


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/", f"{THINGS}/a/b/c"])
def test_an_unknown_path_of_the_api_is_a_problem(api: APIClient, path: str) -> None:
    answer = api.get(path)

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"


def test_an_unknown_path_elsewhere_is_a_page(api: APIClient) -> None:
    assert api.get("/elsewhere")["Content-Type"].startswith("text/html")


def test_a_host_that_is_not_ours_is_a_problem(api: APIClient) -> None:
    answer = api.get(THINGS, headers={"Host": "evil.example"})

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
