"""Only receivers whose certificate holds are talked to."""

import ssl
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.utils import timezone

from tests.webhooks.receiver import Receiver, deliver, make_endpoint, running
from tests.webhooks.test_delivery import one, tell
from webhooks.models import Delivery


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for this machine, which nobody has signed; its key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
    here = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    now = timezone.now()
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def https(certificate: Path) -> Iterator[Receiver]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with running(context) as receiver:
        yield receiver


def test_unknown_certificate_is_refused(https: Receiver) -> None:
    make_endpoint(https.url)
    tell()

    deliver()

    delivery, attempt = one()
    assert delivery.status == Delivery.Status.PENDING
    assert "certificate" in attempt.error
    assert https.received == []


def test_trusted_certificate_is_accepted(
    https: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    make_endpoint(https.url)
    tell()

    deliver()

    assert one()[0].status == Delivery.Status.DELIVERED


def test_certificate_of_another_host_is_refused(
    https: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    make_endpoint(https.url.replace("127.0.0.1", "localhost"))
    tell()

    deliver()

    assert one()[0].status == Delivery.Status.PENDING
    assert https.received == []
