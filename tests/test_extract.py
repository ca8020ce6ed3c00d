"""From a request to a certificate: what is read, in which order it is checked, and what is never believed."""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from clientcert import (
    PRESETS,
    CertificateNotRetrievable,
    ConfigurationError,
    RejectionReason,
    TrustedProxies,
    allow_cn,
    encode_header,
    parse_der,
    parse_pem,
)
from clientcert.extract import Extractor
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority
from fake_request import PROXY, STRANGER, FakeRequest

VECTORS = Path(__file__).parent / "vectors"
ROOT = CertificateAuthority()
CA = ROOT.intermediate()
ALICE, VICTIM = CA.issue("alice"), CA.issue("victim")
TRUSTED = ["10.0.0.5"]
SECRET = "c2VjcmV0IG9mIHRoZSBwcm94eQ"


def value(issued, encoding="url-pem"):
    return encode_header(issued.certificate, encoding)


def nginx(*headers, issued=ALICE, **request):
    return FakeRequest([("X-SSL-Client-Cert", value(issued)), ("X-SSL-Client-Verify", "SUCCESS"), *headers], **request)


def extractor(preset="nginx", trusted_proxies=TRUSTED, **options):
    return Extractor(PRESETS[preset] if preset else None, trusted_proxies, **options)


def found(extracted):
    """The common name and the source, or the reason for none."""
    if hasattr(extracted, "reason"):
        return str(extracted.reason)
    return extracted.certificate["subject"]["CN"], extracted.source


# What is found


def test_the_certificate_comes_from_the_header_of_a_trusted_proxy(backend):
    extracted = extractor().extract(nginx())
    assert extracted.certificate == ALICE.certificate
    assert extracted.source == "header"


def test_the_certificate_comes_from_the_connection_where_no_header_is_read(backend):
    request = FakeRequest(connection=TLSConnection(authorized=True, certificates=(ALICE.der,)), peer=STRANGER)
    assert found(extractor(None, None).extract(request)) == ("alice", "socket")


def test_headers_mean_nothing_where_none_is_read(backend):
    request = nginx(connection=TLSConnection(authorized=True, certificates=(VICTIM.der,)))
    assert found(extractor(None, None).extract(request)) == ("victim", "socket")


def test_names_of_headers_are_compared_without_regard_to_case(backend):
    request = FakeRequest([("x-ssl-CLIENT-cert", value(ALICE)), ("X-Ssl-Client-Verify", "SUCCESS")])
    assert found(extractor().extract(request)) == ("alice", "header")


def test_a_repeated_certificate_is_decoded_once(backend):
    reader = extractor()
    first, second = (reader.extract(nginx()).certificate for _ in range(2))
    assert first is second
    assert found(reader.extract(nginx(issued=VICTIM))) == ("victim", "header")


def test_what_could_not_be_decoded_is_not_remembered(backend):
    reader = extractor()
    broken = FakeRequest([("X-SSL-Client-Cert", value(ALICE)[:-30]), ("X-SSL-Client-Verify", "SUCCESS")])
    reader.extract(broken)
    assert not reader._clients[True].young
    assert found(reader.extract(nginx())) == ("alice", "header")


def test_a_strategy_without_a_trust_statement_reads_no_header():
    with pytest.raises(ConfigurationError, match="trusted_proxies is missing"):
        extractor(trusted_proxies=None)


# Who speaks


def test_a_stranger_who_sends_a_watched_header_is_rejected(backend):
    for headers in (
        [("X-SSL-Client-Cert", value(ALICE)), ("X-SSL-Client-Verify", "SUCCESS")],
        [("X-SSL-Client-Cert", "")],
        [("X-SSL-Client-Verify", "NONE")],
        [("X_SSL_Client_Cert", value(ALICE))],
        [("Connection", "X-SSL-Client-Cert")],
        [("X-SSL-Client-Cert", "a"), ("X-SSL-Client-Cert", "b")],
    ):
        for options in ({}, {"fallback_to_socket": True}):
            request = FakeRequest(headers, STRANGER, TLSConnection(authorized=True, certificates=(ALICE.der,)))
            assert found(extractor(**options).extract(request)) == "untrusted_peer"


