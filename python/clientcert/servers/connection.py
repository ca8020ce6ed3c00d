"""What a server knows of a connection, handed to each scope of its requests.

It is read once, when the connection is made, and kept by the connection itself: a `ContextVar` set during the handshake
leaks into the requests of others under uvloop.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

from clientcert.request import TransportPeer
from clientcert.tls import Connection, from_ssl_object, transport_peer

if TYPE_CHECKING:
    import asyncio
    import socket
    from collections.abc import Awaitable

    from clientcert.asgi import ASGIApp, Receive, Scope, Send

__all__ = ["ConnectionApp", "KnownConnection", "WithConnection"]

_TLS_VERSIONS = {version.name.replace("_", "."): version.value for version in ssl.TLSVersion if version.value > 0}
"""What `ssl.SSLObject.version` returns, as the number on the wire."""


class KnownConnection:
    """What is known of one connection: its `clientcert.tls.Connection` and, over TLS, the ASGI ``tls`` extension."""

    def __init__(
        self, transport_socket: socket.socket | None, ssl_object: ssl.SSLSocket | ssl.SSLObject | None
    ) -> None:
        self._connection = Connection(
            peer=TransportPeer("unknown") if transport_socket is None else transport_peer(transport_socket),
            tls=None if ssl_object is None else from_ssl_object(ssl_object),
        )
        self._tls_extension = None if ssl_object is None else _tls_extension(self._connection, ssl_object)

    def add_to(self, scope: Scope) -> None:
        """Put it into ``scope["extensions"]``, in place of whatever the server has there under these names."""
        extensions = scope.setdefault("extensions", {})
        extensions["clientcert"] = self._connection
        if self._tls_extension is not None:
            # A copy: what an application does to its scope is not for the next request.
            extensions["tls"] = self._tls_extension.copy()


class ConnectionApp:
    """The application of one connection: hands each scope what is known of the connection."""

    def __init__(self, app: ASGIApp, transport: asyncio.BaseTransport) -> None:
        self._app = app
        self._known = KnownConnection(transport.get_extra_info("socket"), transport.get_extra_info("ssl_object"))

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:  # noqa: D102 - the class says it
        self._known.add_to(scope)
        return self._app(scope, receive, send)


class WithConnection:
    """Mixed into an asyncio protocol of a server: replaces its application when the connection is made."""

    app: ASGIApp

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the server's protocol begin, and read what is known, before it has read a request."""
        super().connection_made(transport)  # type: ignore[misc]  # the protocol's
        self.app = ConnectionApp(self.app, transport)


def _tls_extension(connection: Connection, ssl_object: ssl.SSLSocket | ssl.SSLObject) -> dict[str, Any]:
    """Return the ASGI ``tls`` extension (version 0.2), with None for what it wants and nobody needs."""
    certificates = connection.tls.certificates if connection.tls is not None else ()
    return {
        "server_cert": None,
        "client_cert_chain": tuple(map(ssl.DER_cert_to_PEM_cert, certificates)),
        "client_cert_error": None,
        "tls_version": _TLS_VERSIONS.get(ssl_object.version() or ""),
        "cipher_suite": None,
    }
