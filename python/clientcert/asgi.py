"""ASGI shim: the request contract over a scope, and a middleware for any ASGI application.

The certificate of a direct TLS connection comes from the server: through `clientcert.servers`, or by the ASGI ``tls``
extension where a server has it. The transport peer is authoritative only through `clientcert.servers`: a scope's
``client`` may have been replaced by what ``X-Forwarded-For`` says (uvicorn does so by default), and the middleware must
stand outside of anything else that does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from clientcert.hooks import drain_async
from clientcert.refusal import refusal
from clientcert.request import TransportPeer
from clientcert.strategy import Success, check_strategy
from clientcert.tls import Connection, from_extension

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.request import TLSConnection
    from clientcert.strategy import ClientCertStrategy, Failure

__all__ = ["ASGIRequest", "ClientCertMiddleware"]

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
        self.native = scope

    @property
    def peer(self) -> TransportPeer:
        """The transport peer: authoritative through `clientcert.servers`, otherwise what the scope says."""
        connection = _connection(self.native)
        return _scope_peer(self.native) if connection is None else connection.peer

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:  # noqa: ARG002 - all of them
        """Return every header line of the scope: ASGI has the names in lower case already."""
        lines: Iterable[tuple[bytes, bytes]] = self.native["headers"]
        return lines

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
            await self._app(scope, receive, _send_after_hooks(send))
            return
        # In place, not in a copy: what is further out reads what routers and applications write into the scope.
        scope["client_certificate"] = scope["client_identity"] = scope["user"] = None
        outcome = await self._strategy.authenticate_async(ASGIRequest(scope))
        if isinstance(outcome, Success):
            scope["client_certificate"] = outcome.certificate
            scope["user"] = outcome.user
        elif self._required or outcome.presented:
            await _refuse(outcome, scope, send)
            return
        await self._app(scope, receive, send)


def _connection(scope: Scope) -> Connection | None:
    extensions = scope.get("extensions")
    connection = extensions.get("clientcert") if extensions else None
    return connection if isinstance(connection, Connection) else None


def _scope_peer(scope: Scope) -> TransportPeer:
    client = scope.get("client")
    if client is not None and client[0]:
        # Uvicorn's ProxyHeadersMiddleware sets port 0 where the X-Forwarded-For entry it takes the address from has no
        # port; no TCP client has that one. Granian writes ports as text.
        return TransportPeer("ip", client[0], rewritten=client[1] in {0, "0"})
    # Over a Unix socket there is no client address (granian: "") and ``server`` is a path and None. Each alone proves
    # nothing: a TCP client that is gone has no address, and httpx's in-process transport has a server without a port.
    server = scope.get("server")
    return TransportPeer("unix" if server is not None and server[1] is None else "unknown")


def _send_after_hooks(send: Send) -> Send:
    """Return a ``send`` for a lifespan: hooks come before the end, after which a server may kill the process."""

    async def send_after_hooks(message: Message) -> None:
        if message["type"] in {"lifespan.shutdown.complete", "lifespan.shutdown.failed"}:
            await drain_async()
        await send(message)

    return send_after_hooks


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
