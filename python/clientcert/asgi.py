"""ASGI shim: the request contract over a scope, a middleware for any ASGI application, and a guard for WSGI ones.

The certificate of a direct TLS connection comes from the server: through `clientcert.servers`, or by the ASGI ``tls``
extension where a server has it. The transport peer is authoritative only through `clientcert.servers`: a scope's
``client`` may have been replaced by what ``X-Forwarded-For`` says (uvicorn does so by default), and the middleware must
stand outside of anything else that does.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

from clientcert.errors import ConfigurationError
from clientcert.headers import WatchedHeaders, is_field_name
from clientcert.hooks import drain_async
from clientcert.outcome import Failure, Success, User, failure
from clientcert.presets import distinct_names, header_name
from clientcert.refusal import refusal
from clientcert.rejection import RejectionReason
from clientcert.request import TransportPeer, stated_peer
from clientcert.strategy import ClientCertStrategy, check_strategy
from clientcert.tls import Connection, from_extension
from clientcert.trust import Objection, trusted_proxies_from

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from clientcert.certificate import PeerCertificate
    from clientcert.extract import Recalled
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.request import TLSConnection
    from clientcert.trust import TrustedProxies

__all__ = ["ASGIRequest", "ClientCertMiddleware", "HeaderGuard", "client_cert_required"]

_logger = logging.getLogger("clientcert")

# All but the tab, which RFC 9110, section 5.5, allows; a server has made a space of a folded line (RFC 9112, 5.2).
_CONTROL_CHARACTER = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")

if TYPE_CHECKING:
    Scope = MutableMapping[str, Any]
    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class ASGIRequest:
    """An ``http`` or ``websocket`` scope as the strategy sees it. Callbacks and hooks get the scope itself."""

    __slots__ = ("native",)

    preserves_names = True

    def __init__(self, scope: Scope) -> None:
        self.native: Scope = scope

    @property
    def peer(self) -> TransportPeer:
        """The transport peer: authoritative through `clientcert.servers`, otherwise what the scope says."""
        return _peer(self.native)

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:  # noqa: ARG002 - all of them
        """Return every header line of the scope."""
        return _lines(self.native)

    def tls(self) -> TLSConnection | None:
        """Return what the server says of the client's TLS certificate, or None where it says nothing of TLS."""
        connection = _connection(self.native)
        if connection is not None:
            return connection.tls
        extensions = self.native.get("extensions")
        return from_extension(extensions["tls"]) if extensions and "tls" in extensions else None

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate into ``scope["client_certificate"]``."""
        self.native["client_certificate"] = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity into ``scope["client_identity"]``."""
        self.native["client_identity"] = identity


class ClientCertMiddleware:
    """Authenticate each request and websocket handshake, or answer in place of ``app``.

    ``app`` finds the certificate in ``scope["client_certificate"]`` and the user in ``scope["user"]``; an identity that
    was forwarded without a certificate in ``scope["client_identity"]``. A rejection is
    answered with its status and a constant text; a websocket is refused before it is accepted. What ``verify`` raises
    propagates to the server.

    With ``required=False``, a request that presents no certificate at all goes on to ``app`` with None for both. One
    that presents a certificate which is rejected, for whatever reason, is refused all the same.

    When the server shuts down, the hooks that are still waiting are run before it is told that the application is done.
    """

    def __init__(self, app: ASGIApp, strategy: ClientCertStrategy, *, required: bool = True) -> None:
        check_strategy(strategy)
        self._app = app
        self._strategy = strategy
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - the class says it
        if scope["type"] not in {"http", "websocket"}:  # a lifespan has no client
            await self._app(scope, receive, send_after_hooks(send))
            return
        # In place, not in a copy: what is further out reads what routers and applications write into the scope.
        scope["user"] = None
        # As `authenticate` does it, but without its coroutine for a client who is known at once.
        recalled = _recall(self._strategy, scope)
        if isinstance(recalled, Success):
            scope["user"] = recalled.user
        else:
            outcome = await _authenticate_recalled(self._strategy, scope, recalled, required=self._required)
            if isinstance(outcome, Failure):
                await _refuse(outcome, scope, send)
                return
            if outcome is not None:
                scope["user"] = outcome.user
        await self._app(scope, receive, send)


