"""What an operator can do about a rejection: one hint for each cause, with the directive of the product where one is.

A hint may hold the peer's address, and names of headers, options and presets. It never holds what a client has written.
"""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import TYPE_CHECKING

from clientcert.errors import DecodeError
from clientcert.extract import says_none
from clientcert.parse import MOST_PARTS, HeaderEncoding, parse_header, parse_xfcc
from clientcert.presets import PRESETS, header_name
from clientcert.recognition import recognized
from clientcert.rejection import Check, RejectionReason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clientcert.certificate import XfccElement
    from clientcert.extract import Extractor
    from clientcert.headers import HeaderLines
    from clientcert.presets import Preset
    from clientcert.rejection import Rejection
    from clientcert.request import Request, TransportPeer

__all__ = ["address", "hint", "value_hint"]

_UNIX = 'the peer is a Unix socket: add "unix" to trusted_proxies if nobody but the proxy may open that socket'
_NO_ADDRESS = (
    "the server shows no address of the peer: if it listens on a Unix socket, or hides the address, let the proxy"
    ' show a secret, trusted_proxies=TrustedProxies(secret=("X-Proxy-Secret", ...)); under uvicorn, the protocols of'
    " clientcert.servers.uvicorn show the peer"
)
_REWRITTEN = (
    "something puts X-Forwarded-For in the place of the peer's address: start uvicorn with --no-proxy-headers or with"
    " the protocols of clientcert.servers.uvicorn; give gunicorn's uvicorn worker no forwarded_allow_ips; put"
    " clientcert outside of a ProxyFix middleware"
)
_IN_A_HEADER = (
    "the proxy must set this header in every request, in the place of what clients send under its name, to the value"
    " that trusted_proxies has"
)
_PROXY_CERTIFICATE = (
    "the proxy must connect to this server by TLS with a certificate that the policy in trusted_proxies allows (nginx:"
    " proxy_ssl_certificate), and this server must ask for it"
)
_DUPLICATE = (
    "the proxy adds its line to that of the client, where it should replace it: HAProxy set-header, not add-header;"
    " Apache RequestHeader set, not add; Caddy header_up without +; Envoy SANITIZE_SET, not APPEND_FORWARD"
)
_CONNECTION = (
    "the proxy must not pass Connection on: in Apache, RequestHeader unset Connection, before the other directives"
)
_ALIAS = (
    "the proxy must drop such names: nginx, underscores_in_headers off; Envoy, headers_with_underscores_action:"
    " DROP_HEADER; HAProxy, http-request del-header with -m reg; Apache, RequestHeader unset"
)
_NONE = (
    "the proxy says that there is no certificate: the client has sent none, or the proxy does not ask for one (nginx"
    " ssl_verify_client, HAProxy verify, Apache SSLVerifyClient, Caddy client_auth), or it is too large for the proxy"
    " (HAProxy tune.bufsize)"
)
_CUT_OFF = "the value is cut off: look for a limit on the size of headers, at the proxy and at this server"
_JOINED = (
    "a server has joined two header lines, or the proxy does not send the certificate first, and after each its issuer"
)
_CROSS_CHECK = (
    "the certificate and this header are not from one place: the proxy must set both in every request, in the place of"
    " what clients send; or this product writes it in another form: cross_checks of the preset"
)
_CHAIN = "what the proxy sends as the chain is not in the encoding that the preset has for it"
_NO_CERTIFICATE_IN_XFCC = (
    "have Envoy forward the certificate: set_current_client_cert_details with cert: true; for the names alone, it is"
    " certificate_source='istio' with accept_forwarded_identity=True"
)
_NOT_ENVOYS_NAMES = (
    "names are read from By, Hash, Subject and at most one URI or DNS pair, in this order and as Envoy writes them:"
    " have Envoy forward the certificate (cert: true) for clients that have more names"
)
_NOT_TLS = (
    "if TLS ends at this server: uvicorn shows certificates with the protocols of clientcert.servers.uvicorn, and"
    " others as the documentation of clientcert.wsgi says; if TLS ends at a proxy: name its certificate_source"
)
_NOT_ASKED = (
    "the client has sent no certificate, or the server has not asked for one: uvicorn needs ssl_cert_reqs and"
    " ssl_ca_certs, gunicorn --cert-reqs and --ca-certs"
)
_REJECTED_BY_TLS = "the server has seen a certificate and not accepted it: its CA must be among those of the server"
_NOT_RETRIEVABLE = (
    "the server vouches for a certificate and does not show one that can be read: uvicorn needs the protocols of"
    " clientcert.servers.uvicorn"
)
_PATH = (
    "the root of the client's CA must be among trust_anchors, and what is between must come along or be there, too;"
    " openssl verify -purpose sslclient -CAfile, with the file of the anchors, and -untrusted, tells more"
)
_REVOKED = "the client needs a new certificate, or its issuer: whoever revoked it knows why"
_REVOCATION_UNKNOWN = (
    "a list of revocations that its issuer has signed and that is not past its nextUpdate, or an OCSP response, is"
    " needed for each certificate of the path but the anchor: trust_anchors.status() says what is loaded, and"
    " check_intermediates=False asks for the client's alone"
)