def test_a_stranger_who_sends_none_has_no_header():
    rejection = extractor().extract(FakeRequest([("Host", "example.org")], STRANGER))
    assert rejection.reason == "header_missing_or_malformed"
    assert not rejection.presented


def test_a_peer_that_could_be_made_up_is_told_apart_from_a_stranger(backend):
    peer = TransportPeer("ip", "10.0.0.5")
    assert found(extractor().extract(nginx(("X-Forwarded-For", "203.0.113.9"), peer=peer))) == ("alice", "header")
    assert found(extractor().extract(nginx(("X-Forwarded-For", "10.0.0.5"), peer=peer))) == "peer_rewritten"


def test_the_secret_must_come_once_and_alone(backend):
    reader = extractor(trusted_proxies=TrustedProxies(secret=("X-Proxy-Secret", SECRET)))
    secret = ("X-Proxy-Secret", SECRET)
    assert found(reader.extract(nginx(secret, peer=STRANGER))) == ("alice", "header")
    assert found(reader.extract(nginx(peer=STRANGER))) == "untrusted_peer"
    assert found(reader.extract(nginx(secret, secret))) == "untrusted_peer"
    assert found(reader.extract(nginx(("X_Proxy_Secret", SECRET)))) == "untrusted_peer"
    assert found(reader.extract(nginx(secret, ("X_Proxy_Secret", "x")))) == "ambiguous_header_name"


def test_the_secret_needs_a_header_of_its_own():
    with pytest.raises(ConfigurationError, match="two meanings"):
        extractor(trusted_proxies=TrustedProxies(secret=("x_ssl_client.verify", SECRET)))


# Which header


@pytest.mark.parametrize("name", ["X-SSL-Client-Cert", "X-SSL-Client-Verify"])
def test_a_watched_header_that_is_there_twice_is_rejected(backend, name):
    for text in (value(ALICE), "SUCCESS", ""):
        assert found(extractor().extract(nginx((name, text)))) == "duplicate_header"


@pytest.mark.parametrize(
    "name", ["X_SSL_Client_Cert", "X-SSL-Client_Cert", "x.ssl.client.cert", "X_SSL-Client.Verify", "X!SSL~Client+Cert"]
)
def test_a_name_that_differs_only_by_underscores_and_dots_is_rejected(backend, name):
    alone = FakeRequest([(name, value(VICTIM)), ("X-SSL-Client-Verify", "SUCCESS")])
    for request in (nginx((name, value(VICTIM))), alone):
        assert found(extractor().extract(request)) == "ambiguous_header_name"


def test_other_names_of_the_same_length_are_of_no_interest(backend):
    assert found(extractor().extract(nginx(("X-SSL-Client-Cart", "x"), ("X_Forwarded_For", "x")))) == (
        "alice",
        "header",
    )


def test_a_name_with_an_underscore_can_be_the_one_that_is_read(backend):
    preset = PRESETS["nginx"].replace(header="ssl_client_cert", verdicts=(), verified_by="configuration")
    reader = Extractor(preset, TRUSTED)
    assert found(reader.extract(FakeRequest([("ssl_client_cert", value(ALICE))]))) == ("alice", "header")
    assert found(reader.extract(FakeRequest([("ssl-client-cert", value(ALICE))]))) == "ambiguous_header_name"


@pytest.mark.parametrize(
    "value",
    [
        "X-SSL-Client-Cert",
        "close, x_ssl_client_cert",
        "keep-alive,X-SSL-CLIENT-VERIFY ,",
        "close X-SSL-Client-Cert",
        "close;X-SSL-Client-Cert\tte",
    ],
)
def test_a_connection_header_that_names_a_watched_one_is_rejected(backend, value):
    rejection = extractor().extract(nginx(("Connection", value)))
    assert rejection.reason == "ambiguous_header_name"
    assert "a proxy may have removed" in rejection.detail
    # Apache has removed it, all of it.
    assert found(extractor().extract(FakeRequest([("Connection", value)]))) == "ambiguous_header_name"


def test_a_connection_header_that_names_others_is_of_no_interest(backend):
    request = nginx(("Connection", "close"), ("Connection", "X-SSL-Client, Upgrade"))
    assert found(extractor().extract(request)) == ("alice", "header")


