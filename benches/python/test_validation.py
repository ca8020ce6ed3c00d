"""A forwarded chain of three, client, intermediate and root: validated anew, and with the verdict that is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from clientcert import PRESETS, ClientCertStrategy, PeerCertificate, _backend, parse_pem
from clientcert.asgi import ASGIRequest
from clientcert.testing import CertificateAuthority, KeyType, proxy_headers
from clientcert.validation import TrustAnchors

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

_ENTRIES = 1_000_000
_DATE = b"\x17\x0d260101000000Z"


@pytest.fixture(params=["ec", "rsa"])
def key(request: pytest.FixtureRequest) -> KeyType:
    return request.param


@pytest.fixture
def chain(key: KeyType, backend: str) -> tuple[TrustAnchors, PeerCertificate]:
    root = CertificateAuthority("root", key_type=key)
    intermediate = CertificateAuthority("intermediate", key_type=key, issuer=root)
    client = intermediate.issue("alice", key_type=key)
    return TrustAnchors(root.der), parse_pem(client.chain_pem + root.pem)


def test_validated_anew(benchmark: BenchmarkFixture, key: str, chain: tuple[TrustAnchors, PeerCertificate]) -> None:
    benchmark.group = f"{key}: validation of a chain of three"
    anchors, certificate = chain
    now = datetime.now(UTC)  # with a time that is given, no verdict is kept
    assert benchmark(lambda: anchors.validate(certificate, at=now))


def test_with_the_verdict_that_is_kept(
    benchmark: BenchmarkFixture, key: str, chain: tuple[TrustAnchors, PeerCertificate]
) -> None:
    benchmark.group = f"{key}: validation of a chain of three"
    anchors, certificate = chain
    assert benchmark(lambda: anchors.validate(certificate))


@pytest.mark.parametrize("validates", [True, False], ids=["trust_anchors", "without"])
def test_a_request_of_a_client_that_comes_again(
    benchmark: BenchmarkFixture,
    key: str,
    chain: tuple[TrustAnchors, PeerCertificate],
    validates: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    benchmark.group = f"{key}: a request with a chain of three, through the strategy"
    anchors, certificate = chain
    strategy = ClientCertStrategy(
        lambda _: True,
        certificate_source=PRESETS["aws-alb"].replace(verified_by="configuration"),
        trusted_proxies=["10.0.0.0/8"],
        include_chain=True,
        trust_anchors=anchors if validates else None,
    )
    headers = proxy_headers(PRESETS["aws-alb"], certificate).items()
    scope: dict[str, Any] = {
        "type": "http",
        "client": ("10.0.0.5", 1234),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }
    assert benchmark(lambda: strategy.authenticate(ASGIRequest(scope)))


@pytest.fixture(scope="module")
def million() -> bytes:
    """A list of a million serial numbers, without a signature."""
    entries = b"".join(
        b"\x30\x21\x02\x10" + number.to_bytes(16) + _DATE for number in range(1 << 120, (1 << 120) + _ENTRIES)
    )
    fields = b"\x30\0\x30\0" + _DATE * 2 + _element(entries)
    return _element(_element(fields) + b"\x30\0\x03\x01\0")


def _element(content: bytes) -> bytes:
    return b"\x30\x84" + len(content).to_bytes(4) + content


def test_a_list_of_a_million_is_loaded(benchmark: BenchmarkFixture, million: bytes, backend: str) -> None:
    benchmark.group = "a list of a million revocations: loading"
    assert len(benchmark.pedantic(_backend.core.RevokedSerials, (million,), rounds=3)) == _ENTRIES


def test_a_serial_number_is_looked_up_in_a_million(benchmark: BenchmarkFixture, million: bytes, backend: str) -> None:
    benchmark.group = "a list of a million revocations: looking one up"
    revoked = _backend.core.RevokedSerials(million)
    absent = bytes(16)
    assert not benchmark(lambda: absent in revoked)


def test_a_serial_number_is_looked_up_in_a_thousand_by_cryptography(benchmark: BenchmarkFixture) -> None:
    """What a user writes: it takes as long as there are entries."""
    benchmark.group = "a list of a thousand revocations: looking one up"
    now = datetime.now(UTC)
    builder = x509.CertificateRevocationListBuilder().last_update(now).next_update(now)
    builder = builder.issuer_name(x509.Name([]))
    entry = x509.RevokedCertificateBuilder().revocation_date(now)
    for number in range(1, 1001):
        builder = builder.add_revoked_certificate(entry.serial_number(number).build())
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    revoked = x509.load_der_x509_crl(made.public_bytes(Encoding.DER))
    assert benchmark(lambda: revoked.get_revoked_certificate_by_serial_number(0)) is None