_CERTIFICATE = {
    RejectionReason.UNTRUSTED_ISSUER: _PATH,
    RejectionReason.REVOKED: _REVOKED,
    RejectionReason.REVOCATION_UNKNOWN: _REVOCATION_UNKNOWN,
}
_OF_CERTIFICATES = frozenset({Check.VALIDITY, Check.PATH, Check.REVOCATION})


def hint(  # noqa: PLR0911 - one for each check
    extractor: Extractor, request: Request, rejection: Rejection
) -> str | None:
    """Return what an operator can do about ``rejection``, which ``extractor`` gave for ``request``."""
    if rejection.check in _OF_CERTIFICATES:
        return _CERTIFICATE.get(rejection.reason) or _validity(rejection)
    preset = extractor.preset
    if preset is None or extractor.headers is None or rejection.check is Check.SOCKET:
        return _socket(extractor, request, rejection)
    lines = extractor.headers.collect(request)
    match rejection.check:
        case Check.PEER:
            return _peer(extractor, request.peer, rejection)
        case Check.DUPLICATES:
            return _DUPLICATE
        case Check.NAMES:
            return _ALIAS if lines.nominated is None else _CONNECTION
        case Check.VERDICTS:
            return _verdict(extractor, preset, lines)
        case Check.CROSS_CHECKS:
            return _cross_check(preset, lines, rejection)
        case Check.HEADER:
            return _absent(extractor, preset, request)
        case Check.DECODING:
            return _undecodable(extractor, preset, extractor.certificate_value(lines.single) or b"")
        case _:
            return _JOINED if rejection.reason is RejectionReason.DUPLICATE_HEADER else _CHAIN


def value_hint(value: bytes, encoding: HeaderEncoding, error: DecodeError) -> str | None:
    """Return what may be wrong with a header value that gave ``error`` when it was read as ``encoding``."""
    value = value.strip(b" \t")
    if value.startswith(b'"'):
        return "the value is in quotes, which no proxy should put around it (HAProxy: no %{+Q})"
    found = recognized(value)
    if found is not None and _alike(found) != _alike(encoding):
        return f"this looks like {found}, not {encoding}"
    return _CUT_OFF if found is not None and _is_cut_off(value, error) else None


def _alike(encoding: str) -> str:
    """Return one encoding for all that are written alike as far as the first characters show."""
    return {"url-pem-aws": "url-pem", "base64-der-concat": "base64-der"}.get(encoding, encoding)


def _is_cut_off(value: bytes, error: DecodeError) -> bool:
    if error.code == "xfcc_quote":
        return b'"' not in value[error.offset + 1 :]
    if error.code == "der":  # a first element, by its beginning a certificate, that goes beyond the data
        return error.offset == 0
    # At the end, or at the "%" of an octet that is not whole, or at the last character of a group of base64.
    return error.code in {"base64", "hex", "pem", "percent", "byte_sequence"} and error.offset >= len(value) - 3


def address(peer: TransportPeer) -> str | None:
    """Return the peer's address, or None where there is none, or text that is none.

    With a zone (RFC 4007, section 11) it is none: sockets say none, and `ip_address` takes any text for one.
    """
    if peer.kind != "ip" or peer.host is None or "%" in peer.host:
        return None
    try:
        return str(ip_address(peer.host))
    except ValueError:
        return None


def _peer(extractor: Extractor, peer: TransportPeer, rejection: Rejection) -> str:
    if rejection.reason is RejectionReason.PEER_REWRITTEN:
        return _REWRITTEN
    trust = extractor.trust
    if trust is None or trust.lists(peer):
        secret = None if trust is None else trust.secret_header
        return _IN_A_HEADER if secret is not None and secret.decode() in rejection.detail else _PROXY_CERTIFICATE
    if peer.kind == "unix":
        return _UNIX
    shown = address(peer)
    if shown is None:
        return _NO_ADDRESS
    local = " on this machine (loopback is not trusted unless it is listed)" if ip_address(shown).is_loopback else ""
    return (
        f"the headers are there, but {shown} is not in trusted_proxies: add it if it is the proxy's address{local};"
        " if it is a client's, that client gets past the proxy"
    )