def test_the_order_of_the_checks_is_peer_names_verdict_certificate(backend):
    headers = [("X-SSL-Client-Cert", "x"), ("X-SSL-Client-Verify", "NONE"), ("Connection", "X-SSL-Client-Cert")]
    request = FakeRequest([*headers, ("X-SSL-Client-Cert", "x")], STRANGER)
    order = [found(extractor().extract(request))]
    request.peer = PROXY
    order.append(found(extractor().extract(request)))
    del request.headers[3]
    order.append(found(extractor().extract(request)))
    del request.headers[2]
    order.append(found(extractor().extract(request)))
    request.headers[1] = ("X-SSL-Client-Verify", "SUCCESS")
    order.append(found(extractor().extract(request)))
    assert order == [
        "untrusted_peer",
        "duplicate_header",
        "ambiguous_header_name",
        "verification_header_mismatch",
        "header_missing_or_malformed",
    ]


# The verdict


@pytest.mark.parametrize(
    "verdict",
    ["NONE", "FAILED:self-signed certificate", "GENEROUS", "success", "SUCCESS,SUCCESS", "SUCCESSFUL", "", None],
)
def test_only_the_exact_verdict_counts(backend, verdict):
    headers = [("X-SSL-Client-Cert", value(ALICE))]
    if verdict is not None:
        headers.append(("X-SSL-Client-Verify", verdict))
    rejection = extractor().extract(FakeRequest(headers))
    assert rejection.reason == "verification_header_mismatch"
    assert rejection.presented


def test_each_of_several_verdicts_counts(backend):
    good = [("X-SSL-Client-Cert", value(ALICE, "base64-der")), ("X-SSL-Client-Used", "1"), ("X-SSL-Client-Verify", "0")]
    reader = extractor("haproxy")
    assert found(reader.extract(FakeRequest(good))) == ("alice", "header")
    for wrong in (1, 2):
        headers = [line if at != wrong else (line[0], "2") for at, line in enumerate(good)]
        assert found(reader.extract(FakeRequest(headers))) == "verification_header_mismatch"


@pytest.mark.parametrize("placeholder", [None, "", "(null)", " :(null): ", "::"])
def test_a_verdict_on_no_certificate_is_told_apart_from_one_on_a_certificate(backend, placeholder):
    headers = [("X-SSL-Client-Verify", "NONE")]
    if placeholder is not None:
        headers.append(("X-SSL-Client-Cert", placeholder))
    rejection = extractor().extract(FakeRequest(headers))
    assert (rejection.reason, rejection.presented) == ("verification_header_mismatch", False)


# The certificate header


@pytest.mark.parametrize("placeholder", ["", "(null)", ":(null):", "::"])
def test_a_placeholder_is_no_certificate(backend, placeholder):
    rejection = extractor("caddy").extract(FakeRequest([("X-SSL-Client-Cert", placeholder)]))
    assert rejection.reason == "header_missing_or_malformed"
    assert rejection.detail == "x-ssl-client-cert: no_certificate at offset 0"
    assert not rejection.presented


def test_the_detail_tells_an_absent_header_from_a_malformed_one_and_quotes_neither(backend):
    absent = extractor().extract(FakeRequest([("X-SSL-Client-Verify", "SUCCESS")]))
    assert absent.detail == "x-ssl-client-cert is absent"
    malformed = extractor().extract(
        FakeRequest([("X-SSL-Client-Cert", "%zz<script>"), ("X-SSL-Client-Verify", "SUCCESS")])
    )
    assert malformed.detail == "x-ssl-client-cert: percent at offset 0"
    assert malformed.presented


PLACEHOLDERS = [None, "", "(null)", ":(null):", "::"]


