"""Path validation: each rule with a chain that breaks it and nothing else, on both backends."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from subprocess import run

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

import pki
from clientcert import (
    PRESETS,
    Check,
    ClientCertStrategy,
    ConfigurationError,
    RejectionReason,
    ValidationError,
    all_of,
    allow_ca,
    allow_cn,
)
from clientcert.request import TLSConnection
from clientcert.testing import CertificateAuthority, proxy_headers
from clientcert.validation import TrustAnchors
from fake_request import FakeRequest
from pki import DAY, NOW, alternative_names, authority, client, constraints, names, presented

pytestmark = pytest.mark.usefixtures("backend")

ROOT = authority("root")
MIDDLE = authority("middle", ROOT)
ANCHORS = TrustAnchors(ROOT.x509)
ALICE = allow_cn(["alice"])
DNS_ONLY = [constraints(permitted=names("dns:example.org"))]
EMAIL_ONLY = [constraints(permitted=names("email:example.org"))]
ANY_USAGE = ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
WEAK = pki.rsa_key(1024)
ED25519 = ed25519.Ed25519PrivateKey.generate()


def below(issuer, *between, **fields):
    """Return what a client of ``issuer`` presents."""
    return presented(client("alice", issuer, **fields), *reversed(between), issuer)


def refusal(certificate, anchors=ANCHORS, **options):
    with pytest.raises(ValidationError) as error:
        anchors.validate(certificate, **options)
    return error.value.reason, error.value.detail


GOOD = {
    "a client of an intermediate": lambda: below(MIDDLE),
    "a client of the anchor itself": lambda: presented(client("alice", ROOT)),
    "the root came along": lambda: below(MIDDLE, ROOT),
    "certificates that have nothing to do with it came along": lambda: presented(
        client("alice", MIDDLE), authority("other"), MIDDLE
    ),
    "no alternative name": lambda: below(MIDDLE),
    "alternative names of all kinds": lambda: below(
        MIDDLE, extra=[alternative_names("dns:a.example", "uri:spiffe://a/b", "email:a@b.example")]
    ),
    "an empty subject and a critical alternative name": lambda: presented(
        client(x509.Name([]), ROOT, extra=[(x509.SubjectAlternativeName(names("uri:spiffe://a/b")), True)])
    ),
    "no keyUsage and no basicConstraints": lambda: below(MIDDLE, usage=None, is_ca=None),
    "a CA without keyUsage": lambda: below(authority("plain", ROOT, usage=None)),
    "a CA whose extensions are not critical": lambda: below(authority("lax", ROOT, critical=False)),
    "a CA for clients": lambda: below(
        authority("clients", ROOT, extra=[(x509.ExtendedKeyUsage([pki.CLIENT_AUTH]), False)])
    ),
    "a CA for anything": lambda: below(authority("any", ROOT, extra=[(x509.ExtendedKeyUsage([ANY_USAGE]), False)])),
    "a pathLenConstraint that is met": lambda: below(authority("last", ROOT, path_length=0)),
    "names that a CA may certify": lambda: below(
        authority("org", ROOT, extra=DNS_ONLY), extra=[alternative_names("dns:a.example.org")]
    ),
    "a common name that an alternative name repeats": lambda: presented(
        client(
            "a.example.org",
            org := authority("org", ROOT, extra=DNS_ONLY),
            extra=[alternative_names("dns:a.example.org")],
        ),
        org,
    ),
    "an unknown extension": lambda: below(MIDDLE, extra=[pki.unknown_extension(critical=False)]),
    "an Ed25519 key of the client": lambda: below(MIDDLE, key=ED25519),
    "a P-384 key of a CA": lambda: below(authority("p384", ROOT, key=ec.generate_private_key(ec.SECP384R1()))),
}


@pytest.mark.parametrize("chain", GOOD.values(), ids=GOOD)
def test_a_path_that_breaks_no_rule_is_accepted(chain):
    certificate = chain()
    path = ANCHORS.validate(certificate)
    assert path.certificates[0] == certificate["raw"]
    assert path.certificates[-1] == ROOT.der


def test_a_client_whose_certificate_has_a_time_that_is_none_is_refused():
    der = pki.with_no_times(client("alice", ROOT).der)
    with pytest.raises(ValidationError) as error:
        ANCHORS.validate(presented(der))
    assert error.value.reason == RejectionReason.UNTRUSTED_ISSUER


def _bridge(extra):
    return below(authority("bridge", ROOT, extra=[extra]))


def _below_ed25519():
    leaf = client("alice", MIDDLE)
    builder = (
        x509.CertificateBuilder()
        .subject_name(leaf.x509.subject)
        .issuer_name(pki.name("ed25519"))
        .public_key(leaf.key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(x509.ExtendedKeyUsage([pki.CLIENT_AUTH]), critical=False)
    )
    return presented(pki.Issued(builder.sign(ED25519, None), leaf.key), authority("ed25519", ROOT, key=ED25519))


BAD = {
    "another root": (lambda: below(authority("middle", authority("root"))), "signature"),
    "another root of another name": (lambda: below(authority("middle", authority("stranger"))), "no path"),
    "a certificate that signed itself": (lambda: presented(client("alice", None)), "no path"),
    "an intermediate that did not come along": (lambda: presented(client("alice", MIDDLE)), "no path"),
    "a signature of another key": (lambda: below(MIDDLE, signing_key=WEAK), "signature"),
    "an intermediate that has expired": (
        lambda: below(authority("old", ROOT, not_before=NOW - 3 * DAY, not_after=NOW - 2 * DAY)),
        "not valid now",
    ),
    "an intermediate of tomorrow": (
        lambda: below(authority("new", ROOT, not_before=NOW + DAY, not_after=NOW + 2 * DAY)),
        "not valid now",
    ),
    "no extendedKeyUsage": (lambda: below(MIDDLE, purposes=()), "must say clientAuth"),
    "a certificate for servers": (lambda: below(MIDDLE, purposes=(SERVER_AUTH,)), "not for clientAuth"),
    "a certificate for anything": (lambda: below(MIDDLE, purposes=(ANY_USAGE,)), "not for clientAuth"),
    "a CA for servers": (
        lambda: below(authority("servers", ROOT, extra=[(x509.ExtendedKeyUsage([SERVER_AUTH]), False)])),
        "not for clientAuth",
    ),
    "a key that may not sign": (lambda: below(MIDDLE, usage=("key_agreement",)), "not for signatures"),
    "a key that may not sign, not critical": (
        lambda: below(MIDDLE, usage=("key_agreement",), critical=False),
        "not for signatures",
    ),
    "a client that may sign certificates": (
        lambda: below(MIDDLE, usage=("digital_signature", "key_cert_sign")),
        "that of a CA",
    ),
    "a client that may sign lists": (lambda: below(MIDDLE, usage=("digital_signature", "crl_sign")), "that of a CA"),
    "a CA for a client": (lambda: presented(MIDDLE), "that of a CA"),
    "a client that is a CA, not critical": (lambda: below(MIDDLE, is_ca=True, critical=False), "that of a CA"),
    "a client with name constraints": (lambda: below(MIDDLE, extra=DNS_ONLY), "no path"),
    "a client for an issuer": (lambda: below(client("bob", MIDDLE), MIDDLE), "may not issue"),
    "an issuer that says it is no CA": (lambda: below(authority("no", ROOT, is_ca=False)), "may not issue"),
    "an issuer that says so, not critical": (
        lambda: below(authority("no", ROOT, is_ca=False, critical=False)),
        "may not issue",
    ),
    "an issuer without basicConstraints": (
        lambda: below(pki.issue("v3", ROOT, extensions=[(pki.key_usage("key_cert_sign"), True)])),
        "may not issue",
    ),
    "an issuer that may not sign certificates": (
        lambda: below(authority("crl", ROOT, usage=("crl_sign",))),
        "may not issue",
    ),
    "an issuer that may not sign certificates, not critical": (
        lambda: below(authority("crl", ROOT, usage=("crl_sign",), critical=False)),
        "may not issue",
    ),
    "a pathLenConstraint that is not met": (
        lambda: below(
            authority("second", first := authority("first", ROOT, path_length=0)),
            first,
        ),
        "so many CAs",
    ),
    "a DNS name that a CA may not certify": (
        lambda: below(authority("org", ROOT, extra=DNS_ONLY), extra=[alternative_names("dns:a.example.com")]),
        "name constraint",
    ),
    "a DNS name that a CA may not certify, not critical": (
        lambda: below(
            authority("org", ROOT, extra=[constraints(permitted=names("dns:example.org"), critical=False)]),
            extra=[alternative_names("dns:a.example.com")],
        ),
        "name constraint",
    ),
    "a DNS name that is excluded": (
        lambda: below(
            authority("org", ROOT, extra=[constraints(excluded=names("dns:example.org"))]),
            extra=[alternative_names("dns:a.example.org")],
        ),
        "name constraint",
    ),
    "a name below two CAs, of which the upper one forbids it": (
        lambda: below(
            authority("second", first := authority("first", ROOT, extra=DNS_ONLY)),
            first,
            extra=[alternative_names("dns:a.example.com")],
        ),
        "name constraint",
    ),
    "an address that a CA may not certify": (
        lambda: below(authority("org", ROOT, extra=EMAIL_ONLY), extra=[alternative_names("email:a@example.com")]),
        "name constraint",
    ),
    "an address in the subject where addresses are constrained": (
        lambda: presented(
            client(
                x509.Name([x509.NameAttribute(NameOID.EMAIL_ADDRESS, "root@example.com")]),
                org := authority("org", ROOT, extra=EMAIL_ONLY),
            ),
            org,
        ),
        "email address",
    ),
    "a DNS name for a common name where DNS names are constrained": (
        lambda: presented(client("a.example.com", org := authority("org", ROOT, extra=DNS_ONLY)), org),
        "common name",
    ),
    "a URI where URIs are constrained": (
        lambda: below(
            authority("org", ROOT, extra=[constraints(permitted=names("uri:example.org"))]),
            extra=[alternative_names("uri:https://example.org/a")],
        ),
        "name constraint",
    ),
    "a constraint on distinguished names": (
        lambda: _bridge(constraints(permitted=[x509.DirectoryName(pki.name(None, country_name="DE"))])),
        "name constraint",
    ),
    "a constraint on distinguished names, not critical": (
        lambda: _bridge(constraints(excluded=[x509.DirectoryName(pki.name("alice"))], critical=False)),
        "name constraint on distinguished names",
    ),
    "constraints on policies": (lambda: _bridge((x509.PolicyConstraints(0, None), False)), "policies"),
    "mapped policies": (
        lambda: _bridge((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), b"\x30\x00"), False)),
        "policies",
    ),
    "an unknown critical extension of the client": (
        lambda: below(MIDDLE, extra=[pki.unknown_extension(critical=True)]),
        "critical extension",
    ),
    "an unknown critical extension of a CA": (
        lambda: _bridge(pki.unknown_extension(critical=True)),
        "critical extension",
    ),
    "an RSA key of 1024 bits": (lambda: below(authority("weak", ROOT, key=WEAK)), "2048 bits"),
    "an Ed25519 key of a CA": (_below_ed25519, "algorithm"),
    "a signature with SHA-224": (lambda: below(MIDDLE, algorithm=hashes.SHA224()), "algorithm"),
    "more than eleven certificates": (lambda: below(MIDDLE, *[MIDDLE] * 11), "more than 11"),
}


@pytest.mark.parametrize(("chain", "detail"), BAD.values(), ids=BAD)
def test_a_path_that_breaks_one_rule_is_refused(chain, detail):
    reason, found = refusal(chain())
    assert reason == RejectionReason.UNTRUSTED_ISSUER
    assert detail in found


def test_what_a_certificate_is_for_may_be_asked_less_strictly():
    lenient = TrustAnchors(ROOT.x509, require_client_auth=False)
    lenient.validate(below(MIDDLE, purposes=()))
    assert "not for clientAuth" in refusal(below(MIDDLE, purposes=(SERVER_AUTH,)), lenient)[1]
    TrustAnchors(ROOT.x509, allow_any_usage=True).validate(below(MIDDLE, purposes=(ANY_USAGE,)))


def test_a_certificate_counts_in_its_time_only():
    certificate = below(MIDDLE)
    ANCHORS.validate(certificate, at=NOW)
    ANCHORS.validate(certificate, at=NOW + DAY)  # the last second belongs to it
    late, early = timedelta(seconds=1) + NOW + DAY, NOW - DAY - timedelta(seconds=1)
    assert refusal(certificate, at=late)[0] == RejectionReason.CERTIFICATE_EXPIRED
    assert refusal(certificate, at=early)[0] == RejectionReason.CERTIFICATE_NOT_YET_VALID
    with pytest.raises(ConfigurationError, match="time zone"):
        ANCHORS.validate(certificate, at=datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake


def test_a_path_holds_until_its_first_certificate_runs_out_and_an_hour_at_most(monkeypatch):
    monkeypatch.setattr("clientcert.validation.time.time", NOW.timestamp)  # however long the tests before took
    soon = NOW + timedelta(minutes=5)
    assert ANCHORS.validate(below(authority("soon", ROOT, not_after=soon))).valid_until == int(soon.timestamp())
    assert ANCHORS.validate(below(MIDDLE), at=NOW).valid_until == int(NOW.timestamp()) + 3600


def test_nothing_that_one_client_brings_serves_another():
    anchors = TrustAnchors(ROOT.x509)
    anchors.validate(below(MIDDLE))
    assert refusal(presented(client("bob", MIDDLE)), anchors)[0] == RejectionReason.UNTRUSTED_ISSUER


def test_no_detail_has_what_a_certificate_says():
    attack = "signature does not match alice@example.org"
    for chain, _ in BAD.values():
        assert "alice" not in refusal(chain())[1]
    leaf = client(attack, authority(attack), extra=[alternative_names("dns:alice..example")])
    assert "alice" not in refusal(presented(leaf, authority("org", ROOT, extra=DNS_ONLY)))[1]


def test_a_verdict_is_kept_for_the_same_certificates_and_no_others(monkeypatch):
    anchors = TrustAnchors(ROOT.x509)
    calls = []
    validate = TrustAnchors._validate
    monkeypatch.setattr(TrustAnchors, "_validate", lambda self, *rest: (calls.append(1), validate(self, *rest))[1])
    leaf = client("alice", MIDDLE)
    first = anchors.validate(presented(leaf, MIDDLE))
    assert anchors.validate(presented(leaf, MIDDLE)) is first
    assert len(calls) == 1
    assert refusal(presented(leaf), anchors)[0] == RejectionReason.UNTRUSTED_ISSUER  # its chain is part of the key
    anchors.validate(presented(leaf, MIDDLE, ROOT))
    assert len(calls) == 3


def test_a_verdict_never_outlives_a_certificate(monkeypatch):
    monkeypatch.setattr("clientcert.validation.time.time", NOW.timestamp)  # however long the tests before took
    certificate = below(authority("soon", ROOT, not_after=NOW + timedelta(minutes=5)))
    anchors = TrustAnchors(ROOT.x509)
    anchors.validate(certificate)
    later = (NOW + timedelta(minutes=5, seconds=1)).timestamp()
    monkeypatch.setattr("clientcert.validation.time.time", lambda: later)
    assert "not valid now" in refusal(certificate, anchors)[1]


def test_a_verdict_does_not_hold_before_it_was_given(monkeypatch):
    anchors = TrustAnchors(ROOT.x509)
    certificate = below(MIDDLE)
    anchors.validate(certificate)
    monkeypatch.setattr("clientcert.validation.time.time", (NOW - 2 * DAY).timestamp)
    assert refusal(certificate, anchors)[0] == RejectionReason.CERTIFICATE_NOT_YET_VALID


# The sources.


def test_anchors_come_from_files_directories_bytes_and_certificates(tmp_path):
    certificate = below(MIDDLE)
    (tmp_path / "ca.pem").write_bytes(b"# the root\n" + ROOT.pem + authority("other").pem)
    (tmp_path / "ca.der").write_bytes(ROOT.der)
    directory = tmp_path / "cas"
    directory.mkdir()
    (directory / "root.crt").write_bytes(ROOT.pem)
    (directory / "README").write_text("not a certificate")
    sources = [tmp_path / "ca.pem", str(tmp_path / "ca.der"), directory, ROOT.der, ROOT.pem, ROOT.x509]
    for source in [*sources, sources]:
        TrustAnchors(source).validate(certificate)


def test_anchors_that_cannot_be_meant_are_refused_and_the_file_is_named(tmp_path):
    broken = tmp_path / "broken.pem"
    broken.write_bytes(ROOT.pem.replace(b"M", b"!", 1))
    empty = tmp_path / "empty"
    empty.mkdir()
    for sources, message in [
        ([], "trust anchors are files"),
        ([1], "trust anchors are files"),
        (None, "trust anchors are files"),
        (broken, "broken.pem"),
        (tmp_path / "missing.pem", "missing.pem"),
        (empty, "no certificate among"),
        (b"nothing", "not a certificate"),
        (client("alice", ROOT).der, "allow_fingerprints"),
        (pki.issue("v3", extensions=[]).der, "basicConstraints"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            TrustAnchors(sources)
    with pytest.raises(ConfigurationError, match="require_client_auth must be"):
        TrustAnchors(ROOT.x509, require_client_auth="no")
    with pytest.raises(ConfigurationError, match="revocation takes"):
        TrustAnchors(ROOT.x509, revocation=["ca.crl"])


def test_nothing_is_imported_for_who_names_no_anchors():
    script = "import sys, clientcert; clientcert.ClientCertStrategy(bool); assert 'cryptography' not in sys.modules"
    script += "; assert 'socket' not in sys.modules or 'clientcert.ocsp_fetcher' not in sys.modules"
    run([sys.executable, "-c", script], check=True)


# The strategy.


def forwarded(certificate, preset="aws-alb"):
    return FakeRequest(list(proxy_headers(PRESETS[preset], certificate).items()))


def strategy(verify=ALICE, **options):
    options = {
        "certificate_source": "aws-alb",
        "trusted_proxies": ["10.0.0.0/8"],
        "trust_anchors": [ROOT.x509],
    } | options
    return ClientCertStrategy(verify, **options)


def test_a_forwarded_certificate_that_nobody_verified_is_validated_and_then_believed():
    outcome = strategy().authenticate(forwarded(below(MIDDLE)))
    assert outcome
    assert outcome.certificate["subject"]["CN"] == "alice"


def test_the_right_names_signed_by_the_wrong_ca_are_nobody():
    outcome = strategy().authenticate(forwarded(below(authority("middle", authority("root")))))
    assert outcome.reason == RejectionReason.UNTRUSTED_ISSUER
    assert outcome.message == "The client certificate has no trusted issuer."
    assert outcome.certificate is None
    assert outcome.presented


@pytest.mark.parametrize("preset", [name for name in PRESETS if PRESETS[name].encoding != "url-pem-aws"])
def test_a_proxy_that_verifies_does_not_stand_in_for_the_anchors(preset):
    own = strategy(certificate_source=preset)
    assert own.authenticate(forwarded(presented(client("alice", ROOT)), preset))
    stranger = presented(client("alice", authority("root")))
    assert own.authenticate(forwarded(stranger, preset)).reason == RejectionReason.UNTRUSTED_ISSUER


def test_the_certificate_of_a_tls_connection_is_validated_too():
    own = strategy(certificate_source=None, trusted_proxies=None)
    leaf = client("alice", MIDDLE)
    connection = TLSConnection(authorized=True, certificates=(leaf.der, MIDDLE.der, ROOT.der))
    assert own.authenticate(FakeRequest(connection=connection))
    alone = TLSConnection(authorized=True, certificates=(leaf.der,))
    assert own.authenticate(FakeRequest(connection=alone)).reason == RejectionReason.UNTRUSTED_ISSUER


def test_a_certificate_out_of_its_time_has_that_for_a_reason():
    old = below(MIDDLE, not_before=NOW - 2 * DAY, not_after=NOW - DAY)
    assert strategy().authenticate(forwarded(old)).reason == RejectionReason.CERTIFICATE_EXPIRED
    new = below(MIDDLE, not_before=NOW + DAY, not_after=NOW + 2 * DAY)
    assert strategy().authenticate(forwarded(new)).reason == RejectionReason.CERTIFICATE_NOT_YET_VALID


def test_a_chain_in_a_header_of_its_own_is_read_for_the_path():
    options = {"certificate_source": None, "certificate_header": "Client-Cert", "header_encoding": "rfc9440"}
    own = strategy(chain_header="Client-Cert-Chain", **options)
    assert own.authenticate(forwarded(below(MIDDLE), "rfc9440"))


def test_options_that_contradict_the_anchors_are_refused():
    for options, message in [
        ({"accept_unverified": True}, "leave accept_unverified out"),
        ({"check_validity": False}, "leave check_validity out"),
        ({"certificate_source": "istio", "accept_forwarded_identity": True}, "names without a certificate"),
        ({"trust_anchors": []}, "trust anchors are files"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            strategy(**options)


def test_an_explanation_names_the_path_and_what_to_do():
    explanation = strategy().explain(forwarded(below(authority("middle", authority("stranger")))))
    assert [decision.check for decision in explanation.decisions][-2:] == [Check.VALIDITY, Check.PATH]
    assert explanation.decisions[-1].detail == "no path leads to a trust anchor"
    assert "trust_anchors" in explanation.decisions[-1].hint
    assert explanation.reason == RejectionReason.UNTRUSTED_ISSUER
    passed = strategy().explain(forwarded(below(MIDDLE)))
    assert passed.decisions[-1].check is Check.PATH
    assert passed.decisions[-1].passed


def test_a_ca_can_be_asked_for_by_a_policy():
    internal, partners = CertificateAuthority("internal"), CertificateAuthority("partners")
    policy = all_of(allow_ca(internal.der), allow_cn(["alice"]))
    own = strategy(policy, trust_anchors=None, accept_unverified=True)  # it knows the certificate itself
    assert own.authenticate(forwarded(internal.issue("alice").certificate))
    refused = own.authenticate(forwarded(partners.issue("alice").certificate))
    assert refused.reason == RejectionReason.CALLBACK_RETURNED_FALSE
    assert repr(allow_ca(internal.der)) == "allow_ca(TrustAnchors([<bytes>]))"
    assert allow_ca(TrustAnchors(internal.der))(internal.issue("bob").certificate) is True
    assert allow_ca(internal.der)("alice") is False


def test_a_path_is_validated_at_the_time_of_the_request(monkeypatch):
    monkeypatch.setattr("clientcert.validation.time.time", NOW.timestamp)  # however long the tests before took
    own = strategy()
    request = forwarded(below(authority("soon", ROOT, not_after=NOW + timedelta(minutes=5))))
    assert own.authenticate(request)
    monkeypatch.setattr("clientcert.validation.time.time", (NOW + timedelta(minutes=6)).timestamp)
    assert own.authenticate(request).reason == RejectionReason.UNTRUSTED_ISSUER
