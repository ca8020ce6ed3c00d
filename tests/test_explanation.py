"""An explanation says of each check what authentication makes of it, and what to do; it does nothing itself."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

import pki
from clientcert import (
    PRESETS,
    Check,
    ClientCertStrategy,
    ForwardedIdentity,
    RejectionReason,
    TrustedProxies,
    allow_cn,
    allow_fingerprints,
    encode_header,
    extract,
    parse_der,
)
from clientcert.asgi import ASGIRequest
from clientcert.request import TLSConnection, TransportPeer
from clientcert.testing import CertificateAuthority, proxy_headers
from clientcert.wsgi import WSGIRequest
from fake_request import PROXY, STRANGER, FakeRequest

ROOT = CertificateAuthority()
CA = ROOT.intermediate()
ALICE = CA.issue("alice")
NOW = datetime.now(UTC)
EXPIRED = CA.issue("alice", not_after=NOW - timedelta(days=3, hours=4))
FUTURE = CA.issue("alice", not_before=NOW + timedelta(days=2, minutes=5))
DIRECT = TLSConnection(authorized=True, certificates=(ALICE.der,))
TRUSTED = ["10.0.0.5"]
SECRET = "c2VjcmV0IG9mIHRoZSBwcm94eQ"
XFCC = "X-Forwarded-Client-Cert"
NAMES = f'By=spiffe://x/p;Hash={"9c" * 32};Subject="";URI=spiffe://x/a'


def refuse(*args):
    raise AssertionError("an explanation asks nobody")


def strategy(source="nginx", verify=refuse, **options):
    trust = {"trusted_proxies": TRUSTED} if source or "certificate_header" in options else {}
    return ClientCertStrategy(verify, certificate_source=source, **trust | options)


def value(issued=ALICE, encoding="url-pem"):
    return encode_header(issued.certificate, encoding)


def nginx(*headers, cert=None, verify="SUCCESS", **request):
    lines = [("X-SSL-Client-Cert", value() if cert is None else cert), ("X-SSL-Client-Verify", verify)]
    return FakeRequest([line for line in (*lines, *headers) if line[1] is not None], **request)


def envoy(text, **request):
    return FakeRequest([(XFCC, text)], **request)


def gcp(*headers):
    lines = [("X-Client-Cert-Present", "true"), ("X-Client-Cert-Chain-Verified", "true")]
    return FakeRequest([("X-Client-Cert-Leaf", value(encoding="rfc9440")), *lines, *headers])


def peer(kind, host=None, **more):
    return TransportPeer(kind, host, **more)


def checks(explanation):
    return [(decision.check.value, decision.passed) for decision in explanation.decisions]


def last(explanation):
    return explanation.decisions[-1]


# What an explanation is


def test_an_accepted_request_has_passed_every_check_in_order(backend):
    explanation = strategy().explain(nginx())
    names = ["peer", "duplicates", "names", "verdicts", "header", "decoding", "validity"]
    assert checks(explanation) == [(name, True) for name in names]
    assert (explanation.certificate, explanation.identity, explanation.reason) == (ALICE.certificate, None, None)
    assert str(explanation) == (
        "peer          passed  10.0.0.5 may speak for clients\n"
        "duplicates    passed  no watched header is there twice\n"
        "names         passed  no other name could be taken for a watched header\n"
        "verdicts      passed  by x-ssl-client-verify, the certificate is verified\n"
        "header        passed  x-ssl-client-cert is there\n"
        "decoding      passed  a certificate is in it\n"
        "validity      passed  the certificate is valid now\n"
        "not rejected so far: a certificate for verify to judge"
    )


def test_a_rejected_request_has_failed_the_last_check_that_was_made(backend):
    explanation = strategy().explain(nginx(verify="NONE"))
    assert checks(explanation)[-2:] == [("names", True), ("verdicts", False)]
    assert (explanation.certificate, explanation.reason) == (None, RejectionReason.VERIFICATION_HEADER_MISMATCH)
    decision = last(explanation)
    assert (decision.reason, decision.detail) == (explanation.reason, "x-ssl-client-verify has another value")
    assert str(explanation).endswith(f"\n              hint:   {decision.hint}\nrejected: verification_header_mismatch")
    assert all(decision.hint is None and decision.reason is None for decision in explanation.decisions[:-1])


def test_an_explanation_asks_nobody_attaches_nothing_and_cannot_be_taken_for_a_decision(backend):
    for request in (nginx(), nginx(peer=STRANGER), FakeRequest(connection=DIRECT)):
        explained = strategy(on_authenticated=refuse, on_rejected=refuse, fallback_to_socket=True).explain(request)
        assert (request.attached, request.attached_identity) == (None, None)
        with pytest.raises(TypeError, match="decides nothing"):
            bool(explained)
    asked = envoy(NAMES)
    explained = strategy("istio", accept_forwarded_identity=True).explain(asked)
    assert isinstance(explained.identity, ForwardedIdentity)
    assert (asked.attached_identity, explained.certificate, checks(explained)[-1]) == (None, None, ("chain", True))
    assert "names without a certificate for verify" in str(explained)


def test_optional_checks_are_listed_only_where_they_are_made(backend):
    preset = PRESETS["nginx"].replace(verdicts=(), verified_by="configuration")
    assert "verdicts" not in dict(checks(strategy(preset).explain(nginx(verify=None))))
    assert "validity" not in dict(checks(strategy(check_validity=False).explain(nginx())))
    assert "chain" in dict(checks(strategy("haproxy", include_chain=True).explain(FakeRequest([
        ("X-SSL-Client-Cert", value(encoding="base64-der")), ("X-SSL-Client-Used", "1"), ("X-SSL-Client-Verify", "0"),
    ]))))  # fmt: skip


def test_a_cross_check_is_made_after_the_chain_and_before_the_validity(backend):
    sent = proxy_headers(PRESETS["gcp-lb"], ALICE.certificate)
    explanation = strategy("gcp-lb").explain(FakeRequest(list(sent.items())))
    assert checks(explanation)[-3:] == [("decoding", True), ("cross_checks", True), ("validity", True)]
    assert explanation.decisions[-2].detail == "x-client-cert-hash agrees with the certificate"
    for issued, text, detail in (
        (ALICE, sent["X-Client-Cert-Hash"].lower(), "x-client-cert-hash is not the sha256-base64 of the certificate"),
        (EXPIRED, sent["X-Client-Cert-Hash"], "x-client-cert-hash is not the sha256-base64 of the certificate"),
        (EXPIRED, None, "x-client-cert-hash is absent"),
    ):
        request = FakeRequest(list(proxy_headers(PRESETS["gcp-lb"], issued.certificate).items()))
        replace(request, "X-Client-Cert-Hash", text)
        explanation = strategy("gcp-lb").explain(request)
        assert checks(explanation)[-2:] == [("decoding", True), ("cross_checks", False)]
        assert (explanation.reason, last(explanation).detail) == ("verification_header_mismatch", detail)


def test_the_shims_requests_are_explained_without_a_trace(backend):
    scope = {"type": "http", "client": ("10.0.0.5", 1), "headers": [(b"x-ssl-client-cert", value().encode())]}
    environ = {"REMOTE_ADDR": "10.0.0.5", "HTTP_X_SSL_CLIENT_CERT": value()}
    for request in (ASGIRequest(scope), WSGIRequest(environ)):
        before = dict(request.native)
        assert "x-ssl-client-verify is absent" in str(strategy().explain(request))
        assert request.native == before


# One walk: what is explained is what happens

FAULTS = {
    Check.PEER: lambda request: setattr(request, "peer", STRANGER),
    Check.DUPLICATES: lambda request: request.headers.append(("X-SSL-Client-Used", "1")),
    Check.NAMES: lambda request: request.headers.append(("X_SSL_Client_Used", "1")),
    Check.VERDICTS: lambda request: replace(request, "X-SSL-Client-Verify", "18"),
    Check.HEADER: lambda request: replace(request, "X-SSL-Client-Cert", None),
    Check.DECODING: lambda request: replace(request, "X-SSL-Client-Cert", "MII"),
    Check.CHAIN: lambda request: replace(request, "X-SSL-Client-Chain", "MII"),
    Check.VALIDITY: lambda request: replace(request, "X-SSL-Client-Cert", value(EXPIRED, "base64-der")),
}


def replace(request, header, text):
    request.headers = [line for line in request.headers if line[0] != header] + ([(header, text)] if text else [])


def haproxy():
    return FakeRequest([
        ("X-SSL-Client-Cert", value(encoding="base64-der")),
        ("X-SSL-Client-Chain", value(CA, "base64-der-concat")),
        ("X-SSL-Client-Used", "1"),
        ("X-SSL-Client-Verify", "0"),
    ])  # fmt: skip


@pytest.mark.parametrize("faults", [*itertools.combinations_with_replacement(FAULTS, 2)], ids=" and ".join)
def test_the_checks_are_made_in_the_order_in_which_they_are_explained(backend, faults):
    first, second = faults
    if {first, second} in (
        {Check.HEADER, Check.DECODING},
        {Check.HEADER, Check.VALIDITY},
        {Check.DECODING, Check.VALIDITY},
    ):
        second = first  # one header cannot have both
    request = haproxy()
    for fault in {first, second}:
        FAULTS[fault](request)
    asked = strategy("haproxy", lambda certificate: True, include_chain=True)
    explanation, outcome = asked.explain(request), asked.authenticate(request)
    made = list(FAULTS)[: list(FAULTS).index(first) + 1]
    assert checks(explanation) == [(check.value, check is not first) for check in made]
    assert (explanation.reason, last(explanation).detail) == (outcome.reason, outcome.detail)
    # Nothing is found in front of it once it is put right: the checks that are said to have passed were made.
    assert asked.authenticate(haproxy())


# What to do

PROXY_CERTIFICATE = TrustedProxies(addresses=TRUSTED, certificate=allow_cn(["proxy"]))
CONNECTED = TLSConnection(authorized=False)
HINTS = [
    (nginx(peer=STRANGER), {}, "the headers are there, but 203.0.113.9 is not in trusted_proxies"),
    (nginx(peer=peer("ip", "127.0.0.1")), {}, "loopback is not trusted unless it is listed"),
    (nginx(peer=peer("unix")), {}, 'add "unix" to trusted_proxies'),
    (nginx(peer=peer("unknown")), {}, "the server shows no address of the peer"),
    (nginx(peer=peer("ip", "evil\x1b[2J")), {}, "the server shows no address of the peer"),
    (nginx(peer=peer("ip", "fe80::1%evil\x1b[2J")), {}, "the server shows no address of the peer"),
    (nginx(("X-Forwarded-For", "10.0.0.5"), peer=peer("ip", "10.0.0.5")), {}, "--no-proxy-headers"),
    (nginx(peer=peer("ip", "192.0.2.1", rewritten=True)), {}, "--no-proxy-headers"),
    (nginx(), {"trusted_proxies": TrustedProxies(secret=("X-Proxy-Secret", SECRET))}, "must set this header in every"),
    (nginx(), {"trusted_proxies": PROXY_CERTIFICATE}, "proxy_ssl_certificate"),
    (nginx(("X-SSL-Client-Verify", "NONE")), {}, "HAProxy set-header, not add-header"),
    (nginx(("X_SSL_Client_Cert", "x")), {}, "underscores_in_headers off"),
    (nginx(("Connection", "x-ssl-client-cert")), {}, "RequestHeader unset Connection"),
    (nginx(verify=None), {}, "the proxy must set x-ssl-client-verify: SUCCESS for a verified certificate. proxy_set"),
    (nginx(verify="FAILED:x"), {}, "the proxy does not say SUCCESS"),
    (FakeRequest(), {}, "the proxy must set x-ssl-client-cert for each certificate. proxy_set_header"),
    (envoy("x"), {}, "x-forwarded-client-cert is there: that is the preset 'envoy' or 'istio'"),
    (envoy("x"), {"source": None}, "x-forwarded-client-cert is there: that is the preset 'envoy' or 'istio'"),
    (FakeRequest(connection=DIRECT), {}, "leave certificate_source out, or set fallback_to_socket=True"),
    (nginx(cert="(null)"), {}, "the proxy says that there is no certificate"),
    (nginx(cert=value(encoding="base64-der")), {}, "this looks like base64-der, not url-pem: name the preset"),
    (nginx(cert=value(encoding="rfc9440")), {}, "this looks like rfc9440, not url-pem"),
    (nginx(cert=f'"{value()}"'), {}, "no %{+Q}"),
    (nginx(cert=value()[:-40]), {}, "the value is cut off"),
    (nginx(cert=value() + value()), {}, "a server has joined two header lines"),
    (nginx(cert="hello"), {}, None),
    (envoy(f"{NAMES},{NAMES}"), {"source": "envoy"}, "the header has 2 elements. xfcc_elements, here 1, is the number"),
    (envoy(NAMES), {"source": "envoy", "xfcc_elements": 2}, "the header has 1 elements"),
    (envoy(NAMES), {"source": "envoy"}, "cert: true"),
    (envoy(f"{NAMES};DNS=x"), {"source": "istio", "accept_forwarded_identity": True}, "at most one URI or DNS pair"),
    (envoy(value(encoding="xfcc")[:-20]), {"source": "envoy"}, "the value is cut off"),
    (envoy(value()), {"source": "envoy"}, "this looks like url-pem, not xfcc"),
    (nginx(cert=value(EXPIRED)), {}, f"the client needs a new certificate, unless the clock of this machine is wrong: it says {NOW:%Y-}"),
    (nginx(cert=value(FUTURE)), {}, "the clock of this machine, or that of the issuer, is wrong"),
    (nginx(cert=encode_header(parse_der(pki.with_no_times(ALICE.der)), "url-pem")), {}, None),
    (FakeRequest(), {"source": None}, "if TLS ends at a proxy: name its certificate_source"),
    (FakeRequest(connection=CONNECTED), {"source": None}, "uvicorn needs ssl_cert_reqs"),
    (FakeRequest(connection=TLSConnection(authorized=False, rejected=True)), {"source": None}, "not accepted it"),
    (FakeRequest(connection=TLSConnection(authorized=True)), {"source": None}, "vouches for a certificate"),
    (gcp(), {"source": "gcp-lb", "include_chain": True}, "must set x-client-cert-hash beside the certificate. Custom request headers"),
    (gcp(("X-Client-Cert-Hash", "9c" * 32)), {"source": "gcp-lb"}, "are not from one place"),
    (gcp(("X-Client-Cert-Error", "client_cert_not_provided")), {"source": "gcp-lb"}, "x-client-cert-error must be empty"),
    (FakeRequest([("X-SSL-Client-DER", '""'), ("X-SSL-Client-Verify", "0")]), {"source": "openshift-router"}, "there is no certificate"),
    (FakeRequest([("Client-Cert", value(encoding="rfc9440")), ("Client-Cert-Chain", "MII")]), {"source": "rfc9440", "include_chain": True}, "as the chain is not in the encoding"),
    (FakeRequest([("X-Forwarded-Tls-Client-Cert", f"{value(encoding='base64-der')},{value(encoding='base64-der')}")], preserves_names=False), {"source": "traefik"}, "a server has joined two header lines"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "options", "advice"), HINTS, ids=lambda value: value[:40] if isinstance(value, str) else ""
)
def test_a_failed_check_says_what_to_do_about_it(backend, request_, options, advice):
    explanation = strategy(**options).explain(request_)
    assert [decision.passed for decision in explanation.decisions].count(False) == 1
    assert not last(explanation).passed
    if advice is None:
        assert last(explanation).hint is None
    else:
        assert advice in last(explanation).hint


def test_an_explanation_holds_no_header_value_and_no_certificate():
    """But what the configuration has, and the peer's address, which is why it is for the operator."""
    for request, options, _ in HINTS:
        explanation = strategy(**options).explain(request)
        for header, text in request.headers:
            if header != "X-Forwarded-For" and text not in {
                "SUCCESS",
                "NONE",
                "x",
                "x-ssl-client-cert",
                "MII",
                "true",
                "0",
                '""',
            }:
                assert text not in str(explanation), header
                assert text[20:60] not in str(explanation) or len(text) < 60
        assert not re.search(r"\x1b|MII|BEGIN|spiffe://x|alice", f"{explanation}{explanation.decisions}")