def without_certificate(preset, placeholder, *others):
    """What arrives where something on the way has taken the certificate away, and left the other headers."""
    return FakeRequest([*others] if placeholder is None else [(PRESETS[preset].header, placeholder), *others])


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize("preset", [name for name, preset in PRESETS.items() if preset.verdicts])
def test_a_good_verdict_without_its_certificate_is_a_sign_of_one(backend, preset, placeholder):
    """Optional authentication must not take this client for nobody."""
    rejection = extractor(preset).extract(without_certificate(preset, placeholder, *PRESETS[preset].verdicts))
    assert rejection.reason == "header_missing_or_malformed"
    # X509_V_OK is what OpenSSL says without a certificate, too: HAProxy passes it on.
    assert rejection.presented is (preset != "openshift-router")


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize(
    ("preset", "verdicts"),
    [
        ("nginx", [("X-SSL-Client-Verify", "NONE")]),
        ("apache", [("X-SSL-Client-Verify", "NONE")]),
        ("haproxy", [("X-SSL-Client-Used", "0"), ("X-SSL-Client-Verify", "0")]),
        ("cloudflare", [("Cf-Cert-Presented", "false"), ("Cf-Cert-Verified", "false"), ("Cf-Cert-Revoked", "false")]),
    ],
)
def test_what_a_proxy_says_of_a_client_without_a_certificate_is_no_sign_of_one(backend, preset, verdicts, placeholder):
    rejection = extractor(preset).extract(without_certificate(preset, placeholder, *verdicts))
    assert (rejection.reason, rejection.presented) == ("verification_header_mismatch", False)


@pytest.mark.parametrize("placeholder", PLACEHOLDERS)
@pytest.mark.parametrize("preset", [name for name, preset in PRESETS.items() if preset.cross_checks])
def test_what_identifies_a_certificate_that_is_missing_is_a_sign_of_one(backend, preset, placeholder):
    ((header, _),) = PRESETS[preset].cross_checks
    for said, presented in (("0c1f", True), ("", False)):
        rejection = extractor(preset).extract(without_certificate(preset, placeholder, (header, said)))
        assert rejection.presented is presented


@pytest.mark.parametrize("separator", [",", ", ", "%0A", ""])
@pytest.mark.parametrize("preserves_names", [True, False])
def test_two_certificates_where_one_is_sent_are_rejected(backend, separator, preserves_names):
    both = value(VICTIM) + separator + value(ALICE)
    request = FakeRequest(
        [("X-SSL-Client-Cert", both), ("X-SSL-Client-Verify", "SUCCESS")], preserves_names=preserves_names
    )
    assert found(extractor().extract(request)) == "header_missing_or_malformed"


def test_two_merged_base64_values_are_rejected(backend):
    both = ",".join([value(VICTIM, "base64-der"), value(ALICE, "base64-der")])
    request = FakeRequest([("X-SSL-Client-Cert", both)], preserves_names=False)
    assert found(extractor("caddy").extract(request)) == "header_missing_or_malformed"


# Validity


@pytest.mark.parametrize("source", ["header", "socket"])
def test_the_validity_period_is_checked_on_every_request(backend, source):
    now = datetime.now(UTC)
    periods = {
        "certificate_expired": {"not_after": now - timedelta(seconds=2)},
        "certificate_not_yet_valid": {"not_before": now + timedelta(minutes=1)},
        ("client", source): {"not_before": now - timedelta(seconds=2), "not_after": now + timedelta(hours=1)},
    }
    for expected, period in periods.items():
        issued = CA.issue("client", **period)
        request = nginx(issued=issued, connection=TLSConnection(authorized=True, certificates=(issued.der,)))
        checked, unchecked = (
            extractor("nginx" if source == "header" else None, TRUSTED, check_validity=check) for check in (True, False)
        )
        assert found(checked.extract(request)) == expected
        assert found(checked.extract(request)) == expected  # a certificate that is remembered
        assert found(unchecked.extract(request)) == ("client", source)


def without_a_time(issued):
    """The DER of a certificate that is well formed, but for the month of its notAfter."""
    start = issued.der.index(b"Z\x17\x0d") + 3
    return issued.der[: start + 2] + b"99" + issued.der[start + 4 :]


def test_a_certificate_without_a_readable_time_is_refused(backend):
    der = without_a_time(CA.issue("client", not_after=datetime(2049, 1, 1, tzinfo=UTC)))
    headers = [("X-SSL-Client-Cert", der.hex())]
    hexadecimal = PRESETS["nginx"].replace(encoding="hex-der", verdicts=(), verified_by="configuration")
    rejection = Extractor(hexadecimal, TRUSTED).extract(FakeRequest(headers))
    assert rejection.reason == "header_missing_or_malformed"
    assert "time at offset" in rejection.detail
    assert rejection.check == "validity"
    assert found(Extractor(hexadecimal, TRUSTED, check_validity=False).extract(FakeRequest(headers))) == (
        "client",
        "header",
    )
    with pytest.raises(CertificateNotRetrievable):
        extractor(None, None).extract(FakeRequest(connection=TLSConnection(authorized=True, certificates=(der,))))


