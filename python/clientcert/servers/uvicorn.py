"""Uvicorn protocols that tell the application who is at the other end of the connection.

::

    uvicorn.run(
        app,
        ssl_certfile="server.pem",
        ssl_keyfile="server.key",
        **client_certificates("clients-ca.pem", required=False),
    )

Each protocol is Uvicorn's own, with one addition: for the life of a connection it hands every scope its
`clientcert.tls.Connection` in ``scope["extensions"]["clientcert"]`` and, over TLS, the ASGI ``tls`` extension. Both are
read from the transport once, when the connection is made, and kept by the connection itself: a `ContextVar` set during
the handshake leaks into the requests of others under uvloop.

``proxy_headers``, on by default in Uvicorn, replaces ``scope["client"]``; the transport peer here stays what it was.
Trailer fields stay out of ``scope["headers"]``, among which Uvicorn with httptools puts those of a chunked request.

The command line of Uvicorn takes none but its own ``--http`` protocols: use `uvicorn.run`, or under gunicorn
a subclass of ``UvicornWorker`` with these names in ``CONFIG_KWARGS``.
"""

from __future__ import annotations

import ssl
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypedDict

from clientcert.request import TransportPeer
from clientcert.tls import Connection, from_ssl_object, transport_peer

if TYPE_CHECKING:
    import asyncio
    import os
    from collections.abc import Awaitable

    from clientcert.asgi import ASGIApp, Receive, Scope, Send

# Found by `__getattr__`, so that a parser which is not installed is missed only by who names it.
__all__ = [  # noqa: F822 - as above
    "AutoHTTPProtocol",
    "AutoWebSocketsProtocol",
    "H11Protocol",
    "HttpToolsProtocol",
    "UvicornOptions",
    "WSProtocol",
    "WebSocketProtocol",
    "WebSocketsSansIOProtocol",
    "client_certificates",
]

_PROTOCOLS = {
    "AutoHTTPProtocol": "uvicorn.protocols.http.auto",
    "AutoWebSocketsProtocol": "uvicorn.protocols.websockets.auto",
    "H11Protocol": "uvicorn.protocols.http.h11_impl",
    "HttpToolsProtocol": "uvicorn.protocols.http.httptools_impl",
    "WSProtocol": "uvicorn.protocols.websockets.wsproto_impl",
    "WebSocketProtocol": "uvicorn.protocols.websockets.websockets_impl",
    "WebSocketsSansIOProtocol": "uvicorn.protocols.websockets.websockets_sansio_impl",
}
"""Uvicorn's names for its protocols, and where it has them."""

_TLS_VERSIONS = {version.name.replace("_", "."): version.value for version in ssl.TLSVersion if version.value > 0}
"""What `ssl.SSLObject.version` returns, as the number on the wire."""


class UvicornOptions(TypedDict):
    """Keyword arguments of `uvicorn.run` and `uvicorn.Config`."""

    http: str
    ws: str
    ssl_cert_reqs: int
    ssl_ca_certs: str | os.PathLike[str]


def client_certificates(ca_certs: str | os.PathLike[str], *, required: bool = True) -> UvicornOptions:
    """Return the options with which Uvicorn asks for client certificates that ``ca_certs`` certifies, and shows them.

    With ``required=False`` a client without a certificate may connect; one with a certificate that does not verify
    may not.
    """
    return {
        "http": f"{__name__}:AutoHTTPProtocol",
        "ws": f"{__name__}:AutoWebSocketsProtocol",
        "ssl_cert_reqs": ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL,
        "ssl_ca_certs": ca_certs,
    }


class _ConnectionApp:
    """The application of one connection: hands each scope what is known of the connection."""

    def __init__(self, app: ASGIApp, transport: asyncio.BaseTransport) -> None:
        self._app = app
        transport_socket = transport.get_extra_info("socket")
        ssl_object = transport.get_extra_info("ssl_object")
        self._connection = Connection(
            peer=TransportPeer("unknown") if transport_socket is None else transport_peer(transport_socket),
            tls=None if ssl_object is None else from_ssl_object(ssl_object),
        )
        self._tls_extension = None if ssl_object is None else _tls_extension(self._connection, ssl_object)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        extensions = scope.setdefault("extensions", {})
        extensions["clientcert"] = self._connection
        if self._tls_extension is not None:
            # A copy: what an application does to its scope is not for the next request.
            extensions["tls"] = self._tls_extension.copy()
        return self._app(scope, receive, send)


class _WithConnection:
    """Mixed into a protocol of Uvicorn's: replaces the application when the connection is made."""

    app: ASGIApp

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[misc]  # the protocol's
        self.app = _ConnectionApp(self.app, transport)


class _WithoutTrailers:
    """Mixed into a protocol of httptools, whose parser reports header lines and trailer fields by the same callback."""

    headers: list[tuple[bytes, bytes]]
    scope: Scope

    def on_headers_complete(self) -> None:
        # A proxy may remove a header and pass on the trailer of that name: RFC 9112, section 7.1.2, forbids to merge
        # them. The application runs later than this, and what comes later is appended to the other list.
        self.scope["headers"] = self.headers.copy()
        super().on_headers_complete()  # type: ignore[misc]  # the protocol's


def _tls_extension(connection: Connection, ssl_object: ssl.SSLObject) -> dict[str, Any]:
    """Return the ASGI ``tls`` extension (version 0.2), with None for what it wants and nobody needs."""
    certificates = connection.tls.certificates if connection.tls is not None else ()
    return {
        "server_cert": None,
        "client_cert_chain": tuple(map(ssl.DER_cert_to_PEM_cert, certificates)),
        "client_cert_error": None,
        "tls_version": _TLS_VERSIONS.get(ssl_object.version() or ""),
        "cipher_suite": None,
    }


def __getattr__(name: str) -> Any:
    if name not in _PROTOCOLS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    base = getattr(import_module(_PROTOCOLS[name]), name)
    mixins = (_WithoutTrailers, _WithConnection) if hasattr(base, "on_headers_complete") else (_WithConnection,)
    # Uvicorn has None where no websocket library is installed.
    protocol = None if base is None else type(name, (*mixins, base), {"__module__": __name__})
    globals()[name] = protocol
    return protocol