def test_the_detail_says_by_how_much_a_certificate_is_out_of_date(backend, monkeypatch):
    for issued, now, detail in [
        (EXPIRED, EXPIRED.certificate.validity_seconds[1] + 3 * 86400 + 3723, "notAfter was 3 days, 1:02:03 ago"),
        (FUTURE, FUTURE.certificate.validity_seconds[0] - 2 * 86400 - 3723, "notBefore is in 2 days, 1:02:03"),
    ]:
        monkeypatch.setattr(extract, "time", SimpleNamespace(time=lambda now=now: now))
        assert last(strategy().explain(nginx(cert=value(issued)))).detail == detail


# The fallback


def test_a_fallback_shows_the_check_of_the_header_and_those_of_the_connection(backend):
    fallback = strategy(fallback_to_socket=True)
    explanation = fallback.explain(FakeRequest(connection=DIRECT, peer=STRANGER))
    assert checks(explanation) == [("header", False), ("socket", True), ("validity", True)]
    assert explanation.certificate == ALICE.certificate
    explanation = fallback.explain(FakeRequest(connection=CONNECTED, peer=STRANGER))
    assert checks(explanation) == [("header", False), ("socket", False)]
    assert explanation.reason == "socket_not_authorized"
    unreadable = TLSConnection(authorized=True, certificates=(b"x",))
    explanation = fallback.explain(FakeRequest(connection=unreadable, peer=STRANGER))
    assert checks(explanation) == [("header", False), ("socket", False)]
    assert explanation.reason == "certificate_not_retrievable"
    explanation = fallback.explain(FakeRequest(connection=DIRECT, peer=PROXY))
    assert checks(explanation) == [("header", False)]