# What is in the certificate


def test_an_address_in_a_certificate_is_read_and_never_asked(backend):
    vectors = json.loads((VECTORS / "x509.json").read_text("ascii"))["vectors"]
    (der,) = (b64decode(vector["der"]) for vector in vectors if vector["id"] == "infoAccess: locations of all kinds")
    lines = [("X-SSL-Client-Cert", encode_header(parse_der(der), "url-pem")), ("X-SSL-Client-Verify", "SUCCESS")]
    dict(parse_der(der))  # the fallback reads its tables of names when the first is looked up
    events, watching = [], False
    # A hook cannot be removed: this one is switched off.
    sys.addaudithook(lambda event, _: events.append(event) if watching else None)
    watching = True
    try:
        certificate = extractor().extract(FakeRequest(lines)).certificate
        fields = dict(certificate), certificate.extension("1.3.6.1.5.5.7.1.1"), repr(certificate), certificate.to_json()
    finally:
        watching = False
    assert "http://c" in str(fields)
    assert [event for event in events if event.startswith(("socket.", "subprocess.", "os.", "urllib.", "open"))] == []


# The chain


def names(extracted):
    return [certificate["subject"]["CN"] for certificate in extracted.certificate.chain]


CHAIN = ["alice", "clientcert test intermediate CA", "clientcert test CA"]


def chain_requests():
    whole = parse_pem(ALICE.chain_pem + ROOT.pem)
    issuers = parse_pem(CA.pem + ROOT.pem)
    leaf = ALICE.certificate
    haproxy = [("X-SSL-Client-Used", "1"), ("X-SSL-Client-Verify", "0")]
    one_by_one = [encode_header(issuer, "rfc9440") for issuer in issuers.chain]
    return {
        "aws-alb": [("X-Amzn-Mtls-Clientcert", encode_header(whole, "url-pem-aws", chain=True))],
        "traefik": [("X-Forwarded-Tls-Client-Cert", encode_header(whole, "base64-der", chain=True))],
        "envoy": [("X-Forwarded-Client-Cert", encode_header(whole, "xfcc", chain=True))],
        "haproxy": [
            ("X-SSL-Client-Cert", encode_header(leaf, "base64-der")),
            ("X-SSL-Client-Chain", encode_header(issuers, "base64-der-concat", chain=True)),
            *haproxy,
        ],
        "rfc9440": [
            ("Client-Cert", encode_header(leaf, "rfc9440")),
            ("Client-Cert-Chain", one_by_one[0]),
            ("client-cert-chain", one_by_one[1]),
        ],
    }


@pytest.mark.parametrize("preset", ["aws-alb", "traefik", "envoy", "haproxy", "rfc9440"])
def test_the_chain_comes_along_only_if_it_is_asked_for(backend, preset):
    for preserves_names in (True, False):
        headers = chain_requests()[preset]
        if not preserves_names and preset == "rfc9440":
            headers[1:] = [("Client-Cert-Chain", ",".join(text for _, text in headers[1:]))]
        request = FakeRequest(headers, preserves_names=preserves_names)
        with_chain = extractor(preset, include_chain=True)
        for _ in range(2):
            assert names(with_chain.extract(request)) == CHAIN
        assert names(extractor(preset).extract(request)) == ["alice"]


def test_the_chain_of_a_connection_comes_along_only_if_it_is_asked_for(backend):
    request = FakeRequest(connection=TLSConnection(authorized=True, certificates=(ALICE.der, CA.der, ROOT.der)))
    assert names(extractor(None, None, include_chain=True).extract(request)) == CHAIN
    assert names(extractor(None, None).extract(request)) == ["alice"]


