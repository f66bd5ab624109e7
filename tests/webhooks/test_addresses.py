"""Where no message may go: refused when an endpoint is saved, and at every send."""

import socket
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from referral_factory.errors import InvalidInput
from tests.webhooks.receiver import Receiver, deliver, make_endpoint
from tests.webhooks.test_delivery import one, tell
from webhooks.addresses import check_url, forbidden
from webhooks.models import Delivery
from webhooks.transport import Transport

OURS = """
    0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.8.9.10 168.63.129.16
    169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 192.0.2.1 192.88.99.1
    192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1
    255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1
    ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1
    2001:db8::1 2001:10::1 2002:7f00:1:: 2002:a00:1:: 3fff::1 5f00::1 fc00::1
    fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 no-address
""".split()  # noqa: SIM905 - a line each would be a page
PUBLIC = ["93.184.216.34", "1.1.1.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1"]
LOOPBACK_URLS = [
    "https://127.0.0.1:{port}/",
    "http://127.0.0.1:{port}/",
    "http://127.1:{port}/",
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST.:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:1]:{port}/",
]
OTHER_URLS = [
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fd00:ec2::254]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[::]/",
    "https://168.63.129.16/",
    "https://100.100.100.200/",
    "https://nowhere.invalid/",
]
NO_URLS = [
    "",
    "hooks.example",
    "//hooks.example",
    "ftp://93.184.216.34/",
    "file:///etc/passwd",
    "gopher://93.184.216.34/",
    "http://93.184.216.34/",
    "https://93.184.216.34:22/",
    "https://93.184.216.34:0/",
    "https://93.184.216.34:99999/",
    "https://user:password@93.184.216.34/",
    "https://user@93.184.216.34/",
    "https://93.184.216.34\\@10.0.0.1/",
    "https://93.184.216.34/a b",
    "https://93.184.216.34/\r\nX-Evil: 1",
    "https://[::1",
    "https://93.184.216.34/ü",
    "https://93.184.216.34/" + "a" * 2000,
]


@pytest.fixture
def port(receiver: Receiver, settings: Settings) -> str:
    settings.WEBHOOKS_ALLOW_LOOPBACK = False
    return receiver.url.rpartition(":")[2].partition("/")[0]


@pytest.mark.parametrize("address", OURS)
def test_our_own_addresses_are_forbidden(address: str) -> None:
    assert forbidden(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_not(address: str) -> None:
    assert not forbidden(address)


@pytest.mark.parametrize("url", [*LOOPBACK_URLS, *OTHER_URLS, *NO_URLS])
def test_endpoint_cannot_be_saved(url: str, port: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_url(url.replace("{port}", port))

    assert refusal.value.pointer == "/url"


@pytest.mark.parametrize("url", [*LOOPBACK_URLS, *OTHER_URLS])
def test_nothing_is_sent_there_either(url: str, port: str, receiver: Receiver) -> None:
    transport = Transport(timeout=timedelta(seconds=1), loopback=False)
    transport.send("key", url.replace("{port}", port), {}, b"{}")
    answers: list[Any] = []
    while not answers:
        answers = transport.poll(1)
    transport.close()

    assert answers[0].status_code is None
    assert answers[0].error
    assert (receiver.connections, receiver.received) == (0, [])


@pytest.mark.parametrize(
    "url", ["https://93.184.216.34/", "https://1.1.1.1:8443/x?y=z"]
)
def test_public_endpoint_can_be_saved(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1234/", "https://localhost:8/"])
def test_loopback_is_allowed_by_a_setting(url: str) -> None:
    check_url(url)


def test_setting_allows_loopback_and_nothing_else() -> None:
    for url in ("http://10.0.0.1/", "https://10.0.0.1/", "http://93.184.216.34/"):
        with pytest.raises(InvalidInput):
            check_url(url)


def test_name_with_one_forbidden_address_among_others_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leads_to(monkeypatch, "93.184.216.34", "10.0.0.1")

    with pytest.raises(InvalidInput):
        check_url("https://hooks.example/")


def test_name_that_leads_elsewhere_after_it_was_saved_is_refused(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver, port: str
) -> None:
    """Saved while the name led to a public address; by now it leads to this machine."""
    url = f"https://localhost:{port}/"
    with monkeypatch.context() as then:
        leads_to(then, "93.184.216.34")
        then.setattr("webhooks.addresses.PORTS", {int(port)})
        check_url(url)
        make_endpoint(url)
    tell()

    deliver()

    delivery, attempt = one()
    assert delivery.status == Delivery.Status.PENDING
    assert attempt.error.startswith("No message may go to ")
    assert receiver.connections == 0


def test_proxy_of_the_environment_is_not_used(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    make_endpoint(receiver.url)
    tell()

    deliver()

    assert one()[0].status == Delivery.Status.DELIVERED


def leads_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """Have every name lead to these addresses, as far as Python is concerned."""

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr("webhooks.addresses.socket.getaddrinfo", look_up)
