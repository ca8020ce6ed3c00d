"""The throw-away authority issues what real TLS and real verification accept."""

from __future__ import annotations

import ssl
import stat
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from clientcert import (
    PRESETS,
    ClientCertStrategy,
    ConfigurationError,
    GeneralName,
    IdentityRule,
    ValidationError,
    map_identity,
    parse_pem,
)
from clientcert.asgi import ASGIRequest
from clientcert.revocation import OCSPResponses, RevocationLists
from clientcert.testing import CertificateAuthority, asgi_scope, proxy_headers, wsgi_environ
from clientcert.validation import TrustAnchors
from clientcert.wsgi import WSGIRequest
from handshake import shake_hands

PAST = datetime.now(UTC) - timedelta(hours=2)


@pytest.fixture
def authority(client_cert_authority):
    """That of the plugin."""
    return client_cert_authority


@pytest.mark.parametrize("key_type", ["ec", "rsa", "ed25519"])
def test_client_and_server_certificates_below_an_intermediate_pass_strict_tls_verification(key_type, tmp_path):
    authority = CertificateAuthority(key_type=key_type)
    intermediate = authority.intermediate("intermediate", key_type=key_type).intermediate("issuing")
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

    assert shake_hands(server, client)[0].getpeercert(binary_form=True) == client_certificate.der


def test_a_certificate_for_a_server_is_no_certificate_for_a_client(authority, tmp_path):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_verify_locations(cadata=authority.pem)
    server.verify_mode = ssl.CERT_REQUIRED
    certificate = authority.issue("localhost", sans=["dns:localhost"], server_auth=True)
    server.load_cert_chain(*certificate.write(tmp_path))
    client = ssl.create_default_context(cadata=authority.pem)
    client.load_cert_chain(*certificate.write(tmp_path))
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        shake_hands(server, client)


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
        for key_type in ("ec", "rsa", "ed25519")
    ]
    kinds = [ec.EllipticCurvePublicKey, rsa.RSAPublicKey, ed25519.Ed25519PublicKey]
    assert all(map(isinstance, public_keys, kinds))


def test_an_authority_has_the_subject_that_was_asked_for_and_its_certificates_have_it_as_their_issuer(backend):
    authority = CertificateAuthority(subject=[("O", "Acme"), ("OU", "Devices"), ("CN", "Device CA")])
    below = authority.intermediate(subject=[("O", "Acme"), ("OU", "Sensors")])
    assert authority.issue().certificate["issuer"] == {"O": "Acme", "OU": "Devices", "CN": "Device CA"}
    assert below.issue().certificate["issuer"] == {"O": "Acme", "OU": "Sensors"}


@pytest.mark.parametrize("size", [3, 127, 128, 300])
def test_a_user_principal_name_is_found_by_a_rule(backend, authority, size):
    name = "é" + "a" * (size - 2)  # which is two octets and so many
    certificate = authority.issue("alice", sans=[f"upn:{name}"]).certificate
    assert map_identity(IdentityRule("upn", r"(?P<n>.*)", user=r"\g<n>"))(certificate).user == name


def test_any_other_name_and_extension_may_be_added(backend, authority):
    private = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
    certificate = authority.issue(
        sans=[x509.RegisteredID(x509.ObjectIdentifier("1.2.3"))], extensions=[(private, False)]
    ).certificate
    assert certificate.subject_alt_names == (GeneralName("registered_id", "1.2.3"),)
    assert certificate.extension("1.3.6.1.4.1.55555.1") == b"\x05\x00"
    assert certificate["ext_key_usage"] == ["1.3.6.1.5.5.7.3.2"]


def test_an_extension_takes_the_place_of_the_usual_one(backend, authority):
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    assert authority.issue(extensions=[(usage, True)]).certificate["ext_key_usage"] == ["1.3.6.1.5.5.7.3.4"]


# Revocation


def reason(authority, issued, revocation):
    """Why a certificate is refused, or None."""
    try:
        TrustAnchors(authority.der, revocation=revocation).validate(issued.certificate)
    except ValidationError as error:
        return error.reason
    return None


@pytest.mark.parametrize("key_type", ["ec", "rsa"])
def test_a_list_of_revocations_has_the_certificates_that_it_was_given(backend, key_type):
    authority = CertificateAuthority(key_type=key_type)
    alice, bob = authority.issue("alice"), authority.issue("bob")
    lists = RevocationLists(authority.revocation_list([bob.der]))
    assert (reason(authority, alice, lists), reason(authority, bob, lists)) == (None, "revoked")
    stale = RevocationLists(authority.revocation_list(next_update=PAST))
    assert reason(authority, alice, stale) == "revocation_unknown"


@pytest.mark.parametrize("key_type", ["ec", "rsa"])
def test_an_ocsp_response_says_of_a_certificate_what_it_was_told(backend, key_type):
    authority = CertificateAuthority(key_type=key_type)
    alice = authority.issue("alice")
    for options, expected in [
        ({}, None),
        ({"revoked": True}, "revoked"),
        ({"next_update": PAST}, "revocation_unknown"),
    ]:
        responses = OCSPResponses(
            lambda certificate, _, options=options: authority.ocsp_response(certificate, **options)
        )
        assert reason(authority, alice, responses) == expected


# Files and refusals


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
    strategy = ClientCertStrategy(
        lambda _: True,
        certificate_source=preset,
        trusted_proxies=["10.0.0.5"],
        include_chain=True,
        accept_unverified=True,
    )
    forwards_chain = preset.chain_in_header or preset.chain_header is not None
    for request in (
        ASGIRequest(asgi_scope(headers=headers, peer="10.0.0.5")),
        WSGIRequest(wsgi_environ(headers=headers, peer="10.0.0.5")),
    ):
        outcome = strategy.authenticate(request)
        assert outcome.certificate == certificate
        assert outcome.certificate.chain == (certificate.chain if forwards_chain else (certificate,))
    assert set(proxy_headers(preset, certificate.without_chain())) == set(headers) - {preset.chain_header}