@pytest.mark.parametrize("chain", [None, "", "(null)", "::", ":(null):"])
def test_a_chain_header_that_is_absent_or_a_placeholder_is_no_chain(backend, chain):
    headers = [("Client-Cert", value(ALICE, "rfc9440"))] + ([("Client-Cert-Chain", chain)] if chain is not None else [])
    assert names(extractor("rfc9440", include_chain=True).extract(FakeRequest(headers))) == ["alice"]


@pytest.mark.parametrize("verdicts", [(), (("X-Verify", "SUCCESS"),)])
def test_a_chain_without_its_certificate_is_a_sign_of_one(backend, verdicts):
    """Something has taken the certificate away: an optional authentication must not take this for nobody."""
    preset = PRESETS["rfc9440"].replace(verdicts=verdicts)
    for chain, presented in ((value(ALICE, "rfc9440"), True), ("MII", True), ("", False), ("(null)", False)):
        request = FakeRequest([("Client-Cert-Chain", chain), ("X-Verify", "NONE")])
        for include_chain in (False, True):
            rejection = Extractor(preset, TRUSTED, include_chain=include_chain).extract(request)
            assert rejection.presented is presented
    several = FakeRequest([("Client-Cert-Chain", ""), ("Client-Cert-Chain", "MII"), ("X-Verify", "NONE")])
    assert Extractor(preset, TRUSTED).extract(several).presented


def test_a_chain_beside_a_placeholder_is_a_sign_of_a_certificate(backend):
    for text in ("", "(null)"):
        headers = [("Client-Cert", text), ("Client-Cert-Chain", value(ALICE, "rfc9440"))]
        assert extractor("rfc9440").extract(FakeRequest(headers)).presented
    assert not extractor("rfc9440").extract(FakeRequest([("Client-Cert", ""), ("Client-Cert-Chain", "")])).presented


def test_a_malformed_chain_header_rejects_the_request_that_would_have_used_it(backend):
    headers = [("Client-Cert", value(ALICE, "rfc9440")), ("Client-Cert-Chain", ":AAAA:")]
    rejection = extractor("rfc9440", include_chain=True).extract(FakeRequest(headers))
    assert rejection.reason == "header_missing_or_malformed"
    assert rejection.detail.startswith("Client-Cert-Chain: ")
    assert found(extractor("rfc9440").extract(FakeRequest(headers))) == ("alice", "header")


def test_another_chain_beside_the_same_certificate_is_another_result(backend):
    reader = extractor("rfc9440", include_chain=True)
    chains = []
    for authority in (CA, ROOT):
        headers = [
            ("Client-Cert", value(ALICE, "rfc9440")),
            ("Client-Cert-Chain", encode_header(authority.certificate, "rfc9440")),
        ]
        chains.append(names(reader.extract(FakeRequest(headers))))
    assert chains == [CHAIN[:2], [CHAIN[0], CHAIN[2]]]


@pytest.mark.parametrize(("preset", "header"), [("haproxy", "X-SSL-Client-Chain"), ("rfc9440", "Client-Cert")])
def test_only_the_list_of_rfc_9440_may_have_several_lines(backend, preset, header):
    headers = chain_requests()[preset]
    headers.append((header, dict(headers)[header]))
    assert found(extractor(preset, include_chain=True).extract(FakeRequest(headers))) == "duplicate_header"


def test_a_list_that_could_be_two_merged_lines_is_believed_only_as_a_chain(backend):
    def traefik(*issued, preserves_names=False):
        text = ",".join(encode_header(certificate, "base64-der") for certificate in issued)
        return FakeRequest([("X-Forwarded-Tls-Client-Cert", text)], preserves_names=preserves_names)

    victim, alice, authority, root = VICTIM.certificate, ALICE.certificate, CA.certificate, ROOT.certificate
    # A leaf that bears the name of the victim's issuer, and is no CA.
    namesake = ROOT.issue("clientcert test intermediate CA").certificate
    reader = extractor("traefik")
    assert found(reader.extract(traefik(victim, authority, root))) == ("victim", "header")
    for merged in ((victim, alice), (victim, alice, authority), (victim, namesake), (victim, authority, alice)):
        assert found(reader.extract(traefik(*merged))) == "duplicate_header"
        # Where lines arrive as they were sent, it is one line: what the client presented, in its order.
        assert found(reader.extract(traefik(*merged, preserves_names=True))) == ("victim", "header")
        assert found(reader.extract(traefik(*merged))) == "duplicate_header"