def test_a_fallback_where_every_peer_is_trusted_shows_what_was_wrong_with_the_header(backend):
    fallback = strategy(fallback_to_socket=True, trusted_proxies="*")
    explanation = fallback.explain(nginx(cert="MII", connection=DIRECT))
    passed = [("peer", True), ("duplicates", True), ("names", True), ("verdicts", True), ("header", True)]
    assert checks(explanation) == [*passed, ("decoding", False), ("socket", True), ("validity", True)]
    assert explanation.decisions[0].detail == "every peer is trusted"
    old = TLSConnection(authorized=True, certificates=(EXPIRED.der,))
    explanation = fallback.explain(nginx(cert="", connection=old))
    assert checks(explanation) == [*passed, ("decoding", False), ("socket", True), ("validity", False)]
    assert explanation.reason == "certificate_expired"


def test_a_rewritten_peer_without_a_header_is_explained_too(backend):
    rewritten = FakeRequest(peer=peer("ip", "192.0.2.1", rewritten=True), connection=DIRECT)
    explanation = strategy(fallback_to_socket=True).explain(rewritten)
    assert checks(explanation) == [("peer", False)]
    assert "--no-proxy-headers" in last(explanation).hint


def test_a_strategy_that_pins_the_proxy_and_not_its_address_explains_the_certificate(backend):
    trust = TrustedProxies(certificate=allow_fingerprints(["9c" * 32]))
    assert "proxy_ssl_certificate" in last(strategy(trusted_proxies=trust).explain(nginx(peer=STRANGER))).hint
