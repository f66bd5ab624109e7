"""Links before Django: the same answers, or the request handed on as it came."""

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client, RequestFactory

from referral_factory.pages.links import DEAD_END, DeadEnd, Environ, before_django
from referrals.models import Click, Participant
from tests.factories import make_participant

# As on a web server: a request begins with no transaction under way.
pytestmark = pytest.mark.django_db(transaction=True)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
Answer = tuple[str, list[tuple[str, str]]]


class Server:
    """Calls our application as a web server does, and keeps what Django was asked."""

    def __init__(self) -> None:
        self.asked: list[Environ] = []
        self.application = before_django(self.django)

    def django(self, environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        self.asked.append(environ)
        start("200 OK", [])
        return [b"Django"]

    def get(self, path: str, method: str = "GET", **headers: Any) -> Answer:
        answers: list[Answer] = []
        headers = {"HTTP_USER_AGENT": FIREFOX, **headers}
        environ = RequestFactory().generic(method, path, **headers).environ
        body = self.application(environ, lambda *answer: answers.append(answer))
        assert b"".join(body) in {b"", b"Django"}
        return answers[0]


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def ann() -> Participant:
    return make_participant()


def without_click(address: str) -> str:
    return address.partition("&rf_click=")[0]


def test_link_is_answered_as_by_django(
    server: Server, client: Client, ann: Participant
) -> None:
    status, headers = server.get(f"/r/{ann.code}?utm_source=mail")
    answer = client.get(f"/r/{ann.code}?utm_source=mail", HTTP_USER_AGENT=FIREFOX)

    found = dict(headers)
    assert server.asked == []
    assert (status, answer.status_code) == ("302 Found", 302)
    assert without_click(found["Location"]) == without_click(answer["Location"])
    for name in ("Cache-Control", "Referrer-Policy", "Content-Length"):
        assert found[name] == answer[name]
    (morsel,) = answer.cookies.values()
    of_cookie = {
        part.lower().partition("=")[0] for part in found["Set-Cookie"].split("; ")
    }
    assert of_cookie == {"rf_click", "max-age", "path", "httponly", "samesite"}
    assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (
        True,
        "Lax",
        "/",
    )


def test_its_click_is_recorded_and_remembered(server: Server, ann: Participant) -> None:
    _, headers = server.get(f"/r/{ann.code}", REMOTE_ADDR="192.0.2.9")
    first = Click.objects.get()
    cookie = dict(headers)["Set-Cookie"].partition(";")[0]

    _, headers = server.get(f"/r/{ann.code}", HTTP_COOKIE=f"theme=dark; {cookie}")

    assert (first.address, first.user_agent) == ("192.0.2.9", FIREFOX)
    assert Click.objects.count() == 2
    query = parse_qs(urlsplit(dict(headers)["Location"]).query)
    assert query["rf_click"] == [Click.objects.latest("id").public_id]
    assert "Set-Cookie" not in dict(headers)  # the first link has won


def test_cookie_is_secure_by_https(server: Server, ann: Participant) -> None:
    _, headers = server.get(f"/r/{ann.code}", **{"wsgi.url_scheme": "https"})
    assert dict(headers)["Set-Cookie"].endswith("; Secure")


def test_head_is_answered_and_is_no_click(server: Server, ann: Participant) -> None:
    assert server.get(f"/r/{ann.code}", "HEAD")[0] == "302 Found"
    assert not Click.objects.exists()


def test_dead_end_is_handed_on_and_looked_up_once(server: Server) -> None:
    server.get("/r/NOBODY")

    (environ,) = server.asked
    assert environ[DEAD_END] == DeadEnd(404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/r/"),
        ("GET", "/rx/ANN"),
        ("GET", "/r/ANN/qr.svg"),
        ("GET", "/r/NO%20BODY"),
        ("GET", "/r/%00"),
        ("GET", "/r/%ff"),
        ("GET", "/r/" + "x" * 10_000),
        ("POST", "/r/ANN"),
        ("OPTIONS", "/r/ANN"),
        ("GET", "/api/v1/participants"),
    ],
)
def test_anything_else_is_djangos(server: Server, method: str, path: str) -> None:
    server.get(path, method)

    (environ,) = server.asked
    assert DEAD_END not in environ
