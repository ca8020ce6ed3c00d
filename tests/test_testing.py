"""The throw-away authority issues what real TLS and real verification accept."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from clientcert import PRESETS, ClientCertStrategy, ConfigurationError, GeneralName, parse_pem
from clientcert.asgi import ASGIRequest
from clientcert.testing import CertificateAuthority, proxy_headers


@pytest.fixture(scope="module")
def authority():
    return CertificateAuthority()


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """Return the server's side of a TLS connection, made in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        server.wrap_bio(to_server, to_client, server_side=True),
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
    assert not waiting
    return ends[0]


@pytest.mark.parametrize("key_type", ["ec", "rsa"])
def test_client_and_server_certificates_below_an_intermediate_pass_strict_tls_verification(key_type, tmp_path):
    authority = CertificateAuthority(key_type=key_type)
    intermediate = authority.intermediate("intermediate").intermediate("issuing")
    server_certificate = intermediate.issue("localhost", sans=["dns:localhost"], server_auth=True, key_type=key_type)
    client_certificate = intermediate.issue("alice", key_type=key_type)

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_verify_locations(cadata=authority.pem)
    server.verify_mode = ssl.CERT_REQUIRED
    server.load_cert_chain(*server_certificate.write(tmp_path))
    client = ssl.create_default_context(cadata=authority.pem)
    client.load_cert_chain(*client_certificate.write(tmp_path))
    for context in (server, client):
        context.verify_flags |= ssl.VERIFY_X509_STRICT

    assert handshake(server, client).getpeercert(binary_form=True) == client_certificate.der


def test_a_certificate_for_a_server_is_no_certificate_for_a_client(authority, tmp_path):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_verify_locations(cadata=authority.pem)
    server.verify_mode = ssl.CERT_REQUIRED
    certificate = authority.issue("localhost", sans=["dns:localhost"], server_auth=True)
    server.load_cert_chain(*certificate.write(tmp_path))
    client = ssl.create_default_context(cadata=authority.pem)
    client.load_cert_chain(*certificate.write(tmp_path))
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        handshake(server, client)


def test_the_certificate_has_what_was_asked_for(backend, authority):
    certificate = authority.issue(
        subject=[("C", "DE"), ("O", "Example"), ("OU", "One"), ("OU", "Two"), ("2.5.4.3", "alice"), ("UID", "a1")],
        sans=["dns:a.example.org", "uri:spiffe://example.org/a", "email:a@example.org", "ip:2001:db8::1"],
        not_before=datetime(2020, 1, 1, tzinfo=UTC),
        not_after=datetime(2021, 1, 1, tzinfo=UTC),
        serial_number=0xAB,
    ).certificate
    assert certificate["subject"] == {
        "C": "DE",
        "O": "Example",
        "OU": ["One", "Two"],
        "CN": "alice",
        "UID": "a1",
    }
    assert certificate.subject_alt_names == (
        GeneralName("dns", "a.example.org"),
        GeneralName("uri", "spiffe://example.org/a"),
        GeneralName("email", "a@example.org"),
        GeneralName("ip", "2001:db8::1"),
    )
    assert certificate.not_before == datetime(2020, 1, 1, tzinfo=UTC)
    assert certificate.not_after == datetime(2021, 1, 1, tzinfo=UTC)
    assert certificate["serialNumber"] == "AB"
    assert certificate["ext_key_usage"] == ["1.3.6.1.5.5.7.3.2"]
    assert certificate["ca"] is False
    assert certificate["issuer"] == {"CN": "clientcert test CA"}


def test_an_authority_is_a_certificate_too(backend, authority):
    assert authority.certificate["subject"] == authority.certificate["issuer"] == {"CN": "clientcert test CA"}
    assert authority.certificate["ca"] is True
    assert parse_pem(authority.pem) == authority.certificate


def test_the_chain_holds_the_intermediates_and_not_the_root(backend, authority):
    issuing = authority.intermediate("intermediate").intermediate("issuing")
    chain = parse_pem(issuing.issue("alice").chain_pem).chain
    assert [certificate["subject"]["CN"] for certificate in chain] == ["alice", "issuing", "intermediate"]
    direct = authority.issue("alice")
    assert direct.chain_pem == direct.pem


@pytest.mark.parametrize(
    ("not_before", "not_after"),
    [(None, None), (timedelta(days=2), None), (None, timedelta(days=-2)), (None, timedelta(minutes=1))],
)
def test_the_validity_makes_sense_whichever_end_is_given(backend, authority, not_before, not_after):
    now = datetime.now(UTC).replace(microsecond=0)
    given = {
        name: now + distance
        for name, distance in {"not_before": not_before, "not_after": not_after}.items()
        if distance is not None
    }
    certificate = authority.issue(**given).certificate
    assert certificate.not_before < certificate.not_after
    for name, time in given.items():
        assert getattr(certificate, name) == time
    if not given:
        assert certificate.not_before < now < certificate.not_after


def test_keys_are_of_the_type_asked_for(authority):
    public_keys = [
        x509.load_pem_x509_certificate(authority.issue(key_type=key_type).pem.encode()).public_key()
        for key_type in ("ec", "rsa")
    ]
    assert isinstance(public_keys[0], ec.EllipticCurvePublicKey)
    assert isinstance(public_keys[1], rsa.RSAPublicKey)


def test_only_the_owner_can_read_a_key_that_was_written(authority, tmp_path):
    certificate = authority.issue()
    chain, key = certificate.write(tmp_path)
    assert chain.read_text() == certificate.chain_pem
    assert key.read_text() == certificate.key_pem
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert authority.issue().write(tmp_path) != (chain, key)


@pytest.mark.parametrize(
    "options",
    [{"sans": ["a.example.org"]}, {"subject": [("XX", "a")]}, {"key_type": "ed448"}],
    ids=["untyped name", "unknown attribute", "unknown key type"],
)
def test_what_cannot_be_issued_is_refused(authority, options):
    with pytest.raises(ConfigurationError):
        authority.issue(**options)


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_the_headers_of_a_proxy_authenticate_with_the_chain_that_it_forwards(backend, authority, preset):
    certificate = parse_pem(authority.intermediate("intermediate").intermediate("issuing").issue("alice").chain_pem)
    headers = proxy_headers(preset, certificate)
    scope = {
        "type": "http",
        "client": ("192.0.2.1", 5000),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
    }
    strategy = ClientCertStrategy(
        lambda _: True, certificate_source=preset, trusted_proxies="*", include_chain=True, accept_unverified=True
    )
    outcome = strategy.authenticate(ASGIRequest(scope))
    assert outcome.certificate == certificate
    forwards_chain = preset.chain_in_header or preset.chain_header is not None
    assert outcome.certificate.chain == (certificate.chain if forwards_chain else (certificate,))
    assert set(proxy_headers(preset, certificate.without_chain())) == set(headers) - {preset.chain_header}
