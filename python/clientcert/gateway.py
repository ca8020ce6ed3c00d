"""For gateways: they authenticate the client, and tell the next hop who it is.

`forwarded_headers` is for a gateway in Python, which forwards requests itself. `forward_auth` is the application that
nginx, Traefik, Caddy or Envoy asks before it forwards one.

The next hop believes these headers from the gateway alone: its strategy names the gateway in ``trusted_proxies``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, AnyStr
from urllib.parse import quote

from clientcert.asgi import ClientCertMiddleware
from clientcert.certificate import PeerCertificate
from clientcert.cross_check import forwarded_value
from clientcert.errors import ConfigurationError
from clientcert.forwarded_identity import ForwardedIdentity
from clientcert.headers import WatchedHeaders
from clientcert.parse import HeaderEncoding, encode_header
from clientcert.policy import is_async
from clientcert.presets import PRESETS, Preset, distinct_names, header_name
from clientcert.strategy import check_strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from clientcert.asgi import ASGIApp, Receive, Scope, Send
    from clientcert.outcome import User
    from clientcert.strategy import ClientCertStrategy

__all__ = ["forward_auth", "forwarded_headers", "proxy_headers"]

_CONFIGURATIONS = 64  # remembered: a gateway has a few, and making a set of names takes longer than all the rest

# What stays in an identity header as it is: visible ASCII without "%", which begins what does not.
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("%", "")


def forwarded_headers(
    headers: Iterable[tuple[AnyStr, AnyStr]],
    certificate: PeerCertificate | None,
    encoding: HeaderEncoding | Preset = "rfc9440",
    *,
    header: str | None = None,
    chain: bool = False,
    remove: Collection[str] = (),
) -> list[tuple[AnyStr, AnyStr]]:
    """Return the header lines of a request with those about ``certificate`` in the place of what the client sent.

    ``encoding`` is ``"rfc9440"``, for ``Client-Cert``, or another one for the header named ``header``, or the preset
    that the next hop reads. A preset with verdicts says that the certificate has been verified. ``chain`` adds what
    followed the certificate: unverified, and only where there is a place for it. With None for ``certificate``, lines
    are only removed: so also where `Success.certificate` is None, as the client is a `ForwardedIdentity`. That has no
    certificate to write, and for the next hop such a client is nobody.

    Removed are the lines of every preset, and those under the names in ``remove``: give it the ``watched_headers`` of
    the strategy, which has a proxy's secret among them. So are names that differ from these in case or in a sign where
    they have a hyphen, and what is no field name (RFC 9110, section 5.1): the next hop may take it for one.
    ``Connection`` loses the options that nominate such names, upon which the next hop would remove the true header
    (section 7.6.1); its other options stay, and are for the gateway to handle before or after.

    ``headers`` are pairs of bytes, as ASGI has them, or of str; names that are added are in lower case. Without a
    single line, the result is bytes.

    Raises `ConfigurationError` where the options do not say which header to write, or have no place for a chain, and
    for a `ForwardedIdentity` in place of a certificate; `TypeError` for lines that are not alike.
    """
    if isinstance(remove, str):
        raise ConfigurationError(f"remove={remove!r} must be a list of names: write [{remove!r}]")
    preset = _destination(encoding, header, chain=chain)
    watched = _watched(preset, frozenset(remove))
    lines = list(headers)
    kind: type[Any] = type(lines[0][0]) if lines else bytes
    if kind not in {bytes, str} or any(type(part) is not kind for line in lines for part in line):
        raise TypeError("headers are pairs of bytes, or pairs of str")
    forwarded: list[tuple[AnyStr, AnyStr]] = []
    for name, value in lines:
        octets = _octets(name)
        if watched.may_be(octets):
            continue
        if octets.lower() != b"connection":
            forwarded.append((name, value))
        elif (kept := watched.without_nominations(_octets(value))) is not None:
            forwarded.append((name, _like(kept.decode("latin-1"), kind)))
    if certificate is not None:
        added = _certificate_headers(preset, certificate, chain=chain)
        forwarded += [(_like(name, kind), _like(value, kind)) for name, value in added.items()]
    return forwarded


def forward_auth(
    strategy: ClientCertStrategy[User],
    encoding: HeaderEncoding | Preset = "rfc9440",
    *,
    header: str | None = None,
    chain: bool = False,
    identity_headers: Mapping[str, Callable[[User], str | None]] | None = None,
) -> ASGIApp:
    """Return the ASGI application that a reverse proxy asks whether a request may pass: 200, or the refusal.

    It is what nginx's ``auth_request``, Traefik's ForwardAuth, Caddy's ``forward_auth`` and Envoy's ``ext_authz`` over
    HTTP call, by whatever method and path. ``docs/gateways.md`` has their configuration: what the proxy copies from the
    answer to the request, it must replace or remove where the client sent it.

    The answer 200 has the certificate in its headers, written as by `forwarded_headers`, no body, and is not to be
    cached. ``identity_headers`` are further headers: names, and functions of the user that ``verify`` returned. All of
    them are in each answer, with an empty value for None, so that none of the client's is left in their place. In a
    value, what is not visible ASCII, and ``%``, is percent-encoded as UTF-8: whatever a certificate has for a name, the
    value is one line, and differs from that of any other name.

    Raises `ConfigurationError` for options of which one of the answers could not be made, and for a strategy with
    ``accept_forwarded_identity``: a `ForwardedIdentity` has no certificate to answer with.
    """
    check_strategy(strategy)
    if strategy._extractor.accepts_names:  # noqa: SLF001 - within the package
        raise ConfigurationError(
            "forward_auth answers with the client's certificate, and a forwarded identity has none: leave out"
            " accept_forwarded_identity"
        )
    return ClientCertMiddleware(
        _Identified(_destination(encoding, header, chain=chain), identity_headers or {}, chain=chain), strategy
    )


def proxy_headers(preset: Preset, certificate: PeerCertificate) -> dict[str, str]:
    """Return the headers in which the proxy of ``preset`` forwards a certificate that it has verified.

    They are all that the preset knows of: verdicts, cross-checks, and the chain where there is a place for it.
    """
    headers = dict(preset.verdicts)
    value = encode_header(certificate, preset.encoding, chain=preset.chain_in_header)
    headers[preset.header] = f'"{value}"' if preset.quoted else value
    headers |= {header: forwarded_value(certificate, form) for header, form in preset.cross_checks}
    issuers = certificate.chain[1:]
    if preset.chain_header is not None and issuers:
        encoding = preset.chain_encoding or preset.encoding
        if encoding == "rfc9440":  # a List with one member for each certificate (section 2.3)
            headers[preset.chain_header] = ", ".join(encode_header(issuer, encoding) for issuer in issuers)
        else:
            headers[preset.chain_header] = encode_header(issuers[0], encoding, chain=True)
    return headers


class _Identified:
    """Answers a request that has been authenticated."""

    def __init__(
        self, preset: Preset, identity_headers: Mapping[str, Callable[[Any], str | None]], *, chain: bool
    ) -> None:
        distinct_names([*preset.headers, "content-length", "cache-control", *identity_headers])
        for name, function in identity_headers.items():
            if not callable(function) or is_async(function):
                raise ConfigurationError(
                    f"identity_headers[{name!r}] must be a function of the user that answers at once"
                )
        self._preset = preset
        self._identity_headers = dict(identity_headers)
        self._chain = chain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for stage in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{stage}.complete"})
            return
        prefix = "http.response"
        if scope["type"] == "websocket":
            # A proxy that asks with the headers of a handshake wants an answer, not a websocket.
            prefix = "websocket.http.response"
            if prefix not in (scope.get("extensions") or ()):
                await send({"type": "websocket.close"})
                return
        await send({"type": f"{prefix}.start", "status": 200, "headers": self._headers(scope)})
        await send({"type": f"{prefix}.body", "body": b""})

    def _headers(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        headers = {"content-length": "0", "cache-control": "no-store"}
        headers |= _certificate_headers(self._preset, scope["client_certificate"], chain=self._chain)
        for name, function in self._identity_headers.items():
            value = function(scope["user"])
            headers[name] = "" if value is None else quote(value, safe=_VISIBLE)
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


@lru_cache(_CONFIGURATIONS)
def _destination(encoding: HeaderEncoding | Preset, header: str | None, *, chain: bool) -> Preset:
    """Return the preset of which a certificate is written; `ConfigurationError` if that is none."""
    if isinstance(encoding, Preset):
        if header is not None:
            raise ConfigurationError(
                "a preset names its headers itself: to rename one, write preset.replace(header=...)"
            )
        preset = encoding
    elif header is not None:
        preset = Preset(
            name="header",
            header=header,
            encoding=encoding,
            # As a strategy reads these two from certificate_header.
            chain_in_header=encoding in {"xfcc", "url-pem-aws"},
            verified_by="configuration",
        )
    elif encoding == "rfc9440":
        preset = PRESETS["rfc9440"]
    else:
        raise ConfigurationError(
            f"{encoding!r} does not say which header: name it with header=, or give a preset: PRESETS['nginx']"
        )
    if chain and not preset.chain_in_header and preset.chain_header is None:
        raise ConfigurationError(f"there is no place for a chain beside {preset.header}: give a preset that has one")
    return preset


def _certificate_headers(preset: Preset, certificate: PeerCertificate, *, chain: bool) -> dict[str, str]:
    if isinstance(certificate, ForwardedIdentity):
        raise ConfigurationError(
            "a forwarded identity has no certificate to write: give None, and the next hop finds nobody"
        )
    if not isinstance(certificate, PeerCertificate):
        raise TypeError(f"a certificate is a PeerCertificate, not {type(certificate).__name__}")
    headers = proxy_headers(preset, certificate if chain else certificate.without_chain())
    return {name.lower(): value for name, value in headers.items()}


@lru_cache(_CONFIGURATIONS)
def _watched(preset: Preset, remove: frozenset[str]) -> WatchedHeaders:
    names = [name for each in (preset, *PRESETS.values()) for name in each.headers]
    return WatchedHeaders([header_name(name) for name in (*names, *remove)], None)


def _like(text: str, kind: type[Any]) -> Any:
    return text if kind is str else text.encode("latin-1")


def _octets(text: str | bytes) -> bytes:
    # HTTP has no other characters: what takes the place of one is in no field name, and in no option of Connection.
    return text if isinstance(text, bytes) else text.encode("latin-1", "replace")