def client_cert_required(app: ASGIApp) -> ASGIApp:
    """Return ``app`` for clients with a certificate: one route of an application that lets others in.

    Around that application is a `ClientCertMiddleware` with ``required=False``, which authenticates; without it, each
    request raises `ConfigurationError`. A request without a certificate is answered as the middleware would.
    """

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await app(scope, receive, send)
            return
        absent = absence(scope, "ClientCertMiddleware(app, strategy, required=False)")
        if absent is None:
            await app(scope, receive, send)
        else:
            await _refuse(absent, scope, send)

    return guarded


class HeaderGuard:
    """Keep forged headers from ``app``: in front of a WSGI application, or of one that reads headers on its own.

    WSGI has one variable for ``X-Name`` and ``X_Name``, and what makes an environ of a scope joins them. So a
    `clientcert.wsgi.ClientCertMiddleware` behind such a bridge cannot tell who wrote what it reads; this can::

        app = HeaderGuard(a2wsgi.WSGIMiddleware(wsgi_app), strategy)

    ``watched`` is the strategy of that middleware, or the names of headers. Who may set them is what the strategy says,
    unless ``trusted_proxies`` says otherwise, which names alone always need.

    Forged is a watched header from a peer that is not trusted; from anybody, one with several lines where one is meant,
    with a control character, or named in ``Connection``; and any name that is not a watched one but may be taken for
    it: by case, by ``_``, ``.`` or another sign for a hyphen, or as it is no field name. Such a request is refused like
    one that is not authenticated. With ``on_forged="remove"`` it goes on without these lines, and without every watched
    header where it is not known which lines are the proxy's. What ``app`` finds of a watched header is one line, in
    lower case.

    Each case is logged (``"clientcert"``, level INFO), by reason and header; hooks are not called.
    """

    def __init__(
        self,
        app: ASGIApp,
        watched: ClientCertStrategy | Collection[str],
        *,
        trusted_proxies: TrustedProxies | Literal["*"] | Collection[str] | None = None,
        on_forged: Literal["refuse", "remove"] = "refuse",
    ) -> None:
        if on_forged not in {"refuse", "remove"}:
            raise ConfigurationError("on_forged must be 'refuse' or 'remove'")
        self._app = app
        self._headers = _watched_headers(watched, trusted_proxies)
        self._refuses = on_forged == "refuse"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: D102 - the class says it
        if scope["type"] in {"http", "websocket"}:
            objection = self._clean(scope)
            if objection is not None:
                reason, detail = objection
                _logger.info("forged headers, %s: %s", reason, detail)
                if self._refuses:
                    await _refuse(failure(RejectionReason(reason), detail), scope, send)
                    return
        await self._app(scope, receive, send)

    def _clean(self, scope: Scope) -> Objection | None:
        """Take what is forged out of ``scope``, and return why, or None."""
        headers = scope["headers"] = list(scope["headers"])
        lines = self._headers.collect(ASGIRequest(scope))
        objection = self._headers.objection(ASGIRequest(scope), lines) if lines else None
        watched = lines.single.copy()
        if objection is None or (objection.reason == "ambiguous_header_name" and lines.nominated is None):
            malformed = next((name for name, value in watched.items() if _CONTROL_CHARACTER.search(value)), None)
            if malformed is not None:
                objection = Objection("header_missing_or_malformed", f"{malformed.decode()} has a control character")
                watched.clear()
        else:
            watched.clear()
        if objection is None and not all(is_field_name(name) for name, _ in headers):
            objection = Objection("ambiguous_header_name", "a header's name is none that HTTP allows")
        # A list of its own: Uvicorn with httptools appends trailer fields to the server's, and bridges read it late.
        scope["headers"] = [
            *((name, value) for name, value in headers if not self._headers.may_be(name)),
            *watched.items(),
        ]
        return objection


_REFUSAL = "clientcert.refusal"
"""The key in a scope of how to refuse who has no certificate; None for one that is accepted."""


async def authenticate(
    strategy: ClientCertStrategy[User], scope: Scope, *, required: bool
) -> Success[User] | Failure | None:
    """Return who the client is, how to refuse it, or None for one without a certificate where that is allowed.

    It is what middleware and integrations have in common. The scope has the certificate and the identity afterwards,
    and nothing of what another layer has put there.
    """
    recalled = _recall(strategy, scope)
    if isinstance(recalled, Success):
        return recalled
    return await _authenticate_recalled(strategy, scope, recalled, required=required)