# XFCC


def element(issued):
    return encode_header(issued.certificate, "xfcc")


def test_the_number_of_xfcc_elements_must_be_exact(backend):
    one, two = element(ALICE), f"{element(ALICE)},{element(VICTIM)}"
    expected = {
        (1, one): ("alice", "header"),
        (1, two): "header_missing_or_malformed",
        (2, one): "header_missing_or_malformed",
        (2, two): ("alice", "header"),
        (3, two): "header_missing_or_malformed",
    }
    for (elements, text), outcome in expected.items():
        reader = extractor("envoy", xfcc_elements=elements)
        assert found(reader.extract(FakeRequest([("X-Forwarded-Client-Cert", text)]))) == outcome


def test_the_detail_says_how_many_xfcc_elements_there_are(backend):
    request = FakeRequest([("X-Forwarded-Client-Cert", element(ALICE))])
    detail = extractor("envoy", xfcc_elements=2).extract(request).detail
    assert detail == "X-Forwarded-Client-Cert: 1 elements where 2 are expected"


def test_an_xfcc_element_without_a_certificate_is_no_identity(backend):
    by_hash = f'Hash={"0" * 64};Subject="CN=alice";URI=spiffe://example.org/alice'
    for text in (by_hash, f"{by_hash},{element(ALICE)}"):
        reader = extractor("envoy", xfcc_elements=text.count("Hash="))
        rejection = reader.extract(FakeRequest([("X-Forwarded-Client-Cert", text)]))
        assert rejection.reason == "header_missing_or_malformed"
        assert "neither Cert nor Chain" in rejection.detail


# The connection


def test_a_connection_without_a_verified_certificate_is_not_authorized():
    for connection in (
        None,
        TLSConnection(authorized=False),
        TLSConnection(authorized=False, certificates=(ALICE.der,)),
    ):
        rejection = extractor(None, None).extract(FakeRequest(connection=connection))
        assert (rejection.reason, rejection.presented) == ("socket_not_authorized", False)


def test_a_header_upon_which_the_connection_is_looked_at_still_was_presented(backend):
    reader = Extractor(PRESETS["caddy"], "*", fallback_to_socket=True)
    for text, presented in (("junk", True), ("", False)):
        rejection = reader.extract(FakeRequest([("X-SSL-Client-Cert", text)]))
        assert (rejection.reason, rejection.presented) == ("socket_not_authorized", presented)


def test_a_certificate_that_the_tls_layer_has_rejected_was_presented():
    rejection = extractor(None, None).extract(FakeRequest(connection=TLSConnection(authorized=False, rejected=True)))
    assert (rejection.reason, rejection.presented) == ("socket_not_authorized", True)


def test_a_verified_certificate_that_cannot_be_read_is_an_error_of_the_server(backend):
    for certificates in ((), (b"",), (ALICE.der[:-1],), (ALICE.der + b"\0",), (b"junk", ALICE.der)):
        connection = TLSConnection(authorized=True, certificates=certificates)
        with pytest.raises(CertificateNotRetrievable):
            extractor(None, None).extract(FakeRequest(connection=connection))


# Falling back to the connection


def direct(*headers, issued=ALICE, peer=STRANGER):
    return FakeRequest([*headers], peer, TLSConnection(authorized=True, certificates=(issued.der,)))


def test_a_client_that_connects_directly_is_authenticated_by_its_connection_only_if_that_was_asked_for(backend):
    assert found(extractor(fallback_to_socket=True).extract(direct())) == ("alice", "socket")
    assert found(extractor().extract(direct())) == "header_missing_or_malformed"
    without = FakeRequest(peer=STRANGER)
    assert found(extractor(fallback_to_socket=True).extract(without)) == "socket_not_authorized"


