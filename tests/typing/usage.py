"""What users write: `make types` has mypy and pyright accept it, and narrow what they should."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_type

from clientcert import (
    PRESETS,
    Accept,
    ClientCertStrategy,
    Failure,
    ForwardedIdentity,
    GeneralName,
    PeerCertificate,
    Reject,
    RejectionReason,
    Success,
    TrustedProxies,
    all_of,
    allow_ca,
    allow_cn,
    allow_fingerprints,
    allow_san,
    allow_spiffe_id,
    callback_style,
    parse_header,
)
from clientcert.asgi import ClientCertMiddleware
from clientcert.audit import AuditLog, AuditRecord, ExpiryWatch
from clientcert.gateway import forward_auth, forwarded_headers
from clientcert.integrations.opentelemetry import OpenTelemetryMetrics
from clientcert.integrations.prometheus import PrometheusMetrics
from clientcert.ocsp_fetcher import OCSPFetcher
from clientcert.revocation import OCSPResponses, RevocationLists
from clientcert.validation import TrustAnchors, ValidatedPath
from clientcert.wsgi import ClientCertMiddleware as WSGIMiddleware

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from clientcert.asgi import Receive, Scope, Send
    from clientcert.request import Request


def verify(certificate: PeerCertificate) -> str | None:
    """Return a user; the value of a name is text, or a list of it."""
    name = certificate["subject"].get("CN")
    return name if isinstance(name, str) else None


async def verify_async(certificate: PeerCertificate) -> Accept[str] | Reject:
    """Return a user with information, or none with a status."""
    user = certificate.spiffe_id
    return Reject("no SPIFFE ID", status=403) if user is None else Accept(user, info={"chain": len(certificate.chain)})


def verify_request(scope: dict[str, Any], certificate: PeerCertificate) -> bool:
    """Look at the request, too."""
    return scope["path"] == "/" and not certificate["ca"]


def verify_with_callback(certificate: PeerCertificate, done: Callable[..., None]) -> None:
    """Report as a Node.js user does."""
    done(None, certificate["subject"])


def on_authenticated(certificate: PeerCertificate, request: object) -> None:
    """Record who."""


async def on_rejected(certificate: PeerCertificate | None, request: object, reason: RejectionReason) -> None:
    """Record why not."""


def on_expiring(certificate: PeerCertificate, days: int) -> None:
    """Warn."""


async def on_decision(record: AuditRecord) -> None:
    """Record both."""
    assert_type(record.reason, RejectionReason | None)
    assert_type(record.certificate, PeerCertificate | None)
    assert_type(record.to_dict(), dict[str, Any])


strategy = ClientCertStrategy(
    verify,
    certificate_source="nginx",
    trusted_proxies=["10.0.0.0/8", "unix"],
    on_authenticated=on_authenticated,
    on_rejected=on_rejected,
)
strategies = [
    ClientCertStrategy(verify_async, certificate_source=PRESETS["envoy"].replace(header="X-Cert"), trusted_proxies="*"),
    ClientCertStrategy(verify_request, pass_request=True, on_decision=on_decision),
    ClientCertStrategy(
        verify, on_decision=[AuditLog(), ExpiryWatch(on_expiring), PrometheusMetrics(), OpenTelemetryMetrics()]
    ),
    ClientCertStrategy(callback_style(verify_with_callback)),
    ClientCertStrategy(
        allow_spiffe_id(trust_domain="example.org"),
        certificate_source="istio",
        accept_forwarded_identity=True,
        trusted_proxies=["127.0.0.6"],
    ),
    ClientCertStrategy(all_of(allow_cn(["alice"]), allow_san(["dns:alice.example.org"]))),
    ClientCertStrategy(
        lambda certificate: certificate["subject"].get("CN"),
        certificate_header="X-Cert",
        header_encoding="url-pem",
        trusted_proxies=TrustedProxies(addresses=("10.0.0.5",), certificate=allow_fingerprints(["9c" * 32])),
    ),
]


def with_anchors(certificate: PeerCertificate) -> ClientCertStrategy:
    """Name CAs, and who knows of revocations."""
    anchors = TrustAnchors(
        ["/etc/clients/ca.pem", b"-----BEGIN CERTIFICATE-----"],
        revocation=[RevocationLists("/etc/clients/ca.crl"), OCSPResponses(OCSPFetcher("http://ocsp.example.org/"))],
    )
    assert_type(anchors.validate(certificate), ValidatedPath)
    ClientCertStrategy(allow_ca("/etc/clients/ca.pem"), trust_anchors="/etc/clients/ca.pem")
    return ClientCertStrategy(
        all_of(allow_ca(anchors), allow_cn(["alice"])),
        certificate_source="aws-alb",
        trusted_proxies="*",
        trust_anchors=anchors,
    )


def in_a_condition(request: Request) -> str:
    """Tell the outcomes apart by their truth."""
    outcome = strategy.authenticate(request)
    if outcome:
        assert_type(outcome, Success[str])
        assert_type(outcome.identity, ForwardedIdentity | None)
        return outcome.certificate.thumbprint if outcome.certificate else "names alone"
    assert_type(outcome, Failure)
    return outcome.message


def by_their_class(request: Request) -> str:
    """Tell the outcomes apart by matching them."""
    match strategy.authenticate(request):
        case Success(user=user):
            return f"hello {user}"
        case Failure(reason=RejectionReason.UNTRUSTED_PEER, detail=detail):
            return f"{detail}"
        case Failure(reason=reason):
            return reason.value


def names(value: bytes) -> list[str]:
    """Read a certificate beyond what Node.js has."""
    certificate = parse_header(value, "rfc9440", max_certificates=2)
    assert_type(certificate.subject_alt_names, tuple[GeneralName, ...])
    return [f"{kind}:{name}" for kind, name in certificate.subject_alt_names] + [f"{certificate.not_after:%Y}"]


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as an ASGI application."""
    await send({"type": "http.response.start", "status": 200, "client": scope["client_certificate"], "of": receive})


def wsgi_app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer as a WSGI application."""
    start_response("200 OK", [])
    return [environ["clientcert.user"].encode()]


asgi_middleware = ClientCertMiddleware(app, strategy, required=False)
wsgi_middleware = WSGIMiddleware(wsgi_app, strategy, remote_user=str)
forward_auth_app = forward_auth(strategy, PRESETS["envoy"], chain=True, identity_headers={"X-User": str})


def next_hop(scope: Scope, lines: list[tuple[str, str]]) -> None:
    """Get back what was given, bytes or text."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    certificate: PeerCertificate | None = scope["client_certificate"]
    assert_type(forwarded_headers(headers, certificate), list[tuple[bytes, bytes]])
    assert_type(
        forwarded_headers(lines, certificate, "url-pem", header="X-Cert", remove=strategy.watched_headers),
        list[tuple[str, str]],
    )
