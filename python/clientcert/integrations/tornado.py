"""Tornado: a mixin for request handlers, websockets among them.

::

    class Account(ClientCertMixin, tornado.web.RequestHandler):
        def get(self):
            self.write(self.client_certificate["subject"]["CN"])

    app = tornado.web.Application([("/account", Account)], client_cert_strategy=ClientCertStrategy(allow_cn(["alice"])))

The user is ``self.current_user``, where Tornado's `tornado.web.authenticated` and templates look for it. The
certificate is that of the connection's socket, and so is the peer: ``xheaders=True`` changes ``request.remote_ip``
alone. Tornado has no hook for its end: await `clientcert.hooks.drain_async` there.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any, cast

from tornado.web import RequestHandler

from clientcert.outcome import Success
from clientcert.refusal import refusal
from clientcert.request import TLSConnection, TransportPeer
from clientcert.strategy import check_strategy
from clientcert.tls import from_ssl_object, transport_peer

if TYPE_CHECKING:
    import socket
    from collections.abc import Collection, Iterable

    from clientcert.certificate import PeerCertificate
    from clientcert.forwarded_identity import ForwardedIdentity
    from clientcert.outcome import Failure
    from clientcert.strategy import ClientCertStrategy

__all__ = ["ClientCertMixin", "TornadoRequest"]


class TornadoRequest:
    """The request of a `tornado.web.RequestHandler` as the strategy sees it. Callbacks and hooks get the handler."""

    __slots__ = ("native",)

    preserves_names = True

    def __init__(self, handler: RequestHandler) -> None:
        self.native: Any = handler

    @property
    def peer(self) -> TransportPeer:
        """The transport peer, from the socket: unknown where the client is gone."""
        connection = self._socket
        return TransportPeer("unknown") if connection is None else transport_peer(connection)

    def header_lines(self, names: Collection[bytes]) -> Iterable[tuple[bytes, bytes]]:  # noqa: ARG002 - all of them
        """Return every header line: Tornado changes the case of names, and nothing else of them."""
        for name, value in self.native.request.headers.get_all():
            yield name.lower().encode("latin-1"), value.encode("latin-1")

    def tls(self) -> TLSConnection | None:
        """Return what the TLS layer says of the client."""
        connection = self._socket
        if connection is None:  # the client is gone, and nobody can say any more whether it had a certificate
            return TLSConnection(authorized=False, rejected=True)
        return from_ssl_object(connection) if isinstance(connection, ssl.SSLSocket) else None

    def attach(self, certificate: PeerCertificate) -> None:
        """Put the certificate into ``self.client_certificate``."""
        self.native.client_certificate = certificate

    def attach_identity(self, identity: ForwardedIdentity) -> None:
        """Put the identity into ``self.client_identity``."""
        self.native.client_identity = identity

    @property
    def _socket(self) -> socket.socket | None:
        stream = getattr(self.native.request.connection, "stream", None)
        return getattr(stream, "socket", None)


class ClientCertMixin(RequestHandler):
    """Authenticate each request before its method runs, or answer in place of it.

    The strategy is the setting ``client_cert_strategy`` of the application. ``client_cert_required`` is an attribute of
    the class: where it is False, a request that presents no certificate at all goes on, with None for everything; one
    that presents a certificate which is rejected is refused all the same. What ``verify`` raises propagates: a 500.

    It is ``prepare`` that does so: a class with one of its own awaits ``super().prepare()``, and returns if
    ``self.get_status()`` is not 200. With `tornado.web.stream_request_body`, that is before the body. A websocket is
    refused before it is accepted.
    """

    client_cert_required = True
    client_certificate: PeerCertificate | None = None
    client_identity: ForwardedIdentity | None = None

    async def prepare(self) -> None:
        """Authenticate the request."""
        strategy = cast("ClientCertStrategy", self.settings.get("client_cert_strategy"))
        check_strategy(strategy)
        self.client_certificate = self.client_identity = self.current_user = None
        outcome = await strategy.authenticate_async(TornadoRequest(self))
        if isinstance(outcome, Success):
            self.current_user = outcome.user
        elif self.client_cert_required or outcome.presented:
            self._refuse(outcome)

    def get_current_user(self) -> Any:
        """Return nobody: who the user is, ``prepare`` has found out."""
        return None

    def _refuse(self, failure: Failure) -> None:
        status, headers, body = refusal(failure)
        self.clear()
        self.set_status(status)
        for name, value in headers:
            self.set_header(name, value)
        self.finish(body)  # pyright: ignore[reportUnknownMemberType]  # tornado's own