def test_the_certificate_of_the_proxy_itself_never_becomes_the_user(backend):
    proxy = CA.issue("proxy")
    by_address = extractor(fallback_to_socket=True)
    assert found(by_address.extract(direct(issued=proxy, peer=PROXY))) == "header_missing_or_malformed"
    rewritten = TransportPeer("ip", "203.0.113.9", rewritten=True)
    assert found(by_address.extract(direct(issued=proxy, peer=rewritten))) == "peer_rewritten"
    named = direct(("X-Forwarded-For", "10.0.0.5"), issued=proxy, peer=TransportPeer("ip", "10.0.0.5"))
    assert found(by_address.extract(named)) == "peer_rewritten"
    # A proxy that has hung up has no address any more, and its request is still there to be answered.
    for nowhere in (TransportPeer("unknown", authoritative=True), TransportPeer("ip", "localhost")):
        assert found(by_address.extract(direct(issued=proxy, peer=nowhere))) == "header_missing_or_malformed"

    for addresses in (None, ["10.0.0.5"]):
        trusted = TrustedProxies(addresses=addresses, certificate=allow_cn(["proxy"]))
        by_certificate = extractor(trusted_proxies=trusted, fallback_to_socket=True)
        assert found(by_certificate.extract(direct(issued=proxy))) == "header_missing_or_malformed"
        assert found(by_certificate.extract(direct())) == ("alice", "socket")
        # It is the proxy's own even after its end, where nobody asks for the validity of the client's.
        old = CA.issue("proxy", not_after=datetime.now(UTC) - timedelta(seconds=5))
        lenient = extractor(trusted_proxies=trusted, fallback_to_socket=True, check_validity=False)
        assert found(lenient.extract(direct(issued=old))) == "header_missing_or_malformed"


def test_a_header_that_is_there_is_never_passed_over(backend):
    reader = extractor(fallback_to_socket=True)
    for headers in (
        [("X-SSL-Client-Cert", ""), ("X-SSL-Client-Verify", "SUCCESS")],
        [("X-SSL-Client-Cert", "junk"), ("X-SSL-Client-Verify", "SUCCESS")],
        [("X-SSL-Client-Verify", "SUCCESS")],
        [("Connection", "X-SSL-Client-Cert")],
    ):
        for peer in (PROXY, STRANGER):
            assert "source" not in dir(reader.extract(direct(*headers, peer=peer)))


def test_where_every_peer_is_trusted_the_connection_counts_whenever_the_header_holds_no_certificate(backend):
    reader = extractor("caddy", trusted_proxies="*", fallback_to_socket=True)
    for headers in ([], [("X-SSL-Client-Cert", "")], [("X-SSL-Client-Cert", "junk")]):
        assert found(reader.extract(direct(*headers))) == ("alice", "socket")
        assert found(extractor("caddy", trusted_proxies="*").extract(direct(*headers))) == "header_missing_or_malformed"
    twice = [("X-SSL-Client-Cert", value(ALICE, "base64-der"))] * 2
    assert found(reader.extract(direct(*twice))) == "duplicate_header"
    assert found(reader.extract(direct(twice[0], issued=VICTIM))) == ("alice", "header")


# What is written down


def test_no_detail_holds_anything_that_a_client_has_written(backend):
    marker = "markermarker"
    requests = [
        nginx(("X-SSL-Client-Cert", marker)),
        nginx(("X_SSL_Client_Cert", marker)),
        nginx(("Connection", f"{marker}, X-SSL-Client-Cert")),
        FakeRequest([("X-SSL-Client-Cert", value(ALICE)), ("X-SSL-Client-Verify", marker)]),
        FakeRequest([("X-SSL-Client-Cert", marker), ("X-SSL-Client-Verify", "SUCCESS")]),
        nginx(("X-Forwarded-For", marker), peer=TransportPeer("ip", marker)),
        nginx(peer=STRANGER),
    ]
    for request in requests:
        rejection = extractor().extract(request)
        assert rejection.detail
        assert marker not in rejection.detail
        assert "203.0.113.9" not in rejection.detail


def test_the_reasons_are_those_of_the_seed_and_ours():
    assert list(RejectionReason) == [
        "socket_not_authorized",
        "certificate_not_retrievable",
        "header_missing_or_malformed",
        "verification_header_mismatch",
        "callback_returned_false",
        "untrusted_peer",
        "peer_rewritten",
        "duplicate_header",
        "ambiguous_header_name",
        "certificate_expired",
        "certificate_not_yet_valid",
        "untrusted_issuer",
        "revoked",
        "revocation_unknown",
    ]