def _recall(strategy: ClientCertStrategy[User], scope: Scope) -> Success[User] | Recalled | None:
    """Return what `authenticate` does, if that is known at once; otherwise what `_authenticate_recalled` needs."""
    scope["client_certificate"] = scope["client_identity"] = None
    scope.pop(_REFUSAL, None)  # if `verify` raises, nobody has been authenticated
    recalled = strategy._recall(scope, _lines, _peer)  # noqa: SLF001 - within the package
    if isinstance(recalled, Success):
        scope["client_certificate"] = recalled.certificate
        scope[_REFUSAL] = None
    return recalled


async def _authenticate_recalled(
    strategy: ClientCertStrategy[User], scope: Scope, recalled: Recalled | None, *, required: bool
) -> Success[User] | Failure | None:
    request = ASGIRequest(scope)
    if recalled is None:
        outcome = await strategy.authenticate_async(request)
    else:
        outcome = await strategy._authenticate_recalled(request, recalled)  # noqa: SLF001 - within the package
    if isinstance(outcome, Success):
        scope[_REFUSAL] = None
        return outcome
    scope[_REFUSAL] = outcome
    return outcome if required or outcome.presented else None


def absence(scope: Scope, needed: str) -> Failure | None:
    """Return how to refuse a request without a certificate, or None; `ConfigurationError` if nobody has looked."""
    if _REFUSAL not in scope:
        raise ConfigurationError(f"nobody has authenticated this request: put {needed} around the application")
    absent: Failure | None = scope[_REFUSAL]
    return absent


def _watched_headers(
    watched: ClientCertStrategy | Collection[str],
    trusted_proxies: TrustedProxies | Literal["*"] | Collection[str] | None,
) -> WatchedHeaders:
    if isinstance(watched, ClientCertStrategy):
        headers = watched._extractor.headers  # noqa: SLF001 - within the package
        if headers is None:
            raise ConfigurationError("the strategy reads no header, so that there is none to guard")
        if trusted_proxies is None:
            return headers
        names, list_header = headers.names, headers.list_header
    else:
        if isinstance(watched, str) or not isinstance(watched, Collection) or not watched:
            raise ConfigurationError('a guard takes a strategy, or names: ["X-SSL-Client-Cert", "X-SSL-Client-Verify"]')
        distinct_names(watched)
        names = frozenset(map(header_name, watched))
        list_header = next((name for name in names if name == b"client-cert-chain"), None)  # RFC 9440, section 2.3
    trust = trusted_proxies_from(trusted_proxies)
    return WatchedHeaders(names, None if trust == "*" else trust, list_header=list_header)


def _connection(scope: Scope) -> Connection | None:
    extensions = scope.get("extensions")
    connection = extensions.get("clientcert") if extensions else None
    return connection if isinstance(connection, Connection) else None


# Uvicorn's ProxyHeadersMiddleware sets port 0 where the X-Forwarded-For entry it takes the address from has no port; no
# TCP client has that one. Granian writes ports as text.
_NO_PORT = frozenset({0, "0"})


_lines: Callable[[Scope], Iterable[tuple[bytes, bytes]]] = itemgetter("headers")
"""All header lines of a scope: ASGI has their names in lower case already."""


def _peer(scope: Scope) -> TransportPeer:
    if "extensions" in scope:
        connection = _connection(scope)
        if connection is not None:
            return connection.peer
    client = scope.get("client")
    if client is not None and (host := client[0]):
        return stated_peer(host, rewritten=client[1] in _NO_PORT)
    # Over a Unix socket there is no client address (granian: ""), and ``server`` is a path and None (granian: "0"; the
    # ASGI worker of gunicorn has the first two characters of the path). Each alone proves nothing: a TCP client that is
    # gone has no address, and httpx's in-process transport has a server without a port.
    server = scope.get("server")
    is_path = server is not None and (server[1] is None or server[0].startswith("/"))
    return TransportPeer("unix" if is_path else "unknown")


def send_after_hooks(send: Send) -> Send:
    """Return a ``send`` for a lifespan: hooks come before the end, after which a server may kill the process."""

    async def drain_and_send(message: Message) -> None:
        if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
            await drain_async()
        await send(message)

    return drain_and_send


async def _refuse(failure: Failure, scope: Scope, send: Send) -> None:
    status, headers, body = refusal(failure)
    prefix = "http.response"
    if scope["type"] == "websocket":
        prefix = "websocket.http.response"
        if prefix not in (scope.get("extensions") or ()):
            # Before "websocket.accept" the server answers this with 403: the ASGI specification has no other status.
            await send({"type": "websocket.close"})
            return
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    await send({"type": f"{prefix}.start", "status": status, "headers": lines})
    await send({"type": f"{prefix}.body", "body": b"" if scope.get("method") == "HEAD" else body})