def _verdict(extractor: Extractor, preset: Preset, lines: HeaderLines) -> str | None:
    wrong = extractor.wrong_verdict(lines)
    if wrong is None:
        return None
    header, value = wrong
    if not value:
        return f"{header.decode()} must be empty: in it, the proxy says what is wrong with the certificate"
    if header not in lines.single:
        return _with_note(f"the proxy must set {header.decode()}: {value.decode()} for a verified certificate", preset)
    return (
        f"the proxy does not say {value.decode()}, so it has not verified a certificate: the client has sent none, or"
        " one that the proxy does not accept; or this product spells it otherwise: verify_value"
    )


def _cross_check(preset: Preset, lines: HeaderLines, rejection: Rejection) -> str:
    header = rejection.detail.partition(" ")[0]
    if header.encode() in lines.single:
        return _CROSS_CHECK
    return _with_note(f"the proxy must set {header} beside the certificate", preset)


def _absent(extractor: Extractor, preset: Preset, request: Request) -> str:
    others = _other_presets(extractor, request)
    if others is not None:
        return others
    connection = request.tls()
    if connection is not None and connection.authorized:
        return (
            "the TLS connection itself has a client's certificate: if clients connect to this server directly, leave"
            " certificate_source out, or set fallback_to_socket=True"
        )
    return _with_note(f"the proxy must set {extractor.certificate_header.decode()} for each certificate", preset)


def _with_note(text: str, preset: Preset) -> str:
    return f"{text}. {preset.note}" if preset.note else text


def _other_presets(extractor: Extractor, request: Request) -> str | None:
    """Return which presets read a header that is there, None if there is no such header."""
    own = None if extractor.preset is None else extractor.certificate_header
    presets: dict[bytes, list[str]] = {}
    for preset in PRESETS.values():
        presets.setdefault(header_name(preset.header), []).append(preset.name)
    presets.pop(own or b"", None)
    found = {name for name, _ in request.header_lines(presets)} & presets.keys()
    return (
        "; ".join(
            f"{name.decode()} is there: that is the preset {' or '.join(map(repr, presets[name]))}"
            for name in sorted(found)
        )
        or None
    )


def _undecodable(extractor: Extractor, preset: Preset, value: bytes) -> str | None:
    if says_none(value):
        return _NONE
    try:
        if preset.encoding == "xfcc":
            return _xfcc(extractor, parse_xfcc(value, max_elements=MOST_PARTS))
        parse_header(value, preset.encoding, max_certificates=MOST_PARTS)
    except DecodeError as error:
        found = value_hint(value, preset.encoding, error)
        if found is not None and found.startswith("this looks like"):
            return f"{found}: name the preset or the header_encoding that fits, if nobody but the proxy wrote it"
        return found
    return _JOINED


def _xfcc(extractor: Extractor, elements: Sequence[XfccElement]) -> str:
    if len(elements) != extractor.xfcc_elements:
        return (
            f"the header has {len(elements)} elements. xfcc_elements, here {extractor.xfcc_elements}, is the number of"
            " proxies on the way that add one (APPEND_FORWARD, SANITIZE_SET): set it to that number; if one of them"
            " should be alone, it must replace what clients send: SANITIZE_SET"
        )
    return _NOT_ENVOYS_NAMES if extractor.accepts_names else _NO_CERTIFICATE_IN_XFCC


def _validity(rejection: Rejection) -> str | None:
    now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    if rejection.reason is RejectionReason.CERTIFICATE_EXPIRED:
        return f"the client needs a new certificate, unless the clock of this machine is wrong: it says {now}"
    if rejection.reason is RejectionReason.CERTIFICATE_NOT_YET_VALID:
        return f"the clock of this machine, or that of the issuer, is wrong: this one says {now}"
    return None


def _socket(extractor: Extractor, request: Request, rejection: Rejection) -> str:
    if rejection.reason is RejectionReason.CERTIFICATE_NOT_RETRIEVABLE:
        return _NOT_RETRIEVABLE
    connection = request.tls()
    if connection is not None:
        return _REJECTED_BY_TLS if connection.rejected else _NOT_ASKED
    return _other_presets(extractor, request) or _NOT_TLS
