"""Nothing that a client sends arrives in a log: no header value, no certificate; names only where it is documented."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509

from clientcert import PRESETS, ClientCertStrategy, Reject, TrustedProxies, allow_fingerprints, any_of
from clientcert.asgi import ClientCertMiddleware as ASGIMiddleware
from clientcert.asgi import HeaderGuard
from clientcert.audit import AuditLog, ExpiryWatch
from clientcert.certificate import ATTRIBUTE_TYPES
from clientcert.hooks import drain
from clientcert.policy import Policy
from clientcert.request import TLSConnection
from clientcert.testing import proxy_headers
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware
from fake_request import FakeRequest
from pki import authority, client, presented

CANARY = "canary"  # in lower case: header names are not part of what must stay out
NOW = datetime.now(UTC)
PROXY, STRANGER = "10.0.0.5", "203.0.113.9"
DOCUMENTED = ("subject", "issuer", "spiffe_id")
SECRET = ("X-Proxy-Secret", f"{CANARY}-shared-with-the-proxy")


def canaries(where):
    """Return a name with a canary in each type of attribute; a country has two letters."""
    return x509.Name(
        [
            x509.NameAttribute(x509.ObjectIdentifier(oid), "CA" if name == "C" else f"{CANARY} {where} {name}")
            for name, oid in ATTRIBUTE_TYPES.items()
        ]
    )


URI = f"spiffe://example.org/{CANARY}"
SAN = x509.SubjectAlternativeName(
    [
        x509.DNSName(f"{CANARY}.example.org"),
        x509.RFC822Name(f"{CANARY}@example.org"),
        x509.UniformResourceIdentifier(URI),
        x509.DirectoryName(canaries("directory")),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x06" + CANARY.encode()),
        x509.IPAddress(ip_address("192.0.2.77")),
        x509.RegisteredID(x509.ObjectIdentifier("1.3.6.1.4.1.99999.7")),
    ]
)
EXTRA = [
    (SAN, False),
    (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x0c\x06" + CANARY.encode()), False),
    (
        x509.CRLDistributionPoints(
            [x509.DistributionPoint([x509.UniformResourceIdentifier(f"http://{CANARY}/")], None, None, None)]
        ),
        False,
    ),
]
ISSUER = authority(canaries("issuer"))
VALID = client(canaries("subject"), ISSUER, extra=EXTRA, not_after=NOW + timedelta(days=3))
EXPIRED = client(
    canaries("subject"), ISSUER, extra=EXTRA, not_before=NOW - timedelta(days=9), not_after=NOW - timedelta(days=3)
)
XFCC_NAMES = f'By={URI};Hash={"9c" * 32};Subject="CN={CANARY}";URI={URI}'

OTHER_HEADERS = {
    name: f"{CANARY} {name.lower()}"
    for name in (
        "Authorization",
        "Cookie",
        "User-Agent",
        "Referer",
        "X-Forwarded-For",
        "Forwarded",
        "X-Real-IP",
        "Host",
    )
}


def pieces(issued):
    """Return parts of a certificate as the encodings would show them, from its middle and its signature."""
    der = issued.der
    for start in (60, 200, len(der) // 3 * 2, len(der) - 45):
        part = der[start // 3 * 3 :][:24]
        yield from (base64.b64encode(part).decode(), part.hex(), part.hex(":"), repr(part)[2:-1])


PIECES = [piece.lower() for issued in (VALID, EXPIRED) for piece in pieces(issued)]


def sent(preset):
    """Return what a client may send, or a proxy forward, each as headers: good, and wrong in every way there is."""
    good = proxy_headers(preset, presented(VALID))
    yield good
    yield proxy_headers(preset, presented(EXPIRED))
    yield {}
    for header in preset.headers:
        yield good | {header: f"{CANARY} {header.lower()}"}
        yield {name: value for name, value in good.items() if name != header}
        yield good | {header.replace("-", "_"): CANARY}
        yield good | {"Connection": f"close, {header}, {CANARY}"}
    value = good[preset.header]
    yield good | {preset.header: value[: len(value) // 2]}
    yield good | {preset.header: value + CANARY}
    yield good | {preset.header: f"{value}, {value}"}
    yield good | {"X-Forwarded-For": f"{CANARY}, {PROXY}"}
    yield dict.fromkeys(preset.headers, XFCC_NAMES)
    yield dict.fromkeys(preset.headers, XFCC_NAMES + ";URI=")


ANSWERS = [
    lambda certificate: True,
    lambda certificate: None,
    lambda certificate: Reject("the account is closed", status=403),
    any_of(allow_fingerprints(["00" * 32]), Policy("allow_everybody()", lambda certificate: True, proves=True)),
]


def strategies(**options):
    """Return one strategy for each answer and, of those that read a header, for each way to trust proxies."""
    ways = [{"verify": verify} for verify in ANSWERS]
    if "certificate_source" in options:
        ways = [
            *(way | {"trusted_proxies": [PROXY]} for way in ways),
            {"verify": ANSWERS[0], "trusted_proxies": "*", "fallback_to_socket": True},
            {"verify": ANSWERS[0], "trusted_proxies": TrustedProxies(secret=SECRET)},
        ]
    for way in ways:
        yield ClientCertStrategy(
            on_decision=[AuditLog(), ExpiryWatch(lambda certificate, days: None)],
            on_rejected=lambda certificate, request, reason: None,
            **way,
            **options,
        )


def behind(preset):
    options = {"certificate_source": preset}
    if preset.verified_by == "nobody":
        options["accept_unverified"] = True
    if preset.forwards_names:
        options["accept_forwarded_identity"] = True
    return strategies(**options)


def requests(preset):
    for headers in sent(preset):
        for extra in ({}, dict([SECRET]), {SECRET[0]: f"{CANARY} guess"}):
            for peer in (PROXY, STRANGER, f"{CANARY} of a rewritten peer", f"fe80::1%{CANARY}"):
                yield OTHER_HEADERS | headers | extra, peer


async def asgi_app(scope, receive, send):
    pass


async def discarded(message):
    pass


def serve_asgi(strategy, headers, peer):
    lines = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    for app in (ASGIMiddleware(asgi_app, strategy), HeaderGuard(asgi_app, strategy)):
        for repeated in (lines, [*lines, *lines]):
            scope = {
                "type": "http",
                "method": "GET",
                "path": f"/{CANARY}",
                "query_string": CANARY.encode(),
                "headers": repeated,
                "client": (peer, 40000),
            }
            yield app(scope, None, discarded)


def serve_wsgi(strategy, headers, peer):
    variables = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{CANARY}", "QUERY_STRING": CANARY, "REMOTE_ADDR": peer}
    WSGIMiddleware(lambda environ, start_response: [], strategy)(environ | variables, lambda status, headers: None)


async def serve_all(preset):
    for strategy in behind(preset):
        for headers, peer in requests(preset):
            serve_wsgi(strategy, headers, peer)
            for served in serve_asgi(strategy, headers, peer):
                await served


def checked(records):
    """Look for canaries in everything that handlers see, and return the fields of the audit records."""
    audited = []
    for record in records:
        attributes = {name: value for name, value in vars(record).items() if name not in {"msg", "args", "message"}}
        message = record.getMessage()
        if record.name == "clientcert.audit":
            fields = json.loads(message)
            audited.append(fields)
            assert attributes.pop("clientcert") == fields
            message = json.dumps({name: value for name, value in fields.items() if name not in DOCUMENTED})
        text = f"{message} {attributes}".lower()
        assert CANARY not in text
        assert not any(piece in text for piece in PIECES)
    return audited


@pytest.mark.parametrize("source", ["nginx", "rfc9440", "envoy", "istio", "aws-alb", "cloudflare"])
def test_no_header_value_and_no_certificate_arrives_in_a_log(backend, source, caplog):
    """Of everything that is logged, at every level and by everybody."""
    caplog.set_level(logging.DEBUG)
    asyncio.run(serve_all(PRESETS[source]))
    drain()
    audited = checked(caplog.records)
    assert {fields["reason"] for fields in audited} >= {
        None,
        "callback_returned_false",
        "certificate_expired",
        "header_missing_or_malformed",
        "untrusted_peer",
        "peer_rewritten",
        "duplicate_header",
        "ambiguous_header_name",
    }
    assert any(CANARY in str(fields["subject"]) for fields in audited)
    assert any(record.name == "clientcert" for record in caplog.records)


def test_no_certificate_of_a_connection_arrives_in_a_log(backend, caplog):
    caplog.set_level(logging.DEBUG)
    others = authority("another CA").pem
    for strategy in (*strategies(), *strategies(trust_anchors=others)):
        for ders in ((VALID.der,), (VALID.der[:-1],), (CANARY.encode(),), (EXPIRED.der, ISSUER.der), ()):
            strategy.authenticate(FakeRequest(connection=TLSConnection(authorized=True, certificates=ders)))
    drain()
    audited = checked(caplog.records)
    reasons = {fields["reason"] for fields in audited}
    assert {None, "certificate_not_retrievable", "certificate_expired", "untrusted_issuer"} <= reasons
    assert any(CANARY in str(fields["subject"]) for fields in audited)
